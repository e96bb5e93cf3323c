#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh SOURCE-DIRECTORY PROGRAM-DIRECTORY...: runs the commands in README.md and in the tutorial of
# memoria(7), as they stand there, with the built programs in the path, and compares what they print with
# what is said of it (see blocks.py). packaging/try.sh gets stand-ins for what installs and builds.
set -euo pipefail

source=$(realpath "$1")
shift
here=$source/tests/readme
for directory; do PATH=$directory:$PATH; done

scratch=$(realpath "$(mktemp -d "${TMPDIR:-/var/tmp}/memoria-readme.XXXXXX")")
cleanup() {
  local mounted tries=0
  while read -r mounted; do
    if [[ $mounted == "$scratch"/* ]]; then fusermount3 -uz "$mounted"; fi
  done < <(findmnt -rno TARGET -t fuse.memoria)
  until rm -rf "$scratch" 2>/dev/null || ((++tries == 100)); do sleep 0.1; done  # daemons are still closing
}
trap cleanup EXIT

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

# expect CODE PATTERN COMMAND: it ends with that code and prints, on both streams, what the pattern matches.
expect() {
  local - code=0 said
  set +x
  eval "$3" >"$scratch/said" 2>&1 || code=$?
  said=$(<"$scratch/said")
  # shellcheck disable=SC2053  # a pattern
  [[ $code == "$1" && $said == $2 ]] || fail "$3: ended with $code and said: $said"
}

# run PLACE: what blocks.py says, read from standard input, in a directory of its own.
run() {
  mkdir -p "$scratch/$1"
  { declare -f expect fail; cat; } >"$scratch/$1.sh"
  (
    cd "$scratch/$1"
    export HOME=$PWD TMPDIR=$scratch scratch
    bash -euxo pipefail "$scratch/$1.sh"
  )
}

# A checkout in which nothing needs to be installed or built.
checkout() {
  mkdir -p "$1/packaging" "$1/stand-ins" "$1/build/release/fs/binding" "$1/build/release/tools"
  cp "$source/packaging/try.sh" "$1/packaging/"
  printf '#!/bin/sh\n' | tee "$1/packaging/install-dependencies.sh" >"$1/stand-ins/cmake"
  chmod +x "$1/packaging/install-dependencies.sh" "$1/stand-ins/cmake"
  ln -s "$(command -v memoria-fs)" "$1/build/release/fs/binding/memoria-fs"
  ln -s "$(command -v memoria-ctl)" "$1/build/release/tools/memoria-ctl"
}

# exposure UNIT [OPTION]: its points in systemd-analyze security.
exposure() {
  sed 's|@BINDIR@|/usr/bin|' "$source/packaging/systemd/$1@.service.in" >"$scratch/$1@x.service"
  XDG_RUNTIME_DIR=$scratch systemd-analyze "${@:2}" security --offline=true --no-pager "$scratch/$1@x.service" |
    sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p'
}

checkout "$scratch/readme"
python3 "$here/blocks.py" readme "$source/README.md" "$here/elsewhere.txt" \
  "$source/packaging/systemd/fstab" >"$scratch/readme.blocks"
PATH=$scratch/readme/stand-ins:$PATH run readme <"$scratch/readme.blocks"
python3 "$here/blocks.py" tutorial "$source/packaging/man/memoria.7.scd" >"$scratch/tutorial.blocks"
run tutorial <"$scratch/tutorial.blocks"

for said in "memoria@files\` says $(exposure memoria) of 10" \
  "With \`--user\` it says $(exposure memoria-user --user):"; do
  grep -qF "$said" "$source/README.md" || fail "systemd-analyze security: README does not say '$said'"
done
