"""The slots' own ports: who answers, who listens."""

from __future__ import annotations

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.loopback import (
    Clock,
    healthy,
    port_taken,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import Health

HEALTH = Health("/health", 200, 5)


@contextmanager
def answering(answer: bytes, seen: list[bytes] | None = None) -> Iterator[int]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while (line := self.rfile.readline()).strip():
                if seen is not None:
                    seen.append(line)
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "answer, well",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.0 200\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False),
        (b"HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", False),
        (b"HTTP/1.1 503 Busy\r\n\r\n", False),
        (b"HTTP/1.1 abc OK\r\n\r\n", False),
        (b"SSH-2.0-OpenSSH\r\n", False),
        # As for the proxy's own checks, the status line says it.
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", True),
        (b"HTTP/1.1 2000 OK\r\n\r\n", False),
        (b"HTTP/2 200\r\n\r\n", False),
        (b"HTTP/1.1 200 " + b"x" * 100_000, False),
        (b"", False),
    ],
)
def test_health_is_the_expected_answer_and_nothing_else(answer: bytes, well: bool) -> None:
    with answering(answer) as port:
        assert healthy(port, HEALTH) is well


def test_what_is_asked() -> None:
    seen: list[bytes] = []
    with answering(b"HTTP/1.1 201 Made\r\n\r\n", seen) as port:
        assert healthy(port, Health("/a?b=%20c", 201, 5))
    assert seen[0] == b"GET /a?b=%20c HTTP/1.1\r\n"


def test_nobody_or_somebody_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not healthy(silent.getsockname()[1], HEALTH, timeout=0.1)
        port = silent.getsockname()[1]
    assert not healthy(port, HEALTH)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_port_is_taken_however_it_is_listened_on(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, 0), family=family, dualstack_ipv6=":" in address)
    except OSError:
        pytest.skip("no IPv6 here")
    with listener:
        port = listener.getsockname()[1]
        assert port_taken(port)
    assert not port_taken(port)


def test_a_port_is_free_while_old_connections_linger() -> None:
    """Else no slot could be used again within the minute after it was stopped."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            listener.accept()[0].close()  # the server's side closes first, and stays in TIME_WAIT
    assert not port_taken(port)


def test_the_clock() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", Clock.text())
    first = Clock.seconds()
    Clock.sleep(0.001)
    assert Clock.seconds() > first
