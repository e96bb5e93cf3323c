#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One flipped bit in a directory entry, in an inode, in contents: each is an I/O error for itself
# alone, and the directory is listed with everything else in it.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

# key TABLE INODE [NAME]: a key of the volume in hexadecimal digits, see fs/volume/keys.hpp.
key() { printf '%02x%016x%s' "'$1" "$2" "$(printf %s "${3-}" | od -An -v -tx1 | tr -d ' \n')"; }

# Flips a bit in the last record that key $1 has, a few bytes before the record's end.
damage() {
  "$MEMORIA_CTL" locate --json --key --hex "$data" "$1" >"$work/place" || fail "locate $1"
  python3 - "$data" "$work/place" <<'EOF'
import json, sys
place = json.load(open(sys.argv[2]))["extents"][0]
with open(f"{sys.argv[1]}/{place['file']}", "r+b") as file:
    file.seek(place["record_offset"] + place["record_length"] - 3)
    byte = file.read(1)[0]
    file.seek(-1, 1)
    file.write(bytes([byte ^ 0x10]))
EOF
}

# Opens a file for reading; tells the errno's name.
errno_of() {
  python3 - "$1" <<'EOF'
import errno, sys
try:
    with open(sys.argv[1], "rb") as file:
        while file.read(65536):
            pass
    print("OK")
except OSError as error:
    print(errno.errorcode[error.errno])
EOF
}

# Mounts and checks that the damaged entry and inode give $1, damaged contents an I/O error, and that
# all else is there.
check() {
  local expected=$1 name
  mount_it
  seq 1 100 >"$work/expected"
  python3 -c 'import os, sys; print(*sorted(map(int, os.listdir(sys.argv[1]))), sep="\n")' \
    "$mnt/dir" | diff "$work/expected" - || fail "the listing"
  for name in "$entry" "$inode"; do
    [[ $(errno_of "$mnt/dir/$name") == "$expected" ]] ||
      fail "a damaged $name gives $(errno_of "$mnt/dir/$name")"
  done
  [[ $(errno_of "$mnt/dir/$contents") == EIO ]] || fail "damaged contents are read"
  while read -r name; do
    [[ " $entry $inode $contents " == *" $name "* || $(tail -c 4 "$mnt/dir/$name") == end ]] || fail "file $name"
  done <"$work/expected"
  if "$MEMORIA_CTL" verify "$data" >"$work/verify"; then fail "verify found nothing"; fi
  unmount_it
}

entry=10 inode=50 contents=90
mount_it
mkdir "$mnt/dir"
for ((i = 1; i <= 100; i++)); do
  { head -c 3000 /dev/zero | tr '\0' "$((i % 10))"; echo end; } >"$mnt/dir/$i"
done
directory=$(stat -c %i "$mnt/dir")
inode_of_inode=$(stat -c %i "$mnt/dir/$inode")
inode_of_contents=$(stat -c %i "$mnt/dir/$contents")
unmount_it

damage "$(key N "$directory" "$entry")"
damage "$(key I "$inode_of_inode")"
damage "$(key C "$inode_of_contents")"

step "with hints, which have copies of what is small"
check OK
step "without hints"
rm "$data"/*.hint
check EIO

step "each failed read is one line of the log, with the inode, or counted in the last one"
"$MEMORIA_FS" -f "$data" "$mnt" 2>"$work/log" &
daemon=$!
for ((tries = 0; tries < 100; tries++)); do
  mountpoint -q "$mnt" && break
  sleep 0.1
done
ls "$mnt/dir" >/dev/null
before=$(statistic "$mnt" read_errors)
python3 - "$mnt/dir/$contents" <<'EOF' || fail "damaged contents are read"
import sys
for _ in range(300):
    try:
        open(sys.argv[1], "rb").read()
        sys.exit("no error")
    except OSError:
        pass
EOF
failed=$(($(statistic "$mnt" read_errors) - before))
unmount_it
[[ $(grep -c "error: a directory lists a damaged entry: damaged record at " "$work/log") == 1 ]] ||
  fail "the listing is not in the log: $(head "$work/log")"
grep "damaged record at " "$work/log" | grep -v "lists a damaged entry" >"$work/lines" ||
  fail "the reads are not in the log: $(head "$work/log")"
if grep -v " error: read (inode $inode_of_contents): " "$work/lines"; then fail "another line for a read"; fi
counted=$(sed -n '$s/.* error: \([0-9]*\) events like this were too many.*/\1/p' "$work/log")
(($(wc -l <"$work/lines") + counted == failed)) ||
  fail "$failed reads failed: $(wc -l <"$work/lines") lines, and then: $(tail -n 2 "$work/log")"
step "a segment that is missing is told to who mounts, also in the background"
mount_it
echo more >"$mnt/more"
unmount_it
lost=$(cd "$data" && printf '%s\n' *.data | tail -n 1)
mv "$data/$lost" "$work/lost"
mount_it 2>"$work/said"
grep -q "memoria-fs: warning: .*$lost.* missing or damaged" "$work/said" || fail "said: $(cat "$work/said")"
[[ $(statistic "$mnt" missing_segments) == 1 ]] || fail "stats do not tell"
unmount_it
mv "$work/lost" "$data/$lost"
step "done"
