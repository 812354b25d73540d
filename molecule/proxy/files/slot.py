"""Stands for one slot of an application: slot.py NAME PORT."""

from __future__ import annotations

import http.server
import json
import sys
import time
from pathlib import Path

NAME, PORT = sys.argv[1], int(sys.argv[2])


class Slot(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        with Path(f"/run/slot-{NAME}.hits").open("a") as file:
            file.write(self.command + "\n")
        self.close_connection = True

    def echo(self) -> None:
        self.send_response(101)
        self.send_header("Upgrade", "echo")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        self.close_connection = True
        while data := self.rfile.readline():
            self.wfile.write(data)

    def do_GET(self) -> None:
        if self.path == "/echo":
            self.echo()
        elif self.path == "/drop" and NAME == "blue":
            self.hang_up()
        elif self.path == "/headers":
            self.answer(json.dumps({name.lower(): value for name, value in self.headers.items()}))
        else:
            time.sleep(0.02 if self.path == "/slow" else 0)
            self.answer(NAME)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.hang_up()

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


Server(("127.0.0.1", PORT), Slot).serve_forever()
