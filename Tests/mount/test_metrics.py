"""The option metrics: a real mount scraped over HTTP, and everything that names its metrics elsewhere.

The scrape is read by Prometheus's own client library, the rules by promtool (scripts/setup --tests brings both).
"""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import unittest

from harness import BINARY, REPOSITORY, RGWFSTestCase, free_port, run, wait_until

PARSE = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families
print(json.dumps([[family.name, family.type, [[s.name, s.labels, s.value] for s in family.samples]]
                  for family in text_string_to_metric_families(sys.stdin.read())]))
"""


def parsed(text):
    """{name as exposed: (type, samples)} of a scrape; the library leaves `_total` off the names of counters."""
    for python in (sys.executable, "/usr/bin/python3"):
        result = subprocess.run([python, "-c", PARSE], input=text, capture_output=True, text=True, timeout=20, check=False)
        if result.returncode == 0:
            return {name + ("_total" if kind == "counter" else ""): (kind, samples)
                    for name, kind, samples in json.loads(result.stdout)}
        if "No module named 'prometheus_client'" not in result.stderr:
            raise AssertionError(result.stderr)
    raise AssertionError("no python with prometheus_client: run scripts/setup --tests")


class SocketConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self.path))


def get(connection, path="/metrics"):
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


class MetricsTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def ask(self, path="/metrics"):
        return get(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10), path)

    def refusal(self, *options):
        """What a mount with these options says that cannot be made."""
        mount = self.mount(*options, start=False)
        result = run(*mount.command, check=False)
        self.assertNotEqual(result.returncode, 0)
        return result.stderr

    def scrape(self):
        status, text = self.ask()
        self.assertEqual(status, 200)
        return parsed(text)

    def value(self, families, name, **labels):
        found = [value for sample, has, value in families[re.sub("_(bucket|sum|count)$", "", name)][1]
                 if sample == name and labels.items() <= has.items()]
        self.assertEqual(len(found), 1, (name, labels, found))
        return found[0]

    def test_what_happens_is_counted(self):
        mount = self.mount(f"metrics={self.port}")
        before = self.scrape()
        self.assertEqual(self.value(before, "rgwfs_mount_info", source=self.bucket, mount_point=str(mount.point)), 1)
        for number in range(10):
            mount.path(f"f{number}").write_bytes(b"x" * 1000)
        run(BINARY, "sync", mount.point)
        with self.assertRaises(FileNotFoundError):
            os.stat(mount.path("absent"))
        after = self.scrape()
        self.assertEqual(self.value(after, "rgwfs_fuse_request_duration_seconds_count", operation="create"), 10)
        self.assertEqual(self.value(after, "rgwfs_fuse_request_duration_seconds_bucket", operation="create", le="+Inf"), 10)
        self.assertEqual(self.value(after, "rgwfs_s3_request_duration_seconds_count", request="PUT"), 10)
        self.assertEqual(self.value(after, "rgwfs_s3_sent_bytes_total", request="PUT"), 10_000)
        self.assertGreaterEqual(self.value(after, "rgwfs_fuse_errors_total", operation="lookup", errno="2"), 1)
        self.assertEqual(self.value(after, "rgwfs_queue_changes"), 0)
        self.assertGreater(self.value(after, "process_resident_memory_bytes"), 1 << 20)

    def test_the_manual_names_what_a_scrape_has_and_nothing_else(self):
        self.mount(f"metrics={self.port}")
        page = (REPOSITORY / "man/rgwfs-metrics.7").read_text()
        named = set(re.findall(r"^\.BR? (\w+)$", page.split("metrics begin")[1].split("metrics end")[0], re.M))
        self.assertEqual(named, set(self.scrape()))

    def test_every_query_of_the_dashboard_and_the_rules_asks_for_what_is_there(self):
        self.mount(f"metrics={self.port}")
        there = set()
        for name, (kind, _) in self.scrape().items():
            there |= {name} if kind != "histogram" else {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
        board = json.loads((REPOSITORY / "scripts/monitoring/rgwfs-dashboard.json").read_text())
        rules = (REPOSITORY / "scripts/monitoring/rgwfs.rules.yml").read_text()
        queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
        queries += [variable["query"]["query"] for variable in board["templating"]["list"] if variable["type"] == "query"]
        queries += re.findall(r"^ +expr: (.+)$", rules, re.M)
        self.assertGreater(len(queries), 30)
        used = {word for query in queries for word in re.findall(r"\b(?:rgwfs|process)_\w+", query)}
        self.assertEqual(used - there, set())
        # All but what has no place in a picture is shown.
        self.assertEqual({name for name in there if not name.endswith("_sum")} - used, set())

    def test_promtool_accepts_rules_and_scrape(self):
        self.mount(f"metrics={self.port}")
        promtool = run("bash", "-c", '. "$0"; promtool', REPOSITORY / "scripts/common.sh").stdout.strip()
        run(promtool, "check", "rules", REPOSITORY / "scripts/monitoring/rgwfs.rules.yml")
        result = subprocess.run([promtool, "check", "metrics"], input=self.ask()[1], capture_output=True, text=True,
                                timeout=20, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_health_and_readiness(self):
        proxy = self.proxy()
        mount = self.mount(f"metrics=127.0.0.1:{self.port}", "timeo=10", "retrans=0", endpoint=proxy.endpoint)
        self.assertEqual(self.ask("/healthz"), (200, "alive\n"))
        self.assertEqual(self.ask("/readyz"), (200, "ready\n"))
        mount.path("f").write_text("x")
        run(BINARY, "sync", mount.point)
        proxy.pause()
        mount.path("f").write_text("y")
        wait_until(lambda: self.ask("/readyz")[0] == 503, 20, "not ready while the server is silent")
        self.assertIn("does not answer", self.ask("/readyz")[1])
        self.assertEqual(self.ask("/healthz")[0], 200)
        self.assertGreater(self.value(self.scrape(), "rgwfs_s3_errors_total", code="timed_out", request="PUT"), 0)
        proxy.resume()
        wait_until(lambda: self.ask("/readyz")[0] == 200, 40, "ready when it answers again")
        self.assertGreaterEqual(self.value(self.scrape(), "rgwfs_s3_request_duration_seconds_count", request="PUT"), 2)

    def test_repetitions_are_counted(self):
        proxy = self.proxy(fault="503:3")
        mount = self.mount(f"metrics={self.port}", endpoint=proxy.endpoint)
        for number in range(8):
            mount.path(f"f{number}").write_text("x")
        run(BINARY, "sync", mount.point)
        families = self.scrape()
        self.assertGreater(self.value(families, "rgwfs_s3_retries_total", request="PUT"), 0)
        self.assertGreater(self.value(families, "rgwfs_s3_errors_total", code="503", request="PUT"), 0)
        self.assertLess(self.value(families, "rgwfs_queue_uploads_limit"), 32, "a busy server gets fewer at a time")

    def test_failed_requests_are_logged_when_a_remount_asks_for_it(self):
        proxy = self.proxy(fault="503:3")
        mount = self.mount(endpoint=proxy.endpoint)
        for level, is_logged in (("info", False), ("debug", True)):
            if is_logged:
                run(self.program("mount.rgwfs"), self.bucket, mount.point, "-o", f"remount,log_level={level}")
            for number in range(8):
                mount.path(f"{level}{number}").write_text("x")
            run(BINARY, "sync", mount.point)
            self.assertEqual("request failed code=503" in mount.log.read_text(), is_logged, level)

    def test_a_unix_socket_is_for_its_owner_and_goes_at_the_unmount(self):
        place = self.directory / "metrics.sock"
        mount = self.mount(f"metrics={place}")
        self.assertEqual(place.stat().st_mode & 0o777, 0o600)
        self.assertIn("rgwfs_build_info", get(SocketConnection(place))[1])
        self.assertEqual(get(SocketConnection(place), "/etc/passwd")[0], 404)
        mount.unmount()
        self.assertFalse(place.exists())

    def test_what_is_somebody_elses_is_not_replaced(self):
        place = self.directory / "precious"
        place.write_text("precious")
        refusal = self.refusal(f"metrics={place}")
        self.assertIn("metrics", refusal)
        self.assertEqual(place.read_text(), "precious")
        with socket.socket() as other:
            other.bind(("127.0.0.1", self.port))
            other.listen()
            self.assertIn("in use", self.refusal(f"metrics={self.port}"))

    def test_what_a_killed_mount_left_is_replaced(self):
        place = self.directory / "metrics.sock"
        mount = self.mount(f"metrics={place}")
        mount.kill()
        again = self.mount(f"metrics={place}")
        self.assertEqual(get(SocketConnection(place))[0], 200)
        again.unmount()

    def test_nonsense_is_answered_and_ends(self):
        self.mount(f"metrics={self.port}")
        for sent, status in ((b"POST /metrics HTTP/1.1\r\n\r\n", b"405"), (b"\x16\x03\x01\n\n", b"400"),
                             (b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"400")):
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
                client.sendall(sent)
                answer = b""
                while True:
                    try:
                        more = client.recv(4096)
                    except ConnectionResetError:
                        break
                    if not more:
                        break
                    answer += more
            self.assertTrue(answer.startswith(b"HTTP/1.1 " + status), (sent[:30], answer[:60]))
        self.assertEqual(self.ask("/healthz")[0], 200)

    def test_stats_has_a_line_for_each_interval(self):
        mount = self.mount()
        lines = run(BINARY, "stats", mount.point, "0.2", "3").stdout.splitlines()
        self.assertEqual(len(lines), 4)
        self.assertIn("waiting", lines[0])
        mount.path("f").write_text("x")
        run(BINARY, "sync", mount.point)
        self.assertIn("operation", run(BINARY, "stats", mount.point).stdout)


if __name__ == "__main__":
    unittest.main()
