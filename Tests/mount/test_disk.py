"""A disk of the spool that fails while it is asked to: I20, P2, P4, C34, C35, C36.

The spool's data files and journal are on a FUSE filesystem that answers EIO or ENOSPC while a control
file says so. A spool whose directory itself is on FUSE is refused, so that only what is in it moves there.
"""

import errno
import os
import shutil
import time

from harness import RGWFSTestCase, run

# Nothing reaches the disk or the bucket but by fsync.
QUIET = ("fsync=local", "commit=1h", "writeback_delay=1h", "writeback_max_delay=1h")


class FailingDiskTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.failing = self.disk()
        self.slot = self.mount()
        self.plain = list(self.slot.options)
        self.slot.unmount()
        self.move_to_disk()

    def move_to_disk(self):
        """The data files and the database; SQLite follows the link with its log."""
        spool, = (path for path in self.slot.spool.iterdir() if (path / "FORMAT").exists())
        for path in sorted(spool.glob("journal.db*")) + [spool / "data"]:
            target = self.failing.point / path.name
            shutil.move(path, target)
            path.symlink_to(target)

    def start(self, *options):
        self.slot.options = [*self.plain, *options]
        self.slot.start()

    def open(self, name, flags=os.O_RDWR | os.O_CREAT):
        file = os.open(self.slot.path(name), flags, 0o644)
        self.addCleanup(self.close_quietly, file)
        return file

    @staticmethod
    def close_quietly(file):
        try:
            os.close(file)
        except OSError:
            pass

    def save(self, name, text):
        """Safe on the disk, as fsync says."""
        with open(self.slot.path(name), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def status(self):
        return run(self.program("rgwfs"), "status", self.slot.point, check=False)

    def assertSpoolFailed(self, call):
        """The log says how, and so does status; a change is refused clearly."""
        self.assertIn(f"the spool failed: no more changes are accepted reason={call}",
                      self.slot.log_tail())
        report = self.status()
        self.assertEqual(report.returncode, 2, report.stdout)
        self.assertRegex(report.stdout, r"the spool failed, no more changes are accepted: .*errno 5")
        self.assertErrno(errno.EROFS, self.slot.path("refused").mkdir)

    def remount_and_upload(self, expected):
        """After a crash, on a disk that works, the bucket gets what the mount shows, and nothing else."""
        self.slot.kill()
        for key in self.keys():
            # A disk that is nearly full sends at once what can be sent.
            self.assertObject(key, expected[key])
        self.start("writeback_delay=0s")
        self.assertEqual({name: self.slot.path(name).read_text()
                          for name in os.listdir(self.slot.point)}, expected)
        self.slot.unmount()
        self.assertEqual({key: self.get(key).decode() for key in self.keys()}, expected)

    def fail_to_sync(self, where, text):
        """An open file that fsync fails for, also when the disk works again; another one is safe."""
        self.start(*QUIET)
        self.save("safe", "on the disk")
        file = self.open("torn")
        os.write(file, text)
        self.failing.fail(f"sync EIO {where}")
        self.assertErrno(errno.EIO, os.fsync, file)
        self.failing.mend()
        self.assertErrno(errno.EIO, os.fsync, file)
        return file

    def test_a_failed_fsync_is_never_followed_by_success(self):
        file = self.fail_to_sync("data/*", b"not on the disk")
        self.assertErrno(errno.EIO, os.fdatasync, file)
        self.assertErrno(errno.EIO, os.fsync, self.open("torn", os.O_RDONLY))
        root = os.open(self.slot.point, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, root)
        self.assertErrno(errno.EIO, os.fsync, root)
        self.assertErrno(errno.EIO, os.close, file)
        os.fsync(self.open("safe", os.O_RDONLY))
        self.assertSpoolFailed("syncing the spool: fdatasync")
        self.assertEqual(self.slot.path("safe").read_text(), "on the disk")
        self.assertEqual(self.keys(), {})
        self.remount_and_upload({"safe": "on the disk", "torn": "not on the disk"})

    def test_a_journal_that_cannot_be_synced_is_no_success_either(self):
        self.fail_to_sync("journal.db*", b"its row is not")
        self.assertSpoolFailed("syncing the journal: sync")
        self.assertEqual(self.keys(), {})
        self.remount_and_upload({"safe": "on the disk", "torn": "its row is not"})

    def test_a_full_disk_fails_the_call_that_needed_it_and_nothing_else(self):
        self.fill("ENOSPC")

    def test_a_quota_that_is_used_up_is_a_full_disk(self):
        self.fill("EDQUOT")

    def fill(self, error):
        self.start(*QUIET)
        self.save("safe", "on the disk")
        file = self.open("grows")
        os.write(file, b"fits")
        for where, call in (("data/*", lambda: os.write(file, b" does not")),
                            ("journal.db*", self.slot.path("directory").mkdir)):
            self.failing.fail(f"write {error} {where}")
            self.assertErrno(errno.ENOSPC, call)
            self.failing.mend()
        self.assertEqual(os.fstat(file).st_size, 4)
        self.assertFalse(self.slot.path("directory").exists())
        os.write(file, b" now")
        os.fsync(file)
        os.close(file)
        self.assertEqual(self.status().returncode, 1, "it waits, and nothing has failed")
        self.remount_and_upload({"safe": "on the disk", "grows": "fits now"})

    def test_a_write_that_the_disk_refuses_makes_the_mount_read_only(self):
        safe = {}
        for rule, call, told in (
                ("write EIO data/*", self.grow, "writing a data file: write"),
                ("write EIO journal.db*", self.make_directory, "the journal: commit")):
            name = rule.replace(" ", "-").replace("/", "-")
            self.start(*QUIET)
            self.save(name, "on the disk")
            self.failing.fail(rule)
            self.assertErrno(errno.EIO, call, name)
            self.failing.mend()
            self.assertSpoolFailed(told)
            safe[name] = "on the disk"
            for name, text in safe.items():
                self.assertEqual(self.slot.path(name).read_text(), text)
            self.assertEqual(set(os.listdir(self.slot.point)), set(safe))
            self.slot.kill()
        self.start(*QUIET)
        self.remount_and_upload(safe)

    def grow(self, name):
        with open(self.slot.path(name), "ab", buffering=0) as file:
            file.write(b" and more")

    def make_directory(self, _):
        self.slot.path("directory").mkdir()

    def test_a_file_that_the_disk_does_not_create_fails_alone(self):
        self.start(*QUIET)
        self.save("safe", "on the disk")
        for number in (errno.EIO, errno.ENOSPC):
            # Files that are made one right after the other have data files made ahead, which no create asks for.
            time.sleep(0.1)
            self.failing.fail(f"create {errno.errorcode[number]} data/*")
            self.assertErrno(number, self.slot.path("new").touch)
            self.failing.mend()
            self.assertEqual(os.listdir(self.slot.point), ["safe"])
        self.save("new", "later")
        self.assertEqual(self.status().returncode, 1, "nothing has failed for good")
        self.remount_and_upload({"safe": "on the disk", "new": "later"})
