"""A spool that is small or full: writers wait for uploads, and what needs no room goes on.

Promises P4 and P6. The spool of the full disk is a filesystem in memory of its own, filled to the
last byte by somebody else.
"""

import errno
import hashlib
import os
import pathlib
import subprocess
import time

from harness import RGWFSTestCase, is_mounted, run, wait_until

MIB = 1 << 20


class SpoolTests(RGWFSTestCase):
    def content(self, number, size):
        """`size` bytes that no other file has."""
        block = hashlib.sha256(str(number).encode()).digest() * (MIB // 32)
        return block * (size // MIB)

    def taken(self, mount):
        """Bytes that unsent data takes of the disk."""
        total = 0
        for directory, _, names in os.walk(mount.spool):
            if "/data" not in directory:
                continue
            for name in names:
                try:
                    total += os.stat(os.path.join(directory, name)).st_blocks * 512
                except FileNotFoundError:
                    pass
        return total

    def test_copying_more_than_the_spool_holds_waits_for_uploads(self):
        proxy = self.proxy(delay_ms=20)
        mount = self.mount("spool_size=32M", endpoint=proxy.endpoint)
        most = 0
        for number in range(40):
            with open(mount.path(f"file-{number}"), "wb") as file:
                file.write(self.content(number, 4 * MIB))
            most = max(most, self.taken(mount))
        self.assertLessEqual(most, 33 * MIB)
        mount.unmount()
        self.assertEqual(len(self.keys()), 40)
        for number in (0, 17, 39):
            self.assertObject(f"file-{number}", self.content(number, 4 * MIB))

    def test_a_spool_whose_disk_is_not_mounted_is_waited_for(self):
        disk, point = self.new_directory("disk"), self.new_directory("point")
        run("mount", "--bind", disk, point)
        self.addCleanup(subprocess.run, ["umount", "-l", point], stderr=subprocess.DEVNULL)
        mount = self.mount("writeback_delay=1h", "fsync=local", spool=point / "spool")
        mount.path("file").write_text("waits")
        mount.kill()
        run("umount", point)
        with self.assertRaisesRegex(AssertionError, f"file system of {point}, which is not mounted"):
            mount.start()
        self.assertEqual(os.listdir(point), [])
        run("mount", "--bind", disk, point)
        mount.start()
        self.assertEqual(mount.path("file").read_text(), "waits")
        mount.unmount()
        self.assertObject("file", b"waits")

    def test_a_file_larger_than_the_spool_fails_and_nothing_else(self):
        mount = self.mount("spool_size=16M")
        self.assertErrno(errno.ENOSPC, self.write_too_much, mount.path("large"))
        size = os.stat(mount.path("large")).st_size
        self.assertGreater(size, 8 * MIB, "what was accepted stays")
        with open(mount.path("large"), "rb") as file:
            self.assertEqual(file.read(MIB), self.content(1, MIB))
        os.unlink(mount.path("large"))
        mount.path("small").write_bytes(b"1")
        mount.unmount()
        self.assertEqual(set(self.keys()), {"small"})

    def write_too_much(self, path):
        with open(path, "wb", buffering=0) as file:
            for _ in range(64):
                file.write(self.content(1, MIB))

    def test_a_part_of_a_large_object_is_changed_without_fetching_it(self):
        body = self.content(3, 80 * MIB)
        self.put("large", body)
        proxy = self.proxy()
        mount = self.mount(endpoint=proxy.endpoint)
        with open(mount.path("large"), "r+b", buffering=0) as file:
            file.seek(40 * MIB)
            started = time.monotonic()
            file.write(b"changed")
            taken = time.monotonic() - started
            fetched = [row for row in proxy.requests("GET") if row[2].endswith("/large")]
            self.assertEqual([], fetched, f"written in {taken:.3f} s")
            file.seek(40 * MIB - 3)
            self.assertEqual(file.read(13), body[:3] and body[40 * MIB - 3:40 * MIB] + b"changed"
                             + body[40 * MIB + 7:40 * MIB + 10])
        mount.kill()
        mount.start()
        mount.unmount()
        self.assertObject("large", body[:40 * MIB] + b"changed" + body[40 * MIB + 7:])

    def test_the_file_system_does_not_show_the_size_of_the_spool(self):
        mount = self.mount("spool_size=16M")
        status = os.statvfs(mount.point)
        self.assertGreater(status.f_bavail * status.f_frsize, 1 << 40)


class FullDiskTests(RGWFSTestCase):
    SIZE = 64 * MIB

    def setUp(self):
        super().setUp()
        self.disk = self.new_directory("disk")
        run("mount", "-t", "tmpfs", "-o", f"size={self.SIZE},mode=700", "tmpfs", self.disk)
        # Before the directory goes, and after its mount has gone.
        self.addCleanup(self.remove_disk)

    def remove_disk(self):
        if is_mounted(self.disk):
            subprocess.run(["umount", "-l", self.disk], timeout=20, check=False)

    def fill(self):
        """Somebody else takes all that is left."""
        with open(pathlib.Path(self.disk) / "filler", "ab", buffering=0) as file:
            for size in (MIB, 4096):
                while True:
                    try:
                        file.write(b"x" * size)
                    except OSError as error:
                        self.assertEqual(error.errno, errno.ENOSPC)
                        break

    def test_names_change_on_a_disk_without_a_byte_left(self):
        self.put("old/object", "content")
        proxy = self.proxy()
        mount = self.mount(endpoint=proxy.endpoint, spool=self.disk / "spool")
        mount.path("unsent").write_bytes(b"1" * MIB)
        os.listdir(mount.path("old"))
        os.stat(mount.path("old/object"))
        self.fill()
        keeper = open(mount.path("unsent"), "ab", buffering=0)
        self.assertErrno(errno.ENOSPC, self.grow, keeper)
        for number in range(50):
            os.mkdir(mount.path(f"d{number}"))
            os.rename(mount.path(f"d{number}"), mount.path(f"e{number}"))
        os.unlink(mount.path("old/object"))
        os.chmod(mount.path("unsent"), 0o600)
        keeper.close()
        os.getxattr(mount.point, "user.rgwfs.pending")
        os.unlink(self.disk / "filler")
        wait_until(lambda: self.head("unsent") is not None, 30, "the upload goes on")
        mount.path("more").write_bytes(b"2" * MIB)
        mount.unmount()
        self.assertEqual(self.keys()["unsent"] >= MIB, True)
        self.assertNoObject("old/object")
        self.assertEqual(self.keys()["more"], MIB)

    def grow(self, file):
        for _ in range(self.SIZE // MIB):
            file.write(b"1" * MIB)
