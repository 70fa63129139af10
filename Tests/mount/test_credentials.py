"""Keys: every place they come from, and rotating them under a mount. Promises P4 and P5."""

import contextlib
import json
import os
import pathlib
import signal
import unittest
import uuid

from harness import ACCESS_KEY, REPOSITORY, RGWFSTestCase, SECRET_KEY, run, wait_until

# A changed file is noticed within five seconds; what was refused before is tried again then.
NOTICED = 30


def admin(*words):
    """radosgw-admin on the private RGW."""
    return run(REPOSITORY / "scripts/rgw-dev", "--dir", os.environ["RGWFS_TEST_RGW_DIR"], "admin",
               *words).stdout


class CredentialsTestCase(RGWFSTestCase):
    """A user whose keys come and go."""

    def new_key(self):
        access, secret = f"K{uuid.uuid4().hex[:12]}", f"s{uuid.uuid4().hex}"
        admin("key", "create", "--uid=test", f"--access-key={access}", f"--secret={secret}")
        self.addCleanup(self.remove_key, access)
        return access, secret

    def remove_key(self, access):
        if access in admin("user", "info", "--uid=test"):
            admin("key", "rm", "--uid=test", f"--access-key={access}")

    def replace_credentials(self, text):
        """As a careful administrator does: the old file or the new one, nothing between."""
        new = self.directory / "credentials.new"
        new.write_text(text)
        new.chmod(0o600)
        new.rename(self.credentials)

    def appears(self, key, body):
        wait_until(lambda: self.head(key) is not None, NOTICED, f"object {key}")
        self.assertObject(key, body)


class RotationTests(CredentialsTestCase):
    def start(self, *options):
        self.old = self.new_key()
        self.write_credentials("%s:%s\n" % self.old)
        return self.mount("writeback_delay=0", *options)

    def test_uploads_go_on_when_the_file_changes_before_the_old_key_goes(self):
        mount = self.start("writeback_delay=8s")
        mount.path("before").write_text("1")
        new = self.new_key()
        self.replace_credentials("%s:%s\n" % new)
        wait_until(lambda: "credentials were read again" in mount.log.read_text(), NOTICED,
                   "the change is noticed without a request that fails")
        self.remove_key(self.old[0])
        mount.path("after").write_text("2")
        self.appears("before", "1")
        self.appears("after", "2")
        self.assertEqual(mount.path("before").read_text(), "1")
        mount.unmount()

    def test_uploads_that_were_refused_go_on_with_the_new_key(self):
        mount = self.start()
        mount.path("first").write_text("1")
        self.appears("first", "1")
        self.remove_key(self.old[0])
        names = [f"pending{number}" for number in range(20)]
        for name in names:
            mount.path(name).write_text(name)
        wait_until(lambda: int(os.getxattr(mount.point, "user.rgwfs.failed")) > 0, NOTICED,
                   "the refusal shows")
        self.assertEqual(mount.path(names[0]).read_text(), names[0], "nothing is lost")
        self.replace_credentials("%s:%s\n" % self.new_key())
        for name in names:
            self.appears(name, name)
        mount.unmount()

    def test_sighup_reads_the_file_at_once(self):
        mount = self.start()
        new = self.new_key()
        # In place, as an editor does it.
        self.credentials.write_text("%s:%s\n" % new)
        os.kill(mount.pid, signal.SIGHUP)
        wait_until(lambda: "credentials were read again" in mount.log.read_text(), NOTICED, "SIGHUP")
        self.remove_key(self.old[0])
        mount.path("k").write_text("x")
        self.appears("k", "x")

    def test_a_file_that_others_may_read_is_not_taken_until_it_is_mended(self):
        mount = self.start()
        new = self.new_key()
        self.replace_credentials("%s:%s\n" % new)
        self.credentials.chmod(0o644)
        os.kill(mount.pid, signal.SIGHUP)
        wait_until(lambda: "could not be read again" in mount.log.read_text(), NOTICED, "a warning")
        mount.path("k").write_text("x")
        self.appears("k", "x")
        self.assertNotIn(new[1], mount.log.read_text())
        self.credentials.chmod(0o600)
        wait_until(lambda: "credentials were read again" in mount.log.read_text(), NOTICED, "mended")
        self.remove_key(self.old[0])
        mount.path("l").write_text("y")
        self.appears("l", "y")

    def test_secrets_are_nowhere(self):
        mount = self.start()
        mount.path("k").write_text("x")
        self.appears("k", "x")
        self.remove_key(self.old[0])
        mount.path("l").write_text("y")
        wait_until(lambda: "InvalidAccessKeyId" in mount.log.read_text(), NOTICED,
                   "a refusal in the log")
        secret = self.old[1].encode()
        proc = pathlib.Path(f"/proc/{mount.pid}")
        places = {
            "log": mount.log.read_bytes(),
            "command line": (proc / "cmdline").read_bytes(),
            "mounts": pathlib.Path("/proc/self/mountinfo").read_bytes(),
            "status": run(self.program("rgwfs"), "status", "--json", mount.point,
                          check=False).stdout.encode(),
            "queue": run(self.program("rgwfs"), "queue", "--json", mount.point,
                         check=False).stdout.encode(),
        }
        for path in mount.spool.rglob("*"):
            if path.is_file():
                places[str(path)] = path.read_bytes()
        for place, text in places.items():
            self.assertNotIn(secret, text, place)
        self.replace_credentials(f"{ACCESS_KEY}:{SECRET_KEY}\n")
        self.appears("l", "y")


class SourceTests(CredentialsTestCase):
    @contextlib.contextmanager
    def environment(self, **values):
        """The variables of the mount's process."""
        names = ("HOME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        before = {name: os.environ.pop(name, None) for name in names}
        os.environ.update(values)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value

    def works(self, *options, **environment):
        mount = self.mount(*options, start=False)
        mount.options = [text for text in mount.options if not text.startswith("credentials=")]
        environment.setdefault("HOME", str(self.new_directory("home")))
        with self.environment(**environment):
            mount.start()
        name = uuid.uuid4().hex
        mount.path(name).write_text("x")
        mount.unmount()
        self.assertObject(name, "x")

    def home(self, text, mode=0o600):
        home = self.new_directory("home")
        (home / ".aws").mkdir()
        file = home / ".aws/credentials"
        file.write_text(text)
        file.chmod(mode)
        return str(home)

    def test_the_environment(self):
        self.works(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY)

    def test_profiles_of_the_home_directory(self):
        section = f"aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
        self.works(HOME=self.home(f"[default]\n{section}"))
        self.works("profile=work", HOME=self.home(f"[other]\nx = y\n[work]\n{section}"))

    def test_files_in_every_format(self):
        info = admin("user", "info", "--uid=test")
        keys = json.loads(info)["keys"]
        self.assertIn(ACCESS_KEY, [key["access_key"] for key in keys])
        for text in (f"{ACCESS_KEY}:{SECRET_KEY}\n",
                     f"x:y\n{self.bucket}:{ACCESS_KEY}:{SECRET_KEY}\n",
                     f"[default]\naws_access_key_id={ACCESS_KEY}\n"
                     f"aws_secret_access_key={SECRET_KEY}\n", info):
            file = self.directory / uuid.uuid4().hex
            file.write_text(text)
            file.chmod(0o600)
            self.works(f"passwd_file={file}")

    def test_signed_payloads_and_both_signatures(self):
        for option in ("signed_payload", "sigv=2", "sigv=4"):
            self.works(option, AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY)


if __name__ == "__main__":
    unittest.main()
