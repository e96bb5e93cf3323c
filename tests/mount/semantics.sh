#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What system calls do on a mount, with the kernel's writeback cache and without it; how the mount
# starts and ends; and that memoria-ctl and the mount agree at once.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

chmod 755 "$work"
for mode in writeback no_writeback; do
  mount_it -o "$mode,allow_other"
  step "system calls, $mode"
  mkdir "$mnt/$mode"
  python3 "$here/semantics" "$mnt/$mode"
  step "times that are shown are kept, $mode"
  times() { stat -c '%n %y %z' "$mnt/$mode/test_truncating_to_the_same_size"/*; }
  times >"$work/shown"
  remount_it -o "$mode,allow_other"
  times >"$work/kept"
  same "$work/shown" "$work/kept" "times after a remount"
  step "memoria-ctl and the mount agree, $mode"
  echo old >"$mnt/seen"
  [[ $(cat "$mnt/seen") == old && ! -e $mnt/later ]]
  echo new | "$MEMORIA_CTL" put "$data" /seen
  echo later | "$MEMORIA_CTL" put "$data" /later
  [[ $(cat "$mnt/seen") == new ]] || fail "the mount shows the old file"
  [[ $(cat "$mnt/later") == later ]] || fail "the mount does not show the new file"
  echo written >"$mnt/later"
  [[ $("$MEMORIA_CTL" get "$data" /later) == written ]] || fail "memoria-ctl shows the old file"
  "$MEMORIA_CTL" rm "$data" /later
  [[ ! -e $mnt/later ]] || fail "the mount shows a file that is gone"
  orphans() { "$MEMORIA_CTL" ls --key "$data" O; }
  [[ -z $(orphans) ]] || fail "the kernel still holds what memoria-ctl removed: $(orphans)"
  exec 7>"$mnt/open"
  rm "$mnt/open"
  [[ $(orphans) == "orphan "* ]] || fail "an open file is gone"
  exec 7>&-
  [[ -z $(orphans) ]] || fail "the kernel still holds what was removed and closed: $(orphans)"
  unmount_it
done

step "as a mount helper"
mount.fuse3 "$MEMORIA_FS#$data" "$mnt" -o rw,noatime,nofail,_netdev,x-systemd.automount,noauto
daemon=$(owner "$data")
[[ $(findmnt -no FSTYPE,SOURCE "$mnt" | tr -s ' ') == "fuse.memoria $data" ]] ||
  fail "the mount table says $(findmnt -n "$mnt")"
unmount_it

step "mount options of the kernel"
mount_it
[[ $(findmnt -no OPTIONS "$mnt") == *nosuid*nodev* ]] || fail "without nosuid and nodev"
[[ $(findmnt -no OPTIONS "$mnt") == *default_permissions* ]] || fail "without default_permissions"
remount_it -o ro,noexec
[[ $(findmnt -no OPTIONS "$mnt") == ro,*noexec* ]] || fail "without ro and noexec"
if touch "$mnt/new" 2>/dev/null; then fail "a read-only mount can be written to"; fi
tar -cf "$work/none.tar" -T /dev/null
for command in "put $mnt /new" "rm $mnt /name" "import $mnt /new -i $work/none.tar"; do
  # shellcheck disable=SC2086  # words
  if "$MEMORIA_CTL" $command </dev/null 2>"$work/said"; then fail "memoria-ctl $command changed files"; fi
  grep -q "is mounted read-only at $mnt" "$work/said" || fail "$command: $(cat "$work/said")"
done
"$MEMORIA_CTL" stats "$mnt" | head -n 1 | grep -q "mounted read-only at $mnt (pid $daemon)" ||
  fail "stats: $("$MEMORIA_CTL" stats "$mnt" | head -n 1)"
"$MEMORIA_CTL" merge --all "$mnt" >/dev/null || fail "no merge of what is mounted read-only"
unmount_it

step "mounted anew with other flags of the kernel"
# As mount -o remount,ro MOUNTPOINT has the helper do it: with what the mount table says.
if ((EUID == 0)); then
  mount_it -o allow_other
  change_flags() { "$MEMORIA_FS" "$data" "$mnt" -o "$1"; }
  shown=nosuid,nodev,relatime,user_id=0,group_id=0,default_permissions,allow_other
  echo written >"$mnt/before"
  exec 7>>"$mnt/before"
  code=0
  change_flags "ro,remount,$shown" 2>"$work/said" || code=$?
  ((code == 6)) || fail "read-only with a file open for writing: code $code, $(cat "$work/said")"
  exec 7>&-
  change_flags "ro,remount,noexec,$shown"
  [[ $(findmnt -no OPTIONS "$mnt") == ro,nosuid,nodev,noexec,relatime,* ]] ||
    fail "the mount table says $(findmnt -n "$mnt")"
  [[ $(owner "$data") == "$daemon" ]] || fail "another daemon"
  if echo more 2>/dev/null >>"$mnt/before"; then fail "a read-only mount can be written to"; fi
  change_flags remount,rw,exec
  [[ $(findmnt -no OPTIONS "$mnt") == rw,nosuid,nodev,relatime,* ]] ||
    fail "the mount table says $(findmnt -n "$mnt")"
  echo more >>"$mnt/before"
  [[ $(cat "$mnt/before") == $'written\nmore' ]] || fail "what was written is not there"
  unmount_it
  code=0
  change_flags remount,ro 2>"$work/said" || code=$?
  ((code == 5)) || fail "where nothing is mounted: code $code, $(cat "$work/said")"
fi

step "ended by signals, with a file open"
for signal in TERM INT HUP; do
  mount_it
  exec 7>"$mnt/open-$signal"
  echo before >&7
  sync "$mnt/open-$signal"
  python3 - "$mnt/sized-$signal" <<'EOF' &
import os, sys, time
fd = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
os.write(fd, b"written\n")
os.ftruncate(fd, 8)
os.close(os.open(sys.argv[1] + "-done", os.O_CREAT))
time.sleep(60)
EOF
  writer=$!
  until [[ -e $mnt/sized-$signal-done ]]; do sleep 0.05; done
  kill -"$signal" "$daemon"
  wait_for_end "$daemon"
  exec 7>&-
  kill "$writer"
  wait "$writer" || true
  mountpoint -q "$mnt" && fail "SIG$signal left the mount"
  mount_it
  [[ $(cat "$mnt/open-$signal") == before ]] || fail "SIG$signal lost a synced file"
  [[ $(cat "$mnt/sized-$signal") == written ]] || fail "SIG$signal lost what was written to a file that got its size then"
  unmount_it
done

step "a daemon that does not answer"
mount_it
kill -STOP "$daemon"
for signal in INT TERM; do
  code=0
  timeout -k 20 -s "$signal" 3 "$MEMORIA_CTL" stats "$data" >"$work/out" 2>"$work/err" || code=$?
  ((code == 124)) || fail "memoria-ctl ended with $code after SIG$signal: $(cat "$work/err")"
  grep -q "waiting for the daemon to answer" "$work/err" || fail "it does not say what it waits for: $(cat "$work/err")"
done
kill -CONT "$daemon"
"$MEMORIA_CTL" stats "$data" >"$work/out" || fail "stats ended with $?"
unmount_it

step "in the foreground"
"$MEMORIA_FS" -f "$data" "$mnt" 2>"$work/log" &
foreground=$!
for ((tries = 0; tries < 100; tries++)); do
  mountpoint -q "$mnt" && break
  sleep 0.1
done
ls "$mnt" >/dev/null
fusermount3 -u "$mnt"
wait "$foreground" || fail "the foreground daemon ended with code $?"
grep -q "is mounted at $mnt" "$work/log" || fail "no event was logged: $(cat "$work/log")"

step "mounting again right after an unmount, many times"
for ((tries = 0; tries < 20; tries++)); do
  mount_it
  fusermount3 -u "$mnt"  # and no waiting for the daemon
done
wait_for_end "$daemon"
step "done"
