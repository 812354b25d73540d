"""The wire: keep-alive, broken requests, warm-up, and a stop that loses nothing."""

from __future__ import annotations

import http.client
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents_bed import migrated, until


@pytest.fixture
def start(run: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    def started(**env: str) -> Any:
        migrated({"MAS_SHARED": str(tmp_path)}).close()
        return run("api", MAS_SHARED=str(tmp_path), **env)

    return started


def exchange(port: int, data: bytes) -> bytes:
    """Everything that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(data)
        with connection.makefile("rb") as answer:
            return answer.read()


BROKEN = [
    (b"GARBAGE\r\n\r\n", 400),
    (b"GET / HTTP/9\r\n\r\n", 400),
    (b"GET / HTTP/3.0\r\n\r\n", 505),
    (b"BREW /tasks HTTP/1.1\r\nHost: x\r\n\r\n", 501),
    (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
    (b"POST /tasks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
    (b"POST /tasks HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
    (b"POST /tasks HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
    (b"POST /tasks HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12", 400),
    (b"GET http://[x/ HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
]


def test_broken_requests_get_a_whole_json_response(start: Callable[..., Any]) -> None:
    process = start()
    for data, status in BROKEN:
        head, _, body = exchange(process.port, data).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), data[:40]
        assert b"\r\nConnection: close" in head, data[:40]
        assert body.startswith(b'{"error":"'), data[:40]
    assert not [line for line in process.lines if "crash" in line]


def test_requests_follow_each_other_on_one_connection(start: Callable[..., Any]) -> None:
    port = start().port
    one = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"HEAD /version HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = exchange(
        port, one + head + b"POST /nowhere HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + one + last
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert answer.count(b"HTTP/1.1 404") == 1
    assert answer.count(b'"name":"agents"') == 3
    assert b"Server: agents/1.0.0" in answer


def test_a_client_that_leaves_harms_no_other_client(
    start: Callable[..., Any], client: Callable[..., Any]
) -> None:
    process = start()
    for part in (b"", b"GET /tas", b"POST /tasks HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"):
        with socket.create_connection(("127.0.0.1", process.port)) as connection:
            connection.sendall(part)
    assert client(process.port).get("/tasks").status == 200
    process.signal(signal.SIGTERM)
    assert process.ended() == 0


def test_two_processes_cannot_have_one_port(start: Callable[..., Any], run: Callable[..., Any]) -> None:
    second = run("api", PORT=str(start().port))
    assert second.ended() == 1
    assert "event=cannot_listen" in second.said("cannot_listen")


def test_warm_up(start: Callable[..., Any], client: Callable[..., Any]) -> None:
    process = start(AGENTS_WARMUP="1.2")
    asked = client(process.port)
    health, normal, version = asked.get("/health"), asked.get("/tasks"), asked.get("/version")
    assert health.status == 503
    assert health.json["status"] == "warming up"
    assert 0 < health.json["seconds_left"] <= 1.2
    assert (normal.status, normal.headers["Retry-After"]) == (503, "1")
    assert version.status == 200
    begun = time.monotonic()
    while asked.get("/health").status == 503:
        assert time.monotonic() - begun < 10
        time.sleep(0.05)
    assert asked.get("/tasks").status == 200


class Load:
    """Clients that stop as soon as they learn that the connection ends; no request may go unanswered."""

    def __init__(self, port: int, clients: int) -> None:
        self.port = port
        self.answered: list[int] = []
        self.lost: list[str] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.connect()
        closing = False
        while not closing:
            try:
                connection.request("GET", "/tasks")
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as problem:
                self.lost.append(repr(problem))
                break
            self.answered.append(response.status)
            closing = response.getheader("Connection") == "close"
        connection.close()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


def test_a_stop_under_load_loses_no_request(start: Callable[..., Any]) -> None:
    process = start(AGENTS_LINGER="2")
    load = Load(process.port, clients=8)
    time.sleep(0.3)
    process.signal(signal.SIGTERM)
    assert process.ended() == 0
    load.join()
    assert load.lost == []
    assert len(load.answered) > 20
    assert set(load.answered) == {200}
    assert "complete=True" in process.said("event=stopped")


def test_a_stop_lets_what_is_in_flight_end(start: Callable[..., Any]) -> None:
    """A request of which the last byte comes after the signal is answered, and new connections are refused."""
    process = start()
    port = process.port
    with socket.create_connection(("127.0.0.1", port), timeout=20) as half:
        half.sendall(b"POST /tasks HTTP/1.1\r\nContent-Length: 15\r\n\r\n")
        time.sleep(0.2)
        process.signal(signal.SIGTERM)
        process.said("event=stopping")
        time.sleep(1)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        half.sendall(b'{"kind":"echo"}')
        with half.makefile("rb") as stream:
            answer = stream.read()
    assert answer.startswith(b"HTTP/1.1 201 Created\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert process.ended() == 0


def test_a_stop_still_answers_idle_connections_for_a_moment(
    start: Callable[..., Any], client: Callable[..., Any]
) -> None:
    process = start(AGENTS_LINGER="5")
    pooled, silent = client(process.port), client(process.port)
    assert {pooled.get("/tasks").status, silent.get("/tasks").status} == {200}
    process.signal(signal.SIGTERM)
    process.said("event=stopping")
    late = pooled.get("/health")
    assert (late.status, late.json["status"], late.headers["Connection"]) == (503, "stopping", "close")
    silent.close()
    begun = time.monotonic()
    assert process.ended() == 0
    assert time.monotonic() - begun < 4  # it does not sit the linger out when no client is left


def test_the_grace_ends_a_stop(start: Callable[..., Any]) -> None:
    process = start(AGENTS_GRACE="0.5", AGENTS_LINGER="0.1")
    with socket.create_connection(("127.0.0.1", process.port)) as stuck:
        stuck.sendall(b"POST /tasks HTTP/1.1\r\nContent-Length: 15\r\n\r\n")
        time.sleep(0.2)
        process.signal(signal.SIGTERM)
        assert process.ended() == 0
    assert "complete=False" in process.said("event=stopped")


def test_a_log_that_is_gone_hinders_nothing(start: Callable[..., Any], client: Callable[..., Any]) -> None:
    process = start(AGENTS_ACCESS_LOG="1")
    asked = client(process.port)
    process.lose_log()
    until(lambda: asked.get("/tasks").status and process.log_is_lost(), "the end of the log")
    assert [asked.get("/tasks").status for _ in range(3)] == [200] * 3
    process.signal(signal.SIGTERM)
    assert process.ended() == 0


def test_a_websocket_beats_and_is_closed_at_the_stop(start: Callable[..., Any]) -> None:
    process = start(MAS_SLOT="blue")
    with socket.create_connection(("127.0.0.1", process.port), timeout=20) as connection:
        connection.sendall(
            b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        stream = connection.makefile("rb")
        head = b"".join(iter(stream.readline, b"\r\n"))
        assert head.startswith(b"HTTP/1.1 101 ")
        # The pair of key and answer that RFC 6455 gives as its example.
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
        for beat in range(2):
            kind, length = stream.read(2)
            assert kind == 0x81
            assert stream.read(length) == b'{"beat": %d, "version": "1.0.0", "slot": "blue"}' % beat
        process.signal(signal.SIGTERM)
        rest = stream.read()
    assert rest.endswith(b"\x88\x02\x03\xe9")
    assert process.ended() == 0


def test_an_upgrade_elsewhere_is_an_ordinary_request(start: Callable[..., Any]) -> None:
    asked = b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUpgrade: %s\r\n\r\n"
    port = start().port
    assert exchange(port, asked % (b"/version", b"websocket")).startswith(b"HTTP/1.1 200 ")
    assert exchange(port, asked % (b"/live", b"h2c")).startswith(b"HTTP/1.1 404 ")
    assert exchange(port, asked % (b"/live", b"websocket")).startswith(b"HTTP/1.1 404 ")
