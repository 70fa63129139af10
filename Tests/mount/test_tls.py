"""TLS: who is not who the user named is refused in one sentence, and everything works over it.

`RGWTests` use beast's ssl_endpoint of a radosgw of their own. What beast cannot play (expired
certificates, demands for a client's) a small TLS server plays that relays to the common RGW.
"""

import os
import pathlib
import shutil
import socket
import ssl
import tempfile
import threading
import unittest
import urllib.parse
import warnings

import boto3
import botocore.config

from harness import (ENDPOINT, REPOSITORY, RGWFSTestCase, SECRET_KEY, describe, is_mounted, make_tree,
                     processes_naming, run, wait_until)


class Authority:
    """A certificate authority and the certificates that it signs, as PEM files in a directory."""

    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory)
        self.name = name
        self.serial = 0
        self.certificate = self.directory / f"{name}.pem"
        self.key = self.directory / f"{name}.key"
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key,
                     "-out", self.certificate, "-days", "2", "-subj", f"/CN={name}")

    def openssl(self, *words):
        run("openssl", *words, timeout=60)

    def issue(self, alternatives, days=2, key_type="rsa:2048"):
        """A certificate and its key, in two files."""
        self.serial += 1
        stem = self.directory / f"{self.name}-{self.serial}"
        certificate, key, request = (stem.with_suffix(f".{end}") for end in ("crt", "key", "csr"))
        extensions = stem.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={alternatives}\n")
        self.openssl("req", "-newkey", key_type, "-nodes", "-keyout", key, "-out", request,
                     "-subj", f"/CN={self.name}-{self.serial}")
        self.openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                     "-set_serial", str(self.serial), "-days", str(days), "-extfile", extensions,
                     "-out", certificate)
        key.chmod(0o600)
        return certificate, key


class TLSRelay:
    """Ends TLS and hands the bytes on to the RGW; its certificate can be changed at any time."""

    def __init__(self, certificate, key, clients=None, newest=None):
        self.clients = clients
        self.newest = newest
        self.connections = []
        self.lock = threading.Lock()
        self.present(certificate, key)
        address = urllib.parse.urlparse(ENDPOINT)
        self.target = (address.hostname, address.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.endpoint = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def present(self, certificate, key):
        """Shows this certificate from now on, and cuts the connections that saw another."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if self.clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.clients)
        if self.newest:
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = self.newest
        self.context = context
        self.cut()

    def cut(self):
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.connections.clear()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, plain):
        try:
            with self.lock:
                self.connections.append(plain)
            plain.settimeout(60)
            with self.context.wrap_socket(plain, server_side=True) as client, \
                    socket.create_connection(self.target) as server:
                with self.lock:
                    self.connections += [client, server]
                back = threading.Thread(target=self.copy, args=(server, client), daemon=True)
                back.start()
                self.copy(client, server)
                back.join()
        except OSError:
            pass

    @staticmethod
    def copy(source, target):
        try:
            while block := source.recv(1 << 16):
                target.sendall(block)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def stop(self):
        self.listener.close()
        self.cut()


class TLSTestCase(RGWFSTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = pathlib.Path(tempfile.mkdtemp(prefix="rgwfs-tls-"))
        cls.addClassCleanup(shutil.rmtree, cls.files)
        cls.authority = Authority(cls.files, "authority")
        cls.stranger = Authority(cls.files, "stranger")

    def refused(self, endpoint, *words, options=()):
        """The mount fails with status 32 and one sentence that has these words."""
        point = self.new_directory("refused")
        options = [f"url={endpoint}", f"credentials={self.credentials}",
                   f"spool={self.directory / 'spool'}", "connect_timeout=5", *options]
        result = run(self.program("mount.rgwfs"), self.bucket, point, "-o", ",".join(options),
                     check=False, timeout=30)
        said = (result.stdout + result.stderr).strip()
        self.assertEqual(result.returncode, 32, said)
        self.assertEqual(len(said.splitlines()), 1, f"not one sentence: {said}")
        self.assertFalse(is_mounted(point), "a mount stays")
        self.assertEqual(processes_naming(point), [], "a process stays")
        self.assertNotIn(SECRET_KEY, said)
        for word in words:
            self.assertIn(word.lower(), said.lower())
        return said


class RGWTests(TLSTestCase):
    """On beast's own TLS; its certificate is good for the address 127.0.0.1, not for localhost."""

    seconds = 180

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        certificate, key = cls.authority.issue("IP:127.0.0.1")
        both = cls.files / "rgw.pem"
        both.write_text(certificate.read_text() + key.read_text())
        rgw = cls.files / "rgw"
        cls.addClassCleanup(run, REPOSITORY / "scripts/rgw-dev", "down", "--dir", rgw)
        run(REPOSITORY / "scripts/rgw-dev", "up", "--dir", rgw, "--port", "0", "--size", "1G",
            "--tls", both, timeout=180)
        values = dict(line.split("=", 1) for line in (rgw / "env").read_text().splitlines())
        cls.endpoint = values["RGWFS_TEST_TLS_ENDPOINT"]
        cls.by_name = cls.endpoint.replace("127.0.0.1", "localhost")
        cls.trusting = f"cacert={cls.authority.certificate}"
        # The bucket is made, and looked at, on the same radosgw's plain port.
        cls.s3 = boto3.client(
            "s3", endpoint_url=values["RGWFS_TEST_ENDPOINT"],
            aws_access_key_id=values["RGWFS_TEST_ACCESS_KEY"],
            aws_secret_access_key=values["RGWFS_TEST_SECRET_KEY"], region_name="default",
            config=botocore.config.Config(s3={"addressing_style": "path"}))

    def test_trees_and_large_files_are_copied_both_ways(self):
        local = make_tree(self.new_directory("local"), files=60)
        (local / "large").write_bytes(os.urandom(40 << 20))
        mount = self.mount(self.trusting, endpoint=self.endpoint)
        run("cp", "-a", local, mount.path("tree"))
        mount.remount()
        run("cp", "-a", mount.path("tree"), self.directory / "back")
        self.assertEqual(describe(local), describe(self.directory / "back"))
        mount.unmount()
        self.assertObject("tree/large", (local / "large").read_bytes())

    def test_a_mount_in_the_background_finds_its_files(self):
        # Relative to the directory in which the command was given, not to the daemon's.
        mount = self.mount(f"cacert={os.path.relpath(self.authority.certificate)}",
                           endpoint=self.endpoint, foreground=False)
        mount.path("file").write_text("over TLS")
        mount.unmount()
        self.assertObject("file", "over TLS")

    def test_an_unknown_authority_is_refused(self):
        self.refused(self.endpoint, self.endpoint, "certificate",
                     options=[f"cacert={self.stranger.certificate}"])

    def test_the_systems_authorities_do_not_include_everybody(self):
        self.refused(self.endpoint, self.endpoint, "certificate")

    def test_another_host_name_is_refused(self):
        self.refused(self.by_name, self.by_name, "localhost", "certificate", options=[self.trusting])

    def test_plain_http_to_the_tls_port_is_refused(self):
        self.refused(self.endpoint.replace("https:", "http:"))

    def test_without_checks_any_certificate_will_do_and_a_warning_says_so(self):
        mount = self.mount("no_check_certificate", endpoint=self.by_name)
        self.assertIn("no_check_certificate", mount.log_tail())
        mount.path("file").write_text("unchecked")
        mount.unmount()
        self.assertObject("file", "unchecked")

    def in_own_namespace(self, *options):
        """Mounts where the system trusts our authority, both as bundle and as directory."""
        store = self.new_directory("store")
        authority = self.authority.certificate
        shutil.copy(authority, store / "ca-certificates.crt")
        shutil.copy(authority, store / "authority.pem")
        run("openssl", "rehash", store)
        point = self.new_directory("namespace")
        words = ",".join([f"url={self.endpoint}", f"credentials={self.credentials}",
                          f"spool={self.directory / 'spool'}", "connect_timeout=5", *options])
        script = (f"mount --bind '{store}' /etc/ssl/certs && "
                  f"'{self.program('mount.rgwfs')}' {self.bucket} '{point}' -o '{words}' && "
                  f"echo trusted > '{point}/file' && "
                  f"'{self.program('umount.fuse.rgwfs')}' '{point}'")
        return run("unshare", "--mount", "sh", "-c", script, check=False, timeout=60)

    def test_the_systems_authorities_are_trusted(self):
        result = self.in_own_namespace()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertObject("file", "trusted\n")

    def test_cacert_replaces_the_systems_authorities(self):
        result = self.in_own_namespace(f"cacert={self.stranger.certificate}")
        self.assertEqual(result.returncode, 32, result.stderr)
        self.assertIn("certificate", result.stderr)


class RelayTests(TLSTestCase):
    """On a TLS server that does what beast would not."""

    def relay(self, certificate, key, **settings):
        relay = TLSRelay(certificate, key, **settings)
        self.addCleanup(relay.stop)
        return relay

    def setUp(self):
        super().setUp()
        self.trusting = f"cacert={self.authority.certificate}"

    def assertWorks(self, endpoint, *options):
        mount = self.mount(self.trusting, *options, endpoint=endpoint, spool=self.new_directory("spool"))
        mount.path("file").write_text("over TLS")
        mount.unmount()
        self.assertObject("file", "over TLS")

    def test_an_expired_certificate_is_refused(self):
        relay = self.relay(*self.authority.issue("IP:127.0.0.1", days=-1))
        self.refused(relay.endpoint, "expired", options=[self.trusting])

    def test_a_certificate_for_another_server_is_refused(self):
        relay = self.relay(*self.authority.issue("DNS:other.example,IP:127.0.0.2"))
        self.refused(relay.endpoint, "127.0.0.1", options=[self.trusting])

    def test_a_server_of_the_last_century_is_refused(self):
        relay = self.relay(*self.authority.issue("IP:127.0.0.1"), newest=ssl.TLSVersion.TLSv1_1)
        self.refused(relay.endpoint, options=[self.trusting])

    def test_a_client_certificate_opens_the_door(self):
        server = self.authority.issue("IP:127.0.0.1")
        relay = self.relay(*server, clients=self.stranger.certificate)
        certificate, key = self.stranger.issue("DNS:client")
        self.assertWorks(relay.endpoint, f"client_cert={certificate}", f"client_key={key}")
        both = self.directory / "both.pem"
        both.write_text(certificate.read_text() + key.read_text())
        both.chmod(0o600)
        self.assertWorks(relay.endpoint, f"client_cert={both}")
        elliptic, key = self.stranger.issue("DNS:client", key_type="ec:" + self.curve())
        self.assertWorks(relay.endpoint, f"client_cert={elliptic}", f"client_key={key}")

    def curve(self):
        path = self.directory / "curve.pem"
        run("openssl", "ecparam", "-name", "prime256v1", "-out", path)
        return os.fspath(path)

    def test_without_a_client_certificate_the_door_stays_shut(self):
        relay = self.relay(*self.authority.issue("IP:127.0.0.1"), clients=self.stranger.certificate)
        self.refused(relay.endpoint, relay.endpoint, options=[self.trusting])
        certificate, key = self.authority.issue("DNS:client")
        self.refused(relay.endpoint, relay.endpoint, options=[
            self.trusting, f"client_cert={certificate}", f"client_key={key}"])

    def test_a_key_of_another_certificate_is_refused(self):
        relay = self.relay(*self.authority.issue("IP:127.0.0.1"), clients=self.stranger.certificate)
        certificate, _ = self.stranger.issue("DNS:client")
        _, key = self.stranger.issue("DNS:client")
        self.refused(relay.endpoint, "client certificate", options=[
            self.trusting, f"client_cert={certificate}", f"client_key={key}"])

    def test_files_that_cannot_be_used_are_named(self):
        relay = self.relay(*self.authority.issue("IP:127.0.0.1"))
        certificate, key = self.stranger.issue("DNS:client")
        encrypted = self.directory / "encrypted.key"
        run("openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:x", "-out", encrypted)
        encrypted.chmod(0o600)
        garbage = self.directory / "garbage.pem"
        garbage.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        self.refused(relay.endpoint, "/no/such/file", options=["cacert=/no/such/file"])
        self.refused(relay.endpoint, os.fspath(garbage), options=[f"cacert={garbage}"])
        self.refused(relay.endpoint, os.fspath(encrypted), "pass phrase", options=[
            self.trusting, f"client_cert={certificate}", f"client_key={encrypted}"])
        key.chmod(0o644)
        self.refused(relay.endpoint, os.fspath(key), "chmod 600", options=[
            self.trusting, f"client_cert={certificate}", f"client_key={key}"])

    def test_what_an_expired_certificate_stops_waits_in_the_spool(self):
        good = self.authority.issue("IP:127.0.0.1")
        relay = self.relay(*good)
        mount = self.mount(self.trusting, "retrans=1", endpoint=relay.endpoint)
        mount.path("before").write_text("1")
        wait_until(lambda: self.head("before"), 20, "the first file in the bucket")
        relay.present(*self.authority.issue("IP:127.0.0.1", days=-1))
        mount.path("during").write_text("2")
        self.assertEqual(mount.path("during").read_text(), "2")
        self.assertNoObject("during")
        relay.present(*good)
        mount.unmount()
        self.assertObject("during", "2")


if __name__ == "__main__":
    unittest.main()
