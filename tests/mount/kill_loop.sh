#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# kill -9 of the daemon again and again, at random moments of a mixed load with merges and snapshots. What
# was acknowledged stands in a log outside, and is there when the store is mounted again over the dead
# mount. MEMORIA_KILLS (10) tells how often; a long run has 1000.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

kills=${MEMORIA_KILLS:-10} seed=${MEMORIA_TEST_SEED:-1}
RANDOM=$seed
acknowledged=0

# Merges and snapshots until the daemon is gone (the last ones may be made without it).
look_after() {
  local name=0
  while alive "$daemon" && "$MEMORIA_CTL" merge --all "$data" &&
    "$MEMORIA_CTL" snapshot create "$data" "s$name"; do
    "$MEMORIA_CTL" snapshot delete "$data" "s$name" || break
    name=$((name + 1))
    sleep 0.05
  done >/dev/null 2>&1
}

# Killed while it has the kernel write pages, the daemon cannot end, and whoever asks the mount hangs until
# somebody mounts again (fs/binding/stale_mount.hpp).
release_the_hung() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    alive "$loading" || alive "$looking" || return 0
    sleep 0.1
  done
  step "kill $kill: the daemon cannot end before it is mounted again"
  mount_it -o segment_size=1M
}

daemon=
for ((kill = 1; kill <= kills; kill++)); do
  alive "$daemon" || mount_it -o segment_size=1M  # the dead mount is still there
  [[ $(grep -c " $mnt " /proc/self/mounts) == 1 ]] || fail "dead mounts are left"
  if ((kill > 1)); then
    count=$(python3 "$here/kill_load.py" check "$mnt/$((kill - 1))" "$work/log") ||
      fail "kill $((kill - 1)), MEMORIA_TEST_SEED=$seed: a promise was broken"
    acknowledged=$((acknowledged + count))
    rm "$work/log"
    rm -r "${mnt:?}/$((kill - 1))"
    ((kill % 10 != 1)) || step "$((kill - 1)) kills, $acknowledged operations were acknowledged"
  fi
  python3 "$here/kill_load.py" load "$mnt/$kill" "$work/log" $((seed * 100000 + kill)) &
  loading=$!
  look_after &
  looking=$!
  until [[ -s $work/log ]]; do
    alive "$loading" || fail "the load ended before it began"
    sleep 0.02
  done
  sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
  killed=$daemon
  kill -9 "$killed"
  release_the_hung
  wait "$loading" "$looking" || fail "the load does not end as it should"
  wait_for_end "$killed"
done

alive "$daemon" || mount_it
count=$(python3 "$here/kill_load.py" check "$mnt/$kills" "$work/log") || fail "the last kill"
[[ $(statistic "$data" files) == "$(find "$mnt" -printf '%i\n' | sort -u | wc -l)" ]] ||
  fail "inodes without a name are left"
unmount_it
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
step "$kills kills, $((acknowledged + count)) operations were acknowledged: all of them are there"
