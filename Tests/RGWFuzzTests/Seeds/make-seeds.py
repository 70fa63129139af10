"""Writes one real input of each kind for each fuzz target, as RGW 16 and people write them."""

import pathlib
import struct

SEEDS = pathlib.Path(__file__).parent
COMMON = "x-amz-request-id: tx000001-0065-1-default\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: Keep-Alive\r\n"

LISTING = """<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\
<Name>b</Name><Prefix>a%20</Prefix><MaxKeys>2</MaxKeys><Delimiter>/</Delimiter><EncodingType>url</EncodingType>\
<IsTruncated>true</IsTruncated><Contents><Key>a%20%2Bit&apos;s</Key><LastModified>2024-02-29T12:34:56.789Z</LastModified>\
<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>0</Size><StorageClass>STANDARD</StorageClass></Contents>\
<CommonPrefixes><Prefix>a%20/</Prefix></CommonPrefixes></ListBucketResult>"""
BUCKETS = """<ListAllMyBucketsResult><Owner><ID>t</ID></Owner><Buckets><Bucket><Name>b</Name>\
<CreationDate>2024-02-29T12:34:56.789Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>"""
DELETED = """<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b&#13;</Key><Code>AccessDenied</Code>\
<Message>no</Message></Error></DeleteResult>"""
COPIED = "<CopyObjectResult><LastModified>2024-02-29T12:34:56.789Z</LastModified><ETag>abc</ETag></CopyObjectResult>"
INITIATED = "<InitiateMultipartUploadResult><UploadId>2~a</UploadId></InitiateMultipartUploadResult>"
COMPLETED = "<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>"
ERROR = "<Error><Code>NoSuchKey</Code><Message><![CDATA[x]]></Message><RequestId>tx</RequestId></Error>"
SKEW = "<Error><Code>RequestTimeTooSkewed</Code></Error>"
SLOW = "<Error><Code>SlowDown</Code></Error>"
ODD = "<!-- c --><n:a b='>' c=\"/>\"><b/>x&#x1F600;<![CDATA[<&]]></n:a>"
XML = {"listing": LISTING, "buckets": BUCKETS, "deleted": DELETED, "copied": COPIED, "initiated": INITIATED,
       "completed": COMPLETED, "error": ERROR, "odd": ODD}


def answer(status, body="", fields=""):
    return (f"HTTP/1.1 {status} X\r\n{COMMON}{fields}Content-Length: {len(body.encode())}\r\n\r\n{body}").encode()


OBJECT = ("ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
          "Content-Type: text/plain\r\nx-amz-meta-mode: 33188\r\nAccept-Ranges: bytes\r\n")
ANSWERS = {
    **{name: answer(404 if name == "error" else 200, xml) for name, xml in XML.items()},
    "object": answer(200, "hello", OBJECT),
    "part": answer(206, "0123456789abcdefg", OBJECT + "Content-Range: bytes 3-19/20\r\n"),
    "bucket": answer(200, "", "X-RGW-Object-Count: 3\r\nX-RGW-Bytes-Used: 7\r\nX-RGW-Quota-Bucket-Size: -1\r\n"),
    "skew": answer(403, SKEW),
    "slow": answer(503, SLOW, "Retry-After: 3\r\n"),
    "interim": b"HTTP/1.1 102 Wait\r\nX: 1\r\n\r\n" + answer(204),
}


def script(operation, *steps):
    return bytes([operation]) + b"".join(struct.pack(">BH", kind, len(a)) + a for kind, a in steps)


CLIENT = {
    "head": script(0, (0, ANSWERS["object"])),
    "head-refused": script(0, (0, answer(403)), (0, answer(403, SKEW)), (0, ANSWERS["object"])),
    "get": script(1, (0, ANSWERS["part"])),
    "get-resumed": script(1, (3, ANSWERS["part"]), (0, answer(
        206, "fg", OBJECT + "Content-Range: bytes 18-19/20\r\n")), (0, answer(
            206, "g", OBJECT + "Content-Range: bytes 19-19/20\r\n"))),
    "get-slow": script(1, (0, ANSWERS["slow"]), (4, b""), (0, ANSWERS["part"])),
    "list": script(2, (5, b""), (0, ANSWERS["listing"])),
    "put": script(3, (0, answer(200, "", "ETag: \"07070707070707070707070707070707\"\r\n"))),
    "put-lost": script(3, (6, b""), (5, b"")),
    "delete": script(4, (0, ANSWERS["deleted"])),
    "bucket": script(5, (0, answer(400)), (0, ANSWERS["error"])),
}
TEXTS = {
    "date": b"Sun, 06 Nov 1994 08:49:37 GMT", "time": b"2024-02-29T12:34:56.789Z",
    "endpoint": b"https://rgw.example.org:7480/", "address": b"http://[::1]:80", "tag": b'"abc"',
    "key": "a b/%2F+&?#é\n".encode(),
}
FILES = {
    "s3fs": b"# keys\nAK:SK\nphotos:BK:BS\n",
    "aws": b"[default]\naws_access_key_id = a\naws_secret_access_key = s\n[work]\naws_access_key_id=w\n"
           b"aws_secret_access_key=x\naws_session_token=t\n",
    "json": b'{"user_id": "u", "keys": [{"user": "u", "access_key": "a\\u0041", "secret_key": "s"}], "x": [1e3, null]}',
    "conf": b"# c\n[default]\nurl = http://h:7480\nro\n[photos/2024]\nuploads=5\n", "source": b"tenant:photos/2024",
}

for target, inputs in {"xml": {name: xml.encode() for name, xml in XML.items()}, "answer": ANSWERS,
                       "client": CLIENT, "texts": TEXTS, "files": FILES}.items():
    directory = SEEDS / target
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in inputs.items():
        (directory / name).write_bytes(content)
