"""Changes that never become requests, counted at a proxy in front of a real RGW."""

import os
import shutil

from harness import RGWFSTestCase, run


class CoalescingTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.counter = self.proxy()

    def quiet_mount(self, *options):
        """A mount whose root is known, with nothing counted yet."""
        mount = self.mount(*options, endpoint=self.counter.endpoint)
        os.listdir(mount.point)
        self.counter.clear()
        return mount

    def changes(self):
        """(method, key) of the requests that change something."""
        found = []
        for method, _, target in self.counter.requests():
            if method in ("PUT", "POST", "DELETE"):
                key = target.partition("?")[0].strip("/").partition("/")[2]
                found.append((method, key))
        return found

    def test_a_hundred_saves_by_rename_are_one_upload(self):
        mount = self.quiet_mount("writeback_delay=5s")
        for number in range(100):
            mount.path(".file.tmp").write_text(f"version {number}")
            os.rename(mount.path(".file.tmp"), mount.path("file"))
        mount.unmount()
        self.assertEqual(self.changes(), [("PUT", "file")])
        self.assertObject("file", b"version 99")

    def test_saves_that_outlast_the_delay_never_name_the_temporary_file(self):
        mount = self.quiet_mount()
        for number in range(100):
            mount.path(".file.tmp").write_text(f"version {number}")
            os.rename(mount.path(".file.tmp"), mount.path("file"))
        mount.unmount()
        self.assertLessEqual(len(self.changes()), 2, self.changes())
        self.assertEqual({key for _, key in self.changes()}, {"file"})

    def test_backup_and_rename_as_editors_do_it(self):
        self.put("file", "old")
        mount = self.mount("writeback_delay=5s", endpoint=self.counter.endpoint)
        self.assertEqual(mount.path("file").read_text(), "old")
        self.counter.clear()
        for number in range(10):
            mount.path("file.new").write_text(f"version {number}")
            os.rename(mount.path("file.new"), mount.path("file"))
        mount.unmount()
        self.assertEqual(self.changes(), [("PUT", "file")])
        self.assertObject("file", b"version 9")

    def test_a_directory_of_unsent_files_is_renamed_without_copies(self):
        mount = self.quiet_mount("writeback_delay=10s")
        mount.path("a").mkdir()
        for number in range(50):
            mount.path("a", f"file-{number}").write_text(str(number))
        os.rename(mount.path("a"), mount.path("b"))
        mount.unmount()
        changes = self.changes()
        self.assertEqual({method for method, _ in changes}, {"PUT"})
        self.assertEqual(len(changes), 51, changes)
        self.assertTrue(all(key == "b" or key.startswith("b/") for _, key in changes), changes)
        self.assertEqual(len(self.keys("b/")), 51)

    def test_a_tree_made_and_removed_within_the_delay_costs_nothing(self):
        mount = self.quiet_mount("writeback_delay=10s")
        for number in range(5):
            mount.path(f"d{number}", "sub").mkdir(parents=True)
            for index in range(10):
                mount.path(f"d{number}", "sub", f"f{index}").write_text("x")
        for number in range(5):
            shutil.rmtree(mount.path(f"d{number}"))
        mount.unmount()
        self.assertEqual(self.changes(), [])

    def test_modes_owners_and_times_travel_with_the_upload(self):
        mount = self.quiet_mount("writeback_delay=5s")
        path = mount.path("file")
        path.write_text("x")
        os.chmod(path, 0o640)
        os.chown(path, 12, 34)
        os.utime(path, (1, 2))
        os.chmod(path, 0o600)
        mount.unmount()
        self.assertEqual(self.changes(), [("PUT", "file")])
        self.assertEqual(self.head("file")["Metadata"]["uid"], "12")

    def test_several_changes_of_metadata_are_one_copy(self):
        self.put("file", "x", Metadata={"mode": "33188", "uid": "0", "gid": "0"})
        mount = self.mount("writeback_delay=5s", endpoint=self.counter.endpoint)
        path = mount.path("file")
        path.stat()
        self.counter.clear()
        os.chmod(path, 0o640)
        os.chown(path, 12, 34)
        os.utime(path, (1, 2))
        mount.unmount()
        self.assertEqual(self.changes(), [("PUT", "file")])
        self.assertObject("file", b"x")

    def test_uploads_begin_while_the_copy_still_runs(self):
        tree = self.new_directory("tree")
        for number in range(1000):
            (tree / f"file-{number:04}").write_text(str(number))
        mount = self.quiet_mount("writeback_delay=0")
        for number in range(1000):
            shutil.copyfile(tree / f"file-{number:04}", mount.path(f"file-{number:04}"))
            if number == 999:
                begun = len(self.changes())
        self.assertGreater(begun, 0)
        mount.unmount()
        self.assertEqual(len(self.changes()), 1000)

    def test_copying_a_tree_twice_with_rsync_sends_nothing_the_second_time(self):
        tree = self.new_directory("tree")
        for number in range(30):
            (tree / f"file-{number}").write_text(str(number))
        mount = self.quiet_mount()
        run("rsync", "-a", f"{tree}/", mount.path("copy"))
        mount.remount()
        self.counter.clear()
        run("rsync", "-a", f"{tree}/", mount.path("copy"))
        mount.unmount()
        self.assertEqual(self.changes(), [])
