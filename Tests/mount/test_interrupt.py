"""Programs that are killed or signalled while they wait for the server."""

import os
import signal
import subprocess
import sys
import time

from harness import RGWFSTestCase, wait_until

# Well below the time after which a request gives up by itself.
AT_ONCE = 10

READ = """
import ctypes, os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: None)
# Whoever runs the tests may ignore it: nohup(1) does.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# Without restarts, as a program that never expects EINTR from files.
ctypes.CDLL(None).siginterrupt(signal.SIGUSR1, 1)
libc = ctypes.CDLL(None, use_errno=True)
print("ready", flush=True)
descriptor = libc.open(sys.argv[1].encode(), os.O_RDONLY)
if descriptor < 0:
    sys.exit(ctypes.get_errno())
buffer = ctypes.create_string_buffer(100)
count = libc.read(descriptor, buffer, 100)
if count < 0:
    sys.exit(ctypes.get_errno())
print(buffer.raw[:count].decode())
"""


class InterruptTests(RGWFSTestCase):
    def reader(self, path):
        process = subprocess.Popen(
            [sys.executable, "-c", READ, path], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        wait_until(lambda: self.sleeps_in_fuse(process.pid), 10, "the reader waits")
        return process

    def sleeps_in_fuse(self, pid):
        # Blocked in open(2) or openat(2). Source: proc_pid_syscall(5).
        try:
            with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
                return file.read().split()[0] in ("2", "257")
        except OSError:
            return False

    def test_a_killed_program_does_not_wait_for_a_silent_server(self):
        self.put("d/file", "content")
        proxy = self.proxy()
        mount = self.mount(endpoint=proxy.endpoint)
        os.listdir(mount.point)
        proxy.pause()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            process = self.reader(mount.path("d/file"))
            started = time.monotonic()
            process.send_signal(number)
            self.assertEqual(process.wait(AT_ONCE), -number)
            self.assertLess(time.monotonic() - started, AT_ONCE)
        proxy.resume()
        wait_until(lambda: mount.path("d/file").read_text() == "content", 60, "it works again")

    def test_a_signal_that_is_handled_does_not_disturb(self):
        self.put("file", "content")
        self.put("other", "content")
        proxy = self.proxy()
        mount = self.mount(endpoint=proxy.endpoint)
        os.listdir(mount.point)
        proxy.pause()
        process = self.reader(mount.path("file"))
        process.send_signal(signal.SIGUSR1)
        # When a later one has been dealt with, so has this one.
        # (The kernel lets nobody go who waits for somebody else's lookup of the same name.)
        other = self.reader(mount.path("other"))
        other.send_signal(signal.SIGTERM)
        self.assertEqual(other.wait(AT_ONCE), -signal.SIGTERM)
        self.assertIsNone(process.poll())
        proxy.resume()
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(process.stdout.read(), "content\n")


if __name__ == "__main__":
    import unittest
    unittest.main()
