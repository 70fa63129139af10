#!/usr/bin/env python3
"""Writes signatures.tsv: requests signed by botocore, an implementation independent of rgwfs.

Usage: make-signatures.py > signatures.tsv   (needs the package botocore)
"""
import datetime
import sys
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ACCESS, SECRET, REGION = "TESTACCESSKEY", "test/Secret+Key", "default"
UNSIGNED = Config(s3={"payload_signing_enabled": False})
KEYS = [
    "plain.txt", "two words", "per%cent", "plus+plus", "q?mark#hash&amp;semi", "back\\slash",
    "double//slash", "/lead", "trail/", ".", "..", "./a/../b", "tab\tline\nreturn\r", "\x01\x7f",
    "caf\u00e9", "cafe\u0301", "\U0001F600", "\uffff", "it's \"quoted\" <x>", "=@:,!*()$[]{}|^`~-._",
]


def line(version, method, host, path, query, headers, epoch, token):
    now = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: now.replace(tzinfo=None)
    encoded = quote(path.encode(), safe="/~")
    items = [quote(n, safe="-_.~") + ("" if v is None else "=" + quote(v, safe="-_.~"))
             for n, v in query]
    url = f"http://{host}{encoded}" + ("?" + "&".join(items) if items else "")
    request = AWSRequest(method=method, url=url, headers=dict(headers))
    request.context["client_config"] = UNSIGNED
    credentials = Credentials(ACCESS, SECRET, token)
    if version == 4:
        botocore.auth.S3SigV4Auth(credentials, "s3", REGION).add_auth(request)
    else:
        request.headers["x-amz-date"] = now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        if token:
            request.headers["x-amz-security-token"] = token
        signer = botocore.auth.HmacV1Auth(credentials)
        # x-amz-date stands in for Date, whose line is then empty.
        signer._get_date = lambda: ""
        signature = signer.get_signature(
            method, botocore.auth.urlsplit(url), request.headers, auth_path=encoded)
        request.headers["Authorization"] = f"AWS {ACCESS}:{signature}"
    fields = [
        str(version), method, host, path.encode().hex(),
        "&".join(n.encode().hex() + ("" if v is None else "=" + v.encode().hex())
                 for n, v in query),
        "|".join(f"{n}: {v}" for n, v in headers), str(epoch), token or "",
        encoded + ("?" + "&".join(items) if items else ""), request.headers["Authorization"],
    ]
    print("\t".join(fields))


def main():
    print("# version method host path query headers time token target authorization")
    requests = [("GET", f"/bucket/{key}", [], []) for key in KEYS]
    requests += [
        ("HEAD", "/bucket/key", [], []),
        ("GET", "/", [], []),
        ("GET", "/bucket", [("list-type", "2"), ("encoding-type", "url"), ("max-keys", "1000"),
                            ("prefix", "a b/\u00e9+&="), ("delimiter", "/"),
                            ("start-after", "a b/\u00e9+&=/z~")], []),
        ("GET", "/ten1:bucket/key", [], []),
        ("PUT", "/bucket/key", [], [
            ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="), ("content-type", "text/plain"),
            ("x-amz-meta-mode", "33188"), ("x-amz-meta-a-b", "two  blanks"),
            ("if-match", "d41d8cd98f00b204e9800998ecf8427e")]),
        ("PUT", "/bucket/key", [], [
            ("x-amz-copy-source", "/bucket/caf%C3%A9"), ("x-amz-metadata-directive", "REPLACE"),
            ("x-amz-copy-if-match", "abc")]),
        ("GET", "/bucket/key", [], [("range", "bytes=0-9"), ("if-match", '"abc"')]),
        ("POST", "/bucket", [("delete", None)], [
            ("content-type", "application/xml"), ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")]),
        ("POST", "/bucket/key", [("uploads", None)], [("content-type", "image/png")]),
        ("PUT", "/bucket/key", [("partNumber", "7"), ("uploadId", "2~Ab-c_d.e")], []),
        ("DELETE", "/bucket/key", [("uploadId", "2~Ab-c_d.e")], []),
    ]
    times = [0, 951782400, 1735689599, 1795364349, 4102444800]
    for version in (4, 2):
        for index, (method, path, query, headers) in enumerate(requests):
            host = ["127.0.0.1:7480", "s3.example.org"][index % 2]
            token = "token/with+signs==" if index % 5 == 4 else None
            line(version, method, host, path, query, headers, times[index % len(times)], token)


sys.stdout.reconfigure(newline="\n")
main()
