"""What programs were told, kept where no daemon's death reaches it."""

import json
import os
import threading
import time


def wait_for_calls(writers, count, seconds):
    """Until the programs together made so many calls, or ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(writer.is_alive() for writer in writers):
        if sum(writer.calls for writer in writers) >= count:
            return
        time.sleep(0.002)


class Manifest:
    """What was acknowledged, on the local disk before the next call is made."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()

    def add(self, who, number, what):
        with self.lock:
            self.file.write(json.dumps([who, number, what]) + "\n")
            self.file.flush()
            os.fdatasync(self.file.fileno())

    def tail(self, count=30):
        with open(self.file.name, encoding="utf-8") as file:
            return "".join(file.readlines()[-count:])

    def close(self):
        self.file.close()
