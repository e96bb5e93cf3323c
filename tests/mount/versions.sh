#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What memoria-ctl tells of the moments of a mounted volume, and a volume that goes back to one: with
# a kernel in front of it that has not yet handed everything over.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

ctl() { "$MEMORIA_CTL" "$@"; }

# The command's output must be these lines.
says() {
  local expected=$1 said
  shift
  said=$(ctl "$@") || fail "$* ended with $?"
  [[ $said == "$expected" ]] || fail "$*: '$said' instead of '$expected'"
}

mount_it
step "diff and history see what is still in the kernel's cache"
echo first >"$mnt/file"
mkdir "$mnt/directory"
echo moved >"$mnt/directory/moved"
ctl snapshot create "$mnt" one
manifest "$mnt" >"$work/one"
exec 7>>"$mnt/file"
echo second >&7
says "changed  /file (contents)" snapshot diff "$mnt" one
ctl history "$mnt" /file --json >"$work/history"
python3 - "$work/history" <<'PYTHON'
import json, sys
versions = json.load(open(sys.argv[1]))["versions"]
assert [v["size"] for v in versions] == [6, 13], versions
PYTHON
exec 7>&-
mv "$mnt/directory/moved" "$mnt/elsewhere"
says "renamed  /directory/moved -> /elsewhere
changed  /file (contents)" snapshot diff "$mnt" one

step "settings change while it is mounted, with their ranges"
ctl config set "$mnt" merge_rate 20M
if ctl config set "$mnt" merge_rate fast 2>"$work/refused"; then fail "a rate of 'fast' was taken"; fi
grep -q "merge_rate=fast: the value of 'merge_rate' must be 0 to 1T" "$work/refused" ||
  fail "refused without the range: $(cat "$work/refused")"
ctl scrub "$mnt" --rate 1000
says 4 count "$mnt"

step "a rollback is refused while it is mounted, and is all of it afterwards"
if ctl snapshot rollback "$mnt" one 2>"$work/refused"; then fail "rolled back under a mount"; fi
grep -q "unmount it" "$work/refused" || fail "refused otherwise: $(cat "$work/refused")"
manifest "$mnt" >"$work/two"
unmount_it
ctl snapshot rollback "$data" one --keep two
mount_it
manifest "$mnt" >"$work/seen"
same "$work/one" "$work/seen" "the volume after its rollback"
manifest "$mnt/.snapshots/two" >"$work/seen"
same "$work/two" "$work/seen" "what it was before"
echo after >"$mnt/after"
unmount_it
ctl verify "$data"
