"""Keys with some rights and not others, as bucket policies give them (P4, P5)."""

import errno
import json
import os
import uuid

import boto3
import botocore.config

from harness import ENDPOINT, REPOSITORY, RGWFSTestCase, run


def admin(*words):
    """radosgw-admin on the private RGW."""
    return run(REPOSITORY / "scripts/rgw-dev", "--dir", os.environ["RGWFS_TEST_RGW_DIR"], "admin",
               *words).stdout


class PolicyCase(RGWFSTestCase):
    """A second user, who has nothing but what the bucket's policy says. The bucket stays the first one's."""

    def setUp(self):
        super().setUp()
        self.user = f"u{uuid.uuid4().hex[:10]}"
        admin("user", "create", f"--uid={self.user}", "--display-name=u",
              f"--access-key={self.user}key", "--secret=secret")
        self.addCleanup(admin, "user", "rm", f"--uid={self.user}")
        self.write_credentials(f"{self.user}key:secret\n")

    def client(self):
        return boto3.client(
            "s3", endpoint_url=ENDPOINT, aws_access_key_id=f"{self.user}key",
            aws_secret_access_key="secret", region_name="default",
            config=botocore.config.Config(s3={"addressing_style": "path"}))

    def allow(self, *statements):
        """(effect, actions, keys or None for the bucket, condition or None) each."""
        rows = []
        for effect, actions, keys, condition in statements:
            row = {"Effect": effect, "Principal": {"AWS": [f"arn:aws:iam:::user/{self.user}"]},
                   "Action": actions, "Resource": f"arn:aws:s3:::{self.bucket}" + (keys or "")}
            if condition:
                row["Condition"] = condition
            rows.append(row)
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(
            {"Version": "2012-10-17", "Statement": rows}))


class OnePrefixTests(PolicyCase):
    """LIST is allowed with one prefix, exactly that: `s3:prefix` without a star."""

    def setUp(self):
        super().setUp()
        self.put("home/al/file", "in the prefix")
        self.put("home/al/d/", "")
        self.put("home/al/d/file", "below it")
        self.put("home/al/d/e/", "")
        self.put("home/al/d/e/file", "further below")
        self.put("home/al/implicit/file", "without a marker")
        self.allow(
            ("Allow", ["s3:ListBucket"], None, {"StringEquals": {"s3:prefix": "home/al/"}}),
            ("Allow", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "/home/al/*", None))

    def test_names_are_found_where_they_cannot_be_listed(self):
        mount = self.mount(source=f"{self.bucket}/home/al")
        self.assertEqual(sorted(os.listdir(mount.point)), ["d", "file", "implicit"])
        self.assertEqual(mount.path("file").read_text(), "in the prefix")
        self.assertEqual(mount.path("d/file").read_text(), "below it")
        self.assertEqual(mount.path("d/e/file").read_text(), "further below")
        self.assertEqual(mount.path("implicit/file").read_text(), "without a marker")
        for name in ("d", "d/e", "implicit"):
            self.assertErrno(errno.EACCES, os.listdir, mount.path(name))
            self.assertTrue(mount.path(name).is_dir())

    def test_what_is_known_there_can_be_changed_and_removed(self):
        mount = self.mount(source=f"{self.bucket}/home/al")
        mount.path("d/file").write_text("changed")
        mount.path("d/file").chmod(0o600)
        mount.path("d/e/file").unlink()
        # Nobody can tell whether it is empty.
        self.assertErrno(errno.EACCES, mount.path("d/e").rmdir)
        mount.unmount()
        # Whoever writes an object owns it: the bucket's owner may not even look at it.
        found = self.client().get_object(Bucket=self.bucket, Key="home/al/d/file")
        self.assertEqual(found["Body"].read(), b"changed")
        self.assertEqual(found["Metadata"]["mode"], str(0o100600))
        self.assertNotIn("home/al/d/e/file", self.keys())


class UnreadableObjectTests(PolicyCase):
    """One object may not be read: it cannot be copied, and so not renamed."""

    def setUp(self):
        super().setUp()
        self.put("d/open", "open")
        self.put("d/secret", "secret")
        self.put("d/sub/secret", "secret")
        self.put("d/sub/open", "open")
        self.everything = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]
        self.allow(("Allow", self.everything, None, None), ("Allow", self.everything, "/*", None),
                   ("Deny", ["s3:GetObject"], "/d/secret", None),
                   ("Deny", ["s3:GetObject"], "/d/sub/secret", None))

    def names(self, mount):
        found = []
        for directory, directories, files in os.walk(mount.point):
            found += [os.path.relpath(os.path.join(directory, name), mount.point)
                      for name in directories + files]
        return sorted(found)

    def test_what_cannot_be_renamed_stays_visible_and_whoever_asks_is_told(self):
        mount = self.mount()
        descriptor = os.open(mount.point, os.O_RDONLY)
        try:
            os.rename(mount.path("d"), mount.path("new"))
            self.assertErrno(errno.EACCES, os.fsync, descriptor)
        finally:
            os.close(descriptor)
        expected = ["d", "d/secret", "d/sub", "d/sub/secret", "new", "new/open", "new/sub", "new/sub/open"]
        self.assertEqual(self.names(mount), expected)
        self.assertIn("d/secret", mount.log.read_text())
        mount.remount()
        self.assertEqual(self.names(mount), expected)
        mount.unmount()
        self.assertEqual(
            sorted(key for key in self.keys() if not key.endswith("/")),
            ["d/secret", "d/sub/secret", "new/open", "new/sub/open"])

    def test_status_counts_what_cannot_be_read_until_it_can(self):
        mount = self.mount("actimeo=0")
        self.assertEqual(self.report(mount)["unreadable"], 0)
        self.assertErrno(errno.EACCES, mount.path("d/secret").read_bytes)
        self.assertEqual(mount.path("d/open").read_bytes(), b"open")
        report = self.report(mount)
        self.assertEqual(report["unreadable"], 1)
        self.assertEqual([read["path"] for read in report["refused_reads"]], ["d/secret"])
        self.assertIn("access is denied", report["refused_reads"][0]["error"])
        text = run(self.program("rgwfs"), "status", mount.point).stdout
        self.assertIn("could not be read: 1", text)
        self.assertIn("d/secret", text)
        self.allow(("Allow", self.everything, None, None), ("Allow", self.everything, "/*", None))
        self.assertEqual(mount.path("d/secret").read_bytes(), b"secret")
        self.assertEqual(self.report(mount)["unreadable"], 0)

    def test_status_counts_directories_that_may_not_be_listed(self):
        self.allow(("Allow", self.everything, None, None), ("Allow", self.everything, "/*", None),
                   ("Deny", ["s3:ListBucket"], None, {"StringLike": {"s3:prefix": "d/sub/*"}}))
        mount = self.mount()
        self.assertErrno(errno.EACCES, os.listdir, mount.path("d/sub"))
        self.assertEqual(self.report(mount)["unreadable"], 1)

    def report(self, mount):
        return json.loads(run(self.program("rgwfs"), "status", "--json", mount.point).stdout)

    def test_the_same_without_anybody_waiting(self):
        mount = self.mount("writeback_delay=0s")
        os.rename(mount.path("d"), mount.path("new"))
        mount.remount()
        self.assertEqual(self.names(mount), [
            "d", "d/secret", "d/sub", "d/sub/secret", "new", "new/open", "new/sub", "new/sub/open"])

    def test_a_single_file_too(self):
        mount = self.mount()
        self.assertErrno(errno.EACCES, os.rename, mount.path("d/secret"), mount.path("elsewhere"))
        self.assertIn("secret", os.listdir(mount.path("d")))
