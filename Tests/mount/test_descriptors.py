"""More pending files than a process may have open. Each keeps a descriptor until it is in the bucket."""

import os

from harness import RGWFSTestCase, run

LATE = ("writeback_delay=1h", "writeback_max_delay=1h")


class DescriptorTests(RGWFSTestCase):
    def limited(self, descriptors, *options):
        slot = self.mount(*options, start=False)
        slot.descriptors = descriptors
        slot.start()
        return slot

    def descriptors(self, slot):
        return len(os.listdir(f"/proc/{slot.pid}/fd"))

    def fill(self, slot, count):
        for number in range(count):
            slot.path(f"file-{number}").write_text(str(number))
        return {f"file-{number}": str(number) for number in range(count)}

    def assertBucket(self, expected):
        self.assertEqual(self.keys().keys(), expected.keys())
        for key in sorted(expected)[::50] + ["file-1"]:
            self.assertEqual(self.get(key).decode(), expected[key])

    def test_the_limit_of_a_shell_is_not_the_daemons(self):
        slot = self.limited("256:20000", *LATE, "fsync=local")
        expected = self.fill(slot, 1000)
        self.assertGreater(self.descriptors(slot), 1000, "all of them wait")
        with open(slot.path("file-1"), "a", encoding="ascii") as file:
            file.write("x")
            file.flush()
            os.fsync(file.fileno())
        expected["file-1"] += "x"
        status = run(self.program("rgwfs"), "status", slot.point, check=False)
        self.assertIn("1000 changes", status.stdout)
        slot.kill()
        slot.start()
        slot.unmount()
        self.assertBucket(expected)

    def test_with_a_limit_that_stays_new_files_wait_for_uploads(self):
        slot = self.limited("200:200", *LATE)
        expected = self.fill(slot, 500)
        self.assertLess(self.descriptors(slot), 200)
        slot.unmount()
        self.assertBucket(expected)
