#!/usr/bin/env bash
# Looks for a history that no single gradebook could have had: clients read and
# write a few scores while leaders die and links are cut, and porcupine checks
# every answer. Runs with a new seed each time, for some minutes, and prints the
# seeds; it stops at the first fault and says how to run it again.
# Usage: scripts/chaos.sh [MINUTES]   (10)
#   ROLLCALL_CHAOS_OPS   operations in each run (2000)
#   ROLLCALL_CHAOS_SEED  one run with this seed, instead of minutes
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-10}
[[ $minutes =~ ^[1-9][0-9]{0,3}$ ]] || { echo "chaos.sh: MINUTES \"$minutes\": give a whole number from 1 to 9999" >&2; exit 2; }
command -v go >/dev/null || { echo "chaos.sh: Go is missing: install Go 1.26 or newer from https://go.dev/dl" >&2; exit 1; }
export ROLLCALL_CHAOS_OPS=${ROLLCALL_CHAOS_OPS:-2000}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test -race -c -o "$work/nodetest" ./node/nodetest

# once SEED makes one run and prints its verdict.
once() {
  if ! ROLLCALL_CHAOS_SEED=$1 "$work/nodetest" -test.run '^TestScoresAreLinearizable$' -test.v -test.timeout 60m >"$work/log" 2>&1; then
    cat "$work/log"
    echo "chaos.sh: failed; again with: ROLLCALL_CHAOS_OPS=$ROLLCALL_CHAOS_OPS ROLLCALL_CHAOS_SEED=$1 scripts/chaos.sh"
    return 1
  fi
  printf 'seed %-20s %s\n' "$1" "$(grep -o '[0-9]* operations answered.*' "$work/log")"
}

if [[ -n ${ROLLCALL_CHAOS_SEED:-} ]]; then
  once "$ROLLCALL_CHAOS_SEED"
  exit
fi
runs=0
while ((SECONDS < minutes * 60)); do
  once "$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')"
  runs=$((runs + 1))
done
echo "chaos.sh: $runs runs of $ROLLCALL_CHAOS_OPS operations, no fault found"
