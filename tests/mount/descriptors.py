#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""descriptors.py load DIRECTORY LOG SECONDS [SOCKET]: threads that replace, sync, read and remove files, and
may be refused for want of descriptors; what is read is right. Beside them SOCKET is connected to by more than
the daemon has descriptors for. LOG gets the names and checksums of what is known to be there in the end.
descriptors.py check DIRECTORY LOG: it is."""
import errno
import hashlib
import os
import random
import socket
import sys
import threading
import time

THREADS, FILES, CONNECTIONS = 6, 30, 60
# The kernel tells programs of a page that could not be read or written as of an I/O error.
PASSING = (errno.EMFILE, errno.ENFILE, errno.EIO)


class Load:
    def __init__(self, directory: str, end: float) -> None:
        self.directory, self.end = directory, end
        self.known, self.failures, self.counts = {}, [], {"done": 0, "refused": 0}

    def run(self, number: int) -> None:
        chosen = random.Random(number)
        known = {}  # name: checksum, None: not there; what is missing here is not known
        counts = dict.fromkeys(self.counts, 0)
        try:
            while time.monotonic() < self.end:
                name = f"{number}-{chosen.randrange(FILES)}"
                try:
                    self.one(chosen, known, name)
                    counts["done"] += 1
                except OSError as error:
                    if error.errno not in PASSING:
                        raise
                    counts["refused"] += 1
        except BaseException as error:  # for the thread that waits for this one
            self.failures.append(f"thread {number}: {error!r}")
        self.known.update(known)
        for what, count in counts.items():
            self.counts[what] += count

    def one(self, chosen: random.Random, known: dict, name: str) -> None:
        path = os.path.join(self.directory, name)
        action = chosen.randrange(8)
        if action < 3:
            data = chosen.randbytes(chosen.choice([100, 5000, 60_000, 300_000]))
            known.pop(name, None)
            write(path, data)
            known[name] = hashlib.sha1(data).hexdigest()
        elif action == 3:
            before = known.pop(name, "")
            try:
                os.unlink(path)
            except FileNotFoundError:
                assert not before, f"{name} was there"
            known[name] = None
        elif name in known:
            check(path, known[name])


def write(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)  # so that the daemon is asked to read it
    finally:
        os.close(fd)


def check(path: str, digest) -> None:
    try:
        with open(path, "rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            got = hashlib.sha1(file.read()).hexdigest()
    except FileNotFoundError:
        got = None
    assert got == digest, f"{path}: {got} instead of {digest}"


def crowd(path: str, end: float) -> None:
    """Connections that are held for a while, and dropped all at once."""
    while time.monotonic() < end:
        held = []
        for _ in range(CONNECTIONS):
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(0.1)
            try:
                one.connect(path)
            except OSError:
                one.close()
                break
            held.append(one)
        time.sleep(0.3)
        for one in held:
            one.close()
        time.sleep(0.5)


def load(directory: str, log_name: str, seconds: str, *control: str) -> None:
    load_of_all = Load(directory, time.monotonic() + float(seconds))
    threads = [threading.Thread(target=load_of_all.run, args=(number,)) for number in range(THREADS)]
    threads += [threading.Thread(target=crowd, args=(path, load_of_all.end)) for path in control]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not load_of_all.failures, load_of_all.failures
    with open(log_name, "w", encoding="ascii") as log:
        for name, digest in load_of_all.known.items():
            log.write(f"{digest or '-'} {name}\n")
    print(f"{load_of_all.counts['done']} operations, {load_of_all.counts['refused']} refused")


def check_all(directory: str, log_name: str) -> None:
    with open(log_name, encoding="ascii") as log:
        for line in log:
            digest, name = line.split()
            check(os.path.join(directory, name), None if digest == "-" else digest)


{"load": load, "check": check_all}[sys.argv[1]](*sys.argv[2:])
