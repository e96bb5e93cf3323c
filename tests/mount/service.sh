#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What memoria-fs tells a service manager: that it is ready when the mount answers, that it is alive
# only as long as the mount is, and that it stops.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

told=$work/told manager=
stop_helpers() {
  local helper
  for helper in "$manager" "${writer-}"; do
    [[ -z $helper ]] || kill "$helper" 2>/dev/null || true
  done
}
trap 'code=$?; stop_helpers; set +e; (exit "$code"); clean_up' EXIT
python3 "$here/datagrams.py" "$work/notify" "$told" &
manager=$!
for ((i = 0; i < 200; i++)); do
  [[ -S $work/notify ]] && break
  sleep 0.05
done

# As a service: $daemon is its pid. Watchdog: 0.6 s.
start_service() {
  : >"$told"
  NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=600000 \
    "$MEMORIA_FS" --foreground "$@" "$data" "$mnt" 2>"$work/log" &
  daemon=$!
}

# Waits until a line of what was told matches the pattern.
await() {
  local tries
  for ((tries = 0; tries < 1200; tries++)); do
    if grep -q -e "$1" "$told"; then return; fi
    sleep 0.05
  done
  fail "'$1' was not told, but: $(cat "$told"); $(cat "$work/log")"
}
pings() { grep -c WATCHDOG=1 "$told" || true; }
await_ping_after() { # COUNT
  local tries
  for ((tries = 0; tries < 1200; tries++)); do
    if (($(pings) > $1)); then return; fi
    sleep 0.05
  done
  fail "no ping after the ${1}th"
}

step "ready when the mount answers, and alive from then on"
start_service
await READY=1
mountpoint -q "$mnt" || fail "ready before anything was mounted"
[[ $(head -n 1 "$told") == "STATUS=Opening $data" ]] || fail "told first: $(head -n 1 "$told")"
grep -q "READY=1 STATUS=$mnt: 1 files, .* in 1 segments" "$told" || fail "status: $(cat "$told")"
[[ $(grep -c READY=1 "$told") == 1 ]] || fail "ready more than once"
echo content >"$mnt/file"
await "WATCHDOG=1 STATUS=$mnt: 2 files"
if tr '\0' '\n' <"/proc/$daemon/environ" | grep -q WATCHDOG_PID; then fail "the environment"; fi

step "stopping, then the end"
kill -TERM "$daemon"
wait_for_end "$daemon"
wait "$daemon" || fail "ended with $?"
[[ $(tail -n 1 "$told") == STOPPING=1* ]] || fail "told last: $(tail -n 1 "$told")"
if mountpoint -q "$mnt"; then fail "still mounted"; fi
if pgrep -P "$daemon" >/dev/null; then fail "a process is left behind"; fi

step "the same when it is unmounted"
start_service
await READY=1
[[ $(cat "$mnt/file") == content ]] || fail "the file is gone"
fusermount3 -u "$mnt"
wait_for_end "$daemon"
[[ $(tail -n 1 "$told") == STOPPING=1* ]] || fail "told last: $(tail -n 1 "$told")"

step "killed: another takes its place at once"
start_service
await READY=1
kill -KILL "$daemon"
wait_for_end "$daemon"
if grep -q STOPPING "$told"; then fail "the dead speak"; fi
start_service
await READY=1
[[ $(cat "$mnt/file") == content ]] || fail "the file is gone"
kill -TERM "$daemon"
wait_for_end "$daemon"

step "what programs wrote and still have open is kept at SIGTERM"
start_service
await READY=1
python3 - "$mnt/open" "$work/go" <<'PY' &
import os, sys, time
file = open(sys.argv[1], "wb")
file.write(b"x" * 300000)
file.flush()  # in the kernel's cache, and nowhere else
open(sys.argv[2], "w").close()
time.sleep(600)
PY
writer=$!
for ((i = 0; i < 1200; i++)); do
  [[ -e $work/go ]] && break
  sleep 0.05
done
kill -TERM "$daemon"
wait_for_end "$daemon"
kill "$writer"
start_service
await READY=1
[[ $(stat -c %s "$mnt/open") == 300000 ]] || fail "$(stat -c %s "$mnt/open") of 300000 bytes are left"
kill -TERM "$daemon"
wait_for_end "$daemon"

step "told to end while it opens the store, it ends, and has not mounted"
python3 -c 'import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getpid(), signal.SIGTERM)  # is pending still in the program that comes
os.execv(sys.argv[1], sys.argv[1:])' "$MEMORIA_FS" --foreground "$data" "$mnt" 2>"$work/log" ||
  fail "it ended with code $?: $(cat "$work/log")"
grep -q "told to end: .*opening it was stopped on request" "$work/log" || fail "log: $(cat "$work/log")"
if grep -q "is mounted at" "$work/log"; then fail "it was mounted: $(cat "$work/log")"; fi

step "no ping from a mount that does not answer"
disk=$work/disk
mkdir "$disk"
truncate -s 256M "$work/image"
mkfs.ext4 -q "$work/image"
if ! mount -o loop "$work/image" "$disk" 2>"$work/said"; then
  echo "SKIPPED the rest: no loop devices here: $(cat "$work/said")" >&2
  exit 0
fi
data=$disk/data
start_service -o max_threads=1
await READY=1
sync -f "$disk"
fsfreeze -f "$disk"
(echo new >"$mnt/new") & # holds up the only thread
writer=$!
# One ping may have been on its way; after that there is none, for five times what is allowed.
sleep 0.5
before=$(pings)
sleep 3
(($(pings) == before)) || fail "a mount that hangs is said to serve"
fsfreeze -u "$disk"
await_ping_after "$before"
wait "$writer"
kill -TERM "$daemon"
wait_for_end "$daemon"
umount "$disk"

step "what cannot start says why"
touch "$work/file"
: >"$told"
if NOTIFY_SOCKET=$work/notify "$MEMORIA_FS" -f "$work/file" "$mnt" 2>"$work/err"; then fail "started"; fi
await "STATUS=data directory $work/file: is not a directory"
step "done"
