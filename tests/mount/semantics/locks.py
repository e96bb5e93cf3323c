# SPDX-License-Identifier: MIT
"""Locks on files."""
import errno
import fcntl
import os
import struct
import time

from support import Case, get, in_child


class Locks(Case):

    def test_locks(self):
        with open(self.a, "w") as one, open(self.a, "w") as two:
            fcntl.flock(one, fcntl.LOCK_EX)
            self.fails(errno.EAGAIN, fcntl.flock, two, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(one, fcntl.LOCK_EX)

    def test_flock_across_processes(self):
        with open(self.a, "w") as mine:
            fcntl.flock(mine, fcntl.LOCK_EX)

            def work() -> None:
                with open(self.a, "w") as other:
                    self.fails(errno.EAGAIN, fcntl.flock, other, fcntl.LOCK_SH | fcntl.LOCK_NB)

            self.assertEqual(in_child(work), 0)
            fcntl.flock(mine, fcntl.LOCK_UN)
            with open(self.a, "w") as other:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_posix_locks_of_ranges(self):
        with open(self.a, "w+b") as mine:
            mine.write(bytes(1000))
            mine.flush()
            fcntl.lockf(mine, fcntl.LOCK_EX, 100, 200)

            def work() -> None:
                with open(self.a, "r+b") as other:
                    self.fails(errno.EAGAIN, fcntl.lockf, other, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 250)
                    fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, 300)

            self.assertEqual(in_child(work), 0)

    def test_locks_of_open_file_descriptions(self):
        whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        with open(self.a, "w") as one, open(self.a, "w") as two:
            fcntl.fcntl(one, fcntl.F_OFD_SETLK, whole)
            self.fails(errno.EAGAIN, fcntl.fcntl, two, fcntl.F_OFD_SETLK, whole)
        with open(self.a, "w") as two:
            fcntl.fcntl(two, fcntl.F_OFD_SETLK, whole)

    def test_waiting_for_a_lock(self):
        with open(self.a, "w") as mine:
            fcntl.lockf(mine, fcntl.LOCK_EX)
            child = os.fork()
            if child == 0:
                with open(self.a, "r+") as other:
                    fcntl.lockf(other, fcntl.LOCK_EX)
                    other.write("had it")
                os._exit(0)
            time.sleep(0.1)
            self.assertEqual(get(self.a), b"")
            fcntl.lockf(mine, fcntl.LOCK_UN)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(get(self.a), b"had it")
