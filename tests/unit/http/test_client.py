"""The HTTP client against a real server."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, NoResponse
from ansible_collections.mas.ops.plugins.plugin_utils.http.adapters.client import get
from ansible_collections.mas.ops.plugins.plugin_utils.http.model import HttpEndpoint

from ..http_server import Recorder, serving


def test_status_and_body(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    recorder.answer(b"\xff some text", 503)
    response = get(HttpEndpoint(url, (("X-Name", "value"),)))
    assert (response.status, response.text) == (503, "\ufffd some text")
    assert recorder.requests[0][2]["X-Name"] == "value"


def test_a_body_is_read_to_one_byte_more_than_the_limit(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    recorder.answer(b"x" * 100_000)
    assert len(get(HttpEndpoint(url), 10).body) == 11


@pytest.mark.parametrize("headers", [(), (("Authorization", "Bearer x"),)])
@pytest.mark.parametrize("wanted", [False, True])
def test_a_redirect_is_followed_on_request_and_never_with_headers(
    server: tuple[Recorder, str], wanted: bool, headers: tuple[tuple[str, str], ...]
) -> None:
    recorder, url = server
    with serving() as (other, elsewhere):
        recorder.answer(b"", 302)
        recorder.location = elsewhere
        response = get(HttpEndpoint(url, headers), redirects=wanted)
        assert len(other.requests) == (1 if wanted and not headers else 0)
        assert response.status == (200 if other.requests else 302)


def test_a_redirect_to_a_file_is_not_followed(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    recorder.answer(b"", 302)
    recorder.location = "file:///etc/passwd"
    assert get(HttpEndpoint(url), redirects=True).status == 302


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/etc/passwd", ""])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(BadInput, match="not an http"):
        get(HttpEndpoint(url))


@pytest.mark.parametrize("status", [200, 500])
def test_a_server_that_sends_a_byte_now_and_then(server: tuple[Recorder, str], status: int) -> None:
    recorder, url = server
    recorder.answer(b" " * 30, status)
    recorder.drip, begin = 0.1, time.monotonic()
    with pytest.raises(NoResponse, match="timed out"):
        get(HttpEndpoint(url, timeout=0.5))
    assert time.monotonic() - begin < 2


def test_headers_that_come_slowly() -> None:
    # Each byte comes before the socket's own time-out.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begin = time.monotonic()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                for byte in b"HTTP/1.0 200 OK\r\nX: " + b"y" * 60:
                    try:
                        connection.sendall(bytes([byte]))
                    except OSError:
                        return
                    time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        with pytest.raises(NoResponse, match="timed out"):
            get(HttpEndpoint(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.5))
        assert time.monotonic() - begin < 3


def test_a_server_that_is_not_one_of_http() -> None:
    with pytest.raises(NoResponse):
        get(HttpEndpoint("http://127.0.0.1:1/", timeout=2))
    with pytest.raises(NoResponse):
        get(HttpEndpoint("http://[not an address/", timeout=2))


def test_a_response_that_ends_early(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    recorder.missing = 5
    with pytest.raises(NoResponse, match="5 more expected"):
        get(HttpEndpoint(url))
