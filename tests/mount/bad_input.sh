#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What memoria-fs cannot do it says in one line that names the thing, with its documented exit code,
# and nothing is lost.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

chmod 755 "$work"
cases=0

# refused CODE REGEX COMMAND...: the command, a way to run memoria-fs, ends so, with this one line.
refused() {
  local code=$1 pattern=$2 got=0
  shift 2
  "$@" >"$work/out" 2>"$work/err" || got=$?
  ((got == code)) || fail "'$*' ended with $got instead of $code: $(cat "$work/err")"
  [[ ! -s $work/out ]] || fail "'$*' printed: $(cat "$work/out")"
  (($(wc -l <"$work/err") == 1)) || fail "'$*' did not complain in one line: $(cat "$work/err")"
  grep -Eq "^memoria-fs: .*$pattern" "$work/err" ||
    fail "'$*': expected '$pattern', got: $(cat "$work/err")"
  cases=$((cases + 1))
}

# with_options CODE REGEX OPTIONS: mount options.
with_options() { refused "$1" "$2" "$MEMORIA_FS" "$data" "$mnt" -o "$3"; }

# A copy of the program that any user can run, and a user who may nothing.
cp "$MEMORIA_FS" "$work/memoria-fs"
if ((EUID == 0)); then
  as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
  # Slave: what others unmount meanwhile must go here, too, or their daemons live on.
  in_namespace() { unshare --mount --propagation slave "$@"; }
else
  as_nobody() { "$@"; }
  in_namespace() { unshare --user --map-root-user --mount "$@"; }
fi

# All that is in the data directory, to see that nothing changed.
fingerprint() { (cd "$data" && find . -type f ! -name lock -exec sha1sum {} + | sort); }

step "the command line"
refused 2 "DATADIR is required" "$MEMORIA_FS"
refused 2 "MOUNTPOINT is required" "$MEMORIA_FS" "$data"
refused 2 "--frobnicate" "$MEMORIA_FS" "$data" "$mnt" --frobnicate
refused 2 "extra" "$MEMORIA_FS" "$data" "$mnt" extra
[[ $("$MEMORIA_FS" --help) == *segment_size* ]] || fail "--help"
"$MEMORIA_FS" --version | grep -Eq '^memoria-fs [0-9.]+' || fail "--version"

step "mount options"
with_options 2 "unknown mount option 'frobnicate=1'" frobnicate=1
with_options 2 "did you mean 'segment_size'" segmentsize=16M
with_options 2 "did you mean 'allow_other'" allow_others
with_options 2 "'sync=maybe'.*always, interval or never" sync=maybe
with_options 2 "'segment_size'.*1M to 4095M" segment_size=1K
with_options 2 "'segment_size'.*1M to 4095M" segment_size=8G
with_options 2 "'segment_size'.*1M to 4095M" segment_size=
with_options 2 "'segment_size'.*1M to 4095M" segment_size
with_options 2 "'fragmentation_threshold'.*0.01 to 1" fragmentation_threshold=nan
with_options 2 "'file_cache'.*1 to 100000" file_cache=0
with_options 2 "'sync_interval'.*seconds" rw,noatime,sync_interval=-1
with_options 2 "'merge_hours'" merge_hours=25-3
with_options 2 "'writeback' takes no value" writeback=yes
[[ ! -e $data ]] || fail "a refused command made the data directory"

step "the mount point"
refused 5 "$work/none: does not exist; run: mkdir" "$MEMORIA_FS" "$data" "$work/none"
touch "$work/file"
refused 5 "$work/file: is not a directory" "$MEMORIA_FS" "$data" "$work/file"
refused 5 "$work/file/x: Not a directory" "$MEMORIA_FS" "$data" "$work/file/x"
mkdir "$work/outer" "$work/outer/data" "$work/outer/data/mnt"
refused 5 "would hide the data directory" "$MEMORIA_FS" "$work/outer/data" "$work/outer"
refused 5 "would hide the data directory" "$MEMORIA_FS" "$work/outer/new" "$work/outer"
refused 5 "lies inside the data directory" "$MEMORIA_FS" "$work/outer/data" "$work/outer/data/mnt"
refused 5 "lies inside the data directory" "$MEMORIA_FS" "$work/outer/data" "$work/outer/data"
ln -s outer/data/mnt "$work/link"
refused 5 "lies inside the data directory" "$MEMORIA_FS" "$work/outer/data" "$work/link"
[[ $(find "$work/outer" | wc -l) == 3 ]] || fail "a refused command left something behind"

step "the data directory"
refused 3 "its parent $work/no.*make that first" "$MEMORIA_FS" "$work/no/data" "$mnt"
refused 3 "$work/file: is not a directory" "$MEMORIA_FS" "$work/file" "$mnt"
mkdir "$work/foreign"
echo precious >"$work/foreign/document"
refused 3 "$work/foreign" "$MEMORIA_FS" "$work/foreign" "$mnt"
[[ $(ls -A -I lock "$work/foreign") == document ]] || fail "a directory that is no store was changed"
mkdir -m 777 "$work/open"
refused 3 "others may write to it \(mode 0777\); run: chmod go-w" "$MEMORIA_FS" "$work/open" "$mnt"
mkdir -m 700 "$work/private"
chmod 000 "$work/private"
refused 3 "$work/private: Permission denied" as_nobody "$work/memoria-fs" "$work/private" "$mnt"

mkdir -m 700 "$work/empty"
refused 3 "$work/empty holds no store.*is the disk mounted" \
  "$MEMORIA_FS" "$work/empty" "$mnt" -o no_create
refused 3 "$work/none: does not exist.*is the disk mounted" \
  "$MEMORIA_FS" "$work/none" "$mnt" -o no_create
for place in empty none; do
  refused 3 "is the disk mounted" "$MEMORIA_FS" "$work/$place" "$mnt" -o ro
done
[[ -z $(ls -A "$work/empty") && ! -e $work/none ]] || fail "a store was made where none is to be"

step "a mount point that is not empty, and one that is in use"
echo below >"$mnt/below"
mount_it
[[ $(stat -c %a "$data") == 700 ]] || fail "the data directory's mode is $(stat -c %a "$data")"
[[ ! -e $mnt/below ]] || fail "the mount does not hide what is below"
echo content >"$mnt/kept"
unmount_it
mount_it -o no_create
[[ $(cat "$mnt/kept") == content ]] || fail "a store that is there, with no_create"
mkdir "$work/other"
refused 5 "$mnt: $data is mounted here already.*fusermount3 -u" "$MEMORIA_FS" "$work/data2" "$mnt"
refused 4 "$daemon.*mounted at $mnt" "$MEMORIA_FS" "$data" "$work/other"
[[ $(cat "$mnt/kept") == content ]] || fail "the mount was disturbed"
if (: >"$mnt/$(printf 'n%.0s' {1..256})") 2>"$work/err"; then fail "a name of 256 bytes"; fi
grep -q "File name too long" "$work/err" || fail "a name of 256 bytes: $(cat "$work/err")"
unmount_it
[[ $(cat "$mnt/below") == below ]] || fail "what was below the mount"

step "a newer format, and damage"
whole=$(fingerprint)
cp -a "$data" "$work/newer"
for segment in "$work/newer"/*.data; do
  python3 "$here/newer.py" "$segment"
done
rm -f "$work/newer"/*.hint
refused 3 "newer" "$MEMORIA_FS" "$work/newer" "$mnt"
[[ $(fingerprint) == "$whole" ]] || fail "the store changed"

step "a read-only disk, and a full one"
cat >"$work/disks.sh" <<'EOF'
set -e
mkdir "$1/disk"
mount -t tmpfs -o size=64M,mode=700 memoria-test "$1/disk"
cp -a "$2" "$1/disk/data"
mount -o remount,ro "$1/disk"
case $3 in
  read-only) ;;
  new-on-read-only) set -- "$1" "$1/disk/new" "$3" "$4" "$5"; exec "$4" "$2" "$5" ;;
  read-only-mount)
    "$4" -o ro "$1/disk/data" "$5"
    cat "$5/kept"
    if echo x 2>/dev/null >"$5/new"; then echo "a read-only mount can be written to"; fi
    fusermount3 -u "$5"
    exit ;;
  full)
    mount -o remount,rw "$1/disk"
    head -c 64M /dev/zero >"$1/disk/filler" 2>/dev/null || true
    exec "$4" "$1/disk/new" "$5" ;;
esac
exec "$4" "$1/disk/data" "$5"
EOF
on_disk() {
  rm -rf --one-file-system "$work/disk"
  in_namespace bash "$work/disks.sh" "$work" "$data" "$1" "$MEMORIA_FS" "$mnt"
}
refused 3 "$work/disk/data: is on a read-only disk; mount it with -o ro" on_disk read-only
refused 3 "$work/disk/new: cannot be made on a read-only disk" on_disk new-on-read-only
[[ $(on_disk read-only-mount) == content ]] || fail "a read-only mount of a read-only disk"
refused 3 "less than 16 MiB left.*make room" on_disk full

step "the kernel, and fusermount3"
cat >"$work/no-fuse.sh" <<'EOF'
mount -t tmpfs none /dev
exec "$@"
EOF
refused 6 "/dev/fuse is missing; run: modprobe fuse" \
  in_namespace bash "$work/no-fuse.sh" "$MEMORIA_FS" "$data" "$mnt"
if ((EUID == 0)); then
  mkdir -m 777 "$work/nobody"
  refused 6 "cannot mount at $mnt: fuse.*(denied|permitted|access)" \
    as_nobody "$work/memoria-fs" "$work/nobody/data" "$mnt"
fi

step "in a directory that is gone"
# in_lost_directory COMMAND...
in_lost_directory() { (mkdir "$work/lost" && cd "$work/lost" && rmdir "$work/lost" && "$@"); }
in_lost_directory "$MEMORIA_CTL" stats "$data" >"$work/out" || fail "memoria-ctl stats ends with $?"
if in_lost_directory "$MEMORIA_CTL" stats data >"$work/out" 2>"$work/err"; then
  fail "memoria-ctl finds a store without a current directory"
fi
grep -q "^memoria-ctl: stats: data: the current directory: No such file.*absolute path" "$work/err" ||
  fail "memoria-ctl says $(cat "$work/err")"
in_lost_directory "$MEMORIA_FS" "$data" "$mnt" || fail "memoria-fs ends with $?"
daemon=$(owner "$data")
in_lost_directory "$MEMORIA_CTL" stats "$mnt" >"$work/out" || fail "memoria-ctl stats ends with $?"
unmount_it

step "nothing was lost"
mount_it
[[ $(cat "$mnt/kept") == content ]] || fail "a file is gone"
unmount_it
step "done: $cases refusals"
