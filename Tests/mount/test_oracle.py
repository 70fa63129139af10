"""The same system calls on a mount and on a local filesystem; then the bucket, by another client. P1, P4.

RGWFS_ORACLE_SEED and RGWFS_ORACLE_STEPS repeat one stream, or run a longer one.
"""

import hashlib
import os
import stat
import unittest

from harness import RGWFSTestCase
from oracle import Player, body, difference, resolve, stream, view

STEPS = int(os.environ.get("RGWFS_ORACLE_STEPS", "300"))
SEED = os.environ.get("RGWFS_ORACLE_SEED")
# How many of the last steps a failure shows.
TAIL = 40


class OracleTests(RGWFSTestCase):
    seconds = 600

    def plant(self):
        """What another client left in the bucket, below a directory without a marker too."""
        for name, size in [("a", 5000), ("d/b", 70_000), ("d/e/a", 0), ("é x/c", 12)]:
            self.put(name, body(size, size))
            full = os.path.join(self.local.root, name)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(body(size, size))

    def fail_at(self, number, text):
        shown = "\n".join(f"  {index}: {step}" for index, step in
                          enumerate(self.steps[:number + 1]) if index > number - TAIL)
        self.fail(f"seed {self.seed}, step {number}: {text}\n{shown}")

    def compare(self, number, contents):
        expected, found = view(self.local.root, contents), view(self.mounted.root, contents)
        if expected != found:
            self.fail_at(number, "the trees differ\n" + difference(expected, found))

    def compare_bucket(self, number):
        """Every file is one object with its bytes and mode, and there is nothing else.

        What another client made without a mode has none, and its directory no marker.
        """
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
            mode = answer["Metadata"].get("mode")
            shown = stat.filemode(int(mode)) if mode else expected.get(key, ("?",))[0]
            found[key] = (shown, hashlib.md5(answer["Body"].read()).hexdigest())
        for key in [key for key in expected if key.endswith("/") and key not in found]:
            if any(other.startswith(key) and other != key for other in expected):
                del expected[key]
        if expected != found:
            self.fail_at(number, "the bucket differs\n" + difference(expected, found))

    def follow(self, seed, *options):
        self.seed, self.steps = seed, stream(seed, STEPS)
        self.local = Player(self.new_directory("local"))
        self.plant()
        mount = self.mount(*options)
        self.mounted = Player(mount.point)
        for number, step in enumerate(self.steps):
            step = resolve(step, sorted(view(self.local.root, False)))
            self.steps[number] = step
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
