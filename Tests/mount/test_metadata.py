"""What S3 keeps with an object, through every way of changing it: the METADATA table of rgwfs(7), on a real RGW.

Releases differ in what a copy keeps by itself (class and encryption: not on 20); through the mount they do not.
"""

import datetime
import gzip
import os

from harness import RGWFSTestCase, run

EXPIRES = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
# Everything that a PUT may say, but for what encrypts and locks.
EVERYTHING = {
    "ContentType": "text/x-own", "CacheControl": "max-age=7", "ContentDisposition": "inline; filename=x",
    "ContentEncoding": "br", "ContentLanguage": "de", "Expires": EXPIRES,
    "Metadata": {"mine": "kept", "mode": "33188"}, "Tagging": "a=1&b=x%20y",
    "StorageClass": "COLD", "WebsiteRedirectLocation": "/elsewhere",
}
SIZES = {"small": b"x" * 1000, "large": b"y" * (300 << 10)}


def chmod(mount, name):
    mount.path(name).chmod(0o640)
    return name


def setfattr(mount, name):
    os.setxattr(mount.path(name), "user.note", b"value")
    return name


def touch(mount, name):
    os.utime(mount.path(name), ns=(10 ** 18, 10 ** 18))
    return name


def move(mount, name):
    os.rename(mount.path(name), mount.path(f"moved-{name}"))
    return f"moved-{name}"


def move_and_chmod(mount, name):
    os.rename(mount.path(name), mount.path(f"moved-{name}"))
    mount.path(f"moved-{name}").chmod(0o640)
    return f"moved-{name}"


def rewrite(mount, name):
    mount.path(name).write_bytes(b"written anew")
    return name


def append(mount, name):
    with open(mount.path(name), "ab") as file:
        file.write(b"more")
    return name


def truncate(mount, name):
    os.truncate(mount.path(name), 10)
    return name


CHANGES = [chmod, setfattr, touch, move, move_and_chmod, rewrite, append, truncate]


class MetadataTests(RGWFSTestCase):
    seconds = 240

    def shown(self, key):
        """What HEAD and its kin say of an object, but for content, times and what rgwfs writes."""
        head = self.head(key)
        self.assertIsNotNone(head, f"no object {key!r}")
        names = ["ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage",
                 "StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption", "SSEKMSKeyId"]
        table = {name: head[name] for name in names if name in head}
        table["Expires"] = head["ResponseMetadata"]["HTTPHeaders"].get("expires")
        table["mine"] = head["Metadata"].get("mine")
        tags = self.s3.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        table["tags"] = sorted((tag["Key"], tag["Value"]) for tag in tags)
        return table

    def test_every_change_keeps_everything(self):
        expected = {}
        for change in CHANGES:
            for size, body in SIZES.items():
                name = f"{change.__name__}-{size}"
                self.put(name, body, **EVERYTHING)
                expected[name] = self.shown(name)
        mount = self.mount()
        changed = {change(mount, f"{change.__name__}-{size}"): f"{change.__name__}-{size}"
                   for change in CHANGES for size in SIZES}
        mount.unmount()
        for key, name in changed.items():
            with self.subTest(name):
                self.assertEqual(self.shown(key), expected[name])

    def test_every_change_of_an_object_in_parts_keeps_everything(self):
        def upload(name):
            part = b"z" * (5 << 20)
            headers = {name: value for name, value in EVERYTHING.items() if name != "Tagging"}
            made = self.s3.create_multipart_upload(Bucket=self.bucket, Key=name, **headers)
            parts = [self.s3.upload_part(Bucket=self.bucket, Key=name, UploadId=made["UploadId"],
                                         PartNumber=number, Body=part)["ETag"] for number in (1, 2)]
            self.s3.complete_multipart_upload(
                Bucket=self.bucket, Key=name, UploadId=made["UploadId"], MultipartUpload={
                    "Parts": [{"PartNumber": n + 1, "ETag": tag} for n, tag in enumerate(parts)]})
            # Of those that an upload in parts is begun with RGW 16 and 18 lose all.
            self.s3.put_object_tagging(Bucket=self.bucket, Key=name, Tagging={"TagSet": [
                {"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y"}]})
        for change in (chmod, move, append):
            upload(change.__name__)
        expected = self.shown("chmod")
        # What goes up goes up in parts too.
        mount = self.mount("multipart_threshold=6M")
        changed = [change(mount, change.__name__) for change in (chmod, move, append)]
        mount.unmount()
        for key in changed:
            with self.subTest(key):
                self.assertEqual(self.shown(key), expected)
        self.assertEqual(self.keys(), {"chmod": 10 << 20, "moved-move": 10 << 20, "append": (10 << 20) + 4})

    def test_what_the_server_encrypts_stays_encrypted_with_the_same_key(self):
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "testkey-1"}
        for change in (rewrite, append, truncate):
            self.put(change.__name__, b"x" * 100, **EVERYTHING, **encrypted)
        expected = self.shown("rewrite")
        mount = self.mount()
        for change in (rewrite, append, truncate):
            change(mount, change.__name__)
        mount.unmount()
        for change in (rewrite, append, truncate):
            with self.subTest(change.__name__):
                self.assertEqual(self.shown(change.__name__), expected)

    def test_a_renamed_directory_keeps_everything_below_it(self):
        for size, body in SIZES.items():
            self.put(f"d/e/{size}", body, **EVERYTHING)
        expected = self.shown("d/e/small")
        mount = self.mount()
        os.rename(mount.path("d"), mount.path("new"))
        mount.unmount()
        for size in SIZES:
            self.assertEqual(self.shown(f"new/e/{size}"), expected)
            self.assertNoObject(f"d/e/{size}")

    def test_a_copy_is_a_new_file_in_its_sources_storage_class(self):
        for size, body in SIZES.items():
            self.put(f"{size}.txt", body, **EVERYTHING)
        mount = self.mount()
        for size in SIZES:
            run("cp", mount.path(f"{size}.txt"), mount.path(f"copy-{size}.txt"))
        mount.unmount()
        for size, body in SIZES.items():
            with self.subTest(size):
                self.assertObject(f"copy-{size}.txt", body)
                self.assertEqual(self.shown(f"copy-{size}.txt"), {
                    "ContentType": "text/plain", "StorageClass": "COLD", "Expires": None, "mine": None,
                    "tags": []})

    def test_a_storage_class_survives_the_death_of_the_mount(self):
        self.put("file", "x", **EVERYTHING)
        expected = self.shown("file")
        mount = self.mount("writeback_delay=60s")
        mount.path("file").chmod(0o600)
        mount.kill()
        mount.start()
        mount.unmount()
        self.assertEqual(self.shown("file"), expected)
        self.assertEqual(self.head("file")["Metadata"]["mode"], str(0o100600))

    def test_lists_of_rights_are_not_kept(self):
        for change in (chmod, rewrite, move):
            self.put(change.__name__, "x", ACL="public-read")
        self.assertEqual(len(self.grants("chmod")), 2)
        mount = self.mount()
        keys = [change(mount, change.__name__) for change in (chmod, rewrite, move)]
        mount.unmount()
        for key in keys:
            with self.subTest(key):
                self.assertEqual(len(self.grants(key)), 1, "the owner's alone")

    def grants(self, key):
        return self.s3.get_object_acl(Bucket=self.bucket, Key=key)["Grants"]

    def test_an_appendable_object_becomes_an_ordinary_one(self):
        self.s3.meta.events.register("before-sign.s3.PutObject", self.as_append)
        try:
            self.put("log", "line\n")
        finally:
            self.s3.meta.events.unregister("before-sign.s3.PutObject", self.as_append)
        self.assertEqual(self.kind("log"), "Appendable")
        mount = self.mount()
        with open(mount.path("log"), "a", encoding="ascii") as file:
            file.write("another\n")
        mount.unmount()
        self.assertEqual(self.kind("log"), "Normal")
        self.assertObject("log", "line\nanother\n")

    @staticmethod
    def as_append(request, **_):
        request.url += "?append&position=0"

    def kind(self, key):
        return self.head(key)["ResponseMetadata"]["HTTPHeaders"]["x-rgw-object-type"]

    def test_an_encoding_goes_when_the_content_is_not_so_any_more(self):
        packed = gzip.compress(b"text" * 100)
        for name in ("plain", "packed", "emptied", "mode"):
            self.put(name, packed, ContentEncoding="gzip", ContentType="text/plain")
        self.put("two", packed, ContentEncoding="br, gzip")
        mount = self.mount()
        for name in ("plain", "two"):
            mount.path(name).write_text("plain text")
        mount.path("packed").write_bytes(gzip.compress(b"other text"))
        mount.path("emptied").write_bytes(b"")
        mount.path("mode").chmod(0o600)
        mount.remount()
        # Nor does a later change of the mode bring it back.
        mount.path("plain").chmod(0o600)
        mount.unmount()
        encodings = {name: self.head(name).get("ContentEncoding")
                     for name in ("plain", "packed", "emptied", "mode", "two")}
        self.assertEqual(encodings, {"plain": None, "packed": "gzip", "emptied": None, "mode": "gzip",
                                     "two": "br"})

    def test_aws_chunked_is_never_sent_again(self):
        for name, encoding in {"alone": "aws-chunked", "first": "aws-chunked,br", "last": "br, aws-chunked"}.items():
            self.put(name, "x", ContentEncoding=encoding)
        mount = self.mount()
        for name in ("alone", "first", "last"):
            mount.path(name).chmod(0o600)
        mount.unmount()
        encodings = [self.head(name).get("ContentEncoding") for name in ("alone", "first", "last")]
        self.assertEqual(encodings, [None, "br", "br"])


class LockTests(RGWFSTestCase):
    """Retention and legal hold belong to the version that they were put on."""

    def setUp(self):
        super().setUp()
        self.bucket = self.bucket + "-locked"
        self.s3.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)
        self.addCleanup(self.remove_versions, self.bucket)

    def remove_versions(self, bucket):
        found = self.s3.list_object_versions(Bucket=bucket)
        for version in found.get("Versions", []):
            self.s3.put_object_legal_hold(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"],
                                          LegalHold={"Status": "OFF"})
        for version in found.get("Versions", []) + found.get("DeleteMarkers", []):
            self.s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"],
                                  BypassGovernanceRetention=True)
        self.s3.delete_bucket(Bucket=bucket)

    def test_a_locked_version_stays_as_it_is_under_every_change(self):
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
        locked = {}
        for change in CHANGES:
            made = self.put(change.__name__, b"x" * 1000, ObjectLockMode="GOVERNANCE",
                            ObjectLockRetainUntilDate=until, ObjectLockLegalHoldStatus="ON")
            locked[change.__name__] = made["VersionId"]
        mount = self.mount()
        for change in CHANGES:
            change(mount, change.__name__)
        mount.unmount()
        for name, version in locked.items():
            with self.subTest(name):
                head = self.s3.head_object(Bucket=self.bucket, Key=name, VersionId=version)
                self.assertEqual(head["ObjectLockLegalHoldStatus"], "ON")
                self.assertEqual(head["ObjectLockMode"], "GOVERNANCE")
                self.assertEqual(head["ContentLength"], 1000)
        self.assertTrue({"moved-move", "moved-move_and_chmod"} <= set(self.keys()))
        self.assertFalse({"move", "move_and_chmod"} & set(self.keys()))
