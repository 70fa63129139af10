"""kill -9 of the daemon at named points and at any instant, on a real RGW. P2, P4; I1, I4, I6, I8, I11, I14.

Programs write while the daemon dies; what each call acknowledged is on the local disk before the next call.
The next mount must show exactly that, or that and the one call that never returned; and after a drain the
bucket must have it as another client sees it, made of no version twice and of none that never was.

RGWFS_KILL_CYCLES: how many kills at random instants (default 15). RGWFS_KILL_SEED: another stream.
RGWFS_KILL_POINTS: only these named points, separated by commas.
"""

import hashlib
import os
import random
import signal
import subprocess
import unittest

from harness import MOUNT_SECONDS, RGWFSTestCase, kill, run, wait_until
from manifest import Manifest, wait_for_calls
from workload import Writer

CYCLES = int(os.environ.get("RGWFS_KILL_CYCLES", "15"))
SEED = int(os.environ.get("RGWFS_KILL_SEED", "1"))
POINTS = os.environ.get("RGWFS_KILL_POINTS")
WRITERS = 3
# A kill that found everything uploaded proves nothing and does not count; so many in a row are a failure.
EMPTY_MAX = 5


class KillTests(RGWFSTestCase):
    seconds = 900 + CYCLES * 10

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.manifest = Manifest(self.directory / "manifest")
        self.addCleanup(self.manifest.close)
        self.slow = self.proxy(delay_ms=15)
        self.slot = self.mount(endpoint=self.slow.endpoint, start=False)
        self.plain_options = list(self.slot.options)
        self.writers = []
        self.generation = 0

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
        new.state, new.files = old.state, old.files
        new.versions, new.generations = old.versions, old.generations
        return new

    def end(self):
        """After the daemon's death: programs stop, nothing stays mounted."""
        kill(self.slot.pid)
        self.slot.process.wait(10)
        # Not earlier: who gives up closes its files, and that would be one more call.
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

    def objects(self):
        """Key to content. Requests of the dead may still arrive: what goes meanwhile is gone."""
        found = {}
        for key in self.keys():
            try:
                found[key] = self.get(key)
            except self.s3.exceptions.NoSuchKey:
                pass
        return found

    def judge_killed(self, where):
        """After the death no object is what no program ever confirmed. True: the bucket lacks something."""
        found = self.objects()
        legal = set().union(*(writer.legal() for writer in self.writers))
        for key, content in found.items():
            if not key.endswith("/") and hashlib.md5(content).hexdigest() not in legal:
                self.fail(f"{where}, seed {SEED}: {key} is {self.shown(content)}, which nobody confirmed\n"
                          + self.manifest.tail())
        return found != self.expected_objects()

    def judge(self, where):
        wrong = "\n".join(filter(None, [writer.judge() for writer in self.writers]))
        if wrong:
            self.fail(f"{where}, seed {SEED}: the mount differs\n{wrong}\n--- acknowledged last\n"
                      + self.manifest.tail())

    def check_bucket(self, where):
        expected = self.expected_objects()
        found = self.objects()
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
        """No change went up twice: requests that made a version, by key, against what programs did."""
        made = {}
        for _, status, target in self.slow.requests("PUT"):
            key = target.removeprefix(f"/{self.bucket}/")
            if status == 200 and not key.endswith("/"):
                made[key] = made.get(key, 0) + 1
        wanted = {}
        for writer in self.writers:
            wanted.update(writer.generations)
        wrong = [f"  {key}: {count} PUTs for {wanted.get(key, 0)} changes"
                 for key, count in sorted(made.items()) if count > wanted.get(key, 0)]
        if wrong:
            self.fail(f"{where}, seed {SEED}: sent twice\n" + "\n".join(wrong[:20])
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
            lacks = self.judge_killed(where)
            self.recover(where, drains=self.random.random() < 0.7)
            if lacks:
                kills, empty = kills + 1, 0
            else:
                empty += 1
                self.assertLess(empty, EMPTY_MAX, "everything was uploaded before every kill")
        self.recover("the end")

    def kills_at_every_named_point(self):
        points = self.names_of_points()
        self.assertIn("put-answered", points)
        wrong = []
        for point in POINTS.split(",") if POINTS else points:
            if point.startswith("recovery-"):
                self.kill_in_recovery(point)
            else:
                wrong.append(self.kill_at(point))
        self.recover("the end")
        self.assertEqual(list(filter(None, wrong)), [])

    def names_of_points(self):
        """As the program knows them: it names all when it is asked for one that is none."""
        result = run(*self.slot.command, check=False, timeout=MOUNT_SECONDS,
                     env={**os.environ, "RGWFS_FAIL": "?"})
        self.assertNotEqual(result.returncode, 0)
        return result.stderr.strip().rpartition(" one of ")[2].split()

    def kill_at(self, point):
        """None: it died there with something pending. Otherwise what went wrong."""
        wrong = None
        for visit in (self.random.randrange(4, 25), self.random.randrange(2, 6), 1):
            where = f"{point}:kill@{visit}"
            self.begin(where, "fsync=local", "writeback_delay=" + self.random.choice(["0s", "0.3s"]))
            died = self.wait_for_death(4)
            self.end()
            # A request that is answered and not noted is pending in the journal, if nowhere else.
            pending = self.judge_killed(where) or point.endswith("-answered")
            self.recover(where)
            if died and pending:
                return None
            wrong = wrong or (f"{where}: nothing was pending" if died else f"{point}: never came there")
        return wrong

    def kill_in_recovery(self, point):
        """Recovery that dies is begun again: with the same result (I14)."""
        self.begin(None, "fsync=local", "writeback_delay=20s")
        wait_for_calls(self.writers, 60, 30)
        self.end()
        self.assertTrue(self.judge_killed(point), f"{point}: nothing was pending")
        self.slot.environment = {"RGWFS_FAIL": f"{point}:kill"}
        with self.assertRaises(AssertionError):
            self.slot.start()
        self.slot.kill()
        self.recover(point)



class KillMomentTests(RGWFSTestCase):
    """Deaths at moments that a writing program does not meet by chance."""

    def die_in_a_rename_of_a_directory(self, copies):
        names = [f"{number:02}" for number in range(30)]
        for name in names:
            self.put(f"old/{name}", f"content {name}")
        mount = self.mount(start=False)
        mount.environment = {"RGWFS_FAIL": f"copy-answered:kill@{copies}"}
        mount.start()
        try:
            os.rename(mount.path("old"), mount.path("new"))
        except OSError:
            self.fail("the rename waited for the bucket")
        mount.process.wait(30)
        mount.kill()
        keys = self.keys()
        self.assertNotEqual({key for key in keys if key.startswith("new/")}, {f"new/{n}" for n in names})
        for name in names:
            self.assertTrue({f"old/{name}", f"new/{name}"} & set(keys), f"{name} has no name left")
        mount.environment = {}
        mount.start()
        self.assertEqual(os.listdir(mount.point), ["new"])
        self.assertEqual(sorted(os.listdir(mount.path("new"))), names)
        mount.unmount()
        self.assertEqual({key for key in self.keys() if not key.endswith("/")},
                         {f"new/{name}" for name in names})
        for name in names:
            self.assertObject(f"new/{name}", f"content {name}")

    def test_a_kill_at_the_first_copy_of_a_directory_rename(self):
        self.die_in_a_rename_of_a_directory(1)

    def test_a_kill_amid_the_copies_of_a_directory_rename(self):
        self.die_in_a_rename_of_a_directory(14)

    def killed_while_draining(self, begin):
        """`begin` makes the daemon drain; it dies when some of it is done."""
        slow = self.proxy(delay_ms=60)
        mount = self.mount("writeback_delay=20s", "uploads=2", endpoint=slow.endpoint)
        expected = {f"file-{number}": os.urandom(3000) for number in range(40)}
        for name, content in expected.items():
            mount.path(name).write_bytes(content)
        begun = begin(mount)
        wait_until(lambda: 3 <= len(slow.requests("PUT")), 20, "the drain has begun")
        kill(mount.pid)
        mount.process.wait(10)
        if begun:
            begun.wait(30)
        mount.kill()
        self.assertLess(len(self.keys()), len(expected), "everything was uploaded before the kill")
        mount.start()
        self.assertEqual({name: mount.path(name).read_bytes() for name in os.listdir(mount.point)},
                         expected)
        mount.unmount()
        self.assertEqual({key: self.get(key) for key in self.keys()}, expected)

    def test_a_kill_while_umount_drains(self):
        self.killed_while_draining(lambda mount: subprocess.Popen(
            [self.program("umount.fuse.rgwfs"), mount.point],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def test_a_kill_of_the_daemon_that_lingers_after_sigterm(self):
        self.killed_while_draining(lambda mount: kill(mount.pid, signal.SIGTERM))


if __name__ == "__main__":
    unittest.main()
