# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the text of a calendar from a file or an http(s) address."""

from __future__ import annotations

from pathlib import Path

from ....module_utils._core.errors import BadInput, NoResponse, NotFound
from ....module_utils._core.urls import is_url, redact_url
from ...http.adapters.client import get
from ...http.model import HttpEndpoint

LIMIT = 8 * 1024 * 1024


def read_calendar(source: str, timeout: float) -> str:
    """The calendar text of a file or an address.

    :param timeout: seconds for all of it
    :raises NotFound: it is not there, too slow, too large, or no calendar
    """
    data = _from_url(source, timeout) if is_url(source) else _from_file(source)
    if len(data) > LIMIT:
        raise _unreadable(source, f"it is larger than {LIMIT // 1024 // 1024} MiB")
    text = data.decode("utf-8-sig", "replace")
    # A login page of a proxy is an answer too, but not the one that was asked for.
    if "BEGIN:VCALENDAR" not in text.upper():
        raise _unreadable(source, "the content is not a calendar")
    # What was cut off is a calendar with fewer freezes, and must not replace a good copy.
    if not text.rstrip().upper().endswith("END:VCALENDAR"):
        raise _unreadable(source, "the calendar has no end")
    return text


def _from_file(source: str) -> bytes:
    try:
        with Path(source).expanduser().open("rb") as stream:
            return stream.read(LIMIT + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(source, getattr(error, "strerror", None) or str(error)) from error
    except RuntimeError as error:
        raise _unreadable(source, str(error)) from error


def _from_url(source: str, timeout: float) -> bytes:
    if "@" in source.split("/", 3)[2]:
        raise BadInput(
            "the address of a calendar must not hold a name and password",
            where=redact_url(source),
            fix="Use an address that is secret by itself, from a vaulted variable, or a file of the controller.",
        )
    try:
        response = get(HttpEndpoint(source, timeout=timeout), LIMIT, redirects=True)
    except NoResponse as error:
        raise _unreadable(source, error.what) from error
    if response.status != 200:
        raise _unreadable(source, f"HTTP {response.status}")
    return response.body


def _unreadable(source: str, reason: str) -> NotFound:
    return NotFound(
        f"the calendar cannot be read: {reason}",
        where=redact_url(source),
        fix="Check that its source answers; max_age and on_error of the calendar decide what applies until then.",
    )
