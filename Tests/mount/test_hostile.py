"""Servers that contradict themselves, repeat themselves and lie: errors, never crashes, spins, or wrong bytes.

Promises P4 and P6. `relay.py` is the server; the bucket is looked at without it.

  RGWFS_HOSTILE_SEED=7 RGWFS_HOSTILE_SECONDS=600    the random run, other or longer
"""

import errno
import json
import os
import random
import re
import subprocess
import threading
import time
import unittest

from harness import RGWFSTestCase, resident_peak, run, wait_until
from relay import Answer, Relay, error, lying_rule

# Both attempts of a request and the pauses between them end well before BOUND.
SHORT = ("timeo=20", "retrans=1", "connect_timeout=2", "actimeo=0", "writeback_delay=0s")
BOUND = 40
# More than any mount needs that waits for the server: requests a second.
SPIN = 150
MEMORY = 400 << 20


class HostileTestCase(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.relays = []

    def relay(self, rule=None):
        relay = Relay(rule)
        self.relays.append(relay)
        self.addCleanup(relay.stop)
        return relay

    def mount_on(self, relay, *options):
        return self.mount(*SHORT, *options, endpoint=relay.endpoint)

    def fails(self, number, call, *arguments, **keywords):
        """That error, in bounded time."""
        started = time.monotonic()
        self.assertErrno(number, call, *arguments, **keywords)
        self.assertLess(time.monotonic() - started, BOUND)

    def is_alive(self, mount):
        self.assertIsNone(mount.process.poll(), f"the daemon ended\n{mount.log_tail()}")
        self.assertLess(resident_peak(mount.pid), MEMORY, "memory is bounded")


def append(path, data):
    with open(path, "ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def overwrite(path, offset, data):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(descriptor, data, offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def of(kind, key=None):
    """A rule's condition: the operation, and how the key ends."""
    return lambda request: request.kind == kind and (key is None or request.key.endswith(key))


class ListingTests(HostileTestCase):
    def listing_fails(self, change):
        """EIO for the directory while LIST lies, and nothing else."""
        for number in range(3):
            self.put(f"dir/file-{number}", "content")

        def rule(request):
            if request.kind == "list" and request.query.get("prefix", "") == "dir/":
                return change
            return None
        relay = self.relay(rule)
        mount = self.mount_on(relay)
        begun = time.monotonic()
        self.fails(errno.EIO, os.listdir, mount.path("dir"))
        self.assertLess(relay.count("list", since=begun), 20)
        self.is_alive(mount)
        relay.heal()
        self.assertEqual(len(os.listdir(mount.path("dir"))), 3)

    def test_keys_that_are_shorter_than_the_prefix_are_an_error_and_no_crash(self):
        self.listing_fails(lambda answer: answer.replace_body(
            re.sub(rb"<Key>dir(/|%2F)file-1", b"<Key>d", answer.body)))

    def test_prefixes_that_are_shorter_than_the_prefix_are_an_error_and_no_crash(self):
        self.listing_fails(lambda answer: answer.replace_body(answer.body.replace(
            b"<Contents>", b"<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes><Contents>", 1)))

    def test_the_same_page_for_ever_is_an_error(self):
        pages = []

        def change(answer):
            pages.append(answer.body.replace(b"<IsTruncated>false", b"<IsTruncated>true"))
            return answer.replace_body(pages[0])
        self.listing_fails(change)

    def test_names_that_do_not_exist_when_asked_for_are_no_names(self):
        for number in range(3):
            self.put(f"dir/file-{number}", "content")
        relay = self.relay(lambda request: Answer(
            404, [("x-amz-request-id", "tx1"), ("Content-Length", 0)])
            if of("head", "file-1")(request) else None)
        mount = self.mount_on(relay)
        begun = time.monotonic()
        self.assertErrno(errno.ENOENT, os.stat, mount.path("dir/file-1"))
        self.assertLess(relay.count(since=begun), 12)
        self.assertEqual(mount.path("dir/file-2").read_text(), "content")
        self.assertEqual(sorted(os.listdir(mount.path("dir"))), ["file-0", "file-2"])


class BodyTests(HostileTestCase):
    """A file whose bytes the server does not give as asked: read, append and fsync say so, and what the
    bucket has stays."""

    content = b"0123456789" * 1000

    def refuses(self, kind, change, content=None, reads=True):
        content = content or self.content
        self.put("file", content)
        relay = self.relay(lambda request: change if of(kind, "file")(request) else None)
        mount = self.mount_on(relay)
        path = mount.path("file")
        if reads:
            self.fails(errno.EIO, path.read_bytes)
        self.fails(errno.EIO, append, path, b"appended")
        self.fails(errno.EIO, overwrite, path, 5, b"changed")
        self.is_alive(mount)
        self.assertLess(relay.count("get"), 60)
        self.assertIn("could not be read", mount.log_tail(200), "the log says how")
        relay.heal()
        wait_until(lambda: path.read_bytes()[:5] == content[:5], BOUND, "it is read again")
        append(path, b"!")
        mount.unmount()
        self.assertObject("file", content + b"!")

    def test_an_empty_success_is_no_content(self):
        self.refuses("get", lambda answer: answer.replace_body(b"").set("Content-Range", None)
                     and Answer(200, answer.headers))

    def test_a_smaller_total_is_no_content(self):
        def change(answer):
            return Answer(206, answer.replace_body(answer.body[:10]).set(
                "Content-Range", "bytes 0-9/10").headers, answer.body)
        self.refuses("get", change)

    def test_another_range_is_no_content(self):
        def change(answer):
            return answer.set("Content-Range", f"bytes 1-{len(answer.body)}/{len(self.content)}")
        self.refuses("get", change)

    def test_more_bytes_than_the_range_are_no_content(self):
        self.refuses("get", lambda answer: answer.replace_body(answer.body + b"more"))

    def test_a_size_in_HEAD_that_is_not_the_size_is_an_error(self):
        self.refuses("head", lambda answer: answer.set("Content-Length", len(self.content) - 7))

    def test_a_larger_size_in_HEAD_than_the_size_is_an_error(self):
        self.refuses("head", lambda answer: answer.set("Content-Length", len(self.content) + 7))

    def test_a_large_file_that_is_changed_in_part_is_not_completed_with_nothing(self):
        content = random.Random(1).randbytes(65 << 20)
        self.put("file", content)
        relay = self.relay(lambda request: (
            lambda answer: Answer(200, answer.replace_body(b"").set("Content-Range", None).headers))
            if of("get", "file")(request) else None)
        mount = self.mount_on(relay)
        descriptor = os.open(mount.path("file"), os.O_RDWR)
        try:
            os.pwrite(descriptor, b"changed", 1 << 20)
            self.fails(errno.EIO, os.pread, descriptor, 100, 40 << 20)
            begun = time.monotonic()
            self.assertRaises(OSError, os.fsync, descriptor)
            self.assertLess(time.monotonic() - begun, BOUND)
        finally:
            os.close(descriptor)
        self.assertLess(relay.busiest_second(), SPIN)
        self.is_alive(mount)
        relay.heal()
        mount.unmount()
        self.assertObject("file", content[:1 << 20] + b"changed" + content[(1 << 20) + 7:])


class CompletionTests(HostileTestCase):
    def test_an_upload_in_parts_that_nobody_sees_afterwards_is_kept(self):
        content = random.Random(2).randbytes(12 << 20)
        done = (b"<CompleteMultipartUploadResult><ETag>&quot;x&quot;</ETag>"
                b"</CompleteMultipartUploadResult>")
        relay = self.relay(lambda request: Answer(
            200, [("x-amz-request-id", "tx1"), ("Content-Length", len(done))], done)
            if request.kind == "complete" else None)
        mount = self.mount_on(relay, "multipart_threshold=5M")
        with open(mount.path("large"), "wb") as file:
            file.write(content)
            file.flush()
            begun = time.monotonic()
            self.assertRaises(OSError, os.fsync, file.fileno())
            self.assertLess(time.monotonic() - begun, BOUND)
        self.assertNoObject("large")
        self.assertLess(relay.busiest_second(), SPIN)
        relay.heal()
        wait_until(lambda: self.head("large"), 90, "it arrives")
        mount.unmount()
        self.assertObject("large", content)


class TextTests(HostileTestCase):
    def test_what_the_server_says_forges_no_lines_and_fills_no_log(self):
        def rule(request):
            if request.kind in ("put", "get", "list") and "file" in request.key + str(request.query):
                return error(403, "Access\nDenied\x1b[31m" + "C" * 5000,
                             "forged\nrgwfs: error: line\x1b]0;title\x07" + "m" * 100_000,
                             x_amz_request_id="tx\x1b[0m" + "r" * 5000)
            return None
        self.put("file-in-bucket", "content")
        relay = self.relay(rule)
        mount = self.mount_on(relay)
        os.listdir(mount.point)
        with open(mount.path("file"), "wb") as file:
            file.write(b"kept")
            file.flush()
            self.assertRaises(OSError, os.fsync, file.fileno())
        self.assertRaises(OSError, mount.path("file-in-bucket").read_bytes)
        texts = [mount.log.read_text(errors="replace")]
        for words in (("status", mount.point), ("status", "--json", mount.point), ("queue", mount.point)):
            result = run(self.program("rgwfs"), *words, check=False)
            texts += [result.stdout, result.stderr]
        for text in texts:
            self.assertNotIn("\x1b", text)
            self.assertNotIn("\x07", text)
            for line in text.splitlines():
                self.assertLess(len(line), 4000)
                self.assertFalse(line.startswith("rgwfs: error: line"), "a forged line")
        json.loads(texts[3])
        relay.heal()
        mount.unmount()
        self.assertObject("file", b"kept")


class UnmountTests(HostileTestCase):
    def test_umount_tries_once_more_what_failed_for_good_and_waits_for_it(self):
        relay = self.relay(
            lambda request: error(403, "AccessDenied") if request.kind == "put" and request.key == "file" else None)
        mount = self.mount_on(relay)
        with open(mount.path("file"), "wb") as file:
            file.write(b"kept")
            file.flush()
            self.assertErrno(errno.EACCES, os.fsync, file.fileno())

        def slow(request):
            if request.kind == "put":
                time.sleep(2)
        relay.rule = slow
        mount.unmount()
        self.assertObject("file", b"kept")


class EndlessCodeTests(HostileTestCase):
    """A server that answers one operation with one code for ever: whoever waits is told, and requests stay
    few."""

    seconds = 240

    def test_no_code_makes_a_mount_spin(self):
        for number in range(3):
            self.put(f"dir/file-{number}", "content")
        relay = self.relay()
        mount = self.mount_on(relay)
        turns = [("put", 412, "PreconditionFailed"), ("put", 500, "InternalError"),
                 ("put", 418, "Teapot"), ("head", 500, "InternalError"), ("copy", 412, "PreconditionFailed"),
                 ("copy", 501, "NotImplemented"), ("delete", 500, "InternalError"),
                 ("delete", 404, "NoSuchKey"), ("put", 404, "NoSuchKey"), ("put", 409, "OperationAborted")]
        for kind, status, code in turns:
            with self.subTest(kind=kind, status=status, code=code):
                relay.rule = lambda request: error(status, code) if request.kind == kind else None
                begun = time.monotonic()
                for call in (
                        lambda: append(mount.path("dir/file-0"), b"+"),
                        lambda: os.chmod(mount.path("dir/file-1"), 0o600),
                        lambda: os.rename(mount.path("dir/file-2"), mount.path("dir/moved")),
                        lambda: os.unlink(mount.path("dir/moved")),
                        lambda: run("sync", "-f", mount.point, check=False, timeout=BOUND)):
                    try:
                        call()
                    except OSError:
                        pass
                self.assertLess(time.monotonic() - begun, 2 * BOUND)
                time.sleep(1)
                self.assertLess(relay.busiest_second(), SPIN)
                self.is_alive(mount)
                relay.heal()
                if not mount.path("dir/file-2").exists():
                    mount.path("dir/file-2").write_text("content")


class Written:
    """What programs wrote to one name: contents as a whole, and records behind whatever was there by then, each of
    which may have failed."""

    record = 10

    def __init__(self, content):
        self.wholes, self.records = [(content, 0)], []

    def save(self, content):
        self.wholes.append((content, len(self.records)))

    def append(self, record):
        self.records.append(record)

    def __contains__(self, data):
        return any(data.startswith(whole) and self.follows(data[len(whole):], since) for whole, since in self.wholes)

    def follows(self, tail, since):
        pieces = [tail[at:at + self.record] for at in range(0, len(tail), self.record)]
        rest = iter(self.records[since:])
        return all(piece in rest for piece in pieces)


class WrittenTests(unittest.TestCase):
    def test_it_knows_what_was_written(self):
        written = Written(b"old")
        for number in range(30):
            written.append(b"%010d" % number)
        written.save(b"new")
        written.append(b"x" * 10)
        for data in (b"old", b"old" + b"%010d" % 3, b"old" + b"%010d" % 3 + b"x" * 10, b"new", b"new" + b"x" * 10):
            self.assertIn(data, written)
        for data in (b"", b"ol", b"old0", b"new" + b"%010d" % 3, b"old" + b"%010d%010d" % (4, 3), b"new" + b"x" * 9,
                     b"new" + b"x" * 20, b"new" + bytes(10)):
            self.assertNotIn(data, written)


class RandomLieTests(HostileTestCase):
    """Programs work on a mount whose server lies about one answer in ten. What is in the bucket afterwards
    was written by them, whole, and what was acknowledged last is there."""

    run_seconds = int(os.environ.get("RGWFS_HOSTILE_SECONDS", "45"))
    seconds = run_seconds + 300

    def test_lies_never_crash_a_mount_nor_end_in_the_bucket(self):
        seed = int(os.environ.get("RGWFS_HOSTILE_SEED") or random.randrange(1 << 30))
        print(f"RGWFS_HOSTILE_SEED={seed}", flush=True)
        source = random.Random(seed)
        versions, safe = {}, {}
        for number in range(8):
            name = f"d{number % 2}/f{number}"
            content = source.randbytes(source.choice([0, 100, 300_000]))
            versions[name] = Written(content)
            self.put(name, content)
        # A PUT or a deletion that is said to be done and is not, nobody can find out.
        relay = self.relay()
        mount = self.mount_on(relay, "timeo=10")
        relay.rule = lying_rule(seed, 0.1)
        deadline = time.monotonic() + self.run_seconds
        while time.monotonic() < deadline:
            self.step(mount, source, versions, safe)
            self.is_alive(mount)
        self.assertLess(relay.busiest_second(), 10 * SPIN)
        relay.heal()
        mount.unmount()
        self.compare(versions, safe)

    def step(self, mount, source, versions, safe):
        name = source.choice(sorted(versions))
        path = mount.path(name)
        action = source.choice(["read", "read", "stat", "list", "save", "append", "chmod"])
        try:
            if action == "read":
                # Not more than that: a size may be a lie too, and Python would make room for it.
                with open(path, "rb") as file:
                    data = file.read(1 << 22)
                if data not in versions[name]:
                    self.fail(f"{name} reads as something that nobody wrote ({len(data)} bytes)")
            elif action == "stat":
                os.stat(path)
            elif action == "list":
                os.listdir(path.parent)
            elif action == "save":
                self.save(path, source.randbytes(source.choice([0, 100, 70_000])), name, versions, safe)
            elif action == "append":
                self.append(path, source.randbytes(10), name, versions, safe)
            else:
                os.chmod(path, source.choice([0o600, 0o644]))
        except OSError as problem:
            self.assertIn(problem.errno, (errno.EIO, errno.ETIMEDOUT, errno.ESTALE, errno.EACCES, errno.ENOENT,
                                          errno.EOPNOTSUPP, errno.EINVAL, errno.EFBIG, errno.EDQUOT))

    def save(self, path, data, name, versions, safe):
        # Between the two calls the file is empty: it may be uploaded so.
        versions[name].save(b"")
        versions[name].save(data)
        safe.pop(name, None)
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        safe[name] = data

    def append(self, path, more, name, versions, safe):
        safe.pop(name, None)
        versions[name].append(more)
        append(path, more)

    def compare(self, versions, safe):
        found = {}
        for key in self.keys():
            name = key.split(".conflict-")[0]
            data = self.get(key)
            self.assertIn(name, versions, "nobody made this name")
            self.assertIn(data, versions[name], f"{key} has bytes that nobody wrote ({len(data)})")
            found.setdefault(name, []).append(data)
        for name, data in safe.items():
            self.assertIn(data, found.get(name, []), f"{name}: what fsync confirmed is not in the bucket")


if __name__ == "__main__":
    unittest.main()
