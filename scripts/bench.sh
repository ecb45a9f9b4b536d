#!/usr/bin/env bash
# Runs the benchmarks that stand beside the code and prints one table, with the
# machine and the versions it was measured on. Figures are medians of COUNT runs.
# Usage: scripts/bench.sh [COUNT]   (3; needs a quiet machine to mean anything)
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-3}
[[ $count =~ ^[1-9][0-9]*$ ]] || { echo "bench.sh: COUNT \"$count\": give a number of runs" >&2; exit 2; }
command -v go >/dev/null || { echo "bench.sh: Go is missing: install Go 1.26 or newer from https://go.dev/dl" >&2; exit 1; }

# what runs: package and pattern
suite=(
  "./membership/... DetectFailure|Converge|Pick|RoundTrip"
  "./services/logs/... Append|Handler"
  "./services/grading/gradebook Table|SetScore"
  "./services/grading SetGrade"
)

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -1)
echo "machine   ${cpu:-unknown}, $(getconf _NPROCESSORS_ONLN) cores, load $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || echo unknown)"
echo "system    $(uname -sr)"
echo "versions  $(go version | cut -d' ' -f3), $(go list -m -f '{{.Path}} {{.Version}}' github.com/hashicorp/serf github.com/hashicorp/raft github.com/hashicorp/raft-boltdb/v2 go.etcd.io/bbolt | sed 's|.*/||' | tr '\n' ',' | sed 's/,$//; s/,/, /g')"
echo "commit    $(git describe --always --dirty 2>/dev/null || echo none)"
echo

raw=$(mktemp)
trap 'rm -f "$raw"' EXIT
for line in "${suite[@]}"; do
  read -r package pattern <<<"$line"
  go test -run '^$' -bench "Benchmark($pattern)" -benchtime 1s -count "$count" "$package" >>"$raw"
done

# Each benchmark line is a name, a count, and pairs of value and unit; the
# median of each pair is printed.
awk '
  /^Benchmark/ {
    name = $1; sub(/^Benchmark/, "", name); sub(/-[0-9]+$/, "", name)
    if (!(name in seen)) { seen[name] = 1; order[++names] = name }
    for (i = 3; i < NF; i += 2) {
      key = name SUBSEP $(i + 1)
      if (!(key in n)) units[name] = units[name] " " $(i + 1)
      value[key, ++n[key]] = $i
    }
  }
  END {
    for (o = 1; o <= names; o++) {
      name = order[o]; printf "%-44s", name
      k = split(units[name], unit, " ")
      for (u = 1; u <= k; u++) {
        key = name SUBSEP unit[u]; c = n[key]
        for (i = 1; i <= c; i++) v[i] = value[key, i] + 0
        for (i = 2; i <= c; i++) { x = v[i]; for (j = i - 1; j > 0 && v[j] > x; j--) v[j + 1] = v[j]; v[j + 1] = x }
        printf " %14.6g %s", v[int((c + 1) / 2)], unit[u]
      }
      print ""
    }
  }' "$raw"
