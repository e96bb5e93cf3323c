# SPDX-License-Identifier: MIT
# For the tests that use a real mount; sourced by each. Gives a place of its own ($work, on a real
# disk), a data directory ($data) and a mount point ($mnt), and leaves nothing behind, however the
# test ends. Needs $MEMORIA_FS and $MEMORIA_CTL, the programs under test.
# shellcheck shell=bash
set -euo pipefail
shopt -s inherit_errexit nullglob

: "${MEMORIA_FS:?names the program memoria-fs}" "${MEMORIA_CTL:?names the program memoria-ctl}"
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
work=$(realpath "$(mktemp -d "${TMPDIR:-/var/tmp}/memoria-test.XXXXXX")")
data=$work/data mnt=$work/mnt
mkdir "$mnt"

# The daemon has no standard error: what a sanitizer finds in it is collected here, and fails the test.
for sanitizer in ASAN TSAN UBSAN; do
  declare -x "${sanitizer}_OPTIONS=$(printenv "${sanitizer}_OPTIONS" || true):log_path=$work/sanitizer"
done

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

# What the test does now, with the seconds since its start.
step() { printf '[%3ds] %s\n' "$SECONDS" "$*"; }

# The pid of the daemon that owns data directory $1.
owner() { cat "$1/lock"; }

# A dead process that nobody has collected yet is not alive.
alive() { [[ -n $1 && -r /proc/$1/stat ]] && ! grep -q ') [ZX] ' "/proc/$1/stat" 2>/dev/null; }

# Waits at most 60 s for process $1 to end.
wait_for_end() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    alive "$1" || return 0
    sleep 0.1
  done
  fail "process $1 does not end"
}

# Mounts $data at $mnt with the given further arguments; $daemon is its pid.
mount_it() {
  "$MEMORIA_FS" "$data" "$mnt" "$@" || fail "memoria-fs ended with code $?"
  mountpoint -q "$mnt" || fail "memoria-fs returned before $mnt was mounted"
  daemon=$(owner "$data")
}

unmount_it() {
  fusermount3 -u "$mnt" || fail "unmounting: $(fuser -vm "$mnt" 2>&1 || true)"
  wait_for_end "$daemon"
}

remount_it() {
  unmount_it
  mount_it "$@"
}

# mounts_below DIRECTORY [TYPE]: mount points, the last one first.
mounts_below() {
  awk -v below="$1/" -v type="${2-}" '{ gsub(/\\040/, " ", $2) }
    index($2, below) == 1 && (type == "" || $3 == type) { print $2 }' /proc/self/mounts | tac
}

clean_up() {
  local code=$? mounted lock report
  trap - EXIT
  set +e
  cd /
  ((code == 0)) || echo "FAILED with code $code in ${work##*/}" >&2
  # Before anything that could wait for a daemon, which could wait for its disk.
  while read -r mounted; do fsfreeze -u "$mounted" 2>/dev/null; done < <(mounts_below "$work" ext4)
  # A daemon that was killed may be unable to end, and then the programs that use its mount are, too.
  if ((code != 0)); then
    while read -r mounted; do umount -f "$mounted" 2>/dev/null; done < <(mounts_below "$work" fuse.memoria)
  fi
  while read -r mounted; do
    fusermount3 -uz "$mounted" 2>/dev/null || umount -l "$mounted"
  done < <(mounts_below "$work")
  for lock in "$work"/*/lock "$work"/*/*/lock; do
    if alive "$(cat "$lock")"; then
      timeout 60 tail --pid="$(cat "$lock")" -f /dev/null || kill -9 "$(cat "$lock")"
    fi
  done
  for report in "$work"/sanitizer.*; do
    cat "$report" >&2
    ((code != 0)) || code=1
  done
  chmod -R u+rwX "$work" 2>/dev/null
  rm -rf --one-file-system "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

export PYTHONDONTWRITEBYTECODE=1

# Every file of tree $1 with its type, mode, owner, size, time and checksum.
manifest() { python3 "$here/manifest.py" "$1"; }

# The two files are equal, or the test fails showing where they differ.
same() { diff "$1" "$2" >"$work/difference" || fail "$3: $(head -n 20 "$work/difference")"; }

# Field $2 of the statistics of store or mount $1.
statistic() {
  "$MEMORIA_CTL" stats --json "$1" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2"
}

# Makes $work/tree.tar from at least $1 files of this machine.
make_tree() {
  local files=$1
  find /usr/include /usr/share /usr/lib -xdev \( -type d -o -type l -o -type f -size -8M \) \
    -readable -print0 >"$work/all"
  # Half again as many names, since directories and links are among them.
  printf '/usr\0' >"$work/names"
  head -z -n $((files * 3 / 2)) "$work/all" >>"$work/names"
  tar -cf "$work/tree.tar" --format=posix --no-recursion --null -T "$work/names" 2>"$work/tar.log" ||
    fail "tar: $(cat "$work/tar.log")"
  rm "$work/all" "$work/names"
}
