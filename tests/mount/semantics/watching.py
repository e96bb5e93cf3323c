# SPDX-License-Identifier: MIT
"""What inotify tells of changes made through the mount."""
import os
import struct

from support import Case, call, put

ACCESS, MODIFY, ATTRIB, CLOSE_WRITE, CLOSE_NOWRITE, OPEN = 1, 2, 4, 8, 16, 32
MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF = 64, 128, 256, 512, 1024
HEADER = struct.Struct("iIII")


class Watching(Case):

    def setUp(self) -> None:
        super().setUp()
        self.watch = call("inotify_init1", os.O_NONBLOCK)
        self.addCleanup(os.close, self.watch)

    def add(self, path: str, mask: int) -> None:
        call("inotify_add_watch", self.watch, path.encode(), mask)

    def events(self) -> list[tuple[int, str]]:
        data, out = os.read(self.watch, 65536), []
        while data:
            _, mask, _, length = HEADER.unpack_from(data)
            name = data[HEADER.size:HEADER.size + length].rstrip(b"\0").decode()
            out.append((mask & 0xfff, name))
            data = data[HEADER.size + length:]
        return out

    def test_life_of_a_file(self):
        self.add(self.dir, CREATE | MODIFY | CLOSE_WRITE | MOVED_FROM | MOVED_TO | DELETE | ATTRIB)
        put(self.a, b"x")
        os.chmod(self.a, 0o600)
        os.rename(self.a, self.b)
        os.unlink(self.b)
        self.assertEqual(self.events(),
                         [(CREATE, "a"), (MODIFY, "a"), (CLOSE_WRITE, "a"), (ATTRIB, "a"),
                          (MOVED_FROM, "a"), (MOVED_TO, "b"), (DELETE, "b")])

    def test_end_of_the_watched(self):
        put(self.a, b"x")
        self.add(self.a, DELETE_SELF)
        os.unlink(self.a)
        self.assertIn((DELETE_SELF, ""), self.events())
