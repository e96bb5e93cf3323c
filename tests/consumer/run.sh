#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh SOURCE COMPILER: builds the engine without libfuse, installs it into a temporary prefix, and
# builds and runs README's example against it, once through find_package and once through pkg-config.
set -euo pipefail

source=$1 compiler=$2
here=$source/tests/consumer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CCACHE_NOHASHDIR=1  # the same sources were just compiled in another directory

echo "== the example is the one in README.md"
diff <(sed -n '/^```cpp$/,/^```$/{/^```/d;p}' "$source/README.md") \
  <(grep -v SPDX "$here/project/example.cpp")

echo "== build and install without libfuse"
cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMEMORIA_BUILD_FS=OFF -DMEMORIA_BUILD_TESTS=OFF \
  -DCMAKE_INSTALL_PREFIX="$work/prefix" -DCMAKE_INSTALL_LIBDIR=lib
if grep ^fuse3_ "$work/build/CMakeCache.txt"; then
  echo "the engine alone must not look for libfuse" >&2
  exit 1
fi
cmake --build "$work/build"
cmake --install "$work/build"

check() {  # PROGRAM: must work on a new store and on the one it made
  mkdir "$work/store"
  for _ in 1 2; do [[ $("$1" "$work/store") == "hello, log" ]]; done
  rm -r "$work/store"
}

echo "== find_package"
cmake -S "$here/project" -B "$work/cmake" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/prefix"
cmake --build "$work/cmake"
check "$work/cmake/example"

echo "== pkg-config, from a prefix that was moved"
mv "$work/prefix" "$work/elsewhere"
export PKG_CONFIG_PATH=$work/elsewhere/lib/pkgconfig
read -ra flags <<<"$(pkg-config --cflags --libs memoria)"
"$compiler" -std=c++20 "$here/project/example.cpp" -o "$work/example" "${flags[@]}"
check "$work/example"
