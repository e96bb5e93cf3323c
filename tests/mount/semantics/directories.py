# SPDX-License-Identifier: MIT
"""Listing directories."""
import ctypes
import os
import random
import subprocess
import threading

from support import LIBC, Case, put

LIBC.opendir.restype = LIBC.readdir.restype = ctypes.c_void_p
LIBC.telldir.restype = ctypes.c_long
LIBC.telldir.argtypes = LIBC.readdir.argtypes = LIBC.closedir.argtypes = [ctypes.c_void_p]
LIBC.rewinddir.argtypes = [ctypes.c_void_p]
LIBC.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]


class Stream:
    """A directory as the C library reads it."""

    def __init__(self, path: str) -> None:
        self.raw = LIBC.opendir(path.encode())

    def close(self) -> None:
        LIBC.closedir(self.raw)

    def next(self) -> str:
        """The next name; "" at the end."""
        entry = LIBC.readdir(self.raw)
        return os.fsdecode(ctypes.string_at(entry + 19)) if entry else ""  # struct dirent: d_name

    def rest(self) -> list[str]:
        out = []
        while name := self.next():
            out.append(name)
        return out

    def tell(self) -> int:
        return LIBC.telldir(self.raw)

    def seek(self, position: int) -> None:
        LIBC.seekdir(self.raw, position)

    def rewind(self) -> None:
        LIBC.rewinddir(self.raw)


class Directories(Case):

    def test_listing(self):
        names = {f"n{i}" for i in range(5000)}
        for name in names:
            put(f"{self.dir}/{name}", b"")
        self.assertEqual(set(os.listdir(self.dir)), names)
        with os.scandir(self.dir) as entries:
            self.assertTrue(all(e.inode() == e.stat().st_ino and e.is_file() for e in entries))
        self.assertEqual(len(subprocess.check_output(["ls", "-f", self.dir]).split()), 5002)  # with . and ..
        self.assertEqual(len(os.listdir(self.dir)), 5000)  # from the kernel's cache

    def test_listing_while_entries_are_deleted(self):
        for i in range(3000):
            put(f"{self.dir}/n{i}", b"")
        seen = set()
        with os.scandir(self.dir) as entries:
            for entry in entries:
                self.assertNotIn(entry.name, seen)
                seen.add(entry.name)
                os.unlink(entry.path)
        self.assertEqual(len(seen), 3000)
        self.assertEqual(os.listdir(self.dir), [])

    def test_listing_shows_changes(self):
        for i in range(100):
            self.assertEqual(len(os.listdir(self.dir)), i)
            put(f"{self.dir}/n{i}", b"")

    def test_what_stays_is_listed_once_while_others_come_and_go(self):
        staying = {f"stays-{i}" for i in range(4000)}
        for i, name in enumerate(sorted(staying)):
            put(f"{self.dir}/{name}", b"")
            put(f"{self.dir}/goes-{i}", b"")
        done = threading.Event()

        def disturb() -> None:
            rng = random.Random(1)
            for i in range(4000, 1_000_000):
                if done.is_set():
                    return
                put(f"{self.dir}/goes-{i}", b"")
                victim = f"{self.dir}/goes-{rng.randrange(i)}"
                if os.path.exists(victim):
                    os.rename(victim, f"{self.dir}/moved-{i}") if i % 3 == 0 else os.unlink(victim)

        disturber = threading.Thread(target=disturb)
        disturber.start()
        try:
            for _ in range(10):
                names = os.listdir(self.dir)
                self.assertEqual(sorted(n for n in names if n.startswith("stays-")), sorted(staying))
        finally:
            done.set()
            disturber.join()

    def test_old_positions_stay_good(self):
        for i in range(3000):
            put(f"{self.dir}/n{i}", b"")
        stream = Stream(self.dir)
        self.addCleanup(stream.close)
        places = []  # of each name: the position before it
        while True:
            position, name = stream.tell(), stream.next()
            if not name:
                break
            places.append((position, name))
        self.assertEqual(len(places), 3002)
        for index in random.Random(2).sample(range(len(places)), 200):
            stream.seek(places[index][0])
            self.assertEqual(stream.next(), places[index][1])
        # Entries before and behind an old position go: what is left behind it is listed still. (And
        # maybe some that went: POSIX lets a stream remember, and the kernel's cache does.)
        for _, name in places[::2]:
            if name not in (".", ".."):
                os.unlink(f"{self.dir}/{name}")
        stream.seek(places[1501][0])
        left = [name for _, name in places[1501::2]]
        rest = [name for name in stream.rest() if os.path.lexists(f"{self.dir}/{name}")]
        self.assertEqual([name for name in rest if name not in (".", "..")], left)

    def test_rewinding_shows_what_is_new(self):
        put(self.a, b"")
        stream = Stream(self.dir)
        self.addCleanup(stream.close)
        self.assertEqual(sorted(stream.rest()), [".", "..", "a"])
        put(self.b, b"")
        os.unlink(self.a)
        stream.rewind()
        self.assertEqual(sorted(stream.rest()), [".", "..", "b"])

    def test_deep_tree(self):
        depth = 1500  # far beyond the longest path
        here = os.open(self.dir, os.O_RDONLY)
        for i in range(depth):
            os.mkdir("deeper", dir_fd=here)
            below = os.open("deeper", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
        self.assertEqual(subprocess.run(["rm", "-rf", self.dir + "/deeper"]).returncode, 0)
        self.assertEqual(os.listdir(self.dir), [])
