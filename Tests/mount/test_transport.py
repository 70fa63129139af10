"""How requests get to the server: through a proxy, and to a name with other or with several addresses.

Promises P4, P5 and P6.
"""

import base64
import ctypes
import os
import pathlib
import socket
import subprocess
import time
import unittest

from harness import RGWFSTestCase, free_port, run
from relay import Relay

NAME = "rgw.invalid"


class TransportTestCase(RGWFSTestCase):
    def relay(self, **settings):
        relay = Relay(**settings)
        self.addCleanup(relay.stop)
        return relay

    def new_mount(self, endpoint, *options, **environment):
        mount = self.mount(*options, endpoint=endpoint, start=False)
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            mount.environment[name] = ""
        mount.environment.update(environment)
        return mount

    def refused(self, mount):
        """What the mount says that cannot be made."""
        result = subprocess.run(mount.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=60,
                                env={**os.environ, **mount.environment})
        self.assertNotEqual(result.returncode, 0)
        return result.stdout


class ProxyTests(TransportTestCase):
    """The server's name means nothing here: only the proxy gets to it."""

    endpoint = f"http://{NAME}"

    def works(self, mount, relay):
        mount.start()
        mount.path("file").write_text("through")
        mount.unmount()
        self.assertObject("file", "through")
        self.assertGreater(len(relay.proxied), 3)

    def test_http_proxy_is_honoured_as_by_curl(self):
        relay = self.relay()
        self.works(self.new_mount(self.endpoint, http_proxy=relay.endpoint), relay)

    def test_no_proxy_names_servers_that_are_asked_directly(self):
        relay = self.relay()
        said = self.refused(self.new_mount(
            self.endpoint, "connect_timeout=2", http_proxy=relay.endpoint, no_proxy=NAME))
        self.assertIn(NAME, said)
        self.assertEqual(relay.proxied, [])

    def test_proxy_is_an_option_and_none_is_no_proxy(self):
        relay = self.relay()
        self.works(self.new_mount(self.endpoint, f"proxy={relay.endpoint}",
                                  http_proxy="http://127.0.0.1:9"), relay)
        before = len(relay.proxied)
        self.refused(self.new_mount(self.endpoint, "proxy=none", "connect_timeout=2",
                                    http_proxy=relay.endpoint))
        self.assertEqual(len(relay.proxied), before)

    def test_https_goes_through_a_tunnel_and_a_refused_one_is_named(self):
        relay = self.relay()
        said = self.refused(self.new_mount(f"https://{NAME}", http_proxy="http://127.0.0.1:9",
                                           https_proxy=relay.endpoint))
        self.assertEqual(set(relay.tunnels), {f"{NAME}:443"})
        self.assertIn("407", said)

    def test_every_command_goes_through_the_proxy(self):
        relay = self.relay()
        result = run(self.program("rgwfs"), "doctor", self.bucket, "-o",
                     f"url={self.endpoint},credentials={self.credentials},spool={self.directory}/s,"
                     f"proxy={relay.endpoint}", check=False)
        self.assertGreater(len(relay.proxied), 0, result.stdout + result.stderr)

    def test_the_proxys_password_is_sent_and_never_shown(self):
        relay = self.relay()
        url = relay.endpoint.replace("http://", "http://user:geheim@")
        mount = self.new_mount(self.endpoint, "connect_timeout=5", http_proxy=url)
        mount.start()
        mount.path("file").write_text("through")
        shown = [pathlib.Path(f"/proc/{mount.pid}/cmdline").read_text()]
        shown += [run(self.program("rgwfs"), *words, check=False).stdout
                  for words in (("status", mount.point), ("status", "--json", mount.point))]
        relay.stop()
        self.assertRaises(OSError, os.listdir, mount.path("unknown"))
        shown.append(mount.log.read_text())
        self.assertEqual(set(relay.proxied),
                         {"Basic " + base64.b64encode(b"user:geheim").decode()})
        for text in shown:
            self.assertNotIn("geheim", text)
        said = self.refused(self.new_mount(self.endpoint, f"proxy={url}"))
        self.assertNotIn("geheim", said)
        self.assertIn("http_proxy", said)
        mount.kill()

    def test_a_proxy_that_is_away_is_named(self):
        port = free_port()
        said = self.refused(self.new_mount(self.endpoint, f"proxy=http://127.0.0.1:{port}"))
        self.assertIn(str(port), said)


libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18


def call(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class NameTests(TransportTestCase):
    """A server whose addresses the test decides: /etc/hosts of this thread's own mount namespace, which
    the programs that it starts inherit."""

    def setUp(self):
        outside = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY)
        call(libc.unshare(CLONE_NEWNS))
        # Runs last: mounts and processes are gone by then.
        self.addCleanup(self.go_back, outside)
        call(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        super().setUp()
        self.hosts = self.directory / "hosts"
        self.hosts.write_text("")
        call(libc.mount(os.fsencode(self.hosts), b"/etc/hosts", None, MS_BIND, None))
        self.addCleanup(run, "umount", "/etc/hosts", check=False)

    def go_back(self, outside):
        call(libc.setns(outside, CLONE_NEWNS))
        os.close(outside)

    def resolve(self, *addresses):
        """In place, because the file is mounted."""
        self.hosts.write_text("".join(f"{address} {NAME}\n" for address in addresses))

    def silent(self, address, port):
        """An address that drops every connection attempt, as one that is gone does: its queue is full."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        self.addCleanup(listener.close)
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((address, port))
            self.addCleanup(filler.close)
        time.sleep(0.2)

    def test_a_server_that_moved_is_found_at_its_new_address(self):
        old = self.relay(address="127.0.0.51")
        self.resolve("127.0.0.51")
        mount = self.new_mount(f"http://{NAME}:{old.port}", "actimeo=0", "timeo=50")
        mount.start()
        os.listdir(mount.point)
        new = self.relay(address="127.0.0.52", port=old.port)
        self.resolve("127.0.0.52")
        old.stop()
        deadline = time.monotonic() + 15
        while not new.count():
            self.assertLess(time.monotonic(), deadline, "the name is looked up again")
            try:
                os.stat(mount.path(f"name-{time.monotonic()}"))
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.1)
        mount.path("file").write_text("moved")
        mount.unmount()
        self.assertObject("file", "moved")

    def test_a_dead_address_beside_a_good_one_costs_about_a_second(self):
        for addresses in (("127.0.0.61", "127.0.0.62"), ("127.0.0.62", "127.0.0.61")):
            with self.subTest(addresses=addresses):
                relay = self.relay(address="127.0.0.62")
                self.silent("127.0.0.61", relay.port)
                self.resolve(*addresses)
                mount = self.new_mount(f"http://{NAME}:{relay.port}", "connect_timeout=40", "actimeo=0")
                begun = time.monotonic()
                mount.start()
                os.listdir(mount.point)
                mount.path("file").write_text("content")
                mount.unmount()
                self.assertLess(time.monotonic() - begun, 12)
                self.assertObject("file", "content")

    def test_a_single_address_that_is_slow_to_answer_is_waited_for(self):
        """After a second in haste it has the rest of its time."""
        self.resolve("127.0.0.71")
        port = free_port()
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.71", port))
        listener.listen(0)
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.71", port))
            fillers.append(filler)
        time.sleep(0.2)
        mount = self.new_mount(f"http://{NAME}:{port}", "connect_timeout=30")
        command = subprocess.Popen(mount.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **mount.environment})
        time.sleep(2.5)
        self.assertIsNone(command.poll(), "it still waits for the only address")
        for filler in fillers:
            filler.close()
        listener.settimeout(20)
        connection = None
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            accepted, _ = listener.accept()
            accepted.settimeout(3)
            try:
                request = accepted.recv(100)
            except OSError:
                request = b""
            if request.startswith(b"GET "):
                connection = accepted
                break
            accepted.close()
        self.assertIsNotNone(connection, "the request arrives at last")
        connection.close()
        command.kill()
        command.wait()
        command.stderr.close()


if __name__ == "__main__":
    unittest.main()
