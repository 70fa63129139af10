"""Resident memory: what a heavy hour needed goes back to the system. Promise P6."""

import concurrent.futures
import json
import os
import unittest

from harness import RGWFSTestCase, resident, resident_peak, run, wait_until

MEBIBYTE = 1 << 20
# A mount that has nothing to do, whatever it did before.
IDLE_MAX = 100 * MEBIBYTE


class MemoryTests(RGWFSTestCase):
    seconds = 240

    def read(self, path):
        """From the server, not from the kernel's pages."""
        with open(path, "rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            count = 0
            while block := file.read(MEBIBYTE):
                count += len(block)
            return count

    def small_files(self, directory):
        directory.mkdir()
        for number in range(300):
            directory.joinpath(f"file-{number}").write_bytes(os.urandom(5000))
        return sum(entry.stat().st_size for entry in os.scandir(directory))

    def large_file(self, path):
        path.write_bytes(os.urandom(MEBIBYTE) * 24)

    def test_a_mount_gives_back_what_a_heavy_load_needed(self):
        block = os.urandom(MEBIBYTE) * 24
        for number in range(16):
            self.put(f"large-{number}", block)
        for number in range(1500):
            self.put(f"many/name-{number:05}", b"x")
        mount = self.mount()
        before = resident(mount.pid)
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            reads = [pool.submit(self.read, mount.path(f"large-{number}")) for number in range(16)]
            writes = [pool.submit(self.large_file, mount.path(f"new-{number}")) for number in range(4)]
            smalls = [pool.submit(self.small_files, mount.path(f"dir-{number}")) for number in range(4)]
            lists = [pool.submit(lambda: len([entry.stat() for entry in os.scandir(mount.path("many"))]))
                     for _ in range(4)]
            self.assertEqual({job.result() for job in reads}, {len(block)})
            self.assertEqual({job.result() for job in smalls}, {300 * 5000})
            self.assertEqual({job.result() for job in lists}, {1500})
            for job in writes:
                job.result()
        run(self.program("rgwfs"), "sync", mount.point)
        peak = resident_peak(mount.pid)
        # Clean data may stay in memory as long as there is room for it.
        for number in range(16):
            mount.path(f"large-{number}").unlink()
        run(self.program("rgwfs"), "sync", mount.point)
        stats = json.loads(run(self.program("rgwfs"), "stats", "--json", mount.point).stdout)
        self.assertEqual(stats["cached_bytes"], 0)
        # The load was one: a test whose load needs no memory would hold nothing.
        self.assertGreater(peak, before + 100 * MEBIBYTE)
        wait_until(
            lambda: resident(mount.pid) < IDLE_MAX, 60,
            f"resident {before >> 20} MiB before, {peak >> 20} MiB at the most, now below 100 MiB")
        print(f"resident: {before >> 20} MiB before, {peak >> 20} at the most, "
              f"{resident(mount.pid) >> 20} idle", flush=True)


if __name__ == "__main__":
    unittest.main()
