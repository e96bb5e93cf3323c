#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Who can do what: the table in README.md, row by row, done by those whom it names.
# shellcheck source-path=SCRIPTDIR
if ((EUID != 0)); then
  echo "SKIPPED: only root can become everybody else" >&2
  exit 77
fi
# In a mount namespace of its own, where everybody may open /dev/fuse, as udev has it.
if [[ -z ${MEMORIA_TEST_APART-} ]]; then
  MEMORIA_TEST_APART=1 exec unshare --mount --propagation slave "$0"
fi
source "$(dirname "$0")/mount.sh"
mknod -m 666 "$work/fuse" c 10 229
mount --bind "$work/fuse" /dev/fuse

# Two that have names and nothing else here.
user=$(id -u nobody) other=$(id -u daemon)
readonly user other
as() { setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"; }

# Copies that everybody can run.
chmod 755 "$work"
cp "$MEMORIA_FS" "$work/memoria-fs"
cp "$MEMORIA_CTL" "$work/memoria-ctl"

# refused WHY COMMAND...: fails, and says so.
refused() {
  local why=$1
  shift
  if "$@" >"$work/out" 2>&1; then fail "was allowed: $*"; fi
  grep -Eq "$why" "$work/out" || fail "'$*' is refused with: $(cat "$work/out")"
}
options() { findmnt -no OPTIONS "$mnt"; }
has_options() { # OPTION...
  local option
  for option; do [[ ,$(options), == *,$option,* ]] || fail "without $option: $(options)"; done
}
no_options() { # OPTION...
  local option
  for option; do [[ ,$(options), != *,$option,* ]] || fail "with $option: $(options)"; done
}

# Whom the volume belongs to and nobody else, whatever the mount: the directory and the socket.
outsiders_stay_outside() {
  [[ $(stat -c %a "$data") == 700 ]] || fail "the data directory has mode $(stat -c %a "$data")"
  [[ -z $(find "$data" -type f -perm /077; find "$data/control" -perm /077) ]] || fail "files that others may use"
  refused "Permission denied" as "$other" ls "$data"
  refused "Permission denied" as "$other" cat "$data"/*.data
  refused "Permission denied" as "$other" "$work/memoria-ctl" stats "$data"
  refused "Permission denied" as "$other" "$work/memoria-ctl" ls "$data" /
  refused "not permitted|denied|not found" as "$other" fusermount3 -u "$mnt"
  findmnt "$mnt" >/dev/null || fail "somebody else unmounted it"
  # Whoever gets to the socket all the same is asked by the kernel who he is.
  chmod 755 "$data"
  chmod 666 "$data/control"
  refused "user $other may not control this daemon" as "$other" "$work/memoria-ctl" stats "$data"
  refused "user $other may not control this daemon" as "$other" "$work/memoria-ctl" put "$data" /new /dev/null
  chmod 600 "$data/control"
  chmod 700 "$data"
  "$MEMORIA_CTL" stats "$data" >/dev/null || fail "root may not control the daemon"
}

step "a user's own mount, without allow_other"
mkdir -m 711 "$work/home"
mkdir "$work/home/mnt"
chown -R "$user:$user" "$work/home"
data=$work/home/data mnt=$work/home/mnt
as "$user" "$work/memoria-fs" "$data" "$mnt" || fail "a user cannot mount: $?"
daemon=$(owner "$data")
has_options nosuid nodev default_permissions "user_id=$user"
no_options allow_other
as "$user" sh -c "echo mine >'$mnt/file' && chmod 644 '$mnt/file' && mkdir '$mnt/directory'"
as "$user" "$work/memoria-ctl" stats "$mnt" >/dev/null || fail "the owner may not control the daemon"
for somebody in "$other" 0; do
  for command in "ls $mnt" "cat $mnt/file" "touch $mnt/new" "rm $mnt/file" "stat $mnt/file"; do
    # shellcheck disable=SC2086
    refused "Permission denied" as "$somebody" $command
  done
done
outsiders_stay_outside
as "$user" fusermount3 -u "$mnt"
wait_for_end "$daemon"
as "$user" "$work/memoria-ctl" ls "$data" / >/dev/null || fail "the owner may not look into his own store"
refused "Permission denied" as "$other" "$work/memoria-ctl" ls "$data" /
refused "Permission denied" as "$other" "$work/memoria-fs" "$data" "$mnt"

step "what root makes in a user's store is the user's"
# All of it belongs to the user, who goes on where root was.
stays_the_users() { # WHAT
  local foreign
  foreign=$(find "$data" ! -uid "$user" -o ! -gid "$user")
  [[ -z $foreign ]] || fail "after $1 by root, somebody else's: $foreign"
  as "$user" "$work/memoria-ctl" put "$data" /after "$MEMORIA_CTL" || fail "after $1, the owner's put"
}
"$MEMORIA_CTL" put "$data" /by-root "$MEMORIA_CTL"
stays_the_users put
"$MEMORIA_CTL" config set "$data" file_cache 10 --save >/dev/null
stays_the_users "config set"
"$MEMORIA_CTL" merge --all "$data" >/dev/null
stays_the_users merge
"$MEMORIA_CTL" hints rebuild --all "$data" >/dev/null
stays_the_users "hints rebuild"
"$MEMORIA_CTL" snapshot create "$data" of-root >/dev/null
stays_the_users "snapshot create"
"$MEMORIA_CTL" snapshot rollback "$data" of-root --keep before >/dev/null
stays_the_users "snapshot rollback"
rm "$data/lock"
"$MEMORIA_CTL" put "$data" /by-root /dev/null
stays_the_users "a lock made"
mkdir "$work/roots-mount"
"$MEMORIA_FS" "$data" "$work/roots-mount"
daemon=$(owner "$data")
echo new >"$work/roots-mount/file"
sync "$work/roots-mount/file"
as "$user" "$work/memoria-ctl" stats "$data" >"$work/out" 2>&1 && fail "a user controls root's daemon"
kill -9 "$daemon"
wait_for_end "$daemon"
umount -l "$work/roots-mount"
stays_the_users "a mount that was killed"
[[ $(as "$user" "$work/memoria-ctl" get "$data" /file) == new ]] || fail "what root wrote through its mount"
ln "$data/manifest" "$work/home/link"
ln -s /etc/hostname "$data/memoria.toml.tmp"
"$MEMORIA_CTL" config set "$data" file_cache 11 --save >/dev/null
[[ $(stat -c %u /etc/hostname) == 0 ]] || fail "a link was followed"
rm "$work/home/link"
as "$user" mkdir "$work/home/backup"
"$MEMORIA_CTL" backup "$data" "$work/home/backup" >/dev/null
[[ -z $(find "$work/home/backup" ! -uid "$user") ]] || fail "a backup in a user's directory"

step "who may not is told whose it is"
refused "$data belongs to user $user: go on as that user or as root" as "$other" "$work/memoria-ctl" stats "$data"
chown 0 "$data/manifest"
refused "open $data/manifest: Permission denied; $data/manifest belongs to user 0: .*chown" \
  as "$user" "$work/memoria-ctl" stats "$data"
chown "$user" "$data/manifest"
refused "data directory $data: Permission denied; it belongs to user $user\$" as "$other" "$work/memoria-fs" "$data" "$mnt"
chmod 500 "$data"
refused "data directory $data: Permission denied; it has mode 0500: change that with chmod" \
  as "$user" "$work/memoria-fs" "$data" "$mnt"
chmod 700 "$data"

step "what a user may not ask for"
if ! grep -Eqs '^\s*user_allow_other' /etc/fuse.conf; then
  refused "allow_other" as "$user" "$work/memoria-fs" -o allow_other "$data" "$mnt"
fi
if as "$user" "$work/memoria-fs" -o suid,dev "$data" "$mnt" >"$work/out" 2>&1; then
  daemon=$(owner "$data")
  has_options nosuid nodev
  as "$user" fusermount3 -u "$mnt"
  wait_for_end "$daemon"
fi

step "root's mount, without allow_other"
data=$work/data mnt=$work/mnt
mount_it
has_options nosuid nodev default_permissions
no_options allow_other
echo content >"$mnt/file"
chmod 644 "$mnt/file"
for command in "ls $mnt" "cat $mnt/file" "touch $mnt/new"; do
  # shellcheck disable=SC2086
  refused "Permission denied" as "$other" $command
done
outsiders_stay_outside

step "a mount that says it is of root's data directory"
fake=$work/home/fake
as "$user" mkdir "$fake"
as "$user" env PATH=/usr/bin:/bin python3 - "$fake" "$data" <<'PYTHON' &
import os, socket, subprocess, sys, time
place, source = sys.argv[1:]
ours, theirs = socket.socketpair()
subprocess.run(["fusermount3", "-o", f"fsname={source},subtype=memoria", "--", place], check=True,
               pass_fds=[theirs.fileno()], env={**os.environ, "_FUSE_COMMFD": str(theirs.fileno())})
time.sleep(60)
PYTHON
server=$!
for _ in $(seq 100); do findmnt "$fake" >/dev/null && break || sleep 0.05; done
[[ $(findmnt -no SOURCE "$fake") == "$data" ]] || fail "there is no such mount"
for name in "$fake" "$fake/file"; do
  refused "was mounted by the user $user" "$MEMORIA_CTL" ls "$name"
  refused "was mounted by the user $user" "$MEMORIA_CTL" put "$name" /dev/null
done
"$MEMORIA_CTL" get "$mnt/file" >/dev/null || fail "root's own mount is not believed"
kill "$server"
wait "$server" || true
fusermount3 -uz "$fake"

step "root's mount, with allow_other: modes, owners and ACLs decide"
remount_it -o allow_other
has_options nosuid nodev default_permissions allow_other
chmod 755 "$mnt"
[[ $(as "$other" cat "$mnt/file") == content ]] || fail "a file that everybody may read"
refused "Permission denied" as "$other" sh -c "echo x >>'$mnt/file'"
refused "Permission denied" as "$other" touch "$mnt/new"
refused "Permission denied" as "$other" rm -f "$mnt/file"
refused "not permitted" as "$other" chown "$other" "$mnt/file"
refused "not permitted" as "$other" chmod 777 "$mnt/file"
echo secret >"$mnt/secret"
chmod 600 "$mnt/secret"
cat "$mnt/secret" >/dev/null  # in the kernel's caches now
refused "Permission denied" as "$other" cat "$mnt/secret"
mkdir -m 700 "$mnt/private"
echo inside >"$mnt/private/file"
refused "Permission denied" as "$other" ls "$mnt/private"
refused "Permission denied" as "$other" cat "$mnt/private/file"
setfacl -m "u:$other:r" "$mnt/secret"
[[ $(as "$other" cat "$mnt/secret") == secret ]] || fail "an ACL that lets somebody read"
setfacl -b "$mnt/secret"
refused "Permission denied" as "$other" cat "$mnt/secret"
# A set-group-id program of a group that one is not in, by way of an ACL.
mkdir -m 2777 "$mnt/staff"
chgrp 50 "$mnt/staff"
# shellcheck disable=SC2016
as "$other" perl -MFcntl -e 'umask 0; sysopen(my $file, $ARGV[0], O_CREAT | O_WRONLY, 02644) or die $!' \
  "$mnt/staff/program"
[[ $(stat -c '%a %g' "$mnt/staff/program") == "2644 50" ]] || fail "a new file in a set-group-id directory"
as "$other" setfacl --set u::rwx,g::r-x,o::r-x "$mnt/staff/program"
[[ $(stat -c %a "$mnt/staff/program") == 755 ]] || fail "an ACL made a set-group-id program"
chmod 2755 "$mnt/staff/program"
setfacl --set u::rwx,g::r-x,o::--- "$mnt/staff/program"
[[ $(stat -c %a "$mnt/staff/program") == 2750 ]] || fail "an ACL by root took the set-group-id bit"
chown "$user" "$mnt/staff/program"
chmod 2755 "$mnt/staff/program"
setpriv --reuid "$user" --regid "$user" --groups 50 setfacl --set u::rwx,g::r-x,o::r-- "$mnt/staff/program"
[[ $(stat -c %a "$mnt/staff/program") == 2754 ]] || fail "an ACL by one of the group took the set-group-id bit"
mkdir -m 1777 "$mnt/shared"
as "$other" sh -c "echo mine >'$mnt/shared/file'"
[[ $(stat -c %u "$mnt/shared/file") == "$other" ]] || fail "a new file belongs to somebody else"
refused "not permitted" as "$user" rm -f "$mnt/shared/file"
refused "not permitted" as "$other" mknod "$mnt/shared/null" c 1 3
refused "not permitted" as "$other" setfattr -n trusted.name -v x "$mnt/shared/file"
outsiders_stay_outside

step "set-id bits and devices, and what mount(8) makes of them"
cp "$(command -v id)" "$mnt/id"
chmod 4755 "$mnt/id"
mknod -m 666 "$mnt/null" c 1 3
without_effect() { # WHERE
  has_options nosuid nodev
  [[ $(as "$other" "$mnt/id" -u) == "$other" ]] || fail "$1: a set-id program has an effect"
  refused "Permission denied" sh -c ": >'$mnt/null'"
}
with_effect() { # WHERE
  no_options nosuid nodev
  [[ $(as "$other" "$mnt/id" -u) == 0 ]] || fail "$1: a set-id program has no effect"
  : >"$mnt/null" || fail "$1: a device has no effect"
}
without_effect "by default"
remount_it -o allow_other,suid,dev
with_effect "with suid,dev"
unmount_it
by_helper() { # OPTIONS: as a line in fstab
  mount.fuse3 "$MEMORIA_FS#$data" "$mnt" -o "$1"
  daemon=$(owner "$data")
}
by_helper allow_other
with_effect "a line in fstab"
unmount_it
by_helper allow_other,nosuid,nodev
without_effect "a line in fstab with nosuid,nodev"
unmount_it

step "a data directory that others could change"
for mode in 0770 0702; do
  chmod "$mode" "$data"
  refused "others may write to it \(mode $mode\)" "$MEMORIA_FS" "$data" "$mnt"
done
chmod 700 "$data"
echo 'file_cache = 99' >"$data/memoria.toml"
chown "$other" "$data/memoria.toml"
refused "belongs to user $other" "$MEMORIA_FS" "$data" "$mnt"
chown 0 "$data/memoria.toml"
chmod 620 "$data/memoria.toml"
refused "others may write to it" "$MEMORIA_FS" "$data" "$mnt"
chmod 600 "$data/memoria.toml"

step "with no more privileges than the service has"
unit=$here/../../packaging/systemd/memoria@.service.in
capabilities=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit")
[[ $capabilities == "CAP_SYS_ADMIN CAP_SYS_RESOURCE CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE" ]] ||
  fail "the service has other capabilities than README.md says: $capabilities"
for line in NoNewPrivileges=yes UMask=0077 StateDirectoryMode=0700 RestrictSUIDSGID=yes DevicePolicy=closed \
  IPAddressDeny=any RestrictAddressFamilies=AF_UNIX SystemCallFilter=; do
  grep -q "^$line" "$unit" || fail "the service is without $line"
done
bounding=-all
for capability in ${capabilities,,}; do bounding+=,+${capability#cap_}; done
setpriv --bounding-set="$bounding" --no-new-privs "$MEMORIA_FS" -o allow_other "$data" "$mnt" ||
  fail "the service's capabilities are not enough: $?"
daemon=$(owner "$data")
grep -q '^NoNewPrivs:.*1$' "/proc/$daemon/status" || fail "the daemon could get new privileges"
without_effect "as a service"
as "$other" sh -c "echo again >>'$mnt/shared/file'" || fail "a file of another user"
mkdir -m 700 "$mnt/shared/of-user"
chown "$user" "$mnt/shared/of-user"
as "$user" sh -c "echo x >'$mnt/shared/of-user/file'" || fail "a directory of another user"
refused "Permission denied" as "$other" ls "$mnt/shared/of-user"
outsiders_stay_outside
unmount_it
if command -v systemd-analyze >/dev/null; then
  sed "s|@BINDIR@|$(dirname "$MEMORIA_FS")|" "$unit" >"$work/memoria@test.service"
  systemd-analyze security --offline=yes --threshold=40 "$work/memoria@test.service" >"$work/out" 2>&1 ||
    fail "systemd-analyze: $(tail -n 1 "$work/out")"
fi
step "done"
