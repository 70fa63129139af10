"""Laws of names: rename, mkdir, rmdir, unlink, symlinks, special files, listings."""

import errno
import os
import pathlib
import select
import shutil
import socket
import stat

from shared import identity
from syscalls import (
    RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, Directory, renameat2)


class RenameLaws:
    kinds = ("missing", "file", "link", "fifo", "empty", "full")

    def make(self, kind, name):
        path = self.d / name
        if kind == "file":
            path.write_bytes(name.encode())
        elif kind == "link":
            os.symlink("full-target", path)
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind in ("empty", "full"):
            path.mkdir()
            if kind == "full":
                (path / "below").write_bytes(name.encode())
        return path

    @staticmethod
    def expected(source, target):
        """The errno of rename(2), or None. Source: POSIX, rename; ENOTEMPTY where it may say EEXIST."""
        directories = ("empty", "full")
        if source == "missing":
            return errno.ENOENT
        if target == "missing":
            return None
        if source in directories:
            if target not in directories:
                return errno.ENOTDIR
            return errno.ENOTEMPTY if target == "full" else None
        return errno.EISDIR if target in directories else None

    def test_rename_of_every_kind_over_every_kind(self):
        for source in self.kinds:
            for target in self.kinds:
                with self.subTest(source=source, target=target):
                    old = self.make(source, f"{source}-over-{target}")
                    new = self.make(target, f"{target}-under-{source}")
                    before = [path.lstat() if os.path.lexists(path) else None for path in (old, new)]
                    number = self.expected(source, target)
                    if number:
                        self.assertErrno(number, os.rename, old, new)
                        after = [path.lstat() if os.path.lexists(path) else None
                                 for path in (old, new)]
                        self.assertEqual([row and row.st_ino for row in after],
                                         [row and row.st_ino for row in before])
                    else:
                        os.rename(old, new)
                        self.assertFalse(os.path.lexists(old))
                        self.assertEqual(new.lstat().st_ino, before[0].st_ino)
                        self.assertEqual(new.lstat().st_mode, before[0].st_mode)
                        self.assertEqual(new.lstat().st_mtime_ns, before[0].st_mtime_ns)

    def test_rename_without_replacing_refuses_every_kind(self):
        for target in self.kinds[1:]:
            old = self.make("file", f"file-{target}")
            new = self.make(target, f"{target}-stays")
            self.assertErrno(errno.EEXIST, renameat2, old, new, RENAME_NOREPLACE)
            self.assertEqual(old.read_bytes(), old.name.encode())
        renameat2(old, self.d / "free", RENAME_NOREPLACE)
        self.assertEqual((self.d / "free").read_bytes(), old.name.encode())
        self.assertErrno(errno.ENOENT, renameat2, old, self.d / "free2", RENAME_NOREPLACE)

    def test_a_name_renamed_to_itself_stays(self):
        for kind in self.kinds[1:]:
            path = self.make(kind, kind)
            os.rename(path, path)
            self.assertTrue(os.path.lexists(path))

    def test_rename_that_is_refused(self):
        directory = self.make("full", "directory")
        (directory / "sub").mkdir()
        self.assertErrno(errno.EINVAL, os.rename, directory, directory / "below-itself")
        self.assertErrno(errno.EINVAL, os.rename, directory, directory / "sub" / "deep")
        self.assertErrno(errno.ENOTEMPTY, os.rename, directory / "sub", directory)
        self.assertErrno(errno.ENOENT, os.rename, directory, self.d / "no" / "where")
        self.assertErrno(errno.ENOTDIR, os.rename, directory, directory / "below" / "x")
        self.assertErrno((errno.EBUSY, errno.EINVAL), os.rename, f"{directory}/.", self.d / "x")
        self.assertErrno((errno.EBUSY, errno.EINVAL), os.rename, f"{directory}/..", self.d / "x")
        file = self.file("plain")
        self.assertErrno(errno.ENOTDIR, os.rename, f"{file}/", self.d / "x")
        self.assertErrno(errno.ENOTDIR, os.rename, file, f"{self.d}/new/")
        self.assertErrno(errno.EINVAL, renameat2, file, self.d / "x", 1 << 10)
        self.assertErrno(errno.EINVAL, renameat2, file, self.d / "x",
                         RENAME_NOREPLACE | RENAME_EXCHANGE)
        self.assertErrno(errno.EINVAL, renameat2, file, self.d / "x",
                         RENAME_WHITEOUT | RENAME_EXCHANGE)

    def test_directories_move_across_directories_with_what_is_in_them(self):
        (self.d / "a/b/c").mkdir(parents=True)
        (self.d / "x/y").mkdir(parents=True)
        (self.d / "a/b/c/file").write_bytes(b"deep")
        inside = self.opened(self.d / "a/b/c/file")
        directory = self.opened(self.d / "a/b", os.O_RDONLY | os.O_DIRECTORY)
        os.rename(self.d / "a/b", self.d / "x/y/moved")
        os.write(inside, b"DEEP and open")
        self.assertEqual((self.d / "x/y/moved/c/file").read_bytes(), b"DEEP and open")
        self.assertEqual(os.listdir(directory), ["c"])
        self.assertEqual((self.d / "x/y/moved/..").stat().st_ino, (self.d / "x/y").stat().st_ino)
        self.assertEqual(os.listdir(self.d / "a"), [])
        descriptor = os.open("c/new", os.O_CREAT | os.O_RDWR, dir_fd=directory)
        os.close(descriptor)
        self.assertTrue((self.d / "x/y/moved/c/new").exists())

    def test_an_open_changed_file_keeps_its_changes_under_the_new_name(self):
        path = self.file("old", b"first ")
        descriptor = self.opened(path, os.O_RDWR | os.O_APPEND)
        os.write(descriptor, b"second ")
        os.rename(path, self.d / "new")
        os.write(descriptor, b"third")
        os.fsync(descriptor)
        self.assertEqual((self.d / "new").read_bytes(), b"first second third")
        self.assertEqual(os.listdir(self.d), ["new"])

    def test_a_name_that_is_replaced_is_never_missing(self):
        path = self.file("file", b"0" * 100)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(writer)
                while not select.select([reader], [], [], 0)[0]:
                    if len(set(path.read_bytes())) != 1:
                        break
                else:
                    status = 0
            finally:
                os._exit(status)
        os.close(reader)
        for number in range(200):
            (self.d / "new").write_bytes(b"%d" % (number % 10) * 100)
            os.rename(self.d / "new", path)
        os.close(writer)
        self.assertEqual(os.waitpid(child, 0)[1], 0, "a reader failed or saw a mixture")

    def test_swapping_names_through_a_third(self):
        one, two = self.file("one", b"1"), self.file("two", b"2")
        os.rename(one, self.d / "third")
        os.rename(two, one)
        os.rename(self.d / "third", two)
        self.assertEqual((one.read_bytes(), two.read_bytes()), (b"2", b"1"))


class ExchangeLaws:
    exchangeable = RenameLaws.kinds[1:]

    def test_exchange_swaps_every_pair_of_kinds(self):
        for one in self.exchangeable:
            for two in self.exchangeable:
                with self.subTest(one=one, two=two):
                    first = RenameLaws.make(self, one, f"{one}-with-{two}-1")
                    second = RenameLaws.make(self, two, f"{one}-with-{two}-2")
                    numbers = first.lstat().st_ino, second.lstat().st_ino
                    renameat2(first, second, RENAME_EXCHANGE)
                    self.assertEqual((second.lstat().st_ino, first.lstat().st_ino), numbers)
                    if one == "full":
                        self.assertEqual((second / "below").read_bytes(), first.name.encode())
                    if two == "file":
                        self.assertEqual(first.read_bytes(), second.name.encode())

    def test_exchange_that_is_refused(self):
        file = self.file()
        (self.d / "a/b").mkdir(parents=True)
        self.assertErrno(errno.ENOENT, renameat2, file, self.d / "none", RENAME_EXCHANGE)
        self.assertErrno(errno.ENOENT, renameat2, self.d / "none", file, RENAME_EXCHANGE)
        self.assertErrno(errno.EINVAL, renameat2, self.d / "a", self.d / "a/b", RENAME_EXCHANGE)
        self.assertErrno((errno.EINVAL, errno.ENOTEMPTY), renameat2, self.d / "a/b", self.d / "a",
                         RENAME_EXCHANGE)

    def test_open_files_follow_an_exchange(self):
        one, two = self.file("one", b"1"), self.file("two", b"2")
        first, second = self.opened(one), self.opened(two)
        os.pwrite(first, b"one", 0)
        renameat2(one, two, RENAME_EXCHANGE)
        os.pwrite(second, b"two", 0)
        self.assertEqual((two.read_bytes(), one.read_bytes()), (b"one", b"two"))


class DirectoryLaws:
    def test_mkdir_that_is_refused(self):
        self.file()
        os.symlink("nowhere", self.d / "dangling")
        for name in ("file", "dangling", ".", ".."):
            self.assertErrno(errno.EEXIST, os.mkdir, f"{self.d}/{name}")
        self.assertErrno(errno.ENOENT, os.mkdir, self.d / "no" / "such")
        self.assertErrno(errno.ENOTDIR, os.mkdir, self.d / "file" / "below")

    def test_mkdir_keeps_the_sticky_bit(self):
        os.mkdir(self.d / "directory", 0o1755)
        self.assertEqual(stat.S_IMODE((self.d / "directory").stat().st_mode), 0o1755)

    def test_rmdir_that_is_refused(self):
        self.file()
        full = self.directory("full")
        (full / "below").mkdir()
        os.symlink("full", self.d / "link")
        self.assertErrno(errno.ENOTEMPTY, os.rmdir, full)
        self.assertErrno(errno.ENOTDIR, os.rmdir, self.d / "file")
        self.assertErrno(errno.ENOTDIR, os.rmdir, self.d / "link")
        self.assertErrno(errno.ENOENT, os.rmdir, self.d / "none")
        self.assertErrno(errno.EINVAL, os.rmdir, f"{full}/below/.")
        self.assertErrno((errno.ENOTEMPTY, errno.EBUSY), os.rmdir, f"{full}/below/..")

    def test_a_removed_directory_is_empty_for_who_has_it_open(self):
        path = self.directory()
        descriptor = self.opened(path, os.O_RDONLY | os.O_DIRECTORY)
        os.rmdir(path)
        self.assertEqual(os.listdir(descriptor), [])
        self.assertErrno(errno.ENOENT, os.open, "new", os.O_CREAT | os.O_RDWR, dir_fd=descriptor)
        self.assertErrno(errno.ENOENT, os.mkdir, "new", dir_fd=descriptor)
        path.mkdir()
        self.assertNotEqual(path.stat().st_ino, os.fstat(descriptor).st_ino)

    def test_unlink_that_is_refused(self):
        self.assertErrno(errno.EISDIR, os.unlink, self.directory())
        self.assertErrno(errno.ENOENT, os.unlink, self.d / "none")
        self.assertErrno(errno.ENOTDIR, os.unlink, self.file() / "below")

    def test_unlink_removes_the_link_and_not_its_target(self):
        target = self.file("target", b"stays")
        os.symlink("target", self.d / "link")
        os.unlink(self.d / "link")
        self.assertEqual((target.read_bytes(), os.listdir(self.d)), (b"stays", ["target"]))


class SymlinkLaws:
    def test_targets_are_bytes_of_any_kind(self):
        for number, target in enumerate(
                ("x", "../..", "/", " spaces ", "new\nline", "ü" * 300, "a/" * 2047 + "b")):
            path = self.d / f"link-{number}"
            os.symlink(target, path)
            self.assertEqual(os.readlink(path), target)
            status = path.lstat()
            self.assertEqual((status.st_size, stat.S_IFMT(status.st_mode), status.st_nlink),
                             (len(target.encode()), stat.S_IFLNK, 1))

    def test_symlink_that_is_refused(self):
        self.assertErrno(errno.EEXIST, os.symlink, "x", self.file())
        self.assertErrno(errno.EEXIST, os.symlink, "x", self.directory())
        self.assertErrno(errno.ENOENT, os.symlink, "", self.d / "new")
        self.assertErrno(errno.ENOENT, os.symlink, "x", self.d / "no" / "new")
        self.assertErrno(errno.ENAMETOOLONG, os.symlink, "x" * 4096, self.d / "new")
        self.assertErrno(errno.EINVAL, os.readlink, self.d / "file")
        self.assertErrno(errno.EINVAL, os.readlink, self.d / "directory")

    def test_links_are_followed_to_files_and_directories(self):
        self.file("target", b"content")
        (self.directory() / "below").write_bytes(b"below")
        os.symlink("target", self.d / "link")
        os.symlink("directory", self.d / "to-directory")
        os.symlink("to-directory/below", self.d / "twice")
        self.assertEqual((self.d / "link").read_bytes(), b"content")
        self.assertEqual((self.d / "twice").read_bytes(), b"below")
        self.assertEqual(os.listdir(self.d / "to-directory"), ["below"])
        (self.d / "link").write_bytes(b"changed")
        self.assertEqual((self.d / "target").read_bytes(), b"changed")

    def test_a_link_has_times_of_its_own(self):
        self.file("target")
        os.symlink("target", self.d / "link")
        os.utime(self.d / "link", ns=(10 ** 18 + 1, 10 ** 18 + 2), follow_symlinks=False)
        self.assertEqual((self.d / "link").lstat().st_mtime_ns, 10 ** 18 + 2)
        self.assertGreater((self.d / "target").stat().st_mtime_ns, 1_500_000_000 * 10 ** 9)


class SpecialFileLaws:
    def test_fifos_connect_processes(self):
        path = self.d / "fifo"
        os.mkfifo(path, 0o600)
        self.assertTrue(stat.S_ISFIFO(path.lstat().st_mode))
        reader = self.opened(path, os.O_RDONLY | os.O_NONBLOCK)
        writer = self.opened(path, os.O_WRONLY)
        os.write(writer, b"through")
        select.select([reader], [], [], 10)
        self.assertEqual(os.read(reader, 20), b"through")

    def test_sockets_can_be_bound_and_connected_to(self):
        directory = self.opened(self.d, os.O_RDONLY | os.O_DIRECTORY)
        before = os.getcwd()
        os.fchdir(directory)
        try:
            with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
                server.bind("socket")
                server.listen(1)
                self.assertTrue(stat.S_ISSOCK(os.lstat("socket").st_mode))
                client.connect("socket")
                with socket.socket(socket.AF_UNIX) as second:
                    self.assertErrno(errno.EADDRINUSE, second.bind, "socket")
        finally:
            os.chdir(before)
        self.assertErrno(errno.ENXIO, os.open, self.d / "socket", os.O_RDWR)

    def test_mknod_makes_regular_files_too(self):
        os.mknod(self.d / "file", stat.S_IFREG | 0o640)
        status = (self.d / "file").stat()
        self.assertEqual((status.st_mode, status.st_size), (stat.S_IFREG | 0o640, 0))
        (self.d / "file").write_bytes(b"x")
        self.assertErrno(errno.EEXIST, os.mknod, self.d / "file", stat.S_IFREG | 0o640)

    def test_device_nodes_belong_to_root(self):
        for kind, name in ((stat.S_IFCHR, "character"), (stat.S_IFBLK, "block")):
            device = os.makedev(259, 70_000)
            if self.user:
                self.assertErrno(errno.EPERM, os.mknod, self.d / name, kind | 0o600, device)
                continue
            os.mknod(self.d / name, kind | 0o600, device)
            status = (self.d / name).lstat()
            self.assertEqual((status.st_mode, status.st_rdev), (kind | 0o600, device))


class ListingLaws:
    def fill(self, count):
        self.addCleanup(shutil.rmtree, self.d)
        names = [f"entry-{number:04}" for number in range(count)]
        for name in names:
            os.close(os.open(self.d / name, os.O_CREAT | os.O_WRONLY))
        return names

    def test_a_listing_shows_kinds_and_inode_numbers(self):
        self.file()
        self.directory()
        os.symlink("file", self.d / "link")
        os.mkfifo(self.d / "fifo")
        with os.scandir(self.d) as entries:
            for entry in entries:
                status = os.lstat(entry.path)
                self.assertEqual(entry.inode(), status.st_ino, entry.name)
                self.assertEqual(entry.is_dir(follow_symlinks=False), stat.S_ISDIR(status.st_mode))
                self.assertEqual(entry.is_symlink(), stat.S_ISLNK(status.st_mode))
        with Directory(self.d) as stream:
            self.assertEqual(sorted(stream.rest()),
                             [".", "..", "directory", "fifo", "file", "link"])

    def test_seekdir_goes_back_to_where_telldir_was(self):
        self.fill(200)
        with Directory(self.d) as stream:
            positions, names = [], []
            while True:
                positions.append(stream.tell())
                name = stream.read()
                if name is None:
                    break
                names.append(name)
            for index in (0, 1, 7, 100, 150, 201):
                stream.seek(positions[index])
                self.assertEqual(stream.rest(), names[index:])
            stream.rewind()
            self.assertEqual(stream.rest(), names)

    def test_rewinding_shows_what_is_new(self):
        self.fill(10)
        with Directory(self.d) as stream:
            stream.rest()
            self.file("new")
            os.unlink(self.d / "entry-0003")
            stream.rewind()
            names = stream.rest()
        self.assertIn("new", names)
        self.assertNotIn("entry-0003", names)

    def test_what_stays_is_listed_once_whatever_else_changes(self):
        names = self.fill(300)
        seen = []
        with Directory(self.d) as stream:
            while (name := stream.read()) is not None:
                seen.append(name)
                number = len(seen)
                if number % 5 == 0:
                    self.file(f"added-{number}")
                if number % 7 == 0 and name.startswith("entry-"):
                    os.unlink(self.d / name)
                if number % 50 == 0:
                    os.rename(self.d / f"added-{number}", self.d / f"renamed-{number}")
        old = [name for name in seen if name.startswith("entry-")]
        self.assertEqual(sorted(old), names)

    def test_deleting_while_listing_empties(self):
        self.fill(300)
        with Directory(self.d) as stream:
            while (name := stream.read()) is not None:
                if name not in (".", ".."):
                    os.unlink(self.d / name)
        self.assertEqual(os.listdir(self.d), [])

    def test_inode_numbers_are_unique_and_stay(self):
        names = self.fill(300)
        numbers = {name: (self.d / name).stat().st_ino for name in names}
        self.assertEqual(len(set(numbers.values())), 300)
        with os.scandir(self.d) as entries:
            self.assertEqual({entry.name: entry.inode() for entry in entries}, numbers)
        (self.d / names[7]).write_bytes(b"x")
        os.chmod(self.d / names[7], 0o600)
        os.rename(self.d / names[8], self.d / "renamed")
        self.assertEqual((self.d / names[7]).stat().st_ino, numbers[names[7]])
        self.assertEqual((self.d / "renamed").stat().st_ino, numbers[names[8]])

    def test_inode_numbers_are_the_same_after_the_kernel_forgot_them(self):
        names = self.fill(20)
        os.rename(self.d / names[8], self.d / "renamed")
        (self.d / "tree/below").mkdir(parents=True)
        (self.d / "tree/below/leaf").write_bytes(b"x")
        os.rename(self.d / "tree", self.d / "moved")
        before = self.inode_numbers()
        with identity(0):
            # Dentries and inodes; what waits for the server is sent before.
            descriptor = os.open(self.d, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
            pathlib.Path("/proc/sys/vm/drop_caches").write_text("2\n", encoding="ascii")
        self.assertEqual(self.inode_numbers(), before)

    def inode_numbers(self):
        found = {}
        for directory, subdirectories, files in os.walk(self.d):
            for name in subdirectories + files:
                path = os.path.join(directory, name)
                found[os.path.relpath(path, self.d)] = os.lstat(path).st_ino
        return found
