"""The measuring half of scripts/bench, which prepares the RGW, the programs and the environment."""

import argparse
import collections
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/mount"))
import harness  # noqa: E402  the tests' helpers

MIB = 1 << 20
FILE_BYTES = 4096
CONNECTIONS = 16
EDITS_COUNT = 100
# Requests that pause this long may have been the last.
QUIET_SECONDS = 0.1
EDITS = """
import os, sys
for number in range(int(sys.argv[2])):
    with open(sys.argv[1] + ".new", "wb") as file:
        file.write(number.to_bytes(4, "big") * 1024)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
"""
CHANGES = """
import os, sys
for entry in os.scandir(sys.argv[1]):
    os.chmod(entry.path, 0o600)
"""


class Wrong(Exception):
    """A result that is not what it should be."""


class Client:
    """One way to the bucket. A mount unless it says otherwise."""

    name = ""
    # Rows that it cannot do, or where nothing would be compared.
    without = ()

    def __init__(self, bench, endpoint, bucket):
        self.bench = bench
        self.endpoint = endpoint
        self.bucket = bucket
        self.state = bench.directory / f"{self.name}-{bucket}"
        self.point = None
        self.process = None
        self.peak = 0

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def start(self):
        """A fresh mount: new directory, no cache of an earlier one."""
        shutil.rmtree(self.state, ignore_errors=True)
        self.point = self.state / "mnt"
        self.point.mkdir(parents=True)
        with open(self.state / "log", "wb") as log:
            self.process = subprocess.Popen(
                [os.fspath(word) for word in self.command()], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**os.environ, **self.environment()}, start_new_session=True)
        deadline = time.monotonic() + 30
        while not harness.is_mounted(self.point):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.abandon()
                raise Wrong(f"does not mount: {self.log_end()}")
            time.sleep(0.005)

    def log_end(self):
        return " ".join((self.state / "log").read_text(errors="replace").split())[-300:]

    def stop(self):
        if not self.process:
            return
        with contextlib.suppress(AssertionError, OSError):
            self.peak = max(self.peak, harness.resident_peak(self.process.pid))
        try:
            harness.run(*self.unmount_command(), timeout=self.bench.seconds)
            self.process.wait(60)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            self.abandon()
            raise Wrong("does not unmount") from error
        self.process = None

    def unmount_command(self):
        return ["umount", self.point]

    # What is in the bucket, asked of the RGW itself and not through the proxy.

    def sizes(self, prefix):
        pages = self.bench.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix)
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])
                if not entry["Key"].endswith("/")}

    def content(self, key):
        return self.bench.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def mode(self, key):
        head = self.bench.s3.head_object(Bucket=self.bucket, Key=key)
        return int(head["Metadata"].get("mode", "0")) & 0o7777

    def abandon(self):
        """Whatever it hangs in: gone."""
        if self.process:
            harness.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
            self.process = None
        if self.point and harness.is_mounted(self.point):
            subprocess.run(["umount", "-l", self.point], timeout=10, check=False)

    # The steps. Each returns what has to be run, after anything that is not to be timed.

    def write_large(self, source):
        return ["cp", source, self.point / "large"]

    def read_large(self, target):
        return ["cp", self.point / "large", target]

    def write_many(self, source):
        return ["cp", "-r", source, self.point / "many"]

    def read_many(self, target):
        return ["cp", "-r", self.point / "many", target]

    def list_many(self):
        return ["ls", "-l", self.point / "many"]

    def listed(self, output):
        return len(output.splitlines()) - 1

    def delete_many(self):
        return ["rm", "-rf", self.point / "many"]

    def save_edits(self):
        """As an editor saves: a new file beside the old one, then a rename over it."""
        return [sys.executable, "-c", EDITS, self.point / "document", str(EDITS_COUNT)]

    def change_modes(self):
        return [sys.executable, "-c", CHANGES, self.point / "many"]


class Rgwfs(Client):
    name = "rgwfs"

    def command(self):
        return [self.bench.programs / "mount.rgwfs", "-f", self.bucket, self.point, "-o",
                f"url={self.endpoint},credentials={self.bench.credentials},spool={self.state / 'spool'}"]

    def unmount_command(self):
        return [self.bench.programs / "umount.fuse.rgwfs", self.point]


class S3fs(Client):
    name = "s3fs"

    def command(self):
        return ["s3fs", self.bucket, self.point, "-f", "-o",
                f"url={self.endpoint},passwd_file={self.bench.credentials},use_path_request_style,"
                "endpoint=default"]


class Rclone(Client):
    name = "rclone"

    def command(self):
        # The same delay before an upload as rgwfs has.
        return [self.bench.arguments.rclone, "mount", f":s3:{self.bucket}", self.point,
                "--config", "/dev/null", "--vfs-cache-mode", "full", "--vfs-write-back", "300ms",
                "--cache-dir", self.state / "cache", "--transfers", str(CONNECTIONS)]

    def environment(self):
        return {"RCLONE_S3_PROVIDER": "Ceph", "RCLONE_S3_ENDPOINT": self.endpoint,
                "RCLONE_S3_REGION": "default", "RCLONE_S3_ACCESS_KEY_ID": harness.ACCESS_KEY,
                "RCLONE_S3_SECRET_ACCESS_KEY": harness.SECRET_KEY}


class Raw(Client):
    """No mount: one libcurl multi handle, unsigned requests on a bucket that is open to everybody."""

    name = "raw"
    without = ("save edits", "chmod many")

    def start(self):
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(parents=True)

    def stop(self):
        pass

    def client(self, *words):
        return [os.environ["RAWCLIENT"], f"{self.endpoint}/{self.bucket}", *words]

    def write_large(self, source):
        return self.client("put", source, "large")

    def read_large(self, target):
        return self.client("get", "large", target)

    def write_many(self, source):
        return self.client("putmany", source, "many/", str(CONNECTIONS))

    def read_many(self, target):
        target.mkdir()
        return self.client("getmany", "many/", target, str(CONNECTIONS))

    def list_many(self):
        return self.client("list", "many/")

    def listed(self, output):
        return int(output)

    def delete_many(self):
        return self.client("deletemany", "many/")


class Signed(Raw):
    """The same, whose small files go up with what rgwfs sends with them: signature, POSIX metadata, condition.
    What RGW does for that is no mount's doing."""

    name = "signed"
    without = ("write large", "read large", "read many", "list many", "save edits", "chmod many",
               "delete many")

    def client(self, *words):
        keys = f"RAWCLIENT_KEYS={harness.ACCESS_KEY}:{harness.SECRET_KEY}"
        return ["env", keys, *super().client(*words)]


class Local(Client):
    """An empty FUSE filesystem on a local directory: what a mount costs without any server."""

    name = "local"
    without = ("read large", "read many", "list many", "delete many")

    @property
    def backing(self):
        """Outlives the mount, as a bucket does."""
        return self.bench.directory / f"backing-{self.bucket}"

    def command(self):
        self.backing.mkdir(exist_ok=True)
        return [os.environ["EMPTYFS"], self.backing, self.point]

    def sizes(self, prefix):
        return {path.relative_to(self.backing).as_posix(): path.stat().st_size
                for path in self.backing.rglob("*")
                if path.is_file() and path.relative_to(self.backing).as_posix().startswith(prefix)}

    def content(self, key):
        return (self.backing / key).read_bytes()

    def mode(self, key):
        return (self.backing / key).stat().st_mode & 0o7777


CLIENTS = {client.name: client for client in (Rgwfs, S3fs, Rclone, Raw, Signed, Local)}


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.seconds = arguments.seconds
        self.directory = pathlib.Path(arguments.directory)
        self.directory.mkdir(parents=True)
        self.s3 = harness.s3_client()
        self.programs = self.directory / "bin"
        self.programs.mkdir()
        for name in ("mount.rgwfs", "umount.fuse.rgwfs"):
            (self.programs / name).symlink_to(harness.BINARY.resolve())
        self.credentials = self.directory / "credentials"
        self.credentials.touch(mode=0o600)
        self.credentials.write_text(f"{harness.ACCESS_KEY}:{harness.SECRET_KEY}\n")
        self.large = self.directory / "large"
        self.many = self.directory / "many"
        self.rows = []

    def make_sources(self):
        with open(self.large, "wb") as file:
            for _ in range(self.arguments.size):
                file.write(os.urandom(MIB))
        self.many.mkdir()
        for number in range(self.arguments.files):
            (self.many / f"file-{number:05}").write_bytes(os.urandom(FILE_BYTES))
        self.large_md5 = harness.digest(self.large)
        self.many_md5 = {path.name: harness.digest(path) for path in self.many.iterdir()}

    def make_bucket(self, client):
        if isinstance(client, Local):
            return
        self.s3.create_bucket(Bucket=client.bucket)
        if isinstance(client, Raw):
            arn = f"arn:aws:s3:::{client.bucket}"
            self.s3.put_bucket_policy(Bucket=client.bucket, Policy=json.dumps({
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*",
                               "Resource": [arn, f"{arn}/*"]}]}))

    def large_is_there(self, client):
        return client.sizes("large") == {"large": self.large.stat().st_size}

    def many_are_there(self, client):
        sizes = client.sizes("many/")
        return len(sizes) == len(self.many_md5) and set(sizes.values()) == {FILE_BYTES}

    def many_are_gone(self, client):
        return not client.sizes("many")

    def check_large(self, client):
        if hashlib.md5(client.content("large")).hexdigest() != self.large_md5:
            raise Wrong("the object in the bucket differs")

    def check_many(self, client):
        for name in self.sample():
            if hashlib.md5(client.content(f"many/{name}")).hexdigest() != self.many_md5[name]:
                raise Wrong(f"object {name} differs")

    def sample(self):
        return list(self.many_md5)[::25]

    def seed(self, client, row):
        """Puts there what a client could not, so that the rows after it can run."""
        if row == "read large" and not self.large_is_there(client):
            self.s3.upload_file(str(self.large), client.bucket, "large")
        if row in ("read many", "chmod many") and not self.many_are_there(client):
            for path in self.many.iterdir():
                self.s3.upload_file(str(path), client.bucket, f"many/{path.name}")

    # One measurement.

    def timed(self, command):
        started = time.monotonic()
        try:
            result = harness.run(*command, check=False, timeout=self.seconds)
        except subprocess.TimeoutExpired as error:
            raise Wrong(f"not finished after {self.seconds} s") from error
        if result.returncode:
            raise Wrong(f"{command[0]} fails: {result.stderr.strip()[-200:]}")
        return time.monotonic() - started, result.stdout

    def until(self, condition, started):
        """Seconds from `started` to the end of the last request before the bucket is as it should be.

        The bucket is asked when the requests pause, not all the time: a listing of 1,000 objects takes
        both processors away from the uploads that are waited for.
        """
        size, changed = self.log.stat().st_size, time.monotonic()
        ask = changed + QUIET_SECONDS
        while True:
            now = time.monotonic()
            if self.log.stat().st_size != size:
                size, changed = self.log.stat().st_size, now
                ask = now + QUIET_SECONDS
            elif now >= ask:
                if condition():
                    return changed - started
                ask = time.monotonic() + QUIET_SECONDS
            if now - started > self.seconds:
                raise Wrong(f"not in the bucket after {self.seconds} s")
            time.sleep(0.01)

    def measure(self, client, row, latency, step):
        """Runs a step on a fresh mount; counts its requests up to the end of the unmount."""
        entry = {"row": row, "client": client.name, "latency_ms": latency}
        before = self.log.stat().st_size
        try:
            client.start()
            entry.update(step(self, client))
            client.stop()
        except (Wrong, OSError, subprocess.TimeoutExpired) as error:
            client.abandon()
            entry["error"] = str(error)
        entry["requests"] = self.requests(client, before)
        if client.peak:
            entry["peak_resident_bytes"] = client.peak
        self.rows.append(entry)
        print(f"  {latency:>3} ms  {row:<16} {client.name:<8} {describe(entry)}", file=sys.stderr)

    def requests(self, client, offset):
        port = client.endpoint.rsplit(":", 1)[1]
        counts = collections.Counter()
        with open(self.log, encoding="utf-8", errors="replace") as file:
            file.seek(offset)
            for line in file:
                words = line.split()
                if len(words) >= 6 and words[0] == port:
                    counts[kind(words[1], words[5])] += 1
        return dict(sorted(counts.items()))

    # The rows.

    def write_large(self, client):
        started = time.monotonic()
        returned, _ = self.timed(client.write_large(self.large))
        in_bucket = self.until(lambda: self.large_is_there(client), started)
        self.check_large(client)
        return {"seconds": in_bucket, "returned_seconds": returned}

    def read_large(self, client):
        target = self.directory / "out"
        target.unlink(missing_ok=True)
        seconds, _ = self.timed(client.read_large(target))
        if harness.digest(target) != self.large_md5:
            raise Wrong("what was read differs")
        return {"seconds": seconds}

    def write_many(self, client):
        started = time.monotonic()
        returned, _ = self.timed(client.write_many(self.many))
        in_bucket = self.until(lambda: self.many_are_there(client), started)
        self.check_many(client)
        return {"seconds": in_bucket, "returned_seconds": returned}

    def read_many(self, client):
        target = self.directory / "out-many"
        shutil.rmtree(target, ignore_errors=True)
        seconds, _ = self.timed(client.read_many(target))
        if {path.name: harness.digest(path) for path in target.iterdir()} != self.many_md5:
            raise Wrong("what was read differs")
        return {"seconds": seconds}

    def list_many(self, client):
        seconds, output = self.timed(client.list_many())
        if client.listed(output) != len(self.many_md5):
            raise Wrong(f"{client.listed(output)} files listed")
        return {"seconds": seconds}

    def save_edits(self, client):
        started = time.monotonic()
        returned, _ = self.timed(client.save_edits())
        last = (EDITS_COUNT - 1).to_bytes(4, "big") * 1024
        in_bucket = self.until(
            lambda: "document" in client.sizes("document") and client.content("document") == last,
            started)
        return {"seconds": in_bucket, "returned_seconds": returned}

    def change_modes(self, client):
        started = time.monotonic()
        returned, _ = self.timed(client.change_modes())
        in_bucket = self.until(
            lambda: all(client.mode(f"many/{name}") == 0o600 for name in self.sample()), started)
        return {"seconds": in_bucket, "returned_seconds": returned}

    def delete_many(self, client):
        started = time.monotonic()
        returned, _ = self.timed(client.delete_many())
        gone = self.until(lambda: self.many_are_gone(client), started)
        return {"seconds": gone, "returned_seconds": returned}

    def run(self):
        self.make_sources()
        latencies = [int(word) for word in self.arguments.latency.split(",")]
        names = self.arguments.clients.split(",")
        ports = {(name, latency): harness.free_port() for latency in latencies for name in names}
        self.log = self.directory / "requests"
        self.log.touch()
        proxy = subprocess.Popen(
            [harness.tool("rgwproxy"), harness.ENDPOINT.rsplit(":", 1)[1], self.log,
             *[f"{port}:{latency}" for (_, latency), port in ports.items()]], stdout=subprocess.PIPE)
        clients = []
        try:
            if proxy.stdout.readline() != b"ready\n":
                raise Wrong("the proxy does not start")
            for latency, number in itertools.product(latencies, range(self.arguments.rounds)):
                clients = [CLIENTS[name](self, f"http://127.0.0.1:{ports[name, latency]}",
                                         f"bench-{name}-{latency}-{number}") for name in names]
                for client in clients:
                    self.make_bucket(client)
                for row, step in self.arguments.rows.items():
                    for client in clients:
                        if row in client.without:
                            continue
                        self.seed(client, row)
                        self.measure(client, row, latency, step)
                for client in clients:
                    if isinstance(client, Local):
                        shutil.rmtree(client.backing, ignore_errors=True)
                        continue
                    for key in [*client.sizes(""), "many/"]:
                        self.s3.delete_object(Bucket=client.bucket, Key=key)
        finally:
            for client in clients:
                client.abandon()
            proxy.kill()
            proxy.wait()

    def itself(self):
        """Size, start and memory of rgwfs alone."""
        client = Rgwfs(self, harness.ENDPOINT, "bench-itself")
        self.make_bucket(client)
        seconds = []
        for _ in range(5):
            started = time.monotonic()
            client.start()
            seconds.append(time.monotonic() - started)
            time.sleep(1)
            resident = harness.resident(client.process.pid)
            client.stop()
        return {"binary_bytes": harness.BINARY.stat().st_size, "start_seconds": min(seconds),
                "idle_resident_bytes": resident}


ROWS = {
    "write large": Bench.write_large,
    "read large": Bench.read_large,
    "write many": Bench.write_many,
    "read many": Bench.read_many,
    "list many": Bench.list_many,
    "save edits": Bench.save_edits,
    "chmod many": Bench.change_modes,
    "delete many": Bench.delete_many,
}


def kind(method, target):
    """GET of a bucket is a listing, POST ?delete deletes many."""
    path, _, query = target.partition("?")
    if method == "GET" and path.strip("/").count("/") == 0:
        return "LIST"
    if method == "POST" and query.startswith("delete"):
        return "DELETES"
    return method


def describe(entry):
    if "error" in entry:
        return f"FAILED {entry['error']}"
    text = f"{entry['seconds']:8.2f} s"
    if "returned_seconds" in entry:
        text += f" (returned after {entry['returned_seconds']:.2f} s)"
    return text + "  " + " ".join(f"{name} {count}" for name, count in entry["requests"].items())


def summary(entries):
    """One entry of several rounds: median times; an error when any round failed."""
    failed = [entry for entry in entries if "error" in entry]
    if failed:
        return failed[0]
    medians = {name: statistics.median(entry[name] for entry in entries)
               for name in ("seconds", "returned_seconds") if name in entries[0]}
    return {**entries[0], **medians}


def print_tables(rows, arguments):
    names = arguments.clients.split(",")
    titles = {
        "write large": f"write {arguments.size} MiB, until in the bucket",
        "read large": f"read {arguments.size} MiB, cold",
        "write many": f"write {arguments.files} files, until in the bucket",
        "read many": f"read {arguments.files} files, cold",
        "list many": f"ls -l of {arguments.files} files, cold",
        "save edits": f"save a document {EDITS_COUNT} times (new file, rename), until in the bucket",
        "chmod many": f"chmod of {arguments.files} files, cold, until in the bucket",
        "delete many": f"rm -rf of {arguments.files} files, until gone",
    }
    for latency in dict.fromkeys(entry["latency_ms"] for entry in rows):
        print(f"\n### {latency} ms added to each request\n")
        print("| |" + "|".join(names) + "|\n|---|" + "---|" * len(names))
        for row in arguments.rows:
            title = titles[row]
            entries = {name: summary([entry for entry in rows if entry["client"] == name
                                      and entry["latency_ms"] == latency and entry["row"] == row])
                       for name in names if row not in CLIENTS[name].without}
            ours = entries.get("rgwfs", {}).get("seconds")
            cells = []
            for name in names:
                if name not in entries:
                    cells.append("")
                    continue
                entry = entries[name]
                if "error" in entry:
                    cells.append(f"**{entry['error'].split(':')[0]}**")
                    continue
                cell = f"{entry['seconds']:.2f} s"
                if "returned_seconds" in entry and name not in ("raw", "signed"):
                    cell += f" [{entry['returned_seconds']:.2f}]"
                if ours and name not in ("rgwfs", "local"):
                    cell += f" x{entry['seconds'] / ours:.1f}"
                counts = ", ".join(f"{count} {kind_}" for kind_, count in entry["requests"].items())
                cells.append(f"{cell}<br>{counts}")
            print(f"| {title} |" + "|".join(cells) + "|")
    print("\n[ ]: when the command returned. x: times of rgwfs's.")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--directory", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--latency", default=None)
    parser.add_argument("--size", type=int, default=None)
    parser.add_argument("--files", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--clients", default="rgwfs,s3fs,rclone,raw,local")
    parser.add_argument("--rows", default="")
    parser.add_argument("--rclone", default="rclone")
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    quick = arguments.quick
    arguments.latency = arguments.latency or ("0,5" if quick else "0,5,25")
    arguments.size = arguments.size or (64 if quick else 256)
    arguments.files = arguments.files or (200 if quick else 1000)
    unknown = set(arguments.clients.split(",")) - set(CLIENTS)
    if unknown:
        parser.error(f"no client {', '.join(unknown)}")

    words = [word for word in arguments.rows.split(",") if word]
    arguments.rows = {row: step for row, step in ROWS.items()
                      if not words or any(word in row for word in words)}
    if not arguments.rows:
        parser.error(f"no row has any of {', '.join(words)}")

    # An end from outside is an exception too: what was started gets stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(arguments)
    bench.run()
    print_tables(bench.rows, arguments)
    result = {"rows": bench.rows, "size_mib": arguments.size, "files": arguments.files}
    if "rgwfs" in arguments.clients.split(","):
        result["rgwfs"] = bench.itself()
        print(f"\nrgwfs: {result['rgwfs']['binary_bytes'] / MIB:.1f} MiB program, "
              f"{result['rgwfs']['start_seconds'] * 1000:.0f} ms from start to mounted, "
              f"{result['rgwfs']['idle_resident_bytes'] / MIB:.1f} MiB resident when idle")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1) + "\n")
    failed = [entry for entry in bench.rows if "error" in entry and entry["client"] == "rgwfs"]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
