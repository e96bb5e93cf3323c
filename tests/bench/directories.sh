#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compares a directory of the host's disk, a Memoria mount on that disk and, if $CEILING_FS is set,
# a mount of that filesystem in memory: the least that any FUSE filesystem costs.
#   MEMORIA_FS=... MEMORIA_BENCH=... tests/bench/directories.sh [WORK [MEMORIA-BENCH-OPTION...]]
# WORK (default: /var/tmp) lies on the disk to measure, best one with ext4; all that is made there is
# removed. The options go to memoria-bench, as in "--rounds 3 --groups small,tree --svg chart.svg".
# $MEMORIA_MOUNT_OPTIONS are for the mount, as behind -o; $CEILING_OPTIONS for the ceiling, where "xattr"
# makes it one that may have extended attributes. As root it also reads with cold caches.
set -euo pipefail
shopt -s inherit_errexit

: "${MEMORIA_FS:?names the program memoria-fs}" "${MEMORIA_BENCH:?names the program memoria-bench}"
parent=${1:-/var/tmp}
shift $(($# > 0))
MEMORIA_FS=$(realpath "$MEMORIA_FS")
mkdir -p "$parent"
work=$(realpath "$(mktemp -d "$parent/memoria-bench.XXXXXX")")
export MEMORIA_FS mount_options=${MEMORIA_MOUNT_OPTIONS:-rw} data=$work/data mnt=$work/memoria

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

mounts_below() {
  awk -v below="$1/" '{ gsub(/\\040/, " ", $2) } index($2, below) == 1 { print $2 }' \
    /proc/self/mounts
}

# Waits at most a minute for the owner of the data directory, process $1, to end.
wait_for_end() {
  [[ -z $1 ]] || timeout 60 tail --pid="$1" -f /dev/null
}

clean_up() {
  local code=$? mounted owner
  trap - EXIT
  set +e
  cd /
  owner=$(cat "$data/lock" 2>/dev/null)
  while read -r mounted; do
    fusermount3 -u "$mounted" 2>/dev/null || fusermount3 -uz "$mounted"
  done < <(mounts_below "$work")
  wait_for_end "$owner"
  rm -rf --one-file-system "$work"
  exit "$code"
}
trap clean_up EXIT
# memoria-bench ends its run and cleans up by itself; the shell waits for that before it comes here.
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Makes $work/tree.tar: about 20,000 files below 1 MiB, at most 400 MiB, from three places.
make_tree() {
  find /usr/include /usr/share /usr/lib -xdev -type f -size -1024k -readable ! -name $'*\n*' \
    -printf '%s %p\n' |
    awk '{
      size = $1
      sub(/^[0-9]+ /, "")
      split($0, part, "/")
      if (count[part[3]] >= 8000 || files >= 20000 || bytes + size > 400 * 1048576) next
      ++count[part[3]]; ++files; bytes += size
      print
    }' >"$work/names"
  tar -C / -cf "$work/tree.tar" --no-recursion --hard-dereference --verbatim-files-from \
    -T "$work/names" 2>"$work/log" || fail "tar: $(cat "$work/log")"
  echo "tree: $(wc -l <"$work/names") files, $(stat -c %s "$work/tree.tar") bytes of tar" >&2
}

type=$(stat -f -c %T "$work")
[[ $type == ext2/ext3 ]] || echo "note: $work is on $type, not on ext4" >&2
mkdir "$work/ext4" "$mnt" "$work/ceiling"
"$MEMORIA_FS" "$data" "$mnt" -o "$mount_options" || fail "memoria-fs ended with code $?"
mountpoint -q "$mnt" || fail "$mnt is not mounted"
arguments=(--dir "ext4=$work/ext4" --dir "memoria=$mnt")
if [[ -n ${CEILING_FS-} ]]; then
  "$CEILING_FS" "$work/ceiling" -o "${CEILING_OPTIONS:-rw}" || fail "$CEILING_FS ended with code $?"
  mountpoint -q "$work/ceiling" || fail "$work/ceiling is not mounted"
  arguments+=(--dir "ceiling=$work/ceiling")
fi
make_tree
arguments+=(--tar "$work/tree.tar")

if ((EUID == 0)) && [[ -w /proc/sys/vm/drop_caches ]]; then
  # memoria-bench hands on no environment but $PATH: everything is in the script.
  drop="sync; echo 3 >/proc/sys/vm/drop_caches"
  {
    declare -f wait_for_end
    declare -p data mnt MEMORIA_FS mount_options
    cat <<'EOF'
set -e
owner=$(cat "$data/lock")
fusermount3 -u "$mnt"
wait_for_end "$owner"
sync
echo 3 >/proc/sys/vm/drop_caches
"$MEMORIA_FS" "$data" "$mnt" -o "$mount_options"
EOF
  } >"$work/remount.sh"
  arguments+=(--cold "ext4=$drop" --cold "memoria=bash '$work/remount.sh'")
  # What is only in memory does not survive a remount: its daemon stays warm.
  [[ -z ${CEILING_FS-} ]] || arguments+=(--cold "ceiling=$drop")
fi

"$MEMORIA_BENCH" "${arguments[@]}" "$@"
