#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A backup that is mounted stays as it is: it is not brought up to date, but restored and read.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

backup=$work/backup second=$work/second
mkdir "$second"

# refused COMMAND...: ends with exit code 4, and $work/said tells why.
refused() {
  local code=0
  "$@" >"$work/said" 2>&1 || code=$?
  ((code == 4)) || fail "code $code from $*: $(cat "$work/said")"
}

mount_it
for ((i = 0; i < 20; i++)); do head -c 100000 /dev/urandom >"$mnt/$i"; done
"$MEMORIA_CTL" backup "$data" "$backup" >"$work/log" || fail "backup: $(cat "$work/log")"
(cd "$mnt" && sha256sum -- *) >"$work/sums"

"$MEMORIA_FS" -f "$backup" "$second" 2>"$work/log" &
reader=$!
for ((tries = 0; tries < 100; tries++)); do
  mountpoint -q "$second" && break
  sleep 0.1
done

step "a mounted backup is not brought up to date"
rm "$mnt"/*
"$MEMORIA_CTL" merge --all "$data" >"$work/log"
refused "$MEMORIA_CTL" backup "$data" "$backup"
grep -Eq "$backup is in use by (process $reader|another process);" "$work/said" || fail "$(cat "$work/said")"
(cd "$second" && sha256sum --quiet -c "$work/sums") || fail "the mounted backup has changed"

step "it is restored and read"
"$MEMORIA_CTL" restore "$backup" "$work/restored" >"$work/log" 2>&1 || fail "restore: $(cat "$work/log")"
"$MEMORIA_CTL" verify "$backup" >"$work/log" 2>&1 || fail "verify: $(cat "$work/log")"
"$MEMORIA_CTL" repair "$backup" "$work/repaired" >"$work/log" 2>&1 || fail "repair: $(cat "$work/log")"
for copy in restored repaired; do
  for ((i = 0; i < 20; i++)); do
    "$MEMORIA_CTL" get "$work/$copy" "/$i" | cmp - "$second/$i" || fail "$copy: $i"
  done
done

step "once it is unmounted it is"
fusermount3 -u "$second"
wait_for_end "$reader"
"$MEMORIA_CTL" backup "$data" "$backup" >"$work/log" || fail "backup: $(cat "$work/log")"
[[ -z $("$MEMORIA_CTL" ls "$backup" /) ]] || fail "the backup is not up to date"

step "while it is being brought up to date nobody reads it"
flock "$backup/lock" "$MEMORIA_CTL" verify "$backup" >"$work/said" 2>&1 && fail "it was read"
grep -q "is in use by" "$work/said" || fail "$(cat "$work/said")"
unmount_it
step "right after an unmount, when the daemon has not let go yet"
for ((round = 0; round < 5; round++)); do
  for command in "backup $data $backup" "export $data -o $work/archive.tar" "repair $data $work/saved-$round" \
    "restore $data/snapshots/kept $work/again-$round" "verify $data"; do
    "$MEMORIA_FS" "$data" "$mnt"
    head -c 5M /dev/urandom >"$mnt/file"
    [[ -d $data/snapshots/kept ]] || "$MEMORIA_CTL" snapshot create "$mnt" kept >/dev/null
    fusermount3 -u "$mnt"
    # shellcheck disable=SC2086
    "$MEMORIA_CTL" $command >"$work/said" 2>&1 || fail "$command: $(cat "$work/said")"
  done
  "$MEMORIA_FS" "$backup" "$second"
  cat "$second/file" >/dev/null
  fusermount3 -u "$second"
  "$MEMORIA_CTL" backup "$data" "$backup" >"$work/said" 2>&1 || fail "backup: $(cat "$work/said")"
  rm -r "$work/saved-$round" "$work/again-$round"
done

step "by whatever name the daemon was started"
other=$work/other
echo text | "$MEMORIA_CTL" put "$other" /file 2>/dev/null
ln -s "$MEMORIA_FS" "$work/memoria"
"$work/memoria" "$data" "$mnt"
cp "$data/lock" "$other/lock"  # as if that daemon had it, and were closing it
flock "$other/lock" sleep 3 &
sleep 0.5
"$MEMORIA_CTL" get "$other" /file >"$work/said" 2>&1 || fail "get: $(cat "$work/said")"
wait "$!"
fusermount3 -u "$mnt"
step "done"
