"""Real programs on real mounts. After each class, what they have left is the same after a remount and
in the bucket, as another client reads it."""

import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import unittest
import zipfile

from harness import describe, digest, make_tree, run
from shared import USER, InBucketAfterwards, OnMount, identity

PROGRAM_C = {
    "main.c": '#include <stdio.h>\n#include "part.h"\nint main(void) { return !printf("%d\\n", PART * part()); }\n',
    "part.c": '#include "part.h"\nint part(void) { return 21; }\n',
    "part.h": "#define PART 2\nint part(void);\n",
    "Makefile": "answer: main.o libpart.a\n\t$(CC) -o $@ main.o -L. -lpart\n"
                "libpart.a: part.o\n\tar rc $@ part.o\n"
                "main.o part.o: part.h\nclean:\n\trm -f *.o *.a answer\n",
}


class ProgramCase(InBucketAfterwards, OnMount):
    """What tests of programs share."""

    def sh(self, script, **options):
        """A shell script in the test's directory; ends at the first error."""
        return run("bash", "-euc", textwrap.dedent(script), cwd=self.d, **options).stdout

    def tree(self, files=40, seed=5):
        return make_tree(pathlib.Path(self.scratch()) / "tree", files=files, seed=seed)

    def scratch(self):
        """A local directory of this test."""
        path = tempfile.mkdtemp(dir=self.fixture.directory)
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        os.makedirs(os.path.join(path, "tree"))
        return path


class CopyingProgramTests(ProgramCase):
    def test_cp_copies_trees_within_the_mount_too(self):
        tree = self.tree()
        self.sh(f"cp -a {tree} one; cp -a one two; cp -r --preserve=timestamps one three")
        self.assertEqual(describe(self.d / "one"), describe(tree))
        self.assertEqual(describe(self.d / "two"), describe(tree))
        self.assertEqual(digests(self.d / "three"), digests(tree))
        self.sh("cp -u one/* three/ 2>/dev/null || true; diff -r --no-dereference one two")

    def test_cp_keeps_holes_zeros(self):
        self.sh("""
            printf start >sparse; truncate -s 3M sparse; printf end >>sparse
            cp --sparse=always sparse always; cp --sparse=never sparse never
            cmp sparse always; cmp sparse never
            cp --reflink=auto sparse reflink; cmp sparse reflink
            ! cp --reflink=always sparse refused 2>/dev/null
            rm -f refused
        """)

    def test_rsync_has_nothing_to_do_the_second_time(self):
        tree = self.tree(seed=6)
        rsync = ["rsync", "-a", "--itemize-changes", "--delete"]
        run(*rsync, f"{tree}/", self.d / "copy")
        self.assertEqual(run(*rsync, f"{tree}/", self.d / "copy").stdout, "")
        self.assertEqual(run(*rsync, f"{self.d}/copy/", self.d / "second").stdout.count(">f"),
                         sum("md5" in row for row in describe(tree).values()))
        self.mount.remount()
        for target in ("copy", "second"):
            self.assertEqual(run(*rsync, f"{tree}/", self.d / target).stdout, "", target)
        victim = next(path for path in tree.rglob("file-*") if path.stat().st_size > 5000)
        with open(victim, "r+b") as file:
            file.write(b"changed in place")
        run(*rsync, "--inplace", "--no-whole-file", f"{tree}/", self.d / "copy")
        (tree / "log").write_text("one\n")
        run(*rsync, f"{tree}/", self.d / "copy")
        (tree / "log").write_text("one\ntwo\n")
        run(*rsync, "--append-verify", f"{tree}/", self.d / "copy")
        shutil.rmtree(next(tree.glob("dir *")))
        run(*rsync, f"{tree}/", self.d / "copy")
        self.assertEqual(describe(self.d / "copy"), describe(tree))

    def test_tar_packs_and_unpacks_on_the_mount(self):
        tree = self.tree(seed=7)
        self.sh(f"""
            cp -a {tree} tree
            tar --format=posix -cf tree.tar tree; tar --format=posix -czf tree.tgz -C tree .
            mkdir out; tar -xpf tree.tar -C out; tar -df tree.tar -C out
            mkdir zipped; tar -xpzf tree.tgz -C zipped
            tar -rf tree.tar --transform=s/tgz/appended/ tree.tgz; tar -tf tree.tar | grep -q appended
        """)
        self.assertEqual(describe(self.d / "out/tree"), describe(tree))
        self.assertEqual(describe(self.d / "zipped"), describe(tree))

    def test_zip_and_unzip(self):
        self.sh("""
            mkdir -p tree/sub; seq 1000 >tree/numbers; printf '#!/bin/sh\\n' >tree/sub/script
            chmod 755 tree/sub/script; ln -s numbers tree/link; touch -d 2020-02-02T02:02:02 tree/numbers
            zip -qry tree.zip tree; unzip -tq tree.zip
            mkdir out; unzip -q tree.zip -d out; diff -r --no-dereference tree out/tree
            test -x out/tree/sub/script; test -L out/tree/link; test ! out/tree/numbers -nt tree/numbers
            echo more >>tree/numbers; zip -qry tree.zip tree; unzip -p tree.zip tree/numbers | tail -n 1 | grep -q more
            zip -qd tree.zip tree/link; ! unzip -l tree.zip | grep -q link
        """)

    def test_mv_moves_trees_in_within_and_out(self):
        tree = self.tree(seed=8)
        expected = describe(tree)
        self.sh(f"mv {tree} inside; mkdir -p a/b; mv inside a/b/moved; mv a/b c")
        self.assertEqual(describe(self.d / "c/moved"), expected)
        outside = pathlib.Path(self.scratch()) / "out"
        self.sh(f"cp -a c/moved kept; mv c/moved {outside}; rmdir c; test -z \"$(ls a)\"; rmdir a")
        self.assertEqual(describe(outside), expected)
        self.sh("""
            echo 1 >one; echo 2 >two; mv -n one two; grep -q 2 two; mv -b one two; grep -q 2 two~
            mkdir three; mv two two~ three; ! mv -T three kept 2>/dev/null
        """)

    def test_split_parts_make_the_whole_again(self):
        self.sh("""
            head -c 3000000 /dev/urandom >whole; split -b 700000 whole part.
            cat part.* >again; cmp whole again; md5sum whole part.* >sums; md5sum -c --quiet sums
        """)

    def test_install_sets_mode_and_owner(self):
        self.sh("""
            echo x >source; install -D -m 640 -o 123 -g 456 source deep/er/target
            install -d -m 1777 -o 7 public; install -m 755 source deep/er/target
            test "$(stat -c %a:%u deep/er/target)" = 755:0; test "$(stat -c %a:%u public)" = 1777:7
        """)


class EditingProgramTests(ProgramCase):
    def test_editors_save(self):
        text = "".join(f"line {number}\n" for number in range(100))
        for name in ("vim-yes", "vim-no", "sed", "ed", "perl"):
            (self.d / name).write_text(text)
            (self.d / name).chmod(0o751)
        vi = ("vi", "-N", "-u", "NONE", "-i", "NONE", "-e", "-s")
        for copy in ("yes", "no"):
            run(*vi, "-c", f"set backup backupskip= backupcopy={copy}", "-c", "%s/line/LINE/",
                "-c", "w", "-c", "$d", "-c", "wq", self.d / f"vim-{copy}", cwd=self.d)
        self.sh("""
            sed -i.orig s/line/LINE/ sed; sed -i '$d' sed; test "$(wc -l <sed.orig)" = 100
            perl -pi -e s/line/LINE/ perl; sed -i '$d' perl
            printf '%s\\n' ',s/line/LINE/' '$d' w q | ed -s ed
        """)
        expected = text.replace("line", "LINE").rpartition("LINE")[0]
        for name in ("vim-yes", "vim-no", "sed", "ed", "perl"):
            self.assertEqual((self.d / name).read_text(), expected, name)
            self.assertEqual(stat.S_IMODE((self.d / name).stat().st_mode), 0o751, name)
        self.assertEqual((self.d / "vim-no~").read_text(), text.replace("line", "LINE"))
        self.assertEqual((self.d / "vim-yes~").read_text(), text.replace("line", "LINE"))

    def test_saving_by_backup_and_rename_leaves_both(self):
        self.sh("""
            echo 1 >file
            for i in 2 3 4 5; do
              echo $i >.file.new; sync .file.new; rm -f file~; mv file file~; mv .file.new file
            done
            test "$(cat file file~ | tr -d '\\n')" = 54
            sort -r -o numbers <(seq 100); sort -n -o numbers numbers; cmp numbers <(seq 100)
        """)

    def test_patch_applies_and_reverts(self):
        self.sh("""
            mkdir old; seq 500 >old/numbers; echo same >old/same; cp -r old new
            sed -i 's/^250$/changed/' new/numbers; echo added >new/added
            diff -ruN old new >change.patch || true
            cp -a old target; patch -s -d target -p1 <change.patch; diff -r target new
            patch -s -R -d target -p1 <change.patch; diff -r target old
            patch -s -b -d target -p1 <change.patch; test -e target/numbers.orig
        """)

    def test_gzip_in_place_keeps_mode_and_time(self):
        self.sh("""
            seq 10000 >file; chmod 640 file; touch -d 2021-03-04T05:06:07.5 file; cp -p file copy
            gzip file; test ! -e file; gzip -t file.gz; test "$(stat -c %a file.gz)" = 640
            gunzip file.gz; cmp file copy; test ! file -nt copy; xz -k file 2>/dev/null || true
        """)

    def test_dd_changes_parts_in_place(self):
        self.sh("""
            head -c 1000000 /dev/zero >file
            printf middle | dd of=file bs=1 seek=500000 conv=notrunc status=none
            test "$(stat -c %s file)" = 1000000
            test "$(dd if=file bs=1 skip=500000 count=6 status=none)" = middle
            printf end | dd of=file oflag=append conv=notrunc,fsync status=none
            test "$(tail -c 4 file | tr '\\0' 0)" = 0end
            dd if=/dev/urandom of=blocks bs=64K count=8 status=none
            dd if=blocks of=copy bs=64K iflag=direct oflag=direct status=none; cmp blocks copy
            dd if=blocks of=blocks bs=64K skip=1 seek=3 count=2 conv=notrunc status=none
            cmp -n 131072 -i 65536:196608 copy blocks
        """)

    def test_shell_redirections(self):
        self.sh("""
            set -C; echo one >file; ! { echo two >file; } 2>/dev/null; echo two >|file; set +C
            echo three >>file; exec 3<>file; read -r first <&3; echo TWO >&3; exec 3>&-
            test "$(cat file | tr '\\n' ' ')" = "two TWO ee "  ||  test "$first" = two
            { for i in 1 2 3; do echo $i; done | tee -a log; } >/dev/null; tee log2 <log | cmp - log
            cat >here <<<text; test "$(cat here)" = text
            mkfifo pipe; cat pipe >got & echo through >pipe; wait; grep -q through got
            yes | head -n 20000 >many; test "$(wc -l <many)" = 20000
        """)

    def test_truncate_and_shred(self):
        self.sh("""
            truncate -s 100K grown; test "$(stat -c %s grown)" = 102400; truncate -s -1K grown
            truncate -r grown same; truncate -s '>200K' grown; truncate -s 0 same
            test "$(stat -c %s same grown | tr '\\n' ' ')" = "0 204800 "
            head -c 50000 /dev/urandom >secret; shred -u secret; test ! -e secret
            head -c 50000 /dev/urandom >kept; cp kept before; shred -n 1 -z kept; ! cmp -s kept before
            cmp -n 50000 kept /dev/zero
        """)


class TreeProgramTests(ProgramCase):
    def test_attributes_of_trees_change_recursively(self):
        tree = self.tree()
        self.sh(f"cp -r {tree} tree")
        self.mount.remount()
        self.sh("""
            chown -R 1234:4321 tree; chmod -R u=rwX,go= tree
            test -z "$(find tree ! -uid 1234 -o ! -gid 4321)"
            test -z "$(find tree -type f -perm /077)"; test -z "$(find tree -type d ! -perm 700)"
            chown -hR --from=1234 0 tree; chgrp -R 0 tree; test -z "$(find tree ! -user root)"
        """)

    def test_find_finds_and_does(self):
        self.sh("""
            mkdir -p a/b/c; for i in 1 2 3 4 5; do seq $i >a/$i.txt; seq $((i * 1000)) >a/b/$i.dat; done
            touch -d '2 days ago' a/1.txt; touch -d 2030-01-01 a/b/c/future; touch reference
            test "$(find a -newer reference)" = a/b/c/future
            test "$(find a -mtime +1 -type f)" = a/1.txt
            test "$(find a -name '*.dat' -size +10k | wc -l)" = 3
            find a -name '*.txt' -exec sed -i s/1/one/ {} +; grep -q one a/2.txt
            find a -name '*.dat' -print0 | xargs -0 -n 1 -P 4 gzip; test "$(ls a/b/*.gz | wc -l)" = 5
            find a -type f -empty -delete; test ! -e a/b/c/future
            find a -depth -type d -empty -exec rmdir {} \\;; test ! -e a/b/c
            find a -name '*.gz' -delete; test -z "$(ls a/b)"
        """)

    def test_ls_du_df_and_touch(self):
        self.sh("""
            mkdir d; head -c 1000000 /dev/urandom >d/large; echo x >d/small; ln -s large d/link
            touch -d 2001-02-03T04:05:06.789 d/small; touch -r d/small d/same; touch -h -d 2002-01-01 d/link
            test "$(ls -l --time-style=full-iso d/same | grep -c '2001-02-03 04:05:06.789')" = 1
            test "$(ls -1t d | tail -n 1)" = small || test "$(ls -1t d | tail -n 1)" = same
            test "$(ls -1S d | head -n 1)" = large; ls -laR . >/dev/null; ls -i d/large | grep -q '^[0-9]'
            test "$(du -b d/large | cut -f 1)" = 1000000
            used=$(du -s --block-size=1 d/large | cut -f 1); test $used -ge 1000000; test $used -lt 1100000
            df . | grep -q fuse || df -T . | grep -q fuse.rgwfs; df -i . >/dev/null
            test -n "$(stat -f -c %b .)"; touch -c none; test ! -e none; file d/small 2>/dev/null || true
        """)

    def test_parallel_writers_each_leave_their_file(self):
        self.sh("""
            seq 120 | xargs -P 8 -I{} sh -c 'mkdir -p d{}; seq {}00 >d{}/file; mv d{}/file d{}.txt; rmdir d{}'
            test "$(ls | wc -l)" = 120
            for i in 1 60 120; do cmp d$i.txt <(seq ${i}00); done
            seq 8 | xargs -P 8 -I{} sh -c 'for i in $(seq 40); do echo {} $i >>log; done'
            test "$(wc -l <log)" = 320; test "$(sort -u log | wc -l)" = 320
        """)

    def test_flock_serialises_and_mktemp_makes_names(self):
        self.sh("""
            echo 0 >count; chmod 600 count
            seq 12 | xargs -P 4 -I{} flock lock sh -c 'n=$(cat count); echo $((n + 1)) >count'
            test "$(cat count)" = 12
            exec 9>held; flock 9; ! flock -n held true; exec 9>&-; flock -n held true
            file=$(mktemp -p .); directory=$(mktemp -d -p .)
            test "$(stat -c %a $file $directory | tr '\\n' ' ')" = "600 700 "; rmdir $directory; rm $file
        """)

    def test_rm_rf_removes_what_is_there(self):
        tree = self.tree(seed=9)
        self.sh(f"cp -a {tree} tree; cp -a tree beside")
        self.mount.remount()
        self.sh("rm -rf tree; test ! -e tree; mkdir -p x/y/z; rmdir -p x/y/z; test ! -e x; mkdir tree")
        self.assertEqual(describe(self.d / "beside"), describe(tree))

    def test_tail_follows_an_appender(self):
        path = self.file("log", b"start\n")
        for follow in ("descriptor", "name"):
            with subprocess.Popen(["tail", f"--follow={follow}", "-s", "0.1", "-n", "+1", path],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tail:
                self.addCleanup(tail.kill)
                self.assertEqual(tail.stdout.readline(), b"start\n")
                for number in range(3):
                    self.sh(f"echo {follow} {number} >>log")
                    self.assertEqual(tail.stdout.readline(), b"%s %d\n" % (follow.encode(), number))
                if follow == "name":
                    self.sh("mv log log.1; echo rotated >log")
                    self.assertEqual(tail.stdout.readline(), b"rotated\n")
                tail.send_signal(signal.SIGTERM)
            self.file("log", b"start\n")


class DevelopmentTests(ProgramCase):
    git_environment = {
        **os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_TERMINAL_PROMPT": "0"}

    def test_git_works_in_a_clone(self):
        origin = pathlib.Path(self.scratch()) / "origin"
        script = f"""
            git init -q -b main {origin}; cd {origin}
            for i in $(seq 40); do mkdir -p d$((i % 5)); seq $i >d$((i % 5))/$i; done; ln -s 1 link
            printf '#!/bin/sh\\n' >run; chmod 755 run; git add .; git commit -qm first
            git checkout -qb other; seq 7 >d1/1; git mv d2 moved; git commit -qam second
            git checkout -q main; echo x >third; git add .; git commit -qm third
        """
        self.sh(script, env=self.git_environment)
        self.sh(f"""
            git clone -q file://{origin} clone; cd clone; git fsck --strict
            test -z "$(git status --porcelain)"; git checkout -q other; test -e moved/2
            test -z "$(git status --porcelain)"; git checkout -q main; test ! -e moved
            echo changed >>third; test "$(git status --porcelain)" = ' M third'
            git stash -q; git stash pop -q; git commit -qam fourth; git merge -q --no-edit origin/other
            git mv run walk; git commit -qam fifth; git tag v1; git gc -q; git fsck --strict
            git clone -q . ../second; git -C ../second fsck --strict
            git worktree add -q ../tree v1; git -C ../tree status --porcelain
        """, env=self.git_environment)
        self.mount.remount()
        self.sh("""
            git -C clone fsck --strict; test -z "$(git -C clone status --porcelain)"
            test "$(git -C clone log --oneline main | wc -l)" = 6; cd second; git pull -q
            git checkout -q HEAD~2; git checkout -q -; git repack -adq; git prune; git reflog >/dev/null
            git push -q origin HEAD:pushed; test -z "$(git status --porcelain)"
        """, env=self.git_environment)

    def test_make_builds_in_place_and_only_what_is_needed(self):
        (self.d / "project").mkdir()
        for name, text in PROGRAM_C.items():
            (self.d / "project" / name).write_text(text)
        self.sh("cd project; make -s -j 2; test \"$(./answer)\" = 42; make -q")
        self.mount.remount()
        self.sh("""
            cd project; make -q; test "$(./answer)" = 42
            sed -i s/21/50/ part.c; ! make -q; make -n | grep -q part.o; ! make -n | grep -q main.c
            make -s; test "$(./answer)" = 100
            touch part.h; make -n | grep -q main.c; make -s; make -s clean; test ! -e answer; make -s
        """)

    def test_sqlite_in_every_journal_mode(self):
        for mode in ("delete", "truncate", "persist", "wal"):
            base = self.d / f"{mode}.db"
            answer = self.sql(base, f"""
                pragma journal_mode={mode}; create table t(id integer primary key, x text);
                begin; with recursive n(i) as (select 1 union all select i+1 from n where i<2000)
                insert into t(x) select 'row '||i from n; commit;
                begin; delete from t where id%3=0; rollback;
                update t set x='changed' where id%10=0; create index i on t(x); vacuum;""")
            self.assertEqual(answer.split(), [mode])
            self.sh(f"""
                seq 6 | xargs -P 3 -I{{}} sqlite3 -cmd '.timeout 60000' {base} \
                  "insert into t(x) values('parallel {{}}')"
            """)
        self.mount.remount()
        for mode in ("delete", "truncate", "persist", "wal"):
            base = self.d / f"{mode}.db"
            self.assertEqual(self.sql(base, """
                pragma integrity_check; select count(*) from t;
                select count(*) from t where x='changed'; select count(*) from t where x like 'par%';"""
                ).split(), ["ok", "2006", "200", "6"])
            self.sql(base, f".backup {self.d}/{mode}.copy")
            self.assertEqual(self.sql(self.d / f"{mode}.copy", "pragma integrity_check").strip(), "ok")

    def sql(self, base, script):
        return run("sqlite3", base, script).stdout

    def test_pip_installs_into_the_mount(self):
        wheel = pathlib.Path(self.scratch()) / "tried-1.0-py3-none-any.whl"
        files = {"tried/__init__.py": "answer = 42\n", "tried/data.txt": "data\n" * 1000,
                 "tried-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tried\nVersion: 1.0\n",
                 "tried-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\n"
                                              "Root-Is-Purelib: true\nTag: py3-none-any\n"}
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
            record = "tried-1.0.dist-info/RECORD"
            archive.writestr(record, "".join(f"{name},,\n" for name in [*files, record]))
        run("python3", "-m", "pip", "install", "-q", "--no-index", "--no-deps",
            "--disable-pip-version-check", "--root-user-action=ignore", "--target",
            self.d / "site", wheel)
        self.mount.remount()
        self.assertEqual(run(
            "python3", "-c", "import tried; print(tried.answer, tried.__file__)",
            env={**os.environ, "PYTHONPATH": os.fspath(self.d / "site")}).stdout,
            f"42 {self.d}/site/tried/__init__.py\n")

    def test_what_python_offers(self):
        shutil.copytree(self.tree(seed=10), self.d / "tree", symlinks=True)
        shutil.make_archive(os.fspath(self.d / "archive"), "gztar", self.d / "tree")
        shutil.unpack_archive(self.d / "archive.tar.gz", self.d / "unpacked")
        self.assertEqual(digests(self.d / "unpacked"), digests(self.d / "tree"))
        shutil.move(self.d / "unpacked", self.d / "moved")
        shutil.rmtree(self.d / "tree")
        with tempfile.TemporaryDirectory(dir=self.d) as temporary:
            path = pathlib.Path(temporary) / "a" / "b"
            path.mkdir(parents=True)
            (path / "x").touch(0o600)
            (path / "x").replace(path / "y")
            (path / "y").rename(path.parent / "y")
        with tempfile.TemporaryFile(dir=self.d) as one, \
                tempfile.NamedTemporaryFile(dir=self.d) as two, \
                tempfile.SpooledTemporaryFile(10, dir=self.d) as three:
            for file in (one, two, three):
                file.write(b"x" * 1000)
                file.seek(500)
                self.assertEqual(file.read(), b"x" * 500)
        base = os.fspath(self.d / "shelf")
        run(sys.executable, "-c", f"""if True:
            import dbm.dumb, json, logging.handlers, shelve, zipfile
            with shelve.Shelf(dbm.dumb.open({base!r})) as shelf:
                shelf.update((str(n), list(range(n))) for n in range(50))
            with shelve.Shelf(dbm.dumb.open({base!r})) as shelf:
                assert shelf["49"] == list(range(49))
            handler = logging.handlers.RotatingFileHandler({base!r} + ".log", maxBytes=500, backupCount=2)
            log = logging.Logger("x"); log.addHandler(handler)
            for n in range(300): log.error("line %d", n)
            with zipfile.ZipFile({base!r} + ".zip", "a") as archive: archive.writestr("a", "1")
            with zipfile.ZipFile({base!r} + ".zip", "a") as archive: archive.writestr("b", "2")
            assert zipfile.ZipFile({base!r} + ".zip").testzip() is None
        """)
        self.assertEqual(sorted(path.name for path in self.d.glob("shelf.log*")),
                         ["shelf.log", "shelf.log.1", "shelf.log.2"])


class StorageTests(ProgramCase):
    """fio writes patterns with check sums and reads them back."""

    def fio(self, name, *options):
        run("fio", f"--name={name}", f"--directory={self.d}", "--size=4M", "--verify=crc32c",
            "--verify_state_save=0", "--verify_fatal=1", "--randseed=7", "--fallocate=none", "--thread", *options)

    def test_what_fio_writes_it_verifies(self):
        jobs = {
            "sequential": ("--rw=write", "--bs=128k"),
            "random": ("--rw=randwrite", "--bs=4k"),
            "mixed": ("--rw=randrw", "--bs=8k", "--ioengine=psync"),
            "uneven": ("--rw=randwrite", "--bsrange=512-20k", "--bs_unaligned=1"),
            "mapped": ("--rw=randwrite", "--bs=4k", "--ioengine=mmap"),
            "vectors": ("--rw=write", "--bs=64k", "--ioengine=pvsync", "--fdatasync=16"),
            "direct": ("--rw=randwrite", "--bs=16k", "--direct=1", "--ioengine=libaio",
                       "--iodepth=8"),
        }
        for name, options in jobs.items():
            with self.subTest(name):
                self.fio(name, *options, "--do_verify=1")
        self.mount.remount()
        for name in ("sequential", "random", "mapped", "direct"):
            with self.subTest(f"{name} after a remount"):
                self.fio(name, *jobs[name], "--verify_only=1")


class OrdinaryUserTests(ProgramCase):
    """The same as somebody who is not root."""

    def test_a_user_works_in_a_home_of_his_own(self):
        os.chown(self.d, USER, USER)
        user = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups")
        script = """
            umask 027; mkdir -p src; printf 'int main(void) { return 7; }' >src/m.c
            cc -o m src/m.c; ! { ./m; test $? != 7; }; tar -cf src.tar src; mkdir out; tar -xf src.tar -C out
            cp -a src copy; rsync -a src/ synced; diff -r src synced; sed -i s/7/8/ src/m.c
            git init -q repo; cd repo; seq 10 >a; git add a; git commit -qm a; git gc -q; git fsck --strict
            cd ..; chmod 444 src/m.c; ! { echo x >>src/m.c; } 2>/dev/null; mv -f src/m.c src/n.c
            ! chown 0 src/n.c 2>/dev/null; mkdir private; chmod 0 private; ! ls private 2>/dev/null
            rmdir private; rm -rf copy; ln -s out link; find . -user root | { ! grep .; }
        """
        run(*user, "bash", "-euc", textwrap.dedent(script), cwd=self.d,
            env={**DevelopmentTests.git_environment, "HOME": os.fspath(self.d),
                 "TMPDIR": os.fspath(self.d)})
        with identity(USER):
            self.assertEqual(stat.S_IMODE((self.d / "m").stat().st_mode), 0o750)


def digests(root):
    """What a copy without attributes has to keep."""
    root = pathlib.Path(root)
    return {os.fsencode(path.relative_to(root)): digest(path) for path in root.rglob("*")
            if path.is_file() and not path.is_symlink()}


if __name__ == "__main__":
    unittest.main()
