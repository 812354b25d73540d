# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the report: reads the files that exist, plans, and writes only what differs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ....module_utils._core.errors import BadInput, StorageError
from ....module_utils._core.files import storage_errors, write_atomic
from ....module_utils._core.plan import Plan, Step
from ....module_utils._ledger.changes import format_time
from .. import archive, hosts
from ..hosts import Host
from ..model import Model
from ..model import build as build_model
from ..page import page
from . import html
from .painter import Charts

#: The archive holds what hosts said about people and errors.
_PRIVATE = 0o640
#: Bytes in which a page says what it is.
_HEAD = 512


@dataclass(frozen=True)
class Request:
    """What was asked for.

    :param archive: ``None`` when no copies are wanted
    :param application: empty for all
    :param now: the time of the clock
    :param zone: of all times of the page
    """

    ledgers: Mapping[str, Any]
    window_states: Mapping[str, Any]
    window_calendars: Mapping[str, Any]
    path: Path
    archive: Path | None
    application: str
    title: str
    at: str | None
    days: int
    now: datetime
    zone: str


@dataclass(frozen=True)
class WantedFile:
    """One file as it should be."""

    path: Path
    data: bytes
    mode: int

    def differs(self) -> bool:
        return _read(self.path) != self.data


def build(request: Request, check_mode: bool) -> tuple[Plan, dict[str, Any]]:
    """The page, and the copies of the ledgers, written unless ``check_mode`` is on.

    :raises OpsError: what was handed in is not what the modules return, or the page would replace something else
    :raises StorageError: a file cannot be read or written
    """
    _refuse_to_replace(request.path)
    known = hosts.parse(request.ledgers, request.window_states, request.window_calendars)
    archived = [_archived(host, request.archive) for host in known] if request.archive else []
    if archived:
        known = tuple(host for host, dummy in archived)
    selected = tuple(host.for_application(request.application) for host in known)
    model = build_model(selected, request.at, request.days, request.now, request.zone)
    data = html.render(page(model, request.title, Charts()))
    wanted = [WantedFile(request.path, data, 0o644), *(each for dummy, each in archived if each)]
    plan = _plan(wanted)
    if not check_mode:
        for each in wanted:
            if each.differs():
                _write(each)
    return plan, _facts(model, request, data)


def _refuse_to_replace(path: Path) -> None:
    """
    :raises BadInput: there is a file that is no page
    """
    found = _read(path)
    if found and b"<!doctype html" not in found[:_HEAD].lower():
        raise BadInput(
            "the file there is not a report, and was not replaced",
            where=str(path),
            fix="Choose another path for the report, or move the file away.",
        )


def _archived(host: Host, folder: Path | None) -> tuple[Host, WantedFile | None]:
    """The host with what is wrong with its copy, and the copy as it should be."""
    if folder is None or host.problem:
        return host, None
    lines = archive.lines_of(host.entries)
    copies = sorted(folder.glob(archive.pattern_of(host)))
    if not lines:
        old = tuple(line for copy in copies for line in _lines(copy))
        return replace(host, archive=archive.emptied(old, host)), None
    path = folder / archive.file_of(host)
    moved = archive.moved(host, (copy.parent.name for copy in copies))
    if moved:
        return replace(host, archive=moved), None
    merged = archive.merge(_lines(path), lines)
    wanted = WantedFile(path, b"".join(line + b"\n" for line in merged.lines), _PRIVATE)
    # A copy that the host contradicts is evidence: it stays as it is.
    return replace(host, archive=merged.problem), None if merged.problem else wanted


def _lines(path: Path) -> tuple[bytes, ...]:
    return tuple((_read(path) or b"").split(b"\n")[:-1])


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(
            f"cannot read: {error.strerror}", where=str(path), fix="Give a path that is a file, and readable."
        ) from error


def _write(wanted: WantedFile) -> None:
    with storage_errors(str(wanted.path)):
        wanted.path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(str(wanted.path), wanted.data, wanted.mode)


def _plan(wanted: list[WantedFile]) -> Plan:
    before = {str(each.path): _digest(_read(each.path)) for each in wanted}
    after = {str(each.path): _digest(each.data) for each in wanted}
    steps = tuple(Step("write", path) for path in after if after[path] != before[path])
    return Plan(before, after, steps)


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _facts(model: Model, request: Request, data: bytes) -> dict[str, Any]:
    return {
        "path": str(request.path),
        "size": len(data),
        "sha256": _digest(data),
        "at": format_time(model.at) if model.at else None,
        "dora": model.dora,
        "hosts": len(model.hosts),
        "silent": [host.name for host in model.hosts if host.problem],
        "broken": [host.name for host in model.hosts if host.intact is False or host.archive],
    }
