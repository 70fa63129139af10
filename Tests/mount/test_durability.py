"""What close, fsync and umount promise, and what a kill -9 may not take away. Promises P2 and P4."""

import hashlib
import os
import time
import unittest

from harness import RGWFSTestCase, describe, kill, make_tree, run, wait_until


class DurabilityTests(RGWFSTestCase):
    def md5_below(self, tree, prefix):
        return {f"{prefix}/{os.fsdecode(name)}": row["md5"]
                for name, row in describe(tree).items() if "md5" in row}

    def files_in_bucket(self, prefix):
        return {key: hashlib.md5(self.get(key)).hexdigest()
                for key in self.keys(f"{prefix}/") if not key.endswith("/")}

    def test_nothing_is_missing_after_kill_right_after_cp_returned(self):
        tree = self.new_directory("tree")
        for number in range(200):
            (tree / f"file-{number}").write_bytes(os.urandom(5000))
        slow = self.proxy(delay_ms=40)
        mount = self.mount(endpoint=slow.endpoint)
        run("cp", "-r", tree, mount.path("copy"))
        mount.kill()
        expected = self.md5_below(tree, "copy")
        self.assertLess(len(self.files_in_bucket("copy")), len(expected),
                        "the test proves nothing when everything was uploaded before the kill")
        mount.start()
        self.assertEqual(describe(mount.path("copy"), times=False), describe(tree, times=False))
        mount.unmount()
        self.assertEqual(self.files_in_bucket("copy"), expected)

    def test_attributes_survive_the_kill_too(self):
        tree = make_tree(self.new_directory("tree"), files=60, seed=4)
        mount = self.mount("writeback_delay=5s")
        run("cp", "-a", tree, mount.path("copy"))
        mount.kill()
        mount.start()
        self.assertEqual(describe(mount.path("copy")), describe(tree))
        mount.remount()
        self.assertEqual(describe(mount.path("copy")), describe(tree))

    def test_an_overwritten_object_is_whole_after_a_kill(self):
        old, new = os.urandom(300_000), os.urandom(200_000)
        self.put("file", old)
        mount = self.mount("writeback_delay=5s")
        mount.path("file").write_bytes(new)
        mount.kill()
        self.assertIn(self.get("file"), (old, new))
        mount.start()
        self.assertEqual(mount.path("file").read_bytes(), new)
        mount.unmount()
        self.assertObject("file", new)

    def test_a_kill_during_a_long_upload_leaves_the_old_object_or_the_new_one(self):
        old, new = b"old" * 1000, os.urandom(64 << 20)
        self.put("file", old)
        mount = self.mount("writeback_delay=0s")
        mount.path("file").write_bytes(new)
        time.sleep(0.1)
        mount.kill()
        self.assertIn(len(self.get("file")), (len(old), len(new)))
        mount.start()
        mount.unmount()
        self.assertObject("file", new)

    def test_deletes_and_renames_survive_a_kill(self):
        for name in ("gone", "moved", "stays"):
            self.put(name, name)
        mount = self.mount("writeback_delay=5s")
        os.unlink(mount.path("gone"))
        os.rename(mount.path("moved"), mount.path("arrived"))
        mount.path("made").mkdir()
        mount.kill()
        mount.start()
        self.assertEqual(sorted(os.listdir(mount.point)), ["arrived", "made", "stays"])
        mount.unmount()
        self.assertEqual(set(self.keys()), {"arrived", "made/", "stays"})
        self.assertObject("arrived", "moved")

    def test_repeated_kills_lose_nothing(self):
        mount = self.mount()
        expected = {}
        for round_number in range(5):
            for number in range(20):
                name = f"round{round_number}-{number}"
                expected[name] = os.urandom(3000)
                mount.path(name).write_bytes(expected[name])
            mount.kill()
            mount.start()
        mount.unmount()
        self.assertEqual({key: self.get(key) for key in self.keys()}, expected)

    def test_fsync_returns_when_the_object_is_in_the_bucket(self):
        mount = self.mount("writeback_delay=20s")
        with open(mount.path("file"), "wb") as file:
            file.write(b"before the close")
            file.flush()
            os.fsync(file.fileno())
            self.assertObject("file", b"before the close")
            file.write(b", and more")
            file.flush()
            os.fsync(file.fileno())
            self.assertObject("file", b"before the close, and more")

    def test_fsync_local_needs_no_server(self):
        proxy = self.proxy()
        mount = self.mount("fsync=local", "writeback_delay=0s", endpoint=proxy.endpoint)
        os.listdir(mount.point)
        proxy.pause()
        with open(mount.path("file"), "wb") as file:
            file.write(b"safe here")
            file.flush()
            os.fsync(file.fileno())
        mount.kill()
        proxy.resume()
        mount.start()
        mount.unmount()
        self.assertObject("file", b"safe here")

    def test_close_needs_no_server(self):
        proxy = self.proxy()
        mount = self.mount(endpoint=proxy.endpoint)
        os.listdir(mount.point)
        proxy.pause()
        started = time.monotonic()
        for number in range(50):
            mount.path(f"file-{number}").write_bytes(b"x" * number)
        self.assertLess(time.monotonic() - started, 5)
        for number in range(50):
            self.assertEqual(mount.path(f"file-{number}").read_bytes(), b"x" * number)
        self.assertEqual(self.keys(), {})
        proxy.resume()
        mount.unmount()
        self.assertEqual(self.keys(), {f"file-{number}": number for number in range(50)})

    def test_sync_makes_close_wait_for_the_bucket(self):
        mount = self.mount("sync")
        for number in range(5):
            mount.path(f"file-{number}").write_text(str(number))
            self.assertObject(f"file-{number}", str(number))

    def test_without_unmount_everything_arrives_by_itself(self):
        mount = self.mount()
        for number in range(30):
            mount.path(f"file-{number}").write_text(str(number))
        wait_until(lambda: len(self.keys()) == 30, 15, "30 objects in the bucket")

    def test_umount_drains(self):
        slow = self.proxy(delay_ms=25)
        mount = self.mount("writeback_delay=10s", endpoint=slow.endpoint)
        for number in range(200):
            mount.path(f"file-{number:03}").write_bytes(os.urandom(2000))
        mount.unmount()
        self.assertEqual(len(self.keys()), 200)

    def test_umount_says_what_waits_when_the_server_is_gone(self):
        proxy = self.proxy()
        mount = self.mount("drain_timeout=5s", endpoint=proxy.endpoint)
        os.listdir(mount.point)
        proxy.stop()
        mount.path("waiting").write_bytes(b"safe")
        result = run(self.program("umount.fuse.rgwfs"), mount.point, check=False, timeout=40)
        self.assertTrue(result.returncode != 0 or "1" in result.stdout + result.stderr,
                        "status 0 and not a word about the file that waits")
        mount.discard()
        proxy.start()
        mount.start()
        self.assertEqual(mount.path("waiting").read_bytes(), b"safe")
        mount.unmount()
        self.assertObject("waiting", b"safe")

    def test_sigterm_drains_as_umount_does(self):
        mount = self.mount("writeback_delay=10s")
        for number in range(20):
            mount.path(f"file-{number}").write_text(str(number))
        kill(mount.pid, 15)
        mount.wait_for_exit()
        self.assertEqual(len(self.keys()), 20)


if __name__ == "__main__":
    unittest.main()


class FairnessTests(RGWFSTestCase):
    def test_fsync_does_not_wait_for_files_that_nobody_waits_for(self):
        mount = self.mount("uploads=2", endpoint=self.proxy(delay_ms=25).endpoint)

        def pending():
            return int(os.getxattr(mount.point, "user.rgwfs.pending"))
        for number in range(8000):
            mount.path(f"file-{number}").write_text("x")
            if number % 100 == 99 and pending() >= 400:
                break
        before = pending()
        self.assertGreaterEqual(before, 400)
        with open(mount.path("wanted"), "w") as file:
            file.write("x")
            file.flush()
            os.fsync(file.fileno())
        self.assertGreater(pending(), before * 3 / 4)
        self.assertObject("wanted", "x")
