#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds Memoria three times (address and undefined-behaviour sanitizers;
# Clang with the thread sanitizer and the thread-safety analysis; release) and runs the tests of each.
# Stops at the first build or suite that fails; the last lines are then that suite's summary. Right before
# a summary stands what could not be tested on this machine, and why.
# MEMORIA_TEST_LONG=1 makes the randomized tests run longer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packaging/install-dependencies.sh --test

# Kernels that randomize more than 28 bits of addresses break the sanitizers of GCC 12 and Clang 14.
fixed_addresses=()
if (($(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28) > 28)) && setarch -R true 2>/dev/null
then
  fixed_addresses=(setarch -R)
fi

# suite PRESET CTEST-ARGUMENTS...: build it without warnings, then test it. What a sanitizer reports
# goes to files, since a daemon has no terminal; a report is a failure, also when no test noticed.
suite() {
  local preset=$1 reports=$PWD/build/$1/report failed=0
  shift
  printf '\n==== %s ====\n' "$preset"
  cmake --preset "$preset" -DMEMORIA_BUILD_TESTS=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
  cmake --build --preset "$preset"
  rm -f "$reports".*
  ASAN_OPTIONS=log_path=$reports TSAN_OPTIONS=log_path=$reports \
    UBSAN_OPTIONS=log_path=$reports:print_stacktrace=1 \
    "${fixed_addresses[@]}" ctest --preset "$preset" -j "$(nproc)" "$@" 2>&1 |
    awk -f packaging/untested.awk -v log_file="build/$preset/Testing/Temporary/LastTest.log" || failed=1
  if compgen -G "$reports.*" >/dev/null; then
    tail -n +1 "$reports".*
    failed=1
  fi
  return "$failed"
}

suite asan -LE slow
suite tsan -LE slow
suite release
