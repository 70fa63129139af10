"""Laws of open(2), of offsets, sizes and holes. Mixed into a class that gives a directory."""

import errno
import os
import stat

from syscalls import (
    FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE,
    fallocate)
from shared import in_child

O_PATH = os.O_PATH


class OpenLaws:
    def test_open_creates_only_when_asked(self):
        self.assertErrno(errno.ENOENT, os.open, self.d / "none", os.O_RDWR)
        self.assertErrno(errno.ENOENT, os.open, self.d / "none" / "below", os.O_CREAT | os.O_RDWR)
        descriptor = self.opened(self.d / "new", os.O_CREAT | os.O_RDWR, 0o640)
        status = os.fstat(descriptor)
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_size, status.st_nlink),
                         (0o640, 0, 1))
        self.assertEqual((status.st_uid, status.st_gid), (os.geteuid(), os.getegid()))

    def test_umask_takes_bits_from_what_is_made(self):
        os.umask(0o027)
        self.opened(self.d / "file", os.O_CREAT | os.O_RDWR, 0o777)
        os.mkdir(self.d / "directory", 0o777)
        os.mkfifo(self.d / "fifo", 0o666)
        modes = [oct(stat.S_IMODE((self.d / name).stat().st_mode))
                 for name in ("file", "directory", "fifo")]
        self.assertEqual(modes, ["0o750", "0o750", "0o640"])

    def test_exclusive_creation_fails_on_every_kind_of_name(self):
        self.file("file")
        self.directory("directory")
        os.symlink("nowhere", self.d / "dangling")
        os.mkfifo(self.d / "fifo")
        for name in ("file", "directory", "dangling", "fifo"):
            self.assertErrno(errno.EEXIST, os.open, self.d / name,
                             os.O_CREAT | os.O_EXCL | os.O_RDWR)
        self.assertFalse((self.d / "nowhere").exists())

    def test_creation_through_a_dangling_link_makes_its_target(self):
        os.symlink("target", self.d / "link")
        self.opened(self.d / "link", os.O_CREAT | os.O_RDWR)
        self.assertTrue(stat.S_ISREG((self.d / "target").lstat().st_mode))
        self.assertTrue((self.d / "link").is_symlink())

    def test_truncation_at_open_empties(self):
        path = self.file("file", b"content")
        reader = self.opened(path, os.O_RDONLY)
        self.opened(path, os.O_WRONLY | os.O_TRUNC)
        self.assertEqual((path.stat().st_size, os.read(reader, 10)), (0, b""))

    def test_directories_open_for_reading_only(self):
        path = self.directory()
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_CREAT, os.O_WRONLY | os.O_TRUNC):
            self.assertErrno(errno.EISDIR, os.open, path, flags)
        descriptor = self.opened(path, os.O_RDONLY | os.O_DIRECTORY)
        self.assertErrno(errno.EISDIR, os.read, descriptor, 1)
        self.assertErrno(errno.EBADF, os.write, descriptor, b"x")
        self.assertErrno((errno.EINVAL, errno.EBADF), os.ftruncate, descriptor, 0)
        self.assertEqual(os.listdir(descriptor), [])

    def test_o_directory_and_o_nofollow_refuse_other_kinds(self):
        path = self.file()
        os.symlink("file", self.d / "link")
        self.directory()
        os.symlink("directory", self.d / "to-directory")
        self.assertErrno(errno.ENOTDIR, os.open, path, os.O_RDONLY | os.O_DIRECTORY)
        self.assertErrno(errno.ELOOP, os.open, self.d / "link", os.O_RDONLY | os.O_NOFOLLOW)
        self.assertErrno(errno.ENOTDIR, os.open, self.d / "to-directory",
                         os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        self.opened(self.d / "to-directory", os.O_RDONLY | os.O_DIRECTORY)

    def test_o_path_names_without_opening(self):
        path = self.file("file", b"x", mode=0)
        descriptor = self.opened(path, O_PATH)
        self.assertErrno(errno.EBADF, os.read, descriptor, 1)
        self.assertErrno(errno.EBADF, os.write, descriptor, b"x")
        self.assertErrno(errno.EBADF, os.fchmod, descriptor, 0o600)
        self.assertEqual(os.fstat(descriptor).st_ino, path.stat().st_ino)
        os.symlink("file", self.d / "link")
        link = self.opened(self.d / "link", O_PATH | os.O_NOFOLLOW)
        self.assertTrue(stat.S_ISLNK(os.fstat(link).st_mode))
        self.assertEqual(os.readlink("", dir_fd=link), "file")
        below = self.opened(self.d, O_PATH | os.O_DIRECTORY)
        self.assertEqual(os.stat("file", dir_fd=below).st_size, 1)

    def test_access_modes_hold(self):
        path = self.file("file", b"content")
        reader, writer = self.opened(path, os.O_RDONLY), self.opened(path, os.O_WRONLY)
        self.assertErrno(errno.EBADF, os.write, reader, b"x")
        self.assertErrno(errno.EBADF, os.read, writer, 1)
        self.assertErrno((errno.EINVAL, errno.EBADF), os.ftruncate, reader, 0)
        self.assertEqual(path.read_bytes(), b"content")

    def test_a_new_file_is_writable_by_its_maker_whatever_its_mode(self):
        for mode in (0o444, 0):
            descriptor = self.opened(self.d / f"file-{mode}", os.O_CREAT | os.O_RDWR, mode)
            os.write(descriptor, b"written")
            self.assertEqual(os.pread(descriptor, 10, 0), b"written")
            self.assertEqual(stat.S_IMODE(os.fstat(descriptor).st_mode), mode)

    def test_appending_handles_write_at_the_end_of_each_other(self):
        path = self.file("log", b"start\n")
        one = self.opened(path, os.O_WRONLY | os.O_APPEND)
        two = self.opened(path, os.O_RDWR | os.O_APPEND)
        for number in range(20):
            os.write(one, b"one %d\n" % number)
            os.lseek(two, 0, os.SEEK_SET)
            os.write(two, b"two %d\n" % number)
        os.pwrite(two, b"pwrite appends on Linux\n", 0)
        expected = b"start\n" + b"".join(b"one %d\ntwo %d\n" % (n, n) for n in range(20))
        self.assertEqual(path.read_bytes(), expected + b"pwrite appends on Linux\n")

    def test_appending_processes_lose_no_line(self):
        path = self.file("log")

        def append(word):
            with open(path, "ab", 0) as file:
                for number in range(100):
                    file.write(b"%s %d\n" % (word, number))
        children = []
        for word in (b"one", b"two", b"three"):
            child = os.fork()
            if child == 0:
                try:
                    append(word)
                    os._exit(0)
                finally:
                    os._exit(1)
            children.append(child)
        for child in children:
            self.assertEqual(os.waitpid(child, 0)[1], 0)
        lines = path.read_bytes().splitlines()
        self.assertEqual(sorted(lines), sorted(
            b"%s %d" % (word, n) for word in (b"one", b"two", b"three") for n in range(100)))

    def test_a_log_that_is_emptied_goes_on_from_its_start_only_when_it_is_appended_to(self):
        path = self.file("log")
        append, write = self.opened(path, os.O_WRONLY | os.O_APPEND), self.opened(path)
        os.write(append, b"12345")
        os.truncate(path, 0)
        os.write(append, b"abc")
        self.assertEqual(path.read_bytes(), b"abc")
        os.lseek(write, 5, os.SEEK_SET)
        os.truncate(path, 0)
        os.write(write, b"abc")
        self.assertEqual(path.read_bytes(), bytes(5) + b"abc")

    def test_paths_that_cannot_be_walked(self):
        path = self.file()
        os.symlink("loop", self.d / "loop")
        os.symlink("b", self.d / "a")
        os.symlink("a", self.d / "b")
        self.assertErrno(errno.ENOTDIR, os.stat, path / "below")
        self.assertErrno(errno.ENOTDIR, os.open, path / "below", os.O_CREAT | os.O_RDWR)
        self.assertErrno(errno.ELOOP, os.stat, self.d / "loop")
        self.assertErrno(errno.ELOOP, os.open, self.d / "a" / "x", os.O_CREAT | os.O_RDWR)
        self.assertErrno(errno.ENAMETOOLONG, os.stat, f"{self.d}/" + "a/" * 2500)
        self.assertErrno(errno.ENOENT, os.stat, "")
        self.assertEqual((self.d / "." / ".." / self.d.name / "file").stat().st_ino,
                         path.stat().st_ino)

    def test_names_have_255_bytes_at_most(self):
        for name in ("n" * 255, "ü" * 127 + "x", "🐟" * 63 + "xyz"):
            path = self.file(name, b"x")
            self.assertEqual(path.read_bytes(), b"x")
            self.assertIn(name, os.listdir(self.d))
        for name in ("n" * 256, "ü" * 128):
            for call in (os.stat, os.mkdir, os.unlink, os.rmdir, os.mkfifo, os.listdir):
                self.assertErrno(errno.ENAMETOOLONG, call, self.d / name)
            self.assertErrno(errno.ENAMETOOLONG, os.open, self.d / name, os.O_CREAT | os.O_RDWR)
            self.assertErrno(errno.ENAMETOOLONG, os.symlink, "x", self.d / name)
            self.assertErrno(errno.ENAMETOOLONG, os.rename, self.d / ("n" * 255), self.d / name)

    def test_a_slash_at_the_end_means_a_directory(self):
        self.file()
        self.assertErrno(errno.ENOTDIR, os.stat, f"{self.d}/file/")
        self.assertErrno(errno.ENOTDIR, os.unlink, f"{self.d}/file/")
        self.assertErrno(errno.EISDIR, os.open, f"{self.d}/new/", os.O_CREAT | os.O_RDWR)
        os.mkdir(f"{self.d}/directory/")
        os.rename(f"{self.d}/directory/", f"{self.d}/moved/")
        os.rmdir(f"{self.d}/moved/")
        self.assertEqual(os.listdir(self.d), ["file"])


class OffsetLaws:
    def test_positional_reads_and_writes_leave_the_offset_alone(self):
        descriptor = self.opened(self.file("file", b"0123456789"))
        self.assertEqual(os.pread(descriptor, 3, 4), b"456")
        os.pwrite(descriptor, b"xyz", 4)
        self.assertEqual(os.lseek(descriptor, 0, os.SEEK_CUR), 0)
        self.assertEqual(os.read(descriptor, 20), b"0123xyz789")
        self.assertEqual(os.read(descriptor, 20), b"")
        self.assertEqual(os.pread(descriptor, 20, 10), b"")
        self.assertEqual(os.pread(descriptor, 20, 1 << 40), b"")

    def test_vectors_are_read_and_written_in_order(self):
        descriptor = self.opened(self.file())
        self.assertEqual(os.writev(descriptor, [b"one", b"", b"two", b"three"]), 11)
        self.assertEqual(os.pwritev(descriptor, [b"TWO", b"TH"], 3), 5)
        parts = [bytearray(4), bytearray(0), bytearray(100)]
        self.assertEqual(os.preadv(descriptor, parts, 1), 10)
        self.assertEqual(parts[0] + parts[2][:6], b"neTWOTHree")
        os.lseek(descriptor, 0, os.SEEK_SET)
        self.assertEqual(os.readv(descriptor, [bytearray(5), bytearray(6)]), 11)

    def test_writing_beyond_the_end_leaves_zeros(self):
        path = self.file("file", b"start")
        descriptor = self.opened(path)
        os.pwrite(descriptor, b"end", 100_000)
        self.assertEqual(os.fstat(descriptor).st_size, 100_003)
        self.assertEqual(path.read_bytes(), b"start" + bytes(99_995) + b"end")

    def test_seeking_changes_no_size(self):
        descriptor = self.opened(self.file("file", b"12345"))
        self.assertEqual(os.lseek(descriptor, 1000, os.SEEK_SET), 1000)
        self.assertEqual(os.read(descriptor, 1), b"")
        self.assertEqual(os.lseek(descriptor, -2, os.SEEK_END), 3)
        self.assertEqual(os.read(descriptor, 9), b"45")
        self.assertErrno(errno.EINVAL, os.lseek, descriptor, -1, os.SEEK_SET)
        self.assertEqual(os.fstat(descriptor).st_size, 5)

    def test_what_truncation_cut_comes_back_as_zeros(self):
        path = self.file("file", b"x" * 10_000)
        descriptor = self.opened(path)
        os.ftruncate(descriptor, 5_000)
        os.ftruncate(descriptor, 12_000)
        self.assertEqual(path.read_bytes(), b"x" * 5_000 + bytes(7_000))
        os.truncate(path, 0)
        os.pwrite(descriptor, b"y", 2)
        self.assertEqual(path.read_bytes(), b"\0\0y")

    def test_truncation_that_is_refused(self):
        path = self.file("file", b"x")
        self.assertErrno(errno.EINVAL, os.truncate, path, -1)
        self.assertErrno(errno.ENOENT, os.truncate, self.d / "none", 0)
        self.assertErrno(errno.EISDIR, os.truncate, self.directory(), 0)
        self.assertErrno(errno.ENOTDIR, os.truncate, path / "below", 0)

    def test_offsets_beyond_four_gibibytes(self):
        path = self.file()
        descriptor = self.opened(path)
        offset = (6 << 30) + 7
        os.pwrite(descriptor, b"far", offset)
        self.assertEqual(path.stat().st_size, offset + 3)
        self.assertEqual(os.pread(descriptor, 10, offset - 2), b"\0\0far")
        self.assertEqual(os.lseek(descriptor, 0, os.SEEK_END), offset + 3)
        os.ftruncate(descriptor, 3)
        self.assertEqual(path.read_bytes(), bytes(3))

    def test_handles_of_one_file_see_each_other_at_once(self):
        path = self.file()
        one, two = self.opened(path), self.opened(path)
        os.write(one, b"written")
        self.assertEqual((os.read(two, 20), path.stat().st_size), (b"written", 7))
        os.ftruncate(two, 2)
        self.assertEqual(os.pread(one, 20, 0), b"wr")
        self.assertEqual(in_child(lambda: os.pread(one, 20, 0).decode()), "wr")

    def test_an_empty_write_changes_nothing(self):
        path = self.file("file", b"x")
        descriptor = self.opened(path)
        self.assertEqual(self.moved(lambda: os.write(descriptor, b""), file=path), set())
        self.assertEqual(os.pwrite(descriptor, b"", 100), 0)
        self.assertEqual(path.read_bytes(), b"x")

    def test_blocks_are_counted_in_512_bytes(self):
        path = self.file("file", b"x" * 1_000_000)
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
        self.assertGreaterEqual(path.stat().st_blocks * 512, 1_000_000)
        self.assertLess(path.stat().st_blocks * 512, 1_100_000)
        self.assertEqual(self.file("empty").stat().st_blocks, 0)


class HoleLaws:
    def test_data_and_holes_are_found(self):
        path = self.file()
        descriptor = self.opened(path)
        os.pwrite(descriptor, b"x" * 65536, 1 << 20)
        os.ftruncate(descriptor, 3 << 20)
        data = os.lseek(descriptor, 0, os.SEEK_DATA)
        self.assertIn(data, (0, 1 << 20))
        hole = os.lseek(descriptor, 1 << 20, os.SEEK_HOLE)
        self.assertIn(hole, ((1 << 20) + 65536, 3 << 20))
        self.assertEqual(os.lseek(descriptor, (1 << 20) + 100, os.SEEK_DATA), (1 << 20) + 100)
        for whence in (os.SEEK_DATA, os.SEEK_HOLE):
            self.assertErrno(errno.ENXIO, os.lseek, descriptor, 3 << 20, whence)
            self.assertErrno(errno.ENXIO, os.lseek, descriptor, 4 << 20, whence)

    def test_the_end_of_a_file_without_holes_is_a_hole(self):
        descriptor = self.opened(self.file("file", b"x" * 5000))
        self.assertEqual(os.lseek(descriptor, 0, os.SEEK_DATA), 0)
        self.assertEqual(os.lseek(descriptor, 100, os.SEEK_HOLE), 5000)


class AllocationLaws:
    def test_allocation_extends_and_keep_size_does_not(self):
        path = self.file("file", b"content")
        descriptor = self.opened(path)
        fallocate(descriptor, 0, 0, 5)
        self.assertEqual(path.stat().st_size, 7)
        fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, 100_000)
        self.assertEqual(path.stat().st_size, 7)
        fallocate(descriptor, 0, 10, 90)
        self.assertEqual(path.read_bytes(), b"content" + bytes(93))
        os.posix_fallocate(descriptor, 0, 200)
        self.assertEqual(path.stat().st_size, 200)

    def test_a_punched_hole_is_zeros_and_keeps_the_size(self):
        path = self.file("file", b"x" * 20_000)
        descriptor = self.opened(path)
        fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5_000, 10_000)
        self.assertEqual(path.read_bytes(), b"x" * 5_000 + bytes(10_000) + b"x" * 5_000)
        fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 19_000, 100_000)
        self.assertEqual(path.stat().st_size, 20_000)
        self.assertEqual(path.read_bytes()[-1_001:], b"x" + bytes(1_000))

    def test_allocation_that_is_refused(self):
        path = self.file("file", b"content")
        descriptor = self.opened(path)
        self.assertErrno(errno.EINVAL, fallocate, descriptor, 0, 0, 0)
        self.assertErrno(errno.EINVAL, fallocate, descriptor, 0, -1, 10)
        self.assertErrno(errno.EFBIG, fallocate, descriptor, 0, (1 << 63) - 10, 100)
        self.assertErrno(errno.EBADF, fallocate, self.opened(path, os.O_RDONLY), 0, 0, 10)
        for mode in (FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE, FALLOC_FL_PUNCH_HOLE):
            self.assertErrno(errno.EOPNOTSUPP, fallocate, descriptor, mode, 0, 4096)
        self.assertEqual(path.read_bytes(), b"content")
