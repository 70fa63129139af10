"""System calls do what POSIX and Linux say: the same laws on tmpfs and on a mount, as root and as a
user. What one object per file cannot do is refused with the errno that programs handle best."""

import ctypes
import errno
import json
import mmap
import os
import shutil
import stat
import struct
import subprocess
import unittest

from harness import ENDPOINT, RGWFSTestCase, run, tool, wait_until
from laws_attributes import AttributeLaws, SameValueLaws, TimeLaws
from laws_data import CopyLaws, LinkCountLaws, LockLaws, MemoryLaws, SyncLaws, UnlinkedLaws
from laws_names import (
    DirectoryLaws, ExchangeLaws, ListingLaws, RenameLaws, SpecialFileLaws, SymlinkLaws)
from laws_open import AllocationLaws, HoleLaws, OffsetLaws, OpenLaws
from laws_rights import AttributeRightsLaws, RightsLaws, TruncatingOpenLaws
from syscalls import (
    FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE, RENAME_EXCHANGE, Directory, fallocate, renameat2)
from shared import OnMount, OnTmpfs, SameAfterRemount, tmpfs


class Laws(OpenLaws, OffsetLaws, HoleLaws, CopyLaws, MemoryLaws, SyncLaws, UnlinkedLaws, LockLaws,
           RenameLaws, DirectoryLaws, SymlinkLaws, SpecialFileLaws, ListingLaws, TimeLaws,
           AllocationLaws, ExchangeLaws, LinkCountLaws, SameValueLaws, AttributeLaws):
    """What holds for everybody."""


class TmpfsAsRootTests(Laws, OnTmpfs):
    """The reference, as root."""


class TmpfsAsUserTests(Laws, OnTmpfs):
    """The reference, as an ordinary user."""

    user = True


class MountLaws(Laws, SameAfterRemount):
    """What holds for everybody, and after a remount."""

    # With a directory it is refused, see below.
    exchangeable = ("file", "link", "fifo")


class MountAsRootTests(MountLaws, OnMount):
    """A mount, as root."""


class MountAsUserTests(MountLaws, OnMount):
    """A mount, as an ordinary user."""

    user = True


class TmpfsRightsTests(RightsLaws, TruncatingOpenLaws, AttributeRightsLaws, OnTmpfs):
    """The reference for rights."""


class MountRightsTests(RightsLaws, TruncatingOpenLaws, AttributeRightsLaws, SameAfterRemount, OnMount):
    """A mount with several users."""


class MountOnlyTests(SameAfterRemount, OnMount):
    """Where a bucket is not a local disk, and where the bucket shows what happened."""

    options = ("allow_other", "dev", "suid")

    def test_hard_links_are_refused(self):
        path = self.file("file", b"x")
        self.assertErrno(errno.EPERM, os.link, path, self.d / "second")
        self.assertErrno(errno.EEXIST, os.link, path, self.directory())
        self.assertEqual(sorted(os.listdir(self.d)), ["directory", "file"])

    def test_files_without_a_name_are_refused_so_that_programs_make_one_with(self):
        self.assertErrno(errno.EOPNOTSUPP, os.open, self.d, os.O_TMPFILE | os.O_RDWR)

    def test_names_that_are_not_utf_8_are_refused_everywhere(self):
        path = self.file("file", b"x")
        name = os.fsencode(self.d) + b"/\xff\xfe"
        for call in ((os.open, name, os.O_CREAT | os.O_RDWR), (os.mkdir, name), (os.mkfifo, name),
                     (os.symlink, b"x", name), (os.rename, os.fsencode(path), name)):
            self.assertErrno(errno.EILSEQ, *call)
        for call in (os.stat, os.unlink, os.rmdir, os.listdir):
            self.assertErrno((errno.EILSEQ, errno.ENOENT), call, name)
        os.symlink(b"\xff\xfe", self.d / "link")
        self.assertEqual(os.readlink(os.fsencode(self.d / "link")), b"\xff\xfe")
        self.assertEqual(sorted(os.listdir(self.d)), ["file", "link"])

    def test_keys_have_1024_bytes_at_most_and_a_slash_counts(self):
        below = self.d
        while 1024 - len(self.key(below)) > 250:
            below = below / ("n" * 200)
            below.mkdir()
        room = 1024 - len(self.key(below)) - 1
        longest = below / ("f" * room)
        longest.write_bytes(b"x")
        os.symlink("target", below / ("l" * room))
        directory = below / ("d" * (room - 1))
        directory.mkdir()
        for call in (os.mkfifo, os.stat, lambda path: os.open(path, os.O_CREAT | os.O_RDWR),
                     lambda path: os.rename(longest, path)):
            self.assertErrno(errno.ENAMETOOLONG, call, below / ("f" * (room + 1)))
        for call in (os.mkdir, lambda path: os.rename(directory, path)):
            self.assertErrno(errno.ENAMETOOLONG, call, below / ("e" * room))
        self.assertErrno(errno.ENAMETOOLONG, os.mkdir, directory / "x")
        moved = below / ("g" * room)
        os.rename(longest, moved)
        os.chmod(moved, 0o600)
        self.assertEqual(moved.read_bytes(), b"x")
        descriptor = self.opened(below, os.O_RDONLY)
        os.fsync(descriptor)
        self.assertEqual(len(self.key(moved)), 1024)
        self.assertEqual(self.fixture.get(self.key(moved)), b"x")

    def test_posix_acls_are_refused(self):
        path = self.file()
        for name in ("system.posix_acl_access", "system.posix_acl_default"):
            entries = [(1, 6, -1), (2, 4, 1), (4, 4, -1), (16, 6, -1), (32, 4, -1)]
            value = struct.pack("<I", 2) + b"".join(
                struct.pack("<HHi", *entry) for entry in entries)
            self.assertErrno(errno.EOPNOTSUPP, os.setxattr, self.d, name, value)
            self.assertErrno((errno.EOPNOTSUPP, errno.ENODATA), os.getxattr, path, name)
        result = run("setfacl", "-m", "u:daemon:r", path, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("not supported", result.stderr)

    def test_a_mount_is_a_file_system_of_its_own(self):
        path = self.file("file", b"x")
        outside = self.fixture.directory / "outside"
        self.assertErrno(errno.EXDEV, os.rename, path, outside)
        self.assertErrno(errno.EXDEV, os.link, path, outside)
        self.assertNotEqual(path.stat().st_dev, outside.parent.stat().st_dev)
        shutil.move(path, outside)
        self.assertEqual(outside.read_bytes(), b"x")

    def test_a_running_program_is_as_busy_as_on_tmpfs(self):
        def attempt(directory):
            program = directory / "program"
            shutil.copyfile(shutil.which("sleep"), program)
            os.chmod(program, 0o755)
            with subprocess.Popen([program, "30"]) as process:
                try:
                    os.close(os.open(program, os.O_WRONLY))
                    return None
                except OSError as error:
                    return error.errno
                finally:
                    process.kill()
        with tmpfs() as place:
            self.assertEqual(attempt(self.d), attempt(place))

    def test_zeros_can_be_written_without_data(self):
        path = self.file("file", b"x" * 10_000)
        descriptor = self.opened(path)
        fallocate(descriptor, FALLOC_FL_ZERO_RANGE, 1_000, 2_000)
        fallocate(descriptor, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 9_000, 5_000)
        expected = b"x" * 1_000 + bytes(2_000) + b"x" * 6_000 + bytes(1_000)
        self.assertEqual(path.read_bytes(), expected)
        fallocate(descriptor, FALLOC_FL_ZERO_RANGE, 9_000, 2_000)
        self.assertEqual(path.read_bytes(), expected + bytes(1_000))

    def test_a_directory_is_not_renamed_when_a_key_below_would_be_too_long(self):
        top = self.d / ("n" * 200)
        below = top / ("n" * 200) / ("n" * 200) / ("n" * 200)
        below.mkdir(parents=True)
        room = 1023 - len(self.key(below)) - 1
        (below / ("f" * room)).write_bytes(b"x")
        self.assertErrno(errno.ENAMETOOLONG, os.rename, top, self.d / ("m" * 203))
        self.assertEqual((below / ("f" * room)).read_bytes(), b"x")
        os.fsync(self.opened(self.d, os.O_RDONLY | os.O_DIRECTORY))
        self.assertErrno(errno.ENAMETOOLONG, os.rename, top, self.d / ("m" * 203))
        os.rename(top, self.d / ("m" * 200))
        self.assertTrue(os.path.exists(os.fspath(below).replace("/" + "n" * 200,
                                                                "/" + "m" * 200, 1)))

    def test_exchange_with_a_directory_is_refused_and_changes_nothing(self):
        file, directory = self.file("file", b"x"), self.directory()
        (directory / "below").write_bytes(b"y")
        self.assertErrno(errno.EINVAL, renameat2, file, directory, RENAME_EXCHANGE)
        self.assertErrno(errno.EINVAL, renameat2, directory, file, RENAME_EXCHANGE)
        self.assertEqual((file.read_bytes(), os.listdir(directory)), (b"x", ["below"]))

    def test_direct_handles_read_and_write(self):
        path = self.file("file", bytes(8192))
        descriptor = self.opened(path, os.O_RDWR | os.O_DIRECT)
        memory = ctypes.create_string_buffer(12288)
        start = -ctypes.addressof(memory) % 4096
        view = memoryview(memory).cast("B")[start:start + 4096]
        view[:6] = b"direct"
        self.assertEqual(os.pwritev(descriptor, [view], 4096), 4096)
        view[:6] = bytes(6)
        self.assertEqual(os.preadv(descriptor, [view], 4096), 4096)
        self.assertEqual(bytes(view[:6]), b"direct")
        self.assertEqual(path.read_bytes()[4096:4102], b"direct")

    def test_fsync_means_in_the_bucket(self):
        path = self.file("file", b"x")
        descriptor = self.opened(path)
        os.write(descriptor, b"synced")
        os.fsync(descriptor)
        self.fixture.assertObject(self.key(path), b"synced")
        os.rename(path, self.d / "renamed")
        (self.d / "sub").mkdir()
        os.fsync(self.opened(self.d, os.O_RDONLY | os.O_DIRECTORY))
        self.assertEqual(sorted(self.fixture.keys(self.key(self.d) + "/")),
                         [self.key(self.d) + suffix for suffix in ("/", "/renamed", "/sub/")])

    def test_memory_is_in_the_bucket_after_a_flush_and_a_close(self):
        path = self.file("file", bytes(10_000))
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            memory[5_000:5_006] = b"mapped"
            memory.flush()
            os.fsync(file.fileno())
        self.fixture.assertObject(self.key(path), bytes(5_000) + b"mapped" + bytes(4_994))

    def test_directories_have_links_as_find_expects(self):
        (self.d / "a/b").mkdir(parents=True)
        self.assertEqual(self.d.stat().st_nlink, 1)
        self.assertEqual(run("find", self.d, "-type", "d", "-name", "b").stdout.strip(),
                         str(self.d / "a/b"))

    def test_special_files_are_objects_as_s3fs_writes_them(self):
        os.mkfifo(self.d / "fifo", 0o640)
        os.mknod(self.d / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        self.assertEqual((self.d / "device").read_bytes(), b"", "it is /dev/null")
        os.fsync(self.opened(self.d, os.O_RDONLY | os.O_DIRECTORY))
        head = self.fixture.head(self.key(self.d / "fifo"))
        self.assertEqual((head["ContentLength"], head["Metadata"]["mode"]),
                         (0, str(stat.S_IFIFO | 0o640)))
        head = self.fixture.head(self.key(self.d / "device"))
        self.assertEqual(head["Metadata"]["mode"], str(stat.S_IFCHR | 0o600))


class UploadsUnderWayTests(RGWFSTestCase):
    """What happens to names while their files are being uploaded."""

    def test_a_directory_is_renamed_with_open_files_and_running_uploads_in_it(self):
        proxy = self.proxy(delay_ms=100)
        mount = self.mount("writeback_delay=0s", "uploads=2", endpoint=proxy.endpoint)
        (mount.path("a/sub")).mkdir(parents=True)
        expected = {}
        with open(mount.path("a/open"), "wb", 0) as file:
            file.write(b"before ")
            for round_ in range(3):
                old, new = mount.path("ab"[round_ % 2]), mount.path("ba"[round_ % 2])
                for number in range(12):
                    name = f"sub/{round_}-{number}"
                    expected[name] = os.urandom(1000 * number)
                    (old / name).write_bytes(expected[name])
                wait_until(lambda: any(f"/sub/{round_}-" in row[2] for row in proxy.requests("PUT")),
                           20, "an upload has ended, others have begun")
                os.rename(old, new)
                file.write(b"%d " % round_)
                self.assertEqual(len(os.listdir(new / "sub")), len(expected))
        mount.unmount()
        self.assertEqual(set(self.keys()), {"b/", "b/sub/", "b/open", *(
            f"b/{name}" for name in expected)})
        for name, data in expected.items():
            self.assertObject(f"b/{name}", data)
        self.assertObject("b/open", b"before 0 1 2 ")

    def test_a_file_is_replaced_and_removed_while_it_is_uploaded(self):
        proxy = self.proxy(delay_ms=200)
        mount = self.mount("writeback_delay=0s", endpoint=proxy.endpoint)
        for number in range(8):
            mount.path("replaced").write_bytes(b"version %d" % number)
            mount.path("removed").write_bytes(b"x" * 1000)
            mount.path("temporary").write_bytes(b"renamed %d" % number)
            os.rename(mount.path("temporary"), mount.path("renamed"))
            os.unlink(mount.path("removed"))
        mount.unmount()
        self.assertEqual(set(self.keys()), {"replaced", "renamed"})
        self.assertObject("replaced", b"version 7")
        self.assertObject("renamed", b"renamed 7")


class LargeDirectoryTests(OnMount):
    """Many names that another client has made. RGWFS_TEST_NAMES: how many, if not 5,000."""

    count = int(os.environ.get("RGWFS_TEST_NAMES", 5_000))

    def setUp(self):
        self.d = self.point / "many"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # rawclient does not sign its requests.
        cls.fixture.s3.put_bucket_policy(Bucket=cls.fixture.bucket, Policy=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": "*", "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{cls.fixture.bucket}",
                             f"arn:aws:s3:::{cls.fixture.bucket}/*"]}]}))
        source = cls.fixture.new_directory("source")
        for number in range(cls.count):
            (source / f"entry-{number:05}").touch()
        run(tool("rawclient"), f"{ENDPOINT}/{cls.fixture.bucket}", "putmany", source,
            "many/", "16")

    def test_all_are_listed_once_and_positions_hold(self):
        expected = sorted(f"entry-{number:05}" for number in range(self.count))
        with Directory(self.d) as stream:
            names, positions = [], {}
            while True:
                position = stream.tell()
                name = stream.read()
                if name is None:
                    break
                if len(names) % 5_000 == 17:
                    positions[len(names)] = position
                names.append(name)
            self.assertEqual(len(names), self.count + 2)
            self.assertEqual(sorted(names), [".", ".."] + expected)
            for index, position in positions.items():
                stream.seek(position)
                self.assertEqual([stream.read() for _ in range(100)], names[index:index + 100])

    def test_some_are_deleted_while_all_are_listed(self):
        deleted = 0
        with Directory(self.d) as stream:
            while (name := stream.read()) is not None:
                if name.endswith(("00", "50")):
                    os.unlink(self.d / name)
                    deleted += 1
        self.assertEqual(deleted, self.count // 50)
        self.assertEqual(len(os.listdir(self.d)), self.count - deleted)


if __name__ == "__main__":
    unittest.main()
