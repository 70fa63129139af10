"""What root mounts is for everybody, under the kernel's permission checks."""

import os
import stat

from harness import RGWFSTestCase, run

USER = 12345


def as_user(*words, check=True):
    return run("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *words, check=check)


class OtherUserTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)

    def test_others_enter_what_root_has_mounted_as_permissions_allow(self):
        mount = self.mount()
        mount.path("public").write_text("open")
        mount.path("public").chmod(0o644)
        mount.path("private").write_text("secret")
        mount.path("private").chmod(0o600)
        mount.path("theirs").mkdir()
        os.chown(mount.path("theirs"), USER, USER)
        as_user("ls", "-l", mount.point.parent)
        self.assertEqual(as_user("cat", mount.path("public")).stdout, "open")
        self.assertNotEqual(as_user("cat", mount.path("private"), check=False).returncode, 0)
        self.assertNotEqual(as_user("touch", mount.path("new"), check=False).returncode, 0)
        as_user("touch", mount.path("theirs/new"))
        self.assertEqual(mount.path("theirs/new").stat().st_uid, USER)

    def test_noallow_other_and_allow_root_keep_others_out(self):
        for option in ("noallow_other", "allow_root"):
            with self.subTest(option):
                mount = self.mount(option)
                self.assertNotEqual(as_user("ls", mount.point, check=False).returncode, 0)
                os.listdir(mount.point)
                mount.unmount()


class SetIDTests(RGWFSTestCase):
    """Whoever writes into a file takes its set-ID bits away, and the kernel knows it at once: statx(2) for the mode
    alone, which is what execve(2) uses, may be answered from what the kernel remembers."""

    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)
        self.m = self.mount("suid", "allow_other", "acregmin=60s", "acregmax=60s")
        self.file = self.m.path("file")

    def mode(self):
        """Asked for alone, as stat -c %a does."""
        return run("stat", "-c", "%a", self.file).stdout.strip()

    def privileged(self, mode):
        self.file.write_bytes(b"x" * 10_000)
        os.chown(self.file, 0, 0)
        self.file.chmod(mode)
        self.assertEqual(self.mode(), format(mode, "o"))

    def check(self, *words):
        for mode in (0o6777, 0o4766, 0o2676):
            with self.subTest(words[0], mode=oct(mode)):
                self.privileged(mode)
                as_user(*words)
                expected = mode & ~stat.S_ISUID
                if mode & stat.S_IXGRP:
                    expected &= ~stat.S_ISGID
                self.assertEqual(self.mode(), format(expected, "o"))
                self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), expected)

    def test_a_write(self):
        self.check("dd", "if=/dev/zero", f"of={self.file}", "bs=100", "count=1", "conv=notrunc", "status=none")

    def test_a_direct_write(self):
        self.check("dd", "if=/dev/zero", f"of={self.file}", "bs=4096", "count=1", "oflag=direct", "conv=notrunc",
                   "status=none")

    def test_fallocate(self):
        self.check("fallocate", "-l", "20000", self.file)

    def test_a_punched_hole(self):
        self.check("fallocate", "-p", "-o", "0", "-l", "4096", self.file)

    def test_zeros(self):
        self.check("fallocate", "-z", "-o", "0", "-l", "4096", self.file)

    def test_open_with_truncation(self):
        self.check("sh", "-c", f": >{self.file}")

    def test_truncate(self):
        self.check("truncate", "-s", "100", self.file)

    def test_copy_file_range(self):
        source = self.m.path("source")
        source.write_bytes(b"y" * 1_000_000)
        source.chmod(0o644)
        run("sync", "-f", source, check=False)
        script = ("import os, sys; a = os.open(sys.argv[1], os.O_RDONLY); b = os.open(sys.argv[2], os.O_WRONLY)\n"
                  "while os.copy_file_range(a, b, 1 << 20): pass")
        self.check("python3", "-c", script, source, self.file)

    def test_roots_writes_keep_them(self):
        self.privileged(0o6777)
        with open(self.file, "r+b") as file:
            file.write(b"root")
        self.assertEqual(self.mode(), "6777")
