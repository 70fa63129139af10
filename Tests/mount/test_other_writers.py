"""Names and files that other clients of the bucket remove, replace and change. Promises P3, P4 and P8.

The other client is boto3. `actimeo` and its kin make what the mount believes old or young on purpose: with long
times the kernel asks for nothing by itself, which is when most can go wrong.
"""

import ctypes
import errno
import mmap
import os
import struct
import subprocess
import threading
import time
import unittest

from harness import RGWFSTestCase, wait_until

# Attributes are believed for a minute, listings for a second: the mount hears of changes by listings.
LISTED = ("acregmin=60", "acregmax=60", "acdirmin=1", "acdirmax=1")


class RemovedTests(RGWFSTestCase):
    """The other client removes what the kernel still knows."""

    def lose(self, mount, name="file"):
        """The name is known to the kernel, then removed by the other client, then missing in a listing."""
        self.assertEqual(mount.path(name).stat().st_size, 3)
        self.s3.delete_object(Bucket=self.bucket, Key=name)
        wait_until(lambda: name not in os.listdir(mount.point), 10, f"{name} is not listed")

    def test_what_is_written_to_a_removed_name_is_a_new_file(self):
        self.put("file", "old")
        mount = self.mount(*LISTED)
        self.lose(mount)
        with open(mount.path("file"), "w", encoding="utf-8") as file:
            file.write("new")
            file.flush()
            os.fsync(file.fileno())
        self.assertObject("file", "new")
        self.assertEqual(mount.path("file").read_text(), "new")

    def test_a_removed_name_cannot_be_opened_changed_or_asked(self):
        calls = {
            "open": lambda path: os.open(path, os.O_RDONLY),
            "append": lambda path: os.open(path, os.O_WRONLY | os.O_APPEND),
            "truncate": lambda path: os.truncate(path, 1),
            "chmod": lambda path: os.chmod(path, 0o600),
            "utime": lambda path: os.utime(path, (1, 1)),
            "setxattr": lambda path: os.setxattr(path, "user.a", b"b"),
            "getxattr": lambda path: os.getxattr(path, "user.a"),
            "stat": os.stat,
        }
        for name in calls:
            self.put(name, "old")
        mount = self.mount(*LISTED)
        for name, call in calls.items():
            self.lose(mount, name)
            if call is os.stat:
                # The kernel answers it alone until the thread that tells it has done so.
                wait_until(lambda: not mount.path("stat").exists(), 10, "the kernel has been told")
            self.assertErrno(errno.ENOENT, call, mount.path(name))
        self.assertEqual(self.keys(), {})

    def test_open_finds_out_itself_that_a_file_is_gone(self):
        self.put("file", "old")
        mount = self.mount("actimeo=60")
        self.assertEqual(mount.path("file").stat().st_size, 3)
        self.s3.delete_object(Bucket=self.bucket, Key="file")
        # Believed, and found out by the first read; from then on open asks, and the kernel does not.
        self.assertErrno(errno.ESTALE, mount.path("file").read_bytes)
        self.assertErrno(errno.ENOENT, os.open, mount.path("file"), os.O_RDONLY)
        self.assertErrno(errno.ENOENT, os.stat, mount.path("file"))
        mount.path("file").write_text("new")
        mount.unmount()
        self.assertObject("file", "new")

    def test_what_is_written_below_a_removed_directory_is_refused_or_kept(self):
        self.put("d/file", "old")
        mount = self.mount(*LISTED)
        self.assertEqual(mount.path("d/file").stat().st_size, 3)
        descriptor = os.open(mount.path("d/file"), os.O_WRONLY)
        self.s3.delete_object(Bucket=self.bucket, Key="d/file")
        wait_until(lambda: "d" not in os.listdir(mount.point), 10, "d is not listed")
        try:
            os.write(descriptor, b"new")
            os.fsync(descriptor)
        except OSError as error:
            self.assertEqual(error.errno, errno.ESTALE)
        else:
            self.assertObject("d/file", "new")
        finally:
            os.close(descriptor)


class ReplacedTests(RGWFSTestCase):
    """The other client writes another version."""

    def test_an_append_goes_to_the_end_of_the_version_that_is_there(self):
        self.put("file", "old")
        mount = self.mount(*LISTED)
        self.assertEqual(mount.path("file").stat().st_size, 3)
        self.put("file", "much longer than before")
        # From here on rgwfs knows of it, and the kernel does not.
        time.sleep(1.1)  # the cache time of the listing
        os.listdir(mount.point)
        with open(mount.path("file"), "a", encoding="utf-8") as file:
            file.write(" + ours")
        mount.unmount()
        self.assertEqual(set(self.keys()), {"file"})
        self.assertObject("file", "much longer than before + ours")

    def test_an_append_within_the_cache_time_mixes_nothing(self):
        self.put("file", "old")
        mount = self.mount("actimeo=60")
        self.assertEqual(mount.path("file").stat().st_size, 3)
        self.put("file", "much longer than before")
        with open(mount.path("file"), "a", encoding="utf-8") as file:
            file.write(" + ours")
        mount.unmount()
        self.assertObject("file", "much longer than before + ours")
        self.assertEqual(set(self.keys()), {"file"})

    def test_an_open_descriptor_appends_to_the_version_that_is_there(self):
        self.put("file", "old")
        mount = self.mount("actimeo=60")
        descriptor = os.open(mount.path("file"), os.O_RDWR | os.O_APPEND)
        self.put("file", "much longer than before")
        os.write(descriptor, b" + ours")
        # The kernel is told of the version as soon as the write has been answered.
        wait_until(lambda: os.pread(descriptor, 100, 0) == b"much longer than before + ours", 10,
                   "the whole file is read")
        self.assertEqual(os.fstat(descriptor).st_size, 30)
        os.write(descriptor, b" + more")
        os.close(descriptor)
        self.assertEqual(mount.path("file").read_text(), "much longer than before + ours + more")
        mount.unmount()
        self.assertObject("file", "much longer than before + ours + more")

    def test_a_read_within_the_cache_time_is_of_one_version(self):
        self.read_within_the_cache_time("small_files=0")

    def test_so_is_one_of_a_small_file_whose_bytes_came_with_its_attributes(self):
        self.read_within_the_cache_time("small_files=64K")

    def read_within_the_cache_time(self, option):
        versions = {"grows": (b"a" * 10, b"b" * 5000), "shrinks": (b"a" * 5000, b"b" * 10)}
        for name, (old, _) in versions.items():
            self.put(name, old)
        mount = self.mount("actimeo=60", option)
        for name, (old, new) in versions.items():
            self.assertEqual(mount.path(name).stat().st_size, len(old))
            self.put(name, new)
            with open(mount.path(name), "rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                try:
                    data = os.read(file.fileno(), size)
                except OSError as error:
                    self.assertEqual(error.errno, errno.ESTALE)
                else:
                    self.assertIn((size, data), [(len(old), old), (len(new), new)])
                    if data == old:
                        # Its bytes were here: believed for as long as its attributes are.
                        self.assertEqual((option, name), ("small_files=64K", "shrinks"))
                        self.assertEqual(mount.path(name).read_bytes(), old)
                        continue
            # From then on the new version is known, and no program hears an error.
            self.assertEqual(mount.path(name).read_bytes(), new)
            self.assertEqual(mount.path(name).stat().st_size, len(new))

    def test_opening_a_replaced_file_fails_for_nobody(self):
        mount = self.mount("noac")
        self.put("file", "x")
        for number in range(1, 40):
            self.put("file", "y" * number * 100)
            self.assertEqual(len(mount.path("file").read_bytes()), number * 100)


class ConflictTests(RGWFSTestCase):
    """What the kernel is told of a conflict."""

    def test_the_name_leads_to_the_other_version_once_a_conflict_is_settled(self):
        self.put("file", "base")
        mount = self.mount("actimeo=60", "writeback_delay=2s")
        with open(mount.path("file"), "r+", encoding="utf-8") as file:
            file.write("ours")
        self.put("file", "theirs, longer")
        wait_until(lambda: len(self.keys()) == 2, 30, "a second object with our version")
        wait_until(lambda: mount.path("file").read_text() == "theirs, longer", 10,
                   "the name leads to the other version")
        with open(mount.path("file"), "a", encoding="utf-8") as file:
            file.write(" + ours")
        mount.unmount()
        self.assertObject("file", "theirs, longer + ours")
        self.assertEqual(len(self.keys()), 2, "no second conflict")

    def test_the_same_after_resolve(self):
        for word, keys in (("both", 2), ("remote", 1)):
            with self.subTest(word):
                name = f"file-{word}"
                self.put(name, "base")
                mount = self.mount("actimeo=60", "conflict=hold", "writeback_delay=1s")
                with open(mount.path(name), "r+", encoding="utf-8") as file:
                    file.write("ours")
                self.put(name, "theirs, longer")
                rgwfs = self.program("rgwfs")

                def resolved(word=word, name=name, mount=mount, rgwfs=rgwfs):
                    return subprocess.run([rgwfs, "resolve", f"--{word}", mount.path(name)],
                                          capture_output=True, timeout=20).returncode == 0
                wait_until(resolved, 30, f"resolve --{word}")
                wait_until(lambda: mount.path(name).read_text() == "theirs, longer", 10,
                           "the name leads to the other version")
                mount.unmount()
                self.assertObject(name, "theirs, longer")
                self.assertEqual(len(self.keys(name)), keys)

    def test_readers_a_kill_and_an_unmount_get_along_with_notices(self):
        for number in range(20):
            self.put(f"file-{number}", "0" * 100_000)
        mount = self.mount("actimeo=1")
        stop = threading.Event()

        def read(number):
            while not stop.is_set():
                try:
                    data = mount.path(f"file-{number % 20}").read_bytes()
                except OSError:
                    continue
                self.assertLessEqual(len(set(data)), 1)
                number += 1

        def write():
            letter = 0
            while not stop.is_set():
                letter = (letter + 1) % 10
                for number in range(20):
                    self.put(f"file-{number}", str(letter) * (100_000 + letter))
                    os.listdir(mount.point)

        threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
        threads.append(threading.Thread(target=write))
        for thread in threads:
            thread.start()
        time.sleep(8)  # several rounds of cache times
        stop.set()
        for thread in threads:
            thread.join()
        mount.unmount()
        mount.start()
        self.assertEqual(len(mount.path("file-0").read_bytes()) // 10, 10_000)
        self.put("file-0", "1")
        mount.kill()


class DirectWriteTests(RGWFSTestCase):
    def test_buffered_readers_see_what_asynchronous_direct_writes_wrote(self):
        mount = self.mount()
        path = mount.path("file")
        size = 1 << 20
        path.write_bytes(b"0" * size)
        stop = threading.Event()

        def read():
            while not stop.is_set():
                path.read_bytes()

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        try:
            with Asynchronous(path) as writer:
                for number in range(1, 30):
                    writer.write(bytes([number]) * size)
        finally:
            stop.set()
            for reader in readers:
                reader.join()
        self.assertEqual(set(path.read_bytes()), {29})
        mount.unmount()
        self.assertEqual(set(self.get("file")), {29})


class Asynchronous:
    """Direct writes of a file by io_submit(2), in pieces that are under way together."""

    PIECE = 64 << 10
    NUMBERS = {"x86_64": (206, 207, 208, 209), "aarch64": (0, 1, 4, 2)}

    def __init__(self, path):
        # Source: linux, syscall tables: io_setup, io_destroy, io_getevents, io_submit.
        self.setup, self.destroy, self.getevents, self.submit = self.NUMBERS[os.uname().machine]
        self.call = ctypes.CDLL(None, use_errno=True).syscall
        self.descriptor = os.open(path, os.O_RDWR | os.O_DIRECT)
        self.context = ctypes.c_ulong(0)
        self.check(self.call(self.setup, 128, ctypes.byref(self.context)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call(self.destroy, self.context)
        os.close(self.descriptor)

    @staticmethod
    def check(result):
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    def write(self, data):
        memory = mmap.mmap(-1, len(data))
        memory.write(data)
        base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        count = len(data) // self.PIECE
        # struct iocb: data, key, rw_flags, opcode (1: pwrite), priority, descriptor, buffer, length, offset.
        blocks = [ctypes.create_string_buffer(struct.pack(
            "<QIIHhIQQqQII", number, 0, 0, 1, 0, self.descriptor, base + number * self.PIECE,
            self.PIECE, number * self.PIECE, 0, 0, 0)) for number in range(count)]
        pointers = (ctypes.c_void_p * count)(*[ctypes.addressof(block) for block in blocks])
        self.check(self.call(self.submit, self.context, ctypes.c_long(count), pointers))
        events = ctypes.create_string_buffer(32 * count)
        got = 0
        while got < count:
            got += self.check(self.call(
                self.getevents, self.context, ctypes.c_long(1), ctypes.c_long(count), events, None))


class NewDirectoryTests(RGWFSTestCase):
    """S8: what the spool alone knows is answered for as long as it is so."""

    def test_a_directory_that_only_the_spool_has_needs_no_server(self):
        # Nothing is uploaded, and then the server does not answer at all.
        proxy = self.proxy(fault="hold:PUT *")
        mount = self.mount("actimeo=1", "timeo=5", "retrans=1", endpoint=proxy.endpoint)
        os.listdir(mount.point)
        mount.path("d").mkdir()
        mount.path("d/one").write_text("1")
        proxy.pause()
        time.sleep(1.5)  # over the cache times
        self.quick(mount)
        mount.kill()
        proxy.resume()
        mount.start()
        os.stat(mount.point)
        proxy.pause()
        time.sleep(1.5)  # over the cache times again
        self.quick(mount)
        proxy.mend()
        mount.unmount()
        self.assertEqual(set(self.keys("d/")), {"d/", "d/one", "d/two", "d/sub/"})

    def quick(self, mount):
        """Each of these would wait for the server's time-outs otherwise."""
        started = time.monotonic()
        self.assertIn("one", os.listdir(mount.path("d")))
        self.assertFalse(mount.path("d/none").exists())
        mount.path("d/two").write_text("2")
        if not mount.path("d/sub").exists():
            mount.path("d/sub").mkdir()
        self.assertEqual(mount.path("d/one").read_text(), "1")
        self.assertLess(time.monotonic() - started, 2)


class ForeignMetadataTests(RGWFSTestCase):
    """H6: what the other client changed beside the bytes is not undone."""

    def chmod(self, key, mode, **more):
        head = self.head(key)
        self.s3.copy_object(
            Bucket=self.bucket, Key=key, CopySource={"Bucket": self.bucket, "Key": key},
            MetadataDirective="REPLACE", Metadata={**head["Metadata"], "mode": str(mode), **more})

    def prepare(self, mount):
        mount.path("file").write_text("first")
        mount.path("file").chmod(0o644)
        wait_until(lambda: (self.head("file") or {}).get("Metadata", {}).get("mode") == str(0o100644),
                   20, "the file is in the bucket")
        time.sleep(1.5)  # what is known is old now, and still believed
        self.chmod("file", 0o100600, note="theirs")

    def test_new_content_keeps_the_other_clients_mode(self):
        mount = self.mount("actimeo=60")
        self.prepare(mount)
        mount.path("file").write_text("second")
        mount.unmount()
        self.assertObject("file", "second")
        metadata = self.head("file")["Metadata"]
        self.assertEqual((metadata["mode"], metadata.get("note")), (str(0o100600), "theirs"))

    def test_times_keep_the_other_clients_mode(self):
        mount = self.mount("actimeo=60")
        self.prepare(mount)
        os.utime(mount.path("file"), (5, 5))
        mount.unmount()
        metadata = self.head("file")["Metadata"]
        self.assertEqual((metadata["mode"], metadata.get("note")), (str(0o100600), "theirs"))
        self.assertEqual(metadata["mtime"].split(".")[0], "5")

    def test_a_mode_set_here_wins_and_keeps_the_rest(self):
        mount = self.mount("actimeo=60")
        self.prepare(mount)
        mount.path("file").chmod(0o666)
        mount.unmount()
        metadata = self.head("file")["Metadata"]
        self.assertEqual((metadata["mode"], metadata.get("note")), (str(0o100666), "theirs"))


class RenameTests(RGWFSTestCase):
    """H7: a rename moves the version that is there."""

    def test_a_version_written_just_before_the_copy_is_in_the_bucket_afterwards(self):
        # The copies begin after two seconds: every version is there by then. One that is written between a copy and the
        # deletion after it is under LIMITS in rgwfs(7).
        mount = self.mount("actimeo=60", "writeback_delay=2s")
        for number in range(12):
            self.put(f"old-{number}", "first")
        for number in range(12):
            self.assertEqual(mount.path(f"old-{number}").read_text(), "first")
        for number in range(12):
            os.rename(mount.path(f"old-{number}"), mount.path(f"new-{number}"))
            self.put(f"old-{number}", f"second {number}, longer")
        mount.unmount()
        found = {self.get(key) for key in self.keys()}
        self.assertEqual(found, {b"second %d, longer" % number for number in range(12)})


if __name__ == "__main__":
    unittest.main()
