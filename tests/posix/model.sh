#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The same random operations on a mount, or a volume, and on the host's filesystem. Between the rounds the
# mount is merged, robbed of its hints and mounted anew; while they run it is merged, too.
#   MEMORIA_MODEL_SEED=1 MEMORIA_MODEL_ROUNDS=3 MEMORIA_MODEL_OPERATIONS=10000 tests/posix/model.sh mount
#   (or volume; the defaults are those of a short run. As root: it makes devices and changes owners.)
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/../mount/mount.sh"
: "${POSIX_MODEL:?names the program posix_model}"

seed=${MEMORIA_MODEL_SEED:-1} rounds=${MEMORIA_MODEL_ROUNDS:-3} operations=${MEMORIA_MODEL_OPERATIONS:-10000}
((EUID == 0)) || { echo "SKIPPED: only root can make devices and change owners"; exit 77; }
mkdir "$work/reference"

model() { "$POSIX_MODEL" "$work/reference" "$@" || fail "a difference"; }

if [[ $1 == volume ]]; then
  model volume "$data" "$seed" $((rounds * operations))
  step "done"
  exit
fi

for ((round = 0; round < rounds; round++)); do
  mount_it -o suid,dev
  "$MEMORIA_CTL" merge --all "$data" >"$work/merge.log" 2>&1 &
  merging=$!
  model mount "$mnt" $((seed + round)) "$operations"
  wait "$merging" || fail "merge, mounted: $(cat "$work/merge.log")"
  step "round $((round + 1)) of $rounds"
  unmount_it
  case $((round % 3)) in
    0) rm -f "$data"/*.hint ;;
    1) "$MEMORIA_CTL" merge --all "$data" >"$work/merge.log" || fail "merge: $(cat "$work/merge.log")" ;;
  esac
done
mount_it -o suid,dev
model mount "$mnt" 0 0  # what the last disturbance left
unmount_it
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
step "done"
