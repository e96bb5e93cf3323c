#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Load on the mount from programs made for that: fio's verifying jobs, dbench, stress-ng's file
# classes. MEMORIA_TEST_LONG=1 lets each run for two minutes.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

megabytes=64 seconds=10 each=1
[[ -z ${MEMORIA_TEST_LONG-} ]] || megabytes=1024 seconds=120 each=3

mount_it

# run_fio NAME OPTIONS...: fio writes with a checksum in each block, and reads the blocks back.
run_fio() {
  local name=$1
  shift
  (cd "$work" && fio --name="$name" --directory="$mnt" --size="${megabytes}M" --verify=crc32c \
    --verify_fatal=1 --verify_dump=0 --randseed=1 --thread --group_reporting --fallocate=none \
    --output="$work/fio.log" "$@") || fail "fio $name $*: $(cat "$work/fio.log")"
}

# verifying NAME OPTIONS...: the blocks are right when they were written, and after a remount.
verifying() {
  step "fio, $1"
  run_fio "$@" --do_verify=1
  # Odd sizes end short of the end, and fio writes a file anew that is not as long as it should be.
  truncate -s "${megabytes}M" "$mnt/$1".*
  # shellcheck disable=SC2119
  remount_it
  run_fio "$@" --verify_only=1
  rm "$mnt/$1".*
}

verifying buffered --ioengine=psync --rw=randwrite --bs=4k
verifying odd-sizes --ioengine=psync --rw=randwrite --bsrange=512-37k --bs_unaligned=1
verifying synced --ioengine=psync --rw=randwrite --bs=4k --fsync=64
verifying mapped --ioengine=mmap --rw=randwrite --bs=4k
verifying direct --ioengine=psync --rw=randwrite --bs=4k --direct=1
verifying direct-queued --ioengine=libaio --rw=randwrite --bs=16k --direct=1 --iodepth=16
verifying over-io_uring --ioengine=io_uring --rw=randwrite --bs=8k --iodepth=16
step "fio, reads beside writes"
run_fio both --ioengine=psync --rw=randrw --bs=4k --numjobs=4 --verify_backlog=256
rm "$mnt"/both.*

step "dbench, $seconds s"
loads=$(dpkg -L dbench | grep '/client.txt$') || fail "there is no load for dbench"
dbench -c "$loads" -D "$mnt" -t "$seconds" 4 >"$work/dbench.log" 2>&1 ||
  fail "dbench: $(tail -n 20 "$work/dbench.log")"
step "$(grep '^Throughput' "$work/dbench.log")"
rm -rf "${mnt:?}/clients"

# What works on a filesystem, without what works on the whole machine (bind-mount, binderfs, eventfd,
# io, procfs); and some from other classes.
stressors=(access aio aiol chattr chdir chmod chown copy-file dentry dir dirdeep dirmany dnotify dup
  fallocate fanotify fcntl fiemap file-ioctl filename flock fpunch fsize fstat getdent handle hdd
  inode-flags inotify iomix lease link locka lockf lockofd mknod mmap mmapmany msync open readahead
  rename revio seek sendfile splice symlink sync-file touch utime verity xattr)
step "stress-ng, ${#stressors[@]} kinds of load"
mkdir -m 1777 "$mnt/stress"
for stressor in "${stressors[@]}"; do
  extra=()
  case $stressor in  # by default they fill a part of the disk
    copy-file) extra=(--copy-file-bytes 128M) ;;
    fallocate | hdd | iomix | mmap | sync-file) extra=(--"$stressor"-bytes 64M) ;;
    readahead | revio) extra=(--"$stressor"-bytes 64M) ;;
    seek) extra=(--seek-size 64M) ;;
    sendfile) extra=(--sendfile-size 1M) ;;
  esac
  code=0
  (cd "$mnt/stress" && stress-ng --"$stressor" 2 "${extra[@]}" --timeout "$each" --verify \
    --temp-path "$mnt/stress" --log-brief) >"$work/stress.log" 2>&1 || code=$?
  # 3 and 4: it cannot run here, for want of rights, kernel or memory; the log says why.
  case $code in
    0) ;;
    3 | 4) step "stress-ng does not run $stressor: $(grep -m 1 -i skip "$work/stress.log")" ;;
    *) fail "stress-ng $stressor ended with $code: $(cat "$work/stress.log")" ;;
  esac
  left=$(find "$mnt/stress" -mindepth 1 -print -quit)
  [[ -z $left ]] || fail "stress-ng $stressor left $left"
done

step "what is left"
rm -rf "${mnt:?}/stress"
[[ -z $(ls -A "$mnt") ]] || fail "left in the mount: $(ls -A "$mnt")"
unmount_it
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
(($(statistic "$data" files) == 1)) || fail "inodes are left: $(statistic "$data" files)"
step "done"
