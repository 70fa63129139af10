"""Programs that change files while the daemon dies, and what they may find afterwards.

A `Writer` works in a directory of its own, one system call at a time. Before a call it knows the state that
the directory has and the one it will have; when the call has returned, the second is acknowledged, and a
line saying so is on the local disk before the next call. Every content is written once only, so that a
version found anywhere tells where it comes from.

`Writer.judge` compares what is there after a crash with the last acknowledged state, or with that and the
one call that never returned.
"""

import errno
import hashlib
import os
import random
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor

# A daemon that died, or a mount that went with it.
DEAD = {errno.ENOTCONN, errno.ECONNABORTED, errno.EIO, errno.ENODEV, errno.ESHUTDOWN}


class Died(Exception):
    """A call did not come back as calls do."""


def write_at(handle, piece, offset):
    """pwrite(2). The kernel sends a write page by page, and one that a death cuts off returns what went before."""
    if os.pwrite(handle, piece, offset) < len(piece):
        raise OSError(errno.ENOTCONN, "cut short")


class Body:
    """What one file holds, and what a crash may put in its place. Never changed, only replaced."""

    def __init__(self, now, mode=0o644, reverts=(), sealed=None, confirmed=False, file=0):
        self.now = now
        # Which file it is, whatever its name.
        self.file = file
        self.mode = mode
        # Contents that an O_TRUNC replaced which no close or fsync has confirmed.
        self.reverts = tuple(reverts)
        # Content of the last fsync, whatever was written since; None: there was none since the last O_TRUNC.
        self.sealed = sealed
        self.confirmed = confirmed

    def but(self, **changes):
        return Body(**{**self.__dict__, **changes})


class Writer(threading.Thread):
    """One program. `state` maps every path below its directory to a Body, or to None: a directory."""

    def __init__(self, mount_point, directory, seed, manifest, fsyncs=True):
        super().__init__(daemon=True, name=directory)
        self.point = os.fspath(mount_point)
        self.directory = directory
        self.random = random.Random(seed)
        self.seed = seed
        self.manifest = manifest
        self.fsyncs = fsyncs
        self.state = {}
        # The call under way: (what it is, the state it leads to).
        self.pending = None
        # (calls acknowledged so far, state), from the state at the start on.
        self.history = []
        # How many calls were acknowledged when the last fsync returned.
        self.synced_at = 0
        self.calls = 0
        # A fast machine does not make more than the next mount reads in a moment.
        self.calls_max = 300
        self.files = 0
        # MD5 of every content that a close, an fsync or a crash made a version.
        self.versions = set()
        # Key to how many versions, of content or attributes, programs have made under it.
        self.generations = {}
        # What it does in so many of a hundred cases, instead of everything.
        self.favourites, self.favour = (), 0
        self.halt = threading.Event()
        self.trouble = None

    # Calls.

    def path(self, name):
        return os.path.join(self.point, self.directory, name)

    def call(self, what, changes, action):
        """One system call. `changes`: path to its new value; "gone" removes it."""
        if self.halt.is_set():
            raise Died
        after = {**self.state, **changes}
        after = {name: value for name, value in after.items() if value != "gone"}
        self.pending = (what, after)
        try:
            result = action()
        except OSError as error:
            raise self.died(error) from error
        self.calls += 1
        self.state, self.pending = after, None
        for name, value in changes.items():
            self.note(name, value)
        self.manifest.add(self.directory, self.calls, what)
        self.history.append((self.calls, after))
        return result

    def open(self, name):
        """For reading and writing; changes nothing."""
        try:
            return os.open(self.path(name), os.O_RDWR)
        except OSError as error:
            raise self.died(error) from error

    def died(self, error):
        return Died() if error.errno in DEAD or self.halt.is_set() else error

    def note(self, name, body):
        if isinstance(body, Body) and body.confirmed:
            self.versions.add(hashlib.md5(body.now).hexdigest())
            self.count(name)

    def count(self, name):
        key = f"{self.directory}/{name}"
        self.generations[key] = self.generations.get(key, 0) + 1

    def legal(self):
        """MD5 of what an object may be now: the call under way may have confirmed one more."""
        after = self.pending[1].values() if self.pending else []
        return self.versions | {hashlib.md5(body.now).hexdigest() for body in after
                                if body is not None and body.confirmed}

    def content(self, size):
        """Bytes that no other content has anywhere in them."""
        self.files += 1
        line = f"{self.directory} {self.seed} {self.files} ".encode()
        return (line * (size // len(line) + 1))[:max(size, len(line))]

    # What programs do.

    def run(self):
        try:
            self.history.append((0, self.state))
            self.call("mkdir", {"": None}, lambda: os.makedirs(self.path(""), exist_ok=True))
            while not self.halt.is_set() and self.calls < self.calls_max:
                self.one()
        except Died:
            pass
        except Exception as error:  # Shown by the test, which is another thread.
            self.trouble = error

    def one(self):
        files = [name for name, body in self.state.items() if body is not None]
        directories = [name for name, body in self.state.items() if body is None]
        if self.favour and files and self.random.randrange(100) < self.favour:
            return getattr(self, self.random.choice(self.favourites))(files, directories)
        doing = self.random.choice(
            ["save"] * 4 + (["overwrite", "replace", "append", "patch", "chmod", "move", "move", "unlink"]
                            if files else [])
            + ["mkdir", "rmdir", "move_tree"] + ["unlink"] * (3 if len(files) > 25 else 0))
        getattr(self, doing)(files, directories)

    def fresh(self, directories, kind):
        self.files += 1
        directory = self.random.choice(directories)
        name = f"{kind}{self.files}"
        return f"{directory}/{name}" if directory else name

    def size(self):
        return self.random.choice([40, 500, 4096, 10_000, 60_000])

    def fill(self, name, handle, rest, appending=False):
        """Writes in one or two calls, then fsync or not, then close. `rest`: the bytes to write."""
        cuts = [len(rest)] if self.random.random() < 0.6 else [len(rest) // 2, len(rest)]
        done = 0
        owned = [handle]
        try:
            for cut in cuts:
                piece = rest[done:cut]
                body = self.state[name]
                start = len(body.now) if appending or done else 0
                now = body.now[:start] + piece
                self.call(f"write {name}", {name: body.but(now=now, confirmed=False)},
                          lambda piece=piece, start=start: write_at(handle, piece, start))
                done = cut
            if self.fsyncs and self.random.random() < 0.3:
                self.confirm(name, f"fsync {name}", lambda: os.fsync(handle), seals=True)
            self.confirm(name, f"close {name}", lambda: os.close(owned.pop()))
        finally:
            self.give_up(owned)

    @staticmethod
    def give_up(owned):
        """close(2) frees the descriptor also when it fails, so that nobody may close it twice."""
        while owned:
            try:
                os.close(owned.pop())
            except OSError:
                pass

    def confirm(self, name, what, action, seals=False):
        body = self.state[name]
        changes = {"sealed": body.now} if seals else {}
        self.call(what, {name: body.but(reverts=(), confirmed=True, **changes)}, action)
        if seals:
            self.synced_at = self.calls

    def create(self, name):
        handle = self.call(
            f"create {name}", {name: Body(b"", file=self.files)},
            lambda: os.open(self.path(name), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644))
        self.fill(name, handle, self.content(self.size()))

    def save(self, _, directories):
        self.create(self.fresh(directories, "f"))

    def overwrite(self, files, _):
        name = self.random.choice(files)
        body = self.state[name]
        handle = self.call(
            f"open truncated {name}",
            {name: body.but(now=b"", reverts=(*body.reverts, body.now), sealed=None, confirmed=False)},
            lambda: os.open(self.path(name), os.O_RDWR | os.O_TRUNC))
        if not body.now:
            # Nothing but the time changed, and that may go up at once.
            self.count(name)
        self.fill(name, handle, self.content(self.size()))

    def replace(self, files, directories):
        """As editors do: a temporary file, renamed over the old one."""
        name = self.random.choice(files)
        temporary = self.fresh(directories, "tmp")
        self.create(temporary)
        self.call(f"rename {temporary} {name}", {name: self.state[temporary], temporary: "gone"},
                  lambda: os.rename(self.path(temporary), self.path(name)))

    def append(self, files, _):
        name = self.random.choice(files)
        if len(self.state[name].now) > 200_000:
            return
        handle = self.open(name)
        self.fill(name, handle, self.content(self.size()), appending=True)

    def patch(self, files, _):
        """A few bytes in the middle of a file that may be in the bucket only."""
        name = self.random.choice(files)
        body = self.state[name]
        at = self.random.randrange(len(body.now)) if body.now else 0
        piece = self.content(30)
        handle = self.open(name)
        owned = [handle]
        now = body.now[:at] + piece + body.now[at + len(piece):]
        try:
            self.call(f"patch {name}", {name: body.but(now=now, confirmed=False)},
                      lambda: write_at(handle, piece, at))
            self.confirm(name, f"close {name}", lambda: os.close(owned.pop()))
        finally:
            self.give_up(owned)

    def chmod(self, files, _):
        name = self.random.choice(files)
        body = self.state[name]
        mode = self.random.choice([0o600, 0o640, 0o755, 0o644])
        self.call(f"chmod {name} {mode:o}", {name: body.but(mode=mode)},
                  lambda: os.chmod(self.path(name), mode))

    def move(self, files, directories):
        """To a name that never was: a version found there twice was made twice."""
        old, new = self.random.choice(files), self.fresh(directories, "m")
        self.call(f"rename {old} {new}", {new: self.state[old], old: "gone"},
                  lambda: os.rename(self.path(old), self.path(new)))

    def unlink(self, files, _):
        if not files:
            return
        name = self.random.choice(files)
        self.call(f"unlink {name}", {name: "gone"}, lambda: os.unlink(self.path(name)))

    def mkdir(self, _, directories):
        if len(directories) > 6:
            return
        name = self.fresh(directories, "d")
        self.call(f"mkdir {name}", {name: None}, lambda: os.mkdir(self.path(name)))

    def rmdir(self, _, directories):
        empty = [name for name in directories
                 if name and not any(other.startswith(name + "/") for other in self.state)]
        if empty:
            name = self.random.choice(empty)
            self.call(f"rmdir {name}", {name: "gone"}, lambda: os.rmdir(self.path(name)))

    def make_and_remove(self, _, directories):
        """A directory that the bucket has by the time it is removed."""
        name = self.fresh(directories, "d")
        self.call(f"mkdir {name}", {name: None}, lambda: os.mkdir(self.path(name)))
        deadline = time.monotonic() + 5
        while self.state_attribute(name) != b"clean" and time.monotonic() < deadline:
            if self.halt.wait(0.005):
                raise Died
        self.call(f"rmdir {name}", {name: "gone"}, lambda: os.rmdir(self.path(name)))
        # Deletions of one moment go together, as another request.
        self.halt.wait(0.3)

    def state_attribute(self, name):
        try:
            return os.getxattr(self.path(name), "user.rgwfs.state")
        except OSError as error:
            raise self.died(error) from error

    def move_tree(self, _, directories):
        """A directory with all that is in it, to a name that never was."""
        if len(directories) < 2:
            return
        old = self.random.choice([name for name in directories if name])
        new = self.fresh([name for name in directories
                          if name != old and not name.startswith(old + "/")], "d")
        changes = {old: "gone", new: None}
        for name, value in self.state.items():
            if name.startswith(old + "/"):
                changes[name] = "gone"
                changes[new + name[len(old):]] = value
        self.call(f"rename {old} {new}", changes, lambda: os.rename(self.path(old), self.path(new)))

    # Afterwards.

    def scan(self):
        """Path to (mode, content), directories to None."""
        found = {}
        root = self.path("")
        with ThreadPoolExecutor(8) as readers:
            for directory, _, names in os.walk(root):
                below = os.path.relpath(directory, root)
                found["" if below == "." else below] = None
                for name in names:
                    full = os.path.join(directory, name)
                    found[os.path.relpath(full, root)] = readers.submit(self.read, full)
        return {name: row and row.result() for name, row in found.items()}

    @staticmethod
    def read(path):
        with open(path, "rb") as file:
            return stat.S_IMODE(os.lstat(path).st_mode), file.read()

    def judge(self):
        """None: the directory is what a kill may leave. Otherwise what is wrong, as text."""
        found = self.scan()
        wrongs = [compare(self.state, found, self.state)]
        if wrongs[0] and self.pending:
            wrongs.append(compare(self.pending[1], found, self.state))
        if all(wrongs):
            under_way = f" or, {self.pending[0]} being under way:\n{wrongs[-1]}" if self.pending else ""
            return f"{self.directory} after {self.calls} calls:\n{wrongs[0]}{under_way}"
        self.adopt(found)
        return None

    def accepted(self):
        """Name to content that a call acknowledged and that the call under way does not change."""
        after = self.pending[1] if self.pending else self.state
        return {name: body.now for name, body in self.state.items()
                if body is not None and body.now and after.get(name) is body}

    def adopt(self, found):
        """Goes on from what was found."""
        state = {}
        for name, row in found.items():
            if row is None:
                state[name] = None
                continue
            old = self.state.get(name)
            self.files += 1
            body = Body(row[1], mode=row[0], sealed=row[1], confirmed=True, file=self.files)
            state[name] = body
            # The crash made a version of what was open, and finished the call under way or not.
            if not isinstance(old, Body) or not old.confirmed \
                    or (old.now, old.mode) != (row[1], row[0]):
                self.note(name, body)
        self.state, self.pending = state, None


def compare(expected, found, before):
    """"": `found` is `expected`, or what a kill may make of it; else the differences."""
    lines = []
    for name in sorted(expected.keys() | found.keys()):
        want, have = expected.get(name, "gone"), found.get(name, "gone")
        if want == "gone" or have == "gone" or want is None or have is None:
            if want is not have and want != have:
                lines.append(f"  {name!r}: expected {kind(want)}, found {kind(have)}")
            continue
        allowed = [want.now, *want.reverts]
        old = before.get(name)
        if isinstance(old, Body) and old is not want and not is_between(old.now, have[1], want.now) \
                and have[1] not in allowed:
            allowed.append(old.now)
        elif isinstance(old, Body) and old is not want:
            allowed.append(have[1])
        if have[1] not in allowed:
            lines.append(f"  {name!r}: expected {shown(want.now)}, found {shown(have[1])}; also allowed: "
                         + ", ".join(map(shown, want.reverts)))
        if have[0] not in (want.mode, getattr(old, "mode", want.mode)):
            lines.append(f"  {name!r}: expected mode {want.mode:o}, found {have[0]:o}")
    return "\n".join(lines[:20])


def is_between(before, found, after):
    """Each byte is the old one or the new one: a write that was cut off."""
    if not min(len(before), len(after)) <= len(found) <= max(len(before), len(after)):
        return False
    return all(byte in (before[index:index + 1] + after[index:index + 1])
               for index, byte in enumerate(found))


def kind(value):
    return {"gone": "nothing"}.get(value, "a file") if isinstance(value, str) else \
        "a directory" if value is None else "a file"


def shown(content):
    return f"{len(content)} bytes {content[:40]!r}"
