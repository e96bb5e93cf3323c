# SPDX-License-Identifier: MIT
# A Debian 12 that is booted in a container; sourced. Gives a place of its own ($work) and the root
# directory in it ($root), and leaves nothing behind, however the test ends.
# shellcheck shell=bash

skip() {
  echo "SKIPPED: packages and services were NOT tested on this machine: $*" >&2
  exit 77
}
fail() {
  echo "FAIL: $*" >&2
  exit 1
}
# What the test does now, with the seconds since its start.
step() { printf '[%3ds] %s\n' "$SECONDS" "$*"; }

# await SECONDS COMMAND...: until it succeeds.
await() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < until)) || fail "waited in vain for: $*"
    sleep 0.1
  done
}

work=$(mktemp -d "${TMPDIR:-/var/tmp}/memoria-service.XXXXXX")
root=$work/root
nspawn='' leader=''

clean_up() {
  local code=$?
  trap - EXIT
  set +e
  if ((code != 0 && code != 77)) && [[ -n $leader ]]; then
    inside journalctl --no-pager -n 40 >&2
    inside systemctl --no-pager --failed >&2
  fi
  if [[ -n $nspawn ]]; then
    kill -KILL "$leader" "$nspawn" 2>/dev/null
    wait "$nspawn" 2>/dev/null
  fi
  rm -rf --one-file-system "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# make_root PACKAGE...: a minimal system with these packages. The download is kept in
# $MEMORIA_TEST_CACHE, a directory, if that is set.
make_root() {
  local list kept=''
  list=$(printf '%s\n' "$@" | sort -u | paste -sd,)
  if [[ -n ${MEMORIA_TEST_CACHE-} ]]; then
    mkdir -p "$MEMORIA_TEST_CACHE"
    kept=$MEMORIA_TEST_CACHE/bookworm-$(sha256sum <<<"$list" | cut -c1-16).tar
  fi
  mkdir "$root"
  if [[ -s $kept ]]; then
    tar -C "$root" -xpf "$kept" --xattrs --numeric-owner
    return
  fi
  timeout 600 debootstrap --variant=minbase --include="$list" bookworm "$root" \
    "${MEMORIA_TEST_MIRROR:-http://deb.debian.org/debian}" >"$work/debootstrap.log" 2>&1 ||
    skip "debootstrap failed: $(tail -n 1 "$work/debootstrap.log")"
  rm -rf "$root"/var/cache/apt/archives/*.deb
  if [[ -n $kept ]]; then
    tar -C "$root" -cpf "$kept.part.$$" --xattrs --numeric-owner .
    mv "$kept.part.$$" "$kept"
  fi
}

# inside COMMAND...: runs it in the container.
inside() { nsenter -t "$leader" -a -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }

find_leader() { leader=$(pgrep -P "$nspawn") && [[ -n $leader ]]; }
is_up() { find_leader && [[ $(inside systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]; }

boot() {
  # A node of the test's own: users may open it, as on a machine where udev sees to that.
  [[ -c $work/fuse ]] || mknod -m 666 "$work/fuse" c 10 229
  local where=(--register=no)
  # Without systemd on the host there is nobody to make a scope for the container.
  [[ -d /run/systemd/system ]] || where+=(--keep-unit)
  # For units of type automount; systemd-nspawn does not bring it.
  [[ ! -c /dev/autofs ]] || where+=(--bind=/dev/autofs)
  systemd-nspawn --quiet --directory="$root" --machine="memoria-test-$$" --boot "${where[@]}" \
    --bind="$work/fuse:/dev/fuse" --private-network --console=pipe </dev/null >"$work/console" 2>&1 &
  nspawn=$!
  local until=$((SECONDS + 90))
  until is_up; do
    kill -0 "$nspawn" 2>/dev/null || skip "no container boots here: $(tail -n 2 "$work/console")"
    ((SECONDS < until)) || skip "the container does not come up: $(tail -n 2 "$work/console")"
    sleep 0.2
  done
}

reboot() {
  local before=$leader
  inside systemctl reboot || true
  if [[ -d /run/systemd/system ]]; then
    await 90 gone "$before"
    await 90 is_up
  else # systemd-nspawn leaves it to its unit to start it again, and ends
    await 90 gone "$nspawn"
    boot
  fi
}
gone() { ! kill -0 "$1" 2>/dev/null; }
