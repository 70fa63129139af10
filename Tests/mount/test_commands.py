"""The commands, and what happens when a mount ends: rgwfs status, queue, sync, retry, resolve, stats,
ls-spools, lost, recover, discard, doctor; umount, SIGTERM, lingering, handover (C30 to C33)."""

import json
import os
import signal
import socket
import subprocess
import time
import unittest

from harness import RGWFSTestCase, gone, is_mounted, kill, run, wait_until


class CommandTestCase(RGWFSTestCase):
    def rgwfs(self, *words, status=None, **settings):
        """Runs rgwfs; with `status`, it has to exit so."""
        result = run(self.program("rgwfs"), *words, check=False, timeout=60, **settings)
        if status is not None:
            self.assertEqual(result.returncode, status,
                             f"rgwfs {' '.join(map(str, words))}: {result.stdout}{result.stderr}")
        return result

    def report(self, target):
        return json.loads(self.rgwfs("status", "--json", target).stdout)

    def lines(self, *words):
        return [json.loads(line) for line in self.rgwfs(*words).stdout.splitlines()]

    def spool_of(self, mount):
        """The one spool below the mount's spool= directory."""
        names = [path for path in mount.spool.iterdir() if (path / "FORMAT").exists()]
        self.assertEqual(len(names), 1)
        return names[0]


class StatusTests(CommandTestCase):
    def test_status_tells_clean_pending_and_blocked_by_its_exit_status(self):
        mount = self.mount("writeback_delay=30s", "writeback_max_delay=30s")
        self.rgwfs("status", mount.point, status=0)
        mount.path("file").write_text("12345")
        result = self.rgwfs("status", mount.point, status=1)
        self.assertIn("1 change", result.stdout)
        report = self.report(mount.point)
        self.assertEqual((report["pending"], report["pending_bytes"]), (1, 5))
        self.assertEqual(report["source"], self.bucket)
        self.assertEqual(report["pid"], mount.pid)
        self.rgwfs("sync", mount.point, status=0)
        self.rgwfs("status", mount.point, status=0)
        self.assertObject("file", "12345")

    def test_a_source_and_a_path_in_the_mount_name_it_too(self):
        mount = self.mount()
        mount.path("directory").mkdir()
        for target in (self.bucket, mount.path("directory"), self.spool_of(mount)):
            self.assertEqual(self.report(target)["mount_point"], os.fspath(mount.point))

    def test_what_is_no_mount_is_told_from_a_wrong_command_line(self):
        self.rgwfs("status", self.directory, status=3)
        self.rgwfs("status", "no-such-source-anywhere", status=3)
        self.rgwfs("status", status=64)
        self.rgwfs("status", "--colour", self.directory, status=64)
        self.rgwfs("dance", status=64)
        self.rgwfs("sync", "--timeout", "soon", self.directory, status=64)
        self.rgwfs("resolve", self.directory / "x", status=64)

    def test_a_mount_that_hangs_does_not_hang_the_command(self):
        mount = self.mount()
        os.kill(mount.pid, signal.SIGSTOP)
        started = time.monotonic()
        self.rgwfs("status", mount.point, status=3)
        self.assertLess(time.monotonic() - started, 30)
        os.kill(mount.pid, signal.SIGCONT)

    def test_queue_lists_what_waits_and_stats_what_was_asked(self):
        mount = self.mount("writeback_delay=30s", "writeback_max_delay=30s")
        mount.path("a").write_text("1")
        mount.path("odd\nname").write_text("22")
        rows = self.lines("queue", "--json", mount.point)
        self.assertEqual([(row["path"], row["bytes"]) for row in rows], [("a", 1), ("odd\nname", 2)])
        self.assertEqual(len(self.rgwfs("queue", mount.point, status=1).stdout.splitlines()), 2)
        self.rgwfs("sync", mount.point, status=0)
        self.rgwfs("queue", mount.point, status=0)
        stats = json.loads(self.rgwfs("stats", "--json", mount.point, status=0).stdout)
        self.assertEqual(stats["requests"]["PUT"]["count"], 2)
        self.assertEqual(stats["requests"]["PUT"]["bytes_sent"], 3)

    def test_only_the_owner_and_root_may_ask(self):
        mount = self.mount()
        # The socket is in a directory that is closed to others; here it is opened for the test.
        spool = self.spool_of(mount)
        for directory in (spool, mount.spool, self.directory):
            directory.chmod(0o755)
        (spool / "control").chmod(0o666)
        ask = ("import socket; s = socket.socket(socket.AF_UNIX); "
               f"s.connect({os.fspath(spool / 'control')!r}); "
               "s.send(b'{\"rgwfs\":1,\"do\":\"status\"}\\n'); print(s.recv(10000).decode())")
        said = run("python3", "-c", ask, user=65534, group=65534).stdout
        self.assertEqual(json.loads(said)["error"]["code"], "denied")
        said = run("python3", "-c", ask).stdout
        self.assertEqual(json.loads(said)["done"]["pending"], 0)

    def test_nonsense_on_the_socket_harms_nobody(self):
        mount = self.mount()
        for text in (b"\n", b"{}\n", b"x" * 200_000, b'{"rgwfs":9,"do":"status"}\n', b"\0\xff\n"):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(20)
                client.connect(os.fspath(self.spool_of(mount) / "control"))
                try:
                    client.sendall(text)
                    client.recv(10_000)
                except (BrokenPipeError, ConnectionResetError):
                    pass
        self.rgwfs("status", mount.point, status=0)


class QueueTests(CommandTestCase):
    def test_retry_tries_at_once(self):
        gate = self.proxy()
        mount = self.mount(endpoint=gate.endpoint)
        os.listdir(mount.point)
        gate.stop()
        mount.path("file").write_text("x")
        wait_until(lambda: self.report(mount.point)["retrying"] == 1, 60, "it fails")
        gate.start()
        self.rgwfs("retry", mount.path("file"), status=0)
        wait_until(lambda: self.head("file"), 10, "the file is in the bucket")

    def test_sync_gives_up_at_its_time_and_says_what_is_left(self):
        gate = self.proxy()
        mount = self.mount(endpoint=gate.endpoint)
        os.listdir(mount.point)
        gate.stop()
        mount.path("file").write_text("x")
        result = self.rgwfs("sync", "--timeout", "500ms", mount.point, status=1)
        self.assertIn("1 change", result.stdout)
        gate.start()
        self.rgwfs("sync", mount.point, status=0)
        self.assertObject("file", "x")

    def conflict(self):
        mount = self.mount("conflict=hold", "writeback_delay=3s")
        mount.path("file").write_text("first")
        self.rgwfs("sync", mount.point, status=0)
        mount.path("file").write_text("mine")
        self.put("file", "theirs")
        wait_until(lambda: self.rgwfs("status", mount.point).returncode == 2, 30, "the conflict is told")
        self.assertEqual(os.getxattr(mount.path("file"), "user.rgwfs.state"), b"conflict")
        self.assertEqual(mount.path("file").read_text(), "mine")
        self.assertObject("file", "theirs")
        self.assertIn("file was changed by another client; choose a version with rgwfs resolve",
                      self.rgwfs("status", mount.point).stdout)
        return mount

    def test_a_name_that_is_a_line_of_its_own_stays_in_its_line(self):
        name = "a\nrgwfs: error: forged\x1b[31m\u202e"
        mount = self.mount("conflict=hold", "writeback_delay=3s")
        mount.path(name).write_text("first")
        self.rgwfs("sync", mount.point, status=0)
        mount.path(name).write_text("mine")
        self.put(name, "theirs")
        wait_until(lambda: self.rgwfs("status", mount.point).returncode == 2, 30, "the conflict is told")
        texts = [mount.log.read_text()]
        for words in (("status", mount.point), ("status", "--json", mount.point), ("queue", mount.point),
                      ("resolve", "--local", mount.path("none" + name)),
                      ("status", mount.path(name)), ("status", name), ("queue", self.directory / name),
                      ("mount", "-o", name, "b", "/mnt"), ("mount", "b", name), ("umount", name),
                      ("doctor", name), ("ls-spools",), ("resolve", "--remote", mount.path(name)),
                      ("lost", "list", mount.point), ("lost", "drop", name)):
            result = self.rgwfs(*words)
            texts += [result.stdout, result.stderr]
        for text in texts:
            self.assertNotIn("\x1b", text)
            self.assertNotIn("\u202e", text)
            for line in text.splitlines():
                self.assertFalse(line.startswith("rgwfs: error: forged"), text)

    def test_resolve_local(self):
        mount = self.conflict()
        self.rgwfs("resolve", "--local", mount.path("file"), status=0)
        self.rgwfs("sync", mount.point, status=0)
        self.assertObject("file", "mine")

    def test_resolve_remote_keeps_ours_in_lost(self):
        mount = self.conflict()
        self.rgwfs("resolve", "--remote", mount.path("file"), status=0)
        self.assertEqual(mount.path("file").read_text(), "theirs")
        self.rgwfs("status", mount.point, status=0)
        (entry,) = self.lines("lost", "list", "--json", mount.point)
        self.rgwfs("lost", "export", "--of", mount.point, entry["id"], self.directory / "ours", status=0)
        self.assertEqual((self.directory / "ours").read_text(), "mine")
        self.rgwfs("lost", "export", "--of", mount.point, entry["id"], self.directory / "ours", status=4)
        self.rgwfs("lost", "drop", "--of", mount.point, entry["id"], status=0)
        self.assertEqual(self.lines("lost", "list", "--json", mount.point), [])
        self.rgwfs("lost", "drop", "--of", mount.point, "../../data", status=3)

    def test_resolve_both(self):
        mount = self.conflict()
        self.rgwfs("resolve", "--both", mount.path("file"), status=0)
        self.rgwfs("sync", mount.point, status=0)
        self.assertObject("file", "theirs")
        (other,) = [key for key in self.keys() if key.startswith("file.conflict-")]
        self.assertObject(other, "mine")

    def test_a_held_conflict_outlives_the_mount(self):
        """Nobody but its user settles it: not a later mount with another option, nor recover."""
        mount = self.conflict()
        spool = self.spool_of(mount)
        run(self.program("umount.fuse.rgwfs"), mount.point, check=False)
        mount.wait_for_exit()
        self.assertIn("conflict", self.rgwfs("status", spool, status=2).stdout)
        self.assertEqual(self.report(spool)["conflicts"], 1)
        self.rgwfs("recover", "--upload", "-o", f"credentials={self.credentials}", self.bucket, status=2)
        self.assertEqual(self.keys(), {"file": len("theirs")})
        mount.options[mount.options.index("conflict=hold")] = "conflict=both"
        mount.start()
        self.assertEqual(os.getxattr(mount.path("file"), "user.rgwfs.state"), b"conflict")
        self.assertEqual(mount.path("file").read_text(), "mine")
        self.rgwfs("status", mount.point, status=2)
        self.rgwfs("resolve", "--local", mount.path("file"), status=0)
        self.rgwfs("sync", mount.point, status=0)
        self.assertObject("file", "mine")
        self.assertEqual(self.keys(), {"file": len("mine")})

    def test_what_is_no_conflict_is_not_resolved(self):
        mount = self.mount()
        mount.path("file").write_text("x")
        self.rgwfs("sync", mount.point, status=0)
        self.rgwfs("resolve", "--local", mount.path("file"), status=4)


class EndTests(CommandTestCase):
    def waiting(self, *options):
        """A mount with one file that waits, and its server, which is gone."""
        gate = self.proxy()
        mount = self.mount(*options, endpoint=gate.endpoint)
        os.listdir(mount.point)
        gate.stop()
        mount.path("file").write_text("waits")
        return mount, gate

    def test_a_second_mount_fails_at_once_and_touches_nothing(self):
        mount = self.mount()
        before = sorted(path.name for path in self.spool_of(mount).iterdir())
        second = self.mount(start=False)
        started = time.monotonic()
        result = run(*second.command, check=False, timeout=20)
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(result.returncode, 32)
        self.assertIn(f"already mounted by pid {mount.pid} at {mount.point}", result.stderr)
        self.assertEqual(sorted(path.name for path in self.spool_of(mount).iterdir()), before)
        mount.path("file").write_text("x")
        mount.unmount()
        self.assertObject("file", "x")

    def test_a_second_mount_fails_at_once_when_the_server_is_away(self):
        mount, gate = self.waiting()
        second = self.mount(start=False, endpoint=gate.endpoint)
        result = run(*second.command, check=False, timeout=20)
        self.assertEqual(result.returncode, 32)
        self.assertIn("already mounted by pid", result.stderr)
        gate.start()
        self.rgwfs("sync", mount.point, status=0)

    def test_a_part_of_a_mounted_bucket_is_refused(self):
        mount = self.mount()
        other = self.mount(source=f"{self.bucket}/part", start=False)
        result = run(*other.command, check=False, timeout=20)
        self.assertEqual(result.returncode, 32)
        self.assertIn("overlaps", result.stderr)
        other.options.append("allow_overlap")
        other.start()
        other.unmount()
        read_only = self.mount("ro", source=f"{self.bucket}/part")
        read_only.unmount()
        mount.unmount()

    def test_umount_says_what_is_left_and_where(self):
        mount, _ = self.waiting("drain_timeout=1s")
        pid, spool = mount.pid, self.spool_of(mount)
        result = run(self.program("umount.fuse.rgwfs"), mount.point, timeout=60)
        self.assertIn("1 change", result.stderr)
        self.assertIn(os.fspath(spool), result.stderr)
        wait_until(lambda: gone(pid), 20, "the process ends, as it was said")
        self.rgwfs("status", spool, status=1)

    def test_c33_a_killed_umount_leaves_the_mount_as_it_was(self):
        mount, gate = self.waiting("drain_timeout=60s")
        helper = subprocess.Popen([self.program("umount.fuse.rgwfs"), mount.point])
        wait_until(lambda: self.report(mount.point)["pending"] == 1, 10, "it waits")
        helper.kill()
        helper.wait()
        self.assertTrue(is_mounted(mount.point))
        self.assertEqual(mount.path("file").read_text(), "waits")
        gate.start()
        mount.unmount()
        self.assertObject("file", "waits")

    def test_an_unmounted_process_goes_on_until_everything_is_in_the_bucket(self):
        mount, gate = self.waiting("drain_timeout=1s")
        pid, spool = mount.pid, self.spool_of(mount)
        run("fusermount3", "-u", mount.point)
        wait_until(lambda: self.report(spool)["life"] == "draining", 20, "it lingers")
        time.sleep(2)  # Longer than drain_timeout: that is the promise.
        self.assertFalse(gone(pid))
        gate.start()
        wait_until(lambda: gone(pid), 90, "it ends when all is done")
        self.assertObject("file", "waits")
        self.rgwfs("status", spool, status=0)

    def test_nolinger_ends_after_drain_timeout(self):
        mount, _ = self.waiting("drain_timeout=1s", "nolinger")
        pid, spool = mount.pid, self.spool_of(mount)
        run("fusermount3", "-u", mount.point)
        wait_until(lambda: gone(pid), 30, "it ends")
        self.rgwfs("status", spool, status=1)

    def test_c30_sigterm_drains_for_drain_timeout_and_a_second_one_ends_it(self):
        mount, _ = self.waiting("drain_timeout=60s")
        pid, spool = mount.pid, self.spool_of(mount)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_mounted(mount.point), 20, "it is unmounted")
        self.assertFalse(gone(pid))
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: gone(pid), 20, "it ends at once")
        self.rgwfs("status", spool, status=1)

    def test_c31_a_killed_drainer_leaves_everything_to_the_next_mount(self):
        mount, gate = self.waiting()
        pid, spool = mount.pid, self.spool_of(mount)
        run("fusermount3", "-u", mount.point)
        wait_until(lambda: self.report(spool)["life"] == "draining", 20, "it lingers")
        kill(pid)
        mount.wait_for_exit(10)
        self.rgwfs("status", spool, status=1)
        gate.start()
        mount.start()
        self.assertEqual(mount.path("file").read_text(), "waits")
        mount.unmount()
        self.assertObject("file", "waits")

    def test_c32_a_new_mount_takes_over_from_the_drainer(self):
        gate = self.proxy()
        mount = self.mount(endpoint=gate.endpoint)
        os.listdir(mount.point)
        gate.pause()
        mount.path("file").write_text("waits")
        spool = self.spool_of(mount)
        run("fusermount3", "-u", mount.point)
        wait_until(lambda: self.report(spool)["life"] == "draining", 20, "it lingers")
        gate.resume()
        gate.stop()
        gate.start()
        drainer = mount.process
        mount.start()
        drainer.wait(20)
        self.assertEqual(mount.path("file").read_text(), "waits")
        mount.unmount()
        self.assertObject("file", "waits")


class SpoolTests(CommandTestCase):
    def left(self):
        """A spool with two files and a directory in it, and nobody who has it."""
        mount = self.mount("writeback_delay=60s", "writeback_max_delay=60s")
        mount.path("directory").mkdir()
        mount.path("directory/a").write_text("one")
        mount.path("b").write_text("two")
        spool = self.spool_of(mount)
        mount.kill()
        return spool

    def test_ls_spools_shows_spools_that_are_not_mounted(self):
        spool = self.left()
        (row,) = [row for row in self.lines("ls-spools", "--json") if row["spool"] == os.fspath(spool)]
        self.assertEqual((row["life"], row["pending"], row["source"]), ("stopped", 3, self.bucket))
        self.assertIn(os.fspath(spool), self.rgwfs("ls-spools", status=0).stdout)

    def test_recover_lists_and_changes_nothing(self):
        spool = self.left()
        lock = (spool / "LOCK").read_bytes()
        result = self.rgwfs("recover", "--dry-run", "--spool", spool, status=1)
        self.assertEqual(len(result.stdout.splitlines()), 3)
        self.assertEqual((spool / "LOCK").read_bytes(), lock)
        self.assertEqual(self.keys(), {})

    def test_recover_exports_every_file_under_its_key(self):
        spool = self.left()
        target = self.directory / "export"
        self.rgwfs("recover", "--export", target, "--spool", spool, status=1)
        self.assertEqual((target / "files/directory/a").read_text(), "one")
        self.assertEqual((target / "files/b").read_text(), "two")
        manifest = json.loads((target / "manifest.json").read_text())
        self.assertEqual({row["key"] for row in manifest["changes"]}, {"directory/", "directory/a", "b"})
        self.rgwfs("recover", "--export", target, "--spool", spool, status=4)

    def test_recover_uploads_without_a_mount(self):
        spool = self.left()
        self.rgwfs("recover", "--upload", "-o", f"credentials={self.credentials}", self.bucket, status=0)
        self.assertEqual(self.keys(), {"directory/": 0, "directory/a": 3, "b": 3})
        self.assertObject("directory/a", "one")
        self.rgwfs("status", spool, status=0)

    def test_recover_refuses_a_mount(self):
        mount = self.mount()
        for words in (["--dry-run"], ["--upload"]):
            self.rgwfs("recover", *words, "--spool", self.spool_of(mount), status=4)
        self.rgwfs("recover", status=64)
        self.rgwfs("recover", "--dry-run", "--upload", self.bucket, status=64)

    def test_discard_wants_the_id(self):
        spool = self.left()
        self.rgwfs("discard", spool, "0123456789abcdef", status=4)
        self.assertTrue((spool / "FORMAT").exists())
        self.rgwfs("discard", spool, spool.name, status=0)
        self.assertFalse(spool.exists())

    def test_discard_refuses_a_mount(self):
        mount = self.mount()
        spool = self.spool_of(mount)
        self.rgwfs("discard", spool, spool.name, status=3)
        mount.path("file").write_text("x")
        mount.unmount()
        self.assertObject("file", "x")

    def test_a_spool_of_a_later_format_is_refused_untouched(self):
        spool = self.left()
        text = (spool / "FORMAT").read_text()
        newer = text.replace("min-reader 1", "min-reader 9").replace("min-writer 1", "min-writer 9")
        (spool / "FORMAT").write_text(newer)
        before = {path: path.read_bytes() for path in spool.rglob("*") if path.is_file()}
        for words in (["recover", "--dry-run"], ["recover", "--export", self.directory / "export"]):
            result = self.rgwfs(*words, "--spool", spool, status=4)
            self.assertIn("newer", result.stderr)
        after = {path: path.read_bytes() for path in spool.rglob("*") if path.is_file()}
        self.assertEqual(after, before)


class DoctorTests(CommandTestCase):
    def doctor(self, *words, status):
        result = self.rgwfs("doctor", "--json", *words, status=status)
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        return {row["subject"]: row for row in rows}

    def options(self, **changes):
        from harness import ENDPOINT
        values = {"url": ENDPOINT, "credentials": self.credentials, "connect_timeout": 5, **changes}
        return "-o", ",".join(f"{name}={value}" for name, value in values.items())

    def test_a_good_setup_has_no_failure(self):
        rows = self.doctor(self.bucket, *self.options(), status=0)
        self.assertEqual([row for row in rows.values() if row["level"] == "fail"], [])
        self.assertIn("bucket", rows)

    def test_a_mount_is_examined_by_its_directory(self):
        mount = self.mount()
        rows = self.doctor(mount.point, "-o", f"credentials={self.credentials}", status=0)
        self.assertEqual(rows["bucket"]["level"], "ok")

    def test_each_trouble_is_named(self):
        rows = self.doctor("no-such-bucket-anywhere", *self.options(), status=2)
        self.assertEqual(rows["bucket"]["level"], "fail")
        rows = self.doctor(self.bucket, *self.options(url="http://127.0.0.1:1"), status=2)
        self.assertEqual(rows["endpoint"]["level"], "fail")
        rows = self.doctor(self.bucket, *self.options(credentials="/nowhere"), status=2)
        self.assertEqual(rows["credentials"]["level"], "fail")
        self.write_credentials("wrong:wrongwrong\n")
        rows = self.doctor(self.bucket, *self.options(), status=2)
        self.assertEqual(rows["bucket"]["level"], "fail")

    def test_keys_that_cannot_be_paths_are_listed(self):
        self.put("good/key", "x")
        self.put("bad//key", "x")
        rows = self.doctor(self.bucket, *self.options(), status=0)
        self.assertIn("bad//key", rows["key name"]["text"])


if __name__ == "__main__":
    unittest.main()
