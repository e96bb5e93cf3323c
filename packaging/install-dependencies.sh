#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the Debian 12 packages that Memoria is built from; with --test also those its tests use,
# with --bench the engines that memoria-bench compares with.
# Does nothing, and needs no rights, when they are all there.
set -euo pipefail

build=(
  cmake ninja-build g++ pkg-config
  libboost-dev libboost-filesystem-dev libboost-test-dev
  libabsl-dev libfmt-dev libisal-dev libzstd-dev          # core/
  fuse3 libfuse3-dev libcli11-dev libspdlog-dev nlohmann-json3-dev libarchive-dev  # fs/, tools/
  libtomlplusplus-dev                                     # memoria.toml
  scdoc                                                   # manual pages
)
test=(
  clang libclang-rt-14-dev ccache                         # sanitizers, analysis, fuzz targets
  acl attr busybox-static git libcap2-bin python3 rsync sqlite3 vim-tiny  # programs that work
  dbench e2fsprogs fio make postgresql procps stress-ng                   # inside the mount
  fish man-db zsh                         # pages and completions
  debootstrap dpkg-dev lintian systemd systemd-container util-linux       # packages and services
)
bench=(libleveldb-dev liblmdb-dev librocksdb-dev libtkrzw-dev)
# Whoever has npm from elsewhere keeps it: Debian's brings some hundred packages.
command -v npm >/dev/null || test+=(npm)

case "${1-}" in
  "") wanted=("${build[@]}") ;;
  --test) wanted=("${build[@]}" "${test[@]}") ;;
  --bench) wanted=("${build[@]}" "${bench[@]}") ;;
  *) echo "usage: ${0##*/} [--test | --bench]" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
  [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || {
    echo "${0##*/}: run this as root, or install sudo: missing are ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get -q update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get -qy install --no-install-recommends "${missing[@]}"
