#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is large: a log of 100,000 appends, a file of 2 GiB, a directory of 200,000 files.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

size_mib=${MEMORIA_TEST_LARGE_MIB:-2048}
files=${MEMORIA_TEST_DIRECTORY_FILES:-200000}

large() { python3 "$here/large.py" "$@"; }

mount_it
step "100,000 appends of 100 bytes"
large append "$mnt/log" 100000
step "checked after a remount"
remount_it
large check-append "$mnt/log" 100000

step "a file of $size_mib MiB, overwritten at random places"
large write "$mnt/large" "$size_mib"
step "read back"
large check "$mnt/large" "$size_mib"
step "read back after a remount"
remount_it
large check "$mnt/large" "$size_mib"
rm "$mnt/large"

step "a directory of $files files"
large many "$mnt/many" "$files"
step "listed"
large check-many "$mnt/many" "$files"
[[ $(find "$mnt/many" -type f | wc -l) == "$files" ]] || fail "find"
step "listed after a remount"
remount_it
large check-many "$mnt/many" "$files"
step "deleted"
rm -r "$mnt/many"
[[ ! -e $mnt/many ]] || fail "the directory is still there"
[[ $(statistic "$data" files) == 2 ]] || fail "inodes are left: $(statistic "$data" files)"

unmount_it
step "done"
