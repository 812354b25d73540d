"""Bytes of an artifact on their way to a host: only the ones that were meant stay there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    ArtifactError,
    BadInput,
    NotFound,
    OpsError,
    StorageError,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import download
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import fetch as module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.fetch import fetch, fetch_text, shown

BYTES = os.urandom(3 << 20)
DIGEST = hashlib.sha256(BYTES).hexdigest()
Answers = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Answers]:
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


def test_a_url(serve: Answers, dest: Path) -> None:
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
    serve: Answers, dest: Path, answer: bytes, error: type[OpsError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        fetch(serve(answer), str(dest), DIGEST)
    assert caught.value.fix
    assert not dest.exists()


def test_nobody_listens(dest: Path) -> None:
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


def test_secrets_of_a_url_are_not_told(serve: Answers, dest: Path) -> None:
    url = serve(http(b"", "403 Forbidden")) + "?X-Signature=hidden"
    with pytest.raises(NotFound) as caught:
        fetch(url, str(dest), DIGEST)
    assert "hidden" not in str(caught.value)
    with pytest.raises(BadInput, match="name and password") as refused:
        fetch(url.replace("http://", "http://user:hidden@"), str(dest), DIGEST)
    assert "hidden" not in str(refused.value)
    assert shown("/a/b?c") == "/a/b?c"


def test_text_beside_an_artifact(serve: Answers, tmp_path: Path) -> None:
    assert fetch_text(serve(http(b"text\xff"))) == "text\ufffd"
    assert fetch_text(serve(http(b"", "404 Not Found"))) is None
    assert fetch_text(str(tmp_path / "none")) is None
    assert len(fetch_text(serve(http(BYTES)), limit=10) or "") == 10


def test_a_store_that_fails_is_not_an_artifact_without_a_signature(serve: Answers) -> None:
    with pytest.raises(NotFound, match="HTTP 503"):
        fetch_text(serve(http(b"", "503 Busy")))
