# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calendars of an inventory: parses ``change_calendars``, reads the sources, and keeps copies for a while."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ....module_utils._core.errors import BadInput, NotFound, OpsError
from ....module_utils._core.files import write_atomic
from ....module_utils._core.urls import is_url, redact_url
from ..events import CalendarText
from ..fields import Entry, seconds
from ..model import Kind
from ..parse import SCOPES, parse_scope
from .download import read_calendar

KEYS = (
    *("source", "name", "kind", "zone", "timeout", "cache", "max_age", "on_error"),
    *(*SCOPES, "reason", "owner"),
)
ON_ERROR = ("freeze", "fail", "ignore")
TIMEOUT = 10
#: For so many seconds a copy stands in for the source: the hosts of one play should not all ask for it.
CACHE = 60


@dataclass(frozen=True)
class Source:
    """One calendar of ``change_calendars``; lengths of time in seconds."""

    source: str
    text: CalendarText
    timeout: int = TIMEOUT
    cache: int = CACHE
    max_age: int = 0
    on_error: str = "freeze"


def parse_sources(data: Any) -> tuple[Source, ...]:
    """:raises BadInput: which calendar is wrong, and what to write"""
    if data is None:
        return ()
    if isinstance(data, (str, bytes)) or not isinstance(data, Sequence):
        raise BadInput(
            "change_calendars must be a list",
            where="change_calendars",
            fix="Write a list of mappings with source.",
        )
    return tuple(
        _source(Entry.of(item, f"change_calendars[{place}]", KEYS)) for place, item in enumerate(data)
    )


def _source(entry: Entry) -> Source:
    source = entry.text("source")
    if not source:
        raise entry.bad("it has no source", "Give it the path or the http(s) address of an .ics file.")
    kind, on_error = entry.text("kind", "freeze"), entry.text("on_error", "freeze")
    if kind not in {"window", "freeze"}:
        raise entry.bad(f"kind is {kind!r}", "Write kind: freeze or kind: window.")
    if on_error not in ON_ERROR:
        raise entry.bad(f"on_error is {on_error!r}", f"Use one of {', '.join(ON_ERROR)}.")
    text = CalendarText(
        name=entry.text("name") or PurePosixPath(redact_url(source)).name,
        kind=Kind(kind),
        zone=entry.zone("UTC") if entry.has("zone") else "",
        scope=parse_scope(entry),
        reason=entry.text("reason"),
        owner=entry.text("owner"),
    )
    lengths = {
        name: _seconds(entry, name, default)
        for name, default in (("timeout", TIMEOUT), ("cache", CACHE), ("max_age", 0))
    }
    return Source(source, text, on_error=on_error, **lengths)


def _seconds(entry: Entry, key: str, default: int) -> int:
    found = seconds(entry.data.get(key, default))
    if found is None or (key == "timeout" and found == 0):
        raise entry.bad(f"{key} {entry.data[key]!r} is not a duration", 'Write it as "24h" or in seconds.')
    return found


def read_sources(sources: Sequence[Source], folder: Path | None = None) -> tuple[CalendarText, ...]:
    """The texts; a calendar that may be ignored and cannot be read is left out.

    :param folder: of the copies
    :raises NotFound: one cannot be read, and its ``on_error`` is ``fail``
    """
    found = (_read(source, folder or cache_folder()) for source in sources)
    return tuple(text for text in found if text is not None)


def _read(source: Source, folder: Path) -> CalendarText | None:
    try:
        return replace(source.text, text=text_of(source, folder))
    except NotFound as error:
        if source.on_error == "fail":
            raise
        if source.on_error == "ignore":
            return None
        return replace(source.text, problem=f"{error.what}: {error.where}")


def text_of(source: Source, folder: Path) -> str:
    """The text of the source, or of its copy while that is young enough.

    :raises NotFound: neither can be read
    """
    if not is_url(source.source):
        return read_calendar(source.source, source.timeout)
    copy = folder / f"{hashlib.sha256(source.source.encode()).hexdigest()}.ics"
    text = _cached(copy, source.cache)
    if text is not None:
        return text
    try:
        text = read_calendar(source.source, source.timeout)
    except NotFound:
        text = _cached(copy, source.max_age)
        if text is None:
            raise
        return text
    # Without a copy the next run asks again, that is all.
    with contextlib.suppress(OSError, OpsError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(str(copy), text.encode(), 0o600)
    return text


def _cached(copy: Path, age: int) -> str | None:
    try:
        if 0 <= time.time() - copy.stat().st_mtime <= age:
            return copy.read_text("utf-8")
    except (OSError, ValueError):
        pass
    return None


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where copies are kept: below the cache of the user who runs Ansible."""
    given = (os.environ if environment is None else environment).get("XDG_CACHE_HOME", "")
    return (Path(given) if given else Path("~/.cache").expanduser()) / "mas.ops/calendars"
