"""Real mounts of rgwfs on a real Ceph RGW, and what tests need to judge them.

Environment (scripts/test sets it):
  RGWFS_BIN               the program rgwfs (default: the release build of this clone)
  RGWFS_TEST_ENDPOINT     http://127.0.0.1:PORT, as in DIR/env of scripts/rgw-dev
  RGWFS_TEST_ACCESS_KEY, RGWFS_TEST_SECRET_KEY
  RGWFS_TEST_KEEP         set: logs and spools of failed tests stay

Every test has a bucket, a spool and a directory of its own, and a watchdog: when a test takes too
long, its daemons are killed, so that whoever hangs in a system call gets an error. The bucket is
looked at with boto3, never through rgwfs alone.
"""

import atexit
import errno
import functools
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

import boto3
import botocore.config
import botocore.exceptions

# The RGW is on this machine, and boto3 and rgwfs honour them.
for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
    os.environ.pop(name, None)

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("RGWFS_BIN") or REPOSITORY / ".build/release/rgwfs")
ENDPOINT = os.environ.get("RGWFS_TEST_ENDPOINT", "http://127.0.0.1:7480")
ACCESS_KEY = os.environ.get("RGWFS_TEST_ACCESS_KEY", "testkey")
SECRET_KEY = os.environ.get("RGWFS_TEST_SECRET_KEY", "testsecret")

MOUNT_SECONDS = 20
UNMOUNT_SECONDS = 120
COMMAND_SECONDS = 120
TEST_SECONDS = 120


def s3_client(endpoint=ENDPOINT):
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY, region_name="default",
        config=botocore.config.Config(
            s3={"addressing_style": "path"}, retries={"max_attempts": 3}))


def run(*command, check=True, timeout=COMMAND_SECONDS, **options):
    """Runs a program with a time limit; its output is in the error when it fails."""
    result = subprocess.run(
        [os.fspath(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL, timeout=timeout, text=True, errors="replace", **options)
    if check and result.returncode != 0:
        raise AssertionError(
            f"{' '.join(map(str, command))}: exit status {result.returncode}\n"
            f"{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return result


def wait_until(condition, seconds, what):
    """Polls until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def mounts():
    """Mount points of this mount namespace, with their types."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            before, after = line.rstrip("\n").split(" - ", 1)
            point = before.split(" ")[4].encode("utf-8", "surrogateescape")
            yield point.decode("unicode_escape"), after.split(" ")[0]


def is_mounted(point):
    return any(path == os.fspath(point) for path, _ in mounts())


def processes_naming(word, whole=True):
    """Process ids, other than ours, with this word, or part of one, on their command lines."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                line = file.read()
        except OSError:
            continue
        if os.fsencode(word) in (line.split(b"\0") if whole else line):
            found.append(int(entry))
    return found


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
            # While other threads of a killed process live, its sockets still answer. Fields: proc(5), 3 and 20.
            return fields[0] == "Z" and int(fields[17]) <= 1
    except OSError:
        return True


def resident(pid, field="VmRSS"):
    """Resident size of the process, in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field} of process {pid}")


def resident_peak(pid):
    """The largest it has been so far."""
    return resident(pid, "VmHWM")


@functools.cache
def tool(name):
    """A program of scripts/tools, built when it is older than its source: its path."""
    return run("bash", "-c", f'. "$0"; tool {name}', REPOSITORY / "scripts/common.sh").stdout.strip()


class Proxy:
    """rgwproxy in front of the RGW: counts requests, adds latency, fails on demand, as its head describes.

    Paused it is a server that accepts connections and never answers; stopped it is a dead port.
    """

    def __init__(self, directory, delay_ms=0, fault=None):
        self.log = pathlib.Path(directory) / f"proxy-{uuid.uuid4().hex[:6]}.log"
        self.port = free_port()
        self.listener = f"{self.port}:{delay_ms}" + (f":{fault}" if fault else "")
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.start()

    def start(self):
        upstream = ENDPOINT.rsplit(":", 1)[1].rstrip("/")
        self.process = subprocess.Popen(
            [tool("rgwproxy"), upstream, self.log, self.listener],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError("rgwproxy does not start")

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def let_pass(self):
        """What comes from now on is not held and meets no "mix"; what "late" holds stays held."""
        self.process.send_signal(signal.SIGUSR1)

    def deliver(self):
        """What "late" holds arrives after all, and nothing is held any more."""
        self.process.send_signal(signal.SIGUSR2)

    def mend(self):
        """The same port, without the fault. What it held never arrives."""
        self.stop()
        self.listener = ":".join(self.listener.split(":")[:2])
        self.start()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def clear(self):
        """Forgets the requests so far."""
        os.truncate(self.log, 0)

    def requests(self, method=None):
        """(method, status, target) of every request that was answered; the status of a held one is 0."""
        return [row[:3] for row in self.timed_requests() if method in (None, row[0])]

    def timed_requests(self):
        """(method, status, target, when it came, when it was answered), as time.monotonic() has it."""
        rows = []
        with open(self.log, encoding="utf-8", errors="replace") as file:
            for line in file:
                words = line.split()
                if len(words) >= 8:
                    rows.append((words[1], int(words[2]), words[5], float(words[6]), float(words[7])))
        return rows


class Disk:
    """emptyfs on a local directory: a disk that fails while it is told to, as its head describes."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.content = self.directory / "content"
        self.point = self.directory / "point"
        self.faults = self.directory / "faults"
        for path in (self.content, self.point):
            path.mkdir()
        self.faults.write_text("")
        self.process = subprocess.Popen(
            [tool("emptyfs"), self.content, self.point, self.faults], stdin=subprocess.DEVNULL,
            start_new_session=True)
        wait_until(lambda: is_mounted(self.point), MOUNT_SECONDS, "the disk is mounted")

    def fail(self, *rules):
        """From now on these calls fail: "CALL ERRNO PATTERN"."""
        lines = []
        for rule in rules:
            call, error, pattern = rule.split()
            lines.append(f"{call} {getattr(errno, error)} {pattern}\n")
        text = self.directory / "faults.new"
        text.write_text("".join(lines))
        text.rename(self.faults)

    def mend(self):
        self.fail()

    def remove(self):
        """After the mounts that use it: they get errors from now on, and nobody hangs."""
        subprocess.run(["umount", "-l", self.point], stderr=subprocess.DEVNULL, timeout=10)
        self.process.kill()
        self.process.wait(10)


class Mount:
    """One mount of rgwfs. Foreground by default, so that process and log are known."""

    def __init__(self, test, source, options=(), endpoint=ENDPOINT, foreground=True,
                 point=None, spool=None, start=True):
        self.test = test
        self.source = source
        self.point = pathlib.Path(point or test.new_directory("mnt"))
        self.spool = pathlib.Path(spool or test.directory / "spool")
        self.foreground = foreground
        self.log = test.directory / f"mount-{len(test.all_mounts)}.log"
        self.options = [f"url={endpoint}", f"credentials={test.credentials}",
                        f"spool={self.spool}", "connect_timeout=5", *options]
        # More variables for the daemon.
        self.environment = {}
        # Its limit of open files, as prlimit(1) wants it.
        self.descriptors = None
        self.process = None
        self.pid = None
        test.all_mounts.append(self)
        if start:
            self.start()

    @property
    def command(self):
        flags = ["-f"] if self.foreground else []
        limits = [] if self.descriptors is None else ["prlimit", f"--nofile={self.descriptors}"]
        words = [*limits, self.test.program("mount.rgwfs"), *flags, self.source, self.point,
                 "-o", ",".join(self.options)]
        return [os.fspath(word) for word in words]

    def start(self):
        started = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **self.environment}, start_new_session=True)
        if self.foreground:
            self.pid = self.process.pid
            wait_until(lambda: is_mounted(self.point) or self.process.poll() is not None,
                       MOUNT_SECONDS, f"{self.source} mounted")
            if not is_mounted(self.point):
                raise AssertionError(
                    f"mount ends with status {self.process.returncode}\n{self.log_tail()}")
        else:
            status = self.process.wait(MOUNT_SECONDS)
            if status != 0:
                raise AssertionError(f"mount ends with status {status}\n{self.log_tail()}")
            self.test.assertTrue(is_mounted(self.point), "exit status 0 means mounted")
            self.pid = next(iter(processes_naming(self.point)), None)
        self.seconds_to_start = time.monotonic() - started
        return self

    def path(self, *names):
        return self.point.joinpath(*names)

    def log_tail(self, lines=40):
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def wait_for_exit(self, seconds=UNMOUNT_SECONDS):
        if self.process and self.foreground:
            self.process.wait(seconds)
        elif self.pid:
            wait_until(lambda: gone(self.pid), seconds, f"daemon {self.pid} ends")
        self.pid = None

    def unmount(self):
        """As a user does: the helper that drains, then the daemon is gone."""
        run(self.test.program("umount.fuse.rgwfs"), self.point, timeout=UNMOUNT_SECONDS)
        self.test.assertFalse(is_mounted(self.point), "umount returned 0 and it is still mounted")
        self.wait_for_exit()

    def remount(self):
        self.unmount()
        return self.start()

    def kill(self):
        """kill -9, and what is left of the mount goes away."""
        kill(self.pid)
        self.wait_for_exit(10)
        subprocess.run(["umount", "-l", self.point], stderr=subprocess.DEVNULL, timeout=10)

    def discard(self):
        """After a test, whatever its outcome: no mount and no process stays."""
        for pid in [self.pid] if self.pid else []:
            kill(pid, signal.SIGCONT)
        if is_mounted(self.point):
            try:
                run(self.test.program("umount.fuse.rgwfs"), self.point, check=False, timeout=20)
            except subprocess.TimeoutExpired:
                pass
        for pid in {*([self.pid] if self.pid else []), *processes_naming(self.point)}:
            kill(pid)
        for _ in range(5):
            if not is_mounted(self.point):
                break
            subprocess.run(["umount", "-l", self.point], stderr=subprocess.DEVNULL, timeout=10)
        if self.process:
            self.process.wait(10)


# Tests that have begun and have not cleaned up. unittest runs no clean-up after an interrupt, so that
# the end of the program has to.
unfinished = set()


@atexit.register
def clean_up_unfinished():
    for test in list(unfinished):
        test.release()
        test.remove_directory()


def interrupt(*_):
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, interrupt)


class RGWFSTestCase(unittest.TestCase):
    """A bucket, a directory and any number of mounts; all of it is gone afterwards."""

    seconds = TEST_SECONDS
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        if not BINARY.exists():
            raise AssertionError(f"no program {BINARY}: scripts/build makes it")
        cls.s3 = s3_client()

    def setUp(self):
        self.all_mounts = []
        self.proxies = []
        self.disks = []
        self.buckets = []
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="rgwfs-test-"))
        unfinished.add(self)
        self.addCleanup(self.clean_up)
        self.watchdog = threading.Timer(self.seconds, self.bite)
        self.watchdog.daemon = True
        self.watchdog.start()
        self.programs = self.new_directory("bin")
        for name in ("rgwfs", "mount.rgwfs", "mount.fuse.rgwfs", "umount.rgwfs",
                     "umount.fuse.rgwfs"):
            (self.programs / name).symlink_to(BINARY.resolve())
        self.credentials = self.directory / "credentials"
        self.write_credentials(f"{ACCESS_KEY}:{SECRET_KEY}\n")
        self.bucket = self.new_bucket()

    # What a test is made of.

    def program(self, name):
        return self.programs / name

    def new_directory(self, name):
        path = self.directory / name
        number = 1
        while path.exists():
            number += 1
            path = self.directory / f"{name}{number}"
        path.mkdir()
        return path

    def new_bucket(self):
        name = f"rgwfs-test-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=name)
        self.buckets.append(name)
        return name

    def write_credentials(self, text, mode=0o600):
        self.credentials.write_text(text)
        self.credentials.chmod(mode)

    def mount(self, *options, source=None, **settings):
        return Mount(self, source or self.bucket, options, **settings)

    def proxy(self, delay_ms=0, fault=None):
        proxy = Proxy(self.directory, delay_ms, fault)
        self.proxies.append(proxy)
        return proxy

    def disk(self):
        disk = Disk(self.new_directory("disk"))
        self.disks.append(disk)
        return disk

    # The bucket as another client sees it.

    def put(self, key, body=b"", **extra):
        if isinstance(body, str):
            body = body.encode()
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **extra)

    def get(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def head(self, key):
        """The object's headers, or None when there is no such object."""
        try:
            return self.s3.head_object(Bucket=self.bucket, Key=key)
        except botocore.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def keys(self, prefix="", bucket=None):
        """Key to size of everything in the bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket or self.bucket, Prefix=prefix)
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}

    def contents(self):
        """Key to MD5 of everything in the bucket, of bytes read, not of ETags."""
        return {key: hashlib.md5(self.get(key)).hexdigest() for key in self.keys()}

    def assertObject(self, key, body):
        if isinstance(body, str):
            body = body.encode()
        self.assertIsNotNone(self.head(key), f"no object {key!r}")
        self.assertEqual(self.get(key), body, f"content of object {key!r}")

    def assertNoObject(self, key):
        self.assertIsNone(self.head(key), f"object {key!r} exists")

    def assertErrno(self, number, call, *arguments, **keywords):
        with self.assertRaises(OSError) as caught:
            call(*arguments, **keywords)
        self.assertEqual(os.strerror(caught.exception.errno), os.strerror(number))

    # The end.

    def bite(self):
        """The test takes too long: without its daemons, nothing can wait for ever."""
        print(f"\n{self.id()}: over {self.seconds} s, its daemons are killed", file=sys.stderr)
        for mount in self.all_mounts:
            for pid in {*([mount.pid] if mount.pid else []), *processes_naming(mount.point)}:
                kill(pid)

    def has_failed(self):
        result = self._outcome.result
        reports = getattr(result, "failures", []) + getattr(result, "errors", [])
        return any(getattr(test, "test_case", test) is self for test, _ in reports)

    def release(self):
        """Nothing stays mounted or running; returns the processes that had to be killed."""
        unfinished.discard(self)
        self.watchdog.cancel()
        for proxy in self.proxies:
            if proxy.process:
                proxy.resume()
        for mount in self.all_mounts:
            mount.discard()
        for disk in self.disks:
            disk.remove()
        for proxy in self.proxies:
            proxy.stop()
        deadline = time.monotonic() + 5
        while (left := processes_naming(self.directory, whole=False)) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in left:
            kill(pid)
        return left

    def clean_up(self):
        left = self.release()
        failed = self.has_failed()
        if failed:
            for mount in self.all_mounts:
                print(f"\n--- {self.id()}: log of {mount.source}\n{mount.log_tail()}", file=sys.stderr)
        for name in self.buckets:
            self.remove_bucket(name)
        if failed and os.environ.get("RGWFS_TEST_KEEP"):
            print(f"kept: {self.directory}", file=sys.stderr)
        else:
            self.remove_directory()
        self.assertEqual(left, [], "a process stays")
        for mount in self.all_mounts:
            self.assertFalse(is_mounted(mount.point), "a mount stays")

    def remove_directory(self):
        """Never through a mount: that would delete the bucket's content."""
        if not any(is_mounted(mount.point) for mount in self.all_mounts):
            shutil.rmtree(self.directory, ignore_errors=True)

    def remove_bucket(self, name):
        try:
            for key in self.keys(bucket=name):
                self.s3.delete_object(Bucket=name, Key=key)
            self.s3.delete_bucket(Bucket=name)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise


def describe(root, times=True):
    """Everything below a directory that a copy has to keep: path to what it is."""
    table = {}
    for directory, subdirectories, files in os.walk(os.fsencode(root)):
        for name in subdirectories + files:
            path = os.path.join(directory, name)
            table[os.path.relpath(path, os.fsencode(root))] = describe_one(path, times)
    return table


def describe_one(path, times=True):
    status = os.lstat(path)
    row = {
        "type": stat.S_IFMT(status.st_mode),
        "mode": oct(stat.S_IMODE(status.st_mode)),
        "owner": (status.st_uid, status.st_gid),
    }
    if times:
        row["mtime"] = status.st_mtime_ns
    if stat.S_ISLNK(status.st_mode):
        row["target"] = os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        row["size"] = status.st_size
        row["md5"] = digest(path)
    return row


def digest(path):
    md5 = hashlib.md5()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            md5.update(block)
    return md5.hexdigest()


ODD_NAMES = [
    "with space", " leading and trailing ", "plus+percent%20and%", "question?hash#amp&semi;",
    "quote'double\"back\\slash", "star*[brackets]{braces}", "new\nline", "tab\tand\x01control\x7f",
    "grüße-日本語-🐟", "nfc-\u00e9", "nfd-e\u0301", "-rf", "~tilde", "colon:at@equals=", ".hidden",
    "...", "trailing.", "<xml>&amp;", "n" * 255, "%2F", "a,b;c|d", "$HOME`id`$(id)",
]


def make_tree(root, files=100, seed=1):
    """A tree of small files with nested directories, odd names, symlinks, modes and times."""
    import random
    source = random.Random(seed)
    root = pathlib.Path(root)
    directories = [root]
    for number in range(max(3, files // 25)):
        directory = source.choice(directories) / f"dir {number}"
        directory.mkdir()
        directories.append(directory)
    (root / "empty directory").mkdir()
    made = []
    for number in range(files):
        name = ODD_NAMES[number] if number < len(ODD_NAMES) else f"file-{number}.{'txt' if number % 2 else 'bin'}"
        path = source.choice(directories) / name
        size = source.choice([0, 1, 17, 4096, 4097, 10000, 65536])
        path.write_bytes(source.randbytes(size))
        path.chmod(source.choice([0o644, 0o600, 0o755, 0o640, 0o444]))
        made.append(path)
    for number in range(max(3, files // 50)):
        link = source.choice(directories) / f"link-{number}"
        link.symlink_to(source.choice(["../nowhere", "file-30.bin", "/etc/hostname", "dir 0/ü x"]))
        os.utime(link, ns=(0, source.randrange(10 ** 18, 17 * 10 ** 17)), follow_symlinks=False)
    for path in made:
        os.utime(path, ns=(10 ** 18, source.randrange(10 ** 18, 17 * 10 ** 17)))
    for directory in sorted(directories + [root / "empty directory"], reverse=True):
        directory.chmod(source.choice([0o755, 0o700, 0o775]))
        os.utime(directory, ns=(10 ** 18, source.randrange(10 ** 18, 17 * 10 ** 17)))
    return root
