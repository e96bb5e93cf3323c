#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A request that the disk holds up holds up nobody else, and takes no more threads than allowed.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

threads() { find "/proc/$daemon/task" -mindepth 1 -maxdepth 1 | wc -l; }

disk=$work/disk
mkdir "$disk"
truncate -s 256M "$work/image"
mkfs.ext4 -q "$work/image"
if ! mount -o loop "$work/image" "$disk" 2>"$work/said"; then
  echo "SKIPPED: no loop devices here: $(cat "$work/said")" >&2
  exit 77
fi
data=$disk/data
mount_it -o max_threads=5
mkdir "$mnt/directory"
for name in 1 2 3 4 5 6; do echo "$name" >"$mnt/directory/$name"; done
idle=$(threads) # at least one of them serves already

step "writers wait for a frozen disk, readers do not"
sync -f "$disk"
fsfreeze -f "$disk"
for name in 1 2 3; do
  (echo new >"$mnt/new-$name") &
  writers[name]=$!
done
sleep 0.3
for name in 1 2 3; do
  alive "${writers[name]}" || fail "the disk is not frozen"
done
started=$EPOCHREALTIME
for ((i = 0; i < 50; i++)); do
  timeout 20 test ! -e "$mnt/directory/nor-there-$i" || fail "a lookup waits for the disk"
done
took=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { print int((b - a) * 1000) }')
step "50 lookups took $took ms"
((took < 5000)) || fail "lookups are held up: $took ms"
(($(threads) < idle + 5)) || fail "$(threads) threads, $idle of them before"
fsfreeze -u "$disk"
wait "${writers[@]}"
for name in 1 2 3; do [[ $(cat "$mnt/new-$name") == new ]]; done

step "ends although nothing was asked for a while"
sleep 0.5
unmount_it
mount_it
sleep 0.5
kill -TERM "$daemon"
wait_for_end "$daemon"
umount "$disk"
step "done"
