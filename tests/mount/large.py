#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""large.py COMMAND PATH COUNT: makes or checks what large.sh needs. Contents follow from the place
alone, so they can be checked without a copy."""
import os
import random
import sys

MIB = 1 << 20
OVERWRITES = 4000
BASE = random.Random(1).randbytes(MIB) * 2


def line(i: int) -> bytes:
    return b"%010d " % i + b"x" * 88 + b"\n"


def block(i: int) -> bytes:
    start = i * 4099 % MIB
    return i.to_bytes(8, "little") + BASE[start + 8:start + MIB]


def overwrites(size: int) -> list[tuple[int, bytes]]:
    rng = random.Random(2)
    places = [(rng.randrange(size - 8192), rng.randrange(1, 8192)) for _ in range(OVERWRITES)]
    return [(offset, bytes([n % 251]) * length) for n, (offset, length) in enumerate(places)]


def append(path: str, count: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for i in range(count):
        assert os.write(fd, line(i)) == 100
    os.close(fd)


def check_append(path: str, count: int) -> None:
    assert os.stat(path).st_size == 100 * count, os.stat(path)
    with open(path, "rb") as file:
        for i in range(count):
            assert file.read(100) == line(i), f"line {i}"


def write(path: str, mib: int) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    for i in range(mib):
        assert os.write(fd, block(i)) == MIB
    for offset, data in overwrites(mib * MIB):
        assert os.pwrite(fd, data, offset) == len(data)
    os.fsync(fd)
    os.close(fd)


def check(path: str, mib: int) -> None:
    assert os.stat(path).st_size == mib * MIB, os.stat(path)
    patches: dict[int, list[tuple[int, bytes]]] = {}
    for offset, data in overwrites(mib * MIB):
        first = MIB - offset % MIB
        for at, part in ((offset, data[:first]), (offset + first, data[first:])):
            if part:
                patches.setdefault(at // MIB, []).append((at % MIB, part))
    with open(path, "rb", buffering=0) as file:
        for i in range(mib):
            expected = bytearray(block(i))
            for at, part in patches.get(i, ()):
                expected[at:at + len(part)] = part
            assert file.read(MIB) == expected, f"MiB {i}"


def sync(path: str, count: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    for i in range(count):
        os.write(fd, BASE[i:i + 4096])
        os.fsync(fd)
    os.close(fd)


def many(path: str, count: int) -> None:
    os.mkdir(path)
    for i in range(count):
        os.close(os.open(f"{path}/file-{i}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))


def check_many(path: str, count: int) -> None:
    names = os.listdir(path)
    assert len(names) == count, len(names)
    assert set(names) == {f"file-{i}" for i in range(count)}


COMMANDS = {"append": append, "check-append": check_append, "write": write, "check": check,
            "sync": sync, "many": many, "check-many": check_many}
COMMANDS[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
