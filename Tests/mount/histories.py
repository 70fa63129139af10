"""Rounds of random operations by two mounts of one bucket and another client, and what is asked when they end.

  python3 histories.py [ROUNDS [SEED [PROCESSES]]]     by hand; each finding with its history, at the end a count

A round's operations follow from its seed; their times do not, so that a seed that found something may have to be
repeated a few times. The environment is that of harness.py.
"""

import collections
import json
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import random
import subprocess
import sys
import threading
import time
import traceback
import unittest

from harness import Proxy, RGWFSTestCase, kill, processes_naming, run, s3_client, tool
from history_actors import History, Program, Raw
from history_content import parsed, shown
from history_judge import Judge, told

ROUND_SECONDS = 240
SYNC_SECONDS = 30
# Requests in a second of a mount for which there is nothing to do.
QUIET_REQUESTS = 12
CACHES = [("", None), ("", None), ("actimeo=1", 1), ("actimeo=1", 1), ("actimeo=0", 0),
          ("acregmin=3,acdirmin=0,acdirmax=0", None), ("acregmin=1,acregmax=1,acdirmin=0,acdirmax=0", 1)]
NAMES = [["a"], ["a", "b"], ["a", "b"], ["a", "b", "c"], ["d/a", "e/a", "d/b"], ["a", "d/a", "e/a", "e/b"]]


class Plan:
    """What a seed decides."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        pick = self.random.choice
        self.seed = seed
        self.caches, self.cache_seconds = pick(CACHES)
        self.policy = pick(["both", "both", "both", "hold", "local"])
        self.names = pick(NAMES)
        self.fault = pick(["", "", "", "mix:5", "mix:9"])
        self.kills = pick([0, 0, 0, 1])
        self.in_turns = pick([True, False])
        self.is_large = pick([True, False, False, False, False])
        # Short ones, because in long ones what is lost is often replaced later, and so excused.
        self.counts = pick([(5, 3, 5), (8, 4, 6), (10, 10, 10), (20, 20, 15), (30, 15, 10), (12, 12, 30)])
        more = pick(["", "", "", "writeback_delay=0s", "writeback_delay=1s", "fsync=local", "sync", "attrs=list"])
        self.options = [f"conflict={self.policy}", "allow_overlap", "timeo=20", "retrans=2",
                        *filter(None, [*self.caches.split(","), more])]
        if self.fault:
            self.options.append("retrans=5")

    def __str__(self):
        return (f"seed {self.seed}: {','.join(self.options)} names {' '.join(self.names)} "
                f"fault {self.fault or 'none'} {'in turns' if self.in_turns else 'in threads'}"
                f"{', kills' if self.kills else ''}{', large' if self.is_large else ''}")


class Lane:
    """Two mount points that one process after another round uses."""

    def __init__(self, test, number):
        self.test, self.number = test, number
        self.bucket = test.new_bucket()
        self.slots = {name: test.mount(source=self.bucket, start=False) for name in "AB"}

    def run(self, seeds, tell):
        """In a process of its own."""
        self.s3 = s3_client()
        try:
            for seed in seeds:
                tell.send((seed, Round(self, Plan(seed)).findings()))
        except BaseException:  # The parent's to show.
            tell.send((None, traceback.format_exc()))
        finally:
            for slot in self.slots.values():
                slot.discard()
            tell.close()


class Round:
    def __init__(self, lane, plan):
        self.lane, self.plan = lane, plan
        self.prefix = f"r{plan.seed}/"
        self.directory = lane.test.new_directory(f"round-{lane.number}-{plan.seed}")
        self.history = History()
        self.found = []
        self.failures = set()
        self.proxies = {}
        self.is_late = False

    def findings(self):
        """What is wrong: its kinds, and a text with the history of the names concerned."""
        watchdog = threading.Timer(ROUND_SECONDS, self.bite)
        watchdog.daemon = True
        watchdog.start()
        try:
            self.begin()
            self.work()
            self.end()
            if not self.is_late:
                return self.judge()
        except BaseException:
            if not self.is_late:
                raise
        finally:
            watchdog.cancel()
            for slot in self.lane.slots.values():
                slot.discard()
                slot.pid = None
            for proxy in self.proxies.values():
                proxy.stop()
            said = self.tell(self.plan.names) if self.is_late else ""
            subprocess.run(["rm", "-rf", "--one-file-system", self.directory], check=False)
        return [({"hang"}, f"{self.plan}\nover {ROUND_SECONDS} s\n{said}")]

    def bite(self):
        self.is_late = True
        for slot in self.lane.slots.values():
            for pid in processes_naming(slot.point):
                kill(pid)

    # The work.

    def begin(self):
        self.s3 = self.lane.s3
        self.programs = []
        for name, slot in self.lane.slots.items():
            self.proxies[name] = Proxy(self.directory, 0, self.plan.fault or None)
            slot.source = f"{self.lane.bucket}/{self.prefix.rstrip('/')}"
            slot.spool = self.directory / f"spool-{name}"
            slot.log = self.directory / f"log-{name}"
            slot.options = [f"url={self.proxies[name].endpoint}", f"credentials={self.lane.test.credentials}",
                            f"spool={slot.spool}", "connect_timeout=10", *self.plan.options]
            slot.start()
            self.programs.append(Program(name, self.history, random.Random(self.plan.random.random()),
                                         self.plan.names, mount=slot,
                                         kills=self.plan.kills if name == "A" else 0))
        self.raw = Raw("R", self.history, random.Random(self.plan.random.random()), self.plan.names,
                       s3=self.s3, bucket=self.lane.bucket, prefix=self.prefix)
        self.actors = [*self.programs, self.raw]
        for actor in self.actors:
            actor.is_large = self.plan.is_large

    def work(self):
        if self.plan.in_turns:
            turns = [actor for actor, count in zip(self.actors, self.plan.counts) for _ in range(count)]
            self.plan.random.shuffle(turns)
            for actor in turns:
                actor.choose()
                actor.pause()
            return
        troubles = []

        def body(actor, count):
            try:
                for _ in range(count):
                    actor.choose()
                    actor.pause()
            except BaseException:
                troubles.append(traceback.format_exc())

        threads = [threading.Thread(target=body, args=pair) for pair in zip(self.actors, self.plan.counts)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if troubles:
            raise AssertionError("\n".join(troubles))

    # The end.

    def end(self):
        for proxy in self.proxies.values():
            proxy.let_pass()
        for program in self.programs:
            program.close_all()
            if self.plan.policy == "hold":
                # What is held waits for the user.
                continue
            with program.event("fsync", "."):
                descriptor = os.open(program.mount.point, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        for program in self.programs:
            self.drain(program)
        for program in self.programs:
            self.note_failures(program, [])
        self.watch_quiet()
        self.final = self.objects()
        if self.plan.cache_seconds is not None:
            time.sleep(self.plan.cache_seconds + 0.3)
            for program in self.programs:
                self.compare(program, "when the cache time is over")
        for program in self.programs:
            program.mount.unmount()
        for program in self.programs:
            program.mount.start()
        for program in self.programs:
            self.compare(program, "mounted anew")
        for program in self.programs:
            program.mount.unmount()
        after = self.objects()
        if after != self.final:
            self.add("waits", f"the bucket changes after all is quiet: {self.differences(self.final, after)}",
                     *self.plan.names)

    def command(self, *words):
        return run(self.lane.test.program("rgwfs"), *words, check=False, timeout=SYNC_SECONDS + 30)

    def drain(self, program):
        """All is in the bucket; what is left to the user is resolved, and remembered as told."""
        point = program.mount.point
        queue = []
        for _ in range(4):
            state = self.command("sync", "--timeout", f"{SYNC_SECONDS}s", point)
            queue = [json.loads(line) for line in
                     self.command("queue", "--json", point).stdout.splitlines()]
            status = self.command("status", point)
            if status.returncode == 0:
                return
            self.note_failures(program, queue)
            conflicts = [item for item in queue if item.get("state") == "conflict"]
            for item in conflicts:
                self.failures.add((program.name, item["path"]))
                self.command("resolve", "--both", os.path.join(point, item["path"]))
            if not conflicts and state.returncode == 1 and not queue:
                return
        self.add("waits", f"{program.name} after {SYNC_SECONDS} s: {json.dumps(queue)}\n{status.stdout}",
                 *self.plan.names)

    def note_failures(self, program, queue):
        """What waits for good, and what the log says was taken back: status forgets it when the mount ends."""
        self.failures.update((program.name, item["path"]) for item in queue
                             if item.get("state") in ("blocked", "conflict"))
        for line in program.mount.log.read_text(errors="replace").splitlines():
            if "a change is taken back" not in line:
                continue
            words = dict(word.partition("=")[::2] for word in line.split())
            self.failures.add((program.name, words.get("object.key", "").removeprefix(self.prefix)))

    def watch_quiet(self):
        before = {name: len(proxy.timed_requests()) for name, proxy in self.proxies.items()}
        time.sleep(1)
        for name, proxy in self.proxies.items():
            rows = proxy.timed_requests()[before[name]:]
            if len(rows) > QUIET_REQUESTS:
                counted = collections.Counter(row[:3] for row in rows)
                self.add("spin", f"{name} sends {len(rows)} requests in a second: {counted.most_common(5)}",
                         *self.plan.names)

    def objects(self):
        """Name to content, mode and mark of every object of this round."""
        table = {}
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.lane.bucket, Prefix=self.prefix)
        for entry in [entry for page in pages for entry in page.get("Contents", [])]:
            name = entry["Key"].removeprefix(self.prefix)
            if not name or name.endswith("/"):
                continue
            answer = self.s3.get_object(Bucket=self.lane.bucket, Key=entry["Key"])
            table[name] = (parsed(answer["Body"].read()), *attributes(answer["Metadata"]))
        return table

    def tree(self, root):
        table = {}
        for directory, _, files in os.walk(root, onerror=raised):
            for file in files:
                path = os.path.join(directory, file)
                try:
                    mark = os.getxattr(path, "user.mark").decode()
                except OSError:
                    mark = None
                mode = f"{os.stat(path).st_mode & 0o7777:o}"
                table[os.path.relpath(path, root)] = (parsed(pathlib.Path(path).read_bytes()), mode, mark)
        return table

    def compare(self, program, when):
        try:
            shown_there = self.tree(program.mount.point)
        except OSError as error:
            return self.add("disagree", f"{program.name} {when}: {error}", *self.plan.names)
        expected = self.final
        if "attrs=list" in self.plan.options:
            expected = {name: row[:1] for name, row in expected.items()}
            shown_there = {name: row[:1] for name, row in shown_there.items()}
        # An object without a mode has the mount's.
        shown_there = {name: tuple(value if each is not None or index != 1 else None for index, (value, each) in
                                   enumerate(zip(row, expected.get(name, row))))
                       for name, row in shown_there.items()}
        if shown_there != expected:
            self.add("disagree", f"{program.name} {when}: {self.differences(expected, shown_there)}",
                     *self.plan.names)
        return None

    @staticmethod
    def differences(bucket, other):
        lines = []
        for name in sorted(bucket.keys() | other.keys()):
            if bucket.get(name) != other.get(name):
                had = f"the bucket has {row_shown(bucket.get(name))}, there is " if bucket else ""
                lines.append(f"\n    {name}: {had}{row_shown(other.get(name))}")
        return "".join(lines)

    # The judgement.

    def add(self, kind, text, *names):
        self.found.append((kind, text, set(names)))

    def judge(self):
        self.requests = {name: proxy.timed_requests() for name, proxy in self.proxies.items()}
        judge = Judge(self.history, self.final, self.requests, self.prefix, self.plan.policy,
                      self.plan.cache_seconds if self.plan.cache_seconds is not None else 60,
                      bool(self.plan.fault or self.plan.kills), self.failures,
                      "sync" in self.plan.options)
        found = [*self.found, *judge.judge()]
        if not found:
            return []
        names = set().union(*(names for _, _, names in found))
        if any(event.what == "rename-directory" for event in self.history.events):
            # What is found under one name came from another.
            names |= set(self.plan.names)
        said = "\n".join(f"{kind}: {text}" for kind, text, _ in found)
        return [({kind for kind, _, _ in found}, f"{self.plan}\n{said}\n{self.tell(names)}\n  at the end:"
                 f"{self.differences({}, self.final)}")]

    def tell(self, names):
        requests = {name: proxy.timed_requests() for name, proxy in self.proxies.items()}
        logs = "\n".join(f"  log {program.name}: {line}" for program in self.programs
                         for line in program.mount.log_tail(8).splitlines())
        return told(self.history, requests, self.prefix, names, self.history.begin) + "\n" + logs


def raised(error):
    raise error


def row_shown(row):
    return "nothing" if row is None else " ".join([shown(row[0]), *(str(each) for each in row[1:])])


def attributes(metadata):
    """Mode and mark of an object, as s3fs keeps them: percent-encoded JSON of base64 values."""
    import base64
    import urllib.parse
    mode = metadata.get("mode")
    header = metadata.get("xattr")
    mark = None
    if header:
        table = json.loads(urllib.parse.unquote(header))
        mark = table.get("user.mark") and base64.b64decode(table["user.mark"]).decode()
    return f"{int(mode) & 0o7777:o}" if mode else None, mark


def run_rounds(test, seeds, processes, report):
    """`report` gets the seed and the findings of each round as it ends."""
    tool("rgwproxy")
    lanes = [Lane(test, number) for number in range(processes)]
    fork = multiprocessing.get_context("fork")
    running = []
    for number, lane in enumerate(lanes):
        heard, tell = fork.Pipe(duplex=False)
        process = fork.Process(target=lane.run, args=(seeds[number::processes], tell), daemon=True)
        process.start()
        tell.close()
        running.append((process, heard))
    waiting = [heard for _, heard in running]
    while waiting:
        for heard in multiprocessing.connection.wait(waiting):
            try:
                report(*heard.recv())
            except EOFError:
                waiting.remove(heard)
    for process, _ in running:
        process.join()


class ByHand(RGWFSTestCase):
    seconds = 7 * 24 * 3600
    rounds, seed, processes = 100, 1, 3

    def runTest(self):
        counted = collections.Counter()

        def report(seed, findings):
            if seed is None:
                counted["broken"] += 1
                print(findings, flush=True)
                return
            counted["rounds"] += 1
            for kinds, text in findings:
                counted.update(kinds)
                print(f"=== {text}\n", flush=True)
            if counted["rounds"] % 20 == 0:
                print(f"--- {dict(counted)}", flush=True)

        run_rounds(self, list(range(self.seed, self.seed + self.rounds)), self.processes, report)
        print(f"--- {dict(counted)}", flush=True)
        self.assertEqual(set(counted), {"rounds"}, "findings")


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    ByHand.rounds, ByHand.seed, ByHand.processes = [*words, *(100, 1, 3)[len(words):]]
    result = unittest.TextTestRunner(verbosity=0).run(unittest.TestSuite([ByHand()]))
    sys.exit(not result.wasSuccessful())
