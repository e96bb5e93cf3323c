#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A tree with everything that a filesystem can hold goes into the mount and back by cp -a, rsync -aHAXS
# and tar --xattrs --acls, and by import and export, and nothing of it changes; and a container's
# image with device nodes is unpacked, entered and packed again.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

if ((EUID != 0)); then
  echo "SKIPPED: only root can make device nodes and give files away"
  exit 77
fi

chmod 755 "$work"
mount_it -o allow_other,dev,suid

# No tree that is compared holds more than this of its sparse files: KiB on the disk.
sparse_limit=2000

step "the original, on the host's filesystem"
python3 "$here/everything.py" "$work/original"
manifest "$work/original" >"$work/expected"
# tar cannot carry sockets; and its times, in text, are exact.
grep -v "^b'kinds/socket'" "$work/expected" >"$work/expected-by-tar"

# there_and_back NAME EXPECTED COMMAND...: COMMAND FROM TO carries a tree into the mount; there it is
# equal, also after a remount; and from there it comes back to the host's filesystem.
there_and_back() {
  local name=$1 expected=$2 allocated
  shift 2
  step "$name"
  "$@" "$work/original" "$mnt/$name" >"$work/log" 2>&1 || fail "$name: $(cat "$work/log")"
  manifest "$mnt/$name" >"$work/in-the-mount"
  same "$expected" "$work/in-the-mount" "$name, in the mount"
  remount_it -o allow_other,dev,suid
  manifest "$mnt/$name" >"$work/in-the-mount"
  same "$expected" "$work/in-the-mount" "$name, after a remount"
  allocated=$(du -sk "$mnt/$name/sparse" | cut -f1)
  ((allocated < sparse_limit)) || fail "$name: sparse files take $allocated KiB in the mount"
  "$@" "$mnt/$name" "$work/back" >"$work/log" 2>&1 || fail "$name, back: $(cat "$work/log")"
  manifest "$work/back" >"$work/returned"
  same "$expected" "$work/returned" "$name, back from the mount"
  allocated=$(du -sk "$work/back/sparse" | cut -f1)
  ((allocated < sparse_limit)) || fail "$name: sparse files take $allocated KiB when they are back"
  rm -rf "$work/back" "${mnt:?}/$name"
}

by_cp() { cp -a "$1" "$2"; }
by_rsync() { rsync -aHAXS "$1/" "$2"; }
by_tar() {
  mkdir "$2"
  tar -C "$1" --create --format=posix --xattrs --xattrs-include='*' --acls --sparse \
    --warning=no-file-ignored . |
    tar -C "$2" --extract --preserve-permissions --same-owner --numeric-owner \
      --xattrs --xattrs-include='*' --acls
}

# GNU tar makes the archive that is imported, and unpacks the one that is exported.
by_archive() {
  if [[ $2 == "$mnt"/* ]]; then
    tar -C "$1" --create --format=posix --xattrs --xattrs-include='*' --acls --sparse \
      --warning=no-file-ignored . | "$MEMORIA_CTL" import "$2"
  else
    mkdir "$2"
    "$MEMORIA_CTL" export "$1" -o "$work/archive.tar"
    tar -C "$2" --extract --preserve-permissions --same-owner --numeric-owner \
      --xattrs --xattrs-include='*' --acls --file "$work/archive.tar" 2>"$work/complaints"
    rm "$work/archive.tar"
    cat "$work/complaints"
    if grep -q LIBARCHIVE "$work/complaints"; then return 1; fi
  fi
}

there_and_back cp "$work/expected" by_cp
there_and_back rsync "$work/expected" by_rsync
there_and_back tar "$work/expected-by-tar" by_tar
step "rsync again, with a change, whole and --inplace"
for how in --whole-file --inplace --append-verify; do
  rsync -aHAXS "$work/original/" "$mnt/rsync"
  cp -a "$work/original/kinds/size-20000000" "$work/large"
  if [[ $how != --append-verify ]]; then
    printf changed | dd of="$work/large" bs=1 seek=10000000 conv=notrunc status=none
  fi
  printf appended >>"$work/large"
  rsync -a --no-whole-file $how "$work/large" "$mnt/rsync/kinds/size-20000000"
  cmp "$work/large" "$mnt/rsync/kinds/size-20000000" || fail "rsync $how"
done
# What is left is what changed: the file's content and nothing else.
changed=$(rsync -aHAXSc --dry-run --itemize-changes "$work/original/" "$mnt/rsync")
[[ $changed == '>f'*' kinds/size-20000000' ]] || fail "rsync sees other changes: $changed"
rm -rf "${mnt:?}/rsync" "$work/large"

# Of a time before 1970 with a fraction of a second libarchive reads the fraction as if it were after.
rm -r "$work/original"/times/*-[01]
manifest "$work/original" | grep -v "^b'kinds/socket'" >"$work/expected-by-archive"
there_and_back archive "$work/expected-by-archive" by_archive

step "lists of named users, by archives"
mkdir "$work/lists"
(
  cd "$work/lists"
  touch narrow wide named
  mkdir directory
  setfacl -m u:1234:rwx,g::rwx,m::r-- narrow
  setfacl -m u:1234:rwx,g::r-x,m::rwx wide
  setfacl -m u:games:rw-,g:games:r-- named
  setfacl -m u:games:rwx,m::r-x,d:u:games:rwx,d:g::rwx,d:m::r-- directory
)
by_archive "$work/lists" "$mnt/lists" >"$work/log" 2>&1 || fail "import: $(cat "$work/log")"
by_archive "$mnt/lists" "$work/lists-back" >"$work/log" 2>&1 || fail "export: $(cat "$work/log")"
"$MEMORIA_CTL" export "$mnt/lists" | "$MEMORIA_CTL" import "$mnt/lists-again" >"$work/log"
for copy in "$mnt/lists" "$work/lists-back" "$mnt/lists-again"; do
  diff <(cd "$work/lists" && getfacl -R . && stat -c '%A %n' ./*) \
    <(cd "$copy" && getfacl -R . && stat -c '%A %n' ./*) || fail "other lists in $copy"
done

step "an archive in the directory that it is of"
for earlier in none one; do
  "$MEMORIA_CTL" export "$mnt/lists" -o "$mnt/lists/self.tar" >"$work/log"
  names=$(tar -tf "$mnt/lists/self.tar")
  [[ $names == *narrow* && $names != *self* ]] || fail "its archive, after $earlier, has $names"
done
grep -q 'self.tar: left out' "$work/log" || fail "nothing said of the archive: $(cat "$work/log")"
rm -rf "$work"/lists* "${mnt:?}"/lists*

step "a container's image"
busybox=$(command -v busybox) || fail "there is no busybox"
image=$work/image
mkdir -p "$image"/{bin,dev,etc,proc,root,run,tmp,usr/share,var/lib}
chmod 1777 "$image/tmp"
chmod 700 "$image/root"
cp "$busybox" "$image/bin/busybox"
for applet in sh ls cat cp mv rm mkdir ln tar dd stat id sha1sum wc true; do
  ln -s busybox "$image/bin/$applet"
done
echo "root:x:0:0:root:/root:/bin/sh" >"$image/etc/passwd"
cp -a /usr/share/perl5 "$image/usr/share/" 2>/dev/null || cp -a /usr/share/doc "$image/usr/share/"
mknod -m 666 "$image/dev/null" c 1 3
mknod -m 666 "$image/dev/zero" c 1 5
mknod -m 666 "$image/dev/urandom" c 1 9
mknod -m 600 "$image/dev/console" c 5 1
mknod -m 660 "$image/dev/loop7" b 7 7
chgrp 6 "$image/dev/loop7"
mkfifo "$image/run/initctl"
tar -C "$image" -cf "$work/image.tar" --format=posix --numeric-owner .
mkdir "$mnt/root"
tar -C "$mnt/root" -xpf "$work/image.tar" --numeric-owner --same-owner
manifest "$image" >"$work/expected"
manifest "$mnt/root" >"$work/unpacked"
same "$work/expected" "$work/unpacked" "the image"
# Its programs run from the mount, and its device nodes are devices.
# shellcheck disable=SC2016
chroot "$mnt/root" /bin/sh -ec '
  test "$(id -u)" = 0
  echo gone >/dev/null
  test "$(dd if=/dev/zero bs=1000 count=3 2>/dev/null | wc -c)" = 3000
  dd if=/dev/urandom of=/tmp/random bs=1000 count=1 2>/dev/null
  cp -a /dev/loop7 /tmp/loop7
  test -b /tmp/loop7
  mkdir /root/copy
  tar -cf - /usr | tar -xf - -C /root/copy
  mv /root/copy /root/moved
  rm -rf /root/moved /tmp/loop7
' || fail "the container"
# As the lower layer of an overlay, which is how images are used.
mkdir "$work"/{upper,scratch,merged}
mount -t overlay overlay -o "lowerdir=$mnt/root,upperdir=$work/upper,workdir=$work/scratch" \
  "$work/merged" || fail "an overlay on the mount"
echo changed >"$work/merged/etc/passwd"
rm -r "$work/merged/usr/share"
chroot "$work/merged" /bin/cat /etc/passwd >"$work/log"
umount "$work/merged"
[[ $(cat "$work/log") == changed && $(cat "$mnt/root/etc/passwd") == root:* ]] || fail "an overlay"
rm -rf "$image" "$work/upper" "$work/scratch"

unmount_it
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
step "done"
