"""What the administrator of the RGW decides: quotas and tenants."""

import errno
import json
import os
import uuid

import boto3
import botocore.config

from harness import ENDPOINT, REPOSITORY, RGWFSTestCase, run, wait_until


def admin(*words):
    """radosgw-admin on the private RGW."""
    return run(REPOSITORY / "scripts/rgw-dev", "--dir", os.environ["RGWFS_TEST_RGW_DIR"], "admin",
               *words).stdout


class QuotaTests(RGWFSTestCase):
    quota = 1 << 20

    def set_quota(self, size):
        admin("quota", "set", f"--bucket={self.bucket}", f"--max-size={size}")
        admin("quota", "enable", f"--bucket={self.bucket}", "--quota-scope=bucket")

    def setUp(self):
        super().setUp()
        self.set_quota(self.quota)

    def test_statfs_shows_the_quota(self):
        self.put("file", b"x" * (self.quota // 4))
        status = os.statvfs(self.mount().point)
        self.assertEqual(status.f_blocks * status.f_frsize, self.quota)
        self.assertEqual(status.f_bavail * status.f_frsize, self.quota // 4 * 3)

    def test_what_exceeds_the_quota_is_an_error_and_is_kept_until_there_is_room(self):
        mount = self.mount("writeback_delay=0s")
        content = os.urandom(2 * self.quota)
        with open(mount.path("large"), "wb") as file:
            file.write(content)
            self.assertErrno(errno.EDQUOT, os.fsync, file.fileno())
        self.assertEqual(mount.path("large").read_bytes(), content)
        self.assertErrno(errno.EDQUOT, mount.path("other").write_text, "x")
        self.assertErrno(errno.EDQUOT, mount.path("directory").mkdir)
        self.assertEqual(os.getxattr(mount.path("large"), "user.rgwfs.state"), b"blocked")
        self.assertNoObject("large")
        self.set_quota(10 * self.quota)
        run(self.program("rgwfs"), "retry", mount.point)
        wait_until(lambda: self.head("large"), 30, "the upload, when the quota is larger")
        self.assertObject("large", content)
        wait_until(lambda: self.works(mount), 30, "new files")

    def works(self, mount):
        try:
            mount.path("other").write_text("x")
            return True
        except OSError:
            return False

    def test_removing_works_when_the_quota_is_used_up(self):
        for number in range(4):
            self.put(f"f{number}", b"x" * (self.quota // 4))
        mount = self.mount("writeback_delay=0s")
        with open(mount.path("more"), "wb") as file:
            # More than the quota by itself: RGW's sums of what is there are some seconds old.
            file.write(b"x" * (2 * self.quota))
            self.assertErrno(errno.EDQUOT, os.fsync, file.fileno())
        for name in ("more", "f0", "f1"):
            mount.path(name).unlink()
        mount.unmount()
        self.assertEqual(sorted(self.keys()), ["f2", "f3"])


class TenantTests(RGWFSTestCase):
    def test_a_bucket_of_another_tenant_is_mounted_by_its_name(self):
        tenant = f"t{uuid.uuid4().hex[:10]}"
        admin("user", "create", f"--tenant={tenant}", "--uid=u", "--display-name=u",
              f"--access-key={tenant}key", "--secret=tenantsecret")
        self.addCleanup(admin, "user", "rm", f"--tenant={tenant}", "--uid=u", "--purge-data")
        owner = boto3.client(
            "s3", endpoint_url=ENDPOINT, aws_access_key_id=f"{tenant}key",
            aws_secret_access_key="tenantsecret", region_name="default",
            config=botocore.config.Config(s3={"addressing_style": "path"}))
        owner.create_bucket(Bucket="shared")
        owner.put_object(Bucket="shared", Key="d/theirs", Body=b"theirs")
        arn = f"arn:aws:s3::{tenant}:shared"
        owner.put_bucket_policy(Bucket="shared", Policy=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/test"]},
                "Action": ["s3:*"], "Resource": [arn, f"{arn}/*"]}]}))
        mount = self.mount(source=f"{tenant}:shared")
        self.assertEqual(mount.path("d/theirs").read_text(), "theirs")
        mount.path("d/ours").write_text("ours")
        os.rename(mount.path("d/theirs"), mount.path("moved"))
        mount.path("moved").chmod(0o600)
        mount.remount()
        self.assertEqual(mount.path("moved").stat().st_mode, 0o100600)
        self.assertEqual(mount.path("moved").read_text(), "theirs")
        mount.unmount()
        listed = owner.list_objects_v2(Bucket="shared")["Contents"]
        self.assertEqual([entry["Key"] for entry in listed], ["d/ours", "moved"])


class PolicyTests(RGWFSTestCase):
    """The policies that rgwfs-admin(7) shows are enough, and not more than enough for reading."""

    def example(self, name):
        """The JSON between two markers of the page."""
        page = (REPOSITORY / "man/rgwfs-admin.7").read_text()
        text = page.partition(f'.\\" {name} begins\n.nf\n')[2].partition(f'.fi\n.\\" {name} ends')[0]
        return text.replace("\\-", "-")

    def setUp(self):
        super().setUp()
        self.uid = f"u{uuid.uuid4().hex[:10]}"
        admin("user", "create", f"--uid={self.uid}", "--display-name=u", f"--access-key={self.uid}key",
              "--secret=usersecret")
        self.addCleanup(admin, "user", "rm", f"--uid={self.uid}")
        self.write_credentials(f"{self.uid}key:usersecret\n")

    def allow(self, name):
        text = self.example(name).replace("photos-web", self.uid).replace("photos", self.bucket)
        text = text.replace("user/owner", "user/test")
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(json.loads(text)))

    def test_to_read_and_write(self):
        self.allow("read-write policy")
        self.put("theirs", "theirs", Tagging="a=b", Metadata={"x": "y"})
        mount = self.mount("multipart_threshold=5M")
        mount.path("directory").mkdir()
        mount.path("directory/small").write_text("small")
        large = os.urandom(20 << 20)
        mount.path("large").write_bytes(large)
        with open(mount.path("large"), "r+b") as file:
            os.fsync(file.fileno())
            file.write(b"changed")
        with open(mount.path("theirs"), "a", encoding="ascii") as file:
            file.write(" and ours")
        os.rename(mount.path("directory/small"), mount.path("moved"))
        mount.path("moved").chmod(0o600)
        mount.path("directory").rmdir()
        os.setxattr(mount.path("moved"), "user.note", b"x")
        mount.path("gone").write_text("x")
        run(self.program("rgwfs"), "sync", mount.point)
        mount.path("gone").unlink()
        os.statvfs(mount.point)
        run(self.program("umount.rgwfs"), "--strict", mount.point)
        mount.wait_for_exit()
        self.assertNotIn("denied", mount.log_tail().lower())
        self.assertEqual(sorted(self.keys()), ["large", "moved", "theirs"])
        self.assertObject("large", b"changed" + large[7:])
        self.assertObject("theirs", "theirs and ours")
        self.assertEqual(self.s3.get_object_tagging(Bucket=self.bucket, Key="theirs")["TagSet"],
                         [{"Key": "a", "Value": "b"}])
        # What this user wrote belongs to this user; the owner of the bucket removes it all the same.

    def test_to_read(self):
        self.allow("read-only policy")
        self.put("d/file", "content")
        mount = self.mount("ro")
        self.assertEqual(os.listdir(mount.point), ["d"])
        self.assertEqual(mount.path("d/file").read_text(), "content")
        os.statvfs(mount.point)
        mount.unmount()
        self.assertNotIn("denied", mount.log_tail().lower())
        doctor = run(self.program("rgwfs"), "doctor", "-o", f"url={ENDPOINT},credentials={self.credentials}",
                     self.bucket, check=False)
        self.assertEqual(doctor.returncode, 2)
        self.assertIn("may not write", doctor.stdout)

    def test_without_one(self):
        mount = self.mount(start=False)
        self.assertEqual(run(*mount.command, check=False).returncode, 32)

    def test_parts_that_were_left_are_removed_by_a_rule_that_the_server_takes(self):
        rule = json.loads(self.example("lifecycle"))
        self.s3.put_bucket_lifecycle_configuration(Bucket=self.bucket, LifecycleConfiguration=rule)
        found = self.s3.get_bucket_lifecycle_configuration(Bucket=self.bucket)["Rules"]
        self.assertEqual(found[0]["AbortIncompleteMultipartUpload"], {"DaysAfterInitiation": 7})
