"""Versions of a small application that is particular about what it answers, for deploys that must not lie."""

from __future__ import annotations

import json
from pathlib import Path

from fleet import Fleet

PROGRAM = """\
import http.server
import json
import os
import pathlib

HERE = json.loads((pathlib.Path(__file__).parent / "says.json").read_text())


class Picky(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        known = self.headers.get("Host", "").partition(":")[0] in HERE["hosts"] or HERE["hosts"] == ["*"]
        status = 400 if not known else HERE["status"] if self.path in (HERE["health"], "/version") else 404
        body = json.dumps({"version": HERE["version"], "path": self.path, "pid": os.getpid()}).encode()
        body = b"" if status == 204 else body
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


Server(("127.0.0.1", int(os.environ["PORT"])), Picky).serve_forever()
"""

MAS = """\
name: agents
version: "{version}"
processes:
  api:
    kind: web
    command: {command}
    stop_signal: SIGTERM
    stop_grace: 2
health:
  path: {health}
  expected: {status}
  startup_budget: {budget}
  timeout: 2
"""


def build(  # one word for each thing that a version can be particular about
    fleet: Fleet,
    version: str,
    *,
    hosts: tuple[str, ...] = ("*",),
    health: str = "/health",
    status: int = 200,
    command: str = "python3 picky.py",
    budget: int = 4,
) -> None:
    """Make and build a version that answers ``status`` on ``health`` and on ``/version``, to these hosts only."""
    source: Path = fleet.bed.state / "picky" / version
    source.mkdir(parents=True, exist_ok=True)
    (source / "picky.py").write_text(PROGRAM)
    says = {"version": version, "hosts": list(hosts), "health": health, "status": status}
    (source / "says.json").write_text(json.dumps(says))
    (source / "mas.yml").write_text(
        MAS.format(version=version, health=health, status=status, command=command, budget=budget)
    )
    fleet.play("build", build_source=str(source), build_signing_key=str(fleet.key)).check()
