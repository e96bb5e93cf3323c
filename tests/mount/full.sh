#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A full disk, again and again: what was acknowledged stays, also when it fills during a merge or a
# snapshot; listing, reading and removing go on, and a merge gives the space back. MEMORIA_FULL_ROUNDS (5)
# tells how often; a long run has 50.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

rounds=${MEMORIA_FULL_ROUNDS:-5}
disk=$work/disk
mkdir "$disk"

# Does something with the control tool that may find no space, and nothing else.
with_little_space() {
  local code=0
  "$MEMORIA_CTL" "$@" >"$work/ctl.log" 2>&1 || code=$?
  ((code == 0 || code == 7)) || fail "memoria-ctl $* ended with code $code: $(cat "$work/ctl.log")"
}

fill_again_and_again() {
  local round free
  : >"$work/log"
  mount_it -o segment_size=2M
  mkdir "$mnt/files"
  for ((round = 1; round <= rounds; round++)); do
    # The disk fills during these.
    with_little_space merge --all "$data" &
    merging=$!
    filled=$(python3 "$here/full.py" fill "$mnt/files" "$work/log" "$round") || fail "filling"
    wait "$merging" || fail "the merge beside"
    with_little_space merge --all "$data"
    with_little_space snapshot create "$data" full
    python3 "$here/full.py" check "$mnt/files" "$work/log" || fail "full, round $round"
    python3 "$here/full.py" thin "$mnt/files" "$work/log" || fail "removing on a full disk"
    "$MEMORIA_CTL" snapshot delete "$data" full >/dev/null 2>&1 || true  # if there was space for it
    "$MEMORIA_CTL" merge --all "$data" >"$work/ctl.log" 2>&1 || fail "merge: $(cat "$work/ctl.log")"
    [[ $(statistic "$data" read_only) == False ]] || fail "the store has become read-only"
    free=$(df --output=avail -B1M "$disk" | tail -n 1)
    ((free >= 20)) || fail "only $free MiB came back"
    ((round % 3 != 0)) || remount_it -o segment_size=2M
    python3 "$here/full.py" check "$mnt/files" "$work/log" || fail "after round $round"
    ((round % 10 != 0 && round != rounds)) || step "round $round: $filled, $free MiB are free again"
  done
  unmount_it
  "$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
}

truncate -s 72M "$work/image"
mkfs.ext4 -q -m 0 "$work/image"
if ! mount -o loop "$work/image" "$disk" 2>"$work/said"; then
  echo "SKIPPED: no loop devices here: $(cat "$work/said")" >&2
  exit 77
fi
data=$disk/data
step "no space"
fill_again_and_again
umount "$disk"

step "done"
