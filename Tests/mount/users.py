"""Ordinary users of this machine, with homes of their own."""

import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

from harness import BINARY, ENDPOINT, MOUNT_SECONDS, RGWFSTestCase, is_mounted, kill, mounts, processes_naming


class User:
    """Neither root nor anybody whose files are here."""

    def __init__(self, test, number):
        self.number = number
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="rgwfs-user-"))
        self.point = self.home / "mnt"
        self.point.mkdir()
        for name in ("rgwfs", "mount.rgwfs", "umount.rgwfs"):
            if name == "rgwfs":
                shutil.copy(BINARY, self.home / name)
            else:
                os.link(self.home / "rgwfs", self.home / name)
        self.keys = self.home / "keys"
        shutil.copy(test.credentials, self.keys)
        self.keys.chmod(0o600)
        for path in (self.home, *self.home.iterdir()):
            os.chown(path, number, number)
        self.options = f"url={ENDPOINT},credentials={self.keys},connect_timeout=5"
        # More variables for programs.
        self.environment = {}

    @property
    def spools(self):
        """Where rgwfs keeps them for this user."""
        return self.home / ".local/state/rgwfs"

    def run(self, *words, before=()):
        """Runs a program as this user; `before`: programs that run it, such as prlimit."""
        return subprocess.run(
            [*before, "setpriv", f"--reuid={self.number}", f"--regid={self.number}", "--clear-groups",
             *map(os.fspath, words)],
            env={"HOME": os.fspath(self.home), "PATH": os.environ["PATH"], **self.environment},
            cwd=self.home, capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=3 * MOUNT_SECONDS)

    def rgwfs(self, *words, **settings):
        return self.run(self.home / "rgwfs", *words, **settings)

    def mount(self, source, *options, point=None, **settings):
        return self.run(self.home / "mount.rgwfs", source, point or self.point, "-o",
                        ",".join((self.options, *options)), **settings)

    def process(self, point=None):
        """The daemon of the mount."""
        found, = processes_naming(point or self.point)
        return found

    def clear(self):
        """No process and no mount stays."""
        for pid in processes_naming(self.home, whole=False):
            kill(pid)
        for point, _ in list(mounts()):
            if point.startswith(f"{self.home}/"):
                subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL, timeout=10)
        shutil.rmtree(self.home, ignore_errors=not is_mounted(self.point))


class UserTestCase(RGWFSTestCase):
    """A test with users; self.user is the first."""

    def setUp(self):
        super().setUp()
        # The usual mode; some containers narrow it.
        mode = stat.S_IMODE(os.stat("/dev/fuse").st_mode)
        os.chmod("/dev/fuse", 0o666)
        self.addCleanup(os.chmod, "/dev/fuse", mode)
        self.user = self.new_user(65534)

    def new_user(self, number):
        user = User(self, number)
        self.addCleanup(user.clear)
        return user
