"""Who works in a history: programs on a mount, and another client of the bucket. Each writes down what it
does, when it began and when it was answered, so that a judge can say which could have seen which."""

import contextlib
import errno
import itertools
import os
import time

import botocore.exceptions

from history_content import RECORD, ZERO, Step, body, parsed

# Lengths of writes, in records: small ones of different lengths, so that a size tells its version.
LENGTHS = [*range(1, 60), 200, 511, 777]
# Longer than what a mount keeps as one block.
LARGE = 17_000
PAUSES = [0] * 8 + [0.01, 0.05, 0.15, 0.35, 0.4, 1.15]
# What system calls may answer when others move and remove what they are called for.
EXPECTED = {errno.ENOENT, errno.ESTALE, errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR,
            errno.ENODATA}
FAULTY = {errno.EIO, errno.ETIMEDOUT, errno.EBUSY}


class Event:
    """Something an actor did. `content`: what it saw there, () for an empty file, None for no file."""

    def __init__(self, actor, what, names):
        self.actor, self.what, self.names = actor, what, names
        self.start = time.monotonic()
        self.end = None
        self.error = None
        self.content = None
        self.note = ""
        self.session = None

    def __str__(self):
        result = "under way" if self.end is None else errno.errorcode.get(self.error, "ok")
        return f"{self.actor} {self.what} {' '.join(self.names)} {self.note} -> {result}"


class Session:
    """What one writer changes of a file between open and close. Acknowledged: the tags that are."""

    def __init__(self, actor, number, name, kind):
        self.actor, self.number, self.name, self.kind = actor, number, name, kind
        self.steps = []
        self.start = time.monotonic()
        self.end = None
        self.acknowledged = []
        self.told = False

    @property
    def replaces(self):
        """The content after it does not depend on the one before."""
        return self.kind in ("put", "save")

    def __str__(self):
        return f"{self.actor} {self.kind} {self.name}: {', '.join(map(str, self.steps))}"


class Mark:
    """A change of attributes: `kind` is mode or xattr, `value` occurs once in a history."""

    def __init__(self, actor, name, kind, value):
        self.actor, self.name, self.kind, self.value = actor, name, kind, value
        self.start = time.monotonic()
        self.end = None
        self.acknowledged = False


class History:
    def __init__(self):
        self.events, self.sessions, self.marks = [], [], []
        self.tags, self.modes, self.steps = itertools.count(1), itertools.count(0), itertools.count(1)
        self.begin = time.monotonic()

    def next_mode(self):
        """Permissions that no file has by itself; each once, as long as a history is short."""
        return 0o700 + next(self.modes) % 64


class Actor:
    def __init__(self, name, history, random, names):
        self.name, self.history, self.random, self.names = name, history, random, names
        self.is_large = False

    def pause(self):
        time.sleep(self.random.choice(PAUSES))

    def pick(self):
        return self.random.choice(self.names)

    def pick_length(self):
        return LARGE + self.random.randrange(99) if self.is_large and self.random.random() < 0.3 \
            else self.random.choice(LENGTHS)

    def new_tag(self):
        return f"{self.name}{next(self.history.tags)}"

    def step(self, session, kind, offset=0, count=0):
        tag = self.new_tag() if count else ZERO
        step = Step(self.name, next(self.history.steps), kind, tag, offset, count)
        session.steps.append(step)
        return step

    def new_session(self, name, kind):
        session = Session(self.name, len(self.history.sessions), name, kind)
        self.history.sessions.append(session)
        return session

    @contextlib.contextmanager
    def event(self, what, *names):
        event = Event(self.name, what, names)
        self.history.events.append(event)
        try:
            yield event
        except OSError as error:
            event.error = error.errno
        finally:
            event.end = time.monotonic()

    def choose(self):
        """One operation, drawn by weight."""
        table = self.operations()
        self.random.choices([call for call, _ in table], [weight for _, weight in table])[0]()


class Raw(Actor):
    """Another client, that uses no mount."""

    def __init__(self, *arguments, s3, bucket, prefix):
        super().__init__(*arguments)
        self.s3, self.bucket, self.prefix = s3, bucket, prefix

    def operations(self):
        return [(self.put, 8), (self.get, 8), (self.delete, 4), (self.copy, 2)]

    def put(self):
        name = self.pick()
        session = self.new_session(name, "put")
        count = self.pick_length()
        step = self.step(session, "put", count=count)
        with self.event("put", name) as event:
            event.note, event.session = f"{step.tag}[0:{count}]", session
            self.s3.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=body(step.tag, 0, count))
        session.end = event.end
        session.acknowledged = [step.tag]

    def get(self):
        name = self.pick()
        with self.event("get", name) as event:
            event.content = self.content(self.prefix + name)

    def content(self, key):
        try:
            return parsed(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except botocore.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            return None

    def delete(self):
        name = self.pick()
        with self.event("delete", name):
            self.s3.delete_object(Bucket=self.bucket, Key=self.prefix + name)

    def copy(self):
        name, other = self.random.sample(self.names, 2) if len(self.names) > 1 else self.names * 2
        if name == other:
            return
        with self.event("copy", name, other) as event:
            try:
                self.s3.copy_object(Bucket=self.bucket, Key=self.prefix + other,
                                    CopySource={"Bucket": self.bucket, "Key": self.prefix + name})
            except botocore.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise
                event.error = errno.ENOENT


class Program(Actor):
    """Programs on one mount; one system call after another."""

    def __init__(self, *arguments, mount, kills):
        super().__init__(*arguments)
        self.mount = mount
        self.kills = kills
        # Open files: (descriptor, session) of writers; (descriptor, name, pieces, event) of readers.
        self.writers, self.readers = [], []

    def path(self, name):
        return os.path.join(self.mount.point, name)

    def operations(self):
        table = [(self.save, 12), (self.replace, 3), (self.append, 10), (self.patch, 5), (self.cut, 3),
                 (self.begin, 5), (self.read, 15), (self.open_reader, 4), (self.stat, 5), (self.list, 6),
                 (self.rename, 6), (self.unlink, 5), (self.chmod, 3), (self.set_attribute, 4),
                 (self.sync_name, 3), (self.list_and_save, 3)]
        if any("/" in name for name in self.names):
            table += [(self.rename_directory, 2), (self.mkdir, 1), (self.rmdir, 1)]
        if self.writers:
            table += [(self.go_on, 8), (self.finish, 10), (self.sync_writer, 4)]
        if self.readers:
            table += [(self.read_part, 12), (self.finish_reader, 6)]
        if self.kills:
            table += [(self.kill, 3)]
        return table

    # Writing.

    def open_session(self, name, kind, flags):
        session = self.new_session(name, kind)
        with self.event(f"open-{kind}", name) as event:
            event.session = session
            descriptor = os.open(self.path(name), flags, 0o644)
            return descriptor, session
        session.told = True
        session.end = event.end
        return None, session

    def write(self, descriptor, session, offset=None):
        """Pieces of at most 64 KiB: between two of them a version may be taken."""
        if session.kind == "append":
            step = self.step(session, "append", count=self.pick_length())
        elif session.kind == "save":
            end = sum(each.count for each in session.steps)
            # Nothing of the file was left when this was opened.
            step = self.step(session, "write" if session.steps else "put", end, self.pick_length())
        else:
            step = self.step(session, "write", offset, self.pick_length())
        with self.event("write", session.name) as event:
            event.note, event.session = str(step), session
            data = body(step.tag, 0, step.count)
            if session.kind == "append":
                os.write(descriptor, data)
            else:
                os.pwrite(descriptor, data, step.offset * RECORD)
        if event.error is not None:
            session.told = True

    def close(self, descriptor, session):
        with self.event("close", session.name) as event:
            event.session = session
            os.close(descriptor)
        session.end = event.end
        if event.error is not None:
            session.told = True
        elif not session.told:
            session.acknowledged = [step.tag for step in session.steps if step.count]

    def sync(self, descriptor, session):
        with self.event("fsync", session.name) as event:
            event.session = session
            os.fsync(descriptor)
        if event.error is not None:
            session.told = True
        elif not session.told:
            session.acknowledged = [step.tag for step in session.steps if step.count]

    def save(self, name=None):
        name = name or self.pick()
        descriptor, session = self.open_session(name, "save", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        if descriptor is None:
            return None
        for _ in range(self.random.choice([1, 1, 1, 2])):
            self.write(descriptor, session)
        if self.random.random() < 0.25:
            self.sync(descriptor, session)
        self.close(descriptor, session)
        return session

    def list_and_save(self):
        name = self.pick()
        self.list(os.path.dirname(name))
        self.save(name)

    def replace(self):
        """As editors do: a new file, then a rename over the old one."""
        name = self.pick()
        temporary = f".{name.replace('/', '-')}.{self.name}"
        if self.save(temporary):
            self.move("rename", temporary, name)

    def append(self):
        create = os.O_CREAT if self.random.random() < 0.4 else 0
        descriptor, session = self.open_session(self.pick(), "append", os.O_WRONLY | os.O_APPEND | create)
        if descriptor is not None:
            self.write(descriptor, session)
            self.close(descriptor, session)

    def patch(self):
        descriptor, session = self.open_session(self.pick(), "patch", os.O_RDWR)
        if descriptor is None:
            return
        with self.event("fstat", session.name):
            size = os.fstat(descriptor).st_size // RECORD
            self.write(descriptor, session, self.random.randrange(size + 3))
        self.close(descriptor, session)

    def cut(self):
        session = self.new_session(self.pick(), "cut")
        with self.event("truncate", session.name) as event:
            size = os.stat(self.path(session.name)).st_size // RECORD
            step = self.step(session, "cut", self.random.randrange(size + 3))
            event.note = f"to {step.offset}"
            os.truncate(self.path(session.name), step.offset * RECORD)
        session.end = event.end

    def begin(self):
        kind, flags = self.random.choice([
            ("save", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), ("append", os.O_WRONLY | os.O_APPEND)])
        descriptor, session = self.open_session(self.pick(), kind, flags)
        if descriptor is not None:
            self.write(descriptor, session)
            self.writers.append((descriptor, session))

    def go_on(self):
        descriptor, session = self.random.choice(self.writers)
        if len(session.steps) < 4:
            self.write(descriptor, session)

    def sync_writer(self):
        self.sync(*self.random.choice(self.writers))

    def finish(self):
        self.close(*self.writers.pop(self.random.randrange(len(self.writers))))

    def sync_name(self):
        name = self.pick()
        with self.event("fsync", name):
            descriptor = os.open(self.path(name), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    # Reading.

    def read(self, name=None):
        name = name or self.pick()
        with self.event("read", name) as event:
            descriptor = os.open(self.path(name), os.O_RDONLY)
            try:
                before = os.fstat(descriptor).st_size
                data = read_to_end(descriptor)
                after = os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
            event.content = parsed(data)
            event.note = f"{len(data) // RECORD} records"
            if len(data) not in (before, after):
                event.note = f"sizes {before} and {after}, {len(data)} bytes"

    def open_reader(self):
        name = self.pick()
        with self.event("open-read", name) as event:
            self.readers.append((os.open(self.path(name), os.O_RDONLY), name, [], event))

    def read_part(self):
        descriptor, name, pieces, _ = self.random.choice(self.readers)
        with self.event("read-part", name) as event:
            try:
                pieces.append(os.read(descriptor, RECORD * self.random.choice([3, 20, 10_000])))
                event.note = f"{len(pieces[-1])} bytes"
            except OSError:
                pieces.append(None)
                raise

    def finish_reader(self):
        descriptor, name, pieces, opened = self.readers.pop(self.random.randrange(len(self.readers)))
        with self.event("read-rest", name) as event:
            event.opened = opened
            try:
                pieces.append(read_to_end(descriptor))
            finally:
                os.close(descriptor)
                good = list(itertools.takewhile(lambda piece: piece is not None, pieces))
                event.content = parsed(b"".join(good))
                # A failed read ends what was seen of the version.
                event.is_whole = len(good) == len(pieces) and not event.error

    def stat(self):
        name = self.pick()
        with self.event("stat", name) as event:
            event.note = f"{os.stat(self.path(name)).st_size // RECORD} records"

    def list(self, directory=None):
        if directory is None:
            directory = self.random.choice(sorted({os.path.dirname(name) for name in self.names}))
        with self.event("list", directory or ".") as event:
            event.note = " ".join(sorted(os.listdir(self.path(directory))))

    # Names and attributes.

    def move(self, what, name, other):
        with self.event(what, name, other):
            os.rename(self.path(name), self.path(other))

    def rename(self):
        if len(self.names) > 1:
            self.move("rename", *self.random.sample(self.names, 2))

    def rename_directory(self):
        self.move("rename-directory", *self.random.sample(["d", "e"], 2))

    def unlink(self):
        name = self.pick()
        with self.event("unlink", name):
            os.unlink(self.path(name))

    def mkdir(self):
        with self.event("mkdir", name := self.random.choice("de")):
            os.mkdir(self.path(name))

    def rmdir(self):
        with self.event("rmdir", name := self.random.choice("de")):
            os.rmdir(self.path(name))

    def mark(self, kind, value, call):
        mark = Mark(self.name, self.pick(), kind, value)
        self.history.marks.append(mark)
        with self.event(kind, mark.name) as event:
            event.note = value
            call(self.path(mark.name))
        mark.end = event.end
        mark.acknowledged = event.error is None

    def chmod(self):
        mode = self.history.next_mode()
        self.mark("mode", f"{mode:o}", lambda path: os.chmod(path, mode))

    def set_attribute(self):
        value = self.new_tag()
        self.mark("xattr", value, lambda path: os.setxattr(path, "user.mark", value.encode()))

    # The end.

    def kill(self):
        """kill -9: what was closed stays, what was open may."""
        self.kills -= 1
        with self.event("kill"):
            self.mount.kill()
            for descriptor, *_ in [*self.writers, *self.readers]:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            for _, session in self.writers:
                session.end = time.monotonic()
            self.writers, self.readers = [], []
            self.mount.start()

    def close_all(self):
        while self.readers:
            self.finish_reader()
        while self.writers:
            self.finish()


def read_to_end(descriptor):
    pieces = []
    while piece := os.read(descriptor, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)
