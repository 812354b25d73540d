"""The slots' own ports and the front door: who answers, and what is said when there is no answer."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.clock import HostClock
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.listeners import port_taken
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.probe import ask
from ansible_collections.mas.ops.plugins.module_utils._releases.health import (
    Endpoint,
    HealthCheck,
    check_of,
    slot_endpoint,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import Health

CHECK = HealthCheck("/health", "shop.example.com", 200, 0.5)


def healthy(port: int, check: HealthCheck = CHECK) -> bool:
    return ask(slot_endpoint(port), check).meets(check)


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
        assert healthy(port) is well


@pytest.mark.parametrize(
    "head, server",
    [
        (b"X-Mas-Server: shop/blue\r\n", "shop/blue"),
        (b"Content-Security-Policy: " + b"x" * 15000 + b"\r\nx-mas-server:shop/green\r\n", "shop/green"),
        (b"X-Other: X-Mas-Server: shop/blue\r\n", ""),
        (b"", ""),
    ],
)
def test_who_answered_is_in_the_headers_wherever(head: bytes, server: str) -> None:
    """The proxy adds it after all others; in the body it would be the application's own word."""
    check, seen = replace(CHECK, by_whom=True), list[bytes]()
    body = b"\r\nX-Mas-Server: mallory\r\n"
    with answering(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body, seen) as port:
        answer = ask(slot_endpoint(port), check)
    assert answer.meets(check)
    assert answer.server == server
    assert b"X-Mas-Ask-Server: yes\r\n" in seen


def test_what_is_asked() -> None:
    """The Host header is the one of the inventory, and the same for all three kinds of checks."""
    seen: list[bytes] = []
    check = check_of(Health("/a?b=%20c", 201, 5, 3), "shop.example.com")
    with answering(b"HTTP/1.1 201 Made\r\n\r\n", seen) as port:
        assert healthy(port, check)
    assert seen[:2] == [b"GET /a?b=%20c HTTP/1.1\r\n", b"Host: shop.example.com\r\n"]
    assert check.timeout == 3


@pytest.mark.parametrize(
    "answer, says",
    [
        (b"HTTP/1.1 400 Bad\r\nX: y\r\n\r\n<h1>Bad\x1b[31m  Request\n(400)</h1>",
         'it answered 400: "<h1>Bad [31m Request (400)</h1>"'),
        (b"HTTP/1.1 503 Busy\r\n\r\n" + b"x" * 1000, f'it answered 503: "{"x" * 80}"'),
        (b"HTTP/1.1 204 None\r\n\r\n", "it answered 204"),
        (b"SSH-2.0-OpenSSH\r\n", 'it does not speak HTTP: "SSH-2.0-OpenSSH"'),
        (b"\x15\x03\x01\x00\x02\x02\x46", "it speaks TLS there, and the proxy speaks HTTP to it"),
        (b"", "it closed the connection without an answer"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_said(answer: bytes, says: str) -> None:
    with answering(answer) as port:
        assert str(ask(slot_endpoint(port), CHECK)) == says


@pytest.mark.parametrize(
    "answer, says",
    [
        (b"HTTP/1.1 500 No\r\n\r\npostgres://u:s3cret-word@db", 'it answered 500: "postgres://u:***@db"'),
        (b"HTTP/1.1 500 No\r\n\r\n" + b"x" * 75 + b"s3cret-word", f'it answered 500: "{"x" * 75}***"'),
        (b"s3cret-word?", 'it does not speak HTTP: "***?"'),
    ],
)
def test_what_an_application_answers_is_shown_without_its_secrets(answer: bytes, says: str) -> None:
    with answering(answer) as port:
        assert ask(slot_endpoint(port), CHECK).describe(["s3cret-word"]) == says


def test_nothing_listens_or_it_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert str(ask(slot_endpoint(port), CHECK)) == "no answer within 0.5 s"
    assert str(ask(slot_endpoint(port), CHECK)) == f"nothing listens on 127.0.0.1:{port}"


def test_the_wrong_address_family() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with listener:
        said = str(ask(slot_endpoint(listener.getsockname()[1]), CHECK))
    assert said == "it listens on ::1 and not on 127.0.0.1: the wrong address family"


def test_an_answer_that_never_ends_has_its_deadline() -> None:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.sendall(b"HTTP/1.1 500 Slow\r\n\r\n")
                while True:
                    self.request.sendall(b"x")
                    time.sleep(0.05)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        began = time.monotonic()
        assert ask(slot_endpoint(server.server_address[1]), CHECK).status == 500
        assert time.monotonic() - began < 1
        server.shutdown()
        thread.join()


def test_a_front_door_with_tls(tmp_path: Path) -> None:
    """Whatever its certificate is; the name of the host is said in the handshake."""
    pair = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "chain")]
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=example.org"]
    subprocess.run(["openssl", "req", *kind, *pair], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain", tmp_path / "key")
    names: list[str | None] = []
    context.sni_callback = lambda _line, name, _context: names.append(name)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert ask(Endpoint("127.0.0.1", server.server_address[1], tls=True), CHECK).status == 200
        thread.join()
    assert names == ["shop.example.com"]


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
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", HostClock.text())
    first = HostClock.seconds()
    HostClock.sleep(0.001)
    assert HostClock.seconds() > first
