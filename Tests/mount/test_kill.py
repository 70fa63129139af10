"""kill -9 of the daemon at named points and at any instant, on a real RGW. P2, P4; I1, I4, I6, I8, I11, I14.

Programs write while the daemon dies; what each call acknowledged is on the local disk before the next call.
The next mount must show exactly that, or that and the one call that never returned; and after a drain the
bucket must have it as another client sees it, made of no version twice and of none that never was.

RGWFS_KILL_CYCLES: how many kills at random instants (default 30). RGWFS_KILL_SEED: another stream.
"""

import os
import random
import subprocess
import time
import unittest

from harness import MOUNT_SECONDS, RGWFSTestCase, run
from workload import Manifest, Writer, wait_for_calls

CYCLES = int(os.environ.get("RGWFS_KILL_CYCLES", "30"))
SEED = int(os.environ.get("RGWFS_KILL_SEED", "1"))
WRITERS = 3
# A kill that found everything uploaded proves nothing and does not count; so many in a row are a failure.
EMPTY_MAX = 5


class KillTests(RGWFSTestCase):
    seconds = 120 + CYCLES * 10

    def setUp(self):
        super().setUp()
        self.s3.put_bucket_versioning(
            Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        self.random = random.Random(SEED)
        self.manifest = Manifest(self.directory / "manifest")
        self.addCleanup(self.manifest.close)
        self.slow = self.proxy(delay_ms=15)
        self.slot = self.mount(endpoint=self.slow.endpoint, start=False)
        self.plain_options = list(self.slot.options)
        self.writers = []
        self.generation = 0

    def remove_bucket(self, name):
        """With every version of everything."""
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for row in page.get("Versions", []) + page.get("DeleteMarkers", []):
                self.s3.delete_object(Bucket=name, Key=row["Key"], VersionId=row["VersionId"])
        super().remove_bucket(name)

    # One life of the daemon.

    def begin(self, trap=None, *options):
        self.slot.options = [*self.plain_options, *options]
        self.slot.environment = {"RGWFS_FAIL": trap} if trap else {}
        self.slot.start()
        if not self.writers:
            self.writers = [Writer(self.slot.point, f"w{number}", SEED * 1000 + number, self.manifest)
                            for number in range(WRITERS)]
        else:
            self.writers = [self.follower(writer) for writer in self.writers]
        for writer in self.writers:
            writer.start()

    def follower(self, old):
        """The same program, started again: it knows what is there and repeats no content."""
        self.generation += 1
        new = Writer(self.slot.point, old.directory, SEED * 1000 + 100 + self.generation, self.manifest)
        new.state, new.files, new.versions = old.state, old.files, old.versions
        return new

    def end(self):
        """After the daemon's death: programs stop, nothing stays mounted."""
        for writer in self.writers:
            writer.halt.set()
        self.slot.kill()
        for writer in self.writers:
            writer.join(20)
            if writer.is_alive():
                self.fail(f"{writer.directory} hangs in a call: {writer.pending and writer.pending[0]}")
            if writer.trouble:
                raise writer.trouble

    def wait_for_death(self, seconds):
        """True: the daemon has killed itself."""
        try:
            self.slot.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    # Judgement.

    def expected_objects(self):
        """Key to content, as the programs know it."""
        table = {}
        for writer in self.writers:
            for name, body in writer.state.items():
                key = f"{writer.directory}/{name}" if name else writer.directory
                table[key + ("/" if body is None else "")] = b"" if body is None else body.now
        return table

    def is_anything_pending(self):
        """The bucket is not yet what the programs were told."""
        expected = self.expected_objects()
        return self.keys() != {key: len(content) for key, content in expected.items()} \
            or any(self.get(key) != content for key, content in expected.items())

    def judge(self, where):
        wrong = "\n".join(filter(None, [writer.judge() for writer in self.writers]))
        if wrong:
            self.fail(f"{where}, seed {SEED}: the mount differs\n{wrong}\n--- acknowledged last\n"
                      + self.manifest.tail())

    def check_bucket(self, where):
        expected = self.expected_objects()
        found = {key: self.get(key) for key in self.keys()}
        lines = [f"  {key}: expected {self.shown(expected.get(key))}, found {self.shown(found.get(key))}"
                 for key in sorted(expected.keys() | found.keys())
                 if expected.get(key) != found.get(key)]
        if lines:
            self.fail(f"{where}, seed {SEED}: the bucket differs\n" + "\n".join(lines[:20])
                      + "\n--- acknowledged last\n" + self.manifest.tail())
        self.check_versions(where)

    @staticmethod
    def shown(content):
        return "nothing" if content is None else f"{len(content)} bytes {content[:40]!r}"

    def check_versions(self, where):
        """No version of a file that no close, fsync or crash made, and none twice."""
        made = {}
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket):
            for row in page.get("Versions", []):
                if not row["Key"].endswith("/"):
                    pair = row["Key"], row["ETag"].strip('"')
                    made[pair] = made.get(pair, 0) + 1
        legal = {}
        for writer in self.writers:
            legal.update(writer.versions)
        wrong = [f"  {key} {tag}: {count} versions, legal are {legal.get(tag, 0)}"
                 for (key, tag), count in sorted(made.items()) if count > legal.get(tag, 0)]
        if wrong:
            self.fail(f"{where}, seed {SEED}: versions that must not be\n" + "\n".join(wrong[:20])
                      + "\n--- acknowledged last\n" + self.manifest.tail(200))

    def recover(self, where, drains=True):
        self.slot.options, self.slot.environment = list(self.plain_options), {}
        self.slot.start()
        self.judge(where)
        if drains:
            self.slot.unmount()
            self.check_bucket(where)
        else:
            self.slot.kill()

    def random_options(self):
        return [self.random.choice(["fsync=local", "fsync=remote"]),
                "writeback_delay=" + self.random.choice(["0s", "0.3s", "2s"])]

    # The tests.

    def test_kills_at_random_instants(self):
        kills = empty = 0
        while kills < CYCLES:
            where = f"kill {kills}"
            self.begin(None, *self.random_options())
            wait_for_calls(self.writers, self.random.randrange(6, 120), 10)
            self.wait_for_death(self.random.uniform(0, 0.05))
            self.end()
            if self.is_anything_pending():
                kills, empty = kills + 1, 0
            else:
                empty += 1
                self.assertLess(empty, EMPTY_MAX, "everything was uploaded before every kill")
            self.recover(where, drains=self.random.random() < 0.7)
        self.recover("the end")

    def test_kills_at_every_named_point(self):
        points = self.names_of_points()
        self.assertIn("put-answered", points)
        lived = []
        for point in points:
            if point.startswith("recovery-"):
                self.kill_in_recovery(point)
            elif not self.kill_at(point):
                lived.append(point)
        self.recover("the end")
        self.assertEqual(lived, [], "points that no program came to")

    def names_of_points(self):
        """As the program knows them: it names all when it is asked for one that is none."""
        result = run(*self.slot.command, check=False, timeout=MOUNT_SECONDS,
                     env={**os.environ, "RGWFS_FAIL": "?"})
        self.assertNotEqual(result.returncode, 0)
        return result.stderr.strip().rpartition(" one of ")[2].split()

    def kill_at(self, point):
        """False: the daemon did not come there."""
        for visit in (self.random.randrange(1, 6), 1):
            where = f"{point}:kill@{visit}"
            self.begin(where, "fsync=local", "writeback_delay=" + self.random.choice(["0s", "0.3s"]))
            died = self.wait_for_death(6)
            pending = self.is_anything_pending() if died else True
            self.end()
            self.recover(where)
            self.assertTrue(pending, f"{where}: nothing was pending")
            if died:
                return True
        return False

    def kill_in_recovery(self, point):
        """Recovery that dies is begun again: with the same result (I14)."""
        self.begin(None, "fsync=local", "writeback_delay=2s")
        wait_for_calls(self.writers, 60, 10)
        self.end()
        self.assertTrue(self.is_anything_pending(), f"{point}: nothing was pending")
        self.slot.environment = {"RGWFS_FAIL": f"{point}:kill"}
        with self.assertRaises(AssertionError):
            self.slot.start()
        self.slot.kill()
        self.recover(point)


if __name__ == "__main__":
    unittest.main()
