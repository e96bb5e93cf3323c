#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Snapshots of a mounted volume: each stays as it was, below .snapshots/ and mounted alone, whatever
# programs, merges and restarts do to the present.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

second=$work/second
mkdir "$second"
snapshots=$mnt/.snapshots

# Runs a command that must fail with this errno's words.
refused() {
  local words=$1 said
  shift
  if said=$("$@" 2>&1); then fail "$* worked"; fi
  [[ $said == *"$words"* ]] || fail "$*: '$said' instead of '$words'"
}

mount_it -o allow_other
step "a tree with everything, and its snapshot"
make_tree 2000
mkdir "$mnt/tree"
tar -xf "$work/tree.tar" -C "$mnt/tree"
echo linked >"$mnt/tree/linked"
ln "$mnt/tree/linked" "$mnt/hard link"
ln -s nowhere "$mnt/symlink"
truncate -s 1G "$mnt/sparse"
echo end >>"$mnt/sparse"
setfattr -n user.note -v "as it was" "$mnt/sparse"
mkdir -m 700 "$mnt/private"
echo secret >"$mnt/private/file"
echo first >"$mnt/changed"
manifest "$mnt" >"$work/first"
refused "No such file" ls "$snapshots/first"  # the kernel remembers that
"$MEMORIA_CTL" snapshot create "$mnt" first
manifest "$snapshots/first" >"$work/seen"
same "$work/first" "$work/seen" "the snapshot"
[[ $(getfattr --only-values -n user.note "$snapshots/first/sparse") == "as it was" ]]
[[ $(stat -c %i "$snapshots/first/changed") != $(stat -c %i "$mnt/changed") ]] ||
  fail "a file and its older self are taken for one"
[[ $(stat -c %i,%h "$snapshots/first/hard link") == \
  $(stat -c %i,%h "$snapshots/first/tree/linked") ]] || fail "a hard link is lost"

step "what programs have written is in it, and what they write later is not"
python3 - "$mnt" "$MEMORIA_CTL" <<'PYTHON'
import mmap, os, subprocess, sys, time
mnt, ctl = sys.argv[1:]
with open(f"{mnt}/open", "w+b", buffering=0) as plain, open(f"{mnt}/mapped", "w+b") as mapped:
    plain.write(b"before")
    mapped.truncate(4096)
    memory = mmap.mmap(mapped.fileno(), 4096)
    memory[0:6] = b"before"
    modified = os.stat(f"{mnt}/open").st_mtime_ns
    # They stay open in the child: closing them there would make the kernel write what it caches.
    subprocess.run([ctl, "snapshot", "create", mnt, "open files"], check=True,
                   stdout=subprocess.DEVNULL, pass_fds=(plain.fileno(), mapped.fileno()))
    plain.write(b" after")
    memory[0:6] = b"after "
    memory.flush()
    os.fsync(plain.fileno())
    there = f"{mnt}/.snapshots/open files"
    assert open(f"{there}/open", "rb").read() == b"before", "the file that was open"
    assert open(f"{there}/mapped", "rb").read()[0:6] == b"before", "the file that was mapped"
    assert os.stat(f"{there}/open").st_mtime_ns == modified, "its time"
    assert open(f"{mnt}/open", "rb").read() == b"before after"
PYTHON
"$MEMORIA_CTL" snapshot delete "$mnt" "open files"
refused "No such file" stat "$snapshots/open files"

step "found by whoever asks, and listed to nobody"
[[ $(ls -A "$snapshots") == first ]] || fail "listed are: $(ls -A "$snapshots")"
for listed in "$(ls -A "$mnt")" "$(find "$mnt" -maxdepth 1)"; do
  [[ $listed != *.snapshots* ]] || fail "the root lists .snapshots"
done
[[ $(realpath "$snapshots/first/tree/../..") == "$snapshots" ]]
[[ $(stat -c '%F %a' "$snapshots") == "directory 555" ]]
(cd "$snapshots/first/tree" && [[ $(pwd -P) == "$snapshots/first/tree" ]])
diff -r "$snapshots/first/tree" "$mnt/tree"

step "a listing that the kernel keeps follows"
python3 - "$mnt" "$MEMORIA_CTL" <<'PYTHON'
import os, subprocess, sys
mnt, ctl = sys.argv[1:]
snapshots = f"{mnt}/.snapshots"
def change(*words):
    subprocess.run([ctl, "snapshot", words[0], mnt, words[1]], check=True,
                   stdout=subprocess.DEVNULL)
    return sorted(os.listdir(snapshots))  # which looks at no name of them
change("create", "older")
assert change("create", "newer") == ["first", "newer", "older"]
for _ in range(2):  # the second time from the kernel's memory
    assert sorted(os.listdir(snapshots)) == ["first", "newer", "older"]
assert change("delete", "older") == ["first", "newer"], "the older one is gone"
assert change("delete", "newer") == ["first"]
PYTHON

step "nobody can change one"
refused "Read-only" touch "$snapshots/first/new"
refused "Read-only" mkdir "$snapshots/new"
refused "File name too long" stat "$snapshots/$(printf '%0256d' 0)"
refused "Read-only" rm "$snapshots/first/changed"
refused "Read-only" bash -c "echo x >'$snapshots/first/changed'"
refused "Read-only" bash -c "echo x >>'$snapshots/first/changed'"
refused "Read-only" chmod 600 "$snapshots/first/changed"
python3 - "$snapshots/first/changed" <<'PYTHON'
import errno, mmap, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
memory = mmap.mmap(fd, 0)
memory[0:5] = b"FIRST"
try:
    memory.flush()
    sys.exit("what is stored through a mapping seems to have been written")
except OSError as error:
    assert error.errno == errno.EROFS, error
memory.close()
for attempt in range(100):  # the kernel's copy is dropped from another thread
    if os.pread(fd, 5, 0) == b"first":
        sys.exit()
    time.sleep(0.1)
sys.exit("a snapshot shows what a program tried to store")
PYTHON
refused "Read-only" setfattr -n user.new -v x "$snapshots/first/changed"
refused "Read-only" truncate -s 0 "$snapshots/first/changed"
refused "Read-only" rmdir "$snapshots/first/private"
refused "Read-only" mv "$snapshots/first/changed" "$snapshots/first/moved"
refused "cross-device" ln "$snapshots/first/changed" "$mnt/taken"
refused "busy" rmdir "$snapshots"
refused "busy" mv "$snapshots" "$mnt/elsewhere"
refused "busy" python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$mnt/private" "$snapshots"
refused "exists" mkdir "$snapshots"
setpriv --reuid=65534 --regid=65534 --clear-groups true &&
  refused "Permission denied" setpriv --reuid=65534 --regid=65534 --clear-groups \
    cat "$snapshots/first/private/file"

step "the present changes, and the snapshot does not"
cp -a "$snapshots/first/changed" "$mnt/copied back"
echo second >"$mnt/changed"
rm -r "$mnt/tree/usr"
mv "$mnt/private" "$mnt/public"
chmod 755 "$mnt/public"
python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.write(b"new beginning")' "$mnt/sparse"
[[ $(cat "$snapshots/first/changed") == first && $(cat "$mnt/copied back") == first ]]
"$MEMORIA_CTL" merge --all "$mnt" >/dev/null
echo 3 >/proc/sys/vm/drop_caches || true
manifest "$snapshots/first" >"$work/seen"
same "$work/first" "$work/seen" "the snapshot after changes and a merge"
"$MEMORIA_CTL" snapshot create "$mnt" second
manifest "$mnt" >"$work/second.manifest"
"$MEMORIA_CTL" snapshot list "$mnt"
[[ $("$MEMORIA_CTL" snapshot list --json "$mnt" |
  python3 -c 'import json, sys; print([s["name"] for s in json.load(sys.stdin)["snapshots"]])') == \
  "['first', 'second']" ]]
"$MEMORIA_CTL" snapshot create "$mnt" first 2>"$work/said" && fail "one name for two snapshots"
grep -q 'there is a snapshot "first" already' "$work/said" || fail "it says: $(cat "$work/said")"
"$MEMORIA_CTL" snapshot create "$mnt" ../evil 2>"$work/said" && fail "a name with a slash"
"$MEMORIA_CTL" snapshot delete "$mnt" third 2>"$work/said" && fail "deleted what is not there"
grep -q 'there is no snapshot "third"' "$work/said" || fail "it says: $(cat "$work/said")"

step "after a restart, and mounted alone beside the present"
# shellcheck disable=SC2119
remount_it
for name in first second; do
  [[ $name == first ]] && expected=$work/first || expected=$work/second.manifest
  manifest "$snapshots/$name" >"$work/seen"
  same "$expected" "$work/seen" "snapshot $name after a restart"
  "$MEMORIA_FS" "$data" "$second" -o "snapshot=$name"
  [[ $(findmnt -no OPTIONS "$second") == ro,* ]] || fail "it is not mounted read-only"
  manifest "$second" >"$work/seen"
  same "$expected" "$work/seen" "snapshot $name mounted alone"
  refused "Read-only" touch "$second/new"
  [[ $("$MEMORIA_CTL" get "$second" /changed) == "$name" ]]
  "$MEMORIA_CTL" verify "$second" >/dev/null
  code=0
  "$MEMORIA_CTL" snapshot delete "$mnt" "$name" 2>"$work/said" || code=$?
  ((code == 4)) || fail "deleting a snapshot that is mounted ended with $code"
  grep -q "is mounted at $second" "$work/said" || fail "it says: $(cat "$work/said")"
  fusermount3 -u "$second"
done
"$MEMORIA_FS" "$data" "$second" -o snapshot=third 2>"$work/said" && fail "mounted what is not there"
grep -q "has no snapshot 'third'" "$work/said" || fail "it says: $(cat "$work/said")"
"$MEMORIA_FS" "$data" "$second" -o snapshot=../x 2>"$work/said" && fail "mounted a path"
grep -q "must be the name of a snapshot" "$work/said" || fail "it says: $(cat "$work/said")"

step "deleted while somebody is in it"
exec 7<"$snapshots/first/tree"
"$MEMORIA_CTL" snapshot delete "$mnt" first
refused "No such file" stat "$snapshots/first"
refused "Stale file handle" ls /proc/self/fd/7/not-asked-before
exec 7<&-
[[ $(ls "$snapshots") == second ]]
"$MEMORIA_CTL" snapshot create "$mnt" first
[[ $(cat "$snapshots/first/changed") == second ]] || fail "a new snapshot shows an old one of its name"

step "without a mount"
unmount_it
"$MEMORIA_CTL" snapshot create "$data" third
"$MEMORIA_CTL" snapshot delete "$data" first
[[ $("$MEMORIA_CTL" get "$data/snapshots/third" /changed) == second ]]
"$MEMORIA_CTL" put "$data/snapshots/third" /changed </dev/null 2>"$work/said" && fail "changed one"
"$MEMORIA_CTL" verify "$data"
step "done"
