"""A socket that systemd holds: what comes while the process is away waits for the next one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from agents_bed import Client, migrated

#: As systemd starts it: the socket is file 3, and LISTEN_PID says whose it is.
START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-B", "-m", "agents.api"])
"""


def test_a_request_between_two_processes_is_answered(source: Callable[..., Path], tmp_path: Path) -> None:
    migrated({"MAS_SHARED": str(tmp_path)}).close()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [sys.executable, "-c", START, str(listener.fileno())],
                cwd=source("1.0.0"),
                env={**os.environ, "MAS_SHARED": str(tmp_path), "PORT": "1"},
                pass_fds=[listener.fileno()],
            )

        first = start()
        client = Client(port)
        assert client.get("/version").status == 200
        client.close()
        first.send_signal(signal.SIGKILL)
        first.wait()
        with socket.create_connection(("127.0.0.1", port), timeout=20) as waiting:
            waiting.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            second = start()
            assert waiting.recv(100).startswith(b"HTTP/1.1 200")
        second.terminate()
        assert second.wait(20) == 0


def test_a_socket_for_another_process_is_not_taken(source: Callable[..., Path], tmp_path: Path) -> None:
    script = "import os; from agents.server import inherited; print(inherited(os.environ))"
    env = {**os.environ, "LISTEN_PID": "1", "LISTEN_FDS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=source("1.0.0"),
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "None\n"
