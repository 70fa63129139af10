"""Who is alive: locks and sockets decide, not process numbers. Zombies, other mount namespaces, bind mounts, a process
that still uploads while the next one has its directory."""

import json
import os
import signal
import socket
import subprocess
import sys

from harness import UNMOUNT_SECONDS, RGWFSTestCase, gone, is_mounted, kill, run, wait_until


class AliveTestCase(RGWFSTestCase):
    def rgwfs(self, *words):
        return run(self.program("rgwfs"), *words, check=False, timeout=60)

    def report(self, target):
        said = self.rgwfs("status", "--json", target)
        self.assertIn(said.returncode, (0, 1, 2), said.stdout + said.stderr)
        return json.loads(said.stdout)

    def umount(self, point):
        return run(self.program("umount.fuse.rgwfs"), point, check=False, timeout=UNMOUNT_SECONDS)

    def pid_of(self, mount):
        mount.pid = self.report(mount.point)["pid"]
        return mount.pid


class ZombieTests(AliveTestCase):
    """A container whose first process reaps nobody."""

    def setUp(self):
        super().setUp()
        # Starts what it reads, line by line, and never waits for a child, its own or those it inherits.
        program = ("import ctypes, subprocess, sys\n"
                   "ctypes.CDLL(None).prctl(36, 1)\n"  # PR_SET_CHILD_SUBREAPER
                   "for line in sys.stdin:\n"
                   "    import os; pid = os.posix_spawn('/bin/sh', ['sh', '-c', line + '\\necho $? >&3'], os.environ)\n")
        read, write = os.pipe()
        self.answers = os.fdopen(read)
        self.parent = subprocess.Popen(
            [sys.executable, "-c", "import os; os.dup2(%d, 3)\n%s" % (write, program)], stdin=subprocess.PIPE,
            text=True, pass_fds=(write,), start_new_session=True)
        os.close(write)
        self.addCleanup(self.answers.close)
        self.addCleanup(self.end)

    def end(self):
        self.parent.stdin.close()
        self.parent.wait(10)

    def start(self, *words):
        """Its exit status; the background process stays the child of somebody who does not wait."""
        self.parent.stdin.write(" ".join(f"'{word}'" for word in words) + "\n")
        self.parent.stdin.flush()
        return int(self.answers.readline())

    def zombie(self, mount):
        """The mount's process, killed and reaped by nobody."""
        self.assertEqual(self.start(*mount.command), 0)
        pid = self.pid_of(mount)
        kill(pid)
        wait_until(lambda: gone(pid), 10, "it is dead")
        self.assertTrue(os.path.exists(f"/proc/{pid}"), "and still has its number")
        run("umount", "-l", mount.point)
        mount.pid = None
        return pid

    def test_what_a_zombie_had_can_be_mounted_again(self):
        mount = self.mount(foreground=False, start=False)
        self.zombie(mount)
        mount.start()
        mount.path("file").write_text("x")
        mount.unmount()
        self.assertObject("file", "x")

    def test_a_zombie_does_not_keep_what_overlaps_from_being_mounted(self):
        mount = self.mount(foreground=False, start=False)
        self.zombie(mount)
        part = self.mount(source=f"{self.bucket}/part")
        part.path("file").write_text("x")
        part.unmount()
        self.assertObject("part/file", "x")

    def test_commands_speak_to_the_mount_and_not_to_a_zombie_that_had_the_directory(self):
        first = self.mount(foreground=False, start=False)
        self.zombie(first)
        other = self.new_bucket()
        second = self.mount("writeback_delay=1h", source=other, point=first.point)
        second.path("file").write_text("x")
        report = self.report(first.point)
        self.assertEqual((report["source"], report["pid"], report["pending"]), (other, second.pid, 1))
        said = self.umount(first.point)
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        second.wait_for_exit()
        self.assertEqual(self.keys(bucket=other), {"file": 1}, "umount waited for it")


class DrainingTests(AliveTestCase):
    def test_commands_speak_to_the_mount_and_not_to_who_still_uploads_there(self):
        """Sources whose spools come before and after the other's in any order."""
        gate = self.proxy()
        point = self.new_directory("shared")
        draining = []
        for _ in range(3):
            mount = self.mount("writeback_delay=1h", source=self.new_bucket(), point=point,
                               endpoint=gate.endpoint, foreground=False)
            self.pid_of(mount)
            mount.path("old").write_text("old")
            gate.pause()
            run("umount", "-i", "-l", point)
            draining.append(mount)
            current = self.mount("writeback_delay=1h", point=point, source=self.new_bucket(), foreground=False)
            self.pid_of(current)
            current.path("new").write_text("new")
            report = self.report(point)
            self.assertEqual((report["source"], report["life"], report["pending"]), (current.source, "mounted", 1))
            self.assertEqual(self.rgwfs("sync", point).returncode, 0)
            self.assertEqual(self.keys(bucket=current.source), {"new": 3})
            current.path("newer").write_text("newer")
            said = self.umount(point)
            self.assertEqual((said.returncode, said.stderr), (0, ""))
            self.assertEqual(self.keys(bucket=current.source), {"new": 3, "newer": 5})
            current.wait_for_exit()
            gate.resume()
        for mount in draining:
            mount.wait_for_exit()
            self.assertEqual(self.keys(bucket=mount.source), {"old": 3})


class NamespaceTests(AliveTestCase):
    def holder(self, point):
        """A process with a private copy of every mount, as a container has it."""
        process = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "sh", "-c",
             f"cat {point}/file >/dev/null; echo ready; read line; cat {point}/file"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.let_go, process)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def let_go(self, process):
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()

    def test_umount_says_who_still_has_it_and_the_next_mount_takes_over(self):
        mount = self.mount("writeback_delay=1h", foreground=False)
        mount.path("file").write_text("before\n")
        first = self.pid_of(mount)
        process = self.holder(mount.point)
        said = self.umount(mount.point)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn(f"process {process.pid} (sh) at {mount.point}", said.stderr)
        self.assertFalse(is_mounted(mount.point))
        self.assertFalse(gone(first), "it is served for those who have it")
        report = self.report(self.bucket)
        self.assertEqual(report["life"], "detached")
        mount.start()
        self.assertNotEqual(self.pid_of(mount), first)
        wait_until(lambda: gone(first), 10, "the first one ends")
        self.assertEqual(mount.path("file").read_text(), "before\n")
        mount.path("file").write_text("after\n")
        # A private copy is of the mount of then.
        process.stdin.write("\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.read(), "")
        mount.unmount()
        self.assertObject("file", "after\n")

    def test_when_the_other_namespace_goes_nothing_stays(self):
        mount = self.mount("writeback_delay=1h", foreground=False)
        mount.path("file").write_text("x")
        self.pid_of(mount)
        process = self.holder(mount.point)
        self.umount(mount.point)
        self.assertObject("file", "x")
        self.let_go(process)
        mount.wait_for_exit(20)

    def test_a_mount_that_is_still_here_is_not_taken_over(self):
        mount = self.mount(foreground=False)
        mount.path("file").write_text("x")
        self.pid_of(mount)
        self.holder(mount.point)
        again = run(self.program("mount.rgwfs"), self.bucket, self.new_directory("other"),
                    "-o", ",".join(mount.options), check=False)
        self.assertEqual(again.returncode, 32, again.stderr)
        self.assertIn("already mounted", again.stderr)


class BindTests(AliveTestCase):
    def setUp(self):
        super().setUp()
        self.m = self.mount("writeback_delay=1h")
        self.m.path("sub").mkdir()
        self.bound = self.new_directory("bound")
        run("mount", "--bind", self.m.path("sub"), self.bound)
        self.addCleanup(lambda: is_mounted(self.bound) and run("umount", "-l", self.bound))

    def test_umount_of_a_bind_mount_takes_it_away_without_a_word_and_without_waiting(self):
        (self.bound / "file").write_text("x")
        said = self.umount(self.bound)
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, "", ""))
        self.assertFalse(is_mounted(self.bound))
        self.assertEqual(self.m.path("sub/file").read_text(), "x")
        self.assertEqual(self.report(self.m.point)["pending"], 2)
        self.m.unmount()
        self.assertObject("sub/file", "x")

    def test_commands_reach_the_mount_through_a_bind_mount(self):
        (self.bound / "file").write_text("x")
        self.assertEqual(self.report(self.bound)["pid"], self.m.pid)
        self.assertEqual(self.rgwfs("sync", self.bound).returncode, 0)
        self.assertObject("sub/file", "x")

    def test_umount_of_the_mount_says_that_the_bind_mount_stays(self):
        (self.bound / "file").write_text("x")
        said = self.umount(self.m.point)
        self.assertEqual(said.returncode, 0)
        self.assertIn(f"still mounted at {self.bound}", said.stderr)
        self.assertObject("sub/file", "x")
        self.assertEqual((self.bound / "file").read_text(), "x")
        said = self.umount(self.bound)
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        self.m.wait_for_exit(20)


class SocketTests(AliveTestCase):
    def test_status_is_answered_while_many_wait(self):
        gate = self.proxy()
        mount = self.mount("writeback_delay=0s", endpoint=gate.endpoint)
        spool, = (path for path in mount.spool.iterdir() if (path / "FORMAT").exists())
        os.listdir(mount.point)
        gate.pause()
        mount.path("file").write_text("x")
        waiting = []
        for _ in range(60):
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.settimeout(20)
            client.connect(os.fspath(spool / "control"))
            client.sendall(b'{"rgwfs":1,"do":"sync"}\n')
            waiting.append(client)
        for client in waiting:
            # Progress, or that there are too many.
            self.assertTrue(client.recv(1))
        self.assertEqual(self.report(mount.point)["pending"], 1)
        gate.resume()


class SpoolPlaceTests(AliveTestCase):
    def refused(self, spool):
        words = ["mount.rgwfs", self.bucket, self.new_directory("mnt")]
        mount = self.mount(spool=spool, foreground=False, start=False)
        said = run(*mount.command, check=False)
        self.assertNotEqual(said.returncode, 0, words)
        self.assertEqual(len(said.stderr.splitlines()), 1, said.stderr)
        self.assertFalse(is_mounted(mount.point))
        return said.stderr

    def test_a_place_that_belongs_to_somebody_else_is_refused(self):
        place = self.new_directory("theirs")
        (place / "mine").mkdir(mode=0o700)
        os.chown(place, 12345, 12345)
        text = self.refused(place / "mine")
        self.assertIn(f"not safe in {place}, which belongs to user 12345", text)

    def test_a_place_where_everybody_may_rename_is_refused_unless_it_is_sticky(self):
        place = self.new_directory("open")
        place.chmod(0o777)
        self.assertIn(f"not safe in {place}, where everybody may rename it", self.refused(place / "mine"))
        place.chmod(0o1777)
        mount = self.mount(spool=place / "mine")
        mount.path("file").write_text("x")
        mount.unmount()
        self.assertObject("file", "x")
