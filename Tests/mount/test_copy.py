"""The main job: trees and large files go in and come out unchanged. Promises P1 and P5."""

import os
import pathlib
import unittest

from harness import RGWFSTestCase, describe, digest, make_tree, resident_peak, run

MIB = 1 << 20


class CopyTests(RGWFSTestCase):
    def compare_with_bucket(self, tree, prefix):
        """Every regular file is an object with the same bytes, every directory a marker."""
        expected = {}
        for name, row in describe(tree).items():
            key = f"{prefix}/{os.fsdecode(name)}"
            if "md5" in row:
                expected[key] = row["md5"]
        found = {key: md5 for key, md5 in self.contents().items() if key in expected}
        self.assertEqual(found, expected)
        self.assertEqual(
            {key for key in self.keys(f"{prefix}/") if key.endswith("/")},
            {f"{prefix}/"} | {f"{prefix}/{os.fsdecode(name)}/" for name, row in describe(tree).items()
                              if row["type"] == 0o040000})

    def test_cp_keeps_a_tree_of_1000_files_across_a_remount(self):
        tree = make_tree(self.new_directory("tree"), files=1000)
        mount = self.mount()
        run("cp", "-a", tree, mount.path("copy"))
        self.assertEqual(describe(mount.path("copy")), describe(tree))
        mount.unmount()
        self.compare_with_bucket(tree, "copy")
        mount.start()
        self.assertEqual(describe(mount.path("copy")), describe(tree))
        run("cp", "-a", mount.path("copy"), self.directory / "back")
        self.assertEqual(describe(self.directory / "back"), describe(tree))

    def test_rsync_finds_nothing_to_do_the_second_time(self):
        tree = make_tree(self.new_directory("tree"), files=300, seed=2)
        mount = self.mount()
        rsync = ["rsync", "-a", "--itemize-changes", f"{tree}/", f"{mount.path('copy')}/"]
        self.assertNotEqual(run(*rsync).stdout, "")
        self.assertEqual(run(*rsync).stdout, "", "in the same mount")
        mount.remount()
        self.assertEqual(run(*rsync).stdout, "", "after a remount")
        self.assertEqual(run(*rsync, "--checksum").stdout, "", "by content")
        self.assertEqual(describe(mount.path("copy")), describe(tree))
        (tree / "changed").write_text("one more")
        self.assertIn("changed", run(*rsync).stdout)
        mount.unmount()
        self.assertObject("copy/changed", "one more")

    def test_tar_extracts_and_reads_back(self):
        tree = make_tree(self.new_directory("tree"), files=200, seed=3)
        run("tar", "-C", tree, "-cf", self.directory / "in.tar", ".")
        mount = self.mount()
        mount.path("copy").mkdir()
        run("tar", "-C", mount.path("copy"), "-xpf", self.directory / "in.tar")
        mount.remount()
        run("tar", "-C", mount.path("copy"), "-df", self.directory / "in.tar")

    def test_files_of_sizes_around_block_limits_keep_every_byte(self):
        mount = self.mount()
        sizes = [0, 1, 4095, 4096, 4097, MIB - 1, MIB, MIB + 1, 8 * MIB + 3, 33 * MIB + 7]
        sums = {}
        for size in sizes:
            data = os.urandom(size)
            mount.path(str(size)).write_bytes(data)
            sums[str(size)] = data
        mount.remount()
        for name, data in sums.items():
            self.assertEqual(mount.path(name).stat().st_size, len(data))
            self.assertEqual(mount.path(name).read_bytes(), data, f"{name} bytes through the mount")
            self.assertEqual(self.get(name), data, f"{name} bytes in the bucket")


class LargeFileTests(RGWFSTestCase):
    seconds = 420

    def test_one_gibibyte_in_and_out_within_the_memory_limit(self):
        limit, margin = 128 * MIB, 64 * MIB
        original = self.directory / "original"
        block = os.urandom(MIB)
        with open(original, "wb") as file:
            for number in range(1024):
                file.write(number.to_bytes(8, "big") + block[8:])
        mount = self.mount("memory=128M")
        run("cp", original, mount.path("large"), timeout=300)
        writer_peak = resident_peak(mount.pid)
        mount.unmount()
        self.assertEqual(self.head("large")["ContentLength"], 1 << 30)
        self.assertNotIn("-", self.head("large")["ETag"], "uploaded whole, not in parts")
        mount.start()
        self.assertEqual(digest(mount.path("large")), digest(original))
        self.assertLess(writer_peak, limit + margin, "resident bytes while writing")
        self.assertLess(resident_peak(mount.pid), limit + margin, "resident bytes while reading")


class BackgroundMountTests(RGWFSTestCase):
    def test_exit_status_0_means_that_the_mount_answers(self):
        self.put("here", "yes")
        mount = self.mount(foreground=False)
        self.assertEqual(mount.path("here").read_text(), "yes")
        self.assertIsNotNone(mount.pid, "a daemon in the background")
        mount.path("there").write_text("too")
        mount.unmount()
        self.assertObject("there", "too")

    def test_mount_of_a_prefix_shows_only_what_is_below_it(self):
        self.put("2024/a", "1")
        self.put("2025/b", "2")
        mount = self.mount(source=f"{self.bucket}/2024")
        self.assertEqual(os.listdir(mount.point), ["a"])
        mount.path("c").write_text("3")
        mount.unmount()
        self.assertEqual(set(self.keys()), {"2024/a", "2024/c", "2025/b"})

    def test_read_only_mount_refuses_changes(self):
        self.put("file", "x")
        mount = self.mount("ro")
        self.assertErrno(30, mount.path("new").write_text, "y")
        self.assertErrno(30, os.unlink, mount.path("file"))
        self.assertEqual(mount.path("file").read_text(), "x")

    def test_the_mount_is_of_type_fuse_rgwfs_and_names_its_source(self):
        mount = self.mount()
        with open("/proc/self/mounts", encoding="utf-8") as table:
            line = next(line for line in table if str(mount.point) in line).split()
        self.assertEqual(line[2], "fuse.rgwfs")
        self.assertEqual(pathlib.PurePosixPath(line[0]).name, self.bucket)


if __name__ == "__main__":
    unittest.main()
