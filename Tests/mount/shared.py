"""One mount for all tests of a class, and the same laws on tmpfs: a test that fails there is wrong.

`OnMount` and `OnTmpfs` give each test an empty directory, `self.d`, and one identity: root, or an
ordinary user when the class says `user = True`. What a whole class of tests has left on the mount
must look the same after a remount.
"""

import concurrent.futures
import contextlib
import errno
import hashlib
import os
import pathlib
import stat
import subprocess
import tempfile
import time
import unittest

from harness import RGWFSTestCase, describe, is_mounted, run

# An ordinary user, a second one, and a group of which only the first is a member.
USER, OTHER, GROUP = 2001, 2002, 2003


class Fixture(RGWFSTestCase):
    """Bucket, spool and directory of a class of tests."""

    seconds = 240
    failed = False

    def has_failed(self):
        return self.failed

    def bite(self):
        os.seteuid(0)
        super().bite()

    def remove_bucket(self, name):
        """A thousand keys a request; what is left, one by one."""
        keys = [{"Key": key} for key in self.keys(bucket=name) if key.isprintable()]
        for start in range(0, len(keys), 1000):
            self.s3.delete_objects(
                Bucket=name, Delete={"Objects": keys[start:start + 1000], "Quiet": True})
        super().remove_bucket(name)


@contextlib.contextmanager
def identity(uid, gid=None, groups=()):
    """This process as somebody else, with their rights only; the saved id leads back."""
    gid = uid if gid is None else gid
    before = os.getresuid()[:2], os.getresgid()[:2], os.getgroups()
    os.seteuid(0)
    os.setgroups(list(groups))
    os.setresgid(gid, gid, 0)
    os.setresuid(uid, uid, 0)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setgroups(before[2])
        os.setresgid(*before[1], 0)
        os.setresuid(*before[0], 0)


def in_child(function, timeout=30):
    """Runs the function in a process of its own and returns what it returned, as text; errors as
    exceptions. No clean-up of unittest runs there."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            try:
                text = f"+{function()}"
            except OSError as error:
                text = f"!{error.errno}"
            except BaseException as error:  # pylint: disable=broad-except
                text = f"?{error!r}"
            os.write(writer, text.encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    if text.startswith("!"):
        raise OSError(int(text[1:]), os.strerror(int(text[1:])))
    if not text.startswith("+"):
        raise AssertionError(f"a child process failed: {text}")
    return text[1:]


class SharedCase(unittest.TestCase):
    """What laws are written in."""

    user = False
    maxDiff = 4000

    def setUp(self):
        self.d = self.top() / self.id().rpartition(".")[2][:200]
        self.d.mkdir()
        self.d.chmod(0o777)
        if self.user:
            os.chown(self.d, USER, USER)
            person = identity(USER, groups=(GROUP,))
            person.__enter__()
            self.addCleanup(person.__exit__, None, None, None)
        before = os.umask(0o022)
        self.addCleanup(os.umask, before)

    def file(self, name="file", content=b"", mode=0o644):
        path = self.d / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def directory(self, name="directory", mode=0o755):
        path = self.d / name
        path.mkdir()
        path.chmod(mode)
        return path

    def opened(self, path, flags=os.O_RDWR, mode=0o666):
        """A descriptor that the end of the test closes."""
        descriptor = os.open(path, flags, mode)
        self.addCleanup(self.close, descriptor)
        return descriptor

    @staticmethod
    def close(descriptor):
        with contextlib.suppress(OSError):
            os.close(descriptor)

    def assertErrno(self, numbers, call, *arguments, **keywords):
        numbers = numbers if isinstance(numbers, tuple) else (numbers,)
        with self.assertRaises(OSError) as caught:
            call(*arguments, **keywords)
        self.assertIn(errno.errorcode[caught.exception.errno],
                      [errno.errorcode[number] for number in numbers])

    # Times.

    def tick(self):
        """Until a change would have a later time than everything so far, on any clock."""
        clock = time.CLOCK_REALTIME_COARSE if hasattr(time, "CLOCK_REALTIME_COARSE") else 5
        start = time.time_ns()
        while time.clock_gettime_ns(clock) <= start:
            time.sleep(0.001)

    def moved(self, action, **paths):
        """Which times the action moves forward: a set of "NAME.mtime" and "NAME.ctime"."""
        def look():
            table = {}
            for name, path in paths.items():
                status = os.fstat(path) if isinstance(path, int) else os.lstat(path)
                table[f"{name}.mtime"] = status.st_mtime_ns
                table[f"{name}.ctime"] = status.st_ctime_ns
            return table
        self.tick()
        before = look()
        action()
        after = look()
        for key, value in after.items():
            self.assertGreaterEqual(value, before[key], f"{key} goes backwards")
        return {key for key, value in after.items() if value > before[key]}


@contextlib.contextmanager
def tmpfs():
    """A tmpfs for everybody, at a directory of its own."""
    point = pathlib.Path(tempfile.mkdtemp(prefix="rgwfs-test-tmpfs-"))
    try:
        run("mount", "-t", "tmpfs", "-o", "size=512m,mode=0777", "tmpfs", point)
        yield point
    finally:
        if is_mounted(point):
            subprocess.run(["umount", "-l", point], check=True, timeout=20)
        point.rmdir()


class OnTmpfs(SharedCase):
    """The reference."""

    @classmethod
    def setUpClass(cls):
        place = tmpfs()
        cls.point = place.__enter__()
        cls.addClassCleanup(place.__exit__, None, None, None)

    def top(self):
        return self.point


class OnMount(SharedCase):
    """A bucket of a real RGW."""

    options = ("allow_other",)

    @classmethod
    def setUpClass(cls):
        Fixture.setUpClass()
        cls.fixture = Fixture()
        cls.addClassCleanup(cls.fixture.clean_up)
        cls.fixture.setUp()
        cls.fixture.directory.chmod(0o755)
        cls.mount = cls.fixture.mount(*cls.options)
        cls.point = cls.mount.point
        cls.point.chmod(0o777)

    def top(self):
        return self.point

    def tearDown(self):
        result = self._outcome.result
        reports = result.failures + result.errors
        if any(getattr(test, "test_case", test) is self for test, _ in reports):
            self.fixture.failed = True

    def key(self, path):
        """The key of a file of the mount."""
        return os.fspath(path.relative_to(self.point))


class SameAfterRemount:
    """After the class: what its tests have left is the same after a remount."""

    @classmethod
    def tearDownClass(cls):
        before = snapshot(cls.point)
        cls.mount.remount()
        after = snapshot(cls.point)
        case = unittest.TestCase()
        case.maxDiff = 8000
        cls.fixture.failed = before != after or cls.fixture.failed
        case.assertEqual(after, before, "what the tests have left, after a remount")


class InBucketAfterwards(SameAfterRemount):
    """After the class: also, every file is an object with its bytes, every directory a marker, and
    nothing else is in the bucket."""

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        expected = {}
        for name, row in snapshot(cls.point).items():
            key = os.fsdecode(name) + ("/" if row["type"] == stat.S_IFDIR else "")
            content = row.get("target", b"")
            expected[key] = row.get("md5", hashlib.md5(content).hexdigest())
        cls.mount.unmount()
        keys = [key for key in cls.fixture.keys() if key != "/"]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = dict(zip(keys, pool.map(
                lambda key: hashlib.md5(cls.fixture.get(key)).hexdigest(), keys)))
        case = unittest.TestCase()
        case.maxDiff = 8000
        cls.fixture.failed = found != expected or cls.fixture.failed
        case.assertEqual(found, expected, "what the bucket holds")


def snapshot(root):
    """What a remount must not change. The times of directories move with what happens in them;
    their own are kept when somebody sets them."""
    table = describe(root)
    for name, row in table.items():
        path = os.path.join(os.fsencode(root), name)
        if row["type"] == stat.S_IFDIR:
            del row["mtime"]
        if row["type"] in (stat.S_IFCHR, stat.S_IFBLK):
            row["device"] = os.lstat(path).st_rdev
        row["xattr"] = user_attributes(path)
    return table


def user_attributes(path):
    """The extended attributes that users have set."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return {}
        raise
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names
            if not name.startswith("user.rgwfs.")}
