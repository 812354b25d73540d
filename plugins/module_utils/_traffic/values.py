# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of HAProxy's configuration: each kind of value is validated here, before it is rendered."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .._core.errors import BadInput
from .._core.names import NAME, NAME_WORDS, URL_PATH, URL_PATH_WORDS, excerpt

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_PATH = re.compile(r"/[0-9A-Za-z._@+=/-]{1,254}")
_STATUS = re.compile(r"[2-5][0-9]{2}")
_TIME = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
#: HAProxy counts milliseconds in 31 bits.
_LONGEST = 2**31 - 1
_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
#: Words that would end the section that a line is put into.
_SECTIONS = frozenset(
    {
        *(
            "acme",
            "backend",
            "cache",
            "crt-store",
            "defaults",
            "fcgi-app",
            "frontend",
            "global",
            "http-errors",
        ),
        *("listen", "log-forward", "log-profile", "mailers", "peers", "program", "resolvers", "ring"),
        *("traces", "userlist"),
    }
)


def _bad(field: str, expected: str, value: object) -> BadInput:
    return BadInput(
        f"{field} must be {expected}, not {excerpt(value)}", where=field, fix="Correct it in the inventory."
    )


def name(value: object, field: str) -> str:
    """An application: it names backends, files and variables."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise _bad(field, NAME_WORDS, value)
    return value


def host(value: object, field: str) -> str:
    """A host name in small letters, as a Host header has it without its port."""
    text = value.lower() if isinstance(value, str) else ""
    if not _HOST.fullmatch(text):
        raise _bad(field, "a host name such as shop.example.com", value)
    return text


def path(value: object, field: str) -> str:
    """An absolute path of a file, without spaces or quotes."""
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        raise _bad(field, "an absolute path of letters, digits and ._@+=-", value)
    return value


def url_path(value: object, field: str) -> str:
    """What a request asks for."""
    if not isinstance(value, str) or not URL_PATH.fullmatch(value):
        raise _bad(field, URL_PATH_WORDS, value)
    return value


def status(value: object, field: str) -> int:
    """The status of an answer, as a number or its digits."""
    if not isinstance(value, (int, str)) or not _STATUS.fullmatch(str(value)):
        raise _bad(field, "a status from 200 to 599", value)
    return int(value)


def port(value: object, field: str) -> int:
    try:
        number = int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else 0
    except ValueError:
        number = 0
    if not 1 <= number <= 65535:
        raise _bad(field, "a port from 1 to 65535", value)
    return number


def number(value: object, field: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _bad(field, f"a whole number from {low} to {high}", value)
    return value


def time(value: object, field: str) -> str:
    """A time as HAProxy writes it, with its unit: without one it would be milliseconds."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if not found or int(found[1]) * _MILLISECONDS[found[2]] > _LONGEST:
        raise _bad(field, "a time such as 500ms, 30s, 15m, 1h or 2d, of 24 days at most", value)
    return found[0]


def address(value: object, field: str) -> str:
    """What a frontend listens on: an address of the host, ``*`` for all of IPv4 or ``[::]`` for all."""
    text = value if isinstance(value, str) else ""
    import ipaddress  # noqa: PLC0415 - most phases of a release look at no address

    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        if text == "*":
            return text
        found = ipaddress.ip_address(bare)
        if "%" in text or (found.version == 6) != (bare != text):
            raise ValueError
    except ValueError:
        raise _bad(field, "an address such as 192.0.2.1 or [2001:db8::1], or *", value) from None
    return text


def socket(value: object, field: str) -> tuple[str, int]:
    """An address and a port."""
    text = value if isinstance(value, str) else ""
    where, found, port_ = text.rpartition(":")
    if not found:
        raise _bad(field, "an address and a port such as 127.0.0.1:8404", value)
    return address(where, field), port(port_, field)


def network(value: object, field: str) -> str:
    """Addresses from which something comes, in CIDR notation."""
    import ipaddress  # noqa: PLC0415 - as above

    try:
        if not isinstance(value, str) or "%" in value:
            raise ValueError
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise _bad(field, "a network such as 192.0.2.0/24", value) from None


def level(value: object, field: str) -> str:
    if value not in _LEVELS:
        raise _bad(field, f"one of {', '.join(_LEVELS)}", value)
    return str(value)


def lines(value: object, field: str) -> tuple[str, ...]:
    """Lines in HAProxy's own words, which stay within the section that they are put into."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _bad(field, "a list of lines", value)
    for line in value:
        if not isinstance(line, str) or any(ord(char) < 32 or ord(char) == 127 for char in line):
            raise _bad(field, "lines without line breaks or other control characters", line)
        if any(0xD800 <= ord(char) < 0xE000 for char in line):
            raise _bad(field, "lines that are valid UTF-8", line)
        # HAProxy takes quotes and backslashes away before it looks at a word.
        first = re.sub(r"[\"'\\]", "", line.strip()).split(" ", 1)[0]
        if first in _SECTIONS or first.startswith((".", "$")):
            raise _bad(field, "lines of the section itself that do not begin another one", line)
    return tuple(line.strip() for line in value)
