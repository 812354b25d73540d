"""The judgement of load.py, and its generator against a small server that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict

import load
import pytest
from load import Generator, Result, Sample

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


def sample(
    at: float = 0.0, *, code: int = 200, seconds: float = 0.01, error: str = "", url: str = "a"
) -> Sample:
    return Sample(at, url, seconds, code, error)


@pytest.mark.parametrize(
    "code, failed", [(200, False), (204, False), (301, True), (404, True), (503, True), (0, True)]
)
def test_only_2xx_is_a_success(code: int, failed: bool) -> None:
    assert sample(code=code).failed is failed


def test_an_error_fails_even_with_a_good_status() -> None:
    assert sample(code=200, error="cut after 3 bytes").failed


def test_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [load.percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert load.percentile([7.0], 0.5) == 7.0
    assert load.percentile([], 0.99) == 0.0


def test_summary_counts_codes_and_lists_the_first_errors() -> None:
    samples = [sample(float(n), code=503, url="b") for n in range(9, 1, -1)]
    samples += [sample(0.5, code=0, error="refused"), *[sample(1.0) for _ in range(11)]]
    result = load.summarise(samples, seconds=10.0, late=0.002)
    assert (result.sent, result.failed, result.rate, result.late) == (20, 9, 2.0, 2.0)
    assert result.codes == {"200": 11, "503": 8, "none": 1}
    assert result.failed_by_url == {"a": 1, "b": 8}
    assert result.errors[:2] == ["0.50 s: a: refused", "2.00 s: b: answered 503"]
    assert len(result.errors) == load.SHOWN_ERRORS


def test_nothing_sent_is_a_result_too() -> None:
    result = load.summarise([], seconds=0.0, late=0.0)
    assert (result.sent, result.failed, result.p99) == (0, 0, 0.0)


def test_result_survives_being_printed() -> None:
    result = load.summarise([sample(), sample(code=500)], 1.0, 0.0)
    assert Result.parse(json.dumps(asdict(result))) == result


@pytest.mark.parametrize(
    "head, body",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5", b"hell"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", b"5\r\nhello\r\n"),
    ],
)
def test_a_cut_answer_is_noticed(head: bytes, body: bytes) -> None:
    with pytest.raises(load.CutShort):
        load.check_complete(head, body)


@pytest.mark.parametrize(
    "head, body",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n"),
        (b"HTTP/1.0 200 OK", b"until the end"),
        (b"HTTP/1.1 204 No Content", b""),
    ],
)
def test_a_whole_answer_passes(head: bytes, body: bytes) -> None:
    load.check_complete(head, body)


def run_against(handler: Handler, *, timeout: float = 0.3) -> Result:
    """20 requests within 0.1 s."""
    handled: list[asyncio.Task[None]] = []

    async def scenario() -> Result:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            handled.append(asyncio.create_task(handler(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        urls = [f"http://127.0.0.1:{port}/x", f"http://127.0.0.1:{port}/y?z=1"]
        result = await Generator(urls, 200, timeout, "GET").run(0.1)
        server.close()
        await asyncio.gather(*handled)
        return result

    return asyncio.run(scenario())


def answering(answer: bytes, wait: float = 0.0) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(wait)
        writer.write(answer)
        writer.close()
        with contextlib.suppress(OSError):  # the load may have given up
            await writer.wait_closed()

    return handler


def test_a_healthy_server_has_no_failures() -> None:
    result = run_against(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    assert (result.sent, result.failed, result.codes) == (20, 0, {"200": 20})


def test_slow_answers_do_not_slow_the_load_and_are_waited_for() -> None:
    result = run_against(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", wait=0.2), timeout=2)
    assert (result.sent, result.failed) == (20, 0)
    assert result.p50 >= 200


def test_an_answer_after_the_timeout_is_a_failure() -> None:
    result = run_against(answering(b"HTTP/1.1 200 OK\r\n\r\n", wait=0.6))
    assert (result.sent, result.failed, result.codes) == (20, 20, {"none": 20})
    assert "no whole answer within 0.3 s" in result.errors[0]


def test_a_connection_closed_without_an_answer_is_a_failure() -> None:
    result = run_against(answering(b""))
    assert result.failed == 20
    assert "closed without an answer" in result.errors[0]


def test_a_refused_connection_is_a_failure() -> None:
    result = asyncio.run(Generator(["http://127.0.0.1:1/"], 100, 0.5, "GET").run(0.05))
    assert (result.sent, result.failed) == (5, 5)
    assert "ConnectionRefusedError" in result.errors[0]


def test_nonsense_instead_of_http_is_a_failure() -> None:
    assert run_against(answering(b"hello\r\n\r\n")).failed == 20
