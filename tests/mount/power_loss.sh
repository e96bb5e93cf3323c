#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Loss of power under a mount, again and again: the data directory lies on volatile_disk (tests/powerloss),
# which keeps what was not synced in memory and on a signal loses it: all of it, or all but some sectors. What
# was fsynced is there when the store is mounted again from what is left; all that is there is a prefix of
# what was done; snapshots that were made are there; verify finds nothing. Disks that only say that
# they sync are found out. MEMORIA_CUTS (5) tells how often; a long run has 300.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

: "${VOLATILE_DISK:?names the program volatile_disk}"
cuts=${MEMORIA_CUTS:-5} seed=${MEMORIA_TEST_SEED:-1}
RANDOM=$seed
backing=$work/backing disk=$work/disk
acknowledged=0 there=0 again=0
mkdir -m 700 "$backing" "$disk"

# power_on OPTION...: $backing as a disk at $disk; $power is its pid.
power_on() {
  "$VOLATILE_DISK" "$backing" "$disk" "$@" &
  power=$!
  until mountpoint -q "$disk"; do
    alive "$power" || fail "volatile_disk does not start"
    sleep 0.02
  done
}

# The power is gone, and the daemon, if there is one, dies; what the disk keeps is in $backing.
power_off() {
  kill -USR1 "$power"
  wait "$power" || fail "volatile_disk ended with code $?"
  fusermount3 -uz "$disk"
  [[ -z ${daemon-} ]] || kill -9 "$daemon" 2>/dev/null || true
  [[ -z ${daemon-} ]] || wait_for_end "$daemon"
  fusermount3 -uz "$mnt" 2>/dev/null || true
  daemon=''
}

# Snapshots and merges; $work/snapshots has what was acknowledged.
look_after() {
  local name
  for ((name = 0; ; name++)); do
    "$MEMORIA_CTL" snapshot create "$data" "s$name" && echo "made s$name" >>"$work/snapshots" &&
      "$MEMORIA_CTL" merge --all "$data" && echo "gone s$((name - 2))" >>"$work/snapshots" || return 0
    ((name < 2)) || "$MEMORIA_CTL" snapshot delete "$data" "s$((name - 2))" || return 0
    sleep 0.1
  done >/dev/null 2>&1
}

# load_and_cut OPTION...: the power of a disk with these options goes at a random moment of the load.
load_and_cut() {
  local loading looking
  power_on "$@"
  data=$disk/data
  mount_it -o segment_size=1M
  rm -f "$work/log" "$work/snapshots"
  : >"$work/snapshots"
  python3 "$here/power_load.py" load "$mnt/load" "$work/log" $((seed * 100000 + RANDOM)) &
  loading=$!
  look_after &
  looking=$!
  until [[ -s $work/log ]]; do
    alive "$loading" || fail "the load ended before it began"
    sleep 0.02
  done
  sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
  power_off
  wait "$loading" "$looking" || fail "the load does not end as it should"
  data=$backing/data
}

# The power goes once more while the store recovers, or shortly after.
cut_again() {
  power_on "$@"
  data=$disk/data
  mount_it -o segment_size=1M
  ls "$mnt" >/dev/null
  sleep "0.$((RANDOM % 4))"
  power_off
  data=$backing/data
  again=$((again + 1))
}

# The snapshots that were made, and of which nobody began to delete any, are there.
check_snapshots() {
  local name
  "$MEMORIA_CTL" snapshot list "$data" | awk 'NR > 1 { print $NF }' >"$work/listed" || return 1
  awk '$1 == "made" { made[$2] } $1 == "gone" { delete made[$2] } END { for (s in made) print s }' \
    "$work/snapshots" >"$work/wanted"
  while read -r name; do
    grep -qx "$name" "$work/listed" || { echo "snapshot $name was made, and is gone"; return 1; }
  done <"$work/wanted"
}

# What the log outside says of the files in the store in $backing; leaves it mounted.
check_files() {
  "$MEMORIA_FS" "$data" "$mnt" || return 1
  daemon=$(owner "$data")
  python3 "$here/power_load.py" check "$mnt/load" "$work/log" >"$work/counts" 2>"$work/wrong" ||
    { tail -n 1 "$work/wrong"; return 1; }
}

check_promise() {
  "$MEMORIA_CTL" verify "$data" >"$work/verify.log" 2>&1 || { cat "$work/verify.log"; return 1; }
  check_snapshots && check_files
}

leave_nothing() {
  local name
  while read -r name; do
    "$MEMORIA_CTL" snapshot delete "$data" "$name" >/dev/null || fail "$name cannot be deleted"
  done <"$work/listed"
  rm -rf "${mnt:?}/load"
  [[ $(statistic "$data" files) == 1 ]] || fail "inodes without a name are left"
  unmount_it
}

step "a disk that keeps what was synced, and loses the rest"
power_on --loss unsynced
mkdir "$disk/changed"
python3 "$here/volatile.py" change "$disk/changed"
power_off
python3 "$here/volatile.py" check "$backing/changed"
rm -r "$backing/changed"

losses=(unsynced latest random random)
for ((cut = 1; cut <= cuts; cut++)); do
  loss=${losses[RANDOM % ${#losses[@]}]}
  load_and_cut --loss "$loss" --seed "$RANDOM"
  ((RANDOM % 3 != 0)) || cut_again --loss "${losses[RANDOM % ${#losses[@]}]}" --seed "$RANDOM"
  check_promise >"$work/broken" 2>&1 ||
    fail "cut $cut, loss $loss, MEMORIA_TEST_SEED=$seed: a promise was broken: $(cat "$work/broken")"
  read -r count found <"$work/counts"
  acknowledged=$((acknowledged + count)) there=$((there + found))
  leave_nothing
  ((cut % 10 != 0)) || step "$cut cuts, and $again while recovering; $acknowledged operations were" \
    "acknowledged, $there of them, all that were synced among them, are there"
done
step "$cuts cuts, and $again while recovering; $acknowledged operations were acknowledged, $there of them," \
  "all that were synced among them, are there"

for lie in data names all; do
  find "$backing" -mindepth 1 -delete
  data=$backing/data
  mount_it -o segment_size=1M
  unmount_it
  load_and_cut --loss unsynced --lie "$lie"
  if check_files >"$work/broken" 2>&1; then fail "a disk that lies about its syncs ($lie) is not found out"; fi
  step "found: syncs of $lie are lies: $(tail -n 1 "$work/broken")"
  [[ -z $daemon ]] || unmount_it
  daemon=''
done
