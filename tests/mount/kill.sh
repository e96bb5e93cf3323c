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

step "signals from elsewhere do not end the mount by its guard"
mount_it
for signal in USR1 TERM INT HUP QUIT USR2; do kill -"$signal" "$(pgrep -P "$daemon")"; done
sleep 0.7
echo works >"$mnt/after-signals"
[[ -n $(pgrep -P "$daemon") ]] || fail "the guard is gone"
unmount_it
step "what the daemon did not get any more is not closed without an error"
# The kernel lets a write that it cannot queue any more go without a word, once nobody wants FLUSH.
mount_it
echo closed >"$mnt/closed"
python3 - "$mnt" "$daemon" <<'EOF'
import os, signal, sys
mount, daemon = sys.argv[1], int(sys.argv[2])
files = [os.open(f"{mount}/lost-{n}", os.O_CREAT | os.O_WRONLY) for n in range(3)]
for fd in files: os.write(fd, b"x" * 5000)
os.kill(daemon, signal.SIGKILL)
while os.path.exists(f"/proc/{daemon}") and " Z " not in open(f"/proc/{daemon}/stat").read(): pass
for fd in files:
    try:
        os.close(fd)
        sys.exit("closed without an error")
    except OSError: pass
EOF
"$MEMORIA_FS" "$data" "$mnt" || fail "memoria-fs ended with code $?"
[[ $(cat "$mnt/closed") == closed ]] || fail "what was closed before is lost"
unmount_it

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

# stop_while_pages_are_written SIGNAL [COMMAND...]: the daemon gets it while SEEK_DATA waits for written
# pages, and the disk stands still. COMMAND runs what is behind it as the user who mounts.
stop_while_pages_are_written() {
  local signal=$1 seeking tries
  local -a as=("${@:2}")
  data=$disk/data-$((++rounds_made))
  install -d -m 700 -o "$("${as[@]}" id -u)" "$data"
  "${as[@]}" "$MEMORIA_FS" "$data" "$mnt" || fail "memoria-fs ended with code $?"
  daemon=$(owner "$data")
  rm -f "$work/frozen"
  "${as[@]}" env PATH=/usr/bin:/bin python3 - "$mnt/pages" "$work/frozen" <<'EOF' &
import os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
while not os.path.exists(sys.argv[2]): time.sleep(0.01)
os.pwrite(fd, b"x" * (2 << 20), 1 << 20)
try:
    os.lseek(fd, 0, os.SEEK_DATA)
except OSError as error:
    print("seeking:", error)
os._exit(0)
EOF
  seeking=$!
  for ((tries = 0; tries < 200; tries++)); do
    [[ -n $(find /proc/"$seeking"/fd -lname "*/pages" 2>/dev/null) ]] && break
    sleep 0.05
  done
  fsfreeze -f "$disk"
  touch "$work/frozen"
  for ((tries = 0; tries < 200; tries++)); do
    cat /proc/"$daemon"/task/*/wchan 2>/dev/null | grep -qE "folio|page" && break
    sleep 0.05
  done
  ((tries < 200)) || fail "nothing waits for pages"
  if [[ $signal == "KILL without its guard" ]]; then
    kill -9 "$(pgrep -P "$daemon")"
    signal=KILL
  fi
  kill -"$signal" "$daemon"
  sleep 0.5
  fsfreeze -u "$disk"
  if [[ $1 == "KILL without its guard" ]]; then
    sleep 1
    alive "$seeking" || fail "there was nothing to guard"
  else
    # Without anybody's help.
    wait_for_end "$daemon"
    for ((tries = 0; tries < 100; tries++)); do
      alive "$seeking" || break
      sleep 0.1
    done
    ((tries < 100)) || fail "a program still waits for the daemon that is gone"
  fi
  if [[ $1 == KILL ]]; then
    if "${as[@]}" stat -f "$mnt" 2>"$work/said"; then fail "$mnt still answers"; fi
    grep -q "not connected" "$work/said" || fail "not a dead mount: $(cat "$work/said")"
  fi
  "${as[@]}" "$MEMORIA_FS" "$data" "$mnt" || fail "memoria-fs ended with code $?"
  daemon=$(owner "$data")
  wait "$seeking"
  "${as[@]}" touch "$mnt/after"
  unmount_it
  "$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
}

rounds_made=0
step "ended while the kernel writes pages"
stop_while_pages_are_written TERM
step "killed while the kernel writes pages"
stop_while_pages_are_written KILL
step "killed with its guard while the kernel writes pages"
stop_while_pages_are_written "KILL without its guard"
somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
connections=/sys/fs/fuse/connections
if ! "${somebody[@]}" test -w /dev/fuse; then
  step "NOT TESTED: the same of somebody without rights: /dev/fuse is not for everybody here"
elif mountpoint -q "$connections" || mount -t fusectl fusectl "$connections" 2>"$work/said"; then
  chmod 755 "$work" "$disk"
  chmod 777 "$mnt"
  step "the same of somebody without rights"
  cp "$MEMORIA_FS" "$work/memoria-fs"
  MEMORIA_FS=$work/memoria-fs
  stop_while_pages_are_written KILL "${somebody[@]}"
  stop_while_pages_are_written "KILL without its guard" "${somebody[@]}"
else
  step "NOT TESTED: the same of somebody without rights: $(cat "$work/said")"
fi
umount "$disk"
step "done"
