#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""newer.py SEGMENT: makes it look as if written by the next version of Memoria (core/FORMAT.md)."""
import sys


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283
with open(sys.argv[1], "r+b") as segment:
    head = bytearray(segment.read(44))
    assert head[:8] == b"MEMORIA1"
    head[8:12] = (int.from_bytes(head[8:12], "little") + 1).to_bytes(4, "little")
    head[40:44] = crc32c(head[:40]).to_bytes(4, "little")
    segment.seek(0)
    segment.write(head)
