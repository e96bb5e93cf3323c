#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A mount as the upper layer of an overlay (overlayfs): what programs make, change, remove and rename
# there is kept by whiteouts and extended attributes, which everything else carries along.
# shellcheck source-path=SCRIPTDIR
if ((EUID != 0)); then
  echo "SKIPPED: only root can mount an overlay" >&2
  exit 77
fi
if ! grep -qw overlay /proc/filesystems && ! modprobe -q overlay; then
  echo "SKIPPED: this kernel has no overlayfs" >&2
  exit 77
fi
# Mounts come and go in a namespace of its own.
if [[ -z ${MEMORIA_TEST_APART-} ]]; then
  MEMORIA_TEST_APART=1 exec unshare --mount --propagation slave "$0"
fi
source "$(dirname "$0")/mount.sh"

lower=$work/lower merged=$work/merged
mkdir -p "$lower"/{kept,gone,replaced,moved/below} "$merged"
for name in kept/file kept/removed gone/file replaced/old moved/file moved/below/file renamed; do
  echo "$name of the lower layer" >"$lower/$name"
done
cp -a "$lower" "$work/lower-before"

overlay() {
  mount -t overlay overlay "$merged" \
    -o "lowerdir=$lower,upperdir=$mnt/upper,workdir=$mnt/work,redirect_dir=on,metacopy=off,index=off" ||
    fail "no overlay: $(dmesg | tail -n 3)"
}
is_whiteout() { [[ $(stat -c '%F %t:%T' "$1") == "character special file 0:0" ]] || fail "$1 is no whiteout"; }
# The merged tree is what the same changes make of a directory of the host.
as_expected() { # WHEN
  manifest "$merged" >"$work/seen"
  same "$work/expected" "$work/seen" "$1"
}

change() { # DIRECTORY
  cd "$1"
  echo new >new
  echo more >>kept/file
  chmod 640 kept/file
  setfattr -n user.note -v kept kept/file
  rm kept/removed
  rm -r gone
  rm -r replaced && mkdir replaced && echo new >replaced/new
  mv moved elsewhere
  echo more >>elsewhere/below/file
  mv renamed kept/renamed
  mkdir -p made/below && mv made kept/made
  ln new kept/linked
  ln -s nowhere symlink
  cd /
}

step "what programs change in the merged tree"
mount_it -o dev,suid
mkdir "$mnt/upper" "$mnt/work"
touch -r "$lower" "$mnt/upper"
overlay
cp -a "$lower" "$work/copy"
change "$work/copy"
change "$merged"
# Times are those of the changes.
(cd "$work/copy" && find . -print0) | xargs -0 -I{} touch -h -d 2020-02-02 "$work/copy/{}" "$merged/{}"
manifest "$work/copy" >"$work/expected"
as_expected "the merged tree"
is_whiteout "$mnt/upper/gone"
is_whiteout "$mnt/upper/moved"
is_whiteout "$mnt/upper/renamed"
is_whiteout "$mnt/upper/kept/removed"
[[ $(getfattr --only-values -n trusted.overlay.opaque "$mnt/upper/replaced") == y ]] ||
  fail "the directory made anew is not opaque"
diff -r "$lower" "$work/lower-before" || fail "the lower layer changed"

step "after a remount"
umount "$merged"
remount_it -o dev,suid
overlay
as_expected "after a remount"
echo again >>"$merged/kept/file"
rm "$merged/kept/renamed"
manifest "$merged" >"$work/expected"
umount "$merged"

step "as a lower layer"
mount -t overlay overlay "$merged" -o "ro,lowerdir=$mnt/upper:$lower,redirect_dir=follow,metacopy=off"
as_expected "as a lower layer"
umount "$merged"

step "what carries whiteouts along"
manifest "$mnt/upper" >"$work/upper"
grep -q "^b'gone'" "$work/upper" || fail "no whiteout in the manifest: $(cat "$work/upper")"
"$MEMORIA_CTL" snapshot create "$mnt" before
rm "$mnt/upper/gone"
"$MEMORIA_CTL" snapshot diff "$mnt" before >"$work/said"
grep -qx "removed  /upper/gone" "$work/said" || fail "snapshot diff: $(cat "$work/said")"
"$MEMORIA_CTL" export --snapshot before "$mnt" /upper >"$work/upper.tar"
"$MEMORIA_CTL" import "$mnt" /imported -i "$work/upper.tar"
manifest "$mnt/imported" >"$work/seen"
same "$work/upper" "$work/seen" "exported and imported"
"$MEMORIA_CTL" backup "$mnt" "$work/backup" >/dev/null
unmount_it
"$MEMORIA_CTL" verify "$data" | grep -q "all intact" || fail "verify"
"$MEMORIA_CTL" repair "$work/backup" "$work/repaired" >"$work/said" || fail "repair: $(cat "$work/said")"
data=$work/repaired
mount_it -o dev,suid
manifest "$mnt/imported" >"$work/seen"
same "$work/upper" "$work/seen" "backed up and repaired"
step "done"
