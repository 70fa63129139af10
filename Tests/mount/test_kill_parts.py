"""kill -9 while a large file goes up in parts, on a real RGW. P2, P4, P6; crash points C26, C27, C28.

The proxy in between keeps one request from the server, or its answer from the daemon, and the daemon dies
there. The next mount goes on: no part that the server has is sent again, nothing is completed twice, and no
upload stays open that this mount began. Uploads of others do.
"""

import fnmatch
import hashlib
import os
import unittest

from harness import RGWFSTestCase, digest, kill, wait_until

MIB = 1 << 20
# As many bytes as the program sends in a part.
PART = 64 * MIB
PARTS = 3
INITIATE = "POST *[?]uploads*"
COMPLETE = "POST *uploadId=*"
LIST_PARTS = "GET *uploadId=*"


def part(number):
    return f"PUT *partNumber={number}&*"


class PartKillTests(RGWFSTestCase):
    def setUp(self):
        super().setUp()
        self.gate = None
        # Of another client: one whose key begins like ours, and one of another key.
        self.foreign = {self.begin_upload("large-2"), self.begin_upload("other")}
        self.addCleanup(self.end_uploads)

    def begin_upload(self, key):
        return key, self.s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]

    def end_uploads(self):
        for key, upload in self.uploads():
            self.s3.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)

    def uploads(self):
        answer = self.s3.list_multipart_uploads(Bucket=self.bucket)
        return {(row["Key"], row["UploadId"]) for row in answer.get("Uploads", [])}

    def statuses(self, pattern):
        """What requests of this kind were answered; 0: never passed on."""
        return [status for method, status, target in self.gate.requests()
                if fnmatch.fnmatchcase(f"{method} {target}", pattern)]

    def write_large(self, mount):
        """Its MD5."""
        md5 = hashlib.md5()
        with open(mount.path("large"), "wb", buffering=0) as file:
            for number in range((PARTS - 1) * PART // MIB + 1):
                block = hashlib.sha256(str(number).encode()).digest() * (MIB // 32)
                md5.update(block)
                file.write(block)
        return md5.hexdigest()

    def killed(self, fault, happened):
        """A mount that died when this had happened, begun again; and the MD5 of its file."""
        self.gate = self.proxy(fault=fault)
        mount = self.mount("multipart_threshold=5M", "writeback_delay=0s", endpoint=self.gate.endpoint)
        md5 = self.write_large(mount)
        wait_until(happened, 60, fault)
        self.die(mount)
        return mount, md5

    def die(self, mount):
        kill(mount.pid)
        mount.process.wait(10)
        self.gate.mend()
        mount.kill()
        mount.start()

    def assertWhole(self, mount, md5):
        self.assertEqual(digest(mount.path("large")), md5)
        mount.unmount()
        self.assertEqual(self.contents(), {"large": md5})
        self.assertEqual(self.uploads(), self.foreign, "uploads that stay open")

    def test_a_kill_between_parts_sends_only_the_part_that_is_missing(self):
        mount, md5 = self.killed(f"hold:{part(2)}", lambda: (
            self.statuses(part(1)), self.statuses(part(2)), self.statuses(part(3))) == ([200], [0], [200]))
        self.assertWhole(mount, md5)
        self.assertEqual(self.statuses(part(1)) + self.statuses(part(3)), [200, 200])
        self.assertEqual(self.statuses(part(2)), [0, 200])
        self.assertEqual((self.statuses(INITIATE), self.statuses(COMPLETE)), ([200], [200]))

    def test_c27_a_part_whose_answer_was_lost_is_not_sent_again(self):
        mount, md5 = self.killed(f"lost:{part(2)}", lambda: all(
            self.statuses(part(number)) == [200] for number in range(1, PARTS + 1)))
        self.assertWhole(mount, md5)
        self.assertEqual([self.statuses(part(number)) for number in range(1, PARTS + 1)], [[200]] * PARTS)
        self.assertEqual((self.statuses(INITIATE), self.statuses(COMPLETE)), ([200], [200]))

    def test_two_kills_after_the_last_part_complete_what_is_there(self):
        mount, md5 = self.killed(f"hold:{COMPLETE}", lambda: self.statuses(COMPLETE) == [0])
        self.assertEqual(len(self.uploads() - self.foreign), 1)
        wait_until(lambda: self.statuses(LIST_PARTS), 30, "the next mount asks for the parts")
        self.die(mount)
        self.assertWhole(mount, md5)
        self.assertEqual([self.statuses(part(number)) for number in range(1, PARTS + 1)], [[200]] * PARTS)
        self.assertEqual(self.statuses(INITIATE), [200])

    def test_c28_a_completion_whose_answer_was_lost_is_not_repeated(self):
        mount, md5 = self.killed(f"lost:{COMPLETE}", lambda: self.statuses(COMPLETE) == [200])
        tag = self.head("large")["ETag"]
        self.assertWhole(mount, md5)
        self.assertEqual(self.head("large")["ETag"], tag)
        self.assertEqual([self.statuses(part(number)) for number in range(1, PARTS + 1)], [[200]] * PARTS)
        self.assertEqual((self.statuses(INITIATE), self.statuses(COMPLETE)), ([200], [200]))

    def test_c26_an_upload_whose_id_was_lost_is_freed(self):
        mount, md5 = self.killed(f"lost:{INITIATE}", lambda: self.statuses(INITIATE) == [200])
        self.assertWhole(mount, md5)
        self.assertEqual(self.statuses(INITIATE), [200, 200])

    def test_a_file_removed_after_the_kill_leaves_no_parts(self):
        mount, _ = self.killed(f"hold:{part(2)}", lambda: self.statuses(part(1)) == [200]
                               and self.statuses(part(3)) == [200])
        os.unlink(mount.path("large"))
        mount.unmount()
        self.assertEqual(self.keys(), {})
        self.assertEqual(self.uploads(), self.foreign, "uploads that stay open")


if __name__ == "__main__":
    unittest.main()
