#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""volatile.py change DIRECTORY: changes of all kinds, synced in every way there is, or not.
volatile.py check DIRECTORY: after a loss of all that was not synced, what was is there, and nothing else."""
import ctypes
import os
import socket
import sys

SYNC_ALL = 7  # SYNC_FILE_RANGE_WAIT_BEFORE | WRITE | WAIT_AFTER
PUNCH = 3  # FALLOC_FL_KEEP_SIZE | PUNCH_HOLE
WANTED = {
    "fsync": b"a" * 5000, "fdatasync": b"b" * 5000, "O_DSYNC": b"c" * 5000, "O_SYNC": b"c" * 5000,
    "RWF_DSYNC": b"d" * 5000, "sync_file_range": b"", "nothing": b"", "in part": b"old" + b"\0" * 4093,
    "holes": b"h" * 4096 + b"\0" * 4096 + b"h" * 4096, "linked": b"x", "link": b"x", "renamed": b"y",
    "replaced": b"new", "removed late": b"z", "deleted open": None,
}


def synced(name: str, data: bytes) -> int:
    file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(file, data)
    os.fsync(file)
    return file


def write_in_all_ways() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for name in ("fsync", "fdatasync", "sync_file_range", "nothing"):
        file = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        os.write(file, {"fsync": b"a", "fdatasync": b"b"}.get(name, b"-") * 5000)
        if hasattr(os, name):
            getattr(os, name)(file)
        elif name == "sync_file_range":
            assert libc.sync_file_range(file, ctypes.c_long(0), ctypes.c_long(5000), SYNC_ALL) == 0
    for name in ("O_DSYNC", "O_SYNC"):
        os.write(os.open(name, os.O_RDWR | os.O_CREAT | getattr(os, name), 0o600), b"c" * 5000)
    os.pwritev(os.open("RWF_DSYNC", os.O_RDWR | os.O_CREAT, 0o600), [b"d" * 5000], 0, os.RWF_DSYNC)

    file = synced("in part", b"old")
    os.ftruncate(file, 4096)  # not past what was written, and synced
    os.fsync(file)
    os.pwrite(file, b"later", 0)
    os.ftruncate(file, 1 << 20)
    file = synced("holes", b"h" * 12288)
    assert libc.fallocate(file, PUNCH, ctypes.c_long(4096), ctypes.c_long(4096)) == 0
    os.fsync(file)
    assert libc.fallocate(file, 0, ctypes.c_long(0), ctypes.c_long(1 << 20)) == 0


def change_names() -> None:
    synced("linked", b"x")
    os.link("linked", "link")
    synced("renaming", b"y")
    os.rename("renaming", "renamed")
    synced("replaced", b"old")
    synced("other", b"new")
    os.rename("other", "replaced")
    synced("removed", b"z")
    os.unlink("removed")
    synced("removed late", b"z")
    file = synced("deleted open", b"1")
    os.unlink("deleted open")
    assert os.pread(file, 9, 0) == b"1"
    os.makedirs("a/b")
    synced("a/b/deep", b"deep")
    os.rename("a", "c")
    socket.socket(socket.AF_UNIX).bind("socket")
    directory = os.open(".", os.O_RDONLY)
    os.fsync(directory)
    os.unlink("removed late")
    synced("made late", b"late")
    os.rename("renamed", "renamed late")
    os.mkdir("directory made late")


def check() -> None:
    wanted = {name: data for name, data in WANTED.items() if data is not None}
    found = {}
    for name in os.listdir("."):
        if os.path.isfile(name):
            with open(name, "rb") as file:
                found[name] = file.read()
    for name in wanted.keys() | found.keys():
        assert wanted.get(name) == found.get(name), (
            f"{name}: {len(found.get(name, ''))} bytes, expected {len(wanted.get(name, ''))}")
    assert sorted(set(os.listdir(".")) - found.keys()) == ["c"], os.listdir(".")
    assert os.listdir("c/b") == ["deep"]
    assert os.stat("linked").st_ino == os.stat("link").st_ino


os.chdir(sys.argv[2])
if sys.argv[1] == "change":
    write_in_all_ways()
    change_names()
else:
    check()
