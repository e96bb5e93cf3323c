#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs that people run, inside the mount: git, CMake, SQLite, rsync, vim.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

transactions=${MEMORIA_TEST_TRANSACTIONS:-2000}
source_root=$(realpath "$here/../..")

mount_it

step "git"
make_tree 3000
mkdir "$mnt/repository"
tar -C "$mnt/repository" -xpf "$work/tree.tar"
find "$mnt/repository" -type d -empty -delete  # git knows no empty directories
git() { command git -C "$mnt/repository" -c user.name=test -c user.email=test@example.org "$@"; }
git init -q
git add -A
git commit -qm first
git fsck --full --strict 2>&1 | grep -vE '^(notice|Checking)' && fail "git fsck"
git gc -q
git fsck --full || fail "git fsck after gc"
[[ -z $(git status --porcelain) ]] || fail "git status is not clean"
command git clone -q --no-local "$mnt/repository" "$mnt/clone"
diff -r --no-dereference -x .git "$mnt/repository" "$mnt/clone" || fail "git clone"

step "a CMake build of the engine"
mkdir "$mnt/memoria"
cp -a "$source_root"/{CMakeLists.txt,core,packaging} "$mnt/memoria"
cmake -S "$mnt/memoria" -B "$mnt/memoria/build" -G Ninja -DMEMORIA_BUILD_FS=OFF \
  -DMEMORIA_BUILD_TESTS=OFF -DCMAKE_BUILD_TYPE=Debug >"$work/cmake.log" || fail "cmake"
cmake --build "$mnt/memoria/build" >"$work/cmake.log" || fail "build: $(tail "$work/cmake.log")"
[[ -s $(find "$mnt/memoria/build" -name 'libmemoria*.a') ]] || fail "no library was built"
cmake --build "$mnt/memoria/build" | grep -q 'no work to do' || fail "the second build had work"

step "SQLite, $transactions transactions"
inserts() { seq -f "insert into t values(%.0f, hex(randomblob(100)));" "$1" "$2"; }
half=$((transactions / 2))
{
  echo "create table t(id integer primary key, text);"
  inserts 1 "$half"
  echo "pragma journal_mode=wal;"
  inserts $((half + 1)) "$transactions"
  echo "delete from t where id % 3 = 0; vacuum;"
} | sqlite3 "$mnt/database" >/dev/null
remount_it
[[ $(sqlite3 "$mnt/database" 'pragma integrity_check') == ok ]] || fail "integrity_check"
[[ $(sqlite3 "$mnt/database" 'select count(*) from t') == $((transactions - transactions / 3)) ]] ||
  fail "rows are missing"

step "rsync twice"
rsync -a "$source_root/core" "$mnt/rsync/"
again=$(rsync -a --itemize-changes "$source_root/core" "$mnt/rsync/")
[[ -z $again ]] || fail "the second rsync copied: $again"
diff -r "$source_root/core" "$mnt/rsync/core" || fail "rsync"

step "vim"
vi=$(command -v vim || command -v vim.tiny) || fail "there is no vim"
for backupcopy in no yes; do
  printf 'one\ntwo\n' >"$mnt/text"
  chmod 640 "$mnt/text"
  "$vi" -Nu NONE -i NONE -es -c "set fsync backup backupcopy=$backupcopy" -c '%s/two/three/' \
    -c wq "$mnt/text" </dev/null || fail "vim, backupcopy=$backupcopy"
  [[ $(cat "$mnt/text") == $'one\nthree' && $(stat -c %a "$mnt/text") == 640 ]] ||
    fail "what vim saved, backupcopy=$backupcopy"
  [[ $(cat "$mnt/text~") == $'one\ntwo' ]] || fail "vim's backup, backupcopy=$backupcopy"
done

unmount_it
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
step "done"
