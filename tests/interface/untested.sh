#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What could not be tested is told right before the summary of ctest, which stays the last thing said.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

cat >"$work/log" <<'EOF'
1/3 Testing: sound
1/3 Test: sound
Output:
every step is fine
3/3 Test: service
Output:
SKIPPED: packages and services were NOT tested on this machine: no container boots here
2/3 Test: mount_kill
Output:
[ 12s] NOT TESTED: what is killed while it writes; needs root and loop devices
EOF
cat >"$work/said" <<'EOF'
1/3 Test #1: sound ......   Passed    0.01 sec
2/3 Test #3: service ....***Skipped   0.02 sec

67% tests passed, 1 tests failed out of 3
The following tests FAILED:
EOF
{
  head -n 3 "$work/said"
  echo "!!!! service: SKIPPED: packages and services were NOT tested on this machine: no container boots here"
  echo "!!!! mount_kill: [ 12s] NOT TESTED: what is killed while it writes; needs root and loop devices"
  tail -n 2 "$work/said"
} >"$work/expected"
packaging=$(dirname "${BASH_SOURCE[0]}")/../../packaging
awk -f "$packaging/untested.awk" -v log_file="$work/log" <"$work/said" >"$work/passed"
diff "$work/expected" "$work/passed"
awk -f "$packaging/untested.awk" -v log_file="$work/none" <"$work/said" >"$work/passed"
diff "$work/said" "$work/passed"
