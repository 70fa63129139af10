"""Laws of data in open files: copies, mapped memory, synchronisation, locks, files without a name."""

import errno
import fcntl
import mmap
import os
import select
import socket
import stat
import struct

from syscalls import copy_file_range
from shared import in_child

F_OFD_SETLK = 37


class CopyLaws:
    def test_copy_file_range_copies_what_it_says(self):
        data = os.urandom(300_000)
        source = self.opened(self.file("source", data), os.O_RDONLY)
        path = self.file("target", b"0" * 10)
        target = self.opened(path)
        self.assertEqual(self.copy_all(source, 100, target, 5, 200_000), 200_000)
        self.assertEqual(path.read_bytes(), b"0" * 5 + data[100:200_100])
        self.assertEqual(os.lseek(source, 0, os.SEEK_CUR), 0, "given offsets leave the handle's")
        self.assertEqual(self.copy_all(source, 299_990, target, 0, 100), 10)
        self.assertEqual(copy_file_range(source, 300_000, target, 0, 10), 0)
        os.ftruncate(target, 0)
        copied = copy_file_range(source, None, target, None, 1000)
        self.assertEqual(os.lseek(source, 0, os.SEEK_CUR), copied)
        self.assertEqual(path.read_bytes(), data[:copied])

    def test_copy_file_range_of_a_whole_file(self):
        data = os.urandom(100_000)
        source = self.opened(self.file("source", data), os.O_RDONLY)
        path = self.d / "target"
        target = self.opened(path, os.O_CREAT | os.O_WRONLY)
        self.assertEqual(self.copy_all(source, 0, target, 0, 100_000), 100_000)
        self.assertEqual(path.read_bytes(), data)

    def test_copy_file_range_that_is_refused(self):
        path = self.file("file", b"x" * 1000)
        both, reader = self.opened(path), self.opened(path, os.O_RDONLY)
        other = self.opened(self.file("other"))
        self.assertErrno(errno.EINVAL, copy_file_range, both, 0, both, 10, 100)
        self.assertErrno(errno.EBADF, copy_file_range, other, 0, reader, 0, 10)
        directory = self.opened(self.directory(), os.O_RDONLY)
        self.assertErrno(errno.EISDIR, copy_file_range, directory, 0, both, 0, 10)
        self.assertEqual(copy_file_range(both, 0, both, 2000, 100), 100)
        self.assertEqual(path.read_bytes(), b"x" * 1000 + bytes(1000) + b"x" * 100)

    def copy_all(self, source, start, target, at, count):
        done = 0
        while done < count:
            part = copy_file_range(source, start + done, target, at + done, count - done)
            if part == 0:
                break
            done += part
        return done

    def test_sendfile_reads_into_files_and_sockets(self):
        data = os.urandom(50_000)
        source = self.opened(self.file("source", data), os.O_RDONLY)
        path = self.file("target")
        target = self.opened(path)
        sent = 0
        while sent < len(data):
            sent += os.sendfile(target, source, sent, len(data) - sent)
        self.assertEqual(path.read_bytes(), data)
        near, far = socket.socketpair()
        with near, far:
            count = os.sendfile(near.fileno(), source, 10, 1000)
            self.assertEqual(far.recv(2000), data[10:10 + count])

    def test_splice_through_a_pipe(self):
        source = self.opened(self.file("source", b"through a pipe"), os.O_RDONLY)
        path = self.file("target")
        target = self.opened(path)
        out, into = os.pipe()
        try:
            count = os.splice(source, into, 100)
            self.assertEqual(os.splice(out, target, count), count)
        finally:
            os.close(out)
            os.close(into)
        self.assertEqual(path.read_bytes(), b"through a pipe"[:count])


class MemoryLaws:
    def test_shared_memory_and_the_file_are_one(self):
        path = self.file("file", b"a" * 10_000)
        descriptor = self.opened(path)
        with mmap.mmap(descriptor, 0) as memory:
            memory[5_000:5_003] = b"map"
            memory.flush()
            self.assertEqual(os.pread(descriptor, 5, 4_999), b"amapa")
            os.pwrite(descriptor, b"write", 20)
            self.assertEqual(memory[19:26], b"awritea")
            with mmap.mmap(descriptor, 0) as second:
                second[0:2] = b"22"
                self.assertEqual(memory[0:3], b"22a")
        expected = bytearray(b"a" * 10_000)
        expected[5_000:5_003], expected[20:25], expected[0:2] = b"map", b"write", b"22"
        self.assertEqual(path.read_bytes(), expected)

    def test_memory_outlives_the_descriptor(self):
        path = self.file("file", b"a" * 5_000)
        descriptor = os.open(path, os.O_RDWR)
        memory = mmap.mmap(descriptor, 0)
        os.close(descriptor)
        memory[100:105] = b"later"
        memory.flush()
        memory.close()
        self.assertEqual(path.read_bytes()[98:107], b"aalateraa")

    def test_private_memory_stays_private(self):
        path = self.file("file", b"a" * 5_000)
        with mmap.mmap(self.opened(path), 0, access=mmap.ACCESS_COPY) as memory:
            memory[0:4] = b"mine"
            self.assertEqual(memory[0:5], b"minea")
        with mmap.mmap(self.opened(path, os.O_RDONLY), 0, prot=mmap.PROT_READ) as memory:
            self.assertEqual(memory[:5], b"aaaaa")
        self.assertEqual(path.read_bytes(), b"a" * 5_000)

    def test_processes_share_memory(self):
        path = self.file("file", bytes(4_096))
        with mmap.mmap(self.opened(path), 0) as memory:
            def child():
                with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as own:
                    own[10:15] = b"child"
                return "done"
            in_child(child)
            self.assertEqual(memory[10:15], b"child")
        self.assertEqual(path.read_bytes()[10:15], b"child")

    def test_memory_cannot_be_written_through_a_reader(self):
        descriptor = self.opened(self.file("file", b"x" * 100), os.O_RDONLY)
        self.assertErrno(errno.EACCES, mmap.mmap, descriptor, 0,
                         mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)

    def test_writing_to_memory_moves_the_modification_time(self):
        path = self.file("file", bytes(4_096))
        descriptor = self.opened(path)

        def write():
            with mmap.mmap(descriptor, 0) as memory:
                memory[0:1] = b"x"
                memory.flush()
        self.assertEqual(self.moved(write, file=path), {"file.mtime", "file.ctime"})


class SyncLaws:
    def test_files_and_directories_can_be_synced(self):
        path = self.file("file", b"x")
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
            descriptor = self.opened(path, flags)
            os.fsync(descriptor)
            os.fdatasync(descriptor)
        os.fsync(self.opened(self.d, os.O_RDONLY | os.O_DIRECTORY))
        writer = self.opened(path)
        os.write(writer, b"synced")
        os.fsync(writer)
        os.unlink(path)
        os.write(writer, b"more")
        os.fsync(writer)

    def test_synchronous_handles_write(self):
        for name, flags in (("sync", os.O_SYNC), ("dsync", os.O_DSYNC)):
            path = self.d / name
            descriptor = self.opened(path, os.O_CREAT | os.O_RDWR | flags)
            os.write(descriptor, b"first ")
            os.write(descriptor, b"second")
            self.assertEqual(path.read_bytes(), b"first second")

    def test_files_are_always_ready(self):
        descriptor = self.opened(self.file("file", b"x"))
        self.assertEqual(select.select([descriptor], [descriptor], [], 5)[:2],
                         ([descriptor], [descriptor]))


class UnlinkedLaws:
    def test_an_unlinked_file_works_until_it_is_closed(self):
        path = self.file("file", b"content")
        descriptor, reader = self.opened(path), self.opened(path, os.O_RDONLY)
        os.unlink(path)
        self.assertErrno(errno.ENOENT, os.stat, path)
        os.pwrite(descriptor, b" and more", 7)
        self.assertEqual(os.read(reader, 100), b"content and more")
        os.ftruncate(descriptor, 3)
        os.fchmod(descriptor, 0o600)
        os.utime(descriptor, ns=(1, 2))
        status = os.fstat(descriptor)
        self.assertEqual((status.st_size, stat.S_IMODE(status.st_mode), status.st_mtime_ns),
                         (3, 0o600, 2))
        self.assertEqual(os.listdir(self.d), [])

    def test_its_name_can_be_used_again(self):
        path = self.file("file", b"old")
        old = self.opened(path)
        os.unlink(path)
        self.file("file", b"new content")
        self.assertNotEqual(os.fstat(old).st_ino, path.stat().st_ino)
        os.pwrite(old, b"changed", 0)
        os.close(old)
        self.assertEqual(path.read_bytes(), b"new content")

    def test_its_directory_can_be_removed(self):
        directory = self.directory()
        path = directory / "file"
        path.write_bytes(b"content")
        descriptor = self.opened(path)
        os.unlink(path)
        os.rmdir(directory)
        self.assertEqual(os.read(descriptor, 20), b"content")
        os.write(descriptor, b"!")

    def test_its_memory_stays_mapped(self):
        path = self.file("file", b"content" + bytes(4_089))
        descriptor = os.open(path, os.O_RDWR)
        with mmap.mmap(descriptor, 0) as memory:
            os.unlink(path)
            os.close(descriptor)
            memory[0:3] = b"CON"
            self.assertEqual(memory[0:7], b"CONtent")

    def test_a_file_renamed_over_lives_as_long(self):
        path = self.file("file", b"old")
        old = self.opened(path)
        os.rename(self.file("new", b"new"), path)
        self.assertEqual(os.read(old, 10), b"old")
        os.pwrite(old, b"OLD!", 0)
        self.assertEqual((os.pread(old, 10, 0), path.read_bytes()), (b"OLD!", b"new"))


class LinkCountLaws:
    def test_what_has_no_name_has_no_links(self):
        for name, remove in (("unlinked", os.unlink),
                             ("replaced", lambda path: os.rename(self.file("new"), path))):
            path = self.file(name)
            descriptor = self.opened(path)
            self.assertEqual(os.fstat(descriptor).st_nlink, 1)
            remove(path)
            self.assertEqual(os.fstat(descriptor).st_nlink, 0, name)
        path = self.directory()
        descriptor = self.opened(path, os.O_RDONLY | os.O_DIRECTORY)
        os.rmdir(path)
        self.assertEqual(os.fstat(descriptor).st_nlink, 0, "removed")


class LockLaws:
    def test_flock_excludes_other_processes(self):
        path = self.file()
        holder = self.opened(path)
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)

        def attempt(kind):
            with open(path, "rb") as file:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            return "got it"
        for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
            self.assertErrno(errno.EWOULDBLOCK, in_child, lambda kind=kind: attempt(kind))
        fcntl.flock(holder, fcntl.LOCK_SH)
        self.assertEqual(in_child(lambda: attempt(fcntl.LOCK_SH)), "got it")
        self.assertErrno(errno.EWOULDBLOCK, in_child, lambda: attempt(fcntl.LOCK_EX))
        os.close(holder)
        self.assertEqual(in_child(lambda: attempt(fcntl.LOCK_EX)), "got it")

    def test_record_locks_exclude_where_they_overlap(self):
        path = self.file("file", bytes(100))
        holder = self.opened(path)
        fcntl.lockf(holder, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 20)

        def attempt(start, length):
            with open(path, "r+b") as file:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
            return "got it"
        self.assertEqual(in_child(lambda: attempt(0, 20)), "got it")
        self.assertEqual(in_child(lambda: attempt(30, 10)), "got it")
        self.assertErrno((errno.EAGAIN, errno.EACCES), in_child, lambda: attempt(25, 10))
        fcntl.lockf(holder, fcntl.LOCK_UN, 10, 20)
        self.assertEqual(in_child(lambda: attempt(25, 10)), "got it")

    def test_a_lock_of_a_process_ends_with_it(self):
        path = self.file("file", bytes(100))

        def take():
            fcntl.lockf(os.open(path, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "taken"
        for _ in range(2):
            self.assertEqual(in_child(take), "taken")

    def test_locks_of_open_file_descriptions(self):
        path = self.file("file", bytes(100))
        one, two = self.opened(path), self.opened(path)
        record = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 10, 0)
        fcntl.fcntl(one, F_OFD_SETLK, record)
        self.assertErrno(errno.EAGAIN, fcntl.fcntl, two, F_OFD_SETLK, record)
        os.close(one)
        fcntl.fcntl(two, F_OFD_SETLK, record)
