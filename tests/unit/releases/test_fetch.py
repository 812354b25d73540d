"""Bytes of an artifact on their way to a host: only the ones that were meant stay there."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import socket
import socketserver
import ssl
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    ArtifactError,
    BadInput,
    NotFound,
    OpsError,
    StorageError,
)
from ansible_collections.mas.ops.plugins.module_utils._core.urls import redact_url
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import download
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import fetch as module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.fetch import fetch, fetch_text
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.receive import Bounds, cause

BYTES = os.urandom(3 << 20)
DIGEST = hashlib.sha256(BYTES).hexdigest()
ServeAnswer = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[ServeAnswer]:
    """Give these bytes, whatever was asked for, and close; the URL of the server."""
    servers: list[socketserver.TCPServer] = []

    def start(answer: bytes) -> str:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while self.rfile.readline().strip():
                    pass
                with contextlib.suppress(OSError):  # who asked may have heard enough
                    self.wfile.write(answer)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/agents-1.0.0.tar.gz"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def http(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode() + body


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "incoming.tar.gz"


def test_a_file(tmp_path: Path, dest: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(BYTES)
    fetch(str(source), str(dest), DIGEST)
    assert dest.read_bytes() == BYTES


def test_a_url(serve: ServeAnswer, dest: Path) -> None:
    fetch(serve(http(BYTES)), str(dest), DIGEST)
    assert dest.read_bytes() == BYTES


@pytest.mark.parametrize(
    "answer, error, words",
    [
        (http(BYTES[:-1] + b"x"), ArtifactError, "sha256 is"),
        (http(b""), ArtifactError, "sha256 is"),
        (http(BYTES[:5000], length=len(BYTES)), OpsError, "sha256 is|reading the artifact failed"),
        (http(b"", "404 Not Found"), NotFound, r"there is no agents-1\.0\.0\.tar\.gz: HTTP 404"),
        (http(b"", "500 Oh"), NotFound, "HTTP 500"),
        (b"", NotFound, "cannot be reached"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", NotFound, "cannot be reached"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            NotFound,
            "reading the artifact failed",
        ),
    ],
)
def test_what_is_not_the_artifact_does_not_stay(
    serve: ServeAnswer, dest: Path, answer: bytes, error: type[OpsError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        fetch(serve(answer), str(dest), DIGEST)
    assert caught.value.fix
    assert not dest.exists()


def test_nothing_listens(dest: Path) -> None:
    with pytest.raises(NotFound, match=r"cannot be reached: connection refused"):
        fetch("http://127.0.0.1:9/agents.tar.gz", str(dest), DIGEST)


def test_a_server_that_hangs(monkeypatch: pytest.MonkeyPatch, dest: Path) -> None:
    monkeypatch.setattr(download, "_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(NotFound, match="cannot be reached: timed out"):
            fetch(url, str(dest), DIGEST)


@pytest.mark.parametrize("source", ["http://", "http:///x", "http://[/x", "http://a b/", "http://h:port/x"])
def test_what_is_no_url(dest: Path, source: str) -> None:
    with pytest.raises(NotFound):
        fetch(source, str(dest), DIGEST)


@pytest.mark.parametrize("kind", ["none", "folder", "link", "unreadable"])
def test_what_is_no_file(tmp_path: Path, dest: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link could be swapped under a run that reads as root."""
    source = tmp_path / "a"
    if kind == "folder":
        source.mkdir()
    elif kind == "link":
        (tmp_path / "b").write_bytes(BYTES)
        source.symlink_to(tmp_path / "b")
    elif kind == "unreadable":

        def denied(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(module.os, "open", denied)
    with pytest.raises(NotFound):
        fetch(str(source), str(dest), DIGEST)
    assert not dest.exists()


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(BYTES)
    with pytest.raises(StorageError):
        fetch(str(source), str(tmp_path / "none" / "dest"), DIGEST)


def test_secrets_of_a_url_are_redacted(serve: ServeAnswer, dest: Path) -> None:
    url = serve(http(b"", "403 Forbidden")) + "?X-Signature=hidden"
    with pytest.raises(NotFound) as caught:
        fetch(url, str(dest), DIGEST)
    assert "hidden" not in str(caught.value)
    with pytest.raises(BadInput, match="name and password") as refused:
        fetch(url.replace("http://", "http://user:hidden@"), str(dest), DIGEST)
    assert "hidden" not in str(refused.value)
    assert redact_url("/a/b?c") == "/a/b?c"


def test_text_beside_an_artifact(serve: ServeAnswer, tmp_path: Path) -> None:
    assert fetch_text(serve(http(b"text\xff"))) == "text\ufffd"
    assert fetch_text(serve(http(b"", "404 Not Found"))) is None
    assert fetch_text(str(tmp_path / "none")) is None
    assert len(fetch_text(serve(http(BYTES)), limit=10) or "") == 10


def test_a_store_that_fails_is_not_an_artifact_without_a_signature(serve: ServeAnswer) -> None:
    with pytest.raises(NotFound, match="HTTP 503"):
        fetch_text(serve(http(b"", "503 Busy")))


def dripping(head: bytes, drop: bytes, every: float) -> Callable[[socketserver.StreamRequestHandler], None]:
    """A store that sends a little now and then, for as long as it is listened to."""

    def handle(handler: socketserver.StreamRequestHandler) -> None:
        with contextlib.suppress(OSError):
            handler.wfile.write(head)
            while True:
                time.sleep(every)
                handler.wfile.write(drop)

    return handle


@pytest.fixture
def store() -> Iterator[Callable[[Callable[[socketserver.StreamRequestHandler], None]], str]]:
    """A store that does what it is given, after it has read a request; its URL."""
    servers: list[socketserver.TCPServer] = []

    def start(answer: Callable[[socketserver.StreamRequestHandler], None]) -> str:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while self.rfile.readline().strip():
                    pass
                answer(self)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/agents-1.0.0.tar.gz"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"
Store = Callable[[Callable[[socketserver.StreamRequestHandler], None]], str]


@pytest.mark.parametrize(
    "head, count",
    [(ENDLESS, "[1-9]"), (http(b"", length=1000), "[1-9]"), (b"HTTP/1.1 200 OK\r\n", "0"), (b"", "0")],
)
def test_a_store_that_is_slow_without_end_is_given_up_at_the_deadline(
    store: Store, dest: Path, head: bytes, count: str
) -> None:
    url, began = store(dripping(head, b"x", 0.1)), time.monotonic()
    with pytest.raises(NotFound, match=rf"did not arrive within 0\.8 seconds: {count} bytes were received"):
        fetch(url, str(dest), DIGEST, Bounds(seconds=0.8))
    assert time.monotonic() - began < 2
    assert not dest.exists()


def test_a_slow_file_beside_an_artifact_is_given_up_as_well(store: Store) -> None:
    with pytest.raises(NotFound, match=r"within 0\.5 seconds"):
        fetch_text(store(dripping(ENDLESS, b"", 0.1)), seconds=0.5)


class Stopped(OpsError):
    pass


@pytest.mark.parametrize("head", [ENDLESS, b""])
def test_a_fetch_is_ended_within_a_second_while_the_store_is_silent(
    store: Store, dest: Path, head: bytes
) -> None:
    begin, calls = time.monotonic(), []

    def interrupted() -> None:
        calls.append(time.monotonic())
        if time.monotonic() - begin > 1.5:
            raise Stopped("ended")

    with pytest.raises(Stopped):
        fetch(store(dripping(head, b"", 60)), str(dest), DIGEST, Bounds(interrupted=interrupted))
    assert max(later - earlier for earlier, later in itertools.pairwise(calls)) < 1
    assert time.monotonic() - begin < 3
    assert not dest.exists()


def counted(sent: list[int], head: bytes = ENDLESS) -> Callable[[socketserver.StreamRequestHandler], None]:
    """A store that sends much more than there is."""

    def handle(handler: socketserver.StreamRequestHandler) -> None:
        with contextlib.suppress(OSError):
            handler.wfile.write(head)
            while sum(sent) < 1 << 30:
                handler.wfile.write(BYTES)
                sent.append(len(BYTES))

    return handle


@pytest.mark.parametrize("bounds", [Bounds(size=21_000), Bounds(limit=21_000)])
@pytest.mark.parametrize("head", [ENDLESS, http(b"", length=1 << 31)])
def test_no_more_is_written_than_there_may_be(
    store: Store, tmp_path: Path, bounds: Bounds, head: bytes
) -> None:
    sent: list[int] = []
    with pytest.raises(ArtifactError, match="sends more than the artifact"):
        fetch(store(counted(sent, head)), str(tmp_path / "dest"), DIGEST, bounds)
    time.sleep(0.3)
    assert sum(sent) < 32 << 20, "it is not read to its end"
    assert list(tmp_path.iterdir()) == []


def test_one_byte_more_is_too_much_and_one_less_too_little(serve: ServeAnswer, dest: Path) -> None:
    url = serve(b"HTTP/1.1 200 OK\r\n\r\n" + BYTES)
    with pytest.raises(
        ArtifactError, match=f"at least {len(BYTES)} bytes, and the artifact has {len(BYTES) - 1}"
    ):
        fetch(url, str(dest), DIGEST, Bounds(size=len(BYTES) - 1))
    with pytest.raises(NotFound, match=f"ended after {len(BYTES)} of {len(BYTES) + 1} bytes"):
        fetch(url, str(dest), DIGEST, Bounds(size=len(BYTES) + 1))
    fetch(url, str(dest), DIGEST, Bounds(size=len(BYTES)))
    assert dest.read_bytes() == BYTES


def test_a_connection_that_ends_too_early_is_called_that(serve: ServeAnswer, dest: Path) -> None:
    with pytest.raises(NotFound, match="ended after 5000 of 9000 bytes"):
        fetch(serve(http(BYTES[:5000], length=9000)), str(dest), DIGEST)


@pytest.mark.parametrize("size", [len(BYTES), None])
def test_the_disk_is_not_filled(
    serve: ServeAnswer, dest: Path, monkeypatch: pytest.MonkeyPatch, size: int | None
) -> None:
    """What the journal and the ledger need stays free."""
    free = SimpleNamespace(f_bavail=5 << 20, f_frsize=1)
    monkeypatch.setattr(module.os, "statvfs", lambda _: free)
    with pytest.raises(StorageError, match="No space left"):
        fetch(serve(ENDLESS + BYTES), str(dest), DIGEST, Bounds(size=size))
    assert not dest.exists()


def test_no_other_user_can_read_what_comes(serve: ServeAnswer, dest: Path) -> None:
    fetch(serve(http(BYTES)), str(dest), DIGEST)
    assert dest.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_would_never_end_is_no_file(tmp_path: Path, dest: Path, kind: str) -> None:
    source = tmp_path / "a"
    os.mkfifo(source)
    with pytest.raises(NotFound, match="not a regular file"):
        fetch(str(source) if kind == "pipe" else "/dev/zero", str(dest), DIGEST)


@pytest.mark.parametrize(
    "error, words",
    [
        (TimeoutError(), "timed out"),
        (urllib.error.URLError(TimeoutError("_ssl.c: The handshake operation timed out")), "timed out"),
        (urllib.error.URLError(ConnectionRefusedError(111, "x")), "connection refused"),
        (urllib.error.URLError(socket.gaierror(-2, "Name or service not known")), "name cannot be resolved"),
        (urllib.error.URLError(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version")), "TLS: "),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (OSError(), "OSError"),
    ],
)
def test_the_cause_is_said(error: Exception, words: str) -> None:
    assert words in cause(error)


def test_a_store_that_speaks_no_tls(dest: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            line = plain.accept()[0]
            with line:
                line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                line.recv(4096)

        threading.Thread(target=answer).start()
        with pytest.raises(NotFound, match="cannot be reached: TLS: "):
            fetch(f"https://127.0.0.1:{plain.getsockname()[1]}/x", str(dest), DIGEST)
