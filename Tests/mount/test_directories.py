"""Directories: markers, prefixes without one, listings of any size. DESIGN section 3."""

import errno
import os
import unittest

from harness import RGWFSTestCase, run


class DirectoryTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.m = self.mount()

    def test_mkdir_writes_the_marker_and_rmdir_removes_it(self):
        self.m.path("d").mkdir()
        self.m.remount()
        self.assertObject("d/", b"")
        self.assertEqual(self.head("d/")["ContentType"], "application/x-directory")
        self.assertTrue(self.m.path("d").is_dir())
        self.m.path("d").rmdir()
        self.assertFalse(self.m.path("d").exists())
        self.m.unmount()
        self.assertEqual(self.keys(), {})

    def test_a_prefix_without_marker_is_a_directory(self):
        self.put("a/b/c/file", "deep")
        self.assertEqual(os.listdir(self.m.point), ["a"])
        self.assertTrue(self.m.path("a/b").is_dir())
        self.assertEqual(self.m.path("a/b/c/file").read_text(), "deep")

    def test_a_directory_does_not_vanish_with_its_last_file(self):
        self.put("d/file", "x")
        os.unlink(self.m.path("d/file"))
        self.assertTrue(self.m.path("d").is_dir())
        self.assertEqual(os.listdir(self.m.path("d")), [])
        self.m.remount()
        self.assertTrue(self.m.path("d").is_dir())
        self.m.unmount()
        self.assertEqual(self.keys(), {"d/": 0})

    def test_moving_the_last_file_away_keeps_the_directory_too(self):
        self.put("d/file", "x")
        os.rename(self.m.path("d/file"), self.m.path("file"))
        self.m.unmount()
        self.assertEqual(set(self.keys()), {"d/", "file"})

    def test_what_is_not_empty_is_not_removed(self):
        self.put("theirs/file", "x")
        self.m.path("ours").mkdir()
        self.m.path("ours/file").write_text("x")
        self.assertErrno(errno.ENOTEMPTY, os.rmdir, self.m.path("theirs"))
        self.assertErrno(errno.ENOTEMPTY, os.rmdir, self.m.path("ours"))
        self.m.unmount()
        self.assertTrue({"theirs/file", "ours/", "ours/file"} <= set(self.keys()))

    def test_a_directory_that_another_client_filled_is_not_removed(self):
        self.m.path("d").mkdir()
        self.m.remount()
        self.assertEqual(os.listdir(self.m.path("d")), [])
        self.put("d/theirs", "x")
        self.assertErrno(errno.ENOTEMPTY, os.rmdir, self.m.path("d"))
        self.m.unmount()
        self.assertObject("d/theirs", "x")

    def test_errors_of_names(self):
        self.put("file", "x")
        self.m.path("d").mkdir()
        self.assertErrno(errno.EEXIST, os.mkdir, self.m.path("d"))
        self.assertErrno(errno.EEXIST, os.mkdir, self.m.path("file"))
        self.assertErrno(errno.ENOENT, os.mkdir, self.m.path("no/such"))
        self.assertErrno(errno.ENOENT, os.stat, self.m.path("none"))
        self.assertErrno(errno.ENOENT, os.unlink, self.m.path("none"))
        self.assertErrno(errno.ENOTDIR, os.stat, self.m.path("file/below"))
        self.assertErrno(errno.ENOTDIR, os.rmdir, self.m.path("file"))
        self.assertErrno(errno.EISDIR, os.unlink, self.m.path("d"))
        self.assertErrno(errno.EISDIR, os.open, self.m.path("d"), os.O_WRONLY)
        self.assertErrno(errno.ENAMETOOLONG, os.stat, self.m.path("n" * 256))
        self.assertErrno(errno.ENAMETOOLONG, os.mkdir, self.m.path("n" * 256))

    def test_a_directory_of_2500_objects_is_listed_whole(self):
        client = self.s3
        for number in range(2500):
            client.put_object(Bucket=self.bucket, Key=f"many/file-{number:04}", Body=b"%d" % number)
        expected = [f"file-{number:04}" for number in range(2500)]
        self.assertEqual(sorted(os.listdir(self.m.path("many"))), expected)
        lines = run("ls", "-l", self.m.path("many")).stdout.splitlines()
        self.assertEqual(len(lines), 2501)
        run("rm", "-rf", self.m.path("many"))
        self.assertEqual(os.listdir(self.m.point), [])
        self.m.unmount()
        self.assertEqual(self.keys(), {})

    def test_files_made_while_a_listing_is_under_way_do_not_disturb_it(self):
        for number in range(300):
            self.m.path(f"old-{number:03}").write_text("x")
        seen = []
        with os.scandir(self.m.point) as entries:
            for number, entry in enumerate(entries):
                seen.append(entry.name)
                if number % 10 == 0:
                    self.m.path(f"new-{number:03}").write_text("y")
                    os.unlink(self.m.path(f"new-{number:03}"))
        old = [name for name in seen if name.startswith("old-")]
        self.assertEqual(sorted(old), [f"old-{number:03}" for number in range(300)])

    def test_rm_rf_removes_a_deep_tree_and_only_it(self):
        for number in range(40):
            self.put(f"tree/{number % 4}/{number % 7}/file-{number}", "x")
        self.put("tree-beside", "stays")
        run("rm", "-rf", self.m.path("tree"))
        self.m.unmount()
        self.assertEqual(set(self.keys()), {"tree-beside"})

    def test_sizes_and_times_of_listed_objects_are_right(self):
        self.put("a", b"x" * 12345)
        status = self.m.path("a").stat()
        self.assertEqual(status.st_size, 12345)
        self.assertAlmostEqual(status.st_mtime, self.head("a")["LastModified"].timestamp(), delta=1)


if __name__ == "__main__":
    unittest.main()
