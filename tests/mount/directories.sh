#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Directories with very many entries, trees that are deep or wide, renaming what holds much, very many
# open files. MEMORIA_TEST_LONG=1: a million entries instead of 200,000.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

entries=200000 held=50000
[[ -z ${MEMORIA_TEST_LONG-} ]] || entries=1000000
ulimit -n "$(ulimit -Hn)"

directories() { python3 "$here/directories.py" "$@"; }

mount_it
step "$entries entries in one directory"
directories fill "$mnt/large" "$entries"
step "listed"
directories check "$mnt/large" "$entries"
remount_it
step "listed after a remount"
directories check "$mnt/large" "$entries"
step "listed while names come and go"
directories read-by-parts "$mnt/large" "$entries"

step "renamed, with everything in it"
small=$mnt/small
mkdir "$small"
of_large=$(directories rename "$mnt/large" 51)
of_small=$(directories rename "$small" 51)
step "a rename takes $of_large us with $entries entries below, $of_small us with none"
((of_large < 4 * of_small + 200)) || fail "the time of a rename depends on what is below"

step "rm -rf of it"
rm -rf "$mnt/large"
step "rm -rf of a deep tree"
directories deep "$mnt/deep" 2000
rm -rf "$mnt/deep"
step "rm -rf of a wide tree"
directories wide "$mnt/wide" 20000
rm -rf "$mnt/wide"

step "$held open files, half of them without a name"
directories hold "$mnt/held" "$held"
rm -rf "$mnt/held"
for ((tries = 0; tries < 100; tries++)); do  # RELEASE comes late
  (($(statistic "$data" files) == 2)) && break
  sleep 0.1
done
(($(statistic "$data" files) == 2)) || fail "inodes are left: $(statistic "$data" files)"

step "files without a name are gone after a remount, and their space is dead"
python3 - "$mnt/unlinked" <<'EOF' &
import os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.write(fd, os.urandom(20 << 20))
os.fsync(fd)
os.unlink(sys.argv[1])
open(sys.argv[1] + ".ready", "w").close()
time.sleep(600)
EOF
holder=$!
until [[ -e $mnt/unlinked.ready ]]; do sleep 0.05; done
kill -9 "$daemon"
wait_for_end "$daemon"
kill "$holder"
wait "$holder" || true
mount_it
(($(statistic "$data" files) <= 3)) || fail "the unlinked file is still there"
(($(statistic "$data" dead_bytes) > 20 << 20)) || fail "its space is not counted dead"
unmount_it
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
step "done"
