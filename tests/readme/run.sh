#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh README PROGRAM-DIRECTORY...: runs each sh block that "<!-- tested -->" stands in front of, in
# an empty directory with the built programs in the path. Any command that fails, fails the test.
set -euo pipefail

readme=$1
shift
for programs; do PATH=$programs:$PATH; done

work=$(mktemp -d)
cleanup() {
  local mounted
  for mounted in "$work"/*/; do
    if mountpoint -q "$mounted"; then fusermount3 -uz "$mounted"; fi
  done
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work"

awk '/^<!-- tested -->$/ { tested = 1; next }
     tested && /^```sh$/ { inside = 1; next }
     inside && /^```$/   { inside = tested = 0; next }
     inside' "$readme" >commands.sh
[[ -s commands.sh ]] || { echo "no tested block in $readme" >&2; exit 1; }
bash -euxo pipefail commands.sh
