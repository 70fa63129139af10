"""mount(8), umount(8) and fstab with rgwfs installed, in a mount namespace of the test's own.

The namespace has a /usr/sbin with the helpers in it, an /etc/fstab and a /run/mount of its own; the
machine's are not touched.

umount(8) as root calls /sbin/umount.fuse.rgwfs only when /run/mount/utab has a line about the mount:
without one it asks statfs(2) for the type, which says "fuse" (util-linux, lookup_umount_fs_by_statfs).
"""

import os
import subprocess
import textwrap
import unittest

from harness import BINARY, ENDPOINT, REPOSITORY, RGWFSTestCase, run


class MountProgramTests(RGWFSTestCase):
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
