"""What is known of objects is kept for the next mount, counted at a proxy. Decision 140."""

import concurrent.futures
import json
import time
import unittest

from harness import RGWFSTestCase, run, wait_until


class KeptAttributeTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.counter = self.proxy()

    def put_many(self, keys):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda key: self.put(key, key, Metadata={"mode": "33152"}), keys))

    def ripen(self):
        """What was read within the second of its change is not believed."""
        time.sleep(4)

    def count(self, method):
        """HEAD of files: that of the bucket tells how full it is, those of directories find no marker."""
        targets = [target.partition("?")[0] for verb, _, target in self.counter.requests() if verb == method]
        return len([target for target in targets if method != "HEAD"
                    or not target.endswith("/") and target.strip("/") != self.bucket])

    def database(self, mount):
        found = list(mount.spool.glob("cache/*/attributes.db"))
        self.assertEqual(len(found), 1)
        return found[0]

    def listing(self, mount, *names):
        return run("ls", "-lRn", "--time-style=full-iso", mount.path(*names)).stdout.replace(
            str(mount.point), "")

    def test_the_second_mount_lists_and_asks_for_nothing(self):
        self.put_many([f"a/file-{number}" for number in range(50)]
                      + [f"large/file-{number:05}" for number in range(1050)])
        self.ripen()
        mount = self.mount("acregmin=1,acregmax=1,acdirmin=1,acdirmax=1", endpoint=self.counter.endpoint)
        before = [self.listing(mount, name) for name in ("a", "large")]
        self.assertGreaterEqual(self.count("HEAD"), 1100)
        time.sleep(2)
        self.counter.clear()
        self.assertEqual([self.listing(mount, name) for name in ("a", "large")], before)
        self.assertEqual(self.count("HEAD"), 0, "again after the cache time")
        self.assertLessEqual(self.count("GET"), 20)
        mount.unmount()
        self.counter.clear()
        mount = self.mount(endpoint=self.counter.endpoint, spool=mount.spool)
        self.assertEqual([self.listing(mount, name) for name in ("a", "large")], before)
        self.assertEqual(self.count("HEAD"), 0, "at the next mount")
        self.assertLessEqual(self.count("GET"), 10)
        mount.unmount()

    def test_mounts_that_only_read_share_what_is_known(self):
        self.put_many([f"a/file-{number:04}" for number in range(100)])
        self.ripen()
        first = self.mount("ro", endpoint=self.counter.endpoint)
        before = self.listing(first, "a")
        first.unmount()
        for options in ("ro", "rw"):
            self.counter.clear()
            mount = self.mount(options, endpoint=self.counter.endpoint, spool=first.spool)
            self.assertEqual(self.listing(mount, "a"), before)
            self.assertEqual(self.count("HEAD"), 0)
            # Who comes second asks for itself.
            second = self.mount("ro", endpoint=self.counter.endpoint, spool=first.spool)
            self.assertEqual(self.listing(second, "a"), before)
            second.unmount()
            mount.unmount()

    def test_metadata_changed_in_place_is_seen(self):
        self.put_many([f"a/file-{number}" for number in range(20)])
        self.ripen()
        mount = self.mount(endpoint=self.counter.endpoint)
        self.listing(mount, "a")
        mount.unmount()
        for number in (3, 4):
            self.s3.copy_object(
                Bucket=self.bucket, Key=f"a/file-{number}", CopySource=f"{self.bucket}/a/file-{number}",
                Metadata={"mode": "33188", "uid": "77"}, MetadataDirective="REPLACE")
        self.counter.clear()
        mount = self.mount(endpoint=self.counter.endpoint, spool=mount.spool)
        for number in range(20):
            found = mount.path("a", f"file-{number}").stat()
            self.assertEqual(found.st_mode & 0o777, 0o644 if number in (3, 4) else 0o600)
        self.assertEqual(mount.path("a", "file-3").stat().st_uid, 77)
        mount.unmount()

    def test_the_database_may_be_damaged_or_gone_or_unwritable(self):
        self.put_many([f"a/file-{number}" for number in range(30)])
        self.ripen()
        mount = self.mount(endpoint=self.counter.endpoint)
        before = self.listing(mount, "a")
        database = self.database(mount)
        # While it is in use.
        database.unlink()
        self.assertEqual(self.listing(mount, "a"), before)
        mount.path("new").write_text("new")
        mount.unmount()
        self.assertObject("new", b"new")

        def damage():
            database.write_bytes(b"rubbish" * 10_000)

        def hide():
            for path in database.parent.iterdir():
                path.unlink()
            database.parent.rmdir()
            database.parent.write_text("no directory")

        for harm in (damage, hide):
            harm()
            mount = self.mount(endpoint=self.counter.endpoint, spool=mount.spool)
            self.assertEqual(self.listing(mount, "a"), before)
            self.assertEqual(mount.path("new").read_text(), "new")
            mount.unmount()
        self.assertIn("not kept for the next mount", mount.log_tail(400))

    def inodes(self, mount):
        return {str(path.relative_to(mount.point)): path.lstat().st_ino for path in mount.point.rglob("*")}

    def test_inode_numbers_survive_a_remount(self):
        self.put_many([f"foreign/file-{number}" for number in range(10)])
        mount = self.mount()
        mount.path("made").mkdir()
        for number in range(20):
            mount.path("made", f"file-{number}").write_text(str(number))
        # As rsync and editors do.
        for number in range(5):
            mount.path("made", f".temporary-{number}").write_text(str(number))
            mount.path("made", f".temporary-{number}").rename(mount.path("made", f"file-{number}"))
        mount.path("foreign", "file-3").rename(mount.path("made", "renamed"))
        mount.path("made").rename(mount.path("kept"))
        before = self.inodes(mount)
        self.assertEqual(len(set(before.values())), len(before))
        mount.remount()
        self.assertEqual(self.inodes(mount), before)
        mount.unmount()
        for path in mount.spool.glob("cache/*/*"):
            path.unlink()
        mount.start()
        mount.path("kept", "another").write_text("x")
        after = self.inodes(mount)
        self.assertEqual(len(set(after.values())), len(after), "no two have one number")
        mount.unmount()

    def rgwfs(self, *words):
        return run(self.program("rgwfs"), *words, check=False)

    def test_warmup_brings_what_later_programs_want(self):
        self.put_many([f"tree/{number % 4}/file-{number}" for number in range(200)])
        self.put("tree/link", b"file", Metadata={"mode": "41471"})
        self.ripen()
        mount = self.mount("actimeo=60", endpoint=self.counter.endpoint)
        result = self.rgwfs("warmup", "--data", "--json", mount.path("tree"))
        self.assertEqual(result.returncode, 0, result.stderr)
        done = json.loads(result.stdout)
        self.assertEqual((done["names"], done["files"], done["failures"]), (206, 200, 0))
        self.assertGreater(done["bytes"], 2000)
        self.counter.clear()
        self.listing(mount, "tree")
        self.assertEqual(self.count("HEAD"), 0)
        self.assertNotEqual(self.rgwfs("warmup", mount.path("none")).returncode, 0)
        self.assertEqual(self.rgwfs("warmup", "/etc").returncode, 3)

        # Answers are written a second after they came.
        wait_until(lambda: self.cache("status", mount.point) >= 200, 10, "attributes are kept")
        self.assertEqual(self.cache("drop", mount.point), 0)
        mount.unmount()
        self.assertEqual(self.cache("status", self.spool_of(mount)), 0)
        self.assertEqual(self.rgwfs("cache", "drop", self.spool_of(mount)).returncode, 0)
        self.assertEqual(list(mount.spool.glob("cache/*/attributes.db")), [])

    def spool_of(self, mount):
        (spool,) = [path for path in mount.spool.iterdir() if (path / "FORMAT").exists()]
        return spool

    def cache(self, verb, target):
        result = self.rgwfs("cache", verb, "--json", target)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)["attributes"]["objects"]


if __name__ == "__main__":
    unittest.main()
