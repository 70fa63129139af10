"""`/` as a source: all buckets as directories."""

import errno
import os
import shutil
import subprocess
import uuid

from harness import RGWFSTestCase, run


class AllBucketsTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.other = f"other-{uuid.uuid4().hex[:12]}"
        self.addCleanup(self.remove_bucket, self.other)
        self.m = self.mount(source="/")

    def test_buckets_are_directories_that_can_be_made_and_removed(self):
        self.assertIn(self.bucket, os.listdir(self.m.point))
        self.m.path(self.other).mkdir()
        self.assertIn(self.other, [b["Name"] for b in self.s3.list_buckets()["Buckets"]])
        self.assertErrno(errno.EEXIST, os.mkdir, self.m.path(self.other))
        made = self.m.path(self.other).stat().st_mtime
        self.assertLess(abs(made - self.created(self.other)), 5)
        self.assertLess(abs(self.m.path(self.bucket).stat().st_mtime - self.created(self.bucket)), 5)
        self.m.path(self.other, "file").write_text("x")
        self.assertErrno(errno.ENOTEMPTY, os.rmdir, self.m.path(self.other))
        self.m.path(self.other, "file").unlink()
        self.m.path(self.other).rmdir()
        self.assertNotIn(self.other, [b["Name"] for b in self.s3.list_buckets()["Buckets"]])
        self.assertErrno(errno.ENOENT, os.stat, self.m.path(self.other))

    def created(self, name):
        return next(bucket["CreationDate"].timestamp()
                    for bucket in self.s3.list_buckets()["Buckets"] if bucket["Name"] == name)

    def test_names_that_no_bucket_may_have_are_refused(self):
        for name in ("ab", "UPPER", "sp ace", "a..b"):
            self.assertErrno(errno.EINVAL, os.mkdir, self.m.path(name))

    def test_nothing_but_buckets_lives_in_the_root(self):
        self.m.path(self.bucket, "file").write_text("x")
        self.assertErrno(errno.EPERM, open, self.m.path("file"), "w")
        self.assertErrno(errno.EPERM, os.symlink, "x", self.m.path("link"))
        self.assertErrno(errno.EPERM, os.mkfifo, self.m.path("fifo"))
        self.assertErrno(errno.EPERM, os.chmod, self.m.point, 0o700)
        self.assertErrno(
            errno.EPERM, os.rename, self.m.path(self.bucket), self.m.path(self.other)
        )
        self.assertErrno(
            errno.EPERM, os.rename, self.m.path(self.bucket, "file"), self.m.path("file")
        )

    def test_trees_are_copied_and_moved_between_buckets(self):
        self.m.path(self.other).mkdir()
        tree = self.m.path(self.bucket, "tree")
        (tree / "sub").mkdir(parents=True)
        (tree / "one").write_text("1")
        (tree / "sub" / "two").write_text("2")
        shutil.copytree(tree, self.m.path(self.other, "copy"))
        self.m.remount()
        run("mv", tree, self.m.path(self.other, "moved"))
        self.m.unmount()
        self.assertEqual(self.keys(), {})
        self.assertEqual(
            sorted(self.keys(bucket=self.other)),
            ["copy/", "copy/one", "copy/sub/", "copy/sub/two",
             "moved/", "moved/one", "moved/sub/", "moved/sub/two"],
        )
        body = self.s3.get_object(Bucket=self.other, Key="moved/sub/two")["Body"].read()
        self.assertEqual(body, b"2")

    def test_what_waits_is_kept_over_a_kill(self):
        self.m.path(self.bucket, "file").write_text("kept")
        self.m.kill()
        self.m = self.mount(source="/")
        self.assertEqual(self.m.path(self.bucket, "file").read_text(), "kept")
        self.m.unmount()
        self.assertObject("file", b"kept")

    def test_a_forbidden_bucket_is_one_refusal_and_not_the_end_of_the_listing(self):
        self.s3.put_bucket_policy(
            Bucket=self.bucket,
            Policy='{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",'
            f'"Action":"s3:ListBucket","Resource":"arn:aws:s3:::{self.bucket}"}}]}}',
        )
        self.addCleanup(self.s3.delete_bucket_policy, Bucket=self.bucket)
        out = subprocess.run(
            ["ls", "-l", self.m.point], capture_output=True, text=True, timeout=60
        )
        self.assertIn(self.bucket, out.stdout)
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertErrno(errno.EACCES, os.listdir, self.m.path(self.bucket))
        self.m.path(self.other).mkdir()
        self.assertEqual(os.listdir(self.m.path(self.other)), [])
