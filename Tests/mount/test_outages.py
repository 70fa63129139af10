"""What a user sees while an upload is under way or the server is away: rgwfs status, queue, and the log."""

import os
import re
import select
import socket
import threading
import time
import unittest
import urllib.parse

from harness import ENDPOINT, wait_until
from relay import Answer, Relay
from test_commands import CommandTestCase

# In tenths of a second, as in nfs(5).
SHORT = ("timeo=20", "retrans=1", "connect_timeout=2", "actimeo=0", "writeback_delay=0s")
BOUND = 60
SILENT = "the server does not answer, still trying"
AGAIN = "the server answers again"


class Throttle:
    """A TCP proxy to the RGW that hands over only so many bytes a second of what clients send; None: all."""

    def __init__(self, rate=None):
        self.rate = rate
        self.upstream = urllib.parse.urlsplit(ENDPOINT)
        self.ended = threading.Event()
        self.listener = socket.socket()
        # Small: what the kernel takes ahead looks like progress.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 10)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.endpoint = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self):
        while not self.ended.is_set():
            if select.select([self.listener], [], [], 0.1)[0]:
                client, _ = self.listener.accept()
                self.threads.append(threading.Thread(target=self.serve, args=(client,), daemon=True))
                self.threads[-1].start()

    def serve(self, client):
        with client, socket.create_connection((self.upstream.hostname, self.upstream.port)) as server:
            while not self.ended.is_set():
                rate = self.rate
                sources = [server] if rate == 0 else [client, server]
                for source in select.select(sources, [], [], 0.05)[0]:
                    try:
                        piece = source.recv(64 << 10)
                        (server if source is client else client).sendall(piece)
                    except OSError:
                        return
                    if not piece:
                        return
                    if rate and source is client:
                        time.sleep(len(piece) / rate)

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        self.listener.close()


class LogTests(CommandTestCase):
    def told(self, mount):
        lines = mount.log.read_text(errors="replace").splitlines()
        return [line for line in lines if SILENT in line], [line for line in lines if AGAIN in line]

    def fails(self, mount):
        try:
            mount.path("d/file").read_bytes()
        except OSError:
            return True
        return False

    def outage(self, stop, go_on, proxy):
        self.put("d/file", "content")
        mount = self.mount(*SHORT, endpoint=proxy.endpoint)
        self.assertFalse(self.fails(mount))
        self.assertIsNone(self.report(mount.point)["server_silent_seconds"])
        with open(mount.path("new"), "w", encoding="utf-8") as file:
            stop()
            self.assertTrue(self.fails(mount))
            # Whichever request is first: here a read, while uploads try as well.
            file.write("new")
        for _ in range(3):
            self.assertTrue(self.fails(mount))
        wait_until(lambda: self.report(mount.point)["server_silent_seconds"] >= 4, BOUND,
                   "the time without an answer grows")
        silent, again = self.told(mount)
        self.assertEqual((len(silent), len(again)), (1, 0), mount.log.read_text())
        self.assertIn(f"server={proxy.endpoint}", silent[0])
        self.assertRegex(silent[0], "rgwfs: warning: .* reason=(HEAD|GET|LIST|PUT)")
        report = self.report(mount.point)
        self.assertTrue(report["server_error"])
        text = self.rgwfs("status", mount.point).stdout
        self.assertRegex(text, r"the server has not answered for \d+ s: ")
        go_on()
        wait_until(lambda: not self.fails(mount), BOUND, "it reads again")
        wait_until(lambda: self.head("new"), BOUND, "what was written meanwhile arrives")
        silent, again = self.told(mount)
        self.assertEqual((len(silent), len(again)), (1, 1), mount.log.read_text())
        self.assertRegex(again[0], r"rgwfs: info: .* after=\d+ s")
        self.assertIsNone(self.report(mount.point)["server_silent_seconds"])
        self.assertNotIn("has not answered", self.rgwfs("status", mount.point).stdout)

    def test_a_silent_server_is_told_once_and_its_return_once(self):
        proxy = self.proxy()
        self.outage(proxy.pause, proxy.resume, proxy)

    def test_a_server_that_is_gone_is_told_once_and_its_return_once(self):
        proxy = self.proxy()
        self.outage(proxy.stop, proxy.start, proxy)

    def test_an_upload_that_is_first_to_notice_is_told(self):
        proxy = self.proxy()
        mount = self.mount(*SHORT, endpoint=proxy.endpoint)
        with open(mount.path("file"), "w", encoding="utf-8") as file:
            proxy.stop()
            file.write("new")
        wait_until(lambda: self.told(mount)[0], BOUND, "the log tells")
        self.assertIn("reason=PUT", self.told(mount)[0][0])
        proxy.start()
        wait_until(lambda: self.told(mount)[1], BOUND, "the log tells of its return")
        self.assertEqual([len(lines) for lines in self.told(mount)], [1, 1])

    def test_a_server_that_is_only_busy_now_and_then_is_not_told(self):
        proxy = self.proxy(fault="503:5")
        mount = self.mount(endpoint=proxy.endpoint)
        for number in range(40):
            mount.path(f"file-{number}").write_text("x")
        self.rgwfs("sync", mount.point, status=0)
        self.assertGreater(sum(row[1] == 503 for row in proxy.requests()), 5)
        self.assertEqual(self.told(mount), ([], []))


class ProgressTests(CommandTestCase):
    def item(self, mount):
        items = self.lines("queue", "--json", mount.point)
        return items[0] if items else None

    def sent(self, mount):
        item = self.item(mount)
        return (item or {}).get("sent_bytes") or 0

    def test_the_queue_tells_bytes_that_move_and_since_when_none_does(self):
        size = 40 << 20
        throttle = Throttle(4 << 20)
        self.addCleanup(throttle.stop)
        content = os.urandom(1 << 20) * 40
        mount = self.mount("writeback_delay=0s", "timeo=30", "retrans=100",
                           endpoint=throttle.endpoint)
        mount.path("large").write_bytes(content)
        wait_until(lambda: self.sent(mount) > 0, BOUND, "bytes are sent")
        before = self.sent(mount)
        wait_until(lambda: self.sent(mount) > before + (1 << 20), BOUND, "more bytes are sent")
        item = self.item(mount)
        self.assertEqual((item["state"], item["bytes"], item["parts"]), ("uploading", size, None))
        self.assertLess(item["idle_seconds"], 3)
        self.assertEqual(self.report(mount.point)["sending"][0]["path"], "large")
        throttle.rate = 0
        wait_until(lambda: self.item(mount)["tries"] >= 2, BOUND, "requests fail and are tried again")
        # What is sent once more does not count as movement.
        wait_until(lambda: self.item(mount)["idle_seconds"] >= 6, BOUND, "nothing moves")
        item = self.item(mount)
        self.assertLess(item["sent_bytes"], size)
        self.assertIn("PUT", item["error"])
        for words in (("queue", mount.point), ("status", mount.point)):
            self.assertRegex(self.rgwfs(*words).stdout, re.compile(
                r"large +\((sent [\d.]+ \w+ of 40\.0 MiB, )?.*nothing has moved for \d+ s\)  "
                r"\(tried \d+ times\): PUT"))
        throttle.rate = None
        wait_until(lambda: self.item(mount) is None, BOUND, "it arrives")
        self.assertObject("large", content)
        self.assertEqual(self.report(mount.point)["sending"], [])

    def test_an_upload_in_parts_tells_how_many_are_done(self):
        relay = Relay(lambda request: Answer(200, hangs=True)
                      if request.kind == "part" and int(request.query["partNumber"]) > 1 else None)
        self.addCleanup(relay.stop)
        mount = self.mount("multipart_threshold=64M", "writeback_delay=0s", "timeo=30", "retrans=100",
                           endpoint=relay.endpoint)
        with open(mount.path("large"), "wb") as file:
            file.truncate(150 << 20)
        wait_until(lambda: (self.item(mount) or {}).get("parts_done"), BOUND, "a part is done")
        wait_until(lambda: self.item(mount)["tries"] >= 1, BOUND, "another has failed")
        item = self.item(mount)
        self.assertEqual((item["parts_done"], item["parts"]), (1, 3))
        self.assertGreaterEqual(item["sent_bytes"], 64 << 20)
        self.assertIn("part", item["error"])
        self.assertIn("1 of 3 parts", self.rgwfs("status", mount.point).stdout)
        relay.heal()
        wait_until(lambda: self.item(mount) is None, BOUND, "it arrives")
        self.assertEqual(self.head("large")["ContentLength"], 150 << 20)


if __name__ == "__main__":
    unittest.main()
