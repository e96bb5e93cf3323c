#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A mixed load for MEMORIA_SOAK_SECONDS (20, at least 5; a long run has 3600): writers with an outside log,
# trees that are unpacked, compared, linked and removed, merges, snapshots, a backup. What is read is right,
# and the daemon's resident memory and descriptors do not grow (growth.py says what that means).
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

seconds=${MEMORIA_SOAK_SECONDS:-20} seed=${MEMORIA_TEST_SEED:-1}
((seconds >= 5)) || fail "MEMORIA_SOAK_SECONDS=$seconds: at least 5 are needed"
round_seconds=$((seconds < 120 ? 5 : 30))
# Often enough for a judgement, and seldom enough for a run of days.
sample_seconds=$(awk -v s="$seconds" 'BEGIN { print s < 24 ? s / 24 : s < 240 ? 1 : s < 86400 ? 5 : 60 }')
# What was freed is memory for the address sanitizer until this is full: it must be before the second quarter.
ASAN_OPTIONS=quarantine_size_mb=16:$ASAN_OPTIONS

going_on() { [[ ! -e $work/stop ]]; }

# One of the loads failed: tells what, and ends all of them.
broken() {
  echo "$*" >>"$work/broken"
  : >"$work/stop"
  exit 1
}

# Writers for $round_seconds, again and again; what they were told is there, and removed.
write_files() {
  local round count loading
  for ((round = 1; ; round++)); do
    going_on || return 0
    python3 "$here/kill_load.py" load "$mnt/writers" "$work/log" $((seed * 100000 + round)) &
    loading=$!
    until [[ -e $work/log ]]; do
      alive "$loading" || broken "the writers did not begin"
      sleep 0.05
    done
    for ((i = 0; i < round_seconds * 4; i++)); do
      going_on || break
      sleep 0.25
    done
    kill -TERM "$loading" || broken "the writers ended early"
    wait "$loading" || broken "the writers ended with $?"
    awk '{ last[$1] = $2 } END { for (i in last) if (last[i] != "end") exit 1 }' "$work/log" ||
      broken "a writer was told of an error"
    count=$(python3 "$here/kill_load.py" check "$mnt/writers" "$work/log" 2>&1) || broken "writers: $count"
    echo "$count" >>"$work/acknowledged"
    rm -r "$work/log" "$mnt/writers" || broken "the writers' files cannot be removed"
  done
}

unpack_trees() {
  while going_on; do
    mkdir "$mnt/tree" || broken "mkdir"
    tar -C "$mnt/tree" -xpf "$work/tree.tar" || broken "tar"
    diff -r --no-dereference "$work/tree" "$mnt/tree" >"$work/tree.diff" || broken "$(cat "$work/tree.diff")"
    cp -al "$mnt/tree" "$mnt/links" || broken "cp -al"
    setfattr -n user.soak -v "$SECONDS" "$mnt"/tree/usr/* || broken "setfattr"
    rm -r "$mnt/tree" || broken "rm of the tree"
    find "$mnt/links" -type f -links +1 >"$work/links" || broken "find"
    [[ ! -s $work/links ]] || broken "links are counted that are gone: $(head -n 3 "$work/links")"
    diff -r --no-dereference "$work/tree" "$mnt/links" >"$work/tree.diff" || broken "$(cat "$work/tree.diff")"
    rm -r "$mnt/links" || broken "rm of the links"
    echo tree >>"$work/trees"
  done
}

look_after() {
  while going_on; do
    for command in "snapshot create $data kept" "merge --all $data" "stats --json $mnt" "find $mnt /" \
      "snapshot diff $mnt kept" "backup $data $work/backup" "snapshot delete $data kept" "verify $data"; do
      # shellcheck disable=SC2086
      "$MEMORIA_CTL" $command >"$work/upkeep.log" 2>"$work/upkeep.errors" ||
        broken "$command: $? $(tail -n 2 "$work/upkeep.log"; cat "$work/upkeep.errors")"
      if [[ $command == find* ]]; then
        find "$mnt/.snapshots/kept" | wc -l >"$work/kept" || broken "the snapshot cannot be listed"
      fi
    done
    echo round >>"$work/upkeep"
    sleep 0.5
  done
}

sample() {
  local resident descriptors
  resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status")
  descriptors=("/proc/$daemon/fd"/*)
  echo "$SECONDS $resident ${#descriptors[@]}" >>"$work/samples"
}

step "growth that is there is seen, and none where there is none"
for ((i = 0; i < 40; i++)); do
  echo "$i $((100000 + i * 3000)) 20" >>"$work/memory"
  echo "$i 100000 $((20 + i))" >>"$work/descriptors"
  echo "$i $((100000 + i % 7 * 1000)) $((20 + i % 5))" >>"$work/steady"
done
for growing in memory descriptors; do
  if python3 "$here/growth.py" "$work/$growing" >/dev/null; then fail "growth of $growing is not seen"; fi
done
python3 "$here/growth.py" "$work/steady" >/dev/null || fail "growth is seen where there is none"

make_tree 400
mkdir "$work/tree"
tar -C "$work/tree" -xpf "$work/tree.tar"
"$MEMORIA_FS" -f -o segment_size=4M,file_cache=8 "$data" "$mnt" 2>"$work/daemon.log" &
daemon=$!
until mountpoint -q "$mnt"; do
  alive "$daemon" || fail "memoria-fs: $(cat "$work/daemon.log")"
  sleep 0.05
done
write_files &
loads=($!)
unpack_trees &
loads+=($!)
look_after &
loads+=($!)
step "load for $seconds s"
end=$((SECONDS + seconds)) told=$SECONDS
while going_on && ((SECONDS < end)); do
  alive "$daemon" || fail "the daemon is gone"
  sample
  if ((SECONDS - told >= 600)); then
    step "$(tail -n 1 "$work/samples" | awk '{ print int($2 / 1024) " MiB resident, " $3 " descriptors" }')"
    told=$SECONDS
  fi
  sleep "$sample_seconds"
done
: >"$work/stop"
for load in "${loads[@]}"; do wait "$load" || true; done
[[ ! -e $work/broken ]] || fail "MEMORIA_TEST_SEED=$seed: $(cat "$work/broken" "$work/daemon.log")"

judgement=$(python3 "$here/growth.py" "$work/samples") || fail "$judgement"
step "$judgement"
if grep -E '(error|critical)' "$work/daemon.log"; then fail "the daemon tells of errors"; fi
[[ -z $(ls -A "$mnt") ]] || fail "left in the mount: $(ls -A "$mnt")"
(($(statistic "$data" files) == 1)) || fail "inodes are left: $(statistic "$data" files)"
unmount_it
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
step "$(awk "{ sum += \$1 } END { print sum }" "$work/acknowledged") acknowledged operations of writers," \
  "$(wc -l <"$work/trees") trees, $(wc -l <"$work/upkeep") rounds of upkeep: nothing is wrong"
