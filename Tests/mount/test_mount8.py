"""mount(8), umount(8) and fstab with rgwfs installed, in a mount namespace of the test's own.

The namespace has a /usr/sbin with the helpers in it, an /etc/fstab and a /run/mount of its own; the
machine's are not touched.

umount(8) as root calls /sbin/umount.fuse.rgwfs only when /run/mount/utab has a line about the mount:
without one it asks statfs(2) for the type, which says "fuse" (util-linux, lookup_umount_fs_by_statfs).
"""

import json
import os
import pathlib
import signal
import subprocess
import textwrap
import unittest

from harness import BINARY, ENDPOINT, REPOSITORY, RGWFSTestCase, free_port, run, wait_until


class NamespaceTestCase(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.point = self.new_directory("mnt")
        self.options = (f"url={ENDPOINT},credentials={self.credentials},"
                        f"spool={self.directory / 'spool'},connect_timeout=5")

    def in_namespace(self, script, fstab="", check=True):
        """Runs a shell script where mount(8) finds the helpers and reads this fstab."""
        real, farm = self.new_directory("real"), self.new_directory("farm")
        sbin = os.path.realpath("/sbin")
        for name in os.listdir(sbin):
            if not name.endswith("rgwfs"):
                (farm / name).symlink_to(real / name)
        for name in ("mount.rgwfs", "mount.fuse.rgwfs", "umount.rgwfs", "umount.fuse.rgwfs"):
            (farm / name).symlink_to(BINARY.resolve())
        table = self.directory / "fstab"
        table.write_text(fstab)
        prologue = f"""
            set -e
            mount --make-rprivate /
            mount --bind {sbin} {real}
            mount --bind {farm} {sbin}
            mount --bind {table} /etc/fstab
            mkdir -p /run/mount
            mount -t tmpfs none /run/mount
            trap 'if mountpoint -q {self.point}; then umount {self.point} || umount -l {self.point}; fi' EXIT
        """
        return run("unshare", "-m", "bash", "-c", textwrap.dedent(prologue) + textwrap.dedent(script),
                   check=check, timeout=120)


class MountProgramTests(NamespaceTestCase):
    def test_mount_t_rgwfs_and_umount(self):
        self.in_namespace(f"""
            mount -t rgwfs {self.bucket} {self.point} -o {self.options}
            mountpoint -q {self.point}
            grep -q ' {self.point} fuse.rgwfs ' /proc/self/mounts
            echo hello >{self.point}/file
            umount {self.point}
            ! mountpoint -q {self.point}
        """)
        self.assertObject("file", "hello\n")

    def test_umount_drains_through_the_helper(self):
        slow = self.proxy(delay_ms=30)
        options = self.options.replace(ENDPOINT, slow.endpoint) + ",writeback_delay=10s"
        self.in_namespace(f"""
            mount -t rgwfs {self.bucket} {self.point} -o {options}
            for n in $(seq 100); do echo $n >{self.point}/file-$n; done
            umount {self.point}
        """)
        self.assertEqual(len(self.keys()), 100)

    def test_an_fstab_line_mounts(self):
        line = f"{self.bucket} {self.point} rgwfs _netdev,nofail,noatime,nosuid,nodev,{self.options} 0 0\n"
        self.in_namespace(f"""
            mount {self.point}
            findmnt -n -o OPTIONS {self.point} | grep -q nosuid
            cp /etc/hostname {self.point}/file
            umount {self.point}
            mount -a -t rgwfs
            cmp /etc/hostname {self.point}/file
        """, fstab=line)
        self.assertEqual(set(self.keys()), {"file"})

    def test_an_fstab_line_with_x_options_and_user_mounts(self):
        line = (f"{self.bucket} {self.point} rgwfs "
                f"_netdev,noauto,user,x-systemd.automount,x-gvfs-hide,{self.options} 0 0\n")
        self.in_namespace(f"mount {self.point}\necho x >{self.point}/f\numount {self.point}", fstab=line)
        self.assertObject("f", "x\n")

    def test_mount_t_fuse_rgwfs(self):
        self.in_namespace(f"""
            mount -t fuse.rgwfs {self.bucket} {self.point} -o {self.options}
            echo x >{self.point}/f
        """)
        self.assertObject("f", "x\n")

    def test_a_wrong_bucket_makes_mount_fail(self):
        result = self.in_namespace(
            f"mount -t rgwfs no-such-bucket-at-all {self.point} -o {self.options}", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("no-such-bucket-at-all", result.stderr)

    def test_read_only_from_fstab(self):
        self.put("file", "x")
        self.in_namespace(f"""
            mount -r -t rgwfs {self.bucket} {self.point} -o {self.options}
            ! touch {self.point}/new
            grep -q x {self.point}/file
        """)
        self.assertEqual(set(self.keys()), {"file"})


class RemountTests(NamespaceTestCase):
    """`mount -o remount`: what can change does, all at once or not at all, and the rest is refused by name."""

    def mounted(self, script, options="", **words):
        return self.in_namespace(f"""
            mount -t rgwfs {self.bucket} {self.point} -o {self.options},{options or 'rw'}
            {textwrap.indent(textwrap.dedent(script), '            ').strip()}
        """, **words)

    def refused(self, script, status, *words, options=""):
        """Of the script's last command: its exit status and one line that has all these words."""
        result = self.mounted(f"set +e\n{script} 2>{self.directory}/err\n[ $? = {status} ] || {{ cat {self.directory}/err; exit 9; }}",
                              options=options, check=False)
        said = (self.directory / "err").read_text()
        self.assertEqual((result.returncode, len(said.splitlines())), (0, 1), said + result.stdout + result.stderr)
        for word in words:
            self.assertIn(word, said)

    def test_options_change_while_mounted(self):
        status = f"{BINARY} status --json {self.point}"
        self.mounted(f"""
            mount -o remount,drain_timeout=7,log_level=debug,uploads=3 {self.point}
            {status} | grep -q '"drain_timeout_seconds": *7'
            mount.rgwfs {self.bucket} {self.point} -o remount,drain_timeout=9
            {status} | grep -q '"drain_timeout_seconds": *9'
            mount -f -o remount,drain_timeout=11 {self.point}
            {status} | grep -q '"drain_timeout_seconds": *9'
            echo x >{self.point}/f
        """)
        self.assertObject("f", "x\n")

    def test_cache_times_change_while_mounted(self):
        self.put("file", "x")
        count = "import json, sys; print(sum(kind['count'] for kind in json.load(sys.stdin)['requests'].values()))"
        sent = f'{BINARY} stats --json {self.point} | python3 -c "{count}"'
        self.mounted(f"""
            stat {self.point}/file >/dev/null
            mount -o remount,actimeo=0 {self.point}
            sleep 0.5
            stat {self.point}/file >/dev/null
            before=$({sent})
            for n in 1 2 3; do stat {self.point}/file >/dev/null; done
            [ $({sent}) -ge $((before + 3)) ]
        """, options="actimeo=0.3")

    def test_the_whole_line_of_fstab_may_be_said_again(self):
        line = (f"{self.bucket} {self.point} rgwfs "
                f"_netdev,nofail,nosuid,conflict=hold,x-systemd.automount,{self.options},drain_timeout=8 0 0\n")
        self.in_namespace(f"""
            mount {self.point}
            mount -o remount {self.point}
            mount -o remount,ro,drain_timeout=5 {self.point}
            findmnt -n -o OPTIONS {self.point} | grep -q '^ro,nosuid'
            {BINARY} status --json {self.point} | grep -q '"drain_timeout_seconds": *5'
            mount -o remount,rw {self.point}
            echo x >{self.point}/f
        """, fstab=line)
        self.assertObject("f", "x\n")

    def test_ro_and_rw_and_what_waits_is_uploaded_meanwhile(self):
        self.mounted(f"""
            echo old >{self.point}/f
            mount -o remount,ro {self.point}
            findmnt -n -o OPTIONS {self.point} | grep -q '^ro,'
            ! touch {self.point}/new 2>/dev/null
            ! touch {self.point}/f 2>/dev/null
            grep -q old {self.point}/f
            {BINARY} sync {self.point}
            mount -o remount,rw {self.point}
            echo new >{self.point}/new
        """, options="writeback_delay=30s")
        self.assertObject("f", "old\n")
        self.assertObject("new", "new\n")

    def test_ro_is_refused_while_a_file_is_written(self):
        self.refused(f"exec 7>{self.point}/f\nmount -o remount,ro {self.point}", 32, "is busy", "open for writing")

    def test_what_cannot_change_is_refused_and_nothing_is_changed(self):
        self.refused(f"mount -o remount,drain_timeout=7,conflict=hold {self.point}", 1, "'conflict'", "unmount and mount")
        self.mounted(f"""
            ! mount -o remount,drain_timeout=7,conflict=hold {self.point} 2>/dev/null
            {BINARY} status --json {self.point} | grep -q '"drain_timeout_seconds": *60'
        """)
        self.refused(f"mount -o remount,uploads=1000 {self.point}", 1, "uploads=1000")
        self.refused(f"mount -o remount,rw {self.point}", 1, "'rw'", "was mounted ro", options="ro")
        self.refused(f"mount.rgwfs other {self.point} -o remount,ro", 32, "is a mount of", "not of other")

    def test_where_nothing_is_mounted(self):
        result = self.in_namespace(f"mount.rgwfs {self.bucket} {self.point} -o remount,ro", check=False)
        self.assertEqual(result.returncode, 32)
        self.assertIn("is not mounted", result.stderr)


class ContainerTests(RGWFSTestCase):
    """The first process of a PID namespace, as the containers' examples start it."""

    def container(self, *arguments):
        """Runs the program as process 1; the daemon's number outside."""
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc", "--kill-child",
             self.program("mount.rgwfs"), "-f", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_until(lambda: children.read_text().split(), 10, "the first process")
        return process, int(children.read_text().split()[0])

    def example(self):
        """Arguments of the DaemonSet, for this server, key and directory."""
        text = (REPOSITORY / "scripts/containers/kubernetes.yaml").read_text()
        line = next(line for line in text.splitlines() if line.strip().startswith("args:"))
        source, point, flag, options = json.loads(line.split("args:")[1])
        self.assertEqual((source, flag), ("photos", "-o"))
        for old, new in (("http://rgw.example.org:7480", ENDPOINT), ("/etc/rgwfs/credentials", str(self.credentials)),
                         ("9180", str(free_port()))):
            self.assertIn(old, options)
            options = options.replace(old, new)
        return options + f",spool={self.directory / 'spool'},writeback_delay=60s,writeback_max_delay=60s"

    def test_sigterm_uploads_what_waits_and_ends(self):
        point = self.new_directory("mnt")
        process, daemon = self.container(self.bucket, point, "-o", self.example())
        inside = pathlib.Path(f"/proc/{daemon}/root{point}")
        wait_until(lambda: f" {point} " in pathlib.Path(f"/proc/{daemon}/mounts").read_text(), 20, "the mount")
        (inside / "file").write_text("from a container")
        os.kill(daemon, signal.SIGTERM)
        self.assertEqual(process.wait(60), 0)
        self.assertObject("file", "from a container")

    def test_what_a_killed_container_left_the_next_one_uploads(self):
        point = self.new_directory("mnt")
        options = self.example()
        process, daemon = self.container(self.bucket, point, "-o", options)
        wait_until(lambda: f" {point} " in pathlib.Path(f"/proc/{daemon}/mounts").read_text(), 20, "the mount")
        pathlib.Path(f"/proc/{daemon}/root{point}/file").write_text("left")
        os.kill(daemon, signal.SIGKILL)
        process.wait(20)
        process, daemon = self.container(self.bucket, point, "-o", options)
        wait_until(lambda: f" {point} " in pathlib.Path(f"/proc/{daemon}/mounts").read_text(), 20, "the mount")
        os.kill(daemon, signal.SIGTERM)
        self.assertEqual(process.wait(60), 0)
        self.assertObject("file", "left")


class InstallTests(RGWFSTestCase):
    def test_install_and_uninstall_into_a_directory(self):
        root = self.new_directory("root")
        environment = {**os.environ, "DESTDIR": str(root), "PREFIX": "/usr", "RGWFS_BIN": str(BINARY)}
        run(REPOSITORY / "scripts/install", env=environment)
        program = root / "usr/bin/rgwfs"
        self.assertTrue(program.is_file())
        for name in ("mount.rgwfs", "mount.fuse.rgwfs", "umount.rgwfs", "umount.fuse.rgwfs"):
            self.assertEqual((root / "sbin" / name).resolve(), program.resolve())
        self.assertTrue((root / "usr/share/man/man8").is_dir())
        result = subprocess.run([program, "--version"], capture_output=True, timeout=10, check=False)
        self.assertEqual(result.returncode, 0)
        run(REPOSITORY / "scripts/install", env=environment)
        run(REPOSITORY / "scripts/install", "--uninstall", env=environment)
        left = [path for path in root.rglob("*") if not path.is_dir()]
        self.assertEqual(left, [])

    def test_updatedb_leaves_mounts_out_and_nothing_else_of_its_file_changes(self):
        root = self.new_directory("root")
        (root / "etc").mkdir()
        table = root / "etc/updatedb.conf"
        environment = {**os.environ, "DESTDIR": str(root), "RGWFS_BIN": str(BINARY)}
        begin = b'# PRUNEFS="old"\nPRUNE_BIND_MOUNTS="yes"\n PRUNEPATHS = "/tmp"\n'
        for before, after in ((b'PRUNEFS="NFS fuse.sshfs"\nX="\xff"', b'PRUNEFS="NFS fuse.sshfs fuse.rgwfs"\nX="\xff"'),
                              (b'PRUNEFS = ""\n', b'PRUNEFS = "fuse.rgwfs"\n'),
                              (b'PRUNEFS="fuse.rgwfsx "\r\n', b'PRUNEFS="fuse.rgwfsx  fuse.rgwfs"\r\n'),
                              (b'X=""\n', b'X=""\n')):
            with self.subTest(before):
                table.write_bytes(begin + before)
                table.chmod(0o640)
                for _ in range(2):
                    run(REPOSITORY / "scripts/install", env=environment)
                    self.assertEqual(table.read_bytes(), begin + after)
                run(REPOSITORY / "scripts/install", "--uninstall", env=environment)
                self.assertEqual(table.read_bytes(), begin + before)
                self.assertEqual(table.stat().st_mode & 0o777, 0o640)


if __name__ == "__main__":
    unittest.main()
