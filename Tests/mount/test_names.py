"""Every name a bucket may hold is shown or hidden, never changed. DESIGN section 3."""

import errno
import os
import unittest

from harness import ODD_NAMES, RGWFSTestCase, run


class NameTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.m = self.mount()

    def test_odd_names_of_files_become_the_same_keys(self):
        for name in ODD_NAMES:
            self.m.path(name).write_text(name)
        self.m.remount()
        self.assertEqual(sorted(os.listdir(self.m.point)), sorted(ODD_NAMES))
        for name in ODD_NAMES:
            self.assertEqual(self.m.path(name).read_text(), name)
            self.assertObject(name, name)

    def test_odd_names_of_directories_and_renames(self):
        for name in ODD_NAMES:
            self.m.path(name).mkdir()
            self.m.path(name, "old " + name[:200]).write_text(name)
        self.m.remount()
        for name in ODD_NAMES:
            os.rename(self.m.path(name, "old " + name[:200]), self.m.path(name, name))
        self.m.unmount()
        self.assertEqual(set(self.keys()) , {f"{name}/" for name in ODD_NAMES}
                         | {f"{name}/{name}" for name in ODD_NAMES})
        self.m.start()
        run("rm", "-rf", *[self.m.path(name) for name in ODD_NAMES])
        self.m.unmount()
        self.assertEqual(self.keys(), {})

    def test_odd_keys_of_another_client_are_shown(self):
        for name in ODD_NAMES:
            self.put(f"d/{name}", name)
        self.assertEqual(sorted(os.listdir(self.m.path("d"))), sorted(ODD_NAMES))
        for name in ODD_NAMES:
            self.assertEqual(self.m.path("d", name).read_text(), name)

    def test_keys_that_cannot_be_paths_are_hidden_and_stay(self):
        hidden = ["double//slash", "/leading", "./dot", "x/../y", "x/./z", "d/" + "n" * 256]
        for key in hidden:
            self.put(key, key)
        self.put("plain", "x")
        self.put("d/plain", "x")
        self.assertEqual(self.m.path("plain").read_text(), "x")
        for directory, names in ((self.m.point, {"plain", "d", "double", "x"}),
                                 (self.m.path("d"), {"plain"})):
            self.assertLessEqual(set(os.listdir(directory)), names)
        self.assertIn("plain", os.listdir(self.m.path("d")))
        run("find", self.m.point, "-ls")
        self.m.unmount()
        self.assertLessEqual(set(hidden), set(self.keys()))

    def test_a_directory_hides_the_object_of_the_same_name(self):
        self.put("a", "object")
        self.put("a/b", "below")
        self.assertEqual(os.listdir(self.m.point), ["a"])
        self.assertTrue(self.m.path("a").is_dir())
        self.assertEqual(self.m.path("a/b").read_text(), "below")
        self.m.unmount()
        self.assertObject("a", "object")

    def test_names_that_are_not_utf_8_are_refused(self):
        with self.assertRaises(OSError) as caught:
            with open(os.fsencode(self.m.point) + b"/\xff\xfe", "wb"):
                pass
        self.assertIn(caught.exception.errno, (errno.EILSEQ, errno.EINVAL))
        self.assertEqual(os.listdir(self.m.point), [])

    def test_paths_longer_than_a_key_are_refused_at_once(self):
        directory = self.m.point
        with self.assertRaises(OSError) as caught:
            for _ in range(6):
                directory = directory / ("n" * 200)
                directory.mkdir()
        self.assertEqual(caught.exception.errno, errno.ENAMETOOLONG)


if __name__ == "__main__":
    unittest.main()
