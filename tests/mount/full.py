#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""full.py fill DIRECTORY LOG SEED: synced files of random sizes until the disk is full; LOG gets the names
and checksums of those that were acknowledged, and what was not is removed. full.py check DIRECTORY LOG:
these are all there. full.py thin DIRECTORY LOG: removes three of four. full.py part DIRECTORY LOG LIVE: what is
there, of a moment at which it was filled, is as the log says; but for the one file that was being written then,
which is the beginning of what is in LIVE now."""
import errno
import hashlib
import os
import random
import sys


def write(path: str, data: bytes) -> bool:
    """True: acknowledged. False: the disk is full, and the file is gone again."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        written = os.write(fd, data)
        assert written == len(data), f"{written} of {len(data)} bytes were written"
        os.fsync(fd)
        return True
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    finally:
        try:
            os.close(fd)
        except OSError as error:
            assert error.errno == errno.ENOSPC


def fill(directory: str, log_name: str, seed: int) -> None:
    chosen = random.Random(seed)
    full, count = 0, 0
    with open(log_name, "a", encoding="ascii") as log:
        while full < 5:  # smaller ones may still fit
            name = f"{seed}-{count}"
            count += 1
            data = chosen.randbytes(chosen.choice([100, 3000, 20000, 120000]))
            path = os.path.join(directory, name)
            try:
                done = write(path, data)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                full += 1
                continue
            if done:
                log.write(f"{hashlib.sha1(data).hexdigest()} {name}\n")
            else:
                full += 1
                os.unlink(path)
    print(f"{count - full} files")


def read_log(log_name: str) -> list:
    with open(log_name, encoding="ascii") as log:
        return [line.split() for line in log]


def contents(directory: str, name: str) -> bytes:
    with open(os.path.join(directory, name), "rb") as file:
        return file.read()


def check(directory: str, log_name: str) -> None:
    expected = read_log(log_name)
    assert sorted(name for _, name in expected) == sorted(os.listdir(directory)), "the listing"
    for digest, name in expected:
        assert hashlib.sha1(contents(directory, name)).hexdigest() == digest, f"{name} has another content"


def part(directory: str, log_name: str, live: str) -> None:
    expected = {name: digest for digest, name in read_log(log_name)}
    under_way = []
    for name in expected.keys() & set(os.listdir(directory)):
        data = contents(directory, name)
        if hashlib.sha1(data).hexdigest() != expected[name]:
            assert contents(live, name).startswith(data), f"{name} has another content"
            under_way.append(name)
    assert len(under_way) <= 1, f"{under_way}: only one file can have been under way"


def thin(directory: str, log_name: str) -> None:
    files = read_log(log_name)
    with open(log_name, "w", encoding="ascii") as log:
        for number, (digest, name) in enumerate(files):
            if number % 4 == 0:
                log.write(f"{digest} {name}\n")
            else:
                os.unlink(os.path.join(directory, name))


if sys.argv[1] == "fill":
    fill(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else:
    {"check": check, "thin": thin, "part": part}[sys.argv[1]](*sys.argv[2:])
