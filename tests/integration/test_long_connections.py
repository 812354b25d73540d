"""Connections that last longer than a deploy takes, and the deadline until which they may."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest
from fleet import TOKEN, Fleet

pytestmark = pytest.mark.containers

#: Of the option drain_timeout of mas.ops.release, and of the example's own stop, in seconds.
DRAIN, GRACE = 30, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.fixture(scope="module")
def one() -> Iterator[Fleet]:
    """A host with a release in both slots."""
    run = f"long-{os.getpid()}"
    try:
        fleet = Fleet.up(run, 1)
        fleet.build("1.0.0", "2.0.0")
        fleet.build("2.1.0", "2.2.0", "2.3.0", like="2.0.0")
        fleet.provision().check()
        fleet.deploy("1.0.0").check()
        yield fleet
    finally:
        Fleet.remove(run)


class Websocket(threading.Thread):
    """A client that reads until the other side ends it; ``beats`` are (seconds since the start, message)."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(daemon=True)
        host = fleet.bed.host(fleet.names[0])
        address, _, port = host.endpoint(80).partition(":")
        self.began = time.monotonic()
        self.beats: list[tuple[float, dict[str, object]]] = []
        self.ended: tuple[float, bytes] | None = None
        self._line = socket.create_connection((address, int(port or 80)), timeout=120)
        self._stream = self._line.makefile("rb")
        self._line.sendall(
            f"GET /live HTTP/1.1\r\nHost: {host.name}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
        )
        head = b"".join(iter(self._stream.readline, b"\r\n"))
        assert head.startswith(b"HTTP/1.1 101 "), head
        self.start()

    def run(self) -> None:
        with self._line, self._stream:
            goodbye = self._listen()
            self.ended = (time.monotonic() - self.began, goodbye)

    def _listen(self) -> bytes:
        while len(head := self._stream.read(2)) == 2:
            payload = self._stream.read(head[1])
            if head[0] == 0x88:
                return payload
            self.beats.append((time.monotonic() - self.began, json.loads(payload)))
        return b"cut"

    def leave(self) -> None:
        self._line.shutdown(socket.SHUT_RDWR)
        self.join()


def in_background(url: str) -> tuple[threading.Thread, dict[str, object]]:
    """One request and what became of it: ``status`` and ``seconds``, or ``error``."""
    seen: dict[str, object] = {}

    def ask() -> None:
        begun = time.monotonic()
        try:
            with urllib.request.urlopen(url, timeout=90) as answer:
                seen.update(status=answer.status, body=json.load(answer))
        except OSError as error:
            seen.update(error=str(error))
        seen["seconds"] = time.monotonic() - begun

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread, seen


def test_a_websocket_outlives_a_deploy_and_is_closed_before_its_slot_is_needed(one: Fleet) -> None:
    """It stays with the slot that it began in, which is warm until the deploy after the next one fills it again."""
    socket_ = Websocket(one)
    one.deploy("2.0.0").check()
    time.sleep(3)
    assert socket_.ended is None
    assert socket_.beats[-1][0] > time.monotonic() - socket_.began - 3
    assert {message["version"] for _, message in socket_.beats} == {"1.0.0"}
    newer = Websocket(one)
    begun = time.monotonic() - socket_.began
    one.deploy("2.1.0").check()
    # 2.1.0 needs the slot of 1.0.0: whoever is still there gets the deadline, then a proper goodbye.
    assert socket_.ended is not None
    ended, goodbye = socket_.ended
    assert goodbye == (1001).to_bytes(2, "big")
    assert ended - begun >= DRAIN
    assert len(socket_.beats) >= int(ended) - 3
    assert newer.ended is None
    assert {message["version"] for _, message in newer.beats} == {"2.0.0"}
    newer.leave()


def test_a_request_of_20_seconds_outlives_the_deploy_that_needs_its_slot(one: Fleet) -> None:
    """Begun in the live slot; one deploy takes the traffic from it, and the next one the slot itself."""
    register(one, "patient")
    thread, seen = in_background(one.urls("/agents/patient/inbox?wait=20")[0])
    time.sleep(0.5)
    one.deploy("2.2.0").check()
    before = dict(seen)
    one.deploy("2.3.0").check()
    thread.join()
    assert not before, "the request was over before its slot was needed: nothing was tried"
    assert seen.get("status") == 200, seen
    assert 20 <= float(str(seen["seconds"])) < 20 + GRACE


def register(fleet: Fleet, name: str) -> None:
    request = urllib.request.Request(
        fleet.urls("/agents")[0],
        data=json.dumps({"name": name}).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status in (200, 201)
