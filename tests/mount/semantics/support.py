# SPDX-License-Identifier: MIT
"""What the cases share: a directory of their own, system calls that Python lacks, another user."""
import ctypes
import errno
import os
import unittest

LIBC = ctypes.CDLL(None, use_errno=True)
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, FALLOC_COLLAPSE_RANGE, FALLOC_ZERO_RANGE = 1, 2, 8, 16
NOBODY = 65534


def call(name: str, *arguments) -> int:
    """A function of the C library that returns a negative number, and errno, when it fails."""
    result = getattr(LIBC, name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def rename2(source: str, target: str, flags: int) -> None:
    call("renameat2", -100, source.encode(), -100, target.encode(), flags)


def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    call("fallocate", fd, mode, ctypes.c_long(offset), ctypes.c_long(length))


def put(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def get(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def in_child(work) -> int:
    """Runs `work` in a process of its own; 0 when it ended without an exception."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


class Case(unittest.TestCase):
    """Each test has an empty directory, self.dir, and two free names in it, self.a and self.b."""

    root = ""

    def setUp(self) -> None:
        self.dir = os.path.join(self.root, self._testMethodName)
        os.mkdir(self.dir)
        self.a, self.b = self.dir + "/a", self.dir + "/b"

    def fails(self, code: int, function, *arguments) -> None:
        with self.assertRaises(OSError) as caught:
            function(*arguments)
        self.assertEqual(errno.errorcode[caught.exception.errno], errno.errorcode[code])

    def as_nobody(self, work) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")

        def become_and_work() -> None:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()

        self.assertEqual(in_child(become_and_work), 0)
