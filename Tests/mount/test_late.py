"""Requests that arrive after everybody has forgotten them: I21.

The proxy holds complete PUTs; rgwfs gives up, and then they reach the RGW without a client. What was removed
or written anew meanwhile stays so.
"""

import os
import sqlite3
import unittest

from harness import RGWFSTestCase, wait_until

# timeo is in tenths of a second.
OPTIONS = ("timeo=10", "retrans=1", "connect_timeout=2", "writeback_delay=0s", "actimeo=1")
# How long a request of unknown outcome counts as possible.
SETTLE_SECONDS = 120


def make_older(spool, seconds):
    """The requests of unknown outcome were sent that much earlier, as if the machine had been off."""
    journal, = spool.glob("*/journal.db")
    database = sqlite3.connect(journal)
    with database:
        rows = database.execute(
            "UPDATE flight SET started_seconds = started_seconds - ?", (seconds,)).rowcount
    database.close()
    return rows


class LateTests(RGWFSTestCase):
    seconds = 2 * SETTLE_SECONDS

    def setUp(self):
        super().setUp()
        self.late = self.proxy(fault="late:PUT */late-*")
        self.slot = self.mount(*OPTIONS, endpoint=self.late.endpoint)

    def statuses(self, method, name):
        """Of the requests about this key so far; 0: held."""
        return [status for _, status, target in self.late.requests(method)
                if target.split("?")[0].endswith("/" + name)]

    def write_and_give_up(self, name, text):
        """Its PUT is held, and rgwfs has stopped waiting for it."""
        self.slot.path(name).write_text(text)
        wait_until(lambda: self.statuses("PUT", name), 20, f"a PUT of {name} is held")
        wait_until(lambda: os.getxattr(self.slot.path(name), "user.rgwfs.tries") != b"0", 20,
                   f"the PUT of {name} is given up")
        self.assertNoObject(name)

    def wait_until_quiet(self):
        wait_until(lambda: os.getxattr(self.slot.point, "user.rgwfs.pending") == b"0", 30,
                   "nothing waits")

    def deliver(self, name):
        """A PUT that was held is answered by the RGW."""
        self.late.deliver()
        wait_until(lambda: any(self.statuses("PUT", name)), 20, f"the PUT of {name} arrives")

    def remove_then_deliver(self, meanwhile=lambda: None):
        self.write_and_give_up("late-removed", "zombie")
        os.unlink(self.slot.path("late-removed"))
        self.wait_until_quiet()
        self.assertNoObject("late-removed")
        meanwhile()
        self.wait_until_quiet()
        self.deliver("late-removed")
        self.assertIn(200, self.statuses("PUT", "late-removed"), "the test needs a zombie")

    def assertStaysRemoved(self, seconds):
        wait_until(lambda: self.head("late-removed") is None, seconds, "the zombie is removed again")
        self.assertNotIn("late-removed", os.listdir(self.slot.point))
        self.slot.unmount()
        self.assertEqual(self.keys(), {})

    def test_a_late_put_of_a_removed_file_is_removed_by_the_next_mount(self):
        def crash():
            self.slot.kill()
            self.assertEqual(make_older(self.slot.spool, SETTLE_SECONDS - 10), 1)
            self.slot.start()

        self.remove_then_deliver(crash)
        self.assertStaysRemoved(30)

    def test_a_late_put_does_not_replace_what_was_written_after_it(self):
        self.write_and_give_up("late-again", "old")
        os.unlink(self.slot.path("late-again"))
        self.slot.path("late-again").write_text("new content")
        self.late.let_pass()
        wait_until(lambda: self.head("late-again"), 20, "the new content is in the bucket")
        self.deliver("late-again")
        wait_until(lambda: 412 in self.statuses("PUT", "late-again"), 20,
                   "the RGW refuses it: it was to find nothing")
        self.wait_until_quiet()
        self.assertObject("late-again", "new content")
        self.assertEqual(self.slot.path("late-again").read_text(), "new content")
        self.slot.unmount()
        self.assertEqual(self.keys(), {"late-again": 11})

    def test_what_is_written_anew_replaces_a_put_that_arrives_before_it(self):
        self.write_and_give_up("late-first", "old")
        os.unlink(self.slot.path("late-first"))
        self.slot.path("late-first").write_text("new content")
        self.deliver("late-first")
        wait_until(lambda: self.head("late-first") and self.get("late-first") == b"new content", 40,
                   "the new content wins")
        self.wait_until_quiet()
        self.slot.unmount()
        self.assertEqual(self.keys(), {"late-first": 11})
        self.assertObject("late-first", "new content")

    def late_puts_of_a_removed_file_go_while_the_mount_lives(self):
        """Takes two minutes: run by hand."""
        self.remove_then_deliver()
        self.assertStaysRemoved(SETTLE_SECONDS + 30)


if __name__ == "__main__":
    unittest.main()
