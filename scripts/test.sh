#!/usr/bin/env bash
# Runs every test there is, and prints what ran and how long it took.
# Usage: scripts/test.sh [STEP …]   (all of them, in order, when none is named)
# On a fresh Debian with Go it installs what is missing: Chromium and shellcheck
# from Debian, golangci-lint into .tools/.
set -euo pipefail
cd "$(dirname "$0")/.."

lint_version=v2.15.0
steps=(format vet shell lint floors unit race stories cli e2e browser)
summary=()

# need COMMAND PACKAGE… installs Debian packages when COMMAND is missing.
need() {
  command -v "$1" >/dev/null && return
  local sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  command -v apt-get >/dev/null || { echo "test.sh: $1 is missing and there is no apt-get: install it, then run this again" >&2; exit 1; }
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${@:2}" >/dev/null
}

step_format() {
  local bad
  bad=$(gofmt -l .)
  [ -z "$bad" ] || { echo "gofmt would change:"; echo "$bad"; return 1; }
}

step_vet() {
  go vet ./...
  go -C cmd/rollcall/e2e vet ./...
}

step_shell() {
  need shellcheck shellcheck
  shellcheck .ci/run scripts/*.sh
}

step_lint() {
  local bin=.tools/golangci-lint-$lint_version
  if [ ! -x "$bin" ]; then
    GOBIN="$PWD/.tools" go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$lint_version"
    mv .tools/golangci-lint "$bin"
  fi
  "$bin" run --timeout 10m ./...
}

step_floors() { go test -count=1 -run 'TestImportsGoDownTheFloors|TestLibrariesStayBehindTheirFences' ./node; }

# rooms lists the packages whose tests need no whole node.
rooms() { go list ./... | grep -vE '/(node/nodetest|cmd/rollcall)$'; }

step_unit() { rooms | xargs go test; }

step_race() { rooms | xargs go test -race -timeout 15m; }

# Whole nodes in one process, with real sockets and disks.
step_stories() { go test -race -timeout 20m ./node/nodetest; }

step_cli() { go test -race -timeout 10m ./cmd/rollcall; }

# Real processes of the built binary, and the portal in a real browser. They are
# a module of their own; -count=1 because Go does not see what they build.
step_e2e() { go -C cmd/rollcall/e2e test -count=1 -timeout 10m -skip '^TestBrowser'; }

step_browser() {
  need chromium chromium fonts-dejavu-core
  go -C cmd/rollcall/e2e test -count=1 -timeout 10m -run '^TestBrowser'
}

[ $# -gt 0 ] || set -- "${steps[@]}"
command -v go >/dev/null || { echo "test.sh: Go is missing: install Go 1.26 or newer from https://go.dev/dl" >&2; exit 1; }
for step in "$@"; do
  declare -F "step_$step" >/dev/null || { echo "test.sh: no step \"$step\": choose from ${steps[*]}" >&2; exit 2; }
  echo "== $step"
  start=$SECONDS
  "step_$step"
  summary+=("$(printf '%-8s %4d s' "$step" $((SECONDS - start)))")
done
printf '%s\n' "== passed" "${summary[@]}"
