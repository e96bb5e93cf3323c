#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill_load.py load DIRECTORY LOG SEED: writers that replace, append to, rename and remove files, each in a
directory of its own, until the filesystem fails or SIGTERM comes; what they are about to do and what was
acknowledged goes to LOG, outside. kill_load.py check DIRECTORY LOG: everything acknowledged is there, and nothing else but
what was under way."""
import hashlib
import os
import random
import signal
import sys
import threading

WRITERS = 6
ending = threading.Event()


def content(name: str, count: int) -> bytes:
    seed = hashlib.sha256(f"{name} {count}".encode()).digest()
    return (seed * 4096)[: 1 + int.from_bytes(seed[:2], "big") % 60000]


class Writer:
    def __init__(self, directory: str, log: int, number: int, seed: int):
        self.place = os.path.join(directory, str(number))
        self.log, self.number, self.random = log, number, random.Random(seed * 100 + number)
        self.files: set[str] = set()

    def say(self, *words) -> None:
        os.write(self.log, (" ".join(map(str, (self.number,) + words)) + "\n").encode())

    def write(self, name: str, mode: str, data: bytes) -> None:
        with open(os.path.join(self.place, name), mode) as file:
            file.write(data)
            file.flush()
            if self.random.random() < 0.2:
                os.fsync(file.fileno())

    def step(self, count: int) -> None:
        name = f"f{self.random.randrange(12)}"
        kind = self.random.choice(["replace"] * 4 + ["append", "remove", "move"])
        if kind != "replace" and name not in self.files:
            kind = "replace"
        other = f"f{self.random.randrange(12)}"
        self.say("begin", kind, name, count, other)
        path = os.path.join(self.place, name)
        if kind == "replace":
            self.write(".new", "wb", content(name, count))
            os.rename(os.path.join(self.place, ".new"), path)
            self.files.add(name)
        elif kind == "append":
            self.write(name, "ab", content(name, count)[:500])
        elif kind == "remove":
            os.unlink(path)
            self.files.remove(name)
        elif other != name:
            os.rename(path, os.path.join(self.place, other))
            self.files.remove(name)
            self.files.add(other)
        self.say("end")

    def run(self) -> None:
        try:
            os.mkdir(self.place)
            for count in range(1 << 30):
                if ending.is_set():
                    return
                self.step(count)
        except OSError:
            return


def load(directory: str, log_name: str, seed: int, kind: type = Writer) -> None:
    signal.signal(signal.SIGTERM, lambda *_: ending.set())  # before the log tells that it may come
    log = os.open(log_name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.makedirs(directory, exist_ok=True)
    writers = [threading.Thread(target=kind(directory, log, n, seed).run) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


def perform(files: dict, kind: str, name: str, count: int, other: str) -> None:
    if kind == "replace":
        files[name] = content(name, count)
    elif kind == "append":
        files[name] += content(name, count)[:500]
    elif kind == "remove":
        del files[name]
    elif other != name:
        files[other] = files.pop(name)


def check_writer(place: str, lines: list) -> int:
    files: dict[str, bytes] = {}
    under_way = None
    done = 0
    for words in lines:
        if words[1] == "begin":
            under_way = (words[2], words[3], int(words[4]), words[5])
        else:
            perform(files, *under_way)
            under_way = None
            done += 1
    found = {}
    for name in os.listdir(place) if os.path.isdir(place) else []:
        if name != ".new":
            with open(os.path.join(place, name), "rb") as file:
                found[name] = file.read()
    if found == files:
        return done
    assert under_way, f"{place}: {sorted(found)} is not what was acknowledged, {sorted(files)}"
    before = dict(files)
    perform(files, *under_way)
    if under_way[0] == "append" and under_way[1] in found:
        # It was not closed: any part of it may be there.
        name = under_way[1]
        partly = found[name]
        assert files[name].startswith(partly) and partly.startswith(before[name]), f"{place}/{name}"
        files[name] = partly
    assert found == files, f"{place}: neither before nor after {under_way}"
    return done


def check(directory: str, log_name: str) -> None:
    lines: dict[str, list] = {}
    with open(log_name, encoding="ascii") as log:
        for line in log:
            words = line.split()
            lines.setdefault(words[0], []).append(words)
    print(sum(check_writer(os.path.join(directory, n), of) for n, of in lines.items()))


if __name__ == "__main__":
    if sys.argv[1] == "load":
        load(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        check(sys.argv[2], sys.argv[3])
