"""Buckets that keep versions, kept them, lock objects or encrypt them: everything works as in a plain one.

Releases of RGW differ in what they check there (ARCHITECTURE, "RGW's habits"); these tests hold on each of them.
Promises P3 and P8.
"""

import errno
import json
import os
import threading
import unittest

import harness
from harness import RGWFSTestCase, wait_until

RELEASE = int(os.environ.get("RGWFS_TEST_RELEASE") or "16")


class BucketSettingTests:
    """What holds in every bucket. Each kind is a class below."""

    # Whether what is replaced and deleted stays.
    keeps = False
    # What "rgwfs doctor" says of versions.
    versioning = "off"
    # Versions and delete markers of a name that two made at the same time.
    after_a_race = ((1, 0),)

    def configure(self, bucket):
        """Makes the bucket what the class is about."""

    def new_bucket(self):
        name = super().new_bucket()
        self.configure(name)
        return name

    def remove_bucket(self, name):
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=name)
        for page in pages:
            for entry in page.get("Versions", []) + page.get("DeleteMarkers", []):
                self.s3.delete_object(Bucket=name, Key=entry["Key"], VersionId=entry["VersionId"],
                                      BypassGovernanceRetention=True)
        super().remove_bucket(name)

    def versions(self, key):
        """(number of versions, number of delete markers) of a key."""
        page = self.s3.list_object_versions(Bucket=self.bucket, Prefix=key)
        return tuple(sum(entry["Key"] == key for entry in page.get(kind, []))
                     for kind in ("Versions", "DeleteMarkers"))

    def assertClean(self, mount):
        """Everything is in the bucket, soon, without a conflict."""
        result = harness.run(self.program("rgwfs"), "sync", mount.point, timeout=30)
        self.assertNotIn("conflict", result.stdout + result.stderr)
        self.assertEqual([key for key in self.keys() if ".conflict-" in key], [])

    def test_files_are_made_changed_moved_and_removed(self):
        mount = self.mount()
        path = mount.path("file")
        path.write_text("first")
        self.assertClean(mount)
        self.assertObject("file", "first")
        path.write_text("second")
        self.assertClean(mount)
        self.assertObject("file", "second")
        with open(path, "a", encoding="utf-8") as file:
            file.write(" and more")
        self.assertClean(mount)
        self.assertObject("file", "second and more")
        path.chmod(0o640)
        os.setxattr(path, "user.colour", b"blue")
        self.assertClean(mount)
        self.assertObject("file", "second and more")
        mount.path("directory").mkdir()
        os.rename(path, mount.path("directory/moved"))
        self.assertClean(mount)
        self.assertNoObject("file")
        self.assertObject("directory/moved", "second and more")
        mount.remount()
        moved = mount.path("directory/moved")
        self.assertEqual(moved.stat().st_mode & 0o777, 0o640)
        self.assertEqual(os.getxattr(moved, "user.colour"), b"blue")
        os.truncate(moved, 6)
        self.assertClean(mount)
        self.assertObject("directory/moved", "second")
        moved.unlink()
        mount.path("directory").rmdir()
        self.assertClean(mount)
        self.assertEqual(self.keys(), {})

    def test_a_name_that_was_deleted_is_made_again(self):
        mount = self.mount("sync")
        for number in range(3):
            mount.path("file").write_text(f"round {number}")
            self.assertObject("file", f"round {number}")
            mount.path("file").unlink()
            self.assertClean(mount)
            self.assertNoObject("file")
            descriptor = os.open(mount.path("file"), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            os.close(descriptor)
            mount.path("file").unlink()
            self.assertClean(mount)
        # Another client's delete.
        mount.path("file").write_text("last but one")
        self.s3.delete_object(Bucket=self.bucket, Key="file")
        wait_until(lambda: not mount.path("file").exists(), 90, "the other client's delete is seen")
        mount.path("file").write_text("last")
        self.assertObject("file", "last")

    def test_one_of_two_mounts_creates_a_file_exclusively(self):
        mounts = [self.mount("sync", "actimeo=1", "allow_overlap", spool=self.directory / f"spool-{number}")
                  for number in range(2)]
        for name in (f"lock-{number}" for number in range(8)):
            barrier = threading.Barrier(2)
            outcomes = [None, None]

            def create(number, name=name, barrier=barrier, outcomes=outcomes):
                barrier.wait()
                try:
                    os.close(os.open(mounts[number].path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL))
                    outcomes[number] = 0
                except OSError as error:
                    outcomes[number] = error.errno

            threads = [threading.Thread(target=create, args=(number,)) for number in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(outcomes), [0, errno.EEXIST])
            self.assertIn(self.versions(name), self.after_a_race, "the loser's version is gone")

    def test_another_clients_version_is_never_replaced_unknowingly(self):
        mount = self.mount("actimeo=60", "writeback_delay=30s", "conflict=both")
        self.put("file", "theirs, old")
        self.assertEqual(mount.path("file").read_text(), "theirs, old")
        mount.path("file").write_text("ours")
        mount.path("new").write_text("ours, new")
        self.put("file", "theirs, new")
        self.put("new", "theirs, new")
        mount.unmount()
        self.assertObject("file", "theirs, new")
        self.assertObject("new", "theirs, new")
        kept = {key.partition(".conflict-")[0]: self.get(key) for key in self.keys() if ".conflict-" in key}
        self.assertEqual(kept, {"file": b"ours", "new": b"ours, new"})
        self.assertEqual(self.versions("file"), (2 if self.keeps else 1, 0), "none of ours among them")

    def test_another_clients_attributes_are_never_replaced_unknowingly(self):
        self.put("file", "theirs", Metadata={"colour": "red"})
        mount = self.mount("actimeo=60")
        self.assertEqual(mount.path("file").stat().st_size, len("theirs"))
        self.put("file", "theirs, new", Metadata={"colour": "green"})
        mount.path("file").chmod(0o600)
        mount.unmount()
        head = self.head("file")
        self.assertEqual(head["Metadata"].get("colour"), "green")
        self.assertObject("file", "theirs, new")

    def test_doctor_says_what_the_bucket_does_and_leaves_nothing(self):
        result = harness.run(
            self.program("rgwfs"), "doctor", "--json", self.bucket,
            "-o", f"url={harness.ENDPOINT},credentials={self.credentials}")
        rows = {row["subject"]: row for row in map(json.loads, result.stdout.splitlines())}
        self.assertTrue(rows["versioning"]["text"].startswith(self.versioning), rows["versioning"])
        self.assertEqual([row for row in rows.values() if row["level"] == "fail"], [])
        page = self.s3.list_object_versions(Bucket=self.bucket)
        self.assertEqual(page.get("Versions", []) + page.get("DeleteMarkers", []), [])

    def test_requests_and_versions_are_few(self):
        counter = self.proxy()
        mount = self.mount("writeback_delay=2s", endpoint=counter.endpoint)
        os.listdir(mount.point)
        counter.clear()
        for number in range(10):
            mount.path(f"temporary-{number}").write_text(str(number))
            mount.path(f"temporary-{number}").chmod(0o600)
            os.rename(mount.path(f"temporary-{number}"), mount.path(f"file-{number}"))
        mount.unmount()
        self.assertEqual(len(self.keys()), 10)
        for number in range(10):
            self.assertEqual(self.versions(f"file-{number}"), (1, 0))
            self.assertEqual(self.versions(f"temporary-{number}"), (0, 0))
        # A look, the upload, and the version below it.
        self.assertLessEqual(len(counter.requests()), 34)
        counter.clear()
        mount.start()
        for number in range(10):
            mount.path(f"file-{number}").write_text(f"again {number}")
        mount.unmount()
        for number in range(10):
            self.assertEqual(self.versions(f"file-{number}"), (2 if self.keeps else 1, 0))
        self.assertLessEqual(len(counter.requests("PUT")), 34, "what is refused is learnt")
        self.assertLessEqual(len(counter.requests()), 150)


class PlainTests(BucketSettingTests, RGWFSTestCase):
    pass


class VersionedTests(BucketSettingTests, RGWFSTestCase):
    keeps = True
    versioning = "on"

    def configure(self, bucket):
        self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def test_versioning_may_be_changed_while_mounted(self):
        mount = self.mount("sync")
        count = 0
        for status in ("Suspended", "Enabled", "Suspended", "Enabled"):
            for _ in range(3):
                count += 1
                mount.path("file").write_text(f"number {count}")
                self.assertObject("file", f"number {count}")
            self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": status})
            mount.path("file").unlink()
        mount.path("file").write_text("last")
        mount.unmount()
        self.assertObject("file", "last")

    def test_every_bucket_has_its_own_habits(self):
        plain = RGWFSTestCase.new_bucket(self)
        mount = self.mount("sync", source="/")
        for number in range(3):
            for bucket in (self.bucket, plain):
                mount.path(bucket, "file").write_text(f"number {number}")
                body = self.s3.get_object(Bucket=bucket, Key="file")["Body"].read()
                self.assertEqual(body, f"number {number}".encode())
        mount.unmount()
        self.assertEqual(self.versions("file"), (3, 0))


class SuspendedTests(BucketSettingTests, RGWFSTestCase):
    versioning = "suspended"

    def configure(self, bucket):
        for status in ("Enabled", "Suspended"):
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})

class LockedTests(BucketSettingTests, RGWFSTestCase):
    """Object lock, every version kept for a day: none can be taken back."""

    keeps = True
    versioning = "on"
    # The loser's is covered by a copy of the winner's.
    after_a_race = ((1, 0), (3, 0))

    def new_bucket(self):
        name = RGWFSTestCase.new_bucket(self)
        self.s3.delete_bucket(Bucket=name)
        self.s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        self.s3.put_object_lock_configuration(
            Bucket=name, ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}})
        return name


if RELEASE >= 18:
    class EncryptedTests(BucketSettingTests, RGWFSTestCase):
        """Encrypted with a key of the server's, unless a request says otherwise. RGW 16 has no such setting."""

        def configure(self, bucket):
            rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "testkey-1"}
            self.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": rule}]})


if __name__ == "__main__":
    unittest.main()
