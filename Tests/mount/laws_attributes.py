"""Laws of times and extended attributes."""

import ctypes
import errno
import os
import stat

from syscalls import UTIME_NOW, UTIME_OMIT, libc, renameat2, utimensat

BOTH = {"file.mtime", "file.ctime"}
PARENT = {"parent.mtime", "parent.ctime"}


class TimeLaws:
    def test_times_are_set_to_the_nanosecond(self):
        path = self.file()
        for atime, mtime in (((1, 1), (2, 999_999_999)), ((0, 0), (0, 0)),
                             ((4_000_000_000, 5), (3_000_000_000, 7))):
            utimensat(path, atime, mtime)
            status = path.stat()
            self.assertEqual((status.st_atime_ns, status.st_mtime_ns),
                             (atime[0] * 10 ** 9 + atime[1], mtime[0] * 10 ** 9 + mtime[1]))

    def test_times_before_1970(self):
        path = self.file()
        utimensat(path, (-5, 250_000_000), (-1, 500_000_000))
        self.assertEqual((path.stat().st_atime_ns, path.stat().st_mtime_ns),
                         (-4_750_000_000, -500_000_000))

    def test_omit_leaves_and_now_means_now(self):
        path = self.file()
        utimensat(path, (100, 1), (200, 2))
        utimensat(path, UTIME_OMIT, (300, 3))
        self.assertEqual((path.stat().st_atime_ns, path.stat().st_mtime_ns),
                         (100_000_000_001, 300_000_000_003))
        utimensat(path, (400, 4), UTIME_OMIT)
        self.assertEqual((path.stat().st_atime_ns, path.stat().st_mtime_ns),
                         (400_000_000_004, 300_000_000_003))
        before = path.stat()
        self.assertEqual(self.moved(lambda: utimensat(path, UTIME_OMIT, UTIME_OMIT), file=path),
                         set())
        self.assertEqual(path.stat().st_atime_ns, before.st_atime_ns)
        reference = self.file("reference")
        self.tick()
        utimensat(path, UTIME_OMIT, UTIME_NOW)
        self.assertEqual(path.stat().st_atime_ns, 400_000_000_004)
        self.assertGreater(path.stat().st_mtime_ns, reference.stat().st_mtime_ns)
        os.utime(path)
        self.assertGreater(path.stat().st_atime_ns, reference.stat().st_mtime_ns)

    def test_times_that_are_refused(self):
        path = self.file()
        self.assertErrno(errno.EINVAL, utimensat, path, (1, 1_000_000_000), (2, 2))
        self.assertErrno(errno.ENOENT, utimensat, self.d / "none", (1, 1), (2, 2))

    def test_which_times_change_with_the_content(self):
        path = self.file("file", b"content")
        descriptor = self.opened(path)
        append = self.opened(path, os.O_WRONLY | os.O_APPEND)
        for name, action in (
                ("write", lambda: os.pwrite(descriptor, b"x", 0)),
                ("append", lambda: os.write(append, b"x")),
                ("ftruncate", lambda: os.ftruncate(descriptor, 3)),
                ("truncate", lambda: os.truncate(path, 5)),
                ("O_TRUNC", lambda: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)))):
            with self.subTest(name):
                self.assertEqual(self.moved(action, file=path, parent=self.d), BOTH)

    def test_which_times_change_with_the_attributes(self):
        path = self.file("file", b"content")
        for name, action in (
                ("chmod", lambda: os.chmod(path, 0o600)),
                ("utimensat of atime", lambda: utimensat(path, (1, 1), UTIME_OMIT))):
            with self.subTest(name):
                self.assertEqual(self.moved(action, file=path, parent=self.d), {"file.ctime"})
        directory = self.directory()
        self.assertEqual(self.moved(lambda: os.chmod(directory, 0o700), directory=directory),
                         {"directory.ctime"})

    def test_reading_changes_nothing_but_atime(self):
        path = self.file("file", b"content")
        os.symlink("file", self.d / "link")

        def read():
            path.read_bytes()
            os.listdir(self.d)
            os.readlink(self.d / "link")
            path.stat()
            os.access(path, os.R_OK)
            os.close(os.open(path, os.O_RDWR))
        self.assertEqual(
            self.moved(read, file=path, parent=self.d, link=self.d / "link"), set())

    def test_which_names_move_the_times_of_their_directory(self):
        file = self.file("file", b"content")
        descriptor = self.opened(file)
        for name, action in (
                ("create", lambda: os.close(os.open(self.d / "new", os.O_CREAT | os.O_RDWR))),
                ("unlink", lambda: os.unlink(self.d / "new")),
                ("mkdir", lambda: os.mkdir(self.d / "directory")),
                ("rmdir", lambda: os.rmdir(self.d / "directory")),
                ("symlink", lambda: os.symlink("x", self.d / "link")),
                ("mkfifo", lambda: os.mkfifo(self.d / "fifo")),
                ("rename over", lambda: os.rename(self.d / "link", self.d / "fifo"))):
            with self.subTest(name):
                self.assertEqual(self.moved(action, file=file, parent=self.d), PARENT)
        with self.subTest("open of what exists"):
            self.assertEqual(self.moved(lambda: os.close(os.open(file, os.O_CREAT | os.O_RDWR)),
                                        file=file, parent=self.d), set())
        with self.subTest("unlink of an open file"):
            self.assertEqual(self.moved(lambda: os.unlink(file), file=descriptor, parent=self.d),
                             PARENT | {"file.ctime"})

    def test_rename_moves_the_times_of_both_directories(self):
        one, two = self.directory("one"), self.directory("two")
        (one / "file").write_bytes(b"x")
        (one / "sub").mkdir()
        descriptor = self.opened(one / "file")
        self.assertEqual(
            self.moved(lambda: os.rename(one / "file", two / "file"), one=one, two=two,
                       file=descriptor) - {"file.ctime"},
            {"one.mtime", "one.ctime", "two.mtime", "two.ctime"})
        self.assertEqual(
            self.moved(lambda: os.rename(one / "sub", two / "sub"), one=one, two=two),
            {"one.mtime", "one.ctime", "two.mtime", "two.ctime"})

    def test_what_fails_moves_no_time(self):
        file = self.file("file", b"x")
        full = self.directory("full")
        (full / "below").write_bytes(b"x")

        def fail():
            for call in (lambda: os.mkdir(full), lambda: os.rmdir(full), lambda: os.unlink(full),
                         lambda: os.rename(file, full), lambda: os.symlink("x", file),
                         lambda: os.rename(self.d / "none", file),
                         lambda: renameat2(file, full, 1),
                         lambda: os.open(file, os.O_CREAT | os.O_EXCL)):
                with self.assertRaises(OSError):
                    call()
        self.assertEqual(self.moved(fail, file=file, full=full, parent=self.d), set())


class SameValueLaws:
    def test_what_is_set_to_what_it_was_moves_times_all_the_same(self):
        path = self.file("file", b"content")
        descriptor = self.opened(path)
        for name, action, times in (
                ("chmod", lambda: os.chmod(path, 0o644), {"file.ctime"}),
                ("chown", lambda: os.chown(path, os.geteuid(), os.getegid()), {"file.ctime"}),
                ("ftruncate", lambda: os.ftruncate(descriptor, 7), BOTH),
                ("O_TRUNC", lambda: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)), BOTH),
                ("O_TRUNC again", lambda: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)), BOTH)):
            with self.subTest(name):
                self.assertEqual(self.moved(action, file=path, parent=self.d), times)


class AttributeLaws:
    """Extended attributes of users."""

    def names(self, path):
        return sorted(name for name in os.listxattr(path) if not name.startswith("user.rgwfs."))

    def test_attributes_are_set_read_listed_and_removed(self):
        for path in (self.file(), self.directory()):
            os.setxattr(path, "user.one", b"1")
            os.setxattr(path, "user.two", b"\0\xff\n binary")
            os.setxattr(path, "user.empty", b"")
            self.assertEqual(self.names(path), ["user.empty", "user.one", "user.two"])
            self.assertEqual(os.getxattr(path, "user.two"), b"\0\xff\n binary")
            self.assertEqual(os.getxattr(path, "user.empty"), b"")
            os.setxattr(path, "user.one", b"changed")
            self.assertEqual(os.getxattr(path, "user.one"), b"changed")
            os.removexattr(path, "user.one")
            self.assertErrno(errno.ENODATA, os.getxattr, path, "user.one")
            self.assertErrno(errno.ENODATA, os.removexattr, path, "user.one")
            self.assertEqual(self.names(path), ["user.empty", "user.two"])

    def test_creation_and_replacement_are_conditions(self):
        path = self.file()
        self.assertErrno(errno.ENODATA, os.setxattr, path, "user.a", b"1", os.XATTR_REPLACE)
        os.setxattr(path, "user.a", b"1", os.XATTR_CREATE)
        self.assertErrno(errno.EEXIST, os.setxattr, path, "user.a", b"2", os.XATTR_CREATE)
        os.setxattr(path, "user.b", b"2", os.XATTR_CREATE)
        os.setxattr(path, "user.a", b"3", os.XATTR_REPLACE)
        self.assertEqual(os.getxattr(path, "user.a"), b"3")

    def test_names_of_attributes_may_be_odd(self):
        path = self.file()
        names = ['user.quote"', "user.comma,", "user.colon:", "user.{brace}", "user.ünïcode",
                 "user.percent%41", "user. space", "user.back\\slash", "user." + "n" * 250]
        for name in names:
            os.setxattr(path, name, name.encode())
        self.assertEqual(self.names(path), sorted(names))
        for name in names:
            self.assertEqual(os.getxattr(path, name), name.encode())

    def test_sizes_can_be_asked_for(self):
        path = self.file()
        os.setxattr(path, "user.a", b"12345")
        encoded = os.fsencode(path)
        buffer = ctypes.create_string_buffer(10)
        self.assertEqual(libc.getxattr(encoded, b"user.a", None, 0), 5)
        self.assertEqual(libc.getxattr(encoded, b"user.a", buffer, 10), 5)
        self.assertEqual(libc.getxattr(encoded, b"user.a", buffer, 4), -1)
        self.assertEqual(ctypes.get_errno(), errno.ERANGE)
        self.assertGreaterEqual(libc.listxattr(encoded, None, 0), 7)
        self.assertEqual(libc.listxattr(encoded, buffer, 3), -1)
        self.assertEqual(ctypes.get_errno(), errno.ERANGE)

    def test_attributes_that_are_refused(self):
        path = self.file()
        self.assertErrno(errno.ERANGE, os.setxattr, path, "user." + "n" * 251, b"")
        self.assertErrno(errno.E2BIG, os.setxattr, path, "user.a", bytes(65_537))
        self.assertErrno((errno.EOPNOTSUPP, errno.EINVAL), os.setxattr, path, "nonamespace", b"1")
        self.assertErrno(errno.EOPNOTSUPP, os.setxattr, path, "other.name", b"1")
        self.assertErrno(errno.ENOENT, os.setxattr, self.d / "none", "user.a", b"1")
        self.assertErrno(errno.ENODATA, os.getxattr, path, "user.none")
        os.symlink("file", self.d / "link")
        os.mkfifo(self.d / "fifo")
        for special in ("link", "fifo"):
            self.assertErrno(errno.EPERM, os.setxattr, self.d / special, "user.a", b"1",
                             follow_symlinks=False)

    def test_attributes_stay_with_the_file(self):
        path = self.file("file", b"content")
        os.setxattr(path, "user.a", b"1")
        path.write_bytes(b"changed")
        os.chmod(path, 0o600)
        os.rename(path, self.d / "renamed")
        self.assertEqual(os.getxattr(self.d / "renamed", "user.a"), b"1")
        descriptor = self.opened(self.d / "renamed")
        os.setxattr(descriptor, "user.b", b"2")
        os.unlink(self.d / "renamed")
        self.assertEqual(os.getxattr(descriptor, "user.a"), b"1")
        os.setxattr(descriptor, "user.a", b"still")
        self.assertEqual(os.getxattr(descriptor, "user.a"), b"still")

    def test_attributes_move_the_change_time_only(self):
        path = self.file()
        self.assertEqual(self.moved(lambda: os.setxattr(path, "user.a", b"1"), file=path),
                         {"file.ctime"})
        self.assertEqual(self.moved(lambda: os.removexattr(path, "user.a"), file=path),
                         {"file.ctime"})

    def test_attributes_of_the_system_are_not_for_users(self):
        path = self.file()
        if self.user:
            self.assertErrno((errno.EPERM, errno.EOPNOTSUPP), os.setxattr, path, "trusted.a", b"1")
            self.assertFalse([name for name in os.listxattr(path) if name.startswith("trusted.")])
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o644)
