"""Files and directories behave as POSIX says, and the bucket agrees afterwards."""

import ctypes
import errno
import mmap
import os
import stat
import tempfile
import unittest

from harness import RGWFSTestCase, run

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2


def renameat2(old, new, flags):
    if libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class FileTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.m = self.mount()

    def test_overwrite_in_the_middle_keeps_the_rest(self):
        data = bytearray(os.urandom(3_000_000))
        self.put("file", bytes(data))
        with open(self.m.path("file"), "r+b") as file:
            file.seek(1_500_000)
            file.write(b"in the middle")
        data[1_500_000:1_500_013] = b"in the middle"
        self.assertEqual(self.m.path("file").read_bytes(), data)
        self.m.unmount()
        self.assertObject("file", bytes(data))

    def test_append_adds_to_what_is_there(self):
        self.put("log", "one\n")
        for line in ("two\n", "three\n"):
            with open(self.m.path("log"), "a", encoding="utf-8") as file:
                file.write(line)
        self.m.unmount()
        self.assertObject("log", "one\ntwo\nthree\n")

    def test_two_appending_handles_do_not_overwrite_each_other(self):
        with open(self.m.path("log"), "ab", 0) as a, open(self.m.path("log"), "ab", 0) as b:
            for number in range(50):
                a.write(b"a%02d\n" % number)
                b.write(b"b%02d\n" % number)
        lines = self.m.path("log").read_bytes().split()
        self.assertEqual(len(lines), 100)
        self.assertEqual(len(set(lines)), 100)

    def test_truncate_shrinks_and_extends_with_zeros(self):
        self.put("shorter", b"0123456789")
        self.put("longer", b"0123456789")
        os.truncate(self.m.path("shorter"), 4)
        os.truncate(self.m.path("longer"), 20)
        self.assertEqual(self.m.path("shorter").stat().st_size, 4)
        self.assertEqual(self.m.path("longer").read_bytes(), b"0123456789" + bytes(10))
        with open(self.m.path("fresh"), "wb") as file:
            file.write(b"abcdef")
            file.truncate(3)
            file.seek(5)
            file.write(b"z")
        self.m.unmount()
        self.assertObject("shorter", b"0123")
        self.assertObject("longer", b"0123456789" + bytes(10))
        self.assertObject("fresh", b"abc\0\0z")

    def test_open_with_truncation_empties_and_an_empty_file_is_an_empty_object(self):
        self.put("file", "content")
        open(self.m.path("file"), "wb").close()
        open(self.m.path("new"), "wb").close()
        self.m.unmount()
        self.assertObject("file", b"")
        self.assertObject("new", b"")

    def test_exclusive_creation_fails_on_what_exists(self):
        self.put("file", "theirs")
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        self.assertErrno(errno.EEXIST, os.open, self.m.path("file"), flags)
        os.close(os.open(self.m.path("new"), flags, 0o600))
        self.assertErrno(errno.EEXIST, os.open, self.m.path("new"), flags)
        self.m.unmount()
        self.assertObject("file", "theirs")

    def test_a_hole_reads_as_zeros(self):
        with open(self.m.path("sparse"), "wb") as file:
            file.seek(5_000_000)
            file.write(b"end")
        self.m.remount()
        data = self.m.path("sparse").read_bytes()
        self.assertEqual(data, bytes(5_000_000) + b"end")
        self.assertEqual(self.get("sparse"), data)

    def test_random_reads_and_writes_agree_with_a_local_file(self):
        import random
        source = random.Random(7)
        local = bytearray(source.randbytes(1_000_000))
        self.put("file", bytes(local))
        with open(self.m.path("file"), "r+b", 0) as file:
            for _ in range(400):
                offset = source.randrange(1_200_000)
                if source.random() < 0.5:
                    data = source.randbytes(source.randrange(1, 20_000))
                    file.seek(offset)
                    file.write(data)
                    local.extend(bytes(max(0, offset - len(local))))
                    local[offset:offset + len(data)] = data
                elif source.random() < 0.1:
                    file.truncate(offset)
                    local.extend(bytes(max(0, offset - len(local))))
                    del local[offset:]
                else:
                    file.seek(offset)
                    self.assertEqual(file.read(10_000), local[offset:offset + 10_000])
        self.m.unmount()
        self.assertObject("file", bytes(local))

    def test_mapped_memory_reads_and_writes(self):
        self.put("file", b"a" * 10_000)
        with open(self.m.path("file"), "r+b") as file:
            with mmap.mmap(file.fileno(), 0) as memory:
                self.assertEqual(memory[5000:5004], b"aaaa")
                memory[5000:5004] = b"bbbb"
                memory.flush()
        self.m.unmount()
        self.assertObject("file", b"a" * 5000 + b"bbbb" + b"a" * 4996)

    def test_an_unlinked_open_file_lives_until_it_is_closed(self):
        self.put("file", "still here")
        with open(self.m.path("file"), "r+b") as file:
            os.unlink(self.m.path("file"))
            self.assertFalse(self.m.path("file").exists())
            self.assertEqual(os.listdir(self.m.point), [])
            self.assertEqual(file.read(), b"still here")
            file.write(b" and longer")
            file.seek(0)
            self.assertEqual(file.read(), b"still here and longer")
        self.m.unmount()
        self.assertEqual(self.keys(), {})

    def test_temporary_files_leave_nothing(self):
        with tempfile.NamedTemporaryFile(dir=self.m.point) as file:
            file.write(b"x" * 5000)
            file.flush()
        with tempfile.TemporaryFile(dir=self.m.point) as file:
            file.write(b"y" * 5000)
            file.seek(0)
            self.assertEqual(len(file.read()), 5000)
        self.m.unmount()
        self.assertEqual(self.keys(), {})

    def test_hard_links_are_refused(self):
        self.put("file", "x")
        with self.assertRaises(OSError) as caught:
            os.link(self.m.path("file"), self.m.path("second"))
        self.assertEqual(caught.exception.errno, errno.EPERM)
        self.assertFalse(self.m.path("second").exists())

    def test_modes_owners_and_times_are_kept(self):
        self.put("file", "x", ContentType="text/x-mine", CacheControl="no-store",
                 Metadata={"author": "somebody"})
        path = self.m.path("file")
        path.chmod(0o751)
        os.chown(path, 1234, 5678)
        os.utime(path, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
        self.m.path("d").mkdir(0o700)
        os.utime(self.m.path("d"), ns=(1, 1_400_000_000_000_000_001))
        self.m.remount()
        status = path.stat()
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o751)
        self.assertEqual((status.st_uid, status.st_gid), (1234, 5678))
        self.assertEqual(status.st_mtime_ns, 1_500_000_000_987_654_321)
        status = self.m.path("d").stat()
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o700)
        self.assertEqual(status.st_mtime_ns, 1_400_000_000_000_000_001)
        self.m.unmount()
        head = self.head("file")
        self.assertEqual(head["ContentType"], "text/x-mine", "headers of others stay")
        self.assertEqual(head["CacheControl"], "no-store", "headers of others stay")
        self.assertEqual(head["Metadata"]["author"], "somebody", "metadata of others stays")
        self.assertEqual(head["Metadata"]["mode"], str(0o100751), "as s3fs writes it")
        self.assertEqual(head["Metadata"]["uid"], "1234")
        self.assertEqual(head["Metadata"]["mtime"], "1500000000.987654321")
        self.assertObject("file", "x")

    def test_metadata_of_s3fs_and_rclone_is_understood(self):
        self.put("s3fs", "x", Metadata={"mode": "33188", "uid": "7", "gid": "8",
                                        "mtime": "1600000000.250000000"})
        self.put("rclone", "x", Metadata={"mtime": "1700000000.5"})
        self.put("link", "/etc/passwd", Metadata={"mode": "41471"})
        status = self.m.path("s3fs").stat()
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid), (0o644, 7, 8))
        self.assertEqual(status.st_mtime_ns, 1_600_000_000_250_000_000)
        self.assertEqual(self.m.path("rclone").stat().st_mtime_ns, 1_700_000_000_500_000_000)
        self.assertEqual(os.readlink(self.m.path("link")), "/etc/passwd")

    def test_content_types_come_from_the_name(self):
        for name in ("a.html", "b.jpg", "c.tar.gz", "d"):
            self.m.path(name).write_text("x")
        self.m.unmount()
        types = {name: self.head(name)["ContentType"] for name in ("a.html", "b.jpg", "d")}
        self.assertEqual(types, {"a.html": "text/html", "b.jpg": "image/jpeg",
                                 "d": "application/octet-stream"})

    def test_writing_moves_the_modification_time(self):
        self.put("file", "x", Metadata={"mtime": "1000000000"})
        self.assertEqual(int(self.m.path("file").stat().st_mtime), 1_000_000_000)
        with open(self.m.path("file"), "a", encoding="utf-8") as file:
            file.write("y")
        before = self.m.path("file").stat().st_mtime_ns
        self.assertGreater(before, 1_500_000_000_000_000_000)
        self.m.remount()
        self.assertEqual(self.m.path("file").stat().st_mtime_ns, before)

    def test_statfs_shows_room_and_names_of_255_bytes(self):
        status = os.statvfs(self.m.point)
        self.assertGreater(status.f_blocks, 0)
        self.assertGreater(status.f_bavail, 0)
        self.assertEqual(status.f_namemax, 255)
        run("df", "-h", self.m.point)

    def test_statfs_counts_what_is_in_the_bucket(self):
        self.put("file", b"x" * 50_000_000)
        self.m.remount()
        status = os.statvfs(self.m.point)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        self.assertGreaterEqual(used, 50_000_000)
        self.assertLess(used, 60_000_000)


class RenameTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.m = self.mount()

    def test_a_clean_file_moves(self):
        self.put("d/old", "content", Metadata={"mode": "33256"}, ContentType="text/x-mine")
        self.m.path("e").mkdir()
        os.rename(self.m.path("d/old"), self.m.path("e/new"))
        self.assertEqual(self.m.path("e/new").read_text(), "content")
        self.assertFalse(self.m.path("d/old").exists())
        self.m.unmount()
        self.assertObject("e/new", "content")
        self.assertNoObject("d/old")
        self.assertEqual(self.head("e/new")["Metadata"]["mode"], "33256")
        self.assertEqual(self.head("e/new")["ContentType"], "text/x-mine")

    def test_a_file_just_written_moves(self):
        self.m.path("old").write_text("fresh")
        os.rename(self.m.path("old"), self.m.path("new"))
        self.assertEqual(self.m.path("new").read_text(), "fresh")
        self.m.unmount()
        self.assertEqual(set(self.keys()), {"new"})
        self.assertObject("new", "fresh")

    def test_rename_over_a_file_replaces_it(self):
        self.put("target", "old")
        self.m.path("temporary").write_text("new")
        os.rename(self.m.path("temporary"), self.m.path("target"))
        self.assertEqual(self.m.path("target").read_text(), "new")
        self.m.unmount()
        self.assertEqual(set(self.keys()), {"target"})
        self.assertObject("target", "new")

    def test_write_temporary_and_rename_many_times_ends_with_the_last(self):
        for number in range(30):
            self.m.path(".target.tmp").write_text(f"version {number}")
            os.rename(self.m.path(".target.tmp"), self.m.path("target"))
            self.assertEqual(self.m.path("target").read_text(), f"version {number}")
        self.m.unmount()
        self.assertEqual(set(self.keys()), {"target"})
        self.assertObject("target", "version 29")

    def test_a_directory_moves_with_everything_in_it(self):
        for number in range(30):
            self.put(f"old/sub/file-{number}", f"content {number}")
        self.m.path("old/sub/fresh").write_text("fresh")
        self.m.path("old/empty").mkdir()
        os.rename(self.m.path("old"), self.m.path("new"))
        self.assertFalse(self.m.path("old").exists())
        self.assertEqual(sorted(os.listdir(self.m.path("new"))), ["empty", "sub"])
        self.assertEqual(len(os.listdir(self.m.path("new/sub"))), 31)
        self.assertEqual(self.m.path("new/sub/file-7").read_text(), "content 7")
        self.m.unmount()
        self.assertEqual(self.keys("old"), {})
        for number in range(30):
            self.assertObject(f"new/sub/file-{number}", f"content {number}")
        self.assertObject("new/sub/fresh", "fresh")
        self.assertObject("new/empty/", b"")

    def test_rename_onto_a_directory(self):
        self.put("source/a", "1")
        self.put("full/b", "2")
        self.m.path("empty").mkdir()
        self.assertErrno(errno.ENOTEMPTY, os.rename, self.m.path("source"), self.m.path("full"))
        os.rename(self.m.path("source"), self.m.path("empty"))
        self.m.unmount()
        self.assertObject("empty/a", "1")
        self.assertObject("full/b", "2")
        self.assertEqual(self.keys("source"), {})

    def test_impossible_renames(self):
        self.put("d/file", "x")
        self.put("file", "y")
        self.assertErrno(errno.EISDIR, os.rename, self.m.path("file"), self.m.path("d"))
        self.assertErrno(errno.ENOTDIR, os.rename, self.m.path("d"), self.m.path("file"))
        self.assertErrno(errno.ENOENT, os.rename, self.m.path("none"), self.m.path("new"))
        self.assertErrno(errno.EINVAL, os.rename, self.m.path("d"), self.m.path("d/below"))
        self.m.unmount()
        self.assertEqual(set(self.keys()) - {"d/"}, {"d/file", "file"})

    def test_rename_without_replacing(self):
        self.put("a", "1")
        self.put("b", "2")
        with self.assertRaises(OSError) as caught:
            renameat2(self.m.path("a"), self.m.path("b"), RENAME_NOREPLACE)
        self.assertIn(caught.exception.errno, (errno.EEXIST, errno.EINVAL))
        self.m.unmount()
        self.assertObject("a", "1")
        self.assertObject("b", "2")

    def test_an_open_file_follows_its_new_name(self):
        with open(self.m.path("old"), "wb", 0) as file:
            file.write(b"one ")
            os.rename(self.m.path("old"), self.m.path("new"))
            file.write(b"two")
        self.m.unmount()
        self.assertEqual(set(self.keys()), {"new"})
        self.assertObject("new", b"one two")


class SymlinkTests(RGWFSTestCase):
    def test_symlinks_are_kept_and_followed(self):
        mount = self.mount()
        targets = {"relative": "file", "absolute": "/etc/hostname", "dangling": "no/such",
                   "odd": " spaced ünder / target "}
        mount.path("file").write_text("followed")
        for name, target in targets.items():
            os.symlink(target, mount.path(name))
        self.assertEqual(mount.path("relative").read_text(), "followed")
        mount.remount()
        for name, target in targets.items():
            self.assertEqual(os.readlink(mount.path(name)), target)
            self.assertEqual(mount.path(name).lstat().st_size, len(target.encode()))
        self.assertErrno(errno.EEXIST, os.symlink, "x", mount.path("file"))
        self.assertErrno(errno.EINVAL, os.readlink, mount.path("file"))
        mount.unmount()
        self.assertObject("relative", "file")
        self.assertEqual(self.head("relative")["Metadata"]["mode"], "41471", "as s3fs writes it")


class PermissionTests(RGWFSTestCase):
    def test_the_kernel_checks_modes(self):
        self.directory.chmod(0o755)
        mount = self.mount("allow_other")
        mount.path("private").write_text("secret")
        mount.path("private").chmod(0o600)
        mount.path("public").write_text("open")
        mount.path("public").chmod(0o644)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        self.assertNotEqual(run(*nobody, "cat", mount.path("private"), check=False).returncode, 0)
        self.assertEqual(run(*nobody, "cat", mount.path("public")).stdout, "open")
        self.assertNotEqual(
            run(*nobody, "touch", mount.path("public"), check=False).returncode, 0)

    def test_uid_gid_and_masks_are_defaults_for_foreign_objects(self):
        self.put("file", "x")
        self.put("d/below", "x")
        mount = self.mount("uid=1000", "gid=1001", "fmask=0077", "dmask=0027")
        status = mount.path("file").stat()
        self.assertEqual((status.st_uid, status.st_gid), (1000, 1001))
        self.assertEqual(stat.S_IMODE(status.st_mode) & 0o077, 0)
        self.assertEqual(stat.S_IMODE(mount.path("d").stat().st_mode) & 0o027, 0)


if __name__ == "__main__":
    unittest.main()
