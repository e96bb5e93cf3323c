#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A daemon that may open only few files, under a load of many segments, beside merges, snapshots, backups
# and a crowd at the control socket: what it cannot do it refuses, and everything else is right.
# MEMORIA_DESCRIPTOR_SECONDS (8) tells how long each limit is tried.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

seconds=${MEMORIA_DESCRIPTOR_SECONDS:-8}
: >"$work/refused"

# As memoria-fs, with at most $MEMORIA_LIMIT descriptors.
cat >"$work/few" <<'EOF'
#!/bin/sh
exec prlimit --nofile="$MEMORIA_LIMIT" "$MEMORIA_ALL" "$@"
EOF
chmod 755 "$work/few"
export MEMORIA_LIMIT MEMORIA_ALL=$MEMORIA_FS

# Each of these may be refused, but is never a bug, nor finds damage.
look_after() {
  local command code
  while [[ -d $work && ! -e $work/stop ]]; do
    for command in "merge --all $data" "snapshot create $data kept" "stats $data" "verify $data" \
      "backup $data $work/backup" "snapshot delete $data kept"; do
      code=0
      # shellcheck disable=SC2086
      "$MEMORIA_CTL" $command >"$work/ctl.log" 2>&1 || code=$?
      ((code == 0)) || echo "$command: $code: $(tail -n 1 "$work/ctl.log")" >>"$work/refused"
      case $code in 1 | 6 | 1??) echo "$command ended with $code: $(cat "$work/ctl.log")" >>"$work/broken" ;; esac
    done
    sleep 0.2
  done
}

# under_limit DESCRIPTORS
under_limit() {
  MEMORIA_LIMIT=$1
  rm -f "$work/stop"
  MEMORIA_FS=$work/few mount_it -o segment_size=1M,sync_interval=1
  mkdir -p "$mnt/files"
  look_after &
  local upkeep=$! counts open
  counts=$(python3 "$here/descriptors.py" load "$mnt/files" "$work/log" "$seconds" "$data/control") ||
    fail "at most $1 descriptors"
  : >"$work/stop"
  wait "$upkeep"
  [[ ! -e $work/broken ]] || fail "$(cat "$work/broken")"
  alive "$daemon" || fail "the daemon is gone"
  open=("/proc/$daemon/fd"/*)
  ((${#open[@]} <= $1)) || fail "the limit does not hold: ${#open[@]} are open"
  sleep 1  # the crowd is gone
  [[ $(statistic "$data" read_only) == False ]] || fail "the store has become read-only"
  python3 "$here/descriptors.py" check "$mnt/files" "$work/log" || fail "at most $1 descriptors: the files"
  echo new >"$mnt/new"
  sync "$mnt/new"
  step "at most $1 descriptors: $counts, $(wc -l <"$work/refused") commands refused," \
    "$(statistic "$data" segments | tr -cd '{' | wc -c) segments"
  unmount_it
  mount_it
  python3 "$here/descriptors.py" check "$mnt/files" "$work/log" || fail "after at most $1 descriptors"
  unmount_it
  "$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
  rm "$work/log"
  mount_it
  rm -r "$mnt/files"
  unmount_it
}

step "few descriptors"
for limit in 40 24; do under_limit "$limit"; done
step "done"
