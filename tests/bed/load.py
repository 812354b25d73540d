#!/usr/bin/env python3
"""A constant load, and what its users saw of it.

    load.py --rate 100 --duration 10 http://10.89.0.10/ http://10.89.0.11/     (or until ctrl-C)

    with Load(urls, rate=100) as load:
        deploy()
    assert load.result.failed == 0

An open loop: request n leaves at n/rate seconds, whatever became of those before it, and its latency is
counted from that moment. Every request is a new connection and is never repeated, so each one shows what
a new user would have seen. The load generators of the field that work so (vegeta, k6) are not in Debian;
those that are (wrk, hey, siege) wait for answers before they send more, which hides an outage.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

SHOWN_ERRORS = 5
_SAID = 80
IN_FLIGHT = 4000  # below the limit of open files; a load that reaches it is not a load but a flood


def _good(code: int) -> bool:
    return 200 <= code < 300


@dataclass(frozen=True)
class Sample:
    """One request: when it left (seconds after the start), where to, and what came back."""

    at: float
    url: str
    seconds: float
    code: int = 0  # 0: no answer
    error: str = ""
    said: str = ""  # the begin of an answer that was no good: of the application, or of the proxy?

    @property
    def failed(self) -> bool:
        return bool(self.error) or not _good(self.code)

    @property
    def wrong(self) -> str:
        return self.error or f"answered {self.code}{f' ({self.said})' if self.said else ''}"


@dataclass(frozen=True)
class Result:
    """What the load saw. Latencies are in milliseconds and of all requests, failed ones too."""

    sent: int
    failed: int
    codes: dict[str, int]
    errors: list[str]
    failed_by_url: dict[str, int]
    seconds: float
    rate: float  # as achieved
    late: float  # ms; the most that this generator itself was behind its schedule
    p50: float
    p99: float
    slowest: float
    #: When the first request left, on the monotonic clock of the machine.
    began: float = 0.0
    #: Every failed request in the order of their starts: seconds after the first one, URL, what went wrong.
    lost: tuple[tuple[float, str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Result:
        values = json.loads(text)
        return cls(**{**values, "lost": tuple(map(tuple, values.get("lost", ())))})


def percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: a value that was really measured."""
    if not ordered:
        return 0.0
    rank = max(1, -(-len(ordered) * share // 1))
    return ordered[int(rank) - 1]


def describe(sample: Sample) -> str:
    return f"{sample.at:.2f} s: {sample.url}: {sample.wrong}"


def summarise(samples: Sequence[Sample], seconds: float, late: float, began: float = 0.0) -> Result:
    failed = sorted((s for s in samples if s.failed), key=lambda s: s.at)
    latencies = sorted(s.seconds * 1000 for s in samples)
    return Result(
        sent=len(samples),
        failed=len(failed),
        codes=dict(sorted(Counter(str(s.code) if s.code else "none" for s in samples).items())),
        errors=[describe(s) for s in failed[:SHOWN_ERRORS]],
        failed_by_url=dict(sorted(Counter(s.url for s in failed).items())),
        seconds=round(seconds, 3),
        rate=round(len(samples) / seconds, 2) if seconds else 0.0,
        late=round(late * 1000, 1),
        p50=round(percentile(latencies, 0.50), 2),
        p99=round(percentile(latencies, 0.99), 2),
        slowest=round(percentile(latencies, 1.0), 2),
        began=began,
        lost=tuple((s.at, s.url, s.wrong) for s in failed),
    )


class CutShort(Exception):
    """The answer began but did not end: what a user sees as a broken page."""


def check_complete(head: bytes, body: bytes) -> None:
    """Connection: close lets a cut answer look like a finished one; the headers distinguish them."""
    headers = dict(line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:] if b":" in line)
    length = headers.get(b"content-length", b"").strip()
    if length.isdigit() and len(body) < int(length):
        raise CutShort(f"cut after {len(body)} of {int(length)} bytes")
    if b"chunked" in headers.get(b"transfer-encoding", b"") and not body.endswith(b"0\r\n\r\n"):
        raise CutShort(f"cut after {len(body)} bytes")


async def fetch(url: str, method: str) -> tuple[int, str]:
    """One request on a connection of its own; the status code, and the begin of an answer that is no good."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (443 if secure else 80), ssl=secure or None, limit=2**20
    )
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        length = "" if method == "GET" else "Content-Length: 0\r\n"
        writer.write(
            f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: mas-bed-load\r\n"
            f"{length}Connection: close\r\n\r\n".encode()
        )
        answer = await reader.read(-1)
    finally:
        writer.transport.abort()  # close() would wait for a peer that may be gone
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        raise CutShort("closed without an answer" if not answer else "cut within the headers")
    check_complete(head, body)
    code = int(head.split(None, 2)[1])
    return code, "" if _good(code) else " ".join(body[:_SAID].decode(errors="replace").split())


class Generator:
    """Sends on schedule until it is stopped, then waits for what is still under way."""

    def __init__(self, urls: Sequence[str], rate: float, timeout: float, method: str) -> None:
        self.urls, self.rate, self.timeout, self.method = urls, rate, timeout, method
        self.samples: list[Sample] = []
        self.late = 0.0
        self.stopped = asyncio.Event()

    async def run(self, duration: float | None) -> Result:
        begin = time.monotonic()
        under_way: set[asyncio.Task[None]] = set()
        number = 0
        while duration is None or number < round(duration * self.rate):
            due = begin + number / self.rate
            if await self._stopped_before(due):
                break
            if len(under_way) < IN_FLIGHT:
                task = asyncio.create_task(self._send(self.urls[number % len(self.urls)], due, begin))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            else:
                self.samples.append(Sample(due - begin, "none", 0.0, 0, f"{IN_FLIGHT} under way already"))
            number += 1
        seconds = number / self.rate
        await asyncio.gather(*under_way)
        await asyncio.sleep(0)  # lets the last connections close
        return summarise(self.samples, seconds, self.late, begin)

    async def _stopped_before(self, due: float) -> bool:
        wait = due - time.monotonic()
        if wait > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopped.wait(), wait)
        else:
            await asyncio.sleep(0)  # behind schedule: still let answers in
        return self.stopped.is_set()

    async def _send(self, url: str, due: float, begin: float) -> None:
        code, error, said = 0, "", ""
        late = time.monotonic() - due
        self.late = max(self.late, late)
        try:
            code, said = await asyncio.wait_for(fetch(url, self.method), self.timeout - late)
        except TimeoutError:
            error = f"no whole answer within {self.timeout:g} s"
        except (OSError, CutShort, ValueError, IndexError) as caught:
            error = f"{type(caught).__name__}: {caught}"
        self.samples.append(Sample(due - begin, url, time.monotonic() - due, code, error, said))


async def generate(options: argparse.Namespace) -> Result:
    generator = Generator(options.url, options.rate, options.timeout, options.method)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, generator.stopped.set)
    if options.ready:
        Path(options.ready).touch()
    return await generator.run(options.duration)


class Load:
    """A load in the background, in a process of its own so that nothing else here slows it down."""

    def __init__(
        self, urls: Sequence[str], *, rate: float = 100, timeout: float = 5, method: str = "GET"
    ) -> None:
        if not urls:
            raise ValueError("a load needs at least one URL")
        self._arguments = [f"--rate={rate}", f"--timeout={timeout}", f"--method={method}", "--lost", *urls]
        self._timeout = timeout
        self._process: subprocess.Popen[str] | None = None
        self._result: Result | None = None

    @property
    def result(self) -> Result:
        if self._result is None:
            raise RuntimeError("the load has no result before it is stopped")
        return self._result

    def start(self) -> None:
        """Return when the first request is about to leave."""
        with tempfile.TemporaryDirectory() as folder:
            ready = Path(folder) / "ready"
            command = [sys.executable, str(Path(__file__).resolve()), "--ready", str(ready), *self._arguments]
            # A session of its own: ctrl-C in a test reaches the load only through stop().
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdout=pipe, text=True, start_new_session=True)
            end = time.monotonic() + 10
            while not ready.exists():
                if self._process.poll() is not None or time.monotonic() > end:
                    self._process.kill()
                    raise RuntimeError("the load did not start")
                time.sleep(0.01)

    def stop(self) -> Result:
        """Stop sending, wait for every answer that is still due, and report."""
        if self._process is None:
            raise RuntimeError("the load was not started")
        self._process.send_signal(signal.SIGINT)
        try:
            output, _ = self._process.communicate(timeout=self._timeout + 10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
        self._result = Result.parse(output)
        return self._result

    def __enter__(self) -> Load:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", nargs="+", help="taken in turn")
    parser.add_argument("--rate", type=float, default=100, help="requests a second, over all URLs (100)")
    parser.add_argument("--duration", type=float, help="seconds; without it, until SIGINT or SIGTERM")
    parser.add_argument("--timeout", type=float, default=5, help="seconds until a request has failed (5)")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--lost", action="store_true", help="list every failed request, not only the first")
    parser.add_argument("--ready", help=argparse.SUPPRESS)
    options: Any = parser.parse_args(argv)
    result = asyncio.run(generate(options))
    facts = asdict(result)
    if not options.lost:
        del facts["lost"]
    print(json.dumps(facts, indent=2))
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main())
