"""Stands for an application: writes down what it can see and do, then serves HTTP until it is stopped."""

from __future__ import annotations

import http.server
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

SHARED = Path(os.environ["MAS_SHARED"])


def can(action: Callable[[], object]) -> str:
    try:
        action()
    except OSError as error:
        return error.strerror
    return "yes"


def status(field: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(field + ":"))


def writes(path: str) -> str:
    return can(lambda: Path(path).write_text("x"))


def reads(path: str) -> str:
    return can(lambda: Path(path).read_text())


seen = {
    "uid": os.getuid(),
    "folder": str(Path.cwd()),
    "environment": dict(os.environ),
    "writes": {
        path: writes(path)
        for path in (
            f"{SHARED}/kept",
            "/tmp/private",
            f"{SHARED.parent}/releases/x",
            f"{SHARED.parent}/slots/x",
            "manifest.json",
            "/etc/x",
            "/var/lib/x",
            "/usr/x",
            "/home/x",
            "/dev/shm/../x",
        )
    },
    "reads": {
        path: reads(path)
        for path in ("/etc/mas/agents/environment", "/var/lib/mas/agents/state.json", "/proc/1/environ")
    },
    "packets": can(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    "capabilities": status("CapBnd"),
    "no_new_privileges": status("NoNewPrivs"),
    "seccomp": status("Seccomp"),
}
server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler
)
(SHARED / "seen.json").write_text(json.dumps(seen))
print("serving", flush=True)
server.serve_forever()
