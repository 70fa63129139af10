"""Measures the client (rgwfs-bench) beside raw libcurl (rawclient); called by scripts/bench-client.

The two take turns, and change who begins, in each round; the figures are medians of the rounds'
ratios, because a machine that does other things too changes from minute to minute, not from second
to second. Ratios are the client's rate by raw libcurl's. The column CPU is the ratio of what client
and RGW together use for the same requests: the rates' ratio on a machine that these two keep busy,
and steady where others disturb the clock.
"""

import argparse
import glob
import hashlib
import json
import os
import statistics
import subprocess
import tempfile
import uuid

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials

MIB = 1 << 20


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--large-rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rows", default="")
    parser.add_argument("--json", default="")
    return parser.parse_args()


def server_cpu():
    """Nanoseconds of CPU that the RGW's daemons have used, where RGWFS_BENCH_RGW names their directory."""
    total = 0
    for path in glob.glob(os.path.join(os.environ.get("RGWFS_BENCH_RGW", "/nowhere"), "run/*.pid")):
        with open(path, encoding="ascii") as file:
            tasks = glob.glob(f"/proc/{file.read().strip()}/task/*/schedstat")
        for task in tasks:
            try:
                with open(task, encoding="ascii") as file:
                    total += int(file.read().split()[0])
            except OSError:
                pass
    return total


def measure(command, environment):
    """(seconds that the program reports, CPU seconds of its process, CPU seconds of the RGW)"""
    before = server_cpu()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"bench-client: exit status {process.returncode} of {' '.join(command)}")
    return (float(output.split()[-1]), usage.ru_utime + usage.ru_stime,
            (server_cpu() - before) / 1e9)


class Bench:
    def __init__(self, arguments, directory):
        self.arguments = arguments
        self.directory = directory
        self.endpoint = os.environ["RGWFS_TEST_ENDPOINT"]
        self.bucket = f"bench-client-{uuid.uuid4().hex[:8]}"
        self.keys = {"AWS_ACCESS_KEY_ID": os.environ["RGWFS_TEST_ACCESS_KEY"],
                     "AWS_SECRET_ACCESS_KEY": os.environ["RGWFS_TEST_SECRET_KEY"]}
        self.s3 = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="default",
            aws_access_key_id=self.keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.keys["AWS_SECRET_ACCESS_KEY"],
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, signature_version="s3v4"))
        self.rows = []

    def prepare(self):
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:*"],
                           "Resource": [f"arn:aws:s3:::{self.bucket}",
                                        f"arn:aws:s3:::{self.bucket}/*"]}]}))
        self.large = os.path.join(self.directory, "large")
        self.small = os.path.join(self.directory, "small")
        block = os.urandom(MIB)
        with open(self.large, "wb") as file:
            for _ in range(self.arguments.size):
                file.write(block)
        self.digest = hashlib.md5(block * self.arguments.size).hexdigest()
        with open(self.small, "wb") as file:
            file.write(block[:4096])
        self.s3.upload_file(self.small, self.bucket, "small")
        with open(self.large, "rb") as file:
            self.s3.put_object(Bucket=self.bucket, Key="large", Body=file)

    def clean(self):
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for entry in page.get("Contents", []):
                self.s3.delete_object(Bucket=self.bucket, Key=entry["Key"])
        self.s3.delete_bucket(Bucket=self.bucket)

    def environment(self, signed=True, **extra):
        plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**plain, **(self.keys if signed else {}), **extra}

    def client(self, verb, word, count, flight):
        return [os.environ["RGWFS_BENCH"], self.endpoint, self.bucket, verb, word, str(count), str(flight)]

    def signature(self, verb, word):
        """Header lines for raw reads: the same request as the client's, signed once."""
        if verb == "put":
            return {}
        request = botocore.awsrequest.AWSRequest(
            method=verb.upper(), url=f"{self.endpoint}/{self.bucket}/{word}",
            headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
        request.context["payload_signing_enabled"] = False
        botocore.auth.S3SigV4Auth(
            botocore.credentials.Credentials(*self.keys.values()), "s3", "default").add_auth(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        return {"RAWCLIENT_HEADERS": "\n".join(lines)}

    def raw(self, verb, word, count, flight):
        return [os.environ["RAWCLIENT"], f"{self.endpoint}/{self.bucket}", f"{verb}loop", word,
                str(count), str(flight)]

    def row(self, name, verb, word, count, flight, rounds, size=0, **variables):
        if self.arguments.rows and not any(part in name for part in self.arguments.rows.split(",")):
            return
        ours, raws = [], []
        for number in range(rounds + 1):
            pair = [(ours, self.client(verb, word, count, flight), self.environment(**variables)),
                    (raws, self.raw(verb, word, count, flight), self.environment(signed=False, **self.signature(verb, word)))]
            for results, command, environment in (pair if number % 2 else reversed(pair)):
                results.append(measure(command, environment))
        # The first round warms up.
        ours, raws = ours[1:], raws[1:]
        ratios = sorted(raw[0] / our[0] for our, raw in zip(ours, raws))
        best = min(raw[0] for raw in raws) / min(our[0] for our in ours)
        whole = statistics.median(sum(raw[1:]) / sum(our[1:]) for our, raw in zip(ours, raws))
        unit = count * size / 1e9 if size else count / 1000
        row = {"row": name, "ratio": statistics.median(ratios), "low": ratios[0], "high": ratios[-1],
               "best": best, "whole": whole,
               "rate": statistics.median(count * (size / MIB if size else 1) / our[0] for our in ours),
               "raw": statistics.median(count * (size / MIB if size else 1) / raw[0] for raw in raws),
               "cpu": statistics.median(our[1] for our in ours) / unit,
               "raw_cpu": statistics.median(raw[1] for raw in raws) / unit,
               "unit": "MiB/s" if size else "1/s", "cpu_unit": "s/GB" if size else "ms"}
        self.rows.append(row)
        print(f"{name:26} {row['ratio']:5.2f}  {row['low']:.2f}-{row['high']:.2f} {best:5.2f} {whole:5.2f} "
              f"{row['rate']:8.0f} {row['raw']:8.0f} {row['unit']:6} "
              f"{row['cpu']:7.3f} {row['raw_cpu']:7.3f} {row['cpu_unit']}", flush=True)

    def allocations(self, verb, word, count):
        """A request's allocations: the difference of two numbers of requests."""
        if self.arguments.rows and "allocations" not in self.arguments.rows:
            return
        counted = {}
        for name, command, signed in (("rgwfs", self.client, True), ("raw", self.raw, False)):
            totals = []
            for times in (count, 2 * count):
                path = os.path.join(self.directory, "allocations")
                measure(command(verb, word, times, 1), self.environment(
                    signed=signed, LD_PRELOAD=os.environ["COUNTALLOC_SO"], COUNTALLOC=path))
                with open(path, encoding="ascii") as file:
                    totals.append(int(file.read()))
            counted[name] = (totals[1] - totals[0]) / count
        self.rows.append({"row": f"allocations {verb}", **counted})
        print(f"allocations per {verb.upper():8} {counted['rgwfs']:8.1f}   raw libcurl {counted['raw']:.1f}")

    def quick_ack(self):
        """What TCP_QUICKACK gains: the same client with it and without."""
        if self.arguments.rows and "quickack" not in self.arguments.rows:
            return
        command = self.client("get", "small", 100, 1)
        seconds = {True: [], False: []}
        for _ in range(3):
            for on in (True, False):
                extra = {} if on else {"RGWFS_BENCH_NO_QUICKACK": "1"}
                seconds[on].append(measure(command, self.environment(**extra))[0])
        ratio = statistics.median(off / on for on, off in zip(seconds[True], seconds[False]))
        self.rows.append({"row": "quickack", "ratio": ratio})
        print(f"GET 4 KiB with TCP_QUICKACK is {ratio:.1f} times as fast as without")

    def run(self):
        arguments = self.arguments
        print(f"{'':26} ratio  range      best   CPU   client      raw        "
              "CPU of client and raw")
        for verb in ("get", "head"):
            for flight in (1, 16, 64):
                self.row(f"{verb.upper()} 4 KiB x{flight}", verb, "small",
                         arguments.requests if flight == 1 else 2 * arguments.requests, flight,
                         arguments.rounds)
        self.row("PUT 4 KiB x1", "put", self.small, arguments.requests // 4, 1, arguments.rounds)
        self.row("PUT 4 KiB x16", "put", self.small, arguments.requests, 16, arguments.rounds)
        size = arguments.size * MIB
        for flight in (1, 8):
            self.row(f"GET large x{flight}", "get", "large", max(4, flight), flight,
                     arguments.large_rounds, size)
        for flight in (1, 8):
            self.row(f"PUT large x{flight}", "put", self.large, max(2, flight), flight,
                     arguments.large_rounds, size)
            self.row(f"PUT large x{flight} known MD5", "put", self.large, max(2, flight), flight,
                     arguments.large_rounds, size, RGWFS_BENCH_MD5=self.digest)
        self.allocations("get", "small", arguments.requests)
        self.allocations("head", "small", arguments.requests)
        self.allocations("put", self.small, arguments.requests // 2)
        self.quick_ack()
        if arguments.json:
            with open(arguments.json, "w", encoding="utf-8") as file:
                json.dump(self.rows, file, indent=1)


def main():
    with tempfile.TemporaryDirectory(prefix="rgwfs-bench-") as directory:
        bench = Bench(parse_arguments(), directory)
        bench.prepare()
        try:
            bench.run()
        finally:
            bench.clean()


main()
