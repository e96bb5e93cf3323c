# SPDX-License-Identifier: MIT
"""The bytes of files: reading, writing, holes, mappings."""
import errno
import mmap
import os
import shutil
import signal
import subprocess
import threading

from support import (FALLOC_COLLAPSE_RANGE, FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, FALLOC_ZERO_RANGE, Case, fallocate,
                     get, in_child, put)


class Contents(Case):

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

    def test_holes_and_data_that_was_just_written(self):
        """What only the page cache holds is data, for the writer and for others."""
        writer = os.open(self.a, os.O_RDWR | os.O_CREAT)
        self.addCleanup(os.close, writer)
        reader = os.open(self.a, os.O_RDONLY)
        self.addCleanup(os.close, reader)
        for position in (0, 1 << 20, 300 << 20):
            os.pwrite(writer, b"x" * 8192, position)
            self.assertGreater(os.fstat(writer).st_blocks, 0)
            for fd in (writer, reader):
                self.assertEqual(os.lseek(fd, max(position - 1, 0), os.SEEK_DATA), position)
                self.assertEqual(os.lseek(fd, position, os.SEEK_HOLE), position + 8192)
                self.fails(errno.ENXIO, os.lseek, fd, position + 8192, os.SEEK_DATA)
        os.ftruncate(writer, 1 << 30)
        view = mmap.mmap(writer, 4096, offset=600 << 20)
        view[:4096] = b"m" * 4096
        for fd in (writer, reader):
            self.assertEqual(os.lseek(fd, 400 << 20, os.SEEK_DATA), 600 << 20)
        view.close()

    def test_blocks_of_an_empty_file_that_is_written_later(self):
        """tar --sparse takes a file without blocks for one that is nothing but a hole."""
        put(self.a, b"")
        os.truncate(self.a, 1 << 20)
        listed = {entry.name: entry for entry in os.scandir(self.dir)}
        self.assertEqual(listed[os.path.basename(self.a)].stat().st_blocks, 0)
        self.assertEqual(os.stat(self.a).st_blocks, 0)
        fd = os.open(self.a, os.O_WRONLY)
        os.pwrite(fd, b"x", 5000)
        self.assertGreater(os.stat(self.a).st_blocks, 0)
        os.close(fd)
        self.assertGreater(os.stat(self.a).st_blocks, 0)

    def test_blocks_of_a_file_that_was_written_before_it_got_its_size(self):
        for size in (4096, 8192, 20000):
            fd = os.open(self.a, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            self.addCleanup(os.close, fd)
            os.write(fd, b"x" * 8192)
            os.ftruncate(fd, size)
            self.assertGreater(os.fstat(fd).st_blocks, 0)

    def test_blocks_of_a_new_file_that_gets_another_owner(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        fd = os.open(self.a, os.O_WRONLY | os.O_CREAT)
        os.chown(self.a, 1, 1)
        os.close(fd)
        self.assertEqual(os.stat(self.a).st_blocks, 0)
        fd = os.open(self.b, os.O_RDWR | os.O_CREAT)
        self.addCleanup(os.close, fd)
        os.pwrite(fd, b"x", 5000)
        os.fchown(fd, 1, 1)
        self.assertGreater(os.fstat(fd).st_blocks, 0)
        self.assertIn(os.lseek(fd, 0, os.SEEK_DATA), (4096, 5000))

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

    def test_fallocate_changes_the_times(self):
        put(self.a, b"x" * 10000)
        fd = os.open(self.a, os.O_RDWR)
        self.addCleanup(os.close, fd)
        for mode, offset in ((0, 0), (FALLOC_KEEP_SIZE, 20000),
                             (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 20000)):
            os.utime(self.a, ns=(0, 0))
            fallocate(fd, mode, offset, 4096)
            self.assertGreater(os.stat(self.a).st_mtime_ns, 0, (mode, offset))

    def test_truncating_to_the_same_size(self):
        """The time that is shown is the one that is kept: see semantics.sh, which mounts again."""
        put(self.a, b"abc")
        os.utime(self.a, ns=(0, 0))
        os.truncate(self.a, 3)
        self.assertEqual(get(self.a), b"abc")
        put(self.b, b"abc")
        fd = os.open(self.b, os.O_WRONLY)
        os.utime(self.b, ns=(0, 0))
        os.ftruncate(fd, 3)
        os.close(fd)
        self.assertGreater(os.stat(self.b).st_mtime_ns, 0)

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

    def test_appends_of_several_processes_lose_nothing(self):
        processes, lines = 6, 400

        def work(letter: bytes) -> None:
            for i in range(lines):
                fd = os.open(self.a, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.write(fd, letter * (1 + i % 300) + b"\n")
                os.close(fd)

        children = []
        for n in range(processes):
            child = os.fork()
            if child == 0:
                work(bytes([65 + n]))
                os._exit(0)
            children.append(child)
        for child in children:
            self.assertEqual(os.waitpid(child, 0)[1], 0)
        found = sorted(get(self.a).splitlines())
        self.assertEqual(found, sorted(bytes([65 + n]) * (1 + i % 300)
                                       for n in range(processes) for i in range(lines)))

    def test_writing_elsewhere_in_a_file_that_is_opened_for_appending(self):
        fd = os.open(self.a, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.addCleanup(os.close, fd)
        os.write(fd, b"0123456789")
        rwf_noappend = 0x20
        try:
            os.pwritev(fd, [b"ab"], 3, rwf_noappend)
        except OSError as error:
            self.assertEqual(error.errno, errno.EOPNOTSUPP)
            self.skipTest("this kernel is older than 6.9")
        os.pwrite(fd, b"end", 0)  # on Linux at the end all the same
        self.assertEqual(get(self.a), b"012ab56789end")

    def test_sparse_file_of_16_tib(self):
        end = (1 << 44) - 4096  # ext4 ends one block before
        fd = os.open(self.a, os.O_RDWR | os.O_CREAT)
        os.pwrite(fd, b"last", end - 4)
        os.pwrite(fd, b"first", 0)
        os.fsync(fd)
        self.assertEqual(os.fstat(fd).st_size, end)
        self.assertLess(os.fstat(fd).st_blocks, 64)
        self.assertEqual(os.pread(fd, 8, end - 4), b"last")
        self.assertEqual(os.pread(fd, 8, 1 << 43), bytes(8))
        found = os.lseek(fd, 1 << 20, os.SEEK_DATA)  # to the byte, or to the block
        self.assertTrue((end - 4) // 4096 * 4096 <= found <= end - 4, found)
        os.ftruncate(fd, 1 << 43)
        self.assertEqual(os.pread(fd, 5, 0), b"first")
        os.close(fd)

    def test_ranges_are_not_collapsed_nor_inserted(self):
        put(self.a, b"x" * 10000)
        fd = os.open(self.a, os.O_RDWR)
        # Not a multiple of a block: ext4, too, has to refuse.
        with self.assertRaises(OSError) as caught:
            fallocate(fd, FALLOC_COLLAPSE_RANGE, 100, 100)
        self.assertIn(caught.exception.errno, (errno.EOPNOTSUPP, errno.EINVAL))
        os.close(fd)
        self.assertEqual(get(self.a), b"x" * 10000)

    def test_posix_fallocate_makes_room(self):
        fd = os.open(self.a, os.O_RDWR | os.O_CREAT)
        os.posix_fallocate(fd, 1000, 2000)
        self.assertEqual(os.fstat(fd).st_size, 3000)
        self.assertEqual(os.pread(fd, 4000, 0), bytes(3000))
        self.fails(errno.EINVAL, os.posix_fallocate, fd, 0, 0)
        os.close(fd)

    def test_private_mapping_changes_nothing(self):
        put(self.a, b"x" * 8192)
        with open(self.a, "r+b") as file, mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE) as memory:
            memory[0:4] = b"mine"
            self.assertEqual(get(self.a)[:4], b"xxxx")
            file.write(b"late")
            file.flush()
            self.assertEqual(get(self.a)[:4], b"late")
            self.assertEqual(memory[0:4], b"mine")

    def test_mapping_sees_writes_and_is_seen(self):
        put(self.a, bytes(8192))
        with open(self.a, "r+b", buffering=0) as file, mmap.mmap(file.fileno(), 0) as memory:
            file.write(b"written")
            self.assertEqual(memory[:7], b"written")
            memory[4096:4102] = b"mapped"
            self.assertEqual(os.pread(file.fileno(), 6, 4096), b"mapped")

    def test_mapping_of_a_file_that_shrinks(self):
        def work(touch: int) -> None:
            put(self.a, b"x" * 16384)
            with open(self.a, "r+b") as file, mmap.mmap(file.fileno(), 16384) as memory:
                os.ftruncate(file.fileno(), 5000)
                os._exit(memory[touch])

        self.assertEqual(os.waitstatus_to_exitcode(in_child(lambda: work(4096))), ord("x"))
        self.assertEqual(os.waitstatus_to_exitcode(in_child(lambda: work(6000))), 0)
        self.assertEqual(os.waitstatus_to_exitcode(in_child(lambda: work(8192))), -signal.SIGBUS)
        os.truncate(self.a, 16384)
        self.assertEqual(get(self.a), b"x" * 5000 + bytes(11384))

    def test_executable_in_use_cannot_be_written(self):
        shutil.copy("/bin/sleep", self.a)
        running = subprocess.Popen([self.a, "60"])
        try:
            self.fails(errno.ETXTBSY, os.open, self.a, os.O_WRONLY)
        finally:
            running.kill()
            running.wait()
