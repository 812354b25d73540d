"""An HTTP server in a thread, for tests of what the controller fetches."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Recorder:
    """A server with a set response, which records the requests."""

    def __init__(self) -> None:
        self.status, self.body, self.delay = 200, b"[]", 0.0
        self.location = ""
        #: How many bytes more are announced than sent, and how long to wait after each byte.
        self.missing, self.drip = 0, 0.0
        self.requests: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []

    def answer(self, body: Any, status: int = 200) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


def parts_of(body: bytes, length: int) -> list[bytes]:
    return [body[begin : begin + length] for begin in range(0, len(body), max(length, 1))]


@contextmanager
def serving() -> Iterator[tuple[Recorder, str]]:
    recorder = Recorder()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            recorder.requests.append((parts.path, parse_qs(parts.query), dict(self.headers)))
            time.sleep(recorder.delay)
            self.send_response(recorder.status)
            if recorder.location:
                self.send_header("Location", recorder.location)
            self.send_header("Content-Length", str(len(recorder.body) + recorder.missing))
            self.end_headers()
            # The client may have given up.
            with suppress(OSError):
                for part in parts_of(recorder.body, 1 if recorder.drip else len(recorder.body)):
                    self.wfile.write(part)
                    time.sleep(recorder.drip)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield recorder, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
