"""One mount that dies again and again, the programs that write on it, and the judges of what each death left.

The judges look at the bucket with another client, at the spool's files, and at the next mount.
"""

import hashlib
import multiprocessing
import os
import pathlib
import random
import select
import stat
import traceback
from concurrent.futures import ThreadPoolExecutor

import botocore.exceptions

from harness import kill, s3_client
from manifest import Manifest, wait_for_calls
from workload import Writer

WRITERS = 3


def md5(content):
    return hashlib.md5(content).hexdigest()


def shown(content, mode=None):
    return f"{len(content)} bytes {content[:40]!r}" + (f" mode {mode:o}" if mode else "")


def run_all(lanes, body):
    """`body` of each lane, at the same time; how many kills all had. An error of one fails the test.

    Processes, not threads: whatever one lane starts would have copies of all open files for a moment, and to
    the daemons of the others the end of a copy is a close.
    """
    fork = multiprocessing.get_context("fork")
    running = []
    for lane in lanes:
        told, tell = fork.Pipe(duplex=False)
        process = fork.Process(target=lane.run, args=(body, tell), daemon=True)
        process.start()
        tell.close()
        running.append((process, told))
    ends = []
    for process, told in running:
        try:
            ends.append(told.recv())
        except EOFError:
            ends.append("a lane ended without a word")
        process.join()
    wrong = [end for end in ends if isinstance(end, str)]
    if wrong:
        raise AssertionError("\n\n".join(wrong))
    return sum(ends)


class Lane:
    """A bucket, a spool, a mount behind a slow proxy. Several lanes of one test run at the same time."""

    def __init__(self, test, number, seed):
        self.test = test
        self.number = number
        self.seed = seed * 1000 + number
        self.random = random.Random(self.seed)
        self.name = f"lane {number}, seed {seed}"
        self.manifest = Manifest(test.directory / f"manifest-{number}")
        test.addCleanup(self.manifest.close)
        self.bucket = test.new_bucket()
        self.slow = test.proxy(delay_ms=15)
        self.spool = pathlib.Path(test.new_directory(f"spool-{number}"))
        self.slot = test.mount(source=self.bucket, spool=self.spool, endpoint=self.slow.endpoint,
                               start=False)
        self.plain_options = list(self.slot.options)
        self.s3 = test.s3
        self.writers = []
        self.generation = 0
        self.kills = 0
        # Versions of objects (key, tag, time) as they were read: none is read twice.
        self.known = {}

    def run(self, body, told):
        """In a process of its own. Tells how it ended: the number of kills, or what went wrong."""
        self.s3 = s3_client()
        try:
            body(self)
            told.send(self.kills)
        except BaseException:  # The parent's to show, as the only one that unittest knows.
            told.send(traceback.format_exc())
        finally:
            self.stop()
            self.slot.discard()

    # One life of the daemon.

    def begin(self, trap=None, options=(), favourites=((), 0), calls=300):
        """`favourites`: what the programs do in so many of a hundred cases. A list: each its own."""
        self.slot.options = [*self.plain_options, *options]
        self.slot.environment = {"RGWFS_FAIL": trap} if trap else {}
        self.slot.start()
        if not self.writers:
            self.writers = [Writer(self.slot.point, f"w{number}", self.seed * 1000 + number,
                                   self.manifest) for number in range(WRITERS)]
        else:
            self.writers = [self.follower(writer) for writer in self.writers]
        each = favourites if isinstance(favourites, list) else [favourites] * WRITERS
        for writer, (writer.favourites, writer.favour) in zip(self.writers, each):
            writer.calls_max = calls
            writer.start()

    def follower(self, old):
        """The same program, started again: it knows what is there and repeats no content."""
        self.generation += 1
        new = Writer(self.slot.point, old.directory, self.seed * 1000 + 100 + self.generation,
                     self.manifest)
        new.state, new.files = old.state, old.files
        new.versions, new.generations = old.versions, old.generations
        return new

    def wait_for_calls(self, count, seconds=20):
        wait_for_calls(self.writers, count, seconds)

    def wait_for_death(self, seconds):
        """True: the daemon has killed itself."""
        descriptor = os.pidfd_open(self.slot.pid)
        try:
            return bool(select.select([descriptor], [], [], seconds)[0])
        finally:
            os.close(descriptor)

    def end(self):
        """After the daemon's death: programs stop, nothing stays mounted."""
        kill(self.slot.pid)
        self.slot.process.wait(10)
        self.kills += 1
        # Not earlier: who gives up closes its files, and that would be one more call.
        self.stop()
        self.slot.kill()
        self.join()

    def stop(self):
        for writer in self.writers:
            writer.halt.set()

    def join(self):
        for writer in self.writers:
            writer.join(20)
            if writer.is_alive():
                self.fail(f"{writer.directory} hangs in a call: {writer.pending and writer.pending[0]}")
            if writer.trouble:
                raise writer.trouble

    def warm_up(self, calls):
        """A life without a death: what the bucket has is renamed, changed, deleted by the next ones."""
        self.begin(options=["fsync=local"], calls=calls)
        self.join()
        self.slot.unmount()
        self.check_bucket("before the first kill")

    def recover(self, where, drains=True):
        """The next mount, judged; then the bucket."""
        self.slot.options, self.slot.environment = list(self.plain_options), {}
        self.slot.start()
        self.judge(where)
        if drains:
            self.slot.unmount()
            self.check_bucket(where)
        else:
            self.slot.kill()

    # Judgement.

    def fail(self, text, key=None):
        """`key`: what was done and requested under its name is told too."""
        name = key.rpartition("/")[2] if key else None
        lines = [line for path in (self.manifest.file.name, self.slow.log)
                 for line in pathlib.Path(path).read_text(errors="replace").splitlines()
                 if name and name in line]
        self.test.fail("\n".join([f"{self.name}: {text}", *lines[-50:],
                                  "--- acknowledged last", self.manifest.tail()]))

    def expected_objects(self):
        """Key to content and mode, as the programs know it; directories to nothing of both."""
        table = {}
        for writer in self.writers:
            for name, body in writer.state.items():
                key = f"{writer.directory}/{name}" if name else writer.directory
                table[key + ("/" if body is None else "")] = (b"", None) if body is None \
                    else (body.now, body.mode)
        return table

    def objects(self):
        """Key to content and mode. Requests of the dead may still arrive: what goes meanwhile is gone."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        versions = {entry["Key"]: (entry["Key"], entry["ETag"], entry["LastModified"])
                    for page in pages for entry in page.get("Contents", [])}
        self.known = {version: self.known[version] for version in versions.values() if version in self.known}
        unknown = [version for version in versions.values() if version not in self.known]
        with ThreadPoolExecutor(8) as readers:
            self.known.update(zip(unknown, readers.map(self.read_object, unknown)))
        return {key: self.known[version] for key, version in versions.items()
                if self.known[version] is not None}

    def read_object(self, version):
        """None: it is not there any more."""
        key, tag, _ = version
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=key, IfMatch=tag)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "PreconditionFailed"):
                return None
            raise
        mode = answer["Metadata"].get("mode")
        is_file = not key.endswith("/")
        return answer["Body"].read(), stat.S_IMODE(int(mode)) if mode and is_file else None

    def judge_killed(self, where):
        """What the death left, before anybody mends it. True: the bucket lacks something."""
        found = self.objects()
        legal = set().union(*(writer.legal() for writer in self.writers))
        for key, (content, _) in found.items():
            if not key.endswith("/") and md5(content) not in legal:
                self.fail(f"{where}: {key} is {shown(content)}, which nobody confirmed", key)
        self.check_kept(where, found, self.spooled("data") | self.spooled("lost"), self.accepted())
        return found != self.expected_objects()

    def spooled(self, part):
        """MD5 of every file in this part of the spool."""
        return {md5(path.read_bytes()) for path in self.spool.glob(f"*/{part}/**/*") if path.is_file()}

    def accepted(self):
        """Key to content of what calls acknowledged and no call changes just now."""
        return {f"{writer.directory}/{name}": content for writer in self.writers
                for name, content in writer.accepted().items()}

    def check_kept(self, where, found, spooled, accepted):
        """I11: what was accepted, and not given up by a program, is somewhere."""
        kept = spooled | {md5(content) for content, _ in found.values()}
        for key, content in accepted.items():
            if md5(content) not in kept:
                self.fail(f"{where}: {key} is nowhere: {shown(content)}", key)

    def judge(self, where):
        accepted = self.accepted()
        try:
            with ThreadPoolExecutor(WRITERS) as judges:
                wrong = "\n".join(filter(None, judges.map(Writer.judge, self.writers)))
        except OSError as error:
            self.fail(f"{where}: {error}", error.filename)
        if wrong:
            self.fail(f"{where}: the mount differs\n{wrong}")
        # What recovery took back of a replacement that no close ended is in lost/.
        self.check_kept(where, self.expected_objects(), self.spooled("lost"), accepted)

    def check_bucket(self, where):
        expected, found = self.expected_objects(), self.objects()
        for key in sorted(expected.keys() | found.keys()):
            want, have = expected.get(key), found.get(key)
            if want != have:
                self.fail(f"{where}: {key} should be {want and shown(*want)}, is {have and shown(*have)}", key)
        self.check_versions(where)

    def check_versions(self, where):
        """No change went up twice: requests that made a version, by key, against what programs did."""
        made = {}
        for _, status, target in self.slow.requests("PUT"):
            key = target.removeprefix(f"/{self.bucket}/")
            if status == 200 and not key.endswith("/"):
                made[key] = made.get(key, 0) + 1
        wanted = {}
        for writer in self.writers:
            wanted.update(writer.generations)
        for key, count in made.items():
            if count > wanted.get(key, 0):
                self.fail(f"{where}: {key}: {count} PUTs for {wanted.get(key, 0)} changes", key)
