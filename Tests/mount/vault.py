"""A Vault, as far as RGW asks one for the keys of SSE-S3: the transit engine, without tokens."""

import base64
import http.server
import json
import os
import threading

from relay import Server


class Vault:
    def __init__(self, port):
        # Path of every request.
        self.seen = []
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.vault = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.server.cut()
        self.thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.vault.seen.append(self.path)
        data = None
        if "/datakey/plaintext/" in self.path:
            key = base64.b64encode(os.urandom(32)).decode()
            data = {"plaintext": key, "ciphertext": f"vault:v1:{key}"}
        elif "/decrypt/" in self.path:
            data = {"plaintext": json.loads(body)["ciphertext"].rpartition(":")[2]}
        text = json.dumps({"data": data}).encode() if data else b""
        self.send_response(200 if data else 204)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = answer
