"""A random stream of system calls for two directories, and what they must have in common afterwards.

A step is a tuple of a name and values drawn in advance; a `Pick` among them stands for a path, often one
that exists by then. What a step does depends on nothing but them and the tree, so that the same stream
means the same on every filesystem. `Player` applies steps below one root
with `os.*` and tells what the program saw: a value, or the name of an errno.
"""

import collections
import errno
import hashlib
import mmap
import os
import random
import stat

HANDLES = 6
# Of 100 paths, how many name something that exists.
EXISTING = 65

# A path: `name`, or the existing one that `number` selects.
Pick = collections.namedtuple("Pick", "name number")
DIRECTORIES = ["", "d", "e", "d/e", "d/e/f", "é x"]
NAMES = ["a", "b", "c", "d", "e", "f"]
OPEN_MODES = [
    ("r", os.O_RDONLY), ("w", os.O_WRONLY), ("rw", os.O_RDWR), ("rw trunc", os.O_RDWR | os.O_TRUNC),
    ("w create", os.O_WRONLY | os.O_CREAT), ("rw create", os.O_RDWR | os.O_CREAT),
    ("w create excl", os.O_WRONLY | os.O_CREAT | os.O_EXCL),
    ("w create trunc", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ("w append", os.O_WRONLY | os.O_APPEND), ("rw create append", os.O_RDWR | os.O_CREAT | os.O_APPEND),
]
SIZES = [0, 1, 7, 100, 4095, 4096, 4097, 9000, 70_000]
OFFSETS = [0, 0, 1, 50, 4095, 4096, 10_000, 300_000]


def path_of(source):
    directory, name = source.choice(DIRECTORIES), source.choice(NAMES)
    return Pick(f"{directory}/{name}" if directory else name, source.randrange(10 ** 6))


def tree_of(source):
    return source.choice(DIRECTORIES[1:] + ["a", "b"])


def resolve(step, paths):
    """The step with its paths, given those that exist, sorted."""
    return tuple(
        word if not isinstance(word, Pick)
        else paths[word.number // 100 % len(paths)] if paths and word.number % 100 < EXISTING
        else word.name
        for word in step)


def step(source):
    """One random step."""
    path, slot, number = path_of(source), source.randrange(HANDLES), source.randrange(256)
    size, offset = source.choice(SIZES), source.choice(OFFSETS)
    kinds = [
        (10, ("open", slot, path, source.choice(OPEN_MODES), source.choice([0o644, 0o600, 0o755]))),
        (10, ("write", slot, offset, size, number)), (6, ("append", slot, size, number)),
        (5, ("read", slot, offset, source.choice(SIZES))), (4, ("ftruncate", slot, size)),
        (3, ("mmap", slot, offset, min(size, 5000), number)), (3, ("fsync", slot)),
        (9, ("close", slot)), (3, ("fstat", slot)),
        (12, ("save", path, size, number)), (4, ("extend", path, size, number)),
        (3, ("patch", path, offset, size, number)), (4, ("load", path)),
        (3, ("truncate", path, size)), (3, ("chmod", path, source.choice([0o600, 0o640, 0o755]))),
        (2, ("utime", path, source.randrange(10 ** 9, 17 * 10 ** 8), number * 1000)),
        (8, ("mkdir", tree_of(source))), (2, ("mkdir", path)), (3, ("rmdir", tree_of(source))),
        (1, ("rmdir", path)), (6, ("unlink", path)), (7, ("rename", path, path_of(source))),
        (4, ("rename", tree_of(source), tree_of(source))), (1, ("rename", path, tree_of(source))),
        (3, ("symlink", source.choice(["a", "../b", "nowhere", "/etc/hostname"]), path)),
        (1, ("readlink", path)), (3, ("list", tree_of(source))), (3, ("stat", path)),
    ]
    total = sum(weight for weight, _ in kinds)
    draw = source.randrange(total)
    for weight, found in kinds:
        if draw < weight:
            return found
        draw -= weight
    raise AssertionError("weights and draw disagree")


def stream(seed, count):
    source = random.Random(seed)
    return [step(source) for _ in range(count)]


def body(number, size):
    """Bytes that tell their writer and their place."""
    return bytes((number + index // 251 * 7 + index) & 0xFF for index in range(size))


class Player:
    """Steps applied below one root."""

    def __init__(self, root):
        self.root = os.fspath(root)
        self.handles = [None] * HANDLES

    def path(self, name):
        return os.path.join(self.root, name)

    def play(self, step):
        """What the program is told: a value that both filesystems must agree on."""
        try:
            return getattr(self, "do_" + step[0])(*step[1:])
        except OSError as error:
            return errno.errorcode.get(error.errno, error.errno)

    def close_all(self):
        for slot in range(HANDLES):
            self.play(("close", slot))

    # Open files. A step on a slot that is empty does nothing.

    def do_open(self, slot, name, mode, permissions):
        if self.handles[slot] is not None:
            os.close(self.handles[slot])
            self.handles[slot] = None
        self.handles[slot] = os.open(self.path(name), mode[1] | os.O_NOFOLLOW, permissions)

    def do_close(self, slot):
        if self.handles[slot] is None:
            return None
        handle, self.handles[slot] = self.handles[slot], None
        return os.close(handle)

    def do_write(self, slot, offset, size, number):
        if self.handles[slot] is None:
            return None
        return os.pwrite(self.handles[slot], body(number, size), offset)

    def do_append(self, slot, size, number):
        if self.handles[slot] is None:
            return None
        os.lseek(self.handles[slot], 0, os.SEEK_END)
        return os.write(self.handles[slot], body(number, size))

    def do_read(self, slot, offset, size):
        if self.handles[slot] is None:
            return None
        return hashlib.md5(os.pread(self.handles[slot], size, offset)).hexdigest()

    def do_ftruncate(self, slot, size):
        if self.handles[slot] is None:
            return None
        return os.ftruncate(self.handles[slot], size)

    def do_mmap(self, slot, offset, size, number):
        handle = self.handles[slot]
        if handle is None or os.fstat(handle).st_size < offset + size or size == 0:
            return None
        try:
            with mmap.mmap(handle, offset + size) as memory:
                memory[offset:offset + size] = body(number, size)
                memory.flush()
        except PermissionError:
            return "EACCES"
        return hashlib.md5(os.pread(handle, offset + size, 0)).hexdigest()

    def do_fsync(self, slot):
        return None if self.handles[slot] is None else os.fsync(self.handles[slot])

    def do_fstat(self, slot):
        if self.handles[slot] is None:
            return None
        status = os.fstat(self.handles[slot])
        return stat.filemode(status.st_mode), status.st_size

    # Names.

    def do_save(self, name, size, number):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644),
                  "wb") as file:
            file.write(body(number, size))

    def do_extend(self, name, size, number):
        handle = os.open(self.path(name), os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
        try:
            return os.write(handle, body(number, size))
        finally:
            os.close(handle)

    def do_patch(self, name, offset, size, number):
        handle = os.open(self.path(name), os.O_RDWR | os.O_NOFOLLOW)
        try:
            return os.pwrite(handle, body(number, size), offset)
        finally:
            os.close(handle)

    def do_load(self, name):
        handle = os.open(self.path(name), os.O_RDONLY | os.O_NOFOLLOW)
        try:
            return hashlib.md5(os.read(handle, 1 << 20)).hexdigest()
        finally:
            os.close(handle)

    def do_truncate(self, name, size):
        if os.path.islink(self.path(name)):
            return None
        return os.truncate(self.path(name), size)

    def do_chmod(self, name, mode):
        if os.path.islink(self.path(name)):
            return None
        return os.chmod(self.path(name), mode)

    def do_utime(self, name, seconds, nanoseconds):
        at = seconds * 10 ** 9 + nanoseconds
        os.utime(self.path(name), ns=(at, at), follow_symlinks=False)
        return os.lstat(self.path(name)).st_mtime_ns

    def do_mkdir(self, name):
        return os.mkdir(self.path(name))

    def do_rmdir(self, name):
        return os.rmdir(self.path(name))

    def do_unlink(self, name):
        return os.unlink(self.path(name))

    def do_rename(self, old, new):
        return os.rename(self.path(old), self.path(new))

    def do_symlink(self, target, name):
        return os.symlink(target, self.path(name))

    def do_readlink(self, name):
        return os.readlink(self.path(name))

    def do_list(self, name):
        return sorted(os.listdir(self.path(name)))

    def do_stat(self, name):
        status = os.lstat(self.path(name))
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        return stat.filemode(status.st_mode), size


def view(root, contents):
    """Path to everything that must be equal on both sides; `contents`: with the bytes of every file."""
    table = {}
    pending = [""]
    while pending:
        directory = pending.pop()
        for name in os.listdir(os.path.join(root, directory)):
            path = f"{directory}/{name}" if directory else name
            full = os.path.join(root, path)
            status = os.lstat(full)
            row = [stat.filemode(status.st_mode)]
            if stat.S_ISDIR(status.st_mode):
                pending.append(path)
            elif stat.S_ISLNK(status.st_mode):
                row.append(os.readlink(full))
            else:
                row.append(status.st_size)
                if contents:
                    with open(full, "rb") as file:
                        row.append(hashlib.md5(file.read()).hexdigest())
            table[path] = tuple(row)
    return table


def difference(expected, found):
    """What differs, shortly."""
    lines = []
    for path in sorted(expected.keys() | found.keys()):
        if expected.get(path) != found.get(path):
            lines.append(f"  {path!r}: expected {expected.get(path)}, found {found.get(path)}")
    return "\n".join(lines[:20])
