"""Objects that the server encrypts, and those that their writer encrypts: through every change they keep content,
metadata and encryption, or the change is refused.

RGW before 20.2.3 cannot copy an encrypted object (501), so that each change of attributes and each rename is an upload
there. Promises P1, P4 and P5; the METADATA table of rgwfs(7).
"""

import errno
import os
import unittest

import botocore.exceptions

from harness import REPOSITORY, RGWFSTestCase, run, s3_client
from vault import Vault

RELEASE = int(os.environ.get("RGWFS_TEST_RELEASE") or "16")
KEY_NAME = "testkey-1"
BY_KMS = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY_NAME}
BY_CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"0123456789abcdef0123456789abcdef"}

HEADERS = {"ContentType": "text/x-own", "CacheControl": "max-age=7", "Metadata": {"mine": "kept"}}
# In memory, through the spool, in blocks of more than one request.
SIZES = {"empty": 0, "small": 1000, "large": (1 << 20) + 17}


def body(size):
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


class Changes:
    """Each makes its change at once and returns (the new name, the new content)."""

    @staticmethod
    def read(mount, name, old):
        assert mount.path(name).read_bytes() == old
        return name, old

    @staticmethod
    def overwrite(mount, name, old):
        mount.path(name).write_bytes(b"anew")
        return name, b"anew"

    @staticmethod
    def append(mount, name, old):
        with open(mount.path(name), "ab") as file:
            file.write(b"more")
        return name, old + b"more"

    @staticmethod
    def patch(mount, name, old):
        with open(mount.path(name), "r+b") as file:
            file.write(b"##")
        return name, b"##" + old[2:]

    @staticmethod
    def chmod(mount, name, old):
        mount.path(name).chmod(0o640)
        return name, old

    @staticmethod
    def touch(mount, name, old):
        os.utime(mount.path(name), ns=(10 ** 18, 10 ** 18))
        return name, old

    @staticmethod
    def setfattr(mount, name, old):
        os.setxattr(mount.path(name), "user.note", b"value")
        return name, old

    @staticmethod
    def move(mount, name, old):
        run("mv", mount.path(name), mount.path(f"new-{name}"))
        return f"new-{name}", old

    @staticmethod
    def move_and_chmod(mount, name, old):
        run("mv", mount.path(name), mount.path(f"new-{name}"))
        mount.path(f"new-{name}").chmod(0o640)
        return f"new-{name}", old

    @staticmethod
    def move_over(mount, name, old):
        mount.path(f"new-{name}").write_bytes(b"was here before")
        run("mv", mount.path(name), mount.path(f"new-{name}"))
        return f"new-{name}", old

    @staticmethod
    def save(mount, name, old):
        """As editors do."""
        mount.path(f"{name}.tmp").write_bytes(b"saved")
        os.rename(mount.path(f"{name}.tmp"), mount.path(name))
        return name, b"saved"


CHANGES = [getattr(Changes, name) for name in vars(Changes) if not name.startswith("_")]
# These make another file of the name, which has what any new file has.
MAKES_NEW = ["save"]


class EncryptedCase(RGWFSTestCase):
    seconds = 240

    def encryption(self, key):
        head = self.head(key)
        return head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")

    def put_all(self, **how):
        """One object for each change and size: name to its content."""
        made = {}
        for change in CHANGES:
            for size, count in SIZES.items():
                name = f"{change.__name__}-{size}"
                made[name] = body(count)
                self.put(name, made[name], **HEADERS, **how)
        return made

    def change_all(self, mount, made):
        """Old name to (new name, new content)."""
        after = {}
        for change in CHANGES:
            for size in SIZES:
                name = f"{change.__name__}-{size}"
                after[name] = change(mount, name, made[name])
        return after

    def check_all(self, after, encryption, new_files):
        """In the bucket everything is as it was changed, and nothing else is there."""
        for old, (new, content) in after.items():
            with self.subTest(old):
                self.assertObject(new, content)
                head = self.head(new)
                is_new = old.split("-")[0] in MAKES_NEW
                self.assertEqual(self.encryption(new), new_files if is_new else encryption)
                if not is_new:
                    self.assertEqual(head["Metadata"].get("mine"), "kept")
                    self.assertEqual(head["ContentType"], "text/x-own")
                    self.assertEqual(head["CacheControl"], "max-age=7")
                if "chmod" in old:
                    self.assertEqual(int(head["Metadata"]["mode"]) & 0o777, 0o640)
                if old.startswith("touch"):
                    self.assertEqual(float(head["Metadata"]["mtime"]), 10 ** 9)
                if old.startswith("setfattr"):
                    self.assertIn("user.note", head["Metadata"]["xattr"])
        self.assertEqual(sorted(self.keys()), sorted(new for new, _ in after.values()))

    def assertQuiet(self, mount):
        """Nothing waits, was refused or taken back, and the server hears no more of it."""
        result = run(self.program("rgwfs"), "sync", mount.point, timeout=60)
        self.assertEqual(result.stderr, "")
        result = run(self.program("rgwfs"), "status", mount.point)
        self.assertIn("clean", result.stdout + result.stderr)


class ForeignObjectTests(EncryptedCase):
    """Encrypted one by one, by another client, in a bucket that encrypts nothing by itself."""

    def test_what_a_key_service_encrypts_stays_so_through_every_change(self):
        made = self.put_all(**BY_KMS)
        mount = self.mount()
        after = self.change_all(mount, made)
        self.assertQuiet(mount)
        mount.unmount()
        self.check_all(after, ("aws:kms", KEY_NAME), (None, None))

    def test_changes_survive_a_kill_before_they_are_sent(self):
        made = self.put_all(**BY_KMS)
        mount = self.mount("writeback_delay=60s")
        after = self.change_all(mount, made)
        mount.kill()
        mount.start()
        self.assertQuiet(mount)
        mount.unmount()
        self.check_all(after, ("aws:kms", KEY_NAME), (None, None))

    def test_a_copy_is_encrypted_as_its_source(self):
        for size, count in SIZES.items():
            self.put(size, body(count), **HEADERS, **BY_KMS)
        # The kernel asks for copies of whole objects from 256 KiB on; smaller ones it reads and writes.
        mount = self.mount()
        for size in SIZES:
            run("cp", mount.path(size), mount.path(f"copy-{size}"))
        self.assertQuiet(mount)
        mount.unmount()
        for size, count in SIZES.items():
            with self.subTest(size):
                self.assertObject(f"copy-{size}", body(count))
                self.assertObject(size, body(count))
                self.assertEqual(self.encryption(size), ("aws:kms", KEY_NAME))

    def test_a_renamed_directory_stays_encrypted(self):
        for size, count in SIZES.items():
            self.put(f"d/e/{size}", body(count), **HEADERS, **BY_KMS)
        mount = self.mount()
        os.rename(mount.path("d"), mount.path("new"))
        self.assertQuiet(mount)
        mount.unmount()
        for size, count in SIZES.items():
            with self.subTest(size):
                self.assertObject(f"new/e/{size}", body(count))
                self.assertNoObject(f"d/e/{size}")
                self.assertEqual(self.encryption(f"new/e/{size}"), ("aws:kms", KEY_NAME))
                self.assertEqual(self.head(f"new/e/{size}")["Metadata"]["mine"], "kept")


class CustomerKeyTests(EncryptedCase):
    """A key that only another client has (SSE-C): nothing can be read, so nothing may be changed."""

    def setUp(self):
        super().setUp()
        for name in ("d/theirs", "d/other"):
            self.put(name, b"secret", **HEADERS, **BY_CUSTOMER)
        self.put("d/open", b"open")

    def theirs(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key, **BY_CUSTOMER)["Body"].read()

    def test_it_shows_and_every_use_is_refused(self):
        mount = self.mount()
        self.assertEqual(sorted(os.listdir(mount.path("d"))), ["open", "other", "theirs"])
        path = mount.path("d/theirs")
        for use in (lambda: path.read_bytes(), lambda: path.write_bytes(b"x"), lambda: path.chmod(0o600),
                    lambda: os.utime(path), lambda: os.setxattr(path, "user.a", b"b"),
                    lambda: open(path, "ab").close(), lambda: os.truncate(path, 0),
                    lambda: os.rename(path, mount.path("elsewhere"))):
            self.assertErrno(errno.EACCES, use)
        self.assertEqual(mount.path("d/open").read_text(), "open")
        self.assertIn("d/theirs", mount.log.read_text())
        self.assertQuiet(mount)
        mount.unmount()
        self.assertEqual(self.theirs("d/theirs"), b"secret")
        self.assertEqual(sorted(self.keys()), ["d/open", "d/other", "d/theirs"])

    def test_a_renamed_directory_leaves_it_and_says_so(self):
        mount = self.mount()
        descriptor = os.open(mount.point, os.O_RDONLY)
        try:
            os.rename(mount.path("d"), mount.path("new"))
            self.assertRaises(OSError, os.fsync, descriptor)
        finally:
            os.close(descriptor)
        for _ in range(2):
            self.assertEqual(sorted(os.listdir(mount.path("d"))), ["other", "theirs"])
            self.assertEqual(os.listdir(mount.path("new")), ["open"])
            mount.remount()
        mount.unmount()
        self.assertEqual(self.theirs("d/theirs"), b"secret")
        self.assertObject("new/open", b"open")

    def test_removing_the_directory_leaves_it_and_says_so(self):
        """RGW does not say what it is: it might be anything, also something that nobody wants removed."""
        mount = self.mount()
        result = run("rm", "-rf", mount.path("d"), check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("theirs", result.stderr)
        mount.unmount()
        self.assertEqual(sorted(self.keys()), ["d/other", "d/theirs"])

    def test_the_same_where_attributes_are_not_asked_for(self):
        mount = self.mount("attrs=list")
        path = mount.path("d/theirs")
        self.assertEqual(path.stat().st_size, len(b"secret"))
        self.assertErrno(errno.EACCES, path.read_bytes)
        self.assertErrno(errno.EACCES, path.chmod, 0o600)
        mount.unmount()
        self.assertEqual(self.theirs("d/theirs"), b"secret")


class EncryptingCase(EncryptedCase):
    """A gateway that encrypts whatever it is sent, and has a Vault for SSE-S3."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = os.environ["RGWFS_TEST_RGW_DIR"]
        answer = run(REPOSITORY / "scripts/rgw-dev", "--dir", directory, "encrypting").stdout.split()
        cls.endpoint = answer[0]
        cls.vault = Vault(int(answer[1]))
        cls.addClassCleanup(cls.vault.stop)

    def setUp(self):
        super().setUp()
        self.s3 = s3_client(self.endpoint)

    def mount(self, *options, **settings):
        return super().mount(*options, endpoint=self.endpoint, **settings)


class ServerKeyTests(EncryptingCase):
    """The server encrypts everything with one key of its own, and no answer says so."""

    def assertEncrypted(self, key):
        """The other gateway does not have the key."""
        other = s3_client()
        self.assertRaises(botocore.exceptions.ClientError, other.get_object, Bucket=self.bucket, Key=key)

    def test_everything_stays_encrypted_through_every_change(self):
        made = self.put_all()
        mount = self.mount()
        after = self.change_all(mount, made)
        self.assertQuiet(mount)
        mount.unmount()
        self.check_all(after, (None, None), (None, None))
        for new, content in after.values():
            if content:
                self.assertEncrypted(new)


if RELEASE >= 18:
    class BucketDefaultTests(EncryptedCase):
        """A bucket whose default is SSE-KMS: what is new and what is changed is encrypted. RGW 16 has no such setting."""

        def setUp(self):
            super().setUp()
            rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_NAME}
            self.s3.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": rule}]})

        def test_everything_is_encrypted_through_every_change(self):
            made = self.put_all()
            mount = self.mount()
            after = self.change_all(mount, made)
            mount.path("made here").write_text("new")
            self.assertQuiet(mount)
            mount.unmount()
            self.assertEqual(self.encryption("made here"), ("aws:kms", KEY_NAME))
            self.s3.delete_object(Bucket=self.bucket, Key="made here")
            self.check_all(after, ("aws:kms", KEY_NAME), ("aws:kms", KEY_NAME))

    class SSES3Tests(EncryptingCase):
        """AES256 with a key of each bucket's, kept by a Vault; RGW 16 takes the header and heeds it not."""

        def test_what_is_encrypted_so_stays_so_through_every_change(self):
            made = self.put_all(ServerSideEncryption="AES256")
            mount = self.mount()
            after = self.change_all(mount, made)
            self.assertQuiet(mount)
            mount.unmount()
            self.check(after, (None, None))

        def test_a_bucket_whose_default_it_is(self):
            rule = {"SSEAlgorithm": "AES256"}
            self.s3.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": rule}]})
            made = self.put_all()
            mount = self.mount()
            after = self.change_all(mount, made)
            self.assertQuiet(mount)
            mount.unmount()
            self.check(after, ("AES256", None))

        def check(self, after, new_files):
            self.check_all(after, ("AES256", None), new_files)
            self.assertTrue(any("/decrypt/" in path for path in self.vault.seen))

        def test_a_key_service_that_is_away_loses_nothing(self):
            self.put("old", b"old", ServerSideEncryption="AES256")
            mount = self.mount("writeback_delay=0s", "retrans=1")
            self.vault.stop()
            try:
                self.assertRaises(OSError, mount.path("old").read_bytes)
                descriptor = os.open(mount.path("new"), os.O_WRONLY | os.O_CREAT)
                os.write(descriptor, b"new")
                os.close(descriptor)
            finally:
                type(self).vault = Vault(self.vault.server.server_address[1])
                self.addClassCleanup(self.vault.stop)
            self.assertEqual(mount.path("old").read_bytes(), b"old")
            mount.unmount()
            self.assertObject("new", b"new")


if __name__ == "__main__":
    unittest.main()
