"""Objects that other programs made in ways that no file system has: markers with content, directories
without a slash, Swift's large objects, values that cannot be."""

import errno
import hashlib
import json
import os
import stat
import subprocess
import urllib.error
import urllib.request

from harness import ENDPOINT, REPOSITORY, RGWFSTestCase, run, wait_until


def admin(*words):
    """radosgw-admin on the private RGW."""
    return run(REPOSITORY / "scripts/rgw-dev", "--dir", os.environ["RGWFS_TEST_RGW_DIR"], "admin",
               *words).stdout


class MarkerTests(RGWFSTestCase):
    """A key that ends in a slash and has content: WebDAV gateways, Hadoop, consoles."""

    def fill(self):
        self.put("d/", b"something of theirs", ContentType="text/x-theirs", CacheControl="no-cache",
                 Metadata={"theirs": "1"}, StorageClass="COLD")
        self.put("d/file", b"x")

    def assertKept(self, key):
        self.assertObject(key, b"something of theirs")
        head = self.head(key)
        self.assertEqual((head["ContentType"], head["CacheControl"], head["Metadata"]["theirs"],
                          head["StorageClass"]), ("text/x-theirs", "no-cache", "1", "COLD"))

    def test_content_stays_through_chmod_and_chown_and_xattrs(self):
        self.fill()
        mount = self.mount()
        mount.path("d").chmod(0o700)
        mount.remount()
        self.assertKept("d/")
        self.assertEqual(stat.S_IMODE(mount.path("d").stat().st_mode), 0o700)
        os.setxattr(mount.path("d"), "user.note", b"v")
        os.utime(mount.path("d"), ns=(10 ** 18, 10 ** 18))
        mount.unmount()
        self.assertKept("d/")
        self.assertIn("xattr", self.head("d/")["Metadata"])

    def test_content_moves_with_the_directory(self):
        self.fill()
        self.put("d/e/f/", b"something of theirs", ContentType="text/x-theirs", CacheControl="no-cache",
                 Metadata={"theirs": "1"}, StorageClass="COLD")
        mount = self.mount("writeback_delay=2s")
        os.rename(mount.path("d"), mount.path("moved"))
        mount.path("moved").chmod(0o700)
        mount.path("moved/e/f").chmod(0o710)
        os.rename(mount.path("moved"), mount.path("again"))
        mount.unmount()
        self.assertKept("again/")
        self.assertKept("again/e/f/")
        self.assertEqual(self.head("again/")["Metadata"]["mode"], str(0o40700))
        self.assertEqual(self.head("again/e/f/")["Metadata"]["mode"], str(0o40710))
        self.assertFalse([key for key in self.keys() if key.startswith(("d/", "moved/"))])

    def test_content_stays_when_the_directory_is_moved_away_and_back(self):
        self.fill()
        mount = self.mount("writeback_delay=2s")
        os.rename(mount.path("d"), mount.path("moved"))
        os.rename(mount.path("moved"), mount.path("d"))
        mount.unmount()
        self.assertKept("d/")
        self.assertEqual(sorted(self.keys()), ["d/", "d/file"])

    def test_content_moves_when_the_mount_is_killed_before_it_is_copied(self):
        self.fill()
        mount = self.mount("writeback_delay=60s")
        os.rename(mount.path("d"), mount.path("moved"))
        mount.kill()
        mount.start()
        mount.unmount()
        self.assertKept("moved/")
        self.assertNoObject("d/")

    def test_content_that_came_meanwhile_stays(self):
        self.put("d/", b"")
        mount = self.mount()
        self.assertEqual(os.listdir(mount.path("d")), [])
        mount.path("d").stat()
        self.put("d/", b"something of theirs", ContentType="text/x-theirs", CacheControl="no-cache",
                 Metadata={"theirs": "1"}, StorageClass="COLD")
        mount.path("d").chmod(0o700)
        mount.unmount()
        self.assertObject("d/", b"something of theirs")

    def test_a_directory_with_content_is_not_empty(self):
        self.fill()
        self.put("target/", b"")
        mount = self.mount()
        mount.path("d/file").unlink()
        self.assertErrno(errno.ENOTEMPTY, mount.path("d").rmdir)
        mount.path("other").mkdir()
        self.assertErrno(errno.ENOTEMPTY, os.rename, mount.path("other"), mount.path("d"))
        mount.path("target").rmdir()
        mount.unmount()
        self.assertKept("d/")
        self.assertEqual(sorted(self.keys()), ["d/", "other/"])

    def test_content_at_the_mounted_prefix_stays(self):
        self.fill()
        mount = self.mount(source=f"{self.bucket}/d")
        os.chmod(mount.point, 0o700)
        mount.unmount()
        self.assertKept("d/")

    def test_doctor_lists_them(self):
        self.fill()
        self.put("empty/", b"")
        result = run(self.program("rgwfs"), "doctor", self.bucket, "-o",
                     f"url={ENDPOINT},credentials={self.credentials},spool={self.directory / 'spool'}")
        self.assertRegex(result.stdout, r"(?m)^.*\bd/.*19 B")
        self.assertNotIn("empty/", result.stdout)


class OldMarkerTests(RGWFSTestCase):
    """An empty object without a slash that says it is a directory, as early versions of s3fs made them."""

    def put_old(self, key):
        self.put(key, b"", ContentType="application/x-directory",
                 Metadata={"mode": str(0o40711), "uid": "12", "gid": "13"})

    def test_it_is_a_directory_and_rmdir_removes_it(self):
        self.put_old("d")
        mount = self.mount()
        status = mount.path("d").stat()
        self.assertEqual((oct(status.st_mode), status.st_uid, status.st_gid), (oct(0o40711), 12, 13))
        self.assertEqual(os.listdir(mount.path("d")), [])
        mount.path("d").rmdir()
        self.assertFalse(mount.path("d").exists())
        mount.unmount()
        self.assertEqual(self.keys(), {})

    def test_files_below_it_and_a_new_mode_work(self):
        self.put_old("d")
        self.put("d/theirs", "x")
        mount = self.mount()
        mount.path("d/ours").write_text("y")
        mount.path("d").chmod(0o755)
        mount.remount()
        self.assertEqual(sorted(os.listdir(mount.path("d"))), ["ours", "theirs"])
        self.assertEqual(stat.S_IMODE(mount.path("d").stat().st_mode), 0o755)
        run("rm", "-rf", mount.path("d"))
        mount.unmount()
        self.assertEqual(self.keys(), {})

    def test_rm_rf_removes_everything(self):
        for name in ("a", "b/c", "b/d"):
            self.put_old(name)
        mount = self.mount()
        run("rm", "-rf", mount.path("a"), mount.path("b"))
        self.assertEqual(os.listdir(mount.point), [])
        mount.unmount()
        self.assertEqual(self.keys(), {})

    def test_it_is_renamed_like_any_directory(self):
        self.put_old("d")
        self.put("d/file", "x")
        mount = self.mount()
        os.rename(mount.path("d"), mount.path("e"))
        self.assertEqual(os.listdir(mount.point), ["e"])
        mount.remount()
        self.assertEqual(os.listdir(mount.point), ["e"])
        self.assertEqual(mount.path("e/file").read_text(), "x")
        mount.unmount()
        self.assertEqual(sorted(self.keys()), ["e/", "e/file"])

    def test_with_content_it_is_a_file_whatever_it_says(self):
        self.put("file", "content", ContentType="application/x-directory", Metadata={"mode": str(0o40755)})
        mount = self.mount()
        self.assertTrue(mount.path("file").is_file())
        self.assertEqual(mount.path("file").read_text(), "content")
        run("rm", "-rf", mount.path("file"))
        mount.unmount()
        self.assertEqual(self.keys(), {})


class ValueTests(RGWFSTestCase):
    """Values that no file can have are as if they were not there."""

    def test_a_file_of_nobody_can_be_changed_moved_and_removed(self):
        nobody = str(2 ** 32 - 1)
        for name in ("mode", "moved", "removed", "d/"):
            self.put(name, b"", Metadata={"uid": nobody, "gid": nobody, "mode": "33188"})
        mount = self.mount("uid=5,gid=6")
        status = mount.path("mode").stat()
        self.assertEqual((status.st_uid, status.st_gid), (5, 6))
        mount.path("mode").chmod(0o600)
        os.rename(mount.path("moved"), mount.path("new"))
        mount.path("removed").unlink()
        mount.path("d").chmod(0o700)
        mount.unmount()
        self.assertEqual(sorted(self.keys()), ["d/", "mode", "new"])

    def test_no_value_makes_a_file_unusable(self):
        odd = ["", "-1", "4294967295", "4294967296", "18446744073709551615", "9223372036854775807",
               "-9223372036854775808", "0x", "0xffffffff", "1e9", "nan", "99999999999999999999999",
               "1.99999999999999999999999", "1." + "9" * 300, "\u0661", "07777777777777"]
        names = ["uid", "gid", "mode", "mtime", "ctime", "atime", "rdev", "owner", "permissions"]
        for number, value in enumerate(odd):
            try:
                value.encode("ascii")
            except UnicodeEncodeError:
                continue
            self.put(f"f{number}", b"content", Metadata={name: value for name in names})
            self.put(f"d{number}/", b"", Metadata={name: value for name in names})
        mount = self.mount("uid=5,gid=6")
        for name in os.listdir(mount.point):
            with self.subTest(name):
                path = mount.path(name)
                status = path.lstat()
                self.assertNotIn(2 ** 32 - 1, (status.st_uid, status.st_gid))
                self.assertEqual(path.is_dir(), name.startswith("d"))
                path.chmod(0o600)
                os.rename(path, mount.path("new-" + name))
        mount.remount()
        for name in os.listdir(mount.point):
            with self.subTest(name):
                self.assertEqual(stat.S_IMODE(mount.path(name).lstat().st_mode), 0o600)
        run("rm", "-rf", *(mount.path(name) for name in os.listdir(mount.point)))
        mount.unmount()
        self.assertEqual(self.keys(), {})


class Swift:
    """OpenStack's API of the same gateway, with a subuser of the test's user."""

    def __init__(self):
        admin("subuser", "create", "--uid=test", "--subuser=test:swift", "--access=full")
        admin("key", "create", "--subuser=test:swift", "--key-type=swift", "--secret=swiftsecret")
        _, headers = self.send("GET", f"{ENDPOINT}/auth/1.0", None,
                               {"X-Auth-User": "test:swift", "X-Auth-Key": "swiftsecret"})
        self.token, self.url = headers["X-Auth-Token"], headers["X-Storage-Url"]

    @staticmethod
    def send(method, url, body, headers):
        request = urllib.request.Request(url, data=body, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return answer.status, answer.headers

    def put(self, path, body=b"", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("PUT", f"{self.url}/{path}", body, {"X-Auth-Token": self.token, **named})


class LargeObjectTests(RGWFSTestCase):
    """Swift's large objects: a manifest stands for segments (DLO: all keys of a prefix; SLO: a list)."""

    seconds = 180

    def setUp(self):
        super().setUp()
        self.swift = Swift()
        self.parts = self.new_bucket()
        self.segments = [bytes([65 + number]) * (700 << 10) for number in range(3)]
        self.content = b"".join(self.segments)
        manifest = []
        for number, body in enumerate(self.segments):
            self.swift.put(f"{self.parts}/big/{number}", body)
            manifest.append({"path": f"/{self.parts}/big/{number}", "size_bytes": len(body),
                             "etag": hashlib.md5(body).hexdigest()})
        self.swift.put(f"{self.bucket}/dlo", X_Object_Manifest=f"{self.parts}/big/")
        self.swift.put(f"{self.bucket}/slo?multipart-manifest=put", json.dumps(manifest).encode())
        for key in ("dlo", "slo"):
            self.assertEqual(self.head(key)["ContentLength"], len(self.content))

    def read_all(self, mount):
        for name in ("dlo", "slo"):
            with self.subTest(name):
                self.assertEqual(mount.path(name).stat().st_size, len(self.content))
                self.assertEqual(mount.path(name).read_bytes(), self.content)
                with open(mount.path(name), "rb", buffering=0) as file:
                    # Across the end of a segment, and not from the start.
                    file.seek((700 << 10) - 10)
                    self.assertEqual(file.read(20), b"A" * 10 + b"B" * 10)
                run("cmp", mount.path(name), mount.path(name))

    def test_they_are_read_whole_and_in_part(self):
        self.read_all(self.mount())

    def test_they_are_read_where_attributes_come_from_listings(self):
        self.put("empty", b"")
        mount = self.mount("attrs=list")
        self.read_all(mount)
        self.assertEqual(mount.path("empty").read_bytes(), b"")

    def test_a_copy_is_an_ordinary_file(self):
        mount = self.mount()
        for name in ("dlo", "slo"):
            run("cp", mount.path(name), mount.path(f"copy-{name}"))
        mount.unmount()
        for name in ("dlo", "slo"):
            self.assertObject(f"copy-{name}", self.content)
            self.assertEqual(self.keys()[f"copy-{name}"], len(self.content))

    def test_changes_are_refused_at_once_and_nothing_waits(self):
        mount = self.mount()
        for name in ("dlo", "slo"):
            path = mount.path(name)
            for change in (
                    lambda path: path.chmod(0o600), lambda path: os.chown(path, 1, 1),
                    lambda path: os.utime(path), lambda path: os.truncate(path, 5),
                    lambda path: os.truncate(path, 0), lambda path: open(path, "r+b"),
                    lambda path: open(path, "ab"), lambda path: open(path, "wb"),
                    lambda path: os.setxattr(path, "user.a", b"b"),
                    lambda path: os.rename(path, mount.path("moved"))):
                with self.subTest(name):
                    self.assertErrno(errno.EOPNOTSUPP, change, path)
        self.assertEqual(run(self.program("rgwfs"), "status", mount.point).returncode, 0)
        self.read_all(mount)
        mount.unmount()
        self.read_all(self.mount())

    def test_they_are_removed_and_replaced_and_their_segments_stay(self):
        mount = self.mount("writeback_delay=0s")
        self.assertEqual(sorted(os.listdir(mount.point)), ["dlo", "slo"])
        mount.path("dlo").unlink()
        mount.path("new").write_text("new")
        os.rename(mount.path("new"), mount.path("slo"))
        mount.unmount()
        self.assertEqual(self.keys(), {"slo": 3})
        self.assertObject("slo", "new")
        self.assertEqual(len(self.keys(bucket=self.parts)), 3)

    def test_rm_rf_removes_those_that_were_looked_at_and_those_that_were_not(self):
        for name in ("d/a", "d/b"):
            self.swift.put(f"{self.bucket}/{name}", X_Object_Manifest=f"{self.parts}/big/")
        mount = self.mount()
        self.assertEqual(mount.path("d/a").stat().st_size, len(self.content))
        run("rm", "-rf", mount.path("d"), mount.path("dlo"), mount.path("slo"))
        mount.unmount()
        self.assertEqual(self.keys(), {})

    def test_a_directory_of_them_is_renamed(self):
        self.swift.put(f"{self.bucket}/d/dlo", X_Object_Manifest=f"{self.parts}/big/")
        mount = self.mount()
        mount.path("d/dlo").stat()
        os.rename(mount.path("d"), mount.path("e"))
        self.assertEqual(mount.path("e/dlo").read_bytes(), self.content)
        mount.unmount()
        self.assertEqual(self.mount().path("e/dlo").read_bytes(), self.content)
        self.assertEqual(sorted(self.keys()), ["dlo", "e/", "e/dlo", "slo"])

    def test_other_segments_are_another_version(self):
        mount = self.mount("actimeo=0")
        with open(mount.path("dlo"), "rb", buffering=0) as file:
            self.assertEqual(file.read(10), b"A" * 10)
            self.swift.put(f"{self.parts}/big/2", b"z" * (700 << 10))
            file.seek(2 * (700 << 10) + (600 << 10))
            with self.assertRaises(OSError) as caught:
                file.read(10)
            self.assertEqual(caught.exception.errno, errno.ESTALE)
        self.assertEqual(mount.path("dlo").read_bytes(),
                         b"".join(self.segments[:2]) + b"z" * (700 << 10))
