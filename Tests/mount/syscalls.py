"""System calls that Python does not have, with errors as exceptions."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
for name in ("lseek", "telldir", "copy_file_range"):
    getattr(libc, name).restype = ctypes.c_long

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
UTIME_NOW = (1 << 30) - 1
UTIME_OMIT = (1 << 30) - 2

RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
RENAME_WHITEOUT = 4

FALLOC_FL_KEEP_SIZE = 0x01
FALLOC_FL_PUNCH_HOLE = 0x02
FALLOC_FL_COLLAPSE_RANGE = 0x08
FALLOC_FL_ZERO_RANGE = 0x10
FALLOC_FL_INSERT_RANGE = 0x20


def checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def renameat2(old, new, flags):
    checked(libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new),
                           ctypes.c_uint(flags)))


def fallocate(descriptor, mode, offset, length):
    checked(libc.fallocate(descriptor, mode, ctypes.c_int64(offset), ctypes.c_int64(length)))


def copy_file_range(source, from_offset, target, to_offset, count):
    """Bytes copied; None for an offset means: at the descriptor's, and moves it."""
    offsets = [None if offset is None else ctypes.byref(ctypes.c_int64(offset))
               for offset in (from_offset, to_offset)]
    return checked(libc.copy_file_range(source, offsets[0], target, offsets[1],
                                        ctypes.c_size_t(count), 0))


class Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def utimensat(path, atime, mtime, follow=True):
    """Each time is (seconds, nanoseconds), or one of UTIME_NOW and UTIME_OMIT."""
    pair = [(0, time) if isinstance(time, int) else time for time in (atime, mtime)]
    times = (Timespec * 2)(*pair)
    checked(libc.utimensat(AT_FDCWD, os.fsencode(path), times,
                           0 if follow else AT_SYMLINK_NOFOLLOW))


class Dirent(ctypes.Structure):
    _fields_ = [("number", ctypes.c_uint64), ("position", ctypes.c_int64),
                ("length", ctypes.c_ushort), ("kind", ctypes.c_ubyte),
                ("name", ctypes.c_char * 256)]


class Directory:
    """opendir(3) and its family, with seekdir and telldir."""

    def __init__(self, path):
        libc.opendir.restype = ctypes.c_void_p
        libc.readdir.restype = ctypes.POINTER(Dirent)
        self.stream = libc.opendir(os.fsencode(path))
        if not self.stream:
            checked(-1)
        self.stream = ctypes.c_void_p(self.stream)

    def read(self):
        """The next name, or None at the end."""
        entry = libc.readdir(self.stream)
        return os.fsdecode(entry.contents.name) if entry else None

    def rest(self):
        names = []
        while (name := self.read()) is not None:
            names.append(name)
        return names

    def tell(self):
        return libc.telldir(self.stream)

    def seek(self, position):
        libc.seekdir(self.stream, ctypes.c_long(position))

    def rewind(self):
        libc.rewinddir(self.stream)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        libc.closedir(self.stream)
