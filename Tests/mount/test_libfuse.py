"""Other builds of libfuse than the distribution's: what they refuse is done without, and a mount that fails leaves
nothing. Played by a library in front of the real one."""

import os
import stat

from harness import RGWFSTestCase, is_mounted, run

SOURCE = r"""
#include <errno.h>
#include <stddef.h>
/* fuse_session_custom_io of libfuse 3.14, and of 3.17 and later. */
int fuse_session_custom_io(void *session, const void *io, int descriptor) { return RESULT; }
int fuse_session_custom_io_317(void *session, const void *io, size_t size, int descriptor) { return RESULT; }
"""


class LibraryTests(RGWFSTestCase):
    def front(self, result):
        source, library = self.directory / "front.c", self.directory / "front.so"
        source.write_text(SOURCE)
        run("gcc", f"-DRESULT={result}", "-shared", "-fPIC", "-o", library, source)
        return {"LD_PRELOAD": os.fspath(library)}

    def test_a_library_that_lets_nobody_between_it_and_the_kernel(self):
        """libfuse 3.18's default. Set-ID bits go all the same: the kernel takes them away itself."""
        self.directory.chmod(0o755)
        mount = self.mount("suid", start=False)
        mount.environment = self.front("-ENOTSUP")
        mount.start()
        mount.path("file").write_bytes(b"x" * 10_000)
        mount.path("file").chmod(0o6777)
        run("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "dd", "if=/dev/zero",
            f"of={mount.path('file')}", "bs=100", "count=1", "conv=notrunc", "status=none")
        self.assertEqual(stat.S_IMODE(mount.path("file").stat().st_mode), 0o777)
        mount.remount()
        self.assertEqual(stat.S_IMODE(mount.path("file").stat().st_mode), 0o777)
        self.assertEqual(mount.path("file").read_bytes(), bytes(100) + b"x" * 9900)

    def test_a_mount_that_fails_in_the_middle_leaves_nothing(self):
        mount = self.mount(start=False, foreground=False)
        said = run(*mount.command, check=False, env={**os.environ, **self.front("-EIO")})
        self.assertEqual(said.returncode, 32, said.stderr)
        self.assertEqual(len(said.stderr.splitlines()), 1, said.stderr)
        self.assertFalse(is_mounted(mount.point))
        mount.start()
        mount.path("file").write_text("x")
        mount.unmount()
        self.assertObject("file", "x")
