# SPDX-License-Identifier: MIT
"""Names: making, renaming, linking and removing them."""
import errno
import os
import stat

from support import (NOBODY, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, Case, get, put,
                     rename2)


class Names(Case):

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

    def test_rename_leaves_a_whiteout(self):
        def is_whiteout(path: str) -> bool:
            there = os.lstat(path)
            return (there.st_mode, there.st_rdev, there.st_nlink) == (stat.S_IFCHR, 0, 1)

        put(self.a, b"x")
        os.mkdir(self.b)
        rename2(self.a, self.b + "/x", RENAME_WHITEOUT)
        self.assertTrue(is_whiteout(self.a))
        self.assertEqual(get(self.b + "/x"), b"x")
        links = os.stat(self.dir).st_nlink
        rename2(self.b, self.dir + "/c", RENAME_WHITEOUT | RENAME_NOREPLACE)
        self.assertTrue(is_whiteout(self.b))
        self.assertEqual(os.stat(self.dir).st_nlink, links)
        self.fails(errno.EEXIST, rename2, self.dir + "/c/x", self.a,
                   RENAME_WHITEOUT | RENAME_NOREPLACE)
        self.assertEqual(sorted(os.listdir(self.dir)), ["a", "b", "c"])
        os.unlink(self.a)
        os.rename(self.b, self.a)
        self.assertTrue(is_whiteout(self.a))
        os.unlink(self.a)

    def test_whiteouts_are_for_everybody(self):
        os.chmod(self.dir, 0o777)
        self.as_nobody(lambda: put(self.a, b"x"))
        self.as_nobody(lambda: rename2(self.a, self.b, RENAME_WHITEOUT))
        if os.geteuid() == 0:
            self.assertEqual(os.stat(self.a).st_uid, NOBODY)

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

    def test_links_across_directories(self):
        os.mkdir(self.b)
        put(self.a, b"x")
        os.link(self.a, self.b + "/other")
        os.rename(self.a, self.b + "/third")
        self.assertEqual(os.stat(self.b + "/other").st_nlink, 2)
        self.assertEqual(os.listdir(self.dir), ["b"])
        self.fails(errno.EPERM, os.link, self.b, self.a)

    def test_renaming_one_name_of_a_file_to_another_does_nothing(self):
        put(self.a, b"x")
        os.link(self.a, self.b)
        os.rename(self.a, self.b)
        self.assertEqual(sorted(os.listdir(self.dir)), ["a", "b"])

    def test_symlinks_are_as_long_as_paths(self):
        os.symlink("s" * 4095, self.a)
        self.assertEqual(os.readlink(self.a), "s" * 4095)
        self.fails(errno.ENAMETOOLONG, os.symlink, "s" * 4096, self.b)
        self.fails(errno.ENOENT, os.symlink, "", self.b)

    def test_loops_of_symlinks(self):
        os.symlink("b", self.a)
        os.symlink("a", self.b)
        self.fails(errno.ELOOP, os.stat, self.a)
        self.fails(errno.ELOOP, os.open, self.a, os.O_RDONLY)
        previous = self.dir
        for i in range(41):  # the kernel follows 40
            os.symlink(previous, f"{self.dir}/{i}")
            previous = f"{self.dir}/{i}"
        os.stat(f"{self.dir}/39")
        self.fails(errno.ELOOP, os.stat, f"{self.dir}/40")

    def test_exchange_of_a_file_and_a_directory(self):
        put(self.a, b"x")
        os.makedirs(self.b + "/sub/below")
        links = os.stat(self.b).st_nlink
        rename2(self.a, self.b + "/sub", RENAME_EXCHANGE)
        self.assertEqual(get(self.b + "/sub"), b"x")
        self.assertEqual(os.listdir(self.a), ["below"])
        self.assertEqual(os.stat(self.b).st_nlink, links - 1)
        self.assertEqual(os.stat(self.a + "/..").st_ino, os.stat(self.dir).st_ino)
        self.fails(errno.ENOENT, rename2, self.a, self.dir + "/none", RENAME_EXCHANGE)

    def test_set_group_id_directory_gives_its_group(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        os.chown(self.dir, -1, 4321)
        os.chmod(self.dir, 0o2777)
        self.as_nobody(lambda: put(self.a, b""))
        self.as_nobody(lambda: os.mkdir(self.b))
        self.assertEqual((os.stat(self.a).st_uid, os.stat(self.a).st_gid), (65534, 4321))
        self.assertEqual(stat.S_IMODE(os.stat(self.b).st_mode) & 0o2000, 0o2000)

    def test_sticky_directory(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        put(self.a, b"root's")
        os.chmod(self.dir, 0o1777)
        self.as_nobody(lambda: self.fails(errno.EPERM, os.rename, self.a, self.b))
        self.as_nobody(lambda: put(self.b, b"mine"))
        self.as_nobody(lambda: self.fails(errno.EPERM, os.rename, self.b, self.a))
        self.as_nobody(lambda: os.unlink(self.b))
