#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The file memoria.toml in the data directory: it counts at a mount, less than mount options; it can be
# there before the store; a file with a fault keeps the volume from being mounted, and says why.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

file=$data/memoria.toml
# shows KEY VALUE [STORE]: what is in use.
shows() {
  "$MEMORIA_CTL" config show "${3-$mnt}" >"$work/shown"
  [[ $(awk -v key="$1" '$1 == key { print $2 }' "$work/shown") == "$2" ]] ||
    fail "$1 is not $2: $(cat "$work/shown")"
}
# refused CODE REGEX: mounting is, with this one line.
refused() {
  local got=0
  timeout 60 "$MEMORIA_FS" "$data" "$mnt" 2>"$work/err" || got=$?
  ((got == $1)) || fail "ended with $got instead of $1: $(cat "$work/err")"
  (($(wc -l <"$work/err") == 1)) || fail "not one line: $(cat "$work/err")"
  grep -Eq "^memoria-fs: $file$2" "$work/err" || fail "expected '$2', got: $(cat "$work/err")"
}

step "a file that is there before the store"
mkdir -m 700 "$data"
(umask 077 && printf '# mine\nfile_cache = 7 # few\nsegment_size = "2M"\n' >"$file")
mount_it
shows file_cache 7
shows segment_size 2M
shows merge_rate 0
head -c 7000000 /dev/urandom >"$mnt/file"
sha1sum <"$mnt/file" >"$work/sum"
sync "$mnt/file"
(($(find "$data" -name '*.data' | wc -l) >= 3)) || fail "the size of segments did not count"

step "mount options count more"
remount_it -o file_cache=9
shows file_cache 9
shows segment_size 2M

step "config set --save: at once and the next time"
"$MEMORIA_CTL" config set "$mnt" merge_rate 10M --save >"$work/said"
grep -q "^merge_rate: 10M (was 0), saved in $file\$" "$work/said" || fail "$(cat "$work/said")"
"$MEMORIA_CTL" config set "$mnt" segment_size 4M --save >"$work/said"
grep -q "next mount" "$work/said" || fail "$(cat "$work/said")"
shows merge_rate 10M
shows segment_size 2M
"$MEMORIA_CTL" config set "$mnt" file_cache 8 # not saved
remount_it
shows merge_rate 10M
shows segment_size 4M
shows file_cache 7
grep -q '^file_cache = 7 # few$' "$file" || fail "the rest of the file: $(cat "$file")"
"$MEMORIA_CTL" verify "$mnt" >/dev/null

step "on a store that is not mounted"
unmount_it
"$MEMORIA_CTL" config set "$data" sync_interval 0.5 --save >"$work/said"
shows sync_interval 0.5 "$data"
mount_it
shows sync_interval 0.5

step "many at once, mounted: none is lost"
writers=()
for ((i = 1; i <= 3; i++)); do  # fewer than the connections that the daemon takes
  "$MEMORIA_CTL" config set "$mnt" sync_interval "$i" --save >/dev/null &
  writers+=($!)
  "$MEMORIA_CTL" config set "$mnt" merge_check_interval "$i" --save >/dev/null &
  writers+=($!)
done
for writer in "${writers[@]}"; do wait "$writer"; done
grep -q '^merge_check_interval = [1-3]$' "$file" || fail "$(cat "$file")"
grep -q '^sync_interval = [1-3]$' "$file" || fail "$(cat "$file")"

step "a snapshot is mounted with the settings of its store"
"$MEMORIA_CTL" snapshot create "$mnt" "then" >/dev/null
mkdir "$work/then"
"$MEMORIA_FS" "$data" "$work/then" -o snapshot=then
sha1sum <"$work/then/file" | cmp - "$work/sum" || fail "the snapshot"
fusermount3 -u "$work/then"

step "it goes into a backup"
"$MEMORIA_CTL" backup "$mnt" "$work/backup" >/dev/null
cmp "$file" "$work/backup/memoria.toml" || fail "not in the backup"
"$MEMORIA_CTL" restore "$work/backup" "$work/restored" >/dev/null
shows file_cache 7 "$work/restored"
unmount_it

step "what is wrong keeps it from being mounted, and says why"
cp "$file" "$work/good"
printf '\nsegment_size = "8G"\n' >"$file"
refused 2 ', line 2: segment_size = "8G": the value of .segment_size. must be 1M to 4095M'
printf 'segmentsize = 1\n' >"$file"
refused 2 ", line 1: .*did you mean 'segment_size'"
printf 'sync = 5\n' >"$file"
refused 2 ', line 1: sync = 5: .*always, interval or never, in quotes'
printf 'file_cache = 5\nfile_cache = 6\n' >"$file"
refused 2 ', line 2: .*stands in line 1 already'
printf 'file_cache\n' >"$file"
refused 2 ', line 1: .*no TOML'
head -c 70000 /dev/zero | tr '\0' '#' >"$file"
refused 2 ': is 70000 bytes long'
cp "$work/good" "$file"
chmod 666 "$file"
refused 2 ': others may write to it .mode 0666.; run: chmod go-w'
rm "$file"
ln -s "$work/good" "$file"
refused 2 ': is no regular file'
rm "$file"
mkfifo "$file"
refused 2 ': is no regular file'
rm "$file"
if ((EUID == 0)); then
  cp "$work/good" "$file"
  chmod 600 "$file"
  chown 65534 "$file"
  refused 2 ': belongs to user 65534.*run: chown 0 '
  rm "$file"
fi

step "without it nothing is lost"
mount_it
sha1sum <"$mnt/file" | cmp - "$work/sum" || fail "the contents"
shows file_cache 256
unmount_it
step "done"
