"""File handles, which an NFS server makes of files: what rgwfs(7) says of exports."""

import ctypes
import errno
import os

from harness import RGWFSTestCase

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100


class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]


def handle_of(path):
    """name_to_handle_at(2)."""
    handle, mount = Handle(bytes=128), ctypes.c_int()
    if LIBC.name_to_handle_at(AT_FDCWD, os.fsencode(path), ctypes.byref(handle), ctypes.byref(mount), 0) != 0:
        raise OSError(ctypes.get_errno(), "name_to_handle_at", os.fspath(path))
    return handle


def open_handle(mount, handle):
    """open_by_handle_at(2) for reading."""
    descriptor = os.open(mount, os.O_RDONLY | os.O_DIRECTORY)
    try:
        opened = LIBC.open_by_handle_at(descriptor, ctypes.byref(handle), os.O_RDONLY)
        if opened < 0:
            raise OSError(ctypes.get_errno(), "open_by_handle_at")
        return opened
    finally:
        os.close(descriptor)


class HandleTests(RGWFSTestCase):
    def test_a_handle_holds_while_the_kernel_has_the_file_in_memory_and_is_stale_after_that(self):
        mount = self.mount()
        mount.path("file").write_text("x")
        with open(mount.path("file"), encoding="utf-8"):
            handle = handle_of(mount.path("file"))
            os.close(open_handle(mount.point, handle))
        mount.remount()
        self.assertErrno(errno.ESTALE, open_handle, mount.point, handle)
