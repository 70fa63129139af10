"""A disk for spools whose power a test can cut.

A filesystem in a file on a loop device. `cut` is the kernel's own emergency shutdown without writing the
log: what was not on the disk by then never gets there, as when the power fails. What the filesystem makes
of that at the next mount is its real recovery.
"""

import fcntl
import os
import pathlib
import signal
import struct
import subprocess

from harness import is_mounted, run, wait_until

# EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN: one number. Source: linux/fs/ext4/ext4.h, xfs_fs.h.
SHUTDOWN = 0x8004587D
# EXT4_GOING_FLAGS_NOLOGFLUSH, XFS_FSOP_GOING_FLAGS_NOLOGFLUSH.
WITHOUT_LOG = 2
# XFS is never smaller; the file has holes.
SIZE = 320 << 20


class Disk:
    """One filesystem, mounted at `point` but for the time between `cut` and `restart`."""

    def __init__(self, directory, kind):
        self.point = pathlib.Path(directory) / f"disk-{kind}"
        self.point.mkdir()
        self.image = pathlib.Path(directory) / f"image-{kind}"
        with open(self.image, "wb") as file:
            file.truncate(SIZE)
        run(f"mkfs.{kind}", "-q", self.image)
        result = run("losetup", "--find", "--show", self.image, check=False)
        if result.returncode != 0:
            raise AssertionError(
                f"no loop device, so that no power can be cut here: {result.stderr.strip()}")
        self.device = result.stdout.strip()
        try:
            self.attach()
        except AssertionError:
            self.remove()
            raise

    def attach(self):
        run("mount", self.device, self.point)

    def cut(self):
        """The power fails."""
        root = os.open(self.point, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(root, SHUTDOWN, struct.pack("I", WITHOUT_LOG))
        finally:
            os.close(root)

    def restart(self):
        """The machine comes up again. Nobody may use the disk any more."""
        # Seen once: EIO of everything right after the log was replayed, and a second start without it.
        for attempt in range(3):
            run("umount", self.point)
            self.attach()
            try:
                for name in os.listdir(self.point):
                    os.stat(os.path.join(self.point, name))
                return
            except OSError as error:
                print(f"start {attempt} of the machine: {error}")
        raise AssertionError(f"{self.point} cannot be read after three starts")

    def remove(self):
        if is_mounted(self.point):
            subprocess.run(["umount", "-l", self.point], timeout=20, check=False)
        subprocess.run(["losetup", "--detach", self.device], timeout=20, check=False)


def stop(pid):
    """Every thread of it stands still."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(state(pid, task) in "TtZX" for task in os.listdir(f"/proc/{pid}/task")),
               10, f"process {pid} stopped")


def state(pid, task):
    with open(f"/proc/{pid}/task/{task}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0]


EARLIER_BOOT = "00000000-0000-0000-0000-000000000000"


def pretend_another_boot(spool):
    """What LOCK says of the machine's boot is made that of an earlier one."""
    locks = list(pathlib.Path(spool).glob("*/LOCK"))
    if not locks:
        raise AssertionError(f"no LOCK below {spool}")
    for lock in locks:
        lines = lock.read_text(errors="replace").splitlines()
        lock.write_text("".join(
            (line.split()[0] + " " + EARLIER_BOOT if line.startswith(("boot ", "settled ")) else line)
            + "\n" for line in lines))
