"""Mounts that are made when somebody looks, and go when nobody does: x-systemd.automount."""

import os
import subprocess

from automount import Automount
from harness import ENDPOINT, RGWFSTestCase, gone, is_mounted, kill, mounts, processes_naming, wait_until


class AutomountTests(RGWFSTestCase):
    seconds = 90

    def setUp(self):
        super().setUp()
        self.point = self.new_directory("mnt")
        self.options = (f"url={ENDPOINT},credentials={self.credentials},spool={self.directory / 'spool'},"
                        "connect_timeout=5")
        self.addCleanup(self.clear)

    def clear(self):
        for pid in processes_naming(self.point):
            kill(pid)
            wait_until(lambda: gone(pid), 10, "a daemon ends")
        while is_mounted(self.point):
            subprocess.run(["umount", "-l", self.point], timeout=10, check=True)

    def automount(self, *options, point=None):
        made = Automount(
            point or self.point,
            [self.program("mount.rgwfs"), self.bucket, self.point, "-o", ",".join((self.options, *options))],
            [self.program("umount.fuse.rgwfs"), self.point])
        self.addCleanup(made.remove)
        return made

    def outsider(self, script):
        """What a program of somebody else sees: one of another session than the one that mounts."""
        return subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, timeout=30, start_new_session=True)

    def is_served(self):
        return any(point == os.fspath(self.point) and kind == "fuse.rgwfs" for point, kind in mounts())

    def test_the_first_access_mounts(self):
        self.put("file", "content\n")
        trigger = self.automount()
        self.assertFalse(self.is_served())
        seen = self.outsider(f"cat {self.point}/file")
        self.assertEqual((seen.returncode, seen.stdout), (0, "content\n"), trigger.runs)
        self.assertEqual([status for _, status, _ in trigger.runs], [0], trigger.runs)

    def test_what_nobody_uses_is_unmounted_and_mounted_again_by_the_next_access(self):
        trigger = self.automount("writeback_delay=1h")
        for number in range(3):
            seen = self.outsider(f"echo {number} >{self.point}/file-{number}; ls {self.point} | wc -l")
            self.assertEqual((seen.returncode, seen.stdout), (0, f"{number + 1}\n"), trigger.runs)
            trigger.expire()
            self.assertFalse(self.is_served(), trigger.runs)
        self.assertEqual([status for _, status, _ in trigger.runs], [0] * 6, trigger.runs)
        for number in range(3):
            self.assertObject(f"file-{number}", f"{number}\n")

    def test_the_next_access_takes_over_from_who_still_uploads(self):
        """umount -i -l waits for nothing, so that the process goes on uploading after it."""
        trigger = self.automount("writeback_delay=1h")
        self.assertEqual(self.outsider(f"echo x >{self.point}/file").returncode, 0, trigger.runs)
        trigger.unmount = ["umount", "-i", "-l", self.point]
        trigger.expire()
        seen = self.outsider(f"cat {self.point}/file")
        self.assertEqual((seen.returncode, seen.stdout), (0, "x\n"), trigger.runs)

    def test_a_mount_that_fails_lets_the_caller_go(self):
        self.options += ",no_such_option"
        trigger = self.automount()
        self.assertNotEqual(self.outsider(f"ls {self.point}/file").returncode, 0)
        _, status, text = trigger.runs[0]
        self.assertEqual(status, 1, text)
        self.assertIn("no_such_option", text)

    def test_the_daemon_leaves_the_group_that_mounts(self):
        """A signal to the terminal's group does not reach it, and who waits for the group does not wait for it."""
        self.automount()
        self.assertEqual(self.outsider(f"ls {self.point}").returncode, 0)
        pid, = processes_naming(self.point)
        self.assertEqual((os.getsid(pid), os.getpgid(pid)), (pid, pid))
