"""A direct autofs mount as systemd's .automount units make it: whoever touches the directory waits until a
command has mounted something there. Source: linux/auto_fs.h, linux/auto_dev-ioctl.h,
Documentation/filesystems/autofs.rst.

The kernel lets the process group that made the mount through and keeps everybody else waiting, so the program that
mounts runs in the group of the tests, and the programs that use the mount in sessions of their own.
"""

import ctypes
import fcntl
import os
import select
import struct
import subprocess
import threading

LIBC = ctypes.CDLL(None, use_errno=True)

# struct autofs_v5_packet, up to the name.
PACKET = struct.Struct("iiIIQIIIII")
PACKET_BYTES = 304
MISSING, EXPIRE = 5, 6

# struct autofs_dev_ioctl without a path: version 1.0, its size, the mount's descriptor, and arguments.
REQUEST = struct.Struct("IIIi8s")
(OPEN_MOUNT, CLOSE_MOUNT, READY, FAIL, CATATONIC, EXPIRE_NOW) = (0x74, 0x75, 0x76, 0x77, 0x79, 0x7C)


def request_number(command):
    """_IOWR(0x93, command, struct autofs_dev_ioctl)."""
    return 3 << 30 | REQUEST.size << 16 | 0x93 << 8 | command


class Automount:
    """`mount`: the words of the command that mounts on `point`; it has to end when the mount is made."""

    def __init__(self, point, mount, unmount):
        self.point, self.mount, self.unmount = os.fspath(point), mount, unmount
        # What the commands said, in order: (words, exit status, output).
        self.runs = []
        self.control = os.open("/dev/autofs", os.O_RDONLY | os.O_CLOEXEC)
        self.packets, kernel = os.pipe()
        options = f"fd={kernel},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct"
        made = LIBC.mount(b"rgwfs-test", os.fsencode(self.point), b"autofs", 0, options.encode())
        if made != 0:
            raise OSError(ctypes.get_errno(), "mount of autofs", self.point)
        os.close(kernel)
        self.device = os.stat(self.point).st_dev
        self.mounted = self.ask(OPEN_MOUNT, struct.pack("I", self.device), path=self.point)
        self.ending, self.end = os.pipe()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def ask(self, command, arguments, path=None):
        """The descriptor in the answer."""
        tail = b"" if path is None else os.fsencode(path) + b"\0"
        head = REQUEST.pack(1, 0, REQUEST.size + len(tail), getattr(self, "mounted", -1),
                            arguments.ljust(8, b"\0"))
        block = bytearray(head + tail)
        fcntl.ioctl(self.control, request_number(command), block)
        return REQUEST.unpack_from(block)[3]

    def serve(self):
        while True:
            ready, _, _ = select.select([self.packets, self.ending], [], [])
            if self.ending in ready:
                return
            packet = os.read(self.packets, PACKET_BYTES)
            if not packet:
                return
            _, kind, token, *_ = PACKET.unpack_from(packet)
            words = self.mount if kind == MISSING else self.unmount
            try:
                done = subprocess.run(
                    [os.fspath(word) for word in words], capture_output=True, text=True, timeout=60)
                status, output = done.returncode, done.stdout + done.stderr
            except subprocess.TimeoutExpired:
                status, output = -1, "it hangs"
            self.runs.append((words, status, output))
            if status == 0:
                self.ask(READY, struct.pack("I", token))
            else:
                # -ENOENT, as systemd answers.
                self.ask(FAIL, struct.pack("Ii", token, -2))

    def expire(self):
        """Unmounts what nobody uses, as systemd does when the idle time is over; returns afterwards."""
        self.ask(EXPIRE_NOW, struct.pack("I", 1))

    def remove(self):
        """Whoever still waits gets an error."""
        os.write(self.end, b".")
        self.ask(CATATONIC, b"")
        self.ask(CLOSE_MOUNT, b"")
        for _ in range(2):
            subprocess.run(["umount", "-l", self.point], stderr=subprocess.DEVNULL, timeout=10)
        self.thread.join(70)
        for descriptor in (self.control, self.packets, self.ending, self.end):
            os.close(descriptor)
