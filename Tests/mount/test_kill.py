"""kill -9 of the daemon at named points and at any instant, on a real RGW. P2, P4; I1, I4, I6, I8, I11, I14.

Programs write while the daemon dies; what each call acknowledged is on the local disk before the next call.
What was accepted is then in the bucket or in the spool; the next mount must show exactly that, or that and the
one call that never returned; and after a drain the bucket must have it as another client sees it, made of no
version twice and of none that never was.

RGWFS_KILL_CYCLES: how many kills at random instants (default 60). RGWFS_KILL_SEED: another stream.
RGWFS_KILL_POINTS: only these named points, separated by commas.
"""

import os
import signal
import subprocess
import unittest

from harness import MOUNT_SECONDS, RGWFSTestCase, kill, run, wait_until
from lane import Lane, run_all

CYCLES = int(os.environ.get("RGWFS_KILL_CYCLES", "60"))
SEED = int(os.environ.get("RGWFS_KILL_SEED", "1"))
POINTS = os.environ.get("RGWFS_KILL_POINTS")
# So many mounts die at the same time.
LANES = 3
# A kill that found everything uploaded proves nothing and does not count; so many in a row are a failure.
EMPTY_MAX = 5
# Programs of one life end after so many seconds at the latest, so that no point is come to any more.
LIFE_SECONDS = 30


class Way:
    """How programs come to a named point for sure, and up to how often before they end."""

    def __init__(self, visits, *favourites):
        self.visits = visits
        self.favourites = list(favourites) if len(favourites) > 1 else (*favourites, ((), 0))[0]


# By the beginning of the point's name. One that is missing here fails the test.
WAYS = {
    "data-created": Way(20),
    "data-written": Way(25),
    "hydrated": Way(4, (["patch", "append"], 50)),
    "journal-commit": Way(40),
    "journal-committed": Way(40),
    "data-unneeded": Way(2),
    "data-synced": Way(3),
    "sealed": Way(3),
    "put-": Way(15),
    "metadata-": Way(4, (["chmod"], 60)),
    "copy-": Way(5, (["move", "move_tree"], 60)),
    "delete-": Way(3, (["unlink", "move"], 50)),
    "make-directory-": Way(4, (["make_and_remove"], 40)),
    # Deletions go together when there are several, so that nothing else is deleted meanwhile.
    "remove-directory-": Way(2, (["make_and_remove"], 100), (["save"], 100), (["save"], 100)),
}


class KillTests(RGWFSTestCase):
    seconds = 600 + CYCLES * 10

    def setUp(self):
        super().setUp()
        self.lanes = [Lane(self, number, SEED) for number in range(LANES)]

    def test_kills_at_random_instants(self):
        def die(lane):
            for _ in range(lane.number, CYCLES, LANES):
                self.kill_at_random(lane)
            lane.recover("the end")

        self.assertGreaterEqual(run_all(self.lanes, die), CYCLES)

    def kill_at_random(self, lane):
        """Dies once with something pending."""
        for _ in range(EMPTY_MAX):
            where = f"kill {lane.kills}"
            lane.begin(options=self.random_options(lane))
            lane.wait_for_calls(lane.random.randrange(6, 120))
            lane.wait_for_death(lane.random.uniform(0, 0.05))
            lane.end()
            lacks = lane.judge_killed(where)
            lane.recover(where, drains=lane.random.random() < 0.7)
            if lacks:
                return
        lane.fail("everything was uploaded before every kill")

    @staticmethod
    def random_options(lane):
        return [lane.random.choice(["fsync=local", "fsync=remote"]),
                "writeback_delay=" + lane.random.choice(["0s", "0.3s", "2s"])]

    def test_kills_at_every_named_point(self):
        points = POINTS.split(",") if POINTS else self.names_of_points()
        self.assertIn("put-answered", self.names_of_points())

        def die(lane):
            lane.warm_up(20)
            for point in points[lane.number::LANES]:
                if point.startswith("recovery-"):
                    self.kill_in_recovery(lane, point)
                else:
                    self.kill_at(lane, point)
            lane.recover("the end")

        self.assertGreaterEqual(run_all(self.lanes, die), len(points))

    def names_of_points(self):
        """As the program knows them: it names all when it is asked for one that is none."""
        result = run(*self.lanes[0].slot.command, check=False, timeout=MOUNT_SECONDS,
                     env={**os.environ, "RGWFS_FAIL": "?"})
        self.assertNotEqual(result.returncode, 0)
        return result.stderr.strip().rpartition(" one of ")[2].split()

    def kill_at(self, lane, point):
        """Dies there with something pending."""
        ways = [way for name, way in WAYS.items() if point == name or point.startswith(name) and name[-1] == "-"]
        self.assertEqual(len(ways), 1, f"nobody knows what comes to {point}")
        # A request that is not noted as done is pending in the journal, if nowhere else.
        is_request = point.endswith(("-starting", "-sent", "-answered"))
        delay = lane.random.choice(["0s", "0.3s"] if is_request else ["0.3s", "2s"])
        visits = ways[0].visits
        # The later the visit, the more has been done before.
        for visit in (lane.random.randint(1, visits), visits, visits):
            where = f"{point}:kill@{visit}"
            lane.begin(where, ["fsync=local", f"writeback_delay={delay}"], ways[0].favourites)
            if not lane.wait_for_death(LIFE_SECONDS):
                lane.fail(f"{where}: nobody came there")
            lane.end()
            pending = lane.judge_killed(where) or is_request
            lane.recover(where)
            if pending:
                return
        lane.fail(f"{point}: nothing was pending")

    def kill_in_recovery(self, lane, point):
        """Recovery that dies is begun again: with the same result (I14)."""
        lane.begin(options=["fsync=local", "writeback_delay=20s"])
        lane.wait_for_calls(60)
        lane.end()
        self.assertTrue(lane.judge_killed(point), f"{point}: nothing was pending")
        lane.slot.environment = {"RGWFS_FAIL": f"{point}:kill"}
        with self.assertRaises(AssertionError):
            lane.slot.start()
        lane.slot.kill()
        lane.kills += 1
        lane.judge_killed(point)
        lane.recover(point)


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
