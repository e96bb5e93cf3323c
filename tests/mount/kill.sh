#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# kill -9 of the daemon while a tree is being unpacked: what was closed before is there and correct,
# the dead mount is replaced, and the store is clean.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

rounds=(300 4000 9000)  # closed files after which the daemon is killed

# Kills the daemon when $1 files were closed below $mnt/$2.
unpack_and_kill() {
  local closed=$1 target=$2 unpacking
  mkdir "$mnt/$target"
  python3 "$here/unpack.py" unpack "$work/tree.tar" "$mnt/$target" "$work/$target.closed" \
    2>"$work/unpack.log" &
  unpacking=$!
  until [[ -e $work/$target.closed ]] && (($(wc -l <"$work/$target.closed") >= closed)); do
    alive "$unpacking" || fail "unpacking ended early: $(cat "$work/unpack.log")"
    sleep 0.01
  done
  kill -9 "$daemon"
  if wait "$unpacking"; then fail "unpacking did not notice that the daemon is gone"; fi
  wait_for_end "$daemon"
}

make_tree 12000
for closed in "${rounds[@]}"; do
  # The dead mount of the round before is still there.
  mount_it
  step "kill after $closed files"
  unpack_and_kill "$closed" "round-$closed"
  if stat -f "$mnt" 2>/dev/null; then fail "$mnt still answers"; fi
done

step "remount while the daemon is dying"
mount_it
kill -STOP "$daemon"
"$MEMORIA_FS" "$data" "$mnt" &
mounting=$!
sleep 0.5  # it waits for the stopped daemon's answer now
kill -9 "$daemon"
wait "$mounting" || fail "memoria-fs ended with code $?"
[[ $(owner "$data") != "$daemon" ]] || fail "$mnt has no new daemon"
daemon=$(owner "$data")
kill -9 "$daemon"
wait_for_end "$daemon"

step "remount over the dead mount"
mount_it
[[ $(grep -c " $mnt " /proc/self/mounts) == 1 ]] || fail "dead mounts are left"
for closed in "${rounds[@]}"; do
  python3 "$here/unpack.py" check "$work/round-$closed.closed" "$mnt/round-$closed"
  step "all $(wc -l <"$work/round-$closed.closed") files that were closed are there"
done
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify, mounted: $(cat "$work/verify.log")"
[[ $(statistic "$data" files) == "$(find "$mnt" -printf '%i\n' | sort -u | wc -l)" ]] ||
  fail "inodes without a name are left"
unmount_it
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"

# A data directory on a disk that can be made to stand still.
disk=$work/disk
mkdir "$disk"
truncate -s 300M "$work/image"
mkfs.ext4 -q "$work/image"
if ! ((EUID == 0)) || ! mount -o loop "$work/image" "$disk"; then
  step "NOT TESTED: what is killed while it writes; needs root and loop devices"
  step "done"
  exit 0
fi

# stop_while_pages_are_written SIGNAL: the daemon gets it while SEEK_DATA waits for written pages, and
# the disk stands still.
stop_while_pages_are_written() {
  local seeking
  mount_it
  python3 - "$mnt/pages" "$disk" <<'EOF' &
import os, subprocess, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
subprocess.run(["fsfreeze", "-f", sys.argv[2]], check=True)
os.pwrite(fd, b"x" * (2 << 20), 1 << 20)
os.lseek(fd, 0, os.SEEK_DATA)
os._exit(0)
EOF
  seeking=$!
  for ((tries = 0; tries < 200; tries++)); do
    cat /proc/"$daemon"/task/*/wchan 2>/dev/null | grep -qE "folio|page" && break
    sleep 0.05
  done
  ((tries < 200)) || fail "nothing waits for pages"
  kill -"$1" "$daemon"
  sleep 0.5
  fsfreeze -u "$disk"
  if [[ $1 == KILL ]]; then
    sleep 0.5
    mount_it
  else
    wait_for_end "$daemon"
    mount_it
  fi
  wait "$seeking" || true
  echo after >"$mnt/after-$1"
  unmount_it
  "$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
}

data=$disk/data
step "ended while the kernel writes pages"
stop_while_pages_are_written TERM
step "killed while the kernel writes pages"
stop_while_pages_are_written KILL
umount "$disk"
step "done"
