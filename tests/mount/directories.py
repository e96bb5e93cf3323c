#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""directories.py COMMAND PATH COUNT: works on directories that are very large, very wide or deep."""
import multiprocessing
import os
import random
import resource
import sys
import time


def name(i: int) -> str:
    return f"{i * 7919 % 1_000_003:07d}-{i}"


def fill(path: str, count: int) -> None:
    os.mkdir(path)
    directory = os.open(path, os.O_RDONLY)
    for i in range(count):
        os.mknod(name(i), 0o100644, dir_fd=directory)


def check(path: str, count: int) -> None:
    names = os.listdir(path)
    assert len(names) == count, f"{len(names)} names instead of {count}"
    assert set(names) == {name(i) for i in range(count)}
    for i in random.Random(1).sample(range(count), min(count, 1000)):
        os.stat(f"{path}/{name(i)}")
    for missing in ("x", name(count), name(0) + "x"):
        assert not os.path.exists(f"{path}/{missing}"), missing


def read_by_parts(path: str, count: int) -> None:
    """Reads the directory while a tenth of it is removed and as many new names are made."""
    seen: set[str] = set()
    gone: set[str] = set()
    with os.scandir(path) as entries:
        for number, entry in enumerate(entries):
            assert entry.name not in seen, f"{entry.name} twice"
            seen.add(entry.name)
            if number % 10 == 0 and number < count:  # new names are listed, too, or not
                victim = name(number)
                os.unlink(f"{path}/{victim}")
                gone.add(victim)
                os.mknod(f"{path}/new-{number}", 0o100644)
    stays = {name(i) for i in range(count)} - gone
    assert stays <= seen, f"{len(stays - seen)} entries that stayed were not listed"


def deep(path: str, depth: int) -> None:
    os.mkdir(path)
    here = os.open(path, os.O_RDONLY)
    for i in range(depth):
        os.mkdir("d", dir_fd=here)
        os.mknod("f", 0o100644, dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below


def wide(path: str, count: int) -> None:
    for i in range(count):
        os.makedirs(f"{path}/{i // 100}/{i}")


def rename(path: str, rounds: int) -> None:
    """Prints the median of the microseconds that a rename of the directory takes."""
    took = []
    for i in range(rounds):
        start = time.perf_counter()
        os.rename(path, path + ".renamed")
        took.append(time.perf_counter() - start)
        os.rename(path + ".renamed", path)
    print(round(sorted(took)[rounds // 2] * 1e6))


def hold_part(path: str, count: int, everybody) -> None:
    """Holds `count` files open, every other one without a name, and looks at them again when
    everybody has theirs."""
    os.mkdir(path)
    files = []
    for i in range(count):
        fd = os.open(f"{path}/{i}", os.O_RDWR | os.O_CREAT, 0o644)
        os.write(fd, b"%d" % i)
        if i % 2 == 0:
            os.unlink(f"{path}/{i}")
        files.append(fd)
    everybody.wait(600)
    for i, fd in enumerate(files):
        assert os.pread(fd, 20, 0) == b"%d" % i, i
        os.pwrite(fd, b"!", 30)
        assert os.fstat(fd).st_nlink == i % 2
    assert len(os.listdir(path)) == count // 2
    everybody.wait(600)


def hold(path: str, count: int) -> None:
    """As many processes as it takes hold `count` files open at the same time."""
    os.mkdir(path)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100
    processes = -(-count // limit)
    everybody = multiprocessing.Barrier(processes)
    holders = [multiprocessing.Process(target=hold_part,
                                       args=(f"{path}/{i}", count // processes, everybody))
               for i in range(processes)]
    for holder in holders:
        holder.start()
    for holder in holders:
        holder.join()
        assert holder.exitcode == 0, holder.exitcode


if __name__ == "__main__":
    {"fill": fill, "check": check, "read-by-parts": read_by_parts, "deep": deep, "wide": wide,
     "rename": rename, "hold": hold}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
