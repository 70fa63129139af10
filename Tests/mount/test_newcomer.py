"""What a new user meets: messages that name the cause, checks that try instead of guessing, several users."""

import contextlib
import json
import os
import pathlib
import subprocess
import unittest

import boto3
import botocore.config

from harness import ENDPOINT, REPOSITORY, RGWFSTestCase, gone, is_mounted, kill, run, wait_until
from test_accounts import admin
from test_tls import Authority, TLSRelay
from users import UserTestCase

LATE = ("writeback_delay=1h", "writeback_max_delay=1h")


def spools(directory):
    """Directories of spools below a directory that may not be there."""
    directory = pathlib.Path(directory)
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if len(path.name) == 16)


class PlaceTests(UserTestCase):
    """rgwfs doctor tries a spool's place."""

    def spool_row(self, *options, **environment):
        self.user.environment = environment
        words = ",".join((self.user.options, *options))
        result = self.user.rgwfs("doctor", "--json", "--keys", "0", "-o", words, self.bucket)
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        row, = [row for row in rows if row["subject"] == "spool"] or [None]
        self.assertIsNotNone(row, result.stdout + result.stderr)
        self.assertEqual(result.returncode, 2 if row["level"] == "fail" else 0, result.stdout)
        return row

    def test_a_place_that_cannot_be_made_is_no_place(self):
        for place in ("/etc", "/nonexist", "/proc", "/sys/kernel"):
            with self.subTest(place=place):
                row = self.spool_row(XDG_STATE_HOME=place)
                self.assertEqual(row["level"], "fail", row)
                self.assertIn(place, row["text"])
                row = self.spool_row(f"spool={place}/spool")
                self.assertEqual(row["level"], "fail", row)

    def test_a_place_of_somebody_else_is_no_place(self):
        taken = self.user.home / "taken"
        taken.mkdir(mode=0o755)
        self.assertEqual(self.spool_row(f"spool={taken}")["level"], "fail")

    def test_a_full_place_is_no_place(self):
        small = self.user.home / "small"
        small.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "none", small)
        try:
            (small / "filler").write_bytes(b"x" * 60_000)
            self.assertEqual(self.spool_row(f"spool={small}")["level"], "fail")
            self.assertEqual(os.listdir(small), ["filler"], "nothing stays")
        finally:
            run("umount", small)

    def test_a_good_place_is_left_as_it_was(self):
        row = self.spool_row()
        self.assertEqual(row["level"], "ok", row)
        self.assertFalse((self.user.home / ".local").exists())

    def test_a_spool_in_use_is_tried_without_disturbing_it(self):
        self.assertEqual(self.user.mount(self.bucket).returncode, 0)
        row = self.spool_row()
        self.assertEqual(row["level"], "ok", row)
        self.assertEqual(self.user.run("sh", "-c", f"echo x > {self.user.point}/f").returncode, 0)
        ended = self.user.run(self.user.home / "umount.rgwfs", self.user.point)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertObject("f", "x\n")


class DamagedSpoolTests(UserTestCase):
    """A spool that cannot be used is shown, with the reason in words."""

    def setUp(self):
        super().setUp()
        made = self.user.mount(self.bucket, *LATE)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(self.user.run("sh", "-c", f"echo waits > {self.user.point}/file").returncode, 0)
        pid = self.user.process()
        kill(pid)
        wait_until(lambda: gone(pid), 20, "the daemon is gone")
        subprocess.run(["umount", "-l", self.user.point], check=True)
        self.spool, = spools(self.user.spools)

    def shown(self, *words):
        """Both commands name the spool and the reason, and what Swift calls it is nowhere."""
        listed = self.user.rgwfs("ls-spools")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        asked = [self.user.rgwfs("status", target) for target in (self.bucket, self.spool)]
        for said in (listed.stdout, *(answer.stderr for answer in asked)):
            for word in (os.fspath(self.spool), *words):
                self.assertIn(word, said)
            for word in ("unusable(", "failed(", "nil", "Optional"):
                self.assertNotIn(word, said)
        self.assertIn(self.bucket, listed.stdout, "the list knows what it is of")
        self.assertEqual([answer.returncode for answer in asked], [4, 4])
        row, = [json.loads(line) for line in self.user.rgwfs("ls-spools", "--json").stdout.splitlines()]
        self.assertEqual((row["spool"], row["state"]), (os.fspath(self.spool), "unusable"))

    def test_without_format(self):
        (self.spool / "FORMAT").unlink()
        self.shown("FORMAT is missing")

    def test_with_a_damaged_format(self):
        for content in (b"", b"nonsense", b"\xff\xfe"):
            (self.spool / "FORMAT").write_bytes(content)
            self.shown("FORMAT is damaged")

    def test_of_a_later_release(self):
        format_file = self.spool / "FORMAT"
        format_file.write_text(format_file.read_text().replace("min-reader 1", "min-reader 9"))
        self.shown("needs a newer rgwfs")

    def test_that_may_not_be_read(self):
        os.chown(self.spool, 0, 0)
        self.shown("cannot be read: Permission denied")

    def test_with_a_damaged_journal(self):
        for path in self.spool.glob("journal.db*"):
            path.write_bytes(b"no database")
        listed = self.user.rgwfs("ls-spools").stdout
        self.assertIn("unknown: ", listed)
        self.assertIn("journal", listed.partition("unknown: ")[2])
        self.assertNotIn("unusable(", listed)


class UnmountTests(UserTestCase):
    def test_a_busy_mount_says_so(self):
        self.assertEqual(self.user.mount(self.bucket).returncode, 0)
        mount = self.mount(source=self.new_bucket())
        for point, unmount in ((mount.point, self.umount), (self.user.point, self.user_umount)):
            with self.subTest(point=point), self.busy(point):
                result = unmount(point)
                self.assertEqual(result.returncode, 32)
                self.assertEqual(result.stderr.strip().partition(": ")[2],
                                 f"{point} is busy: a process has it open (see fuser -vm {point})")
                self.assertTrue(is_mounted(point))
            self.assertEqual(unmount(point).returncode, 0)

    @contextlib.contextmanager
    def busy(self, point):
        owner = os.stat(point.parent).st_uid
        words = [] if owner == 0 else ["setpriv", f"--reuid={owner}", f"--regid={owner}", "--clear-groups"]
        process = subprocess.Popen(
            [*words, "sh", "-c", f"cd {point} && echo in && exec sleep 60"], stdout=subprocess.PIPE)
        try:
            self.assertEqual(process.stdout.readline(), b"in\n")
            yield
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def umount(self, point):
        return run(self.program("umount.rgwfs"), point, check=False)

    def user_umount(self, point):
        return self.user.run(self.user.home / "umount.rgwfs", point)

    def test_another_users_mount_is_left_alone_without_a_word_of_its_spool(self):
        self.assertEqual(self.user.mount(self.bucket).returncode, 0)
        self.user.home.chmod(0o755)
        other = self.new_user(65533)
        result = other.run(other.home / "umount.rgwfs", self.user.point)
        self.assertEqual(result.returncode, 32)
        self.assertRegex(result.stderr, r"was mounted by \S+.*: only that user and root can unmount it")
        self.assertNotIn("spool", result.stderr)
        self.assertTrue(is_mounted(self.user.point))

    def test_roots_umount_of_a_users_mount_waits_for_its_uploads(self):
        for environment in ({}, {"XDG_STATE_HOME": os.fspath(self.user.home / "state")}):
            with self.subTest(environment=environment):
                self.user.environment = environment
                made = self.user.mount(self.bucket, *LATE)
                self.assertEqual(made.returncode, 0, made.stderr)
                name = f"file{len(environment)}"
                self.assertEqual(self.user.run("sh", "-c", f"echo x > {self.user.point}/{name}").returncode, 0)
                asked = run(self.program("rgwfs"), "status", self.user.point, check=False)
                self.assertEqual(asked.returncode, 1, asked.stdout + asked.stderr)
                result = self.umount(self.user.point)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertObject(name, "x\n")


class OverlapTests(UserTestCase):
    def test_root_sees_the_mounts_of_users(self):
        self.assertEqual(self.user.mount(self.bucket).returncode, 0)
        second = self.mount(source=f"{self.bucket}/part", start=False)
        result = run(*[word for word in second.command if word != "-f"], check=False)
        self.assertEqual(result.returncode, 32, result.stderr)
        self.assertIn(f"overlaps with {self.bucket}, which pid {self.user.process()} has", result.stderr)
        self.assertIn(os.fspath(self.user.point), result.stderr)
        self.assertEqual(spools(second.spool), [], "a refused mount leaves no spool")
        self.mount("ro").unmount()
        self.mount("allow_overlap").unmount()

    def test_a_mount_that_has_just_ended_is_no_overlap(self):
        """Its process may still be there for a moment."""
        other = self.mount(source=f"{self.bucket}/part", start=False)
        for _ in range(5):
            mount = self.mount(source=self.bucket, foreground=False)
            run(self.program("umount.rgwfs"), mount.point)
            other.start()
            other.unmount()

    def test_a_user_is_told_of_what_nobody_can_compare(self):
        mount = self.mount()
        made = self.user.mount(self.bucket)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn(f"root has mounted {self.bucket} at {mount.point}", made.stderr)

    def test_a_source_may_be_mounted_again_to_read(self):
        writing = self.mount(*LATE)
        readers = [self.mount("ro") for _ in range(2)]
        writing.path("file").write_text("x")
        self.assertEqual(self.status(self.bucket), 1, "the source is the mount that writes")
        run(self.program("rgwfs"), "sync", writing.point)
        for reader in readers:
            self.assertEqual(reader.path("file").read_text(), "x")
            with self.assertRaises(OSError):
                reader.path("other").write_text("x")
        again = self.mount(start=False)
        self.assertEqual(run(*again.command, check=False).returncode, 32, "a second one that writes")
        for reader in readers:
            reader.unmount()
        self.assertEqual(len(spools(writing.spool)), 1, "nothing waits in those of mounts that only read")
        writing.unmount()

    def status(self, target):
        return run(self.program("rgwfs"), "status", target, check=False).returncode

    def test_a_mount_that_only_reads_says_what_it_does_not_show(self):
        writing = self.mount(*LATE)
        writing.path("file").write_text("waits")
        writing.kill()
        reader = self.mount("ro", foreground=False)
        self.assertIn("1 change (5 bytes) has not been uploaded", reader.log_tail())
        self.assertFalse(reader.path("file").exists())
        reader.unmount()
        self.mount().unmount()
        self.assertObject("file", "waits")


class HintTests(UserTestCase):
    def refused(self, result, *words):
        self.assertIn(result.returncode, (2, 32), result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertFalse(is_mounted(self.user.point))
        self.assertEqual(spools(self.user.spools), [], "a refused mount leaves no spool")

    def test_the_scheme_that_the_server_does_not_speak(self):
        address = ENDPOINT.partition("://")[2]
        self.user.options = f"url=https://{address},credentials={self.user.keys},connect_timeout=5"
        self.refused(self.user.mount(self.bucket), "does not speak TLS", f"use url=http://{address}")
        authority = Authority(self.new_directory("tls"), "authority")
        relay = TLSRelay(*authority.issue("IP:127.0.0.1"))
        self.addCleanup(relay.stop)
        plain = relay.endpoint.replace("https:", "http:")
        self.user.options = f"url={plain},credentials={self.user.keys},connect_timeout=5"
        self.refused(self.user.mount(self.bucket), "speaks TLS", f"use url={relay.endpoint}")
        result = self.user.rgwfs("doctor", "-o", self.user.options, self.bucket)
        self.assertIn(f"use url={relay.endpoint}", result.stdout)

    def test_a_fuse_device_that_this_user_may_not_open(self):
        os.chmod("/dev/fuse", 0o600)
        result = self.user.mount(self.bucket)
        self.refused(result, "/dev/fuse", "Permission denied", "give this user access")
        self.assertNotIn(os.fspath(self.user.point), result.stderr)

    def test_allow_other_without_user_allow_other(self):
        text = pathlib.Path("/etc/fuse.conf").read_text() if os.path.exists("/etc/fuse.conf") else ""
        if "user_allow_other" in [line.strip() for line in text.splitlines()]:
            self.assertEqual(self.user.mount(self.bucket, "allow_other").returncode, 0)
            return
        for option in ("allow_other", "allow_root"):
            self.refused(self.user.mount(self.bucket, option),
                         f"'{option}' needs the line user_allow_other in /etc/fuse.conf")

    def test_too_few_open_files(self):
        for limit in (20, 64, 100):
            result = self.user.mount(self.bucket, before=["prlimit", f"--nofile={limit}"])
            self.refused(result, f"only {limit} files open", "ulimit -n", "LimitNOFILE")

    def test_a_directory_that_this_user_may_not_mount_on(self):
        point = self.user.home / "roots"
        point.mkdir(mode=0o755)
        result = self.user.mount(self.bucket, point=point)
        self.assertEqual(result.returncode, 32)
        self.assertEqual(spools(self.user.spools), [], "a refused mount leaves no spool")


class EnvironmentTests(RGWFSTestCase):
    def test_aws_variables_name_the_profile_and_its_file(self):
        keys = self.directory / "aws"
        access, _, secret = self.credentials.read_text().strip().partition(":")
        keys.write_text(f"[work]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n")
        keys.chmod(0o600)
        mount = self.mount(start=False)
        mount.options = [option for option in mount.options if not option.startswith("credentials=")]
        mount.environment = {"AWS_SHARED_CREDENTIALS_FILE": os.fspath(keys), "AWS_PROFILE": "work"}
        mount.start()
        mount.path("file").write_text("x")
        mount.unmount()
        self.assertObject("file", "x")


class UncommonStartTests(RGWFSTestCase):
    def test_rgwfs_mount_is_mount_rgwfs(self):
        mount = self.mount(start=False)
        result = run(self.program("rgwfs"), "mount", self.bucket, mount.point, "-o", ",".join(mount.options),
                     check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(is_mounted(mount.point))
        self.assertEqual(run(self.program("rgwfs"), "umount", mount.point).returncode, 0)

    def test_sync_of_what_is_not_mounted_says_what_to_do(self):
        mount = self.mount()
        mount.unmount()
        spool, = spools(mount.spool)
        result = run(self.program("rgwfs"), "sync", spool, check=False)
        self.assertEqual(result.returncode, 3)
        self.assertIn(f"{self.bucket} is not mounted: mount it, or run rgwfs recover --upload {self.bucket}",
                      result.stderr)


class ReadmeTests(UserTestCase):
    """The quick start of README, command by command, as an ordinary user with an empty home."""

    def commands(self):
        """From the user of the gateway on; what only the administrator can do comes first."""
        text = (REPOSITORY / "README.md").read_text().partition("## Quick start")[2].partition("\n## ")[0]
        lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
        first = next(number for number, line in enumerate(lines) if line.startswith("radosgw-admin"))
        return lines[first:]

    def test_every_command_does_what_is_said(self):
        name = f"u{self.bucket[-10:]}"
        bucket = f"photos-{name}"
        self.buckets.append(bucket)
        self.addCleanup(admin, "user", "rm", f"--uid={name}", "--purge-data")
        administers, seen = [], []
        for line in self.commands():
            line = line.replace("http://rgw.example.org:7480", ENDPOINT).replace("=ann", f"={name}")
            line = line.replace("~/s3/photos", f"~/s3/{bucket}")
            line = line.replace(" mount photos ", f" mount {bucket} ").replace(".key photos", f".key {bucket}")
            if "radosgw-admin" in line:
                admin_line = line.replace("radosgw-admin", f"{REPOSITORY}/scripts/rgw-dev --dir "
                                          f"{os.environ['RGWFS_TEST_RGW_DIR']} admin")
                run("sh", "-ec", admin_line, cwd=self.directory)
                administers.append(line)
                continue
            if "cat > ~/photos.key" in line:
                # The key that radosgw-admin has printed is used instead.
                keys = self.user.home / "photos.key"
                keys.write_bytes((self.directory / "photos.key").read_bytes())
                keys.chmod(0o600)
                os.chown(keys, self.user.number, self.user.number)
                continue
            result = self.user.run("sh", "-ec", f'PATH="$HOME:$PATH"; {line}')
            self.assertEqual(result.returncode, 0, f"{line}: {result.stdout}{result.stderr}")
            seen.append(line.split()[1])
            if line.startswith("cp "):
                self.assertTrue((self.user.home / "photos.key").exists())
            if "umount ~/photos" in line:
                self.assertTrue(self.exists(name, bucket, "hostname"))
        self.assertEqual(len(administers), 2)
        self.assertEqual(seen.count("mount"), 2)
        self.assertIn("doctor", seen)

    def exists(self, name, bucket, key):
        """The bucket belongs to the new user."""
        keys = json.loads(admin("user", "info", f"--uid={name}"))["keys"][0]
        client = boto3.client(
            "s3", endpoint_url=ENDPOINT, aws_access_key_id=keys["access_key"],
            aws_secret_access_key=keys["secret_key"], region_name="default",
            config=botocore.config.Config(s3={"addressing_style": "path"}))
        return client.head_object(Bucket=bucket, Key=key)["ContentLength"] > 0

    def remove_bucket(self, name):
        """Those of the other user go with the user."""
        if not name.startswith("photos-"):
            super().remove_bucket(name)


if __name__ == "__main__":
    unittest.main()
