#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""power_load.py load DIRECTORY LOG SEED: writers that replace, append to, overwrite, rename and remove files,
with many syncs, until the filesystem fails; LOG, outside, has what they do and what was acknowledged.
power_load.py check DIRECTORY LOG: what was synced is there; what is there is, for all writers together, a
prefix of what they did. Prints how many operations were acknowledged, and how many of them are there.

Lines of LOG begin with the writer's number: "begin KIND NAME COUNT OTHER"; "end"; "syncing" and "synced OWN",
where OWN tells whether the operation under way is complete without its end (1), or only .new (0)."""
import os
import random
import sys

import kill_load

BLOCK = 4096


class Writer(kill_load.Writer):
    def __init__(self, directory: str, log: int, number: int, seed: int):
        super().__init__(directory, log, number, seed)
        self.share_synced = random.Random(seed).choice([0.01, 0.1, 0.6])  # the same for all writers

    def sync_directory(self) -> None:
        self.say("syncing")
        directory = os.open(self.place, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        self.say("synced", 1)

    def change(self, path: str, flags: int, offset: int, data: bytes) -> None:
        """At the end when `offset` is below 0. Synced by each of the ways there are, or not at all."""
        way = "none"
        if self.random.random() < self.share_synced:
            way = self.random.choice(["fsync", "fdatasync", "O_DSYNC", "RWF_DSYNC"])
        if way == "O_DSYNC":
            flags |= os.O_DSYNC
        file = os.open(path, flags | os.O_RDWR, 0o644)
        try:
            offset = os.fstat(file).st_size if offset < 0 else offset
            if way.endswith("DSYNC"):
                self.say("syncing")
            assert os.pwritev(file, [data], offset, os.RWF_DSYNC if way == "RWF_DSYNC" else 0) == len(data)
            if way.startswith("f"):
                self.say("syncing")
                getattr(os, way)(file)
            if way != "none":
                self.say("synced", 0 if path.endswith(".new") else 1)
        finally:
            os.close(file)

    def step(self, count: int) -> None:
        name = f"f{self.random.randrange(12)}"
        kind = self.random.choice(["replace"] * 3 + ["append", "overwrite", "remove", "move"])
        if kind != "replace" and name not in self.files:
            kind = "replace"
        other = f"f{self.random.randrange(12)}"
        self.say("begin", kind, name, count, other)
        path, new = os.path.join(self.place, name), os.path.join(self.place, ".new")
        if kind == "replace":
            self.change(new, os.O_CREAT | os.O_TRUNC, 0, kill_load.content(name, count))
            os.rename(new, path)
            self.files.add(name)
        elif kind == "append":
            self.change(path, 0, -1, kill_load.content(name, count)[:500])
        elif kind == "overwrite":
            self.change(path, 0, 0, block(name, count))
        elif kind == "remove":
            os.unlink(path)
            self.files.remove(name)
        elif other != name:
            os.rename(path, os.path.join(self.place, other))
            self.files.remove(name)
            self.files.add(other)
        renames = kind in ("replace", "remove") or (kind == "move" and other != name)
        if renames and self.random.random() < self.share_synced / 3:
            self.sync_directory()
        self.say("end")


def block(name: str, count: int) -> bytes:
    """A whole page, so that the kernel hands it over at once."""
    return (kill_load.content(name, count)[:32] * BLOCK)[:BLOCK]


def perform(files: dict, kind: str, name: str, count: int, other: str) -> None:
    if kind == "overwrite":
        files[name] = block(name, count) + files[name][BLOCK:]
    else:
        kill_load.perform(files, kind, name, count, other)


class History:
    """What one writer did. State k is what its files are after k operations."""

    def __init__(self) -> None:
        self.operations: list[tuple] = []
        self.begins: list[int] = []  # lines of the log
        self.ends: list[int] = []
        self.new_is_synced = False  # of the operation under way

    def read(self, place: str) -> dict:
        found = {}
        for name in os.listdir(place) if os.path.isdir(place) else []:
            with open(os.path.join(place, name), "rb") as file:
                found[name] = file.read()
        return found

    def check_new(self, place: str, found: dict) -> None:
        kind, name, count, _ = self.operations[-1]
        if kind == "replace" and self.new_is_synced and len(self.ends) < len(self.operations):
            wanted = kill_load.content(name, count)
            assert wanted in (found.get(".new"), found.get(name)), f"{place}/.new was synced, and is not there"

    def states_found(self, place: str) -> list:
        """Each k that the files may be the state of; an append under way may be there in part."""
        found = self.read(place)
        self.check_new(place, found)
        found.pop(".new", None)
        files: dict[str, bytes] = {}
        states = [0] if found == files else []
        for k, operation in enumerate(self.operations, 1):
            before = dict(files)
            perform(files, *operation)
            if found == files:
                states.append(k)
            elif operation[0] == "append" and found.keys() == files.keys():
                name = operation[1]
                partly = before | {name: found[name]}
                if partly == found and before[name] == found[name][: len(before[name])]:
                    if files[name].startswith(found[name]):
                        states.append(k - 1)
        return states


def read_log(log_name: str) -> tuple[dict, int, dict]:
    """The writers' histories; the last line of which all that ended before is durable; and how many of each
    writer's operations must be there beyond that, since they were synced themselves."""
    histories: dict[str, History] = {}
    durable_line, least, syncing = -1, {}, {}
    with open(log_name, encoding="ascii") as log:
        for number, line in enumerate(log):
            writer, what, *rest = line.split()
            history = histories.setdefault(writer, History())
            if what == "begin":
                history.operations.append((rest[0], rest[1], int(rest[2]), rest[3]))
                history.begins.append(number)
                history.new_is_synced = False
            elif what == "end":
                history.ends.append(number)
            elif what == "syncing":
                syncing[writer] = number
            else:
                durable_line = max(durable_line, syncing[writer])
                if rest[0] == "1":
                    least[writer] = len(history.operations)
                else:
                    history.new_is_synced = True
    return histories, durable_line, least


def check(directory: str, log_name: str) -> None:
    histories, durable_line, least = read_log(log_name)
    acknowledged = there = 0
    latest_begin, latest_writer = -1, ""
    found: dict[str, list] = {}
    for writer, history in histories.items():
        place = os.path.join(directory, writer)
        states = found[writer] = history.states_found(place)
        assert states, f"{place}: {sorted(history.read(place))} is no state of {len(history.operations)} operations"
        needed = max(sum(end < durable_line for end in history.ends), least.get(writer, 0))
        assert states[-1] >= needed, f"{place}: {needed} operations were synced, {states} are there"
        states[:] = [k for k in states if k >= needed]
        acknowledged += len(history.ends)
        there += min(states[-1], len(history.ends))
        if states[0] > 0 and history.begins[states[0] - 1] > latest_begin:
            latest_begin, latest_writer = history.begins[states[0] - 1], writer
    for writer, history in histories.items():
        needed = sum(end < latest_begin for end in history.ends)
        assert found[writer][-1] >= needed, (
            f"no prefix: {directory}/{latest_writer} has an operation begun at line {latest_begin} of the log, "
            f"{writer} had ended {needed} by then and {found[writer]} are there")
    print(acknowledged, there)


if __name__ == "__main__":
    if sys.argv[1] == "load":
        kill_load.load(sys.argv[2], sys.argv[3], int(sys.argv[4]), Writer)
    else:
        check(sys.argv[2], sys.argv[3])
