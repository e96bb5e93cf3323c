#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh BUILD-DIRECTORY: makes the Debian packages, and installs, uses, reboots, kills, removes and purges
# them in a Debian 12 of its own. Needs root, /dev/fuse and a Debian mirror, or skips loudly.
# MEMORIA_TEST_CACHE=DIRECTORY keeps what is downloaded for the next run.
# shellcheck disable=SC2016  # what stands in single quotes is expanded in the container
set -euo pipefail
shopt -s inherit_errexit nullglob
build=$(realpath "$1")
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/container.sh"

((EUID == 0)) || skip "this needs root"
[[ -c /dev/fuse ]] || skip "there is no /dev/fuse"
for program in debootstrap systemd-nspawn lintian dpkg-shlibdeps; do
  command -v "$program" >/dev/null || skip "$program is missing: packaging/install-dependencies.sh --test"
done

step "the packages"
cpack --config "$build/CPackConfig.cmake" -B "$work/packages" >"$work/cpack.log" 2>&1 ||
  fail "cpack: $(tail "$work/cpack.log")"
debs=("$work"/packages/*.deb)
((${#debs[@]} == 2)) || fail "${#debs[@]} packages instead of 2"
lintian --allow-root --fail-on error,warning "${debs[@]}" || fail "lintian"
dpkg-deb -c "$work"/packages/libmemoria-dev_*.deb >"$work/contents"
grep -q '/memoriaConfig.cmake$' "$work/contents" || fail "libmemoria-dev: $(cat "$work/contents")"
apt-get -qq --simulate install "$work"/packages/libmemoria-dev_*.deb >"$work/apt.log" 2>&1 ||
  fail "libmemoria-dev cannot be installed: $(tail -n 3 "$work/apt.log")"

step "a Debian 12"
deb=$(echo "$work"/packages/memoria_*.deb)
# Names that several packages may provide are those of packages here: debootstrap knows no others.
real_names() {
  dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' | awk -v wanted="$*" '
    BEGIN { n = split(wanted, names, " ") }
    $1 == "installed" {
      gsub("[,()=]", " ")
      for (i = 1; i <= n; i++) for (f = 2; f <= NF; f++) if ($f == names[i]) { print $2; next }
    }'
}
mapfile -t needed < <(dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g; s/|[^,]*//g' | tr -s ', ' '\n')
# shellcheck disable=SC2046  # one word for each name
make_root systemd systemd-sysv dbus dbus-user-session libpam-systemd $(real_names "${needed[@]}")
cp "$deb" "$root/root/memoria.deb"
boot
inside dpkg -i /root/memoria.deb >"$work/dpkg.log" || fail "installing: $(cat "$work/dpkg.log")"

step "libmemoria-dev, and a program that is built against it"
# Unpacked and configured for real; what it depends on is this machine's, and so is the compiler: to get
# one into the container takes minutes.
cp "$work"/packages/libmemoria-dev_*.deb "$root/root/library.deb"
inside dpkg --force-depends -i /root/library.deb >"$work/dpkg.log" 2>&1 ||
  fail "installing: $(cat "$work/dpkg.log")"
[[ $(inside dpkg-query -W -f '${db:Status-Status}' libmemoria-dev) == installed ]] || fail "not installed"
consumer=$(dirname "${BASH_SOURCE[0]}")/../consumer/project
built=$work/built
says_hello() { # PROGRAM: works with a new store and with the one it made
  local run
  for run in 1 2; do
    [[ $("$1" "$built/store") == "hello, log" ]] || fail "$1, run $run"
  done
  rm -r "$built/store"
}
mkdir "$built"
{ cmake -S "$consumer" -B "$built/cmake" -DCMAKE_PREFIX_PATH="$root/usr" &&
  cmake --build "$built/cmake"; } >"$work/cmake.log" 2>&1 || fail "find_package: $(tail "$work/cmake.log")"
grep -q "^memoria_DIR:PATH=$root/" "$built/cmake/CMakeCache.txt" || fail "another memoria was found"
says_hello "$built/cmake/example"
pc=$(find "$root/usr/lib" -name memoria.pc -printf %h)
read -ra flags <<<"$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs memoria)"
[[ "${flags[*]}" == *"$root/"* ]] || fail "pkg-config: ${flags[*]}"
c++ -std=c++20 "$consumer/example.cpp" -o "$built/example" "${flags[@]}" || fail "pkg-config"
says_hello "$built/example"
inside dpkg -P libmemoria-dev >"$work/dpkg.log" 2>&1 || fail "purging: $(cat "$work/dpkg.log")"

mounts() { inside awk '$3 == "fuse.memoria" { print $2 }' /proc/self/mounts; }
daemons() { inside sh -c 'for exe in /proc/[0-9]*/exe; do readlink $exe; done | grep -x /usr/bin/memoria-fs' | wc -l; }
no_daemon() { (($(daemons) == 0)); }
# logged PATTERN JOURNALCTL-ARGUMENT...
logged() {
  inside journalctl -q --no-pager "${@:2}" >"$work/journal"
  grep -q -e "$1" "$work/journal" || fail "'$1' is not in the journal: $(cat "$work/journal")"
}
# Fills a directory with something that only a working filesystem gives back.
fill() { inside cp -a /usr/share/doc/. "$1/"; }
check() { inside diff -r --no-dereference /usr/share/doc "$1" >"$work/diff" || fail "$1: $(head "$work/diff")"; }

step "mount -t fuse.memoria"
inside mount -t fuse.memoria /var/lib/by-hand /mnt
inside sh -c 'echo content >/mnt/file'
inside mount -o remount,ro /mnt
if inside sh -c 'echo more 2>/dev/null >>/mnt/file'; then fail "written to after remount,ro"; fi
inside mount -o remount,rw /mnt
inside sh -c 'echo content >/mnt/file'
inside umount /mnt
await 30 no_daemon
inside mount -t fuse.memoria -o ro /var/lib/by-hand /mnt
[[ $(inside cat /mnt/file) == content ]] || fail "the file"
inside umount /mnt

step "a mount unit, a line in fstab, and a service"
examples=/usr/share/doc/memoria/examples
inside mkdir -p /srv/files /srv/table
inside cp "$examples/srv-files.mount" /etc/systemd/system/
inside sh -c "sed -n 's|/files|/table|g; /^\/var/p' $examples/fstab >>/etc/fstab"
inside systemctl daemon-reload
inside systemctl -q enable --now srv-files.mount
inside systemctl start srv-table.mount
inside systemctl -q enable --now memoria@notes
for directory in /srv/files /srv/table /srv/memoria/notes; do fill "$directory"; done
[[ $(mounts | wc -l) == 3 ]] || fail "mounted: $(mounts)"
[[ $(inside systemctl show -P StatusText memoria@notes) == "/srv/memoria/notes: "*" files, "* ]] ||
  fail "status: $(inside systemctl show -P StatusText memoria@notes)"
logged "memoria-fs.*: /var/lib/memoria/notes is mounted" -u memoria@notes -p 6..6
step "security: $(inside systemd-analyze security --no-pager memoria@notes | tail -n 1)"

step "the sample of settings"
inside cp "$examples/memoria.toml" /var/lib/memoria/table/
inside sed -i 's/^#file_cache = .*/file_cache = 99/' /var/lib/memoria/table/memoria.toml
inside memoria-ctl config set /srv/table merge_rate 10M --save >"$work/config"
inside systemctl restart srv-table.mount
inside memoria-ctl config show /srv/table >"$work/config"
grep -Eq '^file_cache +99 ' "$work/config" || fail "file_cache: $(cat "$work/config")"
grep -Eq '^merge_rate +10M ' "$work/config" || fail "merge_rate: $(cat "$work/config")"

step "a reboot"
reboot
for directory in /srv/files /srv/table /srv/memoria/notes; do check "$directory"; done
logged "notes is unmounted and closed" -b -1 -u memoria@notes -p 6..6

step "x-systemd.automount: mounted by the first who looks"
if inside test -c /dev/autofs; then
  inside mkdir -p /srv/later
  inside sh -c "sed -n 's|^#\(/var.*x-systemd.automount\)|\1|; s|/files|/later|gp' $examples/fstab | grep automount >>/etc/fstab"
  inside systemctl daemon-reload
  inside systemctl start srv-later.automount
  [[ $(mounts) != */srv/later* ]] || fail "mounted before anybody looked"
  inside sh -c 'echo found >/srv/later/file'
  [[ $(mounts) == */srv/later* ]] || fail "not mounted by who looked: $(inside cat /proc/self/mounts)"
  [[ $(inside systemctl is-active srv-later.mount) == active ]] || fail "srv-later.mount is not active"
  reboot
  [[ $(mounts) != */srv/later* ]] || fail "mounted at boot"
  [[ $(inside cat /srv/later/file) == found ]] || fail "what was written before the reboot"
else
  echo "NOT TESTED on this machine: x-systemd.automount, its kernel has no autofs" >&2
fi

main() { inside systemctl show -P MainPID "memoria@notes"; }
is_back() { # OLD-PID: another daemon serves
  [[ $(inside systemctl is-active memoria@notes) == active && $(main) != "$1" ]] &&
    inside stat -f /srv/memoria/notes
}
step "a daemon that is killed is back by itself"
killed=$(main)
inside sh -c "kill -KILL $killed"
await 60 is_back "$killed"
check /srv/memoria/notes
[[ $(inside systemctl show -P NRestarts memoria@notes) == 1 ]] || fail "restarts"

step "so is one that hangs"
inside mkdir -p /run/systemd/system/memoria@notes.service.d
inside sh -c 'printf "[Service]\nWatchdogSec=2\n" >/run/systemd/system/memoria@notes.service.d/test.conf'
inside systemctl daemon-reload
inside systemctl restart memoria@notes
hanging=$(main)
inside sh -c "kill -STOP $hanging"
await 90 is_back "$hanging"
check /srv/memoria/notes
logged "Watchdog timeout" -b -u memoria@notes

step "a stop waits until everything is synced, also with files open"
inside systemd-run -q --unit=writer sh -c \
  'exec 5>/srv/memoria/notes/open; head -c 3000000 /dev/zero >&5; exec sleep 1000'
await 30 inside test -e /srv/memoria/notes/open
await 30 inside sh -c '[ $(stat -c %s /srv/memoria/notes/open) = 3000000 ]'
inside systemctl stop memoria@notes
[[ $(inside systemctl is-active writer) == active ]] || fail "nobody had a file open"
inside systemctl stop writer
[[ $(mounts) != *notes* ]] || fail "still mounted"
[[ $(inside systemctl show -P Result memoria@notes) == success ]] || fail "an unclean stop"
inside systemctl start memoria@notes
[[ $(inside stat -c %s /srv/memoria/notes/open) == 3000000 ]] || fail "the open file is lost"
inside rm /srv/memoria/notes/open

step "a user's own"
inside useradd -m -s /bin/sh alice
inside loginctl enable-linger alice
uid=$(inside id -u alice)
await 30 inside test -S "/run/user/$uid/systemd/private"
as_alice() { inside runuser -u alice -- env XDG_RUNTIME_DIR="/run/user/$uid" HOME=/home/alice "$@"; }
as_alice systemctl --user -q enable --now memoria@box
as_alice sh -c 'echo private >~/memoria/box/file'
box=$(as_alice systemctl --user show -P MainPID memoria@box)
inside sh -c "kill -KILL $box"
await 60 as_alice sh -c '[ "$(cat ~/memoria/box/file)" = private ]'
if inside cat /home/alice/memoria/box/file 2>/dev/null; then fail "others may look into it"; fi

step "removed: no mount, no daemon; purged: the data is still there"
inside dpkg -r memoria >"$work/dpkg.log" 2>&1 || fail "removing: $(cat "$work/dpkg.log")"
[[ -z $(mounts) ]] || fail "mounts are left: $(mounts)"
no_daemon || fail "daemons are left"
inside dpkg -P memoria >"$work/dpkg.log" 2>&1 || fail "purging: $(cat "$work/dpkg.log")"
[[ -z $(inside find /etc/systemd -name 'memoria@*') ]] || fail "links are left"
[[ -z $(inside find /usr -xdev -name '*memoria*') ]] || fail "left: $(inside find /usr -xdev -name '*memoria*')"
for store in files table notes; do
  [[ -n $(inside find "/var/lib/memoria/$store" -name '*.data') ]] || fail "the data of $store is gone"
done

step "and opens after another installation"
inside dpkg -i /root/memoria.deb >"$work/dpkg.log" 2>&1 || fail "installing: $(cat "$work/dpkg.log")"
inside systemctl start memoria@notes
check /srv/memoria/notes
inside systemctl poweroff || true
await 60 gone "$nspawn"
step "done"
