#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""semantics.py DIRECTORY: what system calls have to do in an empty directory of any good filesystem.
Passes on ext4, too, but for the large
extended attribute."""
import ctypes
import errno
import fcntl
import mmap
import os
import stat
import subprocess
import sys
import threading
import time
import unittest

ROOT = sys.argv.pop(1)
LIBC = ctypes.CDLL(None, use_errno=True)
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, FALLOC_ZERO_RANGE = 1, 2, 16


def rename2(source: str, target: str, flags: int) -> None:
    if LIBC.renameat2(-100, source.encode(), -100, target.encode(), flags) != 0:
        raise OSError(ctypes.get_errno(), target)


def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    if LIBC.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")


def put(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def get(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


class Semantics(unittest.TestCase):

    def setUp(self) -> None:
        self.dir = os.path.join(ROOT, self._testMethodName)
        os.mkdir(self.dir)
        self.a, self.b = self.dir + "/a", self.dir + "/b"

    def fails(self, code: int, call, *arguments) -> None:
        with self.assertRaises(OSError) as caught:
            call(*arguments)
        self.assertEqual(errno.errorcode[caught.exception.errno], errno.errorcode[code])

    # ---- names

    def test_name_that_was_missing_appears(self):
        self.fails(errno.ENOENT, os.stat, self.a)
        self.fails(errno.ENOENT, os.stat, self.a)
        put(self.a, b"x")
        self.assertEqual(os.stat(self.a).st_size, 1)
        os.unlink(self.a)
        self.fails(errno.ENOENT, os.stat, self.a)

    def test_rename_replaces_and_keeps_the_open_file(self):
        put(self.a, b"new")
        put(self.b, b"old")
        with open(self.b, "rb") as old:
            os.rename(self.a, self.b)
            self.assertEqual(old.read(), b"old")
            self.assertEqual(os.fstat(old.fileno()).st_nlink, 0)
        self.assertEqual(get(self.b), b"new")
        self.fails(errno.ENOENT, os.stat, self.a)

    def test_rename_flags(self):
        put(self.a, b"a")
        put(self.b, b"b")
        self.fails(errno.EEXIST, rename2, self.a, self.b, RENAME_NOREPLACE)
        rename2(self.a, self.b, RENAME_EXCHANGE)
        self.assertEqual((get(self.a), get(self.b)), (b"b", b"a"))
        rename2(self.a, self.dir + "/c", RENAME_NOREPLACE)
        self.fails(errno.EINVAL, rename2, self.b, self.a, RENAME_WHITEOUT | RENAME_EXCHANGE)

    def test_rename_of_directories(self):
        os.makedirs(self.a + "/sub")
        os.mkdir(self.b)
        self.fails(errno.EINVAL, os.rename, self.a, self.a + "/sub/x")
        self.fails(errno.ENOTEMPTY, os.rename, self.b, self.a)
        os.rename(self.a, self.b)
        self.assertEqual(os.listdir(self.b), ["sub"])
        self.assertEqual(os.stat(self.b + "/sub/../..").st_ino, os.stat(self.dir).st_ino)

    def test_links(self):
        put(self.a, b"x")
        os.link(self.a, self.b)
        self.assertEqual(os.stat(self.a).st_nlink, 2)
        self.assertEqual(os.stat(self.a).st_ino, os.stat(self.b).st_ino)
        os.unlink(self.a)
        self.assertEqual(os.stat(self.b).st_nlink, 1)
        self.assertEqual(get(self.b), b"x")
        os.symlink("b" * 1000, self.a)
        self.assertEqual(os.readlink(self.a), "b" * 1000)
        self.assertEqual(os.lstat(self.a).st_size, 1000)
        self.fails(errno.EEXIST, os.symlink, "x", self.a)

    def test_directory_links_and_emptiness(self):
        before = os.stat(self.dir).st_nlink
        os.makedirs(self.a + "/sub")
        self.assertEqual(os.stat(self.dir).st_nlink, before + 1)
        self.fails(errno.ENOTEMPTY, os.rmdir, self.a)
        self.fails(errno.EISDIR, os.unlink, self.a)
        put(self.b, b"")
        self.fails(errno.ENOTDIR, os.rmdir, self.b)
        self.fails(errno.ENOTDIR, os.stat, self.b + "/x")
        os.rmdir(self.a + "/sub")
        os.rmdir(self.a)
        self.assertEqual(os.stat(self.dir).st_nlink, before)

    def test_long_and_odd_names(self):
        for name in ("n" * 255, "\U0001f600" * 60, "with\nnewline", " ", "-", "\\", "a,b=c"):
            put(f"{self.dir}/{name}", name.encode())
            self.assertIn(name, os.listdir(self.dir))
            self.assertEqual(get(f"{self.dir}/{name}"), name.encode())
        self.fails(errno.ENAMETOOLONG, os.stat, f"{self.dir}/{'n' * 256}")
        self.fails(errno.ENAMETOOLONG, os.mkdir, f"{self.dir}/{'n' * 256}")

    def test_special_files(self):
        os.mkfifo(self.a, 0o640)
        self.assertTrue(stat.S_ISFIFO(os.stat(self.a).st_mode))
        if os.geteuid() == 0:
            os.mknod(self.b, stat.S_IFCHR | 0o600, os.makedev(300, 70000))
            self.assertEqual(os.stat(self.b).st_rdev, os.makedev(300, 70000))

    # ---- life

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
        os.close(fd)

    # ---- contents

    def test_open_flags(self):
        put(self.a, b"long content")
        with open(self.a, "r+b") as held:  # so that the kernel has pages to drop
            self.assertEqual(held.read(), b"long content")
            os.close(os.open(self.a, os.O_WRONLY | os.O_TRUNC))
            self.assertEqual(os.stat(self.a).st_size, 0)
            held.seek(0)
            self.assertEqual(held.read(), b"")
        self.fails(errno.EEXIST, os.open, self.a, os.O_CREAT | os.O_EXCL)
        self.fails(errno.EISDIR, os.open, self.dir, os.O_WRONLY)
        os.symlink("a", self.b)
        self.fails(errno.ELOOP, os.open, self.b, os.O_NOFOLLOW)

    def test_write_only_file_can_be_written_in_parts(self):
        put(self.a, b"0123456789")
        fd = os.open(self.a, os.O_WRONLY)
        os.pwrite(fd, b"X", 5)
        os.pwrite(fd, b"Y", 20000)
        os.close(fd)
        self.assertEqual(get(self.a), b"01234X6789" + bytes(19990) + b"Y")

    def test_appends_of_several_threads_do_not_mix(self):
        def work(letter: bytes) -> None:
            fd = os.open(self.a, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for _ in range(500):
                os.write(fd, letter * 99 + b"\n")
            os.close(fd)

        threads = [threading.Thread(target=work, args=(bytes([65 + i]),)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = get(self.a).split(b"\n")
        self.assertEqual(len(lines), 2001)
        self.assertTrue(all(line == line[:1] * 99 for line in lines[:-1]))

    def test_sync_flags(self):
        for flag in (os.O_SYNC, os.O_DSYNC):
            fd = os.open(self.a, os.O_WRONLY | os.O_CREAT | flag)
            self.assertEqual(os.write(fd, b"x" * 300000), 300000)
            os.close(fd)
        fd = os.open(self.dir, os.O_RDONLY)
        os.fsync(fd)
        os.fdatasync(fd)
        os.close(fd)
        self.assertEqual(os.stat(self.a).st_size, 300000)

    def test_direct_io(self):
        fd = os.open(self.a, os.O_RDWR | os.O_CREAT | os.O_DIRECT)
        page = mmap.mmap(-1, 8192)
        page.write(b"d" * 8192)
        self.assertEqual(os.pwritev(fd, [page], 4096), 8192)
        os.close(fd)
        self.assertEqual(get(self.a), bytes(4096) + b"d" * 8192)

    def test_holes(self):
        fd = os.open(self.a, os.O_RDWR | os.O_CREAT)
        os.pwrite(fd, b"x" * 4096, 1 << 30)
        os.fsync(fd)
        self.assertEqual(os.lseek(fd, 0, os.SEEK_DATA), 1 << 30)
        self.assertEqual(os.lseek(fd, 0, os.SEEK_HOLE), 0)
        self.assertEqual(os.lseek(fd, 1 << 30, os.SEEK_HOLE), (1 << 30) + 4096)
        self.fails(errno.ENXIO, os.lseek, fd, (1 << 30) + 4096, os.SEEK_DATA)
        self.assertLess(os.fstat(fd).st_blocks, 1000)
        os.close(fd)

    def test_fallocate(self):
        put(self.a, b"x" * 20000)
        fd = os.open(self.a, os.O_RDWR)
        fallocate(fd, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 4096, 8192)
        self.assertEqual(os.pread(fd, 20000, 0), b"x" * 4096 + bytes(8192) + b"x" * 7712)
        fallocate(fd, FALLOC_ZERO_RANGE, 16384, 8192)
        self.assertEqual(os.fstat(fd).st_size, 24576)
        self.assertEqual(os.pread(fd, 9000, 16000), b"x" * 384 + bytes(8192))
        fallocate(fd, 0, 0, 50000)
        self.assertEqual(os.fstat(fd).st_size, 50000)
        fallocate(fd, FALLOC_KEEP_SIZE, 0, 100000)
        self.assertEqual(os.fstat(fd).st_size, 50000)
        os.close(fd)

    def test_truncate(self):
        put(self.a, b"x" * 10000)
        os.truncate(self.a, 5000)
        os.truncate(self.a, 8000)
        self.assertEqual(get(self.a), b"x" * 5000 + bytes(3000))

    def test_shared_mapping(self):
        put(self.a, bytes(100000))
        with open(self.a, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            memory[50000:50005] = b"hello"
            memory.flush()
        self.assertEqual(get(self.a)[49999:50006], b"\0hello\0")

    def test_copy_file_range(self):
        put(self.a, os.urandom(300000))
        with open(self.a, "rb") as source, open(self.b, "wb") as target:
            copied = 0
            while count := os.copy_file_range(source.fileno(), target.fileno(), 1 << 20):
                copied += count
        self.assertEqual(copied, 300000)
        self.assertEqual(get(self.a), get(self.b))

    # ---- attributes

    def test_times(self):
        put(self.a, b"x")
        for times in ((1, 2), (1_600_000_000_123_456_789, 1_700_000_000_987_654_321),
                      (-5_000_000_001, -1_500_000_001)):
            os.utime(self.a, ns=times)
            info = os.stat(self.a)
            self.assertEqual((info.st_atime_ns, info.st_mtime_ns), times)
        with open(self.a, "ab") as file:
            file.write(b"y")
        self.assertGreater(os.stat(self.a).st_mtime_ns, 0)
        os.utime(self.a, ns=(0, 0))
        before = os.stat(self.a).st_ctime_ns
        time.sleep(0.02)  # the kernel's clock for this is coarse
        os.chmod(self.a, 0o600)
        self.assertGreater(os.stat(self.a).st_ctime_ns, before)
        self.assertEqual(os.stat(self.a).st_mtime_ns, 0)
        os.truncate(self.a, 0)
        self.assertGreater(os.stat(self.a).st_mtime_ns, 0)

    def test_times_of_directories(self):
        os.utime(self.dir, ns=(0, 0))
        for change in (lambda: put(self.a, b""), lambda: os.rename(self.a, self.b),
                       lambda: os.unlink(self.b), lambda: os.mkdir(self.a)):
            change()
            self.assertGreater(os.stat(self.dir).st_mtime_ns, 0)
            os.utime(self.dir, ns=(0, 0))

    def test_mode_and_umask(self):
        old = os.umask(0o027)
        put(self.a, b"")
        os.mkdir(self.b)
        os.umask(old)
        self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), 0o640)
        self.assertEqual(stat.S_IMODE(os.stat(self.b).st_mode), 0o750)

    def test_set_group_id_directory(self):
        os.mkdir(self.a)
        os.chmod(self.a, 0o2755)
        os.mkdir(self.a + "/sub")
        put(self.a + "/file", b"")
        self.assertTrue(os.stat(self.a + "/sub").st_mode & stat.S_ISGID)
        self.assertEqual(os.stat(self.a + "/file").st_gid, os.stat(self.a).st_gid)

    def test_writing_by_another_clears_set_ids(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        put(self.a, b"x")
        os.chmod(self.a, 0o6777)
        self.as_nobody(lambda: put(self.a, b"other"))
        self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), 0o777)
        self.assertEqual(get(self.a), b"other")

    def test_permissions(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        put(self.a, b"x")
        os.chmod(self.a, 0o600)
        self.as_nobody(lambda: self.fails(errno.EACCES, get, self.a))
        self.as_nobody(lambda: self.fails(errno.EACCES, put, self.b, b""))
        self.as_nobody(lambda: self.fails(errno.EACCES, os.unlink, self.a))
        os.chmod(self.dir, 0o1777)
        self.as_nobody(lambda: self.fails(errno.EPERM, os.unlink, self.a))  # the sticky bit
        self.as_nobody(lambda: put(self.b, b"mine"))
        self.assertEqual(os.stat(self.b).st_uid, 65534)
        self.assertEqual(os.access(self.a, os.R_OK), True)

    def as_nobody(self, call) -> None:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                call()
                code = 0
            finally:
                os._exit(code)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_extended_attributes(self):
        put(self.a, b"")
        os.setxattr(self.a, "user.one", b"1")
        os.setxattr(self.a, "user.big", b"b" * 60000)
        os.setxattr(self.a, "user.empty", b"")
        self.assertEqual(sorted(os.listxattr(self.a)), ["user.big", "user.empty", "user.one"])
        self.assertEqual(os.getxattr(self.a, "user.big"), b"b" * 60000)
        self.assertEqual(os.getxattr(self.a, "user.empty"), b"")
        self.fails(errno.EEXIST, os.setxattr, self.a, "user.one", b"2", os.XATTR_CREATE)
        self.fails(errno.ENODATA, os.setxattr, self.a, "user.two", b"2", os.XATTR_REPLACE)
        os.removexattr(self.a, "user.one")
        self.fails(errno.ENODATA, os.getxattr, self.a, "user.one")
        self.fails(errno.ENODATA, os.removexattr, self.a, "user.one")

    def test_access_control_lists(self):
        def acl(*arguments: str) -> None:
            subprocess.run(["setfacl", *arguments], check=True)

        put(self.a, b"x")
        os.chmod(self.a, 0o600)
        os.chmod(self.dir, 0o755)
        if os.geteuid() == 0:
            self.as_nobody(lambda: self.fails(errno.EACCES, get, self.a))
            acl("-m", "u:65534:r", self.a)
            self.as_nobody(lambda: get(self.a))
        acl("-m", "u:12345:rw", self.a)
        self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), 0o660)
        os.chmod(self.a, 0o600)
        self.assertIn(b"#effective:---", subprocess.check_output(["getfacl", "-cp", self.a]))
        acl("-b", self.a)
        self.assertNotIn("system.posix_acl_access", os.listxattr(self.a))

        acl("-d", "-m", "u:12345:rwx,g::rwx,o::---", self.dir)
        old = os.umask(0o077)  # a default list takes its place
        put(self.b, b"")
        os.mkdir(self.dir + "/sub")
        os.umask(old)
        self.assertEqual(stat.S_IMODE(os.stat(self.b).st_mode), 0o660)
        self.assertIn(b"user:12345:rwx", subprocess.check_output(["getfacl", "-cp", self.b]))
        self.assertIn(b"default:user:12345:rwx",
                      subprocess.check_output(["getfacl", "-cp", self.dir + "/sub"]))

    def test_space(self):
        space = os.statvfs(self.dir)
        self.assertEqual(space.f_namemax, 255)
        self.assertGreater(space.f_blocks, space.f_bfree)
        self.assertGreater(space.f_files, 0)

    # ---- directories

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

    # ---- locks

    def test_locks(self):
        with open(self.a, "w") as one, open(self.a, "w") as two:
            fcntl.flock(one, fcntl.LOCK_EX)
            self.fails(errno.EAGAIN, fcntl.flock, two, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(one, fcntl.LOCK_EX)


unittest.main(verbosity=1)
