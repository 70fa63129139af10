"""A mount that cannot work says why in one sentence, soon, and leaves nothing behind. Promise P5."""

import os
import subprocess
import time
import unittest

from harness import ACCESS_KEY, RGWFSTestCase, SECRET_KEY, free_port, is_mounted, processes_naming, run

CONNECT_TIMEOUT = 3
# What the program itself may take beyond the time it waits for a server.
MARGIN = 3


class BadInputTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.point = self.new_directory("mnt")
        self.values = {
            "url": os.environ.get("RGWFS_TEST_ENDPOINT", "http://127.0.0.1:7480"),
            "credentials": self.credentials,
            "spool": self.directory / "spool",
            "connect_timeout": CONNECT_TIMEOUT,
        }

    def refused(self, *words, source=None, point=None, extra="", without=(), **values):
        """Mounts, expects a refusal, and returns what it says."""
        point = point or self.point
        pairs = {**self.values, **values}
        options = ",".join(f"{name}={value}" for name, value in pairs.items() if name not in without)
        source = self.bucket if source is None else source
        mounted_before = is_mounted(point)
        started = time.monotonic()
        try:
            result = run(self.program("mount.rgwfs"), source, point, "-o",
                         options + (f",{extra}" if extra else ""), check=False, timeout=30)
        except subprocess.TimeoutExpired:
            self.fail("the mount command does not return")
        seconds = time.monotonic() - started
        said = (result.stdout + result.stderr).strip()
        self.assertNotEqual(result.returncode, 0, f"exit status 0; it said: {said}")
        self.assertLess(seconds, CONNECT_TIMEOUT + MARGIN, f"too slow; it said: {said}")
        self.assertEqual(len(said.splitlines()), 1, f"not one sentence: {said}")
        self.assertEqual(is_mounted(point), mounted_before, "a mount stays")
        if not mounted_before:
            self.assertEqual(processes_naming(point), [], "a process stays")
        self.assertNotIn(SECRET_KEY, said, "the secret key in a message")
        for word in words:
            self.assertIn(str(word).lower(), said.lower())
        return said

    def test_unknown_host(self):
        self.refused("no-such-host.invalid", url="http://no-such-host.invalid:7480")

    def test_port_where_nobody_listens(self):
        port = free_port()
        self.refused(port, url=f"http://127.0.0.1:{port}")

    def test_server_that_accepts_and_never_answers(self):
        proxy = self.proxy()
        proxy.pause()
        self.refused(f"127.0.0.1:{proxy.port}", url=proxy.endpoint)
        proxy.resume()

    def test_host_that_drops_packets(self):
        # 192.0.2.0/24 is for documentation (RFC 5737): nobody answers there.
        self.refused("192.0.2.1", url="http://192.0.2.1:7480")

    def test_server_that_is_no_object_store(self):
        server = subprocess.Popen(
            ["python3", "-m", "http.server", "--bind", "127.0.0.1", "0"], cwd=self.new_directory("www"),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        try:
            port = server.stdout.readline().decode().split(" port ")[1].split()[0]
            self.refused(port, url=f"http://127.0.0.1:{port}")
        finally:
            server.kill()
            server.wait()
            server.stdout.close()

    def test_https_to_a_plain_port(self):
        self.refused(url=self.values["url"].replace("http://", "https://"))

    def test_bad_url(self):
        self.refused("url", url="127.0.0.1")
        self.refused("url", url="ftp://127.0.0.1")
        self.refused("url", url="http://127.0.0.1:port")

    def test_no_url(self):
        self.refused("url", without=["url"])

    def test_unknown_access_key(self):
        self.write_credentials("no-such-key:whatever\n")
        self.refused("no-such-key")

    def test_wrong_secret_key(self):
        self.write_credentials(f"{ACCESS_KEY}:wrong-secret\n")
        said = self.refused(ACCESS_KEY)
        self.assertNotIn("wrong-secret", said)

    def test_missing_bucket(self):
        self.refused("no-such-bucket-here", source="no-such-bucket-here")

    def test_bucket_name_that_cannot_be(self):
        self.refused("UPPER_case", source="UPPER_case!")

    def test_no_source(self):
        self.refused(source="")

    def test_bucket_of_somebody_else(self):
        # Anonymous has no right to it.
        self.refused(self.bucket, without=["credentials"], extra="public_bucket")

    def test_missing_credentials_file(self):
        self.refused("/no/such/file", credentials="/no/such/file")

    def test_credentials_file_that_others_may_read(self):
        self.write_credentials(f"{ACCESS_KEY}:{SECRET_KEY}\n", mode=0o644)
        self.refused(self.credentials)

    def test_credentials_file_without_credentials(self):
        for text in ("", "nonsense\n", "[default]\naws_access_key_id = x\n", "{\"keys\": []}"):
            with self.subTest(text=text):
                self.write_credentials(text)
                self.refused(self.credentials)

    def test_credentials_that_are_a_directory(self):
        self.refused(self.directory, credentials=self.directory)

    def test_no_credentials_at_all(self):
        home = self.new_directory("home")
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("AWS_")} | {"HOME": str(home)}
        result = run(self.program("mount.rgwfs"), self.bucket, self.point, "-o",
                     f"url={self.values['url']},spool={self.values['spool']}", check=False,
                     timeout=30, env=environment)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("credentials", result.stderr)

    def test_unknown_option_names_the_nearest_known_one(self):
        self.refused("conect_timeout", "connect_timeout", extra="conect_timeout=3")
        self.refused("writeback_dealy", "writeback_delay", extra="writeback_dealy=1s")

    def test_bad_values_of_options(self):
        for word in ("connect_timeout=soon", "memory=lots", "sigv=3", "fsync=never", "umask=9",
                     "conflict=mine", "uploads=0", "uid=-1"):
            with self.subTest(option=word):
                self.refused(word.split("=")[0], extra=word)

    def test_missing_mount_point(self):
        self.refused("/no/such/directory", point="/no/such/directory")

    def test_mount_point_that_is_a_file(self):
        path = self.directory / "plain-file"
        path.write_text("x")
        self.refused(path, point=path)

    def test_busy_mount_point(self):
        mount = self.mount(point=self.point)
        self.refused(self.point, spool=self.directory / "another-spool")
        mount.path("file").write_text("the first mount still works")
        mount.unmount()
        self.assertObject("file", "the first mount still works")

    def test_spool_in_use(self):
        mount = self.mount()
        self.refused(f"already mounted by pid {mount.pid} at {mount.point}")
        mount.path("file").write_text("the first mount still works")
        mount.unmount()
        self.assertObject("file", "the first mount still works")

    def test_spool_that_cannot_be(self):
        path = self.directory / "plain-file"
        path.write_text("x")
        self.refused(path, spool=path)

    def test_missing_arguments_show_usage(self):
        result = run(self.program("mount.rgwfs"), check=False, timeout=10)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("mount.rgwfs", (result.stdout + result.stderr).lower())


class SecretTests(RGWFSTestCase):
    def test_the_secret_is_nowhere_to_be_seen(self):
        mount = self.mount()
        mount.path("file").write_text("x")
        with open(f"/proc/{mount.pid}/cmdline", "rb") as file:
            self.assertNotIn(SECRET_KEY.encode(), file.read())
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            self.assertNotIn(SECRET_KEY, file.read())
        mount.unmount()
        self.assertNotIn(SECRET_KEY, mount.log_tail(10_000))


if __name__ == "__main__":
    unittest.main()
