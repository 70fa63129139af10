"""A question that nobody needs answered now never waits for a server that is silent."""

import os
import subprocess
import time

from harness import RGWFSTestCase, run

# Without an answer within this time it waits for the server: timeo is 30 s here.
SECONDS = 10


class SilentServerTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.gate = self.proxy()
        self.m = self.mount("timeo=300", "retrans=3", "actimeo=0", endpoint=self.gate.endpoint)

    def ask(self, *words):
        try:
            return run(*words, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.gate.resume()
            raise AssertionError(f"{' '.join(map(str, words))} waits for a silent server") from None

    def ask_everything(self):
        point = self.m.point
        for words in (["df", point], ["stat", "-f", point], ["stat", point], ["ls", "-ld", point],
                      ["getfattr", "-h", "-n", "security.selinux", point],
                      ["getfattr", "-h", "-n", "security.capability", point],
                      ["getfattr", "-d", "-m", "-", point],
                      ["getfattr", "-n", "user.rgwfs.pending", point], ["test", "-x", point],
                      ["test", "-w", point], ["sh", "-c", f"cd {point}"]):
            self.ask(*words)

    def test_at_the_first_look(self):
        self.gate.pause()
        self.ask_everything()
        self.gate.resume()

    def test_when_what_was_known_is_old(self):
        os.statvfs(self.m.point)
        os.stat(self.m.point)
        self.put("file", b"x" * 1_000_000)
        # Longer than the usage of a bucket is believed.
        time.sleep(6)
        self.gate.pause()
        for _ in range(3):
            self.ask_everything()
        self.gate.resume()

    def test_what_the_server_says_is_shown_by_the_next_look(self):
        """Behind the scenes, not never."""
        self.put("file", b"x" * 50_000_000)
        time.sleep(6)
        deadline = time.monotonic() + 20
        while True:
            status = os.statvfs(self.m.point)
            if (status.f_blocks - status.f_bfree) * status.f_frsize >= 50_000_000:
                break
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
