# SPDX-License-Identifier: MIT
"""What stays usable after its name is gone."""
import errno
import os
import shutil

from support import Case, call, get, in_child, put

AT_FDCWD, AT_SYMLINK_FOLLOW = -100, 0x400


def link_open_file(fd: int, path: str) -> None:
    call("linkat", AT_FDCWD, f"/proc/self/fd/{fd}".encode(), AT_FDCWD, path.encode(),
         AT_SYMLINK_FOLLOW)


class Life(Case):

    def test_unlinked_file_stays_usable_while_open(self):
        fd = os.open(self.a, os.O_RDWR | os.O_CREAT)
        os.unlink(self.a)
        os.write(fd, b"x" * 100000)
        os.ftruncate(fd, 50000)
        os.fchmod(fd, 0o600)
        os.fsync(fd)
        self.assertEqual(os.pread(fd, 100000, 0), b"x" * 50000)
        self.assertEqual(os.fstat(fd).st_nlink, 0)
        os.close(fd)
        self.assertEqual(os.listdir(self.dir), [])

    def test_removed_directory_stays_usable_while_open(self):
        os.mkdir(self.a)
        fd = os.open(self.a, os.O_RDONLY | os.O_DIRECTORY)
        os.rmdir(self.a)
        self.fails(errno.ENOENT, lambda: os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        self.assertEqual(os.listdir(fd), [])
        self.assertEqual(os.listxattr(fd), [])
        self.fails(errno.ENODATA, os.getxattr, fd, "user.none")
        os.close(fd)

    def test_unnamed_file_gets_a_name_by_link(self):
        try:
            fd = os.open(self.dir, os.O_RDWR | os.O_TMPFILE, 0o640)
        except OSError as error:  # libfuse before 3.17
            self.assertEqual(error.errno, errno.EOPNOTSUPP)
            self.skipTest("no O_TMPFILE")
        os.write(fd, b"unnamed")
        self.assertEqual(os.fstat(fd).st_nlink, 0)
        link_open_file(fd, self.a)
        self.assertEqual(os.fstat(fd).st_nlink, 1)
        os.close(fd)
        self.assertEqual(get(self.a), b"unnamed")
        fd = os.open(self.dir, os.O_RDWR | os.O_TMPFILE | os.O_EXCL)
        self.fails(errno.ENOENT, link_open_file, fd, self.b)
        os.close(fd)
        self.assertEqual(os.listdir(self.dir), ["a"])

    def test_file_replaced_while_open_stays_usable(self):
        put(self.a, b"old")
        put(self.b, b"new")
        fd = os.open(self.a, os.O_RDWR)
        os.rename(self.b, self.a)
        os.pwrite(fd, b"OLDER", 0)
        self.assertEqual(os.pread(fd, 10, 0), b"OLDER")
        self.assertEqual(get(self.a), b"new")
        os.close(fd)

    def test_removed_current_directory(self):
        os.mkdir(self.a)

        def work() -> None:
            os.chdir(self.a)
            os.rmdir(self.a)
            self.assertEqual(os.listdir("."), [])
            self.fails(errno.ENOENT, os.getcwd)
            self.fails(errno.ENOENT, os.mkdir, "x")
            self.fails(errno.ENOENT, put, "x", b"")
            os.chdir("..")
            self.assertEqual(os.getcwd(), self.dir)

        self.assertEqual(in_child(work), 0)

    def test_unlinked_directory_tree_of_an_open_file(self):
        os.makedirs(self.a + "/b/c")
        with open(self.a + "/b/c/file", "w+b") as file:
            file.write(b"x" * 10000)
            shutil.rmtree(self.a)
            file.flush()
            file.seek(0)
            self.assertEqual(file.read(), b"x" * 10000)
