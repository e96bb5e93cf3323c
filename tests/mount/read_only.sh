#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What memoria-ctl says and does about what is only read: snapshots and backups, mounted or not, and a
# store on a read-only disk.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

backup=$work/backup second=$work/second
mkdir "$second"

ctl() { "$MEMORIA_CTL" "$@"; }

# told CODE REGEX COMMAND...: memoria-ctl ends so, with this one line.
told() {
  local code=$1 pattern=$2 got=0
  shift 2
  ctl "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
  ((got == code)) || fail "'$*' ended with $got instead of $code: $(cat "$work/err")"
  (($(wc -l <"$work/err") == 1)) || fail "'$*' did not complain in one line: $(cat "$work/err")"
  grep -Eq "$pattern" "$work/err" || fail "'$*': expected '$pattern', got: $(cat "$work/err")"
}

# prints TEXT COMMAND...: memoria-ctl prints just that.
prints() {
  local expected=$1 got
  shift
  got=$(ctl "$@" 2>&1) || fail "'$*' ended with $?: $got"
  [[ $got == "$expected" ]] || fail "'$*' printed: $got"
}

# member NAME COMMAND...: of the JSON document that memoria-ctl prints.
member() {
  local name=$1
  shift
  ctl --json "$@" | python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1]))' "$name"
}

# The store of directory $1 is mounted read-only at $second, and both names of it say so.
says_where_it_is_mounted() {
  local target
  for target in "$1" "$second"; do
    [[ $(ctl stats "$target" | head -n 1) == "volume $1, mounted read-only at $second, READ-ONLY" ]] ||
      fail "stats $target: $(ctl stats "$target" | head -n 1)"
    for command in stats "config show"; do
      # shellcheck disable=SC2086
      [[ $(member mounted $command "$target") == True && $(member mount_point $command "$target") == "$second" ]] ||
        fail "$command --json $target"
    done
    [[ $(member pid stats "$target") == None ]] || fail "a daemon answered for $target"
    for save in "" --save; do
      # shellcheck disable=SC2086
      told 8 "config set: $1 is mounted read-only at $second, and what is only read has no settings to change" \
        config set $save "$target" file_cache 10
    done
  done
}

mount_it
echo first >"$mnt/file"
mkdir "$mnt/directory"
echo inner >"$mnt/directory/inner"
ctl snapshot create "$mnt" s1 >/dev/null
echo second >"$mnt/file"
ctl backup "$data" "$backup" >/dev/null

step "a backup that is mounted"
"$MEMORIA_FS" "$backup" "$second"
says_where_it_is_mounted "$backup"
fusermount3 -u "$second"
[[ $(ctl stats "$backup" | head -n 1) == "volume $backup, not mounted, READ-ONLY" ]] || fail "$(ctl stats "$backup")"
[[ $(member mounted stats "$backup") == False ]] || fail "mounted still"
told 8 "$backup is a backup, .*\`memoria-ctl restore $backup NEWDIR\` makes a store to go on with" put "$backup" /new

step "a snapshot that is mounted alone"
"$MEMORIA_FS" "$data" "$second" -o snapshot=s1
says_where_it_is_mounted "$data/snapshots/s1"
told 8 "$data/snapshots/s1 is a snapshot, .*change the store that it is of, $data" put "$second" /new
ctl history "$second" /file >"$work/out"
grep -q "s1 " "$work/out" || fail "$(cat "$work/out")"
grep -q "present" "$work/out" && fail "a snapshot is called the present: $(cat "$work/out")"
fusermount3 -u "$second"

step "a snapshot by its path in the mount"
for path in "$mnt/.snapshots/s1" "$mnt/.snapshots/s1/"; do
  prints $'directory\nfile' ls "$path"
  prints first get "$path" file
  prints inner get "$path" directory/inner
done
prints first get "$mnt/.snapshots/s1/file"
prints first get "$mnt" .snapshots/s1/file
prints first get "$mnt" /.snapshots/s1/file
prints inner ls "$mnt/.snapshots/s1/directory"
prints inner ls "$mnt" /.snapshots/s1/directory
prints 2 count "$mnt/.snapshots/s1/directory"
prints 1 count "$mnt" /.snapshots/s1/directory/
prints $'/directory/\n/directory/inner' find "$mnt/.snapshots/s1" /d
ctl locate "$mnt/.snapshots/s1/file" | grep -q "contents of inode" || fail "locate"
[[ $(member store stats "$mnt/.snapshots/s1") == "$data/snapshots/s1" ]] || fail "stats of a snapshot"
ctl verify "$mnt/.snapshots/s1" >/dev/null || fail "verify of a snapshot"
ctl export "$mnt/.snapshots/s1" 2>/dev/null | tar -xO file | grep -q first || fail "export of a snapshot"
told 8 "$data/snapshots/s1 is a snapshot" put "$mnt/.snapshots/s1/file"
told 5 "\`memoria-ctl snapshot list $data\`" ls "$mnt" /.snapshots
told 5 "\`memoria-ctl snapshot list $data\`" ls "$mnt/.snapshots"
told 5 "there is no snapshot \"s2\"; \`memoria-ctl snapshot list $data\` lists them" ls "$mnt/.snapshots/s2"
told 5 "there is no snapshot \"s2\"; \`memoria-ctl snapshot list $data\` lists them" ls "$mnt" /.snapshots/s2/x
told 5 "no such file in the volume" get "$mnt/.snapshots/s1/missing"
typo=$mnt/.snapshots/s2
for command in "get $typo /file" "ls $typo /" "put $typo /file" "rm $typo /file" "stats $typo" "map $typo/x" \
  "verify $typo" "scrub $typo" "merge --dry-run $typo" "config show $typo" "config set $typo file_cache 10" \
  "snapshot list $typo" "snapshot create $typo s3" "hints check $typo" "history $typo /file" \
  "backup $typo $work/copy" "restore $typo $work/copy" "repair $typo $work/copy" "export $typo" \
  "export --snapshot s1 $typo" "import $typo /new"; do
  # shellcheck disable=SC2086
  told 5 'there is no snapshot "s2"' $command
done
prints second get "$mnt" /file
[[ ! -e $work/copy ]] || fail "something was made out of a snapshot that is not there"
[[ $(member count snapshot list "$mnt/.snapshots") == 1 ]] || fail "snapshot list"

step "what is about the whole store takes any path in its mount"
[[ $(member store stats "$mnt/missing") == "$data" ]] || fail "stats of a missing path"
echo new >"$mnt/new" # in a segment that is not sealed
sync "$mnt/new"
cp -a "$data" "$work/unclosed"
rm "$work/unclosed/lock" "$work/unclosed/control"
unmount_it

step "a store on a read-only disk"
cat >"$work/disk.sh" <<'EOF'
set -e
mkdir "$work/disk"
mount -t tmpfs -o size=64M,mode=700 memoria-test "$work/disk"
cp -a "$data" "$work/disk/data"
rm -f "$work/disk/data/lock"
mv "$work/unclosed" "$work/disk"
mount -o remount,ro "$work/disk"
rod=$work/disk/data
for command in "stats" "map" "ls" "find" "count" "verify" "scrub" "hints check" "snapshot list" "config show"; do
  $MEMORIA_CTL $command "$rod" >/dev/null || fail "$command ends with $?"
done
prints second get "$rod" /file
prints "no differences" snapshot diff "$rod" s1 s1
ctl locate "$rod" /file >/dev/null
ctl history "$rod" /file | grep -q "the present" || fail "history"
ctl export "$rod" 2>/dev/null | tar -xO file | grep -q second || fail "export"
ctl export "$rod" --snapshot s1 2>/dev/null | tar -xO file | grep -q first || fail "export of a snapshot"
ctl repair "$rod" "$work/repaired" >/dev/null
prints second get "$work/repaired" /file
ctl backup "$rod" "$work/second-backup" >/dev/null
prints second get "$work/second-backup" /file
prints first get "$work/second-backup/snapshots/s1" /file
ctl verify "$work/second-backup" >/dev/null || fail "the backup is damaged"
prints second get "$work/disk/unclosed" /file
told 3 "$work/disk/unclosed was not closed .*repair" backup "$work/disk/unclosed" "$work/never"
[[ ! -e $work/never ]] || fail "a backup that is none was left"
told 8 "rm /file: $rod is on a read-only disk" rm "$rod" /file
told 8 "put /new: $rod is on a read-only disk" put "$rod" /new
for command in "merge $rod" "hints rebuild $rod" "snapshot create $rod s2" "snapshot delete $rod s1" \
  "snapshot rollback $rod s1"; do
  told 8 "$rod is on a read-only disk, .*for writing" $command
done
told 8 "$rod is on a read-only disk" import "$rod" /imported -i "$work/archive.tar"
told 8 "is only read: it is on a read-only disk, .*no settings to change" config set --save "$rod" file_cache 10
EOF
tar -cf "$work/archive.tar" -C "$work" disk.sh
export work data
export -f fail ctl told prints member
if ((EUID == 0)); then
  unshare --mount bash "$work/disk.sh"
else
  unshare --user --map-root-user --mount bash "$work/disk.sh"
fi
step "done"
