"""kill -9 around the handover of a spool, on a real RGW. P2, P4; crash points C31, C32, C33.

An unmounted daemon lingers and uploads; a new mount asks it for the spool. Whoever dies while that goes on,
the next mount shows every file, and after it the bucket has them.
"""

import os
import signal
import subprocess
import unittest

from harness import RGWFSTestCase, is_mounted, kill, processes_naming, run, wait_until


def unix_sockets(pid):
    """Inodes of the unix sockets that the process has open."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as table:
        known = {line.split()[6] for line in table}
    found = set()
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
            except FileNotFoundError:
                pass
    except FileNotFoundError:
        pass
    return {link[8:-1] for link in found if link.startswith("socket:[")} & known


class HandoverKillTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        # Slow, so that a drain takes seconds.
        self.slow = self.proxy(delay_ms=60)
        self.first = self.mount("writeback_delay=20s", "uploads=2", "drain_timeout=60s",
                                endpoint=self.slow.endpoint)
        self.expected = {f"file-{number}": os.urandom(3000) for number in range(40)}
        for name, content in self.expected.items():
            self.first.path(name).write_bytes(content)

    def linger(self):
        """The first daemon is unmounted and has uploaded some."""
        run("fusermount3", "-u", self.first.point)
        self.wait_for_uploads()

    def wait_for_uploads(self):
        wait_until(lambda: 3 <= len(self.slow.requests("PUT")), 30, "the drain has begun")

    def assertPending(self):
        self.assertLess(len(self.keys()), len(self.expected), "everything was uploaded before the kill")

    def successor(self, trap=None):
        """Not mounted yet; dies at the trap."""
        # Few at a time, so that something is left to do at the kill.
        mount = self.mount("uploads=4", endpoint=self.slow.endpoint, start=False)
        mount.environment = {"RGWFS_FAIL": trap} if trap else {}
        return mount

    def launch(self, mount):
        """The successor runs and waits for a daemon that stands still."""
        mount.process = subprocess.Popen(mount.command, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        mount.pid = mount.process.pid
        asked = set()

        def asks():
            """Twice: who is mounted, then for the spool."""
            for pid in processes_naming(mount.point):
                asked.update(unix_sockets(pid))
            return len(asked) >= 2

        wait_until(asks, 10, "the new mount asks for the spool")
        self.assertFalse(is_mounted(mount.point))

    def assertAllThere(self, mount):
        self.assertEqual({name: mount.path(name).read_bytes() for name in os.listdir(mount.point)},
                         self.expected)
        mount.unmount()
        self.assertEqual({key: self.get(key) for key in self.keys()}, self.expected)

    def test_c31_a_drainer_killed_amid_its_uploads(self):
        self.linger()
        kill(self.first.pid)
        self.first.wait_for_exit(10)
        self.assertPending()
        self.assertAllThere(self.successor().start())

    def test_c32_a_drainer_killed_while_a_new_mount_waits_for_it(self):
        self.linger()
        kill(self.first.pid, signal.SIGSTOP)
        mount = self.successor()
        self.launch(mount)
        kill(self.first.pid)
        self.first.wait_for_exit(10)
        self.assertPending()
        wait_until(lambda: is_mounted(mount.point), 20, "the new mount has the spool")
        self.assertAllThere(mount)

    def test_c32_a_new_mount_killed_while_it_waits_for_the_drainer(self):
        self.linger()
        kill(self.first.pid, signal.SIGSTOP)
        waiting = self.successor()
        self.launch(waiting)
        kill(waiting.pid)
        waiting.wait_for_exit(10)
        self.assertPending()
        kill(self.first.pid, signal.SIGCONT)
        mount = self.successor().start()
        self.first.wait_for_exit(20)
        self.assertAllThere(mount)

    def take_over_and_die(self, trap):
        self.linger()
        dying = self.successor(trap)
        with self.assertRaises(AssertionError):
            dying.start()
        self.first.wait_for_exit(20)
        self.assertPending()
        dying.kill()
        self.assertAllThere(self.successor().start())

    def test_c32_a_new_mount_killed_when_it_has_read_the_spool(self):
        self.take_over_and_die("recovery-loaded:kill")

    def test_c32_a_new_mount_killed_when_it_has_recovered(self):
        self.take_over_and_die("recovery-committed:kill")

    def test_c32_a_new_mount_killed_amid_the_uploads_it_took_over(self):
        self.linger()
        dying = self.successor("put-answered:kill@3").start()
        self.first.wait_for_exit(20)
        dying.process.wait(30)
        self.assertPending()
        dying.kill()
        self.assertAllThere(self.successor().start())

    def test_c32_the_helper_killed_while_its_daemon_waits_for_the_drainer(self):
        """mount(8) waits for the helper, the helper for its daemon, which ends when nobody hears that it is ready."""
        self.linger()
        kill(self.first.pid, signal.SIGSTOP)
        orphan = self.mount(endpoint=self.slow.endpoint, foreground=False, start=False)
        self.launch(orphan)
        kill(orphan.pid)
        orphan.process.wait(10)
        self.assertPending()
        kill(self.first.pid, signal.SIGCONT)
        self.first.wait_for_exit(60)
        wait_until(lambda: not processes_naming(orphan.point), 20, "the daemon ends")
        self.assertAllThere(self.successor().start())

    def test_c33_umount_and_its_daemon_killed_amid_the_drain(self):
        helper = subprocess.Popen([self.program("umount.fuse.rgwfs"), self.first.point],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for_uploads()
        helper.kill()
        helper.wait(10)
        self.assertTrue(is_mounted(self.first.point), "a drain that nobody waits for unmounts nothing")
        self.assertPending()
        self.first.kill()
        self.assertAllThere(self.successor().start())


if __name__ == "__main__":
    unittest.main()
