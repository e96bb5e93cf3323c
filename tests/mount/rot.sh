#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Random rot in the files of a volume, as programs meet it through the kernel: each name, attribute
# and byte is what it was or an I/O error, `verify` names what gives one, and `repair` saves the rest
# into a new volume and changes nothing in the old one. MEMORIA_ROTS: how many times.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

rots=${MEMORIA_ROTS:-10} seed=${MEMORIA_TEST_SEED:-1}
[[ $seed != random ]] || seed=$RANDOM
sound=$work/sound
rot() { python3 "$here/rot.py" "$@"; }
checksums() { (cd "$1" && find . -type f ! -name lock -exec sha1sum {} + | sort -k2); }

# run EXPECTED COMMAND...: the exit code must be one of EXPECTED; tells it.
run() {
  local expected=$1 code=0
  shift
  "$@" >"$work/out" 2>"$work/err" || code=$?
  [[ " $expected " == *" $code "* ]] || fail "$* ended with $code: $(cat "$work/err")"
  echo "$code"
}

step "a tree, seed $seed"
mount_it -o segment_size=1M
rot make "$mnt" "$seed"
rot walk "$mnt" "$work/expected"
unmount_it
mv "$data" "$sound"

refused=0
for ((i = 1; i <= rots; i++)); do
  rm -rf "$data" "$work/repaired"
  cp -a "$sound" "$data"
  known=$(rot damage "$data" $((seed * 1000 + i)))
  step "rot $i, $known"
  checksums "$data" >"$work/before"
  repaired=$(run "0 6" "$MEMORIA_CTL" repair "$data" "$work/repaired")
  checksums "$data" | same "$work/before" - "repair changed the damaged store"
  if ! "$MEMORIA_FS" "$data" "$mnt" >"$work/refusal" 2>&1; then
    [[ $known == unknown || ! -d $work/repaired ]] || fail "not mounted: $(cat "$work/refusal")"
    run 6 "$MEMORIA_CTL" verify "$data" >/dev/null
    refused=$((refused + 1))
    continue
  fi
  daemon=$(owner "$data")
  rot walk "$mnt" "$work/found"
  unmount_it
  rot compare "$work/expected" "$work/found" "$known"
  code=$(run "0 6" "$MEMORIA_CTL" verify --json "$data")
  mv "$work/out" "$work/verified"
  rot told "$work/found" "$work/verified"
  [[ $known == unknown || $code == 6 ]] || fail "verify found nothing"
  [[ $known == unknown || $repaired == 6 ]] || step "nothing of it was in use"

  mv "$data" "$work/rotten"
  mv "$work/repaired" "$data"
  run 0 "$MEMORIA_CTL" verify "$data" >/dev/null
  mount_it
  rot walk "$mnt" "$work/repaired.found"
  unmount_it
  rot saved "$work/found" "$work/repaired.found"
  rm -rf "$work/rotten"
done
step "done, $refused of $rots refused"
