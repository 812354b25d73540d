"""Versions of a small application that are good, or bad in one way each, for tests of what a deploy's success means.

Every variant answers `/version` with its own version, and is its own source folder with a mas.yml. What is wrong with a
bad one is the kind of thing that a release can bring along unseen: another Host, another port, a slow or a dying process.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Seconds that a variant may take to start.
BUDGET = 6
_PROGRAM = '''\
"""One version of the application; what it does is in settings.json beside it."""

import json
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "settings.json"), encoding="utf-8") as stream:
    SETTINGS = json.load(stream)
BEGAN = time.monotonic()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        status, body = 404, {}
        if path == "/version":
            status, body = 200, {"version": SETTINGS["version"]}
        elif path == SETTINGS["health_path"]:
            status, body = self.health(), {"status": "ok"}
        host = (self.headers.get("Host") or "").partition(":")[0]
        if SETTINGS["hosts"] and host not in SETTINGS["hosts"]:
            status, body = 400, {"error": "bad host"}
        if SETTINGS["agents"] and not any(name in (self.headers.get("User-Agent") or "") for name in SETTINGS["agents"]):
            status, body = 503, {"error": "not for you"}
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def health(self):
        if SETTINGS["unwell_after"] is not None and time.monotonic() - BEGAN > SETTINGS["unwell_after"]:
            return 500
        return SETTINGS["health_status"]

    def log_message(self, *words):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Server6(Server):
    address_family = socket.AF_INET6


def main():
    if SETTINGS["dies_after"] is not None:
        threading.Timer(SETTINGS["dies_after"], lambda: os._exit(SETTINGS["dies_with"])).start()
    time.sleep(SETTINGS["warmup"])
    port = int(os.environ["PORT"]) + SETTINGS["port_offset"]
    if SETTINGS["ipv6"]:
        Server6(("::1", port), Handler).serve_forever()
    else:
        Server(("127.0.0.1", port), Handler).serve_forever()


def work():
    if SETTINGS["worker_dies"] is not None:
        sys.exit(SETTINGS["worker_dies"])
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    work() if sys.argv[1:] == ["work"] else main()
'''
_DEFAULTS: Mapping[str, Any] = {
    "health_path": "/health",
    "health_status": 200,
    "hosts": [],
    "agents": [],
    "unwell_after": None,
    "dies_after": None,
    "dies_with": 1,
    "warmup": 0.0,
    "port_offset": 0,
    "ipv6": False,
    "worker_dies": None,
}


@dataclass(frozen=True)
class Variant:
    """
    :param good: whether a deploy of it must end well
    :param settings: what differs from a good version with one worker
    :param expected: the health status that its mas.yml names
    :param workers: the names of its workers
    :param more: further fields of mas.yml
    """

    name: str
    good: bool
    settings: Mapping[str, Any] = field(default_factory=dict)
    expected: int = 200
    workers: tuple[str, ...] = ("worker",)
    web: str = "api"
    command: str = "python3 app.py"
    more: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path, application: str, version: str) -> None:
        """Make the source folder of this variant under a version of its own."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        settings = {**_DEFAULTS, **self.settings, "version": version}
        (folder / "settings.json").write_text(json.dumps(settings, indent=2))
        (folder / "app.py").write_text(_PROGRAM)
        # JSON is YAML, so nothing has to be quoted by hand.
        (folder / "mas.yml").write_text(
            json.dumps(self._description(application, version, settings), indent=2)
        )

    def _description(self, application: str, version: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        workers = {
            name: {
                "kind": "worker",
                "command": "python3 app.py work",
                "stop_signal": "SIGTERM",
                "stop_grace": 2,
            }
            for name in self.workers
        }
        web = {"kind": "web", "command": self.command, "stop_signal": "SIGTERM", "stop_grace": 2}
        return {
            "name": application,
            "version": version,
            "processes": {self.web: web, **workers},
            "health": {"path": settings["health_path"], "expected": self.expected, "startup_budget": BUDGET},
            **self.more,
        }


VARIANTS = (
    Variant("plain", good=True),
    Variant("another health path", good=True, settings={"health_path": "/ready"}),
    Variant("another health status", good=True, settings={"health_status": 204}, expected=204),
    Variant("no worker", good=True, workers=()),
    Variant("two workers", good=True, workers=("mailer", "worker")),
    Variant("the web process renamed", good=True, web="site"),
    Variant("slow, within its budget", good=True, settings={"warmup": 3.0}),
    Variant("unwell", good=False, settings={"health_status": 500}),
    Variant("another status than promised", good=False, settings={"health_status": 204}),
    Variant("loopback is the only Host", good=False, settings={"hosts": ["127.0.0.1", "localhost"]}),
    Variant("a Host that users do not send", good=False, settings={"hosts": ["internal.example.org"]}),
    Variant("well for our probe only", good=False, settings={"agents": ["mas.ops"]}),
    Variant("another port", good=False, settings={"port_offset": 1000}),
    Variant("IPv6 only", good=False, settings={"ipv6": True}),
    Variant("too slow", good=False, settings={"warmup": BUDGET + 30.0}),
    Variant("dies at its start", good=False, settings={"dies_after": 0.0, "warmup": 30.0}),
    Variant("dies soon, again and again", good=False, settings={"dies_after": 0.4}),
    Variant("ends well, again and again", good=False, settings={"dies_after": 0.4, "dies_with": 0}),
    Variant("unwell after a moment", good=False, settings={"unwell_after": 0.2}),
    Variant("a worker that fails", good=False, settings={"worker_dies": 1}),
    Variant("a worker that ends", good=False, settings={"worker_dies": 0}),
    Variant("no such program", good=False, command="no-such-program --serve"),
    Variant("a secret that is not set", good=False, more={"secrets": ["NO_SUCH_SECRET"]}),
    Variant(
        "a migration that fails",
        good=False,
        more={"migrations": {"expand": "python3 -c 'raise SystemExit(3)'"}},
    ),
)
