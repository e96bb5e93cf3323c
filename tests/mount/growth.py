#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""growth.py SAMPLES: each line has the seconds since the start, resident KiB and open descriptors of a
process at that moment, of a steady load. Fails when either grows: when the median of the last quarter of the
samples is more than a tenth and a little (SLACK) above that of the second quarter. The first quarter is
for caches to fill up."""
import statistics
import sys

SLACK = {"resident KiB": 32 << 10, "descriptors": 16}
FEWEST = 12


def main(name: str) -> int:
    with open(name, encoding="ascii") as file:
        samples = [tuple(map(int, line.split())) for line in file]
    if len(samples) < FEWEST:
        print(f"{len(samples)} samples are too few to tell: at least {FEWEST} are needed")
        return 1
    quarter = len(samples) // 4
    code = 0
    for column, (what, slack) in enumerate(SLACK.items(), 1):
        values = [sample[column] for sample in samples]
        before = statistics.median(values[quarter : 2 * quarter])
        after = statistics.median(values[-quarter:])
        grows = after > before * 1.1 + slack
        print(f"{what}: {before:.0f} in the second quarter, {after:.0f} in the last, at most {max(values)}"
              + (": it GROWS" if grows else ""))
        code |= grows
    return int(code)


sys.exit(main(sys.argv[1]))
