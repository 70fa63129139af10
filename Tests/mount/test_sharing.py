"""Other writers of the bucket are seen and never overwritten unknowingly. Promises P3 and P8."""

import errno
import os
import threading
import time
import unittest

from harness import RGWFSTestCase, wait_until


class SharingTests(RGWFSTestCase):
    def test_open_asks_when_the_cache_time_is_over(self):
        self.put("file", "first")
        mount = self.mount("actimeo=1")
        self.assertEqual(mount.path("file").read_text(), "first")
        for number in range(3):
            self.put("file", f"version {number}, longer than before")
            time.sleep(1.1)  # the cache time
            self.assertEqual(mount.path("file").read_text(), f"version {number}, longer than before")

    def test_new_and_deleted_objects_are_seen_when_the_cache_time_is_over(self):
        self.put("old", "x")
        mount = self.mount("actimeo=1")
        self.assertEqual(os.listdir(mount.point), ["old"])
        self.put("new", "y")
        self.s3.delete_object(Bucket=self.bucket, Key="old")
        wait_until(lambda: os.listdir(mount.point) == ["new"], 10, "the listing of now")
        self.assertEqual(mount.path("new").read_text(), "y")
        wait_until(lambda: not mount.path("old").exists(), 10, "old is gone")

    def test_noac_sees_everything_at_once(self):
        mount = self.mount("noac")
        for number in range(5):
            self.assertFalse(mount.path(f"f{number}").exists())
            self.put(f"f{number}", "x" * number)
            self.assertEqual(mount.path(f"f{number}").stat().st_size, number)
            self.assertEqual(len(os.listdir(mount.point)), number + 1)

    def test_with_sync_one_of_two_clients_creates_a_file(self):
        mounts = [self.mount("sync", "actimeo=1", "allow_overlap",
                             spool=self.directory / f"spool-{number}")
                  for number in range(2)]
        won = [0, 0]
        for round_number in range(50):
            name = f"lock-{round_number}"
            barrier = threading.Barrier(2)
            outcomes = [None, None]

            def create(number, name=name, barrier=barrier, outcomes=outcomes):
                path = mounts[number].path(name)
                self.assertFalse(path.exists())
                barrier.wait()
                try:
                    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                except OSError as error:
                    outcomes[number] = error.errno
                    return
                outcomes[number] = 0
                os.write(descriptor, b"%d" % number)
                os.close(descriptor)

            threads = [threading.Thread(target=create, args=(number,)) for number in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(outcomes, key=str), [0, errno.EEXIST], name)
            winner = outcomes.index(0)
            won[winner] += 1
            self.assertObject(name, b"%d" % winner)
        self.assertEqual(sum(won), 50)
        self.assertEqual(len(self.keys()), 50, "nothing was kept beside a winner")
        for mount in mounts:
            mount.unmount()
        self.assertEqual(len(self.keys()), 50)

    def conflict(self, policy):
        """Both change the same object; the other client is first in the bucket."""
        self.put("file", "base")
        mount = self.mount(f"conflict={policy}", "writeback_delay=3s")
        with open(mount.path("file"), "r+", encoding="utf-8") as file:
            file.write("ours")
        self.put("file", "theirs")
        return mount

    def test_conflict_both_keeps_both_versions_in_the_bucket(self):
        mount = self.conflict("both")
        wait_until(lambda: len(self.keys()) == 2, 30, "a second object with our version")
        mount.unmount()
        self.assertObject("file", "theirs")
        other = next(key for key in self.keys() if key != "file")
        self.assertObject(other, "ours")

    def test_conflict_hold_keeps_ours_in_the_spool(self):
        mount = self.conflict("hold")
        self.assertEqual(mount.path("file").read_text(), "ours")
        time.sleep(5)
        self.assertObject("file", "theirs")
        self.assertEqual(mount.path("file").read_text(), "ours")
        mount.kill()
        self.assertObject("file", "theirs")

    def test_conflict_local_overwrites_knowingly(self):
        mount = self.conflict("local")
        mount.unmount()
        self.assertEqual(self.contents().keys(), {"file"})
        self.assertObject("file", "ours")

    def test_a_file_created_by_both_keeps_both(self):
        mount = self.mount("writeback_delay=3s")
        os.listdir(mount.point)
        mount.path("file").write_text("ours")
        self.put("file", "theirs")
        wait_until(lambda: len(self.keys()) == 2, 30, "both versions in the bucket")
        mount.unmount()
        self.assertObject("file", "theirs")
        self.assertEqual({self.get(key) for key in self.keys()}, {b"ours", b"theirs"})

    def test_a_reader_never_mixes_two_versions(self):
        size = 6 << 20
        self.put("file", b"a" * size)
        mount = self.mount("noac")
        stop = threading.Event()

        def overwrite():
            client_letter = 0
            while not stop.is_set():
                client_letter = (client_letter + 1) % 26
                self.put("file", bytes([97 + client_letter]) * size)

        writer = threading.Thread(target=overwrite)
        writer.start()
        try:
            for _ in range(25):
                try:
                    data = mount.path("file").read_bytes()
                except OSError:
                    continue  # an error is honest, a mixture is not
                self.assertEqual(len(set(data)), 1, "bytes of more than one version")
        finally:
            stop.set()
            writer.join()

    def test_two_mounts_hand_files_over(self):
        first = self.mount("actimeo=1")
        second = self.mount("actimeo=1", "allow_overlap",
                            spool=self.directory / "spool-of-the-second")
        first.path("file").write_text("from the first")
        wait_until(lambda: self.head("file"), 15, "the first uploads")
        wait_until(lambda: second.path("file").exists(), 10, "the second sees it")
        self.assertEqual(second.path("file").read_text(), "from the first")
        second.path("file").write_text("from the second, longer")
        wait_until(lambda: self.get("file") == b"from the second, longer", 15, "the second uploads")
        time.sleep(1.2)  # the cache time: until then open need not ask
        self.assertEqual(first.path("file").read_text(), "from the second, longer")


if __name__ == "__main__":
    unittest.main()
