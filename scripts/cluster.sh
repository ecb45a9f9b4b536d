#!/usr/bin/env bash
# A cluster on this machine, to look at and to break.
#
# State lives in .cluster/ beside this repository (ROLLCALL_CLUSTER_DIR
# names another place); node k listens on 127.0.0.1, ports BASE+10(k-1) and the two
# after it (ROLLCALL_PORT changes BASE, 8500). A process is ours only when both
# its id and its start time are those we wrote down: ids are used again, and
# nothing that was not started here is ever killed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=${ROLLCALL_CLUSTER_DIR:-$root/.cluster}
here=$(cat "$dir/port" 2>/dev/null || true) # where a cluster that exists listens
base=${ROLLCALL_PORT:-${here:-8500}}
bin=$dir/bin/rollcall
credentials=$dir/credentials

# What the caller's shell says of another cluster must not reach this one.
unset ROLLCALL_TOKEN ROLLCALL_TOKEN_FILE ROLLCALL_SECRET ROLLCALL_SECRET_FILE ROLLCALL_NODE ROLLCALL_NAME \
  ROLLCALL_DATA_DIR ROLLCALL_DEV ROLLCALL_JOIN ROLLCALL_HTTP ROLLCALL_CLUSTER ROLLCALL_GOSSIP

usage() {
  cat <<'END'
usage: scripts/cluster.sh COMMAND

  up [N]              build, start N nodes (5), found the gradebook, load the sample school
  status              the cluster, and the processes of this machine
  demo                kill the leader under a steady load of writes, and count what was lost
  kill WHO            kill -9: a node, or whoever is now the leader, the lead, or a portal
  start NODE          start a killed node again, with the data it had
  wipe NODE           take a stopped node's data away: it comes back as a new node
  pause|resume NODE   stop a process in its tracks, and let it go on
  cut NODE            cut a node's links to all others
  heal                mend all links
  leave NODE          take a node out for good
  logs [NODE] [...]   records of the log service; further arguments go to `rollcall logs`
  env                 lines for your shell: eval "$(scripts/cluster.sh env)"
  down [--wipe]       stop all nodes; --wipe removes their data too
END
}

say() { printf '%s\n' "$*"; }
die() { printf 'cluster.sh: %s\n' "$*" >&2; exit 1; }
bad() { printf 'cluster.sh: %s\n' "$*" >&2; exit 2; }

# --- names and places -------------------------------------------------------

count() { cat "$dir/nodes" 2>/dev/null || echo 0; }
names() { # the nodes that belong to the cluster, whether they run or not
  local k n
  n=$(count)
  for ((k = 1; k <= n; k++)); do [[ -e $dir/n$k/left ]] || echo "n$k"; done
}
port() { echo $((base + 10 * (${1#n} - 1) + $2)); } # NODE OFFSET
http() { echo "127.0.0.1:$(port "$1" 0)"; }
gossip() { echo "127.0.0.1:$(port "$1" 2)"; }
all_http() { local n list=""; for n in $(names); do list+="${list:+,}$(http "$n")"; done; echo "$list"; }

# node checks the name of a node: n3, or 3 for short.
node() {
  local n=${1:-}
  [[ $n =~ ^[0-9]+$ ]] && n=n$n
  [[ $n =~ ^n[1-9][0-9]*$ && ${n#n} -le $(count) ]] || bad "NODE: \"${1:-}\": give one of: $(names | paste -sd' ')"
  echo "$n"
}

# rc runs the command line against this cluster, as an administrator; at does
# the same against one node and no other.
rc() { ROLLCALL_NODE=$(all_http) ROLLCALL_SECRET_FILE=$dir/secret "$bin" "$@"; }
at() { ROLLCALL_NODE=$(http "$1") ROLLCALL_SECRET_FILE=$dir/secret "$bin" "${@:2}"; }

# --- processes ----------------------------------------------------------------

# born prints when a process was started, in the system's own words, and fails
# for one that is gone or is only a zombie waiting for its parent.
born() {
  local stat
  if [[ -d /proc/self ]]; then
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    stat=${stat##*) } # the name before may hold anything, spaces too
    read -ra stat <<<"$stat"
    [[ ${stat[0]} != [ZX] ]] && echo "${stat[19]}"
  else
    ps -o lstart= -p "$1" 2>/dev/null
  fi
}

# pid prints the process id of a node that runs, and fails for one that does not.
pid() {
  local id since
  { IFS=' ' read -r id since <"$dir/$1/pid"; } 2>/dev/null || return 1
  [[ $(born "$id") == "$since" ]] && echo "$id"
}

running() { pid "$1" >/dev/null; }

# ended waits up to SECONDS for a node's process to end.
ended() {
  local tries=$(($2 * 20))
  while running "$1"; do
    ((tries-- > 0)) || return 1
    sleep 0.05
  done
}

# owner says which process listens on a port, TCP (state 0A) or UDP (07), as
# far as this user may know; nothing when the port is free.
owner() {
  local hex row inode fd words
  hex=$(printf '%04X' "$1")
  if row=$(grep -hsEm 1 ":$hex [0-9A-F]+:[0-9A-F]+ (0A|07) " /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6); then
    read -r _ _ _ _ _ _ _ _ _ inode _ <<<"$row"
    for fd in /proc/[0-9]*/fd/*; do
      if [[ $(readlink "$fd" 2>/dev/null) == "socket:[$inode]" ]]; then
        fd=${fd#/proc/}
        words=$(tr '\0' ' ' <"/proc/${fd%%/*}/cmdline")
        echo "process ${fd%%/*} (${words:0:60})"
        return
      fi
    done
    echo "another user's process"
  elif [[ ! -r /proc/net/tcp ]] && (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
    echo "a process (lsof -i :$1 may name it)"
  fi
}

# --- one node -------------------------------------------------------------------

free_ports() {
  local n taken who p
  taken=""
  for n in "$@"; do
    running "$n" && continue
    for p in "$(port "$n" 0)" "$(port "$n" 1)" "$(port "$n" 2)"; do
      who=$(owner "$p")
      [[ -n $who ]] && taken+=$'\n'"  port $p for $n is held by $who"
    done
  done
  [[ -z $taken ]] || die "ports are taken:$taken"$'\n'"  stop those, or choose others with ROLLCALL_PORT (now $base)"
}

start() {
  local n=$1 o join=""
  running "$n" && return
  for o in $(names); do
    [[ $o == "$n" ]] || join+="${join:+,}$(gossip "$o")"
  done
  mkdir -p "$dir/$n"
  local args=(agent --name "$n" --data-dir "$dir/$n/data" --secret-file "$dir/secret" --lab
    --http "$(http "$n")" --cluster "127.0.0.1:$(port "$n" 1)" --gossip "$(gossip "$n")")
  [[ -z $join ]] || args+=(--join "$join")
  # A process group of its own, so that Ctrl-C here does not stop it.
  (
    set -m
    nohup "$bin" "${args[@]}" </dev/null >>"$dir/$n/output" 2>&1 &
    echo "$! $(born $!)" >"$dir/$n/pid"
  )
}

# fallen prints the last words of the nodes that should run and do not.
fallen() {
  local n
  for n in "$@"; do
    running "$n" && continue
    say "$n ended. Its last lines, from $dir/$n/output:"
    tail -n 8 "$dir/$n/output" | sed 's/^/  /'
  done
}

# watched "NODES" COMMAND… runs a command that waits for nodes, and gives up as
# soon as one of them ends.
watched() {
  local nodes=$1 waiter n
  shift
  "$@" &
  waiter=$!
  while kill -0 "$waiter" 2>/dev/null; do
    sleep 0.2
    for n in $nodes; do
      if ! running "$n"; then
        kill "$waiter" 2>/dev/null || true
        wait "$waiter" 2>/dev/null || true
        fallen "$n" >&2
        exit 1
      fi
    done
  done
  wait "$waiter"
}

# healthy waits until every node is alive and well, and the gradebook takes
# writes once there is one.
healthy() { watched "$(names)" rc status --quiet --expect "$(names | wc -l)" --within 60s; }

# process prints a node's process id, or ends with what to do about it.
process() { pid "$1" || die "$1 does not run; start it with: scripts/cluster.sh start $1"; }

signal() { # SIGNAL NODE
  local id
  id=$(process "$2") || exit
  kill "-$1" "$id"
}

# who turns leader, lead and portal into the node that is it now.
who() {
  case ${1:-} in
    leader | lead | portal) rc status --get "$1" || exit 1 ;;
    *) node "${1:-}" ;;
  esac
}

# --- commands ---------------------------------------------------------------------

build() {
  command -v go >/dev/null || die "go is not on the PATH; install Go 1.26 or newer from https://go.dev/dl"
  mkdir -p "$dir/bin"
  (cd "$root" && go build -o "$bin.new" ./cmd/rollcall)
  mv -f "$bin.new" "$bin" # a running node keeps the file it was started from
}

up() {
  local n want=${1:-} had
  had=$(count)
  [[ -n $want ]] || want=$((had > 0 ? had : 5))
  [[ $want =~ ^[0-9]+$ && $want -ge 1 && $want -le 50 ]] || bad "N: \"$want\": give a number of nodes, 1 to 50"
  if ((want < had)); then
    say "There are $had nodes already; take one out with: scripts/cluster.sh leave NODE"
    want=$had
  fi
  mkdir -p "$dir" && chmod 700 "$dir"
  : >"$dir/rollcall-cluster"
  build
  [[ -s $dir/secret ]] || "$bin" secret new --out "$dir/secret" >/dev/null
  echo "$base" >"$dir/port"
  echo "$want" >"$dir/nodes"
  mapfile -t list < <(names)
  free_ports "${list[@]}"
  for n in "${list[@]}"; do
    running "$n" && continue
    say "Starting $n on 127.0.0.1, ports $(port "$n" 0) to $(port "$n" 2)"
    start "$n"
  done
  watched "${list[*]}" rc status --quiet --members "${#list[@]}" --within 60s
  found
  healthy
  accounts
  school
  greet
}

# found gives the cluster its gradebook, once in its life. Nodes that come back
# bring it along, and take a moment to say so: that is why this is written down
# and not asked.
found() {
  [[ ! -e $dir/founded ]] || return 0
  at "$(names | head -n 1)" found
  : >"$dir/founded"
}

# accounts makes two people, with passwords that only their file knows.
accounts() {
  local known name role display password
  if [[ ! -s $credentials ]]; then
    (umask 077 && for name in admin teacher; do
      password=$(head -c 15 /dev/urandom | base64 | tr '+/' 'xy')
      echo "$name $password"
    done >"$credentials")
  fi
  known=$(rc accounts list --names)
  while read -r name password; do
    case $name in admin) role=admin display=Admin ;; *) role=teacher display='Sample Teacher' ;; esac
    grep -qxF "$name" <<<"$known" && continue
    rc accounts create "$name" --role "$role" --display "$display" <<<"$password" >/dev/null
  done <"$credentials"
}

# school imports the sample school the way every user imports: a dry run would
# show the same.
school() {
  local known file code
  known=$(rc grades courses --codes)
  "$bin" sample "$dir/sample" >/dev/null
  for file in "$dir"/sample/*.csv; do
    code=$(basename "$file" .csv | tr '[:lower:]' '[:upper:]')
    grep -qxF "$code" <<<"$known" && continue
    rc grades create --from "${file%.csv}.json" --teacher teacher >/dev/null
    rc grades import "$code" "$file"
  done
}

greet() {
  local n
  say ""
  say "The cluster stands. Portals:"
  for n in $(names); do
    if running "$n"; then say "  http://$(http "$n")/   $n"; fi
  done
  say ""
  say "Sign in as teacher or admin; the passwords are in ${credentials/#$PWD\//}:"
  sed 's/^/  /' "$credentials"
  cat <<'END'

Try:
  scripts/cluster.sh demo             kill the leader under load, and count
  scripts/cluster.sh kill leader      and go on working in the browser
  scripts/cluster.sh cut n2           then look at the cluster page of n2 and of n3
  scripts/cluster.sh heal
  eval "$(scripts/cluster.sh env)"    then: rollcall status, rollcall grades courses, rollcall logs
  scripts/cluster.sh down
END
}

status() {
  local n id
  if ! rc status; then say ""; fi
  say ""
  for n in $(names); do
    if id=$(pid "$n"); then
      say "$n  process $id  http://$(http "$n")/"
    else
      say "$n  not running; start it with: scripts/cluster.sh start $n"
    fi
  done
}

slay() { # NODE
  local id
  id=$(process "$1") || exit
  kill -9 "$id"
  ended "$1" 5 || die "$1, process $id, does not end"
}

# demo is the promise of this whole program, put to the test. Each line that
# goes into `load --marks` is a moment in its report.
demo() {
  local victim
  ((${#} == 0)) || bad "demo takes no arguments"
  [[ $(names | wc -l) -ge 3 ]] || bad "demo needs 3 nodes or more: of two, no majority is left; try: scripts/cluster.sh up 5"
  healthy
  victim=$(who leader)
  say "Writing grades on all nodes; in 3 seconds $victim, the leader, is killed with -9."
  local result=0
  {
    sleep 3
    slay "$victim"
    echo "kill -9 $victim"
  } | rc load --marks --for 10s || result=$?
  start "$victim"
  healthy || result=1
  if ((result == 0)); then
    say "$victim runs again, has caught up, and serves."
  else
    say "The promise was not kept." >&2
  fi
  return $result
}

# leave takes a node out for good: one that runs hands over what it holds and
# ends by itself; one that does not run is retired by the others.
leave() { # NODE
  if running "$1"; then
    at "$1" leave --yes
    ended "$1" 60 || die "$1 has not left within 60 s; see $dir/$1/output"
  else
    rc leave --yes --id "$1"
  fi
  : >"$dir/$1/left"
  say "$1 has left; scripts/cluster.sh wipe $1 makes it free to come back as a new node"
}

down() {
  local n left=()
  [[ ${1:-} =~ ^(--wipe)?$ ]] || bad "\"$1\": down takes --wipe or nothing"
  for n in $(names); do
    running "$n" || continue
    kill -CONT "$(pid "$n")" 2>/dev/null || true # a paused process cannot stop in good order
    kill -TERM "$(pid "$n")" 2>/dev/null || true
  done
  for n in $(names); do ended "$n" 12 || left+=("$n"); done
  for n in ${left[@]+"${left[@]}"}; do
    say "$n did not stop within 12 s and is killed"
    slay "$n"
  done
  case ${1:-} in
    --wipe)
      [[ -e $dir/rollcall-cluster ]] || { say "nothing to wipe"; return; }
      rm -rf -- "$dir"
      say "All nodes are stopped, and their data is gone."
      ;;
    *) say "All nodes are stopped; up starts them again." ;;
  esac
}

main() {
  local command=${1:-help}
  shift || true
  [[ $base =~ ^[0-9]+$ && $base -ge 1024 && $base -le 65000 ]] || bad "ROLLCALL_PORT: \"$base\": give a port from 1024 to 65000"
  [[ -z $here || $base == "$here" ]] || bad "ROLLCALL_PORT: \"$base\": the cluster in $dir listens from $here on; leave it out, or name another place with ROLLCALL_CLUSTER_DIR"
  case $command in
    up | down | help | -h | --help) ;;
    *) [[ -x $bin && $(count) -gt 0 ]] || bad "there is no cluster in $dir; make one with: scripts/cluster.sh up" ;;
  esac
  case $command in # what takes no argument, and what takes one
    status | heal | env) (($# == 0)) || bad "\"$1\": $command takes no arguments" ;;
    up | kill | start | wipe | pause | resume | cut | leave | down) (($# <= 1)) || bad "\"$2\": $command takes one argument" ;;
  esac
  local n
  case $command in
    up) up "$@" ;;
    status) status ;;
    demo) demo "$@" ;;
    kill) n=$(who "${1:-}") && slay "$n" && say "killed $n" ;;
    start)
      n=$(node "${1:-}")
      [[ ! -e $dir/$n/left ]] || bad "$n has left for good; let it come back as a new node: scripts/cluster.sh wipe $n"
      free_ports "$n"
      start "$n"
      watched "$n" at "$n" status --quiet --members 1 --within 30s
      say "$n runs: http://$(http "$n")/"
      ;;
    wipe)
      n=$(node "${1:-}")
      ! running "$n" || bad "$n runs; kill it first: scripts/cluster.sh kill $n"
      rm -rf -- "${dir:?}/$n/data" "${dir:?}/$n/left"
      compgen -G "$dir/n*/data" >/dev/null || rm -f -- "$dir/founded"
      say "wiped $n: it will come back as a new node"
      ;;
    pause) n=$(node "${1:-}") && signal STOP "$n" && say "paused $n" ;;
    resume) n=$(node "${1:-}") && signal CONT "$n" && say "resumed $n" ;;
    cut) n=$(node "${1:-}") && process "$n" >/dev/null && at "$n" lab cut ;;
    heal) for n in $(names); do ! running "$n" || at "$n" lab heal; done ;;
    leave) n=$(node "${1:-}") && leave "$n" ;;
    logs)
      if [[ ${1:-} =~ ^n?[0-9]+$ ]]; then
        n=$(node "$1")
        shift
        rc logs --on "$n" "$@"
      else
        rc logs "$@"
      fi
      ;;
    env)
      # shellcheck disable=SC2016 # the caller's shell expands its own PATH
      printf 'export ROLLCALL_NODE=%q\nexport ROLLCALL_SECRET_FILE=%q\nexport PATH=%q:$PATH\n' "$(all_http)" "$dir/secret" "$dir/bin"
      ;;
    down) down "$@" ;;
    help | -h | --help) usage ;;
    *)
      usage >&2
      bad "\"$command\": no such command"
      ;;
  esac
}

main "$@"
