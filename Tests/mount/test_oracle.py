"""The same system calls on a mount and on a local filesystem; then the bucket, by another client. P1, P4.

RGWFS_ORACLE_SEED and RGWFS_ORACLE_STEPS repeat one stream, or run a longer one.
"""

import hashlib
import os
import stat
import unittest

from harness import RGWFSTestCase
from oracle import Player, difference, stream, view

STEPS = int(os.environ.get("RGWFS_ORACLE_STEPS", "300"))
SEED = os.environ.get("RGWFS_ORACLE_SEED")
# How many of the last steps a failure shows.
TAIL = 40


class OracleTests(RGWFSTestCase):
    seconds = 600

    def fail_at(self, number, text):
        shown = "\n".join(f"  {index}: {step}" for index, step in
                          enumerate(self.steps[:number + 1]) if index > number - TAIL)
        self.fail(f"seed {self.seed}, step {number}: {text}\n{shown}")

    def compare(self, number, contents):
        expected, found = view(self.local.root, contents), view(self.mounted.root, contents)
        if expected != found:
            self.fail_at(number, "the trees differ\n" + difference(expected, found))

    def compare_bucket(self, number):
        """Every file is one object with its bytes and mode, and there is nothing else."""
        expected, found = {}, {}
        for path, row in view(self.local.root, True).items():
            full = os.path.join(self.local.root, path)
            mode = os.lstat(full).st_mode
            if stat.S_ISLNK(mode):
                expected[path] = (stat.filemode(mode), hashlib.md5(row[1].encode()).hexdigest())
            elif stat.S_ISREG(mode):
                expected[path] = (stat.filemode(mode), row[2])
            else:
                expected[path + "/"] = (stat.filemode(mode), hashlib.md5(b"").hexdigest())
        for key in self.keys():
            answer = self.s3.get_object(Bucket=self.bucket, Key=key)
            mode = int(answer["Metadata"].get("mode", "0"))
            found[key] = (stat.filemode(mode), hashlib.md5(answer["Body"].read()).hexdigest())
        if expected != found:
            self.fail_at(number, "the bucket differs\n" + difference(expected, found))

    def follow(self, seed, *options):
        self.seed, self.steps = seed, stream(seed, STEPS)
        mount = self.mount(*options)
        self.local = Player(self.new_directory("local"))
        self.mounted = Player(mount.point)
        for number, step in enumerate(self.steps):
            expected, found = self.local.play(step), self.mounted.play(step)
            if expected != found:
                self.fail_at(number, f"expected {expected!r}, got {found!r}")
            self.compare(number, contents=number % 10 == 0)
            if number % (STEPS // 3) == STEPS // 3 - 1:
                self.end(mount, number)
                mount.start()
                self.compare(number, contents=True)
        self.end(mount, len(self.steps) - 1)

    def end(self, mount, number):
        self.local.close_all()
        self.mounted.close_all()
        self.compare(number, contents=True)
        mount.unmount()
        self.compare_bucket(number)

    @classmethod
    def add(cls, name, *arguments):
        setattr(cls, f"test_{name}", lambda self: self.follow(*arguments))


if SEED is None:
    for each in range(1, 5):
        OracleTests.add(f"a_mount_is_a_local_filesystem_{each}", each)
    OracleTests.add("with_an_upload_after_every_close", 5, "writeback_delay=0s")
    OracleTests.add("with_uploads_that_wait", 6, "writeback_delay=20s", "fsync=local")
    OracleTests.add("with_closes_that_wait_for_the_bucket", 7, "sync")
else:
    OracleTests.add("the_seed_that_was_asked_for", int(SEED))


if __name__ == "__main__":
    unittest.main()
