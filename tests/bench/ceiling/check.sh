#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# memoria-ceiling-fs holds what programs put into it: tar, cp, git and others on a real mount.
#   check.sh MEMORIA-CEILING-FS
set -euo pipefail
shopt -s inherit_errexit

program=$(realpath "${1:?names the program memoria-ceiling-fs}")
work=$(realpath "$(mktemp -d "${TMPDIR:-/var/tmp}/memoria-ceiling.XXXXXX")")
mnt=$work/mnt original=$work/original
mkdir "$mnt" "$original"

fail() {
  echo "FAIL: $*" >&2
  exit 1
}
step() { printf '[%3ds] %s\n' "$SECONDS" "$*"; }
is() { [[ $1 == "$2" ]] || fail "$3: '$1' instead of '$2'"; }

clean_up() {
  local code=$?
  trap - EXIT
  set +e
  cd /
  ((code == 0)) || echo "FAILED with code $code" >&2
  mountpoint -q "$mnt" && fusermount3 -uz "$mnt"
  rm -rf --one-file-system "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

step "mounting"
"$program" "$mnt" || fail "it ended with code $?"
mountpoint -q "$mnt" || fail "it returned before $mnt was mounted"
cd "$mnt"

step "a tree"
mkdir -p "$original"/{empty,deep/er/est}
for i in {1..300}; do head -c $((i * 37)) /dev/urandom >"$original/deep/file-$i"; done
head -c 5000001 /dev/urandom >"$original/deep/er/large"
: >"$original/nothing"
ln "$original/deep/er/large" "$original/deep/er/est/same"
ln -s deep/er/large "$original/link"
chmod 640 "$original/nothing"
touch -d 2001-02-03T04:05:06.789 "$original/deep/file-7"
tar -C "$original" -cf "$work/tree.tar" --format=posix .
mkdir by-tar
tar -C by-tar -xpf "$work/tree.tar"
diff -r --no-dereference "$original" by-tar
cp -a "$original" by-cp
described() { (cd "$1" && find . ! -type d -printf '%P %y %m %U %G %s %n %T@ %l\n' | sort); }
for copy in by-tar by-cp; do
  diff <(described "$original") <(described "$copy") || fail "attributes of $copy"
done
is "$(find by-tar | wc -l)" "$(find "$original" | wc -l)" "number of files"
is "$(stat -c %h by-tar)" 4 "links of a directory"
echo 2 >/proc/sys/vm/drop_caches 2>/dev/null || true # so that names and contents are asked for again
echo 1 >/proc/sys/vm/drop_caches 2>/dev/null || true
diff -r --no-dereference "$original" by-tar
diff <(described "$original") <(described by-cp) || fail "attributes, asked for again"

step "names"
mkdir a b
echo one >a/one
ln a/one b/two
is "$(stat -c %h a/one)" 2 "links"
echo more >>b/two
is "$(cat a/one)" $'one\nmore' "through the other name"
mv a/one a/three
mv a/three b/
[[ ! -e a/one && ! -e a/three && b/three -ef b/two ]] || fail "mv"
echo old >a/old
mv b/two a/old
is "$(cat a/old)" $'one\nmore' "mv over a file"
mv b a/
is "$(ls a/b)" three "mv of a directory"
is "$(stat -c %h a)" 3 "links of a directory that got one"
is "$(stat -c %h .)" 5 "links of a directory that lost one"
if rmdir a 2>/dev/null; then fail "rmdir of a directory that is not empty"; fi
python3 - <<'PYTHON'
import ctypes, os
def renameat2(old, new, flags):
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.renameat2(-100, old.encode(), -100, new.encode(), flags)
    return 0 if done == 0 else ctypes.get_errno()
def contents(name):
    with open(name) as file: return file.read()
for name in "x", "y":
    with open(name, "w") as file: file.write(name)
assert renameat2("x", "y", 1) == 17, "NOREPLACE"
assert renameat2("x", "a", 2) == 0 and os.path.isdir("x") and contents("a") == "x", "EXCHANGE"
assert renameat2("x", "a", 2) == 0 and renameat2("x", "z", 1) == 0
assert contents("z") == "x" and contents("y") == "y"
# A file that is open lives on without a name.
with open("z", "r+") as file:
    os.unlink("z")
    file.write("still here")
    file.flush()
    os.fsync(file.fileno())
    file.seek(0)
    assert file.read() == "still here" and os.fstat(file.fileno()).st_nlink == 0
PYTHON
rm y

step "contents"
for i in {1..200}; do echo "$i" >>appended; done
cmp appended <(seq 200)
truncate -s 100 appended
truncate -s 1000 appended
cmp appended <(seq 200 | head -c 100; head -c 900 /dev/zero)
cp by-tar/deep/er/large shrunk
truncate -s 1234567 shrunk
truncate -s 5000001 shrunk
cmp shrunk <(head -c 1234567 by-tar/deep/er/large; head -c 3765434 /dev/zero)
: >shrunk
is "$(stat -c %s shrunk)" 0 "size of a file that was opened with O_TRUNC"
truncate -s 64G sparse
echo end >>sparse
is "$(tail -c 4 sparse)" end "a large sparse file"
fallocate -l 3000000 shrunk
cmp shrunk <(head -c 3000000 /dev/zero)
if command -v fio >/dev/null; then
  fio --name=random --filename=fio --size=16M --rw=randrw --bsrange=1k-64k --verify=crc32c \
    --fsync=50 --end_fsync=1 >"$work/fio" 2>&1 || fail "fio: $(cat "$work/fio")"
fi
is "$(grep -rlF one a | wc -l)" 2 "files that grep finds"

step "git"
git() { command git -c user.name=check -c user.email=check@example.org "$@" >"$work/git" 2>&1 || fail "git $*: $(cat "$work/git")"; }
git init repository
cp -a by-tar/. repository
cd repository
git add -A
git commit -m first
git mv deep deeper
git commit -m second
git fsck --full --strict
git gc
git fsck --full --strict
git checkout HEAD~
is "$(command git status --porcelain)" "" "git status"
diff -r --no-dereference --exclude=.git --exclude=empty "$original" .
cd ..

step "many names, deleted while they are listed"
mkdir many
(cd many && seq 5000 | xargs touch)
is "$(find many -type f | wc -l)" 5000 "names"
find many -type f -delete
is "$(find many | wc -l)" 1 "names that are left"
rm -rf ./*
is "$(ls -A)" "" "what is left"
is "$(stat -c %h .)" 2 "links of the root"

step "unmounting"
cd "$work"
fusermount3 -u "$mnt"
if "$program" "$mnt" -o sync_log 2>"$work/refusal"; then fail "it syncs a log that there is not"; fi
grep -q log=FILE "$work/refusal" || fail "the refusal says: $(cat "$work/refusal")"
"$program" "$mnt" -f -o xattr -o log="$work/log" -o sync_log &
daemon=$!
for ((tries = 0; tries < 100; tries++)); do
  mountpoint -q "$mnt" && break
  sleep 0.1
done
echo 1 >"$mnt/file"
is "$(python3 -c 'import os, sys; print(os.listxattr(sys.argv[1]))' "$mnt/file")" "[]" "extended attributes"
sync -f "$mnt/file"
is "$(head -c 2 "$work/log")" 1 "what was written, in the log"
writers=()
for i in {1..8}; do
  (for j in {1..50}; do echo "$i $j" | dd of="$mnt/$i-$j" conv=fsync status=none; done) &
  writers+=($!)
done
wait "${writers[@]}"
is "$(tr -d '\0' <"$work/log" | tail -n +2 | sort)" "$(for i in {1..8}; do seq -f "$i %g" 50; done | sort)" \
  "what was synced, in the log"
kill "$daemon"
wait "$daemon" || fail "it ended with code $? after SIGTERM"
if mountpoint -q "$mnt"; then fail "still mounted after SIGTERM"; fi
echo "all is well"
