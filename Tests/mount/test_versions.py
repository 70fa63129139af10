"""Versions that are gone: what is kept here of them, and what is on its way when another client writes. P3, P4, P8.

Each of these was found by histories.py or by the model with several writers.
"""

import errno
import os
import threading
import time
import unittest

from harness import RGWFSTestCase, wait_until
from relay import Relay, error


class VersionTestCase(RGWFSTestCase):
    def write(self, mount, name, content):
        """Written here, and in the bucket."""
        with open(mount.path(name), "wb", buffering=0) as file:
            file.write(content)
            os.fsync(file.fileno())

    def relay(self, rule):
        relay = Relay(rule)
        self.addCleanup(relay.stop)
        return relay

    def first(self, kind, act, count=1):
        """A rule that does this with the first requests of a kind."""
        lock = threading.Lock()
        left = [count]

        def rule(request):
            with lock:
                if request.kind != kind or not left[0]:
                    return None
                left[0] -= 1
            return act(request)
        return rule


class ReadTests(VersionTestCase):
    def test_a_read_of_an_older_version_does_not_end_where_a_newer_one_does(self):
        """The kernel has pages of the older one, and asks for the size where they end."""
        mount = self.mount("actimeo=1")
        self.write(mount, "file", b"a" * 12_432)
        with open(mount.path("file"), "rb", buffering=0) as file:
            self.assertEqual(file.read(4096), b"a" * 4096)
            self.put("file", b"b" * 288)
            time.sleep(1.5)  # over the cache time
            self.assertErrno(errno.ESTALE, file.read, 1 << 20)
        self.assertEqual(mount.path("file").read_bytes(), b"b" * 288)

    def test_a_file_that_somebody_reads_here_shows_what_others_write(self):
        mount = self.mount("actimeo=1")
        # Opened while it is only in the spool: its copy there stays for the reader.
        writer = os.open(mount.path("file"), os.O_WRONLY | os.O_CREAT)
        os.write(writer, b"ours")
        with open(mount.path("file"), "rb") as held:
            os.fsync(writer)
            os.close(writer)
            self.put("file", "theirs, longer")
            time.sleep(1.5)  # over the cache time
            self.assertEqual(mount.path("file").read_text(), "theirs, longer")
            self.assertEqual(mount.path("file").stat().st_size, 14)
            self.s3.delete_object(Bucket=self.bucket, Key="file")
            time.sleep(1.5)  # over the cache time
            self.assertFalse(mount.path("file").exists())
            held.close()
        mount.unmount()
        self.assertEqual(self.keys(), {})


class NameTests(VersionTestCase):
    def test_a_directory_that_another_client_makes_again_is_there_at_once(self):
        mount = self.mount("actimeo=0")
        for text in ("one", "two", "three"):
            self.put("d/file", text)
            self.assertEqual(mount.path("d/file").read_text(), text)
            self.s3.delete_object(Bucket=self.bucket, Key="d/file")
            self.assertFalse(mount.path("d/file").exists())
            self.assertFalse(mount.path("d").exists())

    def test_a_version_that_comes_while_a_copy_is_on_its_way_moves_with_the_name(self):
        """H7. The relay keeps the COPY until the other client has written: both copy conditions, on every release."""
        def replace(_):
            self.put("old", "second, longer")
        relay = self.relay(self.first("copy", replace))
        self.put("old", "first")
        mount = self.mount("actimeo=60", endpoint=relay.endpoint)
        self.assertEqual(mount.path("old").read_text(), "first")
        os.rename(mount.path("old"), mount.path("new"))
        mount.unmount()
        self.assertEqual(set(self.keys()), {"new"})
        self.assertObject("new", "second, longer")

    def test_what_replaced_a_file_whose_removal_was_in_doubt_is_shown(self):
        """H5. The answer to the DELETE is lost, and the file is made again."""
        relay = self.relay(self.first("delete", lambda _: lambda _: error(500, "InternalError"), 2))
        mount = self.mount("actimeo=1", endpoint=relay.endpoint)
        self.write(mount, "file", b"first")
        os.unlink(mount.path("file"))
        wait_until(lambda: self.head("file") is None, 20, "the object is removed")
        self.write(mount, "file", b"second")
        self.put("file", "third, theirs")
        time.sleep(1.5)  # over the cache time, and long before the doubt ends
        self.assertEqual(mount.path("file").read_text(), "third, theirs")
        os.unlink(mount.path("file"))
        wait_until(lambda: self.head("file") is None, 20, "the object is removed again")
        self.put("file", "fourth, theirs too")
        time.sleep(1.5)  # over the cache time
        self.assertEqual(mount.path("file").read_text(), "fourth, theirs too")
        mount.unmount()
        self.assertEqual(set(self.keys()), {"file"})
        self.assertObject("file", "fourth, theirs too")


class AttributeTests(VersionTestCase):
    def test_a_mode_is_of_whatever_has_the_name(self):
        mount = self.mount("actimeo=60", "writeback_delay=1s")
        self.write(mount, "file", b"ours")
        mount.path("file").chmod(0o600)
        self.put("file", "theirs, longer")
        mount.unmount()
        self.assertObject("file", "theirs, longer")
        self.assertEqual(self.head("file")["Metadata"]["mode"], str(0o100600))


if __name__ == "__main__":
    unittest.main()
