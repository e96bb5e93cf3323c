# SPDX-License-Identifier: MIT
"""Modes, owners, times, permissions, extended attributes, lists of access control."""
import errno
import os
import stat
import subprocess
import time

from support import FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, NOBODY, Case, fallocate, get, put


class Attributes(Case):

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

    def test_what_clears_set_ids_of_an_open_file(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        put(self.a, b"x" * 10000)
        os.chmod(self.a, 0o666)
        fd = os.open(self.a, os.O_RDWR)
        self.addCleanup(os.close, fd)
        clears = {
            "write": lambda: os.pwrite(fd, b"1", 0),
            "append": lambda: os.pwrite(fd, b"1", 10000),
            "truncate": lambda: os.ftruncate(fd, 9000),
            "fallocate": lambda: os.posix_fallocate(fd, 0, 20000),
            "punch": lambda: fallocate(fd, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 0, 4096),
        }
        for name, clear in clears.items():
            os.chmod(self.a, 0o6777)
            clear()  # root may
            self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), 0o6777, name)
            self.as_nobody(clear)
            self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), 0o777, name)
        os.chmod(self.a, 0o6755)
        os.chown(self.a, -1, -1)
        self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), 0o755)
        os.fsync(fd)
        self.assertEqual(os.pread(fd, 2, 0), bytes(2))

    def test_who_clears_set_group_id_without_execute(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        put(self.a, b"x" * 10000)
        fd = os.open(self.a, os.O_RDWR)
        self.addCleanup(os.close, fd)
        clears = {
            "write": lambda: os.pwrite(fd, b"1", 0),
            "append": lambda: os.pwrite(fd, b"1", os.fstat(fd).st_size),
            "ftruncate": lambda: os.ftruncate(fd, 9000),
            "truncate": lambda: os.truncate(self.a, 9500),
            "fallocate": lambda: os.posix_fallocate(fd, 0, 20000),
            "punch": lambda: fallocate(fd, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 0, 4096),
        }
        for group, left in ((4321, 0o766), (NOBODY, 0o2766)):
            for name, clear in clears.items():
                os.chown(self.a, 1, group)
                os.chmod(self.a, 0o6766)
                self.as_nobody(clear)
                self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), left, (name, group))
            os.chown(self.a, NOBODY, group)
            os.chmod(self.a, 0o6766)
            self.as_nobody(lambda: os.chown(self.a, -1, NOBODY))
            self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), left, ("chown", group))

    def test_writing_takes_the_capability(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give one")
        capability = bytes.fromhex("0100000200040000000000000000000000000000")  # cap_net_bind_service
        put(self.a, b"x")
        fd = os.open(self.a, os.O_RDWR)
        self.addCleanup(os.close, fd)
        takes = {
            "write": lambda: os.pwrite(fd, b"1", 0),
            "truncate": lambda: os.ftruncate(fd, 1),
            "chown": lambda: os.chown(self.a, 1, 1),
        }
        for name, take in takes.items():
            os.setxattr(self.a, "security.capability", capability)
            take()
            self.fails(errno.ENODATA, os.getxattr, self.a, "security.capability")
            take()

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

    def test_times_far_away(self):
        put(self.a, b"")
        os.mkdir(self.b)
        # ext4's first and last second, and what is not its own in a 64-bit count of nanoseconds.
        for seconds in (-(1 << 31), (1 << 31) - 1, 1 << 31, (1 << 32) + 5, 10**10, 15_032_385_535):
            times = (seconds * 10**9 + 123_456_789, seconds * 10**9 + 987_654_321)
            for path in (self.a, self.b):
                os.utime(path, ns=times)
                info = os.stat(path)
                self.assertEqual((info.st_atime_ns, info.st_mtime_ns), times)

    def test_changing_the_owner_clears_set_ids(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        put(self.a, b"x")
        os.chmod(self.a, 0o6755)
        os.chown(self.a, 1234, 1234)
        self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), 0o755)
        os.chmod(self.a, 0o2745)  # no group-execute: this means mandatory locking, and stays
        os.chown(self.a, 1235, 1235)
        self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), 0o2745)

    def test_truncating_by_another_clears_set_ids(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        put(self.a, b"long")
        os.chmod(self.a, 0o6777)
        self.as_nobody(lambda: os.truncate(self.a, 2))
        self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), 0o777)

    def test_group_of_a_stranger_cannot_be_set_with_set_group_id(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        put(self.a, b"")
        os.chown(self.a, 65534, 4321)
        self.as_nobody(lambda: os.chmod(self.a, 0o2755))
        self.assertEqual(stat.S_IMODE(os.stat(self.a).st_mode), 0o755)

    def test_namespaces_of_extended_attributes(self):
        put(self.a, b"")
        os.symlink("a", self.b)
        self.fails(errno.EOPNOTSUPP, os.setxattr, self.a, "other.name", b"1")
        self.fails(errno.EPERM, lambda: os.setxattr(self.b, "user.on_a_link", b"1",
                                                    follow_symlinks=False))
        if os.geteuid() != 0:
            return
        os.setxattr(self.a, "trusted.name", b"1")
        os.setxattr(self.a, "security.name", b"2")
        os.setxattr(self.b, "trusted.on_a_link", b"3", follow_symlinks=False)
        self.assertEqual(sorted(os.listxattr(self.a)), ["security.name", "trusted.name"])
        os.chmod(self.a, 0o666)
        self.as_nobody(lambda: self.assertNotIn("trusted.name", os.listxattr(self.a)))
        self.as_nobody(lambda: self.fails(errno.EPERM, os.setxattr, self.a, "trusted.x", b""))

    def test_limits_of_extended_attributes(self):
        put(self.a, b"")
        longest = "user." + "n" * 250
        os.setxattr(self.a, longest, b"v")
        self.assertEqual(os.listxattr(self.a), [longest])
        self.fails(errno.ERANGE, os.setxattr, self.a, longest + "n", b"v")
        self.fails(errno.E2BIG, os.setxattr, self.a, "user.big", b"v" * 65537)

    def test_birth_time_stays(self):
        # Python has no statx; stat(1) says 0 where the filesystem cannot tell.
        def birth() -> str:
            return subprocess.check_output(["stat", "-c", "%.9W", self.a]).decode()

        put(self.a, b"x")
        first = birth()
        if float(first) == 0:  # libfuse before 3.18
            self.skipTest("no birth time")
        self.assertLess(abs(float(first) - time.time()), 60)
        os.utime(self.a, ns=(0, 0))
        with open(self.a, "ab") as file:
            file.write(b"y")
        self.assertEqual(birth(), first)

    def test_space_is_that_of_the_disk_below(self):
        mine, host = os.statvfs(self.dir), os.statvfs(os.path.dirname(os.path.dirname(self.root)))
        self.assertEqual(mine.f_blocks * mine.f_frsize, host.f_blocks * host.f_frsize)
        self.assertLessEqual(mine.f_bavail * mine.f_frsize, host.f_bavail * host.f_frsize + (1 << 30))
        used = (mine.f_blocks - mine.f_bfree) * mine.f_frsize
        self.assertLess(abs(used - (host.f_blocks - host.f_bfree) * host.f_frsize), 1 << 30)
        files = mine.f_files - mine.f_ffree
        put(self.a, b"")
        self.assertEqual(os.statvfs(self.dir).f_files - os.statvfs(self.dir).f_ffree, files + 1)
