# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one check of an application's health: what is asked, and what counts as well. Pure text.

The request to a slot's own port, the proxy's checks and the request through the front door are all made from it. A
release that answers one of them and not the others would be live for us and down for its users.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .._traffic.settings import ASK_SERVER, SERVER
from . import redact
from .manifest import Health

_LOOPBACK = "127.0.0.1"
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?\r?\n")
#: A handshake or an alert: the other side speaks TLS.
_TLS = (b"\x15\x03", b"\x16\x03")
#: Written by the proxy, in place of what the application may say under this name.
_SERVER = re.compile(rb"\r\n" + SERVER.encode() + rb": *([^\r\n]*)", re.IGNORECASE)
#: How much of an unexpected answer an error shows.
_SHOWN = 80


@dataclass(frozen=True)
class HealthCheck:
    """``GET path`` with this Host header is answered with ``expected`` within ``timeout`` seconds."""

    path: str
    host: str
    expected: int
    timeout: float = 2.0
    #: Ask the proxy which server answers: another backend, or a rule of the frontend, may give the expected status too.
    by_whom: bool = False

    @property
    def request(self) -> bytes:
        """The bytes of the request."""
        asks = f"{ASK_SERVER}: yes\r\n" if self.by_whom else ""
        head = f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\nUser-Agent: mas.ops\r\n{asks}Connection: close\r\n\r\n"
        return head.encode("ascii")


def check_of(health: Health, host: str) -> HealthCheck:
    """The check that a manifest describes, with the Host header of the inventory."""
    return HealthCheck(health.path, host, health.expected, float(health.timeout))


@dataclass(frozen=True)
class Endpoint:
    """Where a request goes: an address of this host, and whether it speaks TLS there."""

    address: str
    port: int
    tls: bool = False

    @property
    def url(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if self.tls else 'http'}://{address}:{self.port}"


def slot_endpoint(port: int) -> Endpoint:
    """Where the proxy reaches a slot."""
    return Endpoint(_LOOPBACK, port)


@dataclass(frozen=True)
class HttpAnswer:
    """What came back. ``problem`` says in words why there is no ``status``; ``body`` is all that was read of foreign text.

    ``server`` is the server that answered according to the proxy, ``None`` until all headers were read.
    """

    status: int | None = None
    problem: str = ""
    body: str = ""
    server: str | None = None

    def meets(self, check: HealthCheck) -> bool:
        return self.status == check.expected

    def __str__(self) -> str:
        return self.describe()

    def describe(self, secrets: Iterable[str] = ()) -> str:
        """In words, with the first ones of what came.

        :param secrets: what is not shown: an application may answer with its settings, and errors are kept for ever
        """
        # Before it is shortened: the beginning of a secret is none that would be found.
        body = printable(redact.hide(self.body, secrets).encode())
        what = self.problem if self.status is None else f"it answered {self.status}"
        return f'{what}: "{body}"' if body else what


def parse_answer(data: bytes) -> HttpAnswer:
    """The bytes of an answer, or of as much as came of it."""
    found = _STATUS.match(data)
    if found:
        head, end, body = data.partition(b"\r\n\r\n")
        named = _SERVER.search(head)
        server = printable(named[1]) if named else ""
        return HttpAnswer(int(found[1]), body=body.decode(errors="replace"), server=server if end else None)
    if data.startswith(_TLS):
        return HttpAnswer(problem="it speaks TLS there, and the proxy speaks HTTP to it")
    if not data:
        return HttpAnswer(problem="it closed the connection without an answer")
    return HttpAnswer(problem="it does not speak HTTP", body=data.decode(errors="replace"))


def printable(data: bytes, width: int = _SHOWN) -> str:
    """The first words of foreign bytes, on one line of at most ``width`` characters and harmless in a terminal."""
    text = data[: 4 * width].decode("ascii", errors="replace")
    words = "".join(char if " " <= char <= "~" else " " for char in text).split()
    return " ".join(words)[:width]
