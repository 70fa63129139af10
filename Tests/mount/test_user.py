"""A mount of an ordinary user, through fusermount3."""

import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile

from harness import (BINARY, ENDPOINT, MOUNT_SECONDS, RGWFSTestCase, gone, is_mounted, kill, processes_naming,
                     wait_until)

# Neither root nor anybody whose files are here.
USER = 65534


class UserTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        # The usual mode; some containers narrow it.
        mode = stat.S_IMODE(os.stat("/dev/fuse").st_mode)
        os.chmod("/dev/fuse", 0o666)
        self.addCleanup(os.chmod, "/dev/fuse", mode)
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="rgwfs-user-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.point = self.home / "mnt"
        self.point.mkdir()
        shutil.copy(BINARY, self.home / "mount.rgwfs")
        shutil.copy(self.credentials, self.home / "keys")
        for path in (self.home, *self.home.iterdir()):
            os.chown(path, USER, USER)
        self.addCleanup(self.clear)

    def clear(self):
        """Before the directory goes."""
        for pid in processes_naming(self.point):
            kill(pid)
        subprocess.run(["umount", "-l", self.point], stderr=subprocess.DEVNULL, timeout=10)

    def as_user(self, *words):
        return subprocess.run(
            ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *words],
            env={"HOME": os.fspath(self.home), "PATH": os.environ["PATH"]}, cwd=self.home,
            capture_output=True, text=True, timeout=MOUNT_SECONDS)

    def test_a_mount_ends_with_its_daemon_and_leaves_nothing(self):
        made = self.as_user(
            self.home / "mount.rgwfs", self.bucket, self.point, "-o",
            f"url={ENDPOINT},credentials={self.home}/keys,spool={self.home}/spool,writeback_delay=1h")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertTrue(is_mounted(self.point))
        # Root has no access to it.
        self.assertEqual(self.as_user("sh", "-c", f"echo hello > {self.point}/file").returncode, 0)
        pid, = processes_naming(self.point)
        self.assertEqual(os.stat(f"/proc/{pid}").st_uid, USER)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: gone(pid), MOUNT_SECONDS, "the daemon ends")
        self.assertFalse(is_mounted(self.point))
        self.assertObject("file", b"hello\n")
