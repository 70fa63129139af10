"""Suites of real mounts beside each other, each group on a Ceph RGW of its own.

  python3 parallel.py ENVIRONMENT... [-- SUITE...]

ENVIRONMENT is what `scripts/rgw-dev up` leaves in DIR/env; as many suites run at once as there are of them. Most of a
suite's time is spent waiting, so two of them take little more than half the time. Without names: every suite that is
here. Each suite's output is shown when it ends. The exit status is 1 if anything failed, or if nothing ran.
"""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
# What takes longest starts first, so that nothing long is left for the end.
LONGEST = ["test_kill", "test_programs", "test_power", "test_hostile", "test_histories", "test_outages", "test_commands",
           "test_kill_handover", "test_mount8", "test_disk", "test_oracle", "test_durability"]
COUNTED = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)


def environment(path):
    """The variables of a file of NAME=VALUE lines, as a shell takes them."""
    words = shlex.split(pathlib.Path(path).read_text(), comments=True)
    return dict(word.partition("=")[::2] for word in words if "=" in word)


class Runner:
    def __init__(self, environments, suites):
        self.environments = environments
        order = {suite: rank for rank, suite in enumerate(LONGEST)}
        self.waiting = sorted(suites, key=lambda suite: (order.get(suite, len(order)), suite))
        self.lock = threading.Lock()
        self.running = set()
        self.failed, self.tests, self.times = [], 0, []
        self.is_ending = False

    def run(self):
        threads = [threading.Thread(target=self.work, args=(each,)) for each in self.environments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work(self, variables):
        while True:
            with self.lock:
                if self.is_ending or not self.waiting:
                    return
                suite = self.waiting.pop(0)
            self.one(suite, variables)

    def one(self, suite, variables):
        begun = time.monotonic()
        with tempfile.TemporaryFile() as output:
            with self.lock:
                if self.is_ending:
                    return
                process = subprocess.Popen(
                    [sys.executable, "-m", "unittest", "--verbose", "--catch", suite], cwd=HERE, stdin=subprocess.DEVNULL,
                    stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **variables})
                self.running.add(process)
            process.wait()
            output.seek(0)
            text = output.read().decode(errors="replace")
        with self.lock:
            self.running.discard(process)
            counted = COUNTED.findall(text)
            self.tests += sum(map(int, counted))
            if process.returncode != 0 or not counted:
                self.failed.append(suite)
            seconds = round(time.monotonic() - begun)
            self.times.append((seconds, suite))
            print(f"--- {suite}: {seconds} s\n{text}", flush=True)

    def end(self, *_):
        """Suites that are asked to end take their mounts and processes down themselves."""
        self.is_ending = True
        for process in list(self.running):
            process.send_signal(signal.SIGINT)


def main(words):
    split = words.index("--") if "--" in words else len(words)
    environments = [environment(path) for path in words[:split]]
    suites = words[split + 1:] or [path.stem for path in HERE.glob("test_*.py")]
    if not environments:
        sys.exit(__doc__.strip())
    runner = Runner(environments, suites)
    signal.signal(signal.SIGTERM, runner.end)
    signal.signal(signal.SIGINT, runner.end)
    runner.run()
    longest = ", ".join(f"{suite} {seconds} s" for seconds, suite in sorted(runner.times, reverse=True)[:12])
    print(f"--- {runner.tests} tests of {len(runner.times)} suites; the longest: {longest}", flush=True)
    if runner.is_ending:
        sys.exit(130)
    if runner.failed or not runner.tests:
        sys.exit(f"failed: {' '.join(runner.failed) or 'no test ran'}")


if __name__ == "__main__":
    main(sys.argv[1:])
