"""Servers that take no large bodies, keys that may not write, changes that are refused, and sync and dirsync: what
programs, status and log say. Promises P2, P4 and P5.
"""

import errno
import json
import os
import re
import unittest

from harness import ENDPOINT, RGWFSTestCase, processes_naming, run, wait_until
from relay import Answer, Relay, error
from test_policies import PolicyCase

MEBIBYTE = 1 << 20
CHANGES = ("put", "copy", "delete", "delete-objects", "create", "part", "complete", "put-tags", "put-bucket")


class LimitCase(RGWFSTestCase):
    def relay(self, rule=None):
        relay = Relay(rule)
        self.addCleanup(relay.stop)
        return relay

    def status(self, target, exit_status):
        result = run(self.program("rgwfs"), "status", "--json", target, check=False)
        self.assertEqual(result.returncode, exit_status, result.stdout + result.stderr)
        return json.loads(result.stdout)

    def told(self, target):
        """What a person reads."""
        return run(self.program("rgwfs"), "status", target, check=False).stdout

    def umount(self, mount):
        result = run(self.program("umount.fuse.rgwfs"), mount.point, check=False)
        mount.wait_for_exit()
        return result

    def writes_and_syncs(self, path, body):
        """errno of fsync; open, write and close succeed."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        try:
            os.write(descriptor, body)
            os.fsync(descriptor)
            return 0
        except OSError as failure:
            return failure.errno
        finally:
            try:
                os.close(descriptor)
            except OSError:
                pass


def refuse_bodies(limit, answer):
    """A rule for the relay: no body over the limit. Kinds and sizes of what was refused."""
    refused = []

    def rule(request):
        if len(request.body) <= limit:
            return None
        refused.append((request.kind, len(request.body)))
        return answer()
    return rule, refused


def proxy_says_413():
    """As nginx does: no S3 body, no mark of S3."""
    page = b"<html><head><title>413 Request Entity Too Large</title></head></html>"
    return Answer(413, [("Content-Type", "text/html"), ("Content-Length", len(page))], page)


def server_says_too_large():
    return error(400, "EntityTooLarge")


class BodyLimitTests(LimitCase):
    def test_larger_files_go_in_parts_that_are_small_enough(self):
        for answer in (proxy_says_413, server_says_too_large):
            with self.subTest(answer.__name__):
                rule, refused = refuse_bodies(9 * MEBIBYTE, answer)
                mount = self.mount(endpoint=self.relay(rule).endpoint)
                body = os.urandom(20 * MEBIBYTE)
                self.assertEqual(self.writes_and_syncs(mount.path("large"), body), 0)
                mount.path("small").write_bytes(b"small")
                self.assertObject("large", body)
                learnt = len(refused)
                self.assertIn(learnt, (1, 2, 3))
                # The mount remembers.
                self.assertEqual(self.writes_and_syncs(mount.path("next"), body), 0)
                self.assertEqual(len(refused), learnt)
                mount.unmount()
                self.assertObject("next", body)
                self.assertObject("small", b"small")
                self.assertEqual(self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []), [])

    def test_a_limit_below_the_smallest_part_is_told_and_small_files_do_not_wait(self):
        for answer in (proxy_says_413, server_says_too_large):
            with self.subTest(answer.__name__):
                rule, refused = refuse_bodies(MEBIBYTE, answer)
                relay = self.relay(rule)
                mount = self.mount("drain_timeout=1s", endpoint=relay.endpoint)
                body = os.urandom(6 * MEBIBYTE)
                self.assertEqual(self.writes_and_syncs(mount.path("large"), body), errno.EFBIG)
                self.assertEqual(self.writes_and_syncs(mount.path("small"), b"small"), 0)
                self.assertEqual(self.status(mount.point, 2)["blocked"], 1)
                text = self.told(mount.point)
                self.assertIn("large", text)
                self.assertIn("5242880", text)
                self.assertIn("large", mount.log.read_text())
                self.assertEqual(mount.path("large").read_bytes(), body, "it stays readable")
                result = self.umount(mount)
                self.assertIn("1 change", result.stderr)
                self.assertLess(len(refused), 10)
                # With the limit gone the next mount sends it.
                relay.heal()
                mount.start()
                mount.unmount()
                self.assertObject("large", body)
                self.s3.delete_object(Bucket=self.bucket, Key="large")
                self.s3.delete_object(Bucket=self.bucket, Key="small")


class StoredTests(LimitCase):
    """sync, dirsync: whoever hears 0 finds it in the bucket."""

    def refusing(self, *kinds):
        """The relay refuses these from now on."""
        self.refused = set(kinds)

    def mount_with(self, *options):
        self.put("file", b"content")
        self.refused = set()
        relay = self.relay(lambda request: error(403, "AccessDenied") if request.kind in self.refused else None)
        return self.mount("writeback_delay=60s", "writeback_max_delay=60s", *options, endpoint=relay.endpoint)

    def names_are_stored(self, mount):
        os.mkdir(mount.path("d"))
        self.assertIn("d/", self.keys())
        os.rename(mount.path("file"), mount.path("d/moved"))
        self.assertEqual(sorted(self.keys()), ["d/", "d/moved"])
        os.rename(mount.path("d"), mount.path("e"))
        self.assertEqual(sorted(self.keys()), ["e/", "e/moved"])
        os.symlink("target", mount.path("e/link"))
        self.assertObject("e/link", b"target")
        os.unlink(mount.path("e/link"))
        os.unlink(mount.path("e/moved"))
        self.assertEqual(sorted(self.keys()), ["e/"])
        os.rmdir(mount.path("e"))
        self.assertEqual(self.keys(), {})

    def names_are_refused(self, mount):
        """And whoever holds the old names goes on with them, at once."""
        self.put("d/", b"")
        self.put("other", b"other")
        self.refusing("delete", "delete-objects", "copy", "put", "create")
        file, other = mount.path("file"), mount.path("other")
        descriptor = os.open(other, os.O_RDONLY)
        for _ in range(2):
            self.assertErrno(errno.EACCES, os.unlink, file)
            self.assertEqual(file.read_bytes(), b"content")
            self.assertErrno(errno.EACCES, os.rename, file, mount.path("moved"))
            self.assertFalse(mount.path("moved").exists())
            self.assertEqual(file.read_bytes(), b"content")
            self.assertErrno(errno.EACCES, os.rename, file, other)
            self.assertEqual(other.read_bytes(), b"other")
            self.assertEqual(file.read_bytes(), b"content")
            self.assertErrno(errno.EACCES, os.rmdir, mount.path("d"))
            self.assertEqual(os.listdir(mount.path("d")), [])
        # What is made stays here and is tried again, as a file is that cannot be uploaded.
        self.assertErrno(errno.EACCES, os.mkdir, mount.path("new"))
        self.assertTrue(mount.path("new").is_dir())
        self.assertEqual(os.pread(descriptor, 100, 0), b"other")
        os.close(descriptor)
        self.refusing()
        os.rename(file, other)
        self.assertEqual(other.read_bytes(), b"content")
        os.rmdir(mount.path("d"))
        os.unlink(other)
        run(self.program("rgwfs"), "retry", mount.path("new"))
        mount.unmount()
        self.assertEqual(self.keys(), {"new/": 0})

    def test_sync_stores_names(self):
        self.names_are_stored(self.mount_with("sync"))

    def test_dirsync_stores_names(self):
        self.names_are_stored(self.mount_with("dirsync"))

    def test_sync_answers_with_the_servers_refusal_of_names(self):
        self.names_are_refused(self.mount_with("sync"))

    def test_dirsync_answers_with_the_servers_refusal_of_names(self):
        self.names_are_refused(self.mount_with("dirsync"))

    def test_sync_stores_attributes_and_dirsync_need_not(self):
        for option in ("sync", "dirsync"):
            mount = self.mount_with(option)
            path = mount.path("file")
            path.chmod(0o640)
            os.utime(path, ns=(10 ** 18, 10 ** 18))
            os.setxattr(path, "user.note", b"value")
            metadata = self.head("file")["Metadata"]
            if option == "sync":
                self.assertEqual(int(metadata["mode"]) & 0o777, 0o640)
                self.assertEqual(float(metadata["mtime"]), 10 ** 9)
                self.assertIn("user.note", metadata["xattr"])
                self.refusing("copy", "put")
                self.assertErrno(errno.EACCES, path.chmod, 0o600)
                self.refusing()
                self.assertEqual(path.stat().st_mode & 0o777, 0o640)
            else:
                self.assertEqual(metadata, {})
            mount.unmount()
            self.assertEqual(int(self.head("file")["Metadata"]["mode"]) & 0o777, 0o640)


class RefusalTests(LimitCase):
    """A change that returned 0 and that the server then refuses is told: errno, status, log; and undone."""

    def test_each_kind_is_counted_named_and_taken_back(self):
        for name in ("removed", "renamed", "changed"):
            self.put(name, name.encode())
        self.put("d/", b"")
        relay = self.relay(
            lambda request: error(403, "AccessDenied") if request.kind in ("delete", "delete-objects", "copy") else None)
        mount = self.mount("writeback_delay=0s", "actimeo=60", endpoint=relay.endpoint)
        descriptor = os.open(mount.point, os.O_RDONLY)
        try:
            os.unlink(mount.path("removed"))
            self.assertFalse(mount.path("removed").exists())
            os.rename(mount.path("renamed"), mount.path("elsewhere"))
            mode = mount.path("changed").stat().st_mode
            mount.path("changed").chmod(0o600)
            os.rmdir(mount.path("d"))
            self.assertErrno(errno.EACCES, os.fsync, descriptor)
        finally:
            os.close(descriptor)
        wait_until(lambda: json.loads(run(self.program("rgwfs"), "status", "--json", mount.point, check=False).stdout)
                   ["pending"] == 0, 30, "all is answered")
        report = self.status(mount.point, 0)
        self.assertEqual(report["refused"], 4, report)
        text, log = self.told(mount.point), mount.log.read_text()
        for name in ("removed", "changed", "elsewhere", "d"):
            self.assertRegex(log, rf"\b{re.escape(name)}\b")
        self.assertIn("taken back", text)
        relay.heal()
        for _ in range(2):
            self.assertTrue(mount.path("removed").exists() and not mount.path("elsewhere").exists())
            self.assertEqual(sorted(os.listdir(mount.point)), ["changed", "d", "removed", "renamed"])
            self.assertEqual(mount.path("changed").stat().st_mode, mode)
            self.assertEqual(mount.path("renamed").read_bytes(), b"renamed")
            mount.remount()
        mount.unmount()
        self.assertEqual(sorted(self.keys()), ["changed", "d/", "removed", "renamed"])


class KeysThatMayOnlyReadTests(PolicyCase, LimitCase):
    READ = ["s3:GetObject", "s3:ListBucket"]

    def setUp(self):
        super().setUp()
        self.put("d/file", b"content")
        self.allow(("Allow", self.READ, None, None), ("Allow", self.READ, "/*", None))

    def test_a_read_only_mount_needs_no_right_to_write(self):
        relay = self.relay()
        mount = self.mount("ro", endpoint=relay.endpoint)
        self.assertEqual(mount.path("d/file").read_bytes(), b"content")
        self.assertEqual(os.listdir(mount.path("d")), ["file"])
        self.assertErrno(errno.EROFS, mount.path("new").write_bytes, b"x")
        self.assertErrno(errno.EROFS, mount.path("d/file").chmod, 0o600)
        self.assertErrno(errno.EROFS, os.unlink, mount.path("d/file"))
        self.status(mount.point, 0)
        result = self.umount(mount)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(relay.count(*CHANGES), 0)
        self.assertNotRegex(mount.log.read_text(), "(?i)denied|403|EACCES")
        self.assertEqual(processes_naming(self.directory, whole=False), [])

    def test_a_mount_for_writing_says_so_to_everybody(self):
        mount = self.mount("drain_timeout=1s")
        self.assertEqual(mount.path("d/file").read_bytes(), b"content")
        # The first writer is the one to find out.
        self.assertEqual(self.writes_and_syncs(mount.path("first"), b"kept"), errno.EACCES)
        self.assertErrno(errno.EACCES, mount.path("second").write_bytes, b"x")
        self.assertErrno(errno.EACCES, open, mount.path("d/file"), "r+b")
        self.assertEqual(self.status(mount.point, 2)["blocked"], 1)
        text, log = self.told(mount.point), mount.log.read_text()
        for words in (text, log):
            self.assertIn("first", words)
            self.assertRegex(words, "(?i)denie[sd]|refuse[sd]")
        self.assertEqual(mount.path("first").read_bytes(), b"kept")
        result = self.umount(mount)
        self.assertIn("1 change", result.stderr)
        self.assertEqual(sorted(self.keys()), ["d/file"])
        # With the right, the next mount uploads what was kept.
        write = [*self.READ, "s3:PutObject"]
        self.allow(("Allow", write, None, None), ("Allow", write, "/*", None))
        mount.start()
        wait_until(lambda: "first" in self.keys(), 30, "what was kept is uploaded")
        mount.path("second").write_bytes(b"x")
        mount.unmount()
        # The objects are the writer's.
        for key, content in {"first": b"kept", "second": b"x"}.items():
            self.assertEqual(self.client().get_object(Bucket=self.bucket, Key=key)["Body"].read(), content)

    def test_doctor_says_that_nothing_can_be_written(self):
        result = run(self.program("rgwfs"), "doctor", "--json", self.bucket,
                     "-o", f"url={ENDPOINT},credentials={self.credentials}", check=False)
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        told = [row for row in rows if row["level"] != "ok"]
        self.assertTrue(any("writ" in row["text"] or "denie" in row["text"] for row in told), rows)


if __name__ == "__main__":
    unittest.main()
