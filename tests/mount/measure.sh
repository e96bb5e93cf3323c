#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Not a test: times ordinary work on a mount beside the same in a directory of the host's disk, in
# turns, and tells the daemon's memory with a tree of 20,000 files loaded twenty times over.
#   MEMORIA_FS=... MEMORIA_CTL=... tests/mount/measure.sh [ROUNDS [MOUNT-OPTIONS]]
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

rounds=${1:-3}
options=${2:-rw}

host=$work/host
declare -A times

# timed PLACE NAME COMMAND...: adds the seconds it takes to the list of NAME on PLACE.
timed() {
  local place=$1 name=$2 start=$EPOCHREALTIME
  shift 2
  "$@" >"$work/out" 2>&1 || fail "$name on $place: $(tail -n 3 "$work/out")"
  times[$place,$name]+=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f ", b - a }')
}

transactions() {
  {
    echo "create table t(id integer primary key, text);"
    seq -f "insert into t values(%.0f, hex(randomblob(100)));" 1 1000
  } | sqlite3 "$1/database"
}

git_all() {
  command git -C "$1" init -q
  command git -C "$1" add -A
  command git -C "$1" -c user.name=test -c user.email=test@example.org commit -qm first
}

steps=("tar x" "cp -a" "diff -r" "find, du" "rm -rf" "git add, commit" "1,000 SQLite transactions"
  "2,000 x write 4 KiB, fsync" "100,000 appends" "1 GiB written" "1 GiB read"
  "50,000 files made" "50,000 files listed" "50,000 files deleted")

work_on() {
  local place=$1 dir=$2
  mkdir "$dir/tree"
  timed "$place" "tar x" tar -C "$dir/tree" -xpf "$work/tree.tar"
  timed "$place" "cp -a" cp -a "$dir/tree" "$dir/copy"
  timed "$place" "diff -r" diff -r --no-dereference "$dir/tree" "$dir/copy"
  timed "$place" "find, du" bash -c 'find "$1" -type l; du -s "$1"' - "$dir/copy"
  timed "$place" "rm -rf" rm -rf "$dir/copy"
  mkdir "$dir/git"
  cp -a "$dir/tree/usr/include" "$dir/git"
  timed "$place" "git add, commit" git_all "$dir/git"
  timed "$place" "1,000 SQLite transactions" transactions "$dir"
  timed "$place" "2,000 x write 4 KiB, fsync" python3 "$here/large.py" sync "$dir/synced" 2000
  timed "$place" "100,000 appends" python3 "$here/large.py" append "$dir/log" 100000
  timed "$place" "1 GiB written" python3 "$here/large.py" write "$dir/large" 1024
  ((EUID != 0)) || echo 3 >/proc/sys/vm/drop_caches
  timed "$place" "1 GiB read" dd if="$dir/large" of=/dev/null bs=1M
  timed "$place" "50,000 files made" python3 "$here/large.py" many "$dir/many" 50000
  timed "$place" "50,000 files listed" python3 "$here/large.py" check-many "$dir/many" 50000
  timed "$place" "50,000 files deleted" rm -r "$dir/many"
  find "$dir" -mindepth 1 -delete
}

make_tree 20000
mount_it -o "$options"
for ((round = 1; round <= rounds; round++)); do
  step "round $round of $rounds"
  mkdir "$host"
  work_on host "$host"
  work_on mount "$mnt"
  rmdir "$host"
done
printf '%-28s %-28s %s\n' "seconds" "$(stat -fc %T "$work")" "memoria"
for name in "${steps[@]}"; do
  printf '%-28s %-28s %s\n' "$name" "${times[host,$name]}" "${times[mount,$name]}"
done

remount_it -o "$options"
for ((copy = 1; copy <= 20; copy++)); do
  mkdir "$mnt/$copy"
  tar -C "$mnt/$copy" -xpf "$work/tree.tar"
  ((copy % 5 != 0)) ||
    step "$copy trees: $(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$daemon/status") MiB resident," \
      "$(statistic "$data" files) inodes, $(statistic "$data" keys) keys," \
      "$(($(statistic "$data" key_directory_bytes) >> 20)) MiB of key directory"
done
unmount_it
mount_it -o "$options"
step "after a remount: $(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$daemon/status") MiB resident," \
  "opened in $(($(statistic "$data" open_ns) / 1000000)) ms"
unmount_it
