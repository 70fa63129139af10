"""The same bucket with the real s3fs, with rclone and with rgwfs: all see the same files.

s3fs keeps no device numbers, no times of links that are set, and trims the targets of links.
"""

import errno
import os
import socket
import stat
import subprocess
import unittest

from harness import (
    ACCESS_KEY, ENDPOINT, MOUNT_SECONDS, SECRET_KEY, RGWFSTestCase, describe, is_mounted, run,
    wait_until)
from shared import user_attributes

NAMES = ["plain", "with space", "plus+percent%20", "grüße-日本語-🐟", "question?hash#amp&", ".hidden",
         "quote'double\"", "a,b;c|d", "n" * 255]


class S3FS:
    """One mount of s3fs, in the foreground."""

    def __init__(self, test, *options):
        self.test = test
        self.point = test.new_directory("s3fs")
        self.log = test.directory / "s3fs.log"
        self.options = [
            "url=" + ENDPOINT, "use_path_request_style", f"passwd_file={test.credentials}",
            "use_xattr", "allow_other", "retries=3", *options]
        self.process = None

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["s3fs", self.test.bucket, self.point, "-f", "-o", ",".join(self.options)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: is_mounted(self.point) or self.process.poll() is not None,
                   MOUNT_SECONDS, "s3fs is mounted")
        if not is_mounted(self.point):
            raise AssertionError(f"s3fs ends: {self.log.read_text(errors='replace')}")
        return self.point

    def __exit__(self, *_):
        subprocess.run(["umount", self.point], timeout=60, check=False)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        subprocess.run(["umount", "-l", self.point], stderr=subprocess.DEVNULL, timeout=10,
                       check=False)


class S3FSCase(RGWFSTestCase):
    def see(self, root):
        """What both must agree on."""
        table = describe(root)
        for name, row in table.items():
            path = os.path.join(os.fsencode(root), name)
            if row["type"] in (stat.S_IFREG, stat.S_IFDIR):
                row["xattr"] = user_attributes(path)
            else:
                del row["mtime"]
        return table

    def assertSame(self, found, expected):
        """Only what differs is in the message."""
        def differing(one, other):
            return {name: {key: value for key, value in row.items()
                           if other.get(name, {}).get(key) != value}
                    for name, row in one.items() if other.get(name) != row}
        self.assertEqual(differing(found, expected), differing(expected, found))

    def fill(self, root):
        """A tree with everything that both can keep."""
        (root / "directory/deeper").mkdir(parents=True)
        (root / "empty").mkdir()
        for number, name in enumerate(NAMES):
            path = root / "directory" / name
            path.write_bytes(name.encode() * number * 100)
            path.chmod((0o644, 0o755, 0o600, 0o440, 0o666)[number % 5])
            os.chown(path, 1000 + number, 2000 + number)
            os.utime(path, ns=(10 ** 18 + number, 10 ** 18 + 123_456_789 * (number + 1)))
        (root / "directory/deeper/large").write_bytes(os.urandom(1 << 20) * 3)
        with open(root / "directory/hole", "wb") as file:
            file.seek(100_000)
            file.write(b"end")
        for path in (root / "directory/plain", root / "directory/deeper/large"):
            os.setxattr(path, "user.one", b"value one")
            os.setxattr(path, "user.binary", bytes(range(256)))
        os.symlink("plain", root / "directory/link")
        os.symlink("../no/such thing", root / "directory/deeper/dangling")
        os.mkfifo(root / "fifo", 0o640)
        os.mknod(root / "socket", stat.S_IFSOCK | 0o755)
        os.mknod(root / "character", stat.S_IFCHR | 0o600, os.makedev(0, 0))
        os.mknod(root / "block", stat.S_IFBLK | 0o660, os.makedev(0, 0))
        for path, mode, owner in ((root / "empty", 0o1777, 7), (root / "directory/deeper", 0o2750, 8)):
            os.chown(path, owner, owner)
            path.chmod(mode)
            os.utime(path, ns=(1, 1_500_000_000_250_000_000))
        os.utime(root / "directory", ns=(1, 1_400_000_000_000_000_001))


class S3FSTests(S3FSCase):
    def test_what_s3fs_writes_is_the_same_here(self):
        with S3FS(self) as point:
            self.fill(point)
        with S3FS(self) as point:
            expected = self.see(point)
        mount = self.mount("allow_other", "dev")
        self.assertSame(self.see(mount.point), expected)

    def test_what_is_written_here_is_the_same_in_s3fs(self):
        mount = self.mount("allow_other", "dev")
        self.fill(mount.point)
        expected = self.see(mount.point)
        mount.unmount()
        with S3FS(self) as point:
            self.assertSame(self.see(point), expected)

    def test_changes_of_one_are_seen_by_the_other(self):
        with S3FS(self) as point:
            (point / "d").mkdir()
            for name in ("chmod", "append", "rename", "remove", "xattr"):
                (point / "d" / name).write_text(name)
                os.setxattr(point / "d" / name, "user.theirs", b"1")
                os.chown(point / "d" / name, 5, 6)
        mount = self.mount("allow_other")
        top = mount.path("d")
        os.chmod(top / "chmod", 0o751)
        with open(top / "append", "a", encoding="utf-8") as file:
            file.write(" more")
        os.rename(top / "rename", top / "renamed")
        os.unlink(top / "remove")
        os.setxattr(top / "xattr", "user.ours", b"2")
        os.rename(top, mount.path("e"))
        expected = self.see(mount.point)
        mount.unmount()
        with S3FS(self) as point:
            self.assertSame(self.see(point), expected)
            self.assertEqual(user_attributes(point / "e/xattr"),
                             {"user.theirs": b"1", "user.ours": b"2"})
            os.chmod(point / "e/chmod", 0o640)
            os.removexattr(point / "e/xattr", "user.theirs")
            os.truncate(point / "e/append", 3)
            os.rename(point / "e/renamed", point / "e/again")
            os.symlink("again", point / "e/link")
        with S3FS(self) as point:
            expected = self.see(point)
        mount.start()
        self.assertSame(self.see(mount.point), expected)
        self.assertEqual(user_attributes(mount.path("e/xattr")), {"user.ours": b"2"})

    def test_directories_without_marker_are_directories_in_both(self):
        self.put("a/b/c/file", "deep")
        self.put("a/beside", "x")
        with S3FS(self, "complement_stat") as point:
            expected = {name: row["type"] for name, row in describe(point).items()}
        mount = self.mount()
        self.assertEqual({name: row["type"] for name, row in describe(mount.point).items()},
                         expected)
        mount.path("a/b/own").mkdir()
        os.chmod(mount.path("a/b"), 0o700)
        mount.unmount()
        with S3FS(self) as point:
            self.assertEqual(stat.S_IMODE((point / "a/b").stat().st_mode), 0o700)
            self.assertEqual(sorted(os.listdir(point / "a/b")), ["c", "own"])

    def test_sockets_and_fifos_that_s3fs_made_work(self):
        with S3FS(self) as point:
            os.mkfifo(point / "fifo")
            os.mknod(point / "socket", stat.S_IFSOCK | 0o755)
        mount = self.mount()
        reader = os.open(mount.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
        writer = os.open(mount.path("fifo"), os.O_WRONLY)
        os.write(writer, b"x")
        self.assertEqual(os.read(reader, 2), b"x")
        os.close(reader)
        os.close(writer)
        with socket.socket(socket.AF_UNIX) as client:
            self.assertErrno(errno.ECONNREFUSED, client.connect, os.fspath(mount.path("socket")))


class RcloneTests(S3FSCase):
    def rclone(self, *words):
        return run(
            "rclone", "--config", os.devnull, "--s3-provider", "Ceph", "--s3-endpoint", ENDPOINT,
            "--s3-access-key-id", ACCESS_KEY, "--s3-secret-access-key", SECRET_KEY, *words,
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")})

    def tree(self):
        tree = self.new_directory("tree")
        (tree / "sub").mkdir()
        for number, name in enumerate(("a", "b.txt", "sub/c", "sub/ü d")):
            (tree / name).write_bytes(name.encode() * number)
            os.utime(tree / name, ns=(0, 1_600_000_000_000_000_000 + 500_000_001 * number))
        return tree

    def contents_and_times(self, root):
        return {name: (row["md5"], row["mtime"]) for name, row in describe(root).items()
                if "md5" in row}

    def test_what_rclone_copies_has_its_times_here(self):
        tree = self.tree()
        self.rclone("copy", tree, f":s3:{self.bucket}/x")
        mount = self.mount()
        self.assertEqual(self.contents_and_times(mount.path("x")), self.contents_and_times(tree))

    def test_what_is_copied_here_is_unchanged_for_rclone(self):
        tree = self.tree()
        mount = self.mount()
        run("cp", "-a", tree, mount.path("x"))
        os.chmod(mount.path("x/a"), 0o600)
        mount.unmount()
        report = self.rclone("copy", "-v", tree,
                             f":s3:{self.bucket}/x")
        self.assertIn("There was nothing to transfer", report.stderr)
        self.rclone("check", "--download", tree, f":s3:{self.bucket}/x")
        back = self.new_directory("back")
        self.rclone("copy", f":s3:{self.bucket}/x", back)
        self.assertEqual(self.contents_and_times(back), self.contents_and_times(tree))


if __name__ == "__main__":
    unittest.main()
