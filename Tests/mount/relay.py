"""A relay before the RGW that changes answers: what a broken or hostile server, or a proxy before a good one,
may say.

It is a server for one mount. A rule is a function of a `Request`: it returns None (the RGW answers), an
`Answer` (the RGW never hears of the request), or a function that changes the RGW's `Answer`. Answers are
written as they are: headers may repeat, contradict each other or be too large.
"""

import collections
import http.client
import http.server
import random
import socket
import threading
import time
import urllib.parse

from harness import ENDPOINT

UPSTREAM = urllib.parse.urlsplit(ENDPOINT)


class Request:
    """One request as the client sent it."""

    def __init__(self, method, target, headers, body):
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        parts = urllib.parse.urlsplit(target)
        names = urllib.parse.unquote(parts.path).lstrip("/").split("/", 1)
        self.bucket = names[0]
        self.key = names[1] if len(names) > 1 else ""
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))

    @property
    def kind(self):
        """The operation, by its name in the S3 API."""
        if not self.key:
            if self.method == "GET":
                for name in ("uploads", "versioning", "notification"):
                    if name in self.query:
                        return name
                return "list"
            return "delete-objects" if self.method == "POST" else f"{self.method.lower()}-bucket"
        if self.method == "POST":
            return "create" if "uploads" in self.query else "complete"
        if "uploadId" in self.query:
            return {"PUT": "part", "GET": "parts", "DELETE": "abort"}.get(self.method, "other")
        if "tagging" in self.query:
            return f"{self.method.lower()}-tags"
        if self.method == "PUT" and self.headers.get("x-amz-copy-source"):
            return "copy"
        return self.method.lower()


class Answer:
    def __init__(self, status, headers=(), body=b"", truncate=None, hangs=False):
        self.status = status
        # Pairs, in order.
        self.headers = list(headers)
        self.body = body
        # Of the body only so many bytes are sent, and the connection is closed; None: all.
        self.truncate = truncate
        # Nothing is sent until the client gives up.
        self.hangs = hangs

    def get(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def set(self, name, value):
        """In place of what was there; None takes it away."""
        self.headers = [(key, old) for key, old in self.headers if key.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, str(value)))
        return self

    def replace_body(self, body):
        self.body = body
        return self.set("Content-Length", len(body))


def error(status, code, message="", **headers):
    """An error as S3 says it."""
    body = (f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message>"
            "<RequestId>tx-relay</RequestId></Error>").encode()
    fields = [("x-amz-request-id", "tx-relay"), ("Content-Type", "application/xml")]
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answer(status, fields + [("Content-Length", len(body))], body)


class Relay:
    def __init__(self, rule=None, address="127.0.0.1", port=0):
        self.rule = rule or (lambda request: None)
        # Proxy-Authorization of every request that came as to a proxy, and where CONNECT was to go.
        self.proxied = []
        self.tunnels = []
        # (time, kind, key) of every request.
        self.seen = collections.deque(maxlen=200_000)
        self.server = Server((address, port), Handler)
        self.server.relay = self
        self.port = self.server.server_address[1]
        self.endpoint = f"http://{address}:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def note(self, request):
        self.seen.append((time.monotonic(), request.kind, request.key))

    def count(self, *kinds, since=0):
        return sum(1 for at, kind, _ in list(self.seen)
                   if at >= since and (not kinds or kind in kinds))

    def busiest_second(self):
        """Most requests within a second."""
        times = [at for at, _, _ in list(self.seen)]
        most = first = 0
        for last, at in enumerate(times):
            while at - times[first] > 1:
                first += 1
            most = max(most, last - first + 1)
        return most

    def heal(self):
        self.rule = lambda request: None

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.server.cut()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, *arguments):
        self.open = set()
        self.lock = threading.Lock()
        super().__init__(*arguments)

    def process_request(self, request, client_address):
        with self.lock:
            self.open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request):
        with self.lock:
            self.open.discard(request)
        super().close_request(request)

    def cut(self):
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def handle_error(self, request, client_address):
        """A client that goes away is no fault of the relay."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream = None

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def finish(self):
        super().finish()
        if self.upstream:
            self.upstream.close()

    def log_message(self, *arguments):
        pass

    def relay(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        relay = self.server.relay
        if not self.path.startswith("/"):
            # As to a proxy: the whole URL.
            relay.proxied.append(self.headers.get("Proxy-Authorization"))
            self.path = "/" + self.path.split("/", 3)[3]
        request = Request(self.command, self.path, self.headers, body)
        relay.note(request)
        decision = relay.rule(request)
        if isinstance(decision, Answer):
            answer = decision
        else:
            answer = self.ask(request)
            if decision is not None:
                answer = decision(answer) or answer
        self.send(answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = relay

    def do_CONNECT(self):
        self.server.relay.tunnels.append(self.path)
        self.send(Answer(407, [("Proxy-Authenticate", "Basic realm=x"), ("Content-Length", 0),
                               ("Connection", "close")]))

    def ask(self, request):
        for attempt in (1, 2):
            if self.upstream is None:
                self.upstream = http.client.HTTPConnection(
                    UPSTREAM.hostname, UPSTREAM.port, timeout=60)
            try:
                self.upstream.putrequest(
                    request.method, request.target, skip_host=True, skip_accept_encoding=True)
                for name, value in request.headers.items():
                    if name.lower() not in ("expect", "proxy-authorization", "proxy-connection"):
                        self.upstream.putheader(name, value)
                self.upstream.endheaders(request.body or None)
                response = self.upstream.getresponse()
                answer = Answer(response.status, response.getheaders(), response.read())
                if answer.get("Transfer-Encoding"):
                    answer.set("Transfer-Encoding", None).replace_body(answer.body)
                return answer
            except (OSError, http.client.HTTPException):
                self.upstream.close()
                self.upstream = None
                if attempt == 2:
                    return error(503, "SlowDown")

    def send(self, answer):
        if answer.hangs:
            self.connection.settimeout(120)
            try:
                self.connection.recv(1)
            except OSError:
                pass
            self.close_connection = True
            return
        lines = [f"HTTP/1.1 {answer.status} Said"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))
        if self.command != "HEAD":
            self.wfile.write(answer.body[:answer.truncate])
        self.wfile.flush()
        if answer.truncate is not None or (answer.get("Connection") or "").lower() == "close":
            self.close_connection = True


# What a seeded run does to answers, by kind.

def lying_rule(seed, share, spare=()):
    """A rule that lies about a share of all answers. `spare`: kinds that are left alone."""
    source = random.Random(seed)
    lock = threading.Lock()
    lies = [value for name, value in sorted(globals().items()) if name.startswith("lie_")]

    def rule(request):
        with lock:
            if request.kind in spare or source.random() >= share:
                return None
            lie = source.choice(lies)
            number = source.randrange(1 << 30)
        return lie(request, random.Random(number))
    return rule


CODES = [
    (400, "InvalidArgument"), (400, "RequestTimeout"), (400, "BadDigest"), (403, "AccessDenied"),
    (403, "SignatureDoesNotMatch"), (404, "NoSuchKey"), (404, "NoSuchUpload"), (405, "MethodNotAllowed"),
    (409, "OperationAborted"), (409, "BucketAlreadyExists"), (412, "PreconditionFailed"),
    (416, "InvalidRange"), (429, "SlowDown"), (500, "InternalError"), (501, "NotImplemented"),
    (502, "BadGateway"), (503, "SlowDown"), (504, "GatewayTimeout"), (418, "Teapot"),
]


def lie_code(request, source):
    # A 404 that comes from S3 is the truth for whoever gets it, as is a digest that did not fit.
    status, code = source.choice([pair for pair in CODES if pair[0] != 404])
    return error(status, code)


def lie_plain_status(request, source):
    status = source.choice([301, 302, 304, 400, 404, 418, 500, 502, 503])
    return Answer(status, [("Content-Length", 0)])


def lie_late_code(request, source):
    """The RGW does it, the client hears that it failed."""
    status, code = source.choice([(500, "InternalError"), (502, "BadGateway"), (504, "Timeout")])
    return lambda answer: error(status, code)


def lie_control_characters(request, source):
    return error(source.choice([500, 503]), "In\nternal\x1b[31m\x07" + "E" * 5000,
                 "two\nlines\x1b]0;title\x07" + "m" * 50_000)


def lie_repetition(request, source):
    if request.kind != "list":
        return None

    def change(answer):
        body = answer.body.replace(b"<IsTruncated>false", b"<IsTruncated>true")
        return answer.replace_body(body)
    return change


def lie_shorter_keys(request, source):
    if request.kind != "list":
        return None
    return lambda answer: answer.replace_body(
        answer.body.replace(b"<Key>", b"<Key>a</Key><Key>", 1)
        if source.random() < 0.5 else answer.body.replace(b"<Key>d", b"<Key>"))


def lie_cut(request, source):
    def change(answer):
        answer.truncate = source.randrange(len(answer.body) + 1) if answer.body else 0
        return answer
    return change


def lie_length(request, source):
    by = source.choice([-1, 1, 4096, 1 << 40, 1 << 63])

    def change(answer):
        length = int(answer.get("Content-Length") or 0)
        answer.truncate = len(answer.body)
        return answer.set("Content-Length", max(0, length + by))
    return change if request.kind in ("get", "head", "list") else None


def lie_empty_success(request, source):
    if request.kind not in ("get", "list", "complete", "copy", "create", "parts"):
        return None
    return lambda answer: answer.replace_body(b"").set("Content-Range", None)


def lie_range(request, source):
    shift = source.choice([-1, 1, 10, 1 << 50])

    def change(answer):
        told = answer.get("Content-Range")
        if answer.status != 206 or not told:
            return answer
        first, rest = told.removeprefix("bytes ").split("-")
        last, total = rest.split("/")
        choice = source.randrange(3)
        if choice == 0:
            first, last = int(first) + shift, int(last) + shift
        elif choice == 1:
            total = int(total) + shift
        else:
            return answer.replace_body(answer.body + b"more").set("Content-Range", told)
        return answer.set("Content-Range", f"bytes {first}-{last}/{total}")
    return change if request.kind == "get" else None


def lie_tag(request, source):
    tag = source.choice(["\"0000000000000000000000000000000f\"", "\"\"", None, "x" * 9000])
    if request.kind not in ("get", "head", "put", "part"):
        return None
    return lambda answer: answer.set("ETag", tag)


def lie_headers(request, source):
    def change(answer):
        choice = source.randrange(5)
        if choice == 0:
            answer.headers += [(f"x-amz-meta-{number}", "v" * 50) for number in range(400)]
        elif choice == 1:
            answer.set("Last-Modified", source.choice(["never", None, "Thu, 01 Jan 0000 00:00:00 GMT"]))
        elif choice == 2:
            answer.headers.append(("Content-Length", "7"))
        elif choice == 3:
            answer.headers.append(("x-amz-meta-long", "v" * 150_000))
        else:
            answer.headers.append(("Transfer-Encoding", "chunked"))
            answer.truncate = len(answer.body)
        return answer
    return change


def lie_silence(request, source):
    # Rarely: each costs the client its time-out.
    return Answer(200, hangs=True) if source.random() < 0.2 else None


def lie_reset(request, source):
    return Answer(200, [("Content-Length", 1000)], b"", truncate=0)
