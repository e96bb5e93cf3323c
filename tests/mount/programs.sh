#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs that people run, inside the mount: git, CMake, make, npm, SQLite, rsync, and what editors do.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

transactions=${MEMORIA_TEST_TRANSACTIONS:-2000}
source_root=$(realpath "$here/../..")

mount_it

step "git"
make_tree "${MEMORIA_TEST_FILES:-3000}"
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
[[ -s $(find "$mnt/memoria/build" -name 'libmemoria.a') ]] || fail "no library was built"
[[ $(cmake --build "$mnt/memoria/build") == *"no work to do"* ]] || fail "the second build had work"

step "make -j2 of a C project"
sum=$(python3 "$here/projects.py" c "$mnt/project" 150)
make -C "$mnt/project" -j2 >"$work/make.log" 2>&1 || fail "make: $(tail "$work/make.log")"
[[ $("$mnt/project/program") == "$sum" ]] || fail "what make built prints $("$mnt/project/program")"
[[ $(make -C "$mnt/project" -j2) == *"up to date"* ]] || fail "the second make had work"
sed -i 's/VALUE_7 7/VALUE_7 1007/' "$mnt/project/include/f7.h"
make -C "$mnt/project" -j2 >"$work/make.log" 2>&1 || fail "make: $(tail "$work/make.log")"
# f7, f14 and f15 include it, and main; and the program is linked.
compiled=$(grep -c -e ' -c ' "$work/make.log")
((compiled == 4)) || fail "after a change of one header make compiled $compiled files"
[[ $("$mnt/project/program") == $((sum + 1000)) ]] || fail "make did not build what changed"
make -C "$mnt/project" clean >/dev/null

step "npm install"
packages=100
python3 "$here/projects.py" npm "$mnt/npm" "$packages"
npm() {
  (cd "$mnt/npm/app" && command npm --offline --no-audit --no-fund --no-update-notifier \
    --cache "$mnt/npm/cache" "$@") >"$work/npm.log" 2>&1 || fail "npm $1: $(tail "$work/npm.log")"
}
npm install
files=$(find "$mnt/npm/app/node_modules" -type f | wc -l)
((files >= 40 * packages)) || fail "npm installed $files files"
(cd "$mnt/npm/app" && [[ $(node -p "require('package-0')") == $((packages * (packages - 1) / 2)) ]]) ||
  fail "what npm installed does not run"
npm ls --all
npm ci
npm uninstall package-3
step "npm installed $files files"

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
# shellcheck disable=SC2119
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

step "saves of other editors, and a kill after each"
for editor in emacs libreoffice gedit; do
  for number in 1 2 3; do
    [[ -e $mnt/document ]] || echo -n "$editor 0" >"$mnt/document"
    chmod 640 "$mnt/document"
    before=$(cat "$mnt/document")
    python3 "$here/saves.py" "$editor" "$mnt/document" "$editor $number" || fail "$editor"
    kill -9 "$daemon"
    wait_for_end "$daemon"
    mount_it 2>"$work/log" || fail "$(cat "$work/log")"
    [[ $(cat "$mnt/document") == "$editor $number" ]] || fail "$editor: saved was lost"
    [[ $(cat "$mnt"/document[.~]*) == "$before" ]] || fail "$editor: the backup was lost"
    [[ $(stat -c %a "$mnt/document") == 640 ]] || fail "$editor: the mode"
    [[ -z $(find "$mnt" -maxdepth 1 -name '.*' ! -name . -print -quit) ]] || fail "$editor: left over"
  done
  rm "$mnt"/document*
done

unmount_it
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
step "done"
