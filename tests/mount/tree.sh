#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A real tree of 20,000 files and more: unpacked, copied, compared, measured, searched and deleted;
# then still there after unmounting, without hints, and after a merge.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

files_wanted=${MEMORIA_TEST_FILES:-20000}

check_tree() {
  manifest "$mnt/tree" >"$work/now"
  same "$work/manifest" "$work/now" "$1"
}

# `stats` against a walk: inodes, counting the root and each hard link's inode once.
check_statistics() {
  local walked
  walked=$(find "$mnt" -printf '%i\n' | sort -u | wc -l)
  [[ $(statistic "$data" files) == "$walked" ]] ||
    fail "stats tells $(statistic "$data" files) files, find sees $walked"
}

step "a tree of this machine"
make_tree "$files_wanted"
mkdir "$work/original"
tar -C "$work/original" -xpf "$work/tree.tar"
files=$(find "$work/original" -type f | wc -l)
((files >= files_wanted)) || fail "this machine has only $files files"
manifest "$work/original" >"$work/manifest"

mount_it
mkdir "$mnt/tree"
step "tar x of $files files, $(du -sm "$work/original" | cut -f 1) MiB"
tar -C "$mnt/tree" -xpf "$work/tree.tar"
step "diff -r"
diff -r --no-dereference "$work/original" "$mnt/tree" || fail "diff -r after tar x"
check_tree "after tar x"
step "cp -a"
cp -a "$mnt/tree" "$mnt/copy"
step "diff -r of the copy"
diff -r --no-dereference "$work/original" "$mnt/copy" || fail "diff -r after cp -a"
manifest "$mnt/copy" >"$work/now"
same "$work/manifest" "$work/now" "after cp -a"
step "du, find"
bytes() { find "$1" -type f -print0 | du --files0-from=- -cb | tail -n 1 | cut -f 1; }
[[ $(bytes "$mnt/copy") == "$(bytes "$work/original")" ]] || fail "du of the copy"
[[ $(find "$mnt/copy" -type l | wc -l) == "$(find "$work/original" -type l | wc -l)" ]] ||
  fail "find of the copy"
check_statistics
step "rm -rf of the copy"
rm -rf "$mnt/copy"
[[ ! -e $mnt/copy ]] || fail "the copy is still there"
check_tree "after rm -rf of the copy"
check_statistics

step "remount"
remount_it
check_tree "after a remount"
check_statistics

step "remount without hints"
unmount_it
hints=("$data"/*.hint)
((${#hints[@]} > 0)) || fail "there are no hints"
rm "${hints[@]}"
mount_it
check_tree "without hints"
check_statistics

step "merge, mounted"
before=$(du -sm --apparent-size "$data" | cut -f 1)
"$MEMORIA_CTL" merge --all "$data" >"$work/merge.log"
check_tree "after a merge"
[[ $(statistic "$data" dead_bytes) -lt $((1 << 20)) ]] ||
  fail "a merge left $(statistic "$data" dead_bytes) dead bytes"
after=$(du -sm --apparent-size "$data" | cut -f 1)
step "the merge took the store from $before to $after MiB"
((after < before)) || fail "the merge freed nothing"

step "merge, unmounted"
unmount_it
"$MEMORIA_CTL" merge --all "$data" >"$work/merge.log"
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
mount_it
check_tree "after a merge without a mount"
check_statistics
unmount_it
step "done"
