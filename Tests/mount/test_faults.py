"""Servers that are silent, gone, busy or cut connections: errors in bounded time, and recovery.

Promises P4, P5 and P6. A paused proxy is a server that accepts and never answers, a stopped one is
a dead port.
"""

import errno
import os
import time
import unittest

from harness import RGWFSTestCase, describe, make_tree, run, wait_until

# timeo is in tenths of a second, as in nfs(5); the mounts below wait at most for both attempts.
SHORT = ("timeo=20", "retrans=1", "connect_timeout=2", "actimeo=0")
BOUND = 30


class FaultTests(RGWFSTestCase):
    def fails_in_time(self, call, *arguments):
        """An error, not an answer that nobody gave, and not for ever."""
        started = time.monotonic()
        with self.assertRaises(OSError) as caught:
            call(*arguments)
        self.assertLess(time.monotonic() - started, BOUND)
        self.assertNotIsInstance(caught.exception, FileNotFoundError,
                                 "'no such file' needs a definite answer")

    def test_a_silent_server_is_an_error_in_bounded_time_and_recovers(self):
        self.put("d/file", "content")
        proxy = self.proxy()
        mount = self.mount(*SHORT, endpoint=proxy.endpoint)
        os.listdir(mount.point)
        proxy.pause()
        self.fails_in_time(os.stat, mount.path("unknown"))
        self.fails_in_time(os.listdir, mount.path("d"))
        self.fails_in_time(mount.path("d/file").read_text)
        proxy.resume()
        wait_until(lambda: self.works(mount), BOUND, "the mount works again")

    def test_a_dead_port_is_an_error_in_bounded_time_and_recovers(self):
        self.put("d/file", "content")
        proxy = self.proxy()
        mount = self.mount(*SHORT, endpoint=proxy.endpoint)
        os.listdir(mount.point)
        proxy.stop()
        self.fails_in_time(os.stat, mount.path("unknown"))
        self.fails_in_time(os.listdir, mount.path("d"))
        self.fails_in_time(mount.path("d/file").read_text)
        proxy.start()
        wait_until(lambda: self.works(mount), BOUND, "the mount works again")

    def test_files_can_be_made_where_the_names_are_known(self):
        self.put("listed/file", "content")
        self.put("unknown/file", "content")
        proxy = self.proxy()
        mount = self.mount("timeo=20", "retrans=1", "connect_timeout=2", endpoint=proxy.endpoint)
        os.listdir(mount.path("listed"))
        for stop, go_on, number in ((proxy.pause, proxy.resume, errno.ETIMEDOUT),
                                    (proxy.stop, proxy.start, errno.EIO)):
            stop()
            name = errno.errorcode[number]
            mount.path("listed", name).write_text("made")
            mount.path("new").mkdir(exist_ok=True)
            mount.path("new", name).write_text("made")
            self.assertErrno(number, mount.path("unknown", name).write_text, "not made")
            go_on()
        wait_until(lambda: len(self.keys()) == 7, BOUND, "what was made is in the bucket")
        self.assertEqual(os.listdir(mount.path("unknown")), ["file"])

    def works(self, mount):
        try:
            return mount.path("d/file").read_text() == "content"
        except OSError:
            return False

    def test_fsync_says_when_the_server_is_gone_and_the_data_stays(self):
        proxy = self.proxy()
        mount = self.mount(*SHORT, "writeback_delay=0s", endpoint=proxy.endpoint)
        os.listdir(mount.point)
        with open(mount.path("file"), "wb") as file:
            proxy.stop()
            file.write(b"kept")
            file.flush()
            self.fails_in_time(os.fsync, file.fileno())
        self.assertEqual(mount.path("file").read_bytes(), b"kept")
        proxy.start()
        wait_until(lambda: self.head("file"), 60, "the upload is tried again")
        self.assertObject("file", b"kept")

    def test_what_was_written_while_the_server_was_gone_arrives_later(self):
        proxy = self.proxy()
        mount = self.mount(endpoint=proxy.endpoint)
        os.listdir(mount.point)
        proxy.stop()
        for number in range(40):
            mount.path(f"file-{number}").write_text(str(number))
        time.sleep(2)
        proxy.start()
        wait_until(lambda: len(self.keys()) == 40, 60, "40 objects in the bucket")

    def test_a_busy_server_slows_down_and_breaks_nothing(self):
        tree = make_tree(self.new_directory("tree"), files=100, seed=5)
        proxy = self.proxy(fault="503:5")
        mount = self.mount(endpoint=proxy.endpoint)
        run("cp", "-a", tree, mount.path("copy"))
        mount.remount()
        self.assertEqual(describe(mount.path("copy")), describe(tree))
        refused = [row for row in proxy.requests() if row[1] == 503]
        self.assertGreater(len(refused), 10, "the test needs refusals")

    def test_cut_connections_break_nothing(self):
        data = os.urandom(20 << 20)
        self.put("large", data)
        for number in range(60):
            self.put(f"d/file-{number}", f"content {number}")
        proxy = self.proxy(fault="rst:4")
        mount = self.mount(endpoint=proxy.endpoint)
        self.assertEqual(mount.path("large").read_bytes(), data)
        for number in range(60):
            self.assertEqual(mount.path(f"d/file-{number}").read_text(), f"content {number}")
        for number in range(30):
            mount.path(f"new-{number}").write_text(f"new {number}")
        mount.unmount()
        for number in range(30):
            self.assertObject(f"new-{number}", f"new {number}")

    def test_revoked_rights_are_reported_and_the_data_stays(self):
        self.put("file", "theirs")
        mount = self.mount("writeback_delay=0s", "actimeo=0")
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=(
            '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",'
            '"Action":"s3:PutObject","Resource":"arn:aws:s3:::%s/*"}]}' % self.bucket))
        with open(mount.path("new"), "wb") as file:
            file.write(b"waits")
            file.flush()
            self.assertRaises(OSError, os.fsync, file.fileno())
        self.assertEqual(mount.path("new").read_bytes(), b"waits")
        self.s3.delete_bucket_policy(Bucket=self.bucket)
        mount.kill()
        mount.start()
        mount.unmount()
        self.assertObject("new", b"waits")


if __name__ == "__main__":
    unittest.main()
