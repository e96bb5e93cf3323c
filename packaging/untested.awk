# SPDX-License-Identifier: MIT
# Passes the output of ctest on, and before its summary tells what the tests could not test, from the
# log of ctest (-v log_file=...), which alone has the output of tests that were skipped.
/^[0-9]+% tests passed/ { in_summary = 1 }
in_summary { summary = summary $0 "\n"; next }
{ print; fflush() }
END {
  while ((getline line <log_file) > 0) {
    if (line ~ /^[0-9]+\/[0-9]+ Test: /) test = substr(line, index(line, "Test: ") + 6)
    if (line ~ /(^SKIPPED|NOT TESTED)/) print "!!!! " test ": " line
  }
  printf "%s", summary
}
