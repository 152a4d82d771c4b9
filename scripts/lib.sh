# shellcheck shell=bash
# What the scripts beside this file share. Sourced, never run.
#
# A script shows one line a step; everything that the step's commands print goes to a log, whose end is
# shown when the step fails.

# Downloads, built tools and logs. Outside the repository, so that a fresh clone finds them again.
CACHE="${MIGRATE_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cnb-migrate}"
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
SCRIPT="$(basename "$0")"
LOG="$CACHE/log/$SCRIPT.log"
mkdir -p "$CACHE/log"

# Words go to stderr: stdout belongs to the lines that a caller evaluates.
say() { printf '%s: %s\n' "$SCRIPT" "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# step WHAT COMMAND...: runs the command quietly and says how long it took. The subshell lets `set -e` work
# inside a function that is given as the command, and keeps its redirection away from the trap below.
step() {
  local what="$1" started="$SECONDS"
  shift
  STEP="$what"
  ("$@") >>"$LOG" 2>&1
  STEP=""
  say "$what ($((SECONDS - started)) s)"
}

explain_failure() {
  local status="$?"
  if [[ "$status" != 0 && -n "${STEP:-}" ]]; then
    tail -n 40 "$LOG" >&2
    say "failed: $STEP (all of it: $LOG)"
  fi
}
trap explain_failure EXIT

# Starts the script again under a lock of its own, so that two at once work one after the other. --close
# keeps the lock from the servers that the script leaves running; they would hold it for ever.
one_at_a_time() {
  if [[ "${LOCKED:-}" != "$SCRIPT" ]]; then
    LOCKED="$SCRIPT" exec flock --close "$CACHE/$SCRIPT.lock" "$HERE/$SCRIPT" "$@"
  fi
  : >"$LOG"
}

need_root() { [[ "$EUID" == 0 ]] || die "needs root: it installs packages and starts servers"; }

# digest: a short name for whatever comes in.
digest() { sha256sum | cut -c1-16; }

# print_env NAME VALUE: a line for `eval`.
print_env() { printf 'export %s=%q\n' "$1" "$2"; }

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

# apt_install PACKAGE...: nothing, not even an update, when all of them are there.
apt_install() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [[ "${#missing[@]}" == 0 ]] || step "apt: ${missing[*]}" apt_get "${missing[@]}"
}

# RUNLEVEL=1 makes Debian's scripts leave the new services alone: the tests start their own, or none. The lock is
# for `update`, which does not wait for another apt; the timeout is for `install`, which can.
apt_get() (
  flock 9
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get update
  apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$@"
) 9>"$CACHE/apt.lock"

# fetch_maven GROUP:ARTIFACT:VERSION:TYPE[:CLASSIFIER]: downloads the file once. maven_file says where it is.
fetch_maven() {
  [[ ! -f "$(maven_file "$1")" ]] || return 0
  command -v mvn >/dev/null || apt_install maven
  # A repository of our own: the file is kept once, and its place is known.
  step "maven: $1" mvn -q -B -Dmaven.repo.local="$CACHE/maven" dependency:get -Dtransitive=false -Dartifact="$1"
}

maven_file() {
  local group artifact version type classifier
  IFS=: read -r group artifact version type classifier <<<"$1"
  echo "$CACHE/maven/${group//.//}/$artifact/$version/$artifact-$version${classifier:+-$classifier}.$type"
}
