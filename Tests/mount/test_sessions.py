"""Keys with an end: from a program, from a role (STS), from a web identity. Promises P4 and P5.

They are renewed before they end, and at once when the server refuses them; no program sees an error meanwhile."""

import base64
import hashlib
import http.server
import json
import os
import pathlib
import shlex
import subprocess
import threading
import time
import unittest
import urllib.parse

import boto3
import botocore.config

from harness import ACCESS_KEY, REPOSITORY, SECRET_KEY, run, wait_until
from test_credentials import CredentialsTestCase, NOTICED, admin

RENEWED = "credentials were renewed"
# Takes the next document, the last one again and again; counts its runs.
PROGRAM = """#!/bin/sh
cd "$(dirname "$0")" || exit 1
echo run >>runs
test ! -e broken || exit 3
cat document
"""


class SessionTestCase(CredentialsTestCase):
    def session_mount(self, *options, environment=None, **settings):
        """A mount whose keys are not in a file of its own."""
        mount = self.mount(*options, start=False, **settings)
        mount.options = [option for option in mount.options if not option.startswith("credentials=")]
        mount.environment = {"HOME": os.fspath(self.directory), **(environment or {})}
        return mount.start()

    def write_config(self, name, text, mode=0o600):
        directory = self.directory / ".aws"
        directory.mkdir(exist_ok=True)
        (directory / name).write_text(text)
        (directory / name).chmod(mode)

    def assertRenewed(self, mount, times=1):
        wait_until(lambda: mount.log.read_text().count(RENEWED) >= times, NOTICED, "a renewal")

    def assertNoSecrets(self, mount, *secrets):
        shown = [mount.log.read_bytes(), run(self.program("rgwfs"), "status", "--json", mount.point).stdout.encode()]
        for name in ("cmdline", "mountinfo"):
            shown.append(pathlib.Path(f"/proc/{mount.pid}/{name}").read_bytes())
        for secret in secrets:
            self.assertFalse(any(secret.encode() in text for text in shown))


class ProcessTests(SessionTestCase):
    def setUp(self):
        super().setUp()
        self.helper = self.new_directory("a helper")
        (self.helper / "get keys").write_text(PROGRAM)
        (self.helper / "get keys").chmod(0o700)
        self.option = "credential_process=" + shlex.quote(os.fspath(self.helper / "get keys"))

    def give(self, key, seconds=None):
        document = {"Version": 1, "AccessKeyId": key[0], "SecretAccessKey": key[1]}
        if seconds is not None:
            document["Expiration"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        new = self.helper / "new"
        new.write_text(json.dumps(document))
        new.rename(self.helper / "document")

    def runs(self):
        return (self.helper / "runs").read_text().count("run")

    def test_keys_are_renewed_before_they_end(self):
        old, new = self.new_key(), self.new_key()
        self.give(old, seconds=6)
        mount = self.session_mount(self.option, "writeback_delay=0")
        self.assertEqual(self.runs(), 1)
        self.give(new, seconds=3600)
        self.assertRenewed(mount)
        self.remove_key(old[0])
        mount.path("k").write_text("x")
        self.appears("k", "x")
        self.assertNotIn("InvalidAccessKeyId", mount.log.read_text())
        self.assertEqual(self.runs(), 2, "and not again, while they are good")
        self.assertNoSecrets(mount, old[1], new[1])

    def test_refused_keys_are_renewed_at_once_and_nobody_sees_it(self):
        for name in "abc":
            self.put(name, name)
        old = self.new_key()
        self.give(old)
        mount = self.session_mount(self.option, "writeback_delay=0")
        time.sleep(2.1)  # What was fetched this moment is not fetched again.
        self.give(self.new_key())
        self.remove_key(old[0])
        self.assertEqual(mount.path("a").read_text(), "a")
        mount.path("d").write_text("d")
        with open(mount.path("d"), "rb+") as file:
            os.fsync(file)
        self.appears("d", "d")
        self.assertRenewed(mount)

    def test_a_program_that_fails_for_a_while_is_waited_for(self):
        self.put("a", "a")
        old = self.new_key()
        self.give(old)
        mount = self.session_mount(self.option, "hard")
        time.sleep(2.1)
        self.remove_key(old[0])
        (self.helper / "broken").touch()
        self.give(self.new_key())
        result = []
        reader = threading.Thread(target=lambda: result.append(mount.path("a").read_text()))
        reader.start()
        wait_until(lambda: "could not be renewed" in mount.log.read_text(), NOTICED, "a line in the log")
        (self.helper / "broken").unlink()
        reader.join(NOTICED)
        self.assertEqual(result, ["a"])

    def test_a_mount_without_keys_says_why(self):
        for document, word in ((None, "status 1"), ("no json", "JSON"), ('{"Version": 1}', "AccessKeyId")):
            if document:
                (self.helper / "document").write_text(document)
            with self.assertRaises(AssertionError) as raised:
                self.session_mount(self.option)
            self.assertIn(word, str(raised.exception))

    def test_a_profile_may_name_the_program_and_others_may_not_change_it(self):
        self.give(self.new_key())
        text = f"[profile work]\ncredential_process = {shlex.quote(os.fspath(self.helper / 'get keys'))}\n"
        self.write_config("config", text, 0o666)
        with self.assertRaises(AssertionError) as raised:
            self.session_mount("profile=work")
        self.assertIn("chmod go-w", str(raised.exception))
        self.write_config("config", text, 0o644)
        mount = self.session_mount("profile=work", "writeback_delay=0")
        mount.path("k").write_text("x")
        self.appears("k", "x")


class RoleCase(SessionTestCase):
    """STS is on at a second gateway of the same cluster."""

    ROLE = "rgwfs-mount-tests"
    TRUST = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/test"]}, "Action": ["sts:AssumeRole"]}

    def setUp(self):
        super().setUp()
        self.sts = run(REPOSITORY / "scripts/rgw-dev", "--dir", os.environ["RGWFS_TEST_RGW_DIR"],
                       "gateway").stdout.split()[-1]
        self.make_role(self.TRUST)

    def make_role(self, trust):
        policy = {"Effect": "Allow", "Action": ["s3:*"], "Resource": "arn:aws:s3:::*"}
        run(REPOSITORY / "scripts/rgw-dev", "--dir", os.environ["RGWFS_TEST_RGW_DIR"], "admin", "role", "create",
            f"--role-name={self.ROLE}", "--path=/",
            "--assume-role-policy-doc=" + json.dumps({"Version": "2012-10-17", "Statement": [trust]}), check=False)
        self.addCleanup(self.remove_role)
        admin("role-policy", "put", f"--role-name={self.ROLE}", "--policy-name=all",
              "--policy-doc=" + json.dumps({"Version": "2012-10-17", "Statement": [policy]}))

    def remove_role(self):
        for words in (["role-policy", "delete", f"--role-name={self.ROLE}", "--policy-name=all"],
                      ["role", "delete", f"--role-name={self.ROLE}"]):
            run(REPOSITORY / "scripts/rgw-dev", "--dir", os.environ["RGWFS_TEST_RGW_DIR"], "admin", *words,
                check=False)

    def arn(self):
        return f"arn:aws:iam:::role/{self.ROLE}"

    def work_for(self, mount, seconds):
        """Programs at work; none of them may see an error."""
        number, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            number += 1
            mount.path(f"f{number}").write_text(str(number))
            self.put(f"g{number}", str(number))
            self.assertEqual(mount.path(f"g{number}").read_text(), str(number))
            self.assertEqual(mount.path(f"f{number}").read_text(), str(number))
        run(self.program("rgwfs"), "sync", mount.point)
        self.assertObject("f1", "1")
        self.assertObject(f"f{number}", str(number))


class RoleTests(RoleCase):
    def test_sessions_that_end_while_programs_work_are_renewed_unseen(self):
        self.write_config("credentials", f"[default]\naws_access_key_id = {ACCESS_KEY}\n"
                          f"aws_secret_access_key = {SECRET_KEY}\n")
        self.write_config("config", f"[profile lab]\nrole_arn = {self.arn()}\nsource_profile = default\n"
                          "role_session_name = lab\nduration_seconds = 3\n")
        mount = self.session_mount("profile=lab", "writeback_delay=0", "lookupcache=none", endpoint=self.sts)
        self.work_for(mount, 7)
        self.assertRenewed(mount, 2)
        self.assertNotIn("denied", mount.log.read_text())
        self.assertNoSecrets(mount, SECRET_KEY)

    def test_the_option_takes_the_role_on_with_the_keys_that_are_there(self):
        mount = self.mount(f"role_arn={self.arn()}", "writeback_delay=0", endpoint=self.sts)
        mount.path("k").write_text("x")
        self.appears("k", "x")

    def test_a_role_that_is_not_there_is_refused_by_name(self):
        with self.assertRaises(AssertionError) as raised:
            self.mount("role_arn=arn:aws:iam:::role/nobody", endpoint=self.sts)
        self.assertIn("no keys from arn:aws:iam:::role/nobody: STS at", str(raised.exception))


class Issuer:
    """An OpenID Connect provider: its key's certificate, and tokens signed with the key."""

    def __init__(self, directory):
        self.key = directory / "oidc.key"
        certificate = directory / "oidc.pem"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", certificate,
            "-subj", "/CN=issuer", "-days", "2")
        der = base64.b64decode("".join(certificate.read_text().split("-----")[2].split()))
        self.thumbprint = hashlib.sha1(der).hexdigest().upper()
        keys = {"keys": [{"kid": "one", "kty": "RSA", "alg": "RS256", "use": "sig",
                          "x5c": [base64.b64encode(der).decode()]}]}
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = {"issuer": issuer.url, "jwks_uri": issuer.url + "/certs"} if "well-known" in self.path else keys
                text = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def token(self, seconds=3600):
        def encode(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        now = int(time.time())
        claims = {"iss": self.url, "sub": "mount", "aud": "rgwfs", "iat": now, "exp": now + seconds}
        head = {"alg": "RS256", "typ": "JWT", "kid": "one"}
        text = b".".join(encode(json.dumps(part).encode()) for part in (head, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text, check=True,
                                   capture_output=True).stdout
        return (text + b"." + encode(signature)).decode()


class WebIdentityTests(RoleCase):
    ROLE = "rgwfs-web-tests"

    def setUp(self):
        self.issuer = None
        super().setUp()

    def make_role(self, trust):
        self.issuer = Issuer(self.directory)
        self.addCleanup(self.issuer.stop)
        place = urllib.parse.urlsplit(self.issuer.url).netloc
        arn = f"arn:aws:iam:::oidc-provider/{place}"
        admin("caps", "add", "--uid=test", "--caps=oidc-provider=*")
        iam = boto3.client("iam", endpoint_url=self.sts, aws_access_key_id=ACCESS_KEY,
                           aws_secret_access_key=SECRET_KEY, region_name="",
                           config=botocore.config.Config(retries={"max_attempts": 0}))
        iam.create_open_id_connect_provider(
            Url=self.issuer.url, ClientIDList=["rgwfs"], ThumbprintList=[self.issuer.thumbprint])
        self.addCleanup(iam.delete_open_id_connect_provider, OpenIDConnectProviderArn=arn)
        super().make_role({
            "Effect": "Allow", "Principal": {"Federated": [arn]}, "Action": ["sts:AssumeRoleWithWebIdentity"],
            "Condition": {"StringEquals": {f"{place}:app_id": "rgwfs"}}})

    def test_a_token_in_a_file_is_enough_and_is_read_again_each_time(self):
        token = self.directory / "token"
        token.write_text(self.issuer.token(seconds=5) + "\n")
        first = token.read_text().strip()
        mount = self.session_mount("writeback_delay=0", endpoint=self.sts, environment={
            "AWS_WEB_IDENTITY_TOKEN_FILE": os.fspath(token), "AWS_ROLE_ARN": self.arn()})
        # What it stores is its own: the bucket's owner sees the key alone.
        mount.path("k").write_text("x")
        wait_until(lambda: "k" in self.keys(), NOTICED, "an upload")
        token.write_text(self.issuer.token())
        os.kill(mount.pid, 1)  # SIGHUP: at once
        self.assertRenewed(mount)
        mount.path("l").write_text("y")
        wait_until(lambda: "l" in self.keys(), NOTICED, "an upload with the new session")
        self.assertNoSecrets(mount, first, token.read_text())

    def test_a_token_that_has_ended_is_refused_with_a_reason(self):
        token = self.directory / "token"
        token.write_text(self.issuer.token(seconds=-60))
        with self.assertRaises(AssertionError) as raised:
            self.session_mount(f"role_arn={self.arn()}", f"web_identity_token_file={token}", endpoint=self.sts)
        self.assertIn("no keys from " + self.arn(), str(raised.exception))
        self.assertNotIn(token.read_text(), str(raised.exception))


if __name__ == "__main__":
    unittest.main()
