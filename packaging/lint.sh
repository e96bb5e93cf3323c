#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks the layout (clang-format) of all C++ files, and reads those given, or all, with clang-tidy.
# Needs clang-format and clang-tidy (Debian 12 packages) and a configured build (default: release).
#   packaging/lint.sh [FILE.cpp...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${MEMORIA_BUILD:-build/release}
[[ -e $build/compile_commands.json ]] || cmake --preset release -B "$build"

git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format --dry-run -Werror

if (($#)); then files=("$@"); else mapfile -t files < <(git ls-files '*.cpp'); fi
for file in "${files[@]}"; do  # only what this build compiles has a compile command
  if grep -qF "/$file\"" "$build/compile_commands.json"; then printf '%s\0' "$file"; fi
done | xargs -0 -r -n 1 -P "$(nproc)" clang-tidy --quiet --warnings-as-errors='*' -p "$build"
