#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds Memoria, and leaves a mounted directory to play with.
# Can be run again at any time.
set -euo pipefail

usage="usage: ${0##*/} [DIRECTORY]   (default ~/memoria-playground; gets data/ and mnt/)"
case "${1-}" in
  -h | --help) echo "$usage"; exit 0 ;;
  -*) echo "$usage" >&2; exit 2 ;;
esac
(($# <= 1)) || { echo "$usage" >&2; exit 2; }

playground=$(realpath -m -- "${1:-$HOME/memoria-playground}")
data=$playground/data mnt=$playground/mnt
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packaging/install-dependencies.sh
if [[ ! -e /dev/fuse ]]; then
  echo "${0##*/}: there is no /dev/fuse here: load the kernel module 'fuse', or start the container" \
    "with --device /dev/fuse --cap-add SYS_ADMIN" >&2
  exit 1
fi
cmake --preset release
cmake --build --preset release --target memoria-fs memoria-ctl

fs=$(realpath build/release/fs/binding/memoria-fs)
ctl=$(realpath build/release/tools/memoria-ctl)
if findmnt "$mnt" >/dev/null && ! stat -- "$mnt" >/dev/null 2>&1; then
  fusermount3 -uz -- "$mnt"  # what a killed daemon left
fi
mkdir -p -- "$data" "$mnt"
if mountpoint -q -- "$mnt"; then
  echo "Already mounted: $mnt"
else
  "$fs" "$data" "$mnt"
fi

quote() { printf '%q' "$1"; }
cat <<EOF

$mnt is a Memoria: everything in it lives in the log in $data.
Try next:
  cp -a /usr/include $(quote "$mnt")/ && diff -r /usr/include $(quote "$mnt")/include
  echo hello > $(quote "$mnt")/hello
  # The key, the segment and the offset that hold that file:
  $(quote "$ctl") locate $(quote "$mnt")/hello
  # Keys, live and dead bytes, segments, syncs:
  $(quote "$ctl") stats $(quote "$data")
  # Give the space of what is removed back:
  rm -r $(quote "$mnt")/include && $(quote "$ctl") merge --all $(quote "$data")
  # Check every checksum:
  $(quote "$ctl") verify $(quote "$data")
Stop with
  fusermount3 -u $(quote "$mnt")
and start again with
  $(quote "$fs") $(quote "$data") $(quote "$mnt")
EOF
