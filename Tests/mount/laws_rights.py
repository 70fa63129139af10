"""Laws of ownership and permission between two ordinary users and root. The test runs as root."""

import errno
import os
import shutil
import stat
import subprocess

from syscalls import UTIME_NOW, UTIME_OMIT, utimensat
from shared import GROUP, OTHER, USER, identity


def mode_of(path):
    return oct(stat.S_IMODE(os.lstat(path).st_mode))


class RightsLaws:
    def mine(self, name="file", content=b"x", mode=0o644, group=USER):
        """A file of USER."""
        path = self.file(name, content)
        os.chown(path, USER, group)
        os.chmod(path, mode)
        return path

    def my_directory(self, name="directory", mode=0o755, group=USER):
        path = self.directory(name)
        os.chown(path, USER, group)
        os.chmod(path, mode)
        return path

    def test_only_the_owner_and_root_change_the_mode(self):
        path = self.mine()
        with identity(OTHER):
            self.assertErrno(errno.EPERM, os.chmod, path, 0o777)
        with identity(USER):
            os.chmod(path, 0o600)
        self.assertEqual(mode_of(path), "0o600")
        os.chmod(path, 0o444)
        self.assertEqual(mode_of(path), "0o444")

    def test_only_root_gives_files_away(self):
        path = self.mine()
        for who in (USER, OTHER):
            with identity(who):
                self.assertErrno(errno.EPERM, os.chown, path, OTHER, -1)
        with identity(USER, groups=(GROUP,)):
            os.chown(path, -1, GROUP)
            self.assertEqual(path.stat().st_gid, GROUP)
            self.assertErrno(errno.EPERM, os.chown, path, -1, OTHER)
            os.chown(path, USER, -1)
        with identity(OTHER, groups=(GROUP,)):
            self.assertErrno(errno.EPERM, os.chown, path, -1, GROUP)
        os.chown(path, 12345, 54321)
        self.assertEqual((path.stat().st_uid, path.stat().st_gid), (12345, 54321))

    def test_a_link_can_be_given_away_and_its_target_stays(self):
        self.file("target")
        os.symlink("target", self.d / "link")
        os.lchown(self.d / "link", USER, GROUP)
        status = (self.d / "link").lstat()
        self.assertEqual((status.st_uid, status.st_gid), (USER, GROUP))
        self.assertEqual((self.d / "target").stat().st_uid, 0)

    def test_modes_decide_who_may_open(self):
        for mode, reads, writes in ((0o600, {USER}, {USER}), (0o644, {USER, OTHER}, {USER}),
                                    (0o400, {USER}, set()), (0o022, set(), {OTHER}),
                                    (0o007, {OTHER}, {OTHER}), (0, set(), set())):
            path = self.mine(f"file-{mode:o}", mode=mode)
            for who in (USER, OTHER):
                with self.subTest(mode=oct(mode), who=who), identity(who):
                    for flags, allowed in ((os.O_RDONLY, reads), (os.O_WRONLY, writes),
                                           (os.O_RDWR, reads & writes),
                                           (os.O_WRONLY | os.O_TRUNC, writes)):
                        if who in allowed:
                            os.close(os.open(path, flags))
                        else:
                            self.assertErrno(errno.EACCES, os.open, path, flags)
            os.close(os.open(path, os.O_RDWR))

    def test_the_group_has_rights_of_its_own(self):
        path = self.mine(mode=0o060, group=GROUP)
        with identity(OTHER, groups=(GROUP,)):
            os.close(os.open(path, os.O_RDWR))
        with identity(OTHER):
            self.assertErrno(errno.EACCES, os.open, path, os.O_RDONLY)
        with identity(USER, groups=(GROUP,)):
            self.assertErrno(errno.EACCES, os.open, path, os.O_RDONLY)

    def test_access_answers_as_open_would(self):
        path = self.mine(mode=0o640)
        with identity(USER):
            self.assertTrue(os.access(path, os.R_OK | os.W_OK))
            self.assertFalse(os.access(path, os.X_OK))
        with identity(OTHER):
            self.assertFalse(os.access(path, os.R_OK))
            self.assertTrue(os.access(path, os.F_OK))
        self.assertTrue(os.access(path, os.R_OK | os.W_OK))
        self.assertFalse(os.access(path, os.X_OK), "root executes what somebody may execute")

    def test_directories_need_search_read_and_write(self):
        directory = self.my_directory()
        (directory / "file").write_bytes(b"x")
        os.chmod(directory / "file", 0o666)
        os.chown(directory / "file", OTHER, OTHER)
        for mode, search, read, write in ((0o711, True, False, False), (0o744, False, True, False),
                                          (0o755, True, True, False), (0o733, True, False, True),
                                          (0o722, False, False, False)):
            os.chmod(directory, mode)
            with self.subTest(mode=oct(mode)), identity(OTHER):
                self.expect(search, (directory / "file").read_bytes)
                self.expect(read, os.listdir, directory)
                for call, *arguments in (
                        (os.mkdir, directory / "new"),
                        (os.rename, directory / "file", directory / "moved"),
                        (os.symlink, "x", directory / "link")):
                    self.expect(write, call, *arguments)
                if write:
                    os.rename(directory / "moved", directory / "file")
                    os.rmdir(directory / "new")
                    os.unlink(directory / "link")
                else:
                    self.assertErrno(errno.EACCES, os.unlink, directory / "file")
        self.assertEqual(os.listdir(directory), ["file"])

    def expect(self, allowed, call, *arguments):
        if allowed:
            call(*arguments)
        else:
            self.assertErrno(errno.EACCES, call, *arguments)

    def test_sticky_directories_protect_what_is_in_them(self):
        directory = self.my_directory(mode=0o1777)
        for name, owner in (("mine", USER), ("theirs", OTHER)):
            (directory / name).write_bytes(b"x")
            os.chown(directory / name, owner, owner)
        third = OTHER + 100
        with identity(third):
            for name in ("mine", "theirs"):
                self.assertErrno(errno.EPERM, os.unlink, directory / name)
                self.assertErrno(errno.EPERM, os.rename, directory / name, directory / "x")
            (directory / "own").write_bytes(b"x")
            self.assertErrno(errno.EPERM, os.rename, directory / "own", directory / "mine")
            os.unlink(directory / "own")
        with identity(OTHER):
            self.assertErrno(errno.EPERM, os.unlink, directory / "mine")
            os.rename(directory / "theirs", directory / "renamed")
        with identity(USER):
            os.unlink(directory / "renamed")
        self.assertEqual(os.listdir(directory), ["mine"])

    def test_directories_hand_their_group_down(self):
        directory = self.my_directory(mode=0o2775, group=GROUP)
        with identity(USER, groups=(GROUP,)):
            (directory / "file").write_bytes(b"x")
            (directory / "sub").mkdir()
            os.symlink("x", directory / "link")
            os.mkfifo(directory / "fifo")
        for name in ("file", "sub", "link", "fifo"):
            self.assertEqual((directory / name).lstat().st_gid, GROUP, name)
        self.assertEqual(mode_of(directory / "sub"), "0o2755")
        self.assertEqual(mode_of(directory / "file"), "0o644")
        with identity(USER, groups=(GROUP,)):
            (directory / "sub/deeper").mkdir()
        self.assertEqual((directory / "sub/deeper").stat().st_gid, GROUP)
        self.assertEqual(mode_of(directory / "sub/deeper"), "0o2755")

    def test_chmod_drops_set_group_id_of_a_foreign_group(self):
        path = self.mine(group=OTHER)
        with identity(USER):
            os.chmod(path, 0o2755)
        self.assertEqual(mode_of(path), "0o755")
        os.chmod(path, 0o2755)
        self.assertEqual(mode_of(path), "0o2755")

    def test_writing_drops_set_user_and_group_id(self):
        for name, change in (("write", lambda path: os.write(self.opened(path), b"more")),
                             ("truncate", lambda path: os.truncate(path, 0))):
            with self.subTest(name):
                path = self.mine(f"file-{name}", mode=0o6777)
                with identity(OTHER):
                    change(path)
                self.assertEqual(mode_of(path), "0o777")

    def test_root_writes_and_the_bits_stay(self):
        path = self.mine(mode=0o6755)
        with open(path, "ab") as file:
            file.write(b"more")
        self.assertEqual(mode_of(path), "0o6755")

    def test_giving_away_drops_set_user_and_group_id(self):
        path = self.mine(mode=0o6755)
        os.chown(path, OTHER, OTHER)
        self.assertEqual(mode_of(path), "0o755")
        path = self.mine("second", mode=0o6755)
        with identity(USER, groups=(GROUP,)):
            os.chown(path, -1, GROUP)
        self.assertEqual(mode_of(path), "0o755")
        directory = self.my_directory(mode=0o6755)
        os.chown(directory, OTHER, OTHER)
        self.assertEqual(mode_of(directory), "0o6755")

    def test_who_may_set_times(self):
        path = self.mine(mode=0o666)
        with identity(OTHER):
            os.utime(path)
            self.assertErrno(errno.EPERM, utimensat, path, (1, 1), (2, 2))
            self.assertErrno(errno.EPERM, utimensat, path, UTIME_NOW, UTIME_OMIT)
            utimensat(path, UTIME_OMIT, UTIME_OMIT)
        os.chmod(path, 0o444)
        with identity(OTHER):
            self.assertErrno(errno.EACCES, os.utime, path)
            self.assertErrno(errno.EPERM, utimensat, path, (1, 1), (2, 2))
        with identity(USER):
            utimensat(path, (1, 1), (2, 2))
            os.utime(path)

    def test_rights_of_an_open_handle_stay(self):
        path = self.mine(mode=0o600)
        with identity(USER):
            descriptor = self.opened(path)
        os.chmod(path, 0)
        os.chown(path, OTHER, OTHER)
        with identity(USER):
            os.pwrite(descriptor, b"still", 0)
            self.assertEqual(os.pread(descriptor, 10, 0), b"still")
            self.assertErrno(errno.EACCES, os.open, path, os.O_RDONLY)

    def test_programs_run_where_the_mode_says_so(self):
        program = self.d / "program"
        shutil.copyfile(shutil.which("true"), program)
        self.assertErrno(errno.EACCES, subprocess.run, [program], check=False)
        os.chmod(program, 0o755)
        self.assertEqual(subprocess.run([program], check=False).returncode, 0)
        script = self.file("script", b"#!/bin/sh\nexit 7\n", mode=0o755)
        self.assertEqual(subprocess.run([script], check=False).returncode, 7)


class TruncatingOpenLaws:
    def test_truncation_at_open_drops_set_user_and_group_id(self):
        path = self.file("file", b"content")
        os.chown(path, USER, USER)
        os.chmod(path, 0o6777)
        with identity(OTHER):
            self.opened(path, os.O_WRONLY | os.O_TRUNC)
        self.assertEqual(mode_of(path), "0o777")


class AttributeRightsLaws:
    def test_attributes_need_the_rights_of_the_content(self):
        path = self.file("file", b"x", mode=0o644)
        os.chown(path, USER, USER)
        with identity(USER):
            os.setxattr(path, "user.a", b"1")
        with identity(OTHER):
            self.assertEqual(os.getxattr(path, "user.a"), b"1")
            self.assertErrno(errno.EACCES, os.setxattr, path, "user.a", b"2")
            self.assertErrno(errno.EACCES, os.removexattr, path, "user.a")
        os.chmod(path, 0o600)
        with identity(OTHER):
            self.assertErrno(errno.EACCES, os.getxattr, path, "user.a")
