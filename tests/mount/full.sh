#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A full disk, again and again, without space and then without inodes: what was acknowledged stays, also when
# it fills during a merge, a snapshot or a backup; listing, reading and removing go on, a merge gives the
# space back, and an interrupted backup goes on. MEMORIA_FULL_ROUNDS (5) tells how often; a long run has 50.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

rounds=${MEMORIA_FULL_ROUNDS:-5}
disk=$work/disk
mkdir "$disk"

# with_disk DO MKFS-OPTION...: does it with a new small disk at $disk.
with_disk() {
  local what=$1
  shift
  truncate -s 72M "$work/image"
  mkfs.ext4 -q -m 0 "$@" "$work/image"
  if ! mount -o loop "$work/image" "$disk" 2>"$work/said"; then
    echo "SKIPPED: no loop devices here: $(cat "$work/said")" >&2
    exit 77
  fi
  data=$disk/data
  : >"$work/log"
  "$what"
  umount "$disk"
  rm "$work/image"
}

# What is left on the disk, in units of the given df column: MiB, or inodes.
left() { df --output="$1" -B1M "$disk" | tail -n 1; }

# Does something with the control tool that may find no space, and nothing else; tells in $code.
with_little_space() {
  code=0
  "$MEMORIA_CTL" "$@" >"$work/ctl.log" 2>&1 || code=$?
  ((code == 0 || code == 7)) || fail "memoria-ctl $* ended with code $code: $(cat "$work/ctl.log")"
}

fill() { # SEED
  python3 "$here/full.py" fill "$mnt/files" "$work/log" "$1" || fail "filling"
}

check() { # MESSAGE
  python3 "$here/full.py" check "$mnt/files" "$work/log" || fail "$1"
  [[ $(statistic "$data" read_only) == False ]] || fail "$1: the store has become read-only"
}

# The kernel tells later that it no longer needs what was unlinked.
wait_for_removals() {
  local expected tries
  expected=$(($(wc -l <"$work/log") + 2))  # the directory, and the one above it
  for ((tries = 0; tries < 100; tries++)); do
    (($(statistic "$data" files) != expected)) || return 0
    sleep 0.1
  done
  fail "$(statistic "$data" files) files are there, instead of $expected"
}

# Removes most files of the full disk, after which at least so much is free with at most so many merges:
# COLUMN AMOUNT MERGES. (One merge has room for few outputs where inodes are few.)
empty() {
  local merges
  python3 "$here/full.py" thin "$mnt/files" "$work/log" || fail "removing on a full disk"
  wait_for_removals
  for ((merges = 0; merges < $3; merges++)); do
    "$MEMORIA_CTL" merge --all "$data" >"$work/ctl.log" 2>&1 || fail "merge: $(cat "$work/ctl.log")"
    (($(left "$1") < $2)) || return 0
  done
  fail "only $(left "$1") of $1 came back with $3 merges"
}

end_with() { # MESSAGE
  unmount_it
  "$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "$1: verify: $(cat "$work/verify.log")"
}

fill_again_and_again() {
  local round merging filled
  mount_it -o segment_size=2M
  mkdir "$mnt/files"
  for ((round = 1; round <= rounds; round++)); do
    with_little_space merge --all "$data" &  # the disk fills during this
    merging=$!
    filled=$(fill "$round")
    wait "$merging" || fail "the merge beside"
    with_little_space merge --all "$data"
    with_little_space snapshot create "$data" full
    check "full, round $round"
    "$MEMORIA_CTL" snapshot delete "$data" full >/dev/null 2>&1 || true  # if there was space for it
    empty avail 20 1
    ((round % 3 != 0)) || remount_it -o segment_size=2M
    check "after round $round"
    ((round % 10 != 0 && round != rounds)) || step "round $round: $filled, $(left avail) MiB are free again"
  done
  end_with "no space"
}

# Snapshots come and go while the disk fills; those that are left show what was acknowledged, whatever else.
fill_beside_snapshots() {
  local taking name taken=0
  mount_it -o segment_size=2M
  mkdir "$mnt/files"
  fill 1 >"$work/filled" &
  local filling=$!
  for ((taking = 0; ; taking++)); do
    with_little_space snapshot create "$data" "s$taking"
    ((code != 0)) || taken=$((taken + 1))
    # Deleting needs no space.
    ((taking < 2)) || "$MEMORIA_CTL" snapshot delete "$data" "s$((taking - 2))" >/dev/null 2>&1 || true
    alive "$filling" || break
  done
  wait "$filling" || fail "filling beside snapshots"
  ((taken > 2)) || fail "only $taken snapshots were taken"
  check "beside snapshots"
  for name in "$data"/snapshots/*; do
    name=${name##*/}
    python3 "$here/full.py" part "$mnt/.snapshots/$name/files" "$work/log" "$mnt/files" || fail "snapshot $name"
    "$MEMORIA_CTL" snapshot delete "$data" "$name" >"$work/ctl.log" 2>&1 || fail "$(cat "$work/ctl.log")"
  done
  empty avail 20 1
  check "after snapshots"
  end_with "beside snapshots"
  step "$(cat "$work/filled") beside $taken snapshots"
}

# restored BACKUP: is the same as the volume.
restored() {
  local data=$work/restored
  "$MEMORIA_CTL" verify "$1" >"$work/verify.log" || fail "the backup: $(cat "$work/verify.log")"
  "$MEMORIA_CTL" restore "$1" "$data" >"$work/ctl.log" 2>&1 || fail "restoring: $(cat "$work/ctl.log")"
  mount_it
  check "restored from $1"
  unmount_it
  rm -r "$data"
}

# Backups to the full disk itself, which stop when it is full and go on when there is space; and from it.
back_up_to_and_from() {
  local round interrupted=0
  for ((round = 1; round <= rounds; round++)); do
    mount_it -o segment_size=2M
    mkdir -p "$mnt/files"
    fill "$round" >"$work/filled" &
    local filling=$!
    # Begun when there is no longer room for it, and yet none is missing.
    while alive "$filling" && (($(left avail) > 24)); do
      "$MEMORIA_CTL" backup "$data" "$work/backup" >"$work/ctl.log" 2>&1 || fail "$(cat "$work/ctl.log")"
    done
    with_little_space backup "$data" "$disk/backup"
    interrupted=$((interrupted + (code == 7)))
    wait "$filling" || fail "filling beside backups"
    "$MEMORIA_CTL" backup "$data" "$work/backup" >"$work/ctl.log" 2>&1 ||
      fail "from a full disk: $(cat "$work/ctl.log")"
    check "beside backups, round $round"
    unmount_it
    restored "$work/backup"
    mount_it -o segment_size=2M
    empty avail 30 1
    "$MEMORIA_CTL" backup "$data" "$disk/backup" >"$work/ctl.log" 2>&1 ||
      fail "going on with a backup: $(cat "$work/ctl.log")"
    end_with "beside backups"
    restored "$disk/backup"
  done
  ((interrupted > 0)) || fail "no backup found the disk full"
  step "$rounds rounds with backups, $interrupted of them interrupted; the last: $(cat "$work/filled")"
}

without_inodes() {
  local round filled
  mount_it -o segment_size=1M
  mkdir "$mnt/files"
  for ((round = 1; round <= rounds; round++)); do
    filled=$(fill "$round")
    (($(left iavail) < 10)) || fail "$(left iavail) inodes are left"
    (($(left avail) > 20)) || fail "it was the space that ran out"
    with_little_space snapshot create "$data" full
    check "without inodes, round $round"
    ((round % 2 != 0)) || remount_it -o segment_size=1M
    check "without inodes, again"
    "$MEMORIA_CTL" snapshot delete "$data" full >/dev/null 2>&1 || true
    empty iavail 30 30
    ((round % 3 != 0)) || remount_it -o segment_size=1M
    check "with inodes again, round $round"
    ((round % 10 != 0 && round != rounds)) || step "round $round: $filled, $(left iavail) inodes are free again"
  done
  end_with "no inodes"
}

step "no space"
with_disk fill_again_and_again
step "no space for snapshots"
with_disk fill_beside_snapshots
step "no space for backups"
with_disk back_up_to_and_from
step "no inodes"
with_disk without_inodes -b 4096 -N 80
step "done"
