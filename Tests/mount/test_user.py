"""A mount of an ordinary user, through fusermount3."""

import os
import signal

from harness import MOUNT_SECONDS, gone, is_mounted, wait_until
from users import UserTestCase


class UserTests(UserTestCase):
    def test_a_mount_ends_with_its_daemon_and_leaves_nothing(self):
        user = self.user
        made = user.mount(self.bucket, f"spool={user.home}/spool", "writeback_delay=1h")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertTrue(is_mounted(user.point))
        # Root has no access to it.
        self.assertEqual(user.run("sh", "-c", f"echo hello > {user.point}/file").returncode, 0)
        pid = user.process()
        self.assertEqual(os.stat(f"/proc/{pid}").st_uid, user.number)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: gone(pid), MOUNT_SECONDS, "the daemon ends")
        self.assertFalse(is_mounted(user.point))
        self.assertObject("file", b"hello\n")
