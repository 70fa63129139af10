"""Power cuts of the spool's disk, on ext4 and on XFS. P2; I2, I3, I4, I11; crash points marked P.

The disk is a real filesystem on a loop device that is shut down without writing its log. The daemon is
stopped a moment before, so that nothing is sent that the disk has not got, and killed after. The next mount
believes that the machine started anew.

RGWFS_POWER_CUTS: how many per filesystem (default 25). RGWFS_POWER_SEED: another stream.
"""

import os
import random
import unittest

from harness import RGWFSTestCase
from manifest import Manifest, wait_for_calls
from power import Disk, pretend_another_boot, stop
from workload import Body, Writer, shown

CUTS = int(os.environ.get("RGWFS_POWER_CUTS", "25"))
SEED = int(os.environ.get("RGWFS_POWER_SEED", "1"))
WRITERS = 2


def may_be(sealed, found, latest):
    """At least the sealed content, each byte of it as it was or as it was written later; behind it
    whatever was written there, or nothing yet."""
    if found in (sealed, latest):
        return True
    return len(found) >= min(len(sealed), len(latest)) and len(found) <= max(len(sealed), len(latest)) \
        and all(byte in (*sealed[index:index + 1], *latest[index:index + 1],
                         *((0,) if index >= len(sealed) else ()))
                for index, byte in enumerate(found))


class Aftermath:
    """What one program may find after a power cut."""

    def __init__(self, writer):
        self.writer = writer
        self.history = list(writer.history)
        if writer.pending:
            self.history.append((writer.calls + 1, writer.pending[1]))
        # File to every content it had, oldest first.
        self.contents = {}
        for _, state in self.history:
            for body in state.values():
                if isinstance(body, Body):
                    known = self.contents.setdefault(body.file, [])
                    if not known or known[-1].now != body.now or known[-1].confirmed != body.confirmed:
                        known.append(body)

    def wrong(self, found, in_order):
        """None: allowed. `in_order`: nothing was sent, so that the names are those of one moment (I3)."""
        reasons = []
        for index, (calls, _) in enumerate(self.history):
            if calls < self.writer.synced_at:
                continue
            reason = self.wrong_at(index, found)
            if not reason:
                return None
            reasons.append((reason.count("\n"), -index, f"after call {calls}:\n{reason}"))
        if not in_order:
            return self.wrong_contents(found)
        return (f"{self.writer.directory}, {self.writer.calls} calls, the last fsync at "
                f"{self.writer.synced_at}; nearest {min(reasons)[2]}")

    def wrong_at(self, index, found):
        """Every name of this moment, and no other."""
        state = self.history[index][1]
        lines = []
        for name in sorted(state.keys() | found.keys()):
            want, have = state.get(name, "gone"), found.get(name, "gone")
            if want == "gone" or want is None:
                if have is not want and have != want:
                    lines.append(f"  {name!r} is {'there' if want == 'gone' else 'no directory'}")
            elif reason := self.wrong_file(index, name, want, have):
                lines.append(f"  {name!r}: {reason}")
        return "\n".join(lines)

    def wrong_file(self, index, name, body, have):
        later = self.contents[body.file]
        if have is None:
            return "a directory"
        if body.sealed is not None:
            if have == "gone":
                return f"was synced, is gone: {shown(body.sealed)}"
            if not any(may_be(body.sealed, have[1], other.now) for other in later):
                return f"was synced as {shown(body.sealed)}, has {shown(have[1])}"
            return None
        # Never synced: whole, or not there, or what was there before.
        before = self.durable_before(index, name)
        if have == "gone":
            return f"was synced, is gone: {shown(before[-1].sealed)}" if before else None
        if any(other.now == have[1] for other in later if other.confirmed):
            return None
        if not body.confirmed and any(may_be(b"", have[1], other.now) for other in later):
            return None
        if any(may_be(old.sealed, have[1], old.now) for old in before):
            return None
        return f"never had {shown(have[1])}, but {shown(body.now)}"

    def durable_before(self, index, name):
        """Synced contents under this name, since it was last free."""
        found = []
        for _, state in reversed(self.history[:index + 1]):
            body = state.get(name, "gone")
            if not isinstance(body, Body):
                break
            if body.sealed is not None:
                found.append(body)
        return found[::-1]

    def wrong_contents(self, found):
        """What was sent may be ahead of the journal; but no file has what no file had."""
        lines = []
        for name, have in sorted(found.items()):
            if have is not None and not any(
                    body.now == have[1] or body.sealed is not None and may_be(
                        body.sealed, have[1], body.now)
                    for bodies in self.contents.values() for body in bodies):
                lines.append(f"  {name!r}: no file ever had {shown(have[1])}")
        last = self.history[-1][1]
        for name, body in last.items():
            if isinstance(body, Body) and body.sealed is not None and name not in found:
                if all(state.get(name) is not None for calls, state in self.history
                       if calls >= self.writer.synced_at):
                    lines.append(f"  {name!r} was synced, is gone: {shown(body.sealed)}")
        return "\n".join([f"{self.writer.directory}:"] + lines) if lines else None


class PowerTests(RGWFSTestCase):
    seconds = 120 + CUTS * 15

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.manifest = Manifest(self.directory / "manifest")
        self.addCleanup(self.manifest.close)
        self.disk = None

    def release(self):
        left = super().release()
        if self.disk:
            self.disk.remove()
        return left

    def cut_power(self):
        """Between two instructions of the daemon, as it were."""
        stop(self.slot.pid)
        self.disk.cut()
        for writer in self.writers:
            writer.halt.set()
        self.slot.kill()
        for writer in self.writers:
            writer.join(20)
            self.assertFalse(writer.is_alive(), f"{writer.directory} hangs")
            if writer.trouble:
                raise writer.trouble
        self.disk.restart()
        pretend_another_boot(self.slot.spool)

    def work(self, number):
        former = {writer.directory: writer for writer in getattr(self, "writers", [])}
        self.writers = []
        for index in range(WRITERS):
            writer = Writer(self.slot.point, f"w{index}", SEED * 10_000 + number * 10 + index,
                            self.manifest)
            old = former.get(writer.directory)
            if old:
                writer.state, writer.files = old.state, old.files
            self.writers.append(writer)
        for writer in self.writers:
            writer.start()
        wait_for_calls(self.writers, self.random.randrange(8, 90), 10)
        if number % 5 == 4:
            # Past a barrier that nobody asked for.
            self.writers[0].halt.wait(1.2)

    def judge(self, where, in_order):
        wrong = []
        for writer in self.writers:
            found = writer.scan() if os.path.isdir(writer.path("")) else {}
            reason = Aftermath(writer).wrong(found, in_order)
            if reason:
                wrong.append(reason)
            writer.adopt(found)
        if wrong:
            self.fail(f"{where}, seed {SEED}:\n" + "\n".join(wrong) + "\n--- acknowledged last\n"
                      + self.manifest.tail(60))

    def check_bucket(self, where):
        """Another client sees what the mount showed, so that nothing torn was ever sent."""
        expected = {}
        for writer in self.writers:
            for name, body in writer.state.items():
                key = f"{writer.directory}/{name}" if name else writer.directory
                if body is not None:
                    expected[key] = body.now
        found = {key: self.get(key) for key in self.keys() if not key.endswith("/")}
        self.assertEqual({key: shown(body) for key, body in found.items()},
                         {key: shown(body) for key, body in expected.items()}, where)
        self.assertEqual(found, expected, where)

    def cut_again_and_again(self, kind):
        self.disk = Disk(self.directory, kind)
        self.slot = self.mount(spool=self.disk.point / "spool", start=False)
        plain = list(self.slot.options)
        waiting = 0
        for number in range(CUTS):
            sends = number % 3 == 2
            where = f"{kind}, cut {number}, {'sending' if sends else 'sending nothing'}"
            self.slot.options = [*plain, "fsync=local", f"writeback_delay={'0s' if sends else '30s'}"]
            self.slot.start()
            self.work(number)
            self.cut_power()
            self.slot.options = list(plain)
            waiting += any(writer.calls > 3 for writer in self.writers)
            self.slot.start()
            self.judge(where, in_order=not sends)
            self.slot.unmount()
            self.check_bucket(where)
        self.assertEqual(waiting, CUTS, "a cut came before the programs did anything")

    def test_power_cuts_on_ext4(self):
        self.cut_again_and_again("ext4")

    def test_power_cuts_on_xfs(self):
        self.cut_again_and_again("xfs")


if __name__ == "__main__":
    unittest.main()
