"""Directories: markers, prefixes without one, listings of any size. DESIGN section 3."""

import concurrent.futures
import errno
import os
import random
import time
import unittest

from harness import RGWFSTestCase, run
from syscalls import Directory


def fill(client, bucket, names, prefix=""):
    """Empty objects of these names, many at a time."""
    def put(name):
        client.put_object(Bucket=bucket, Key=prefix + name, Body=b"")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(put, names))


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

    def test_kinds_are_told_only_where_they_are_known(self):
        os.symlink("target", self.m.path("link"))
        os.mkfifo(self.m.path("fifo"))
        self.m.path("file").write_bytes(b"x")
        self.m.path("large").write_bytes(b"x" * 5000)
        self.m.path("directory").mkdir()
        self.m.remount()
        for kind, found in {"l": ["link"], "p": ["fifo"], "d": ["directory"], "f": ["file", "large"]}.items():
            self.m.remount()
            lines = run("find", self.m.point, "-mindepth", "1", "-type", kind, "-printf", "%f\\n").stdout
            self.assertEqual(sorted(lines.split()), found)
        self.m.remount()
        with os.scandir(self.m.point) as entries:
            for entry in entries:
                self.assertEqual(entry.is_symlink(), entry.name == "link")
                self.assertEqual(entry.is_dir(follow_symlinks=False), entry.name == "directory")

    def test_subdirectories_are_found_whatever_the_link_count_says(self):
        for name in ("a/b/c", "a/d", "e"):
            self.m.path(name).mkdir(parents=True)
        self.put("f/g/file", "x")
        self.m.remount()
        self.assertEqual(self.m.path("a").stat().st_nlink, 1)
        found = run("find", self.m.point, "-mindepth", "1", "-type", "d", "-printf", "%P\\n").stdout.split()
        self.assertEqual(sorted(found), ["a", "a/b", "a/b/c", "a/d", "e", "f", "f/g"])
        run("tar", "-C", self.m.point, "-cf", self.directory / "archive", ".")
        listed = run("tar", "-tf", self.directory / "archive").stdout.split()
        self.assertEqual(len(listed), 9)

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


class PositionTests(RGWFSTestCase):
    """telldir and seekdir in directories of more than one page."""

    seconds = 240

    def assertPositionsHold(self, path, names, between=lambda: None):
        """Every position that telldir gave leads back to the name that followed, however often the beginning
        is read again."""
        with Directory(path) as directory:
            places = []
            while True:
                place = directory.tell()
                name = directory.read()
                if name is None:
                    break
                places.append((place, name))
            self.assertEqual(sorted(name for _, name in places), sorted([".", "..", *names]))
            self.assertEqual(len({place for place, _ in places}), len(places))
            between()
            chance = random.Random(7)
            for number in range(150):
                if number % 10 == 0:
                    directory.seek(places[0][0])
                    self.assertEqual(directory.read(), places[0][1])
                if number % 25 == 0:
                    directory.rewind()
                    self.assertIsNotNone(directory.read())
                place, name = chance.choice(places)
                directory.seek(place)
                self.assertEqual(directory.read(), name)
            directory.seek(places[-1][0])
            self.assertEqual(directory.rest(), [places[-1][1]])

    def test_positions_in_a_directory_of_several_pages_lead_back(self):
        names = [f"f{number:05}" for number in range(2100)]
        fill(self.s3, self.bucket, names, "many/")
        mount = self.mount("acdirmin=1", "acdirmax=1", source=f"{self.bucket}/many")
        self.assertPositionsHold(mount.point, names)
        # After the directory's cache time too.
        self.assertPositionsHold(mount.point, names, between=lambda: time.sleep(1.5))

    def test_positions_in_a_directory_that_grows_over_a_page_lead_back(self):
        mount = self.mount("acdirmin=1", "acdirmax=1", "writeback_delay=0s")
        mount.path("d").mkdir()
        names = [f"f{number:05}" for number in range(1200)]
        for name in names:
            mount.path("d", name).touch()

        def sent():
            descriptor = os.open(mount.path("d"), os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
            time.sleep(1.5)
        self.assertPositionsHold(mount.path("d"), names)
        self.assertPositionsHold(mount.path("d"), names, between=sent)

    def test_positions_stay_good_while_others_add_and_remove_names(self):
        names = [f"f{number:05}" for number in range(1250)]
        fill(self.s3, self.bucket, names, "many/")
        mount = self.mount("acdirmin=1", "acdirmax=1", source=f"{self.bucket}/many")
        with Directory(mount.point) as directory:
            places = []
            while True:
                place = directory.tell()
                name = directory.read()
                if name is None:
                    break
                places.append((place, name))
            fill(self.s3, self.bucket, [f"f{number:05}x" for number in range(200, 400)], "many/")
            gone = names[700:800]
            for name in gone:
                self.s3.delete_object(Bucket=self.bucket, Key=f"many/{name}")
            time.sleep(1.5)
            directory.rewind()
            seen = [name for name in directory.rest() if name not in (".", "..")]
            self.assertEqual(sorted(seen), sorted(self.entries("many/")))
            for (_, before), (place, name) in list(zip(places[2:], places[3:]))[::31]:
                if before in gone or name in gone:
                    continue
                directory.rewind()
                directory.read()
                directory.seek(place)
                # Where names came in between, those come first.
                self.assertEqual(self.after_new(directory), name)

    @staticmethod
    def after_new(directory):
        while (name := directory.read()).endswith("x"):
            pass
        return name

    def entries(self, prefix):
        return [key[len(prefix):] for key in self.keys(prefix)]


if __name__ == "__main__":
    unittest.main()
