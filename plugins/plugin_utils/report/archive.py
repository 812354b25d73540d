# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of the hosts' ledgers on the controller. They only grow, so what a host removes from its ledger is found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import BadInput
from ...module_utils._ledger import chain
from .hosts import Host

_NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,200}")
_CHANGED = "its archived copy was changed after it was written"


@dataclass(frozen=True)
class Merged:
    """The lines that the copy should have, and why it was not touched when it was not."""

    lines: tuple[bytes, ...]
    problem: str = ""


def file_of(host: Host) -> str:
    """``<environment>/<host>.jsonl``.

    :raises BadInput: a name that is no file name
    """
    return f"{_checked_name(host.environment, host)}/{_checked_name(host.name, host)}.jsonl"


def pattern_of(host: Host) -> str:
    """A pattern for the file of the host in every environment.

    :raises BadInput: a name that is no file name
    """
    return f"*/{_checked_name(host.name, host)}.jsonl"


def _checked_name(name: str, host: Host) -> str:
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot name a file of the archive",
            where=host.name,
            fix="Name hosts and environments with letters, digits, dots, dashes and underscores.",
        )
    return name


def lines_of(entries: Iterable[Mapping[str, Any]]) -> tuple[bytes, ...]:
    """The lines of a ledger again, byte by byte as the host wrote them."""
    return tuple(
        chain.encode(entry, str(entry["previous"]), int(entry["sequence"]))
        for entry in entries
        if "previous" in entry and "sequence" in entry
    )


def merge(old: tuple[bytes, ...], new: tuple[bytes, ...]) -> Merged:
    """What was copied before must still be so; what follows it is added.

    The host may have removed old files on purpose, so the new lines may begin later than the old.
    """
    if not old or not new:
        return Merged(old or new)
    try:
        known = {_sequence(line): line for line in old}
    except (ValueError, KeyError, TypeError):
        return Merged(old, _CHANGED)
    first, last, end = _sequence(new[0]), max(known), _sequence(new[-1])
    if end < last:
        return Merged(old, f"its ledger ends at entry {end}, its archived copy at {last}")
    changed = next((_sequence(line) for line in new if known.get(_sequence(line), line) != line), None)
    if changed is not None:
        return Merged(old, f"entry {changed} is not what its archived copy says")
    added = tuple(line for line in new if _sequence(line) > last)
    if added and (first > last + 1 or json.loads(added[0])["previous"] != chain.line_hash(known[last])):
        return Merged(old, f"entry {_sequence(added[0])} does not follow entry {last} of its archived copy")
    return Merged((*old, *added))


def moved(host: Host, folders: Iterable[str]) -> str:
    """What is wrong when copies of a host lie in these folders, which are named as environments; empty if nothing.

    A name of its own choice must not give a host a new copy, which nothing contradicts.
    """
    others = [name for name in folders if name != host.environment]
    if not others:
        return ""
    return (
        f"its ledger names the environment {host.environment}, its archived copy is of {', '.join(others)}; "
        "move the copy if the host has moved"
    )


def emptied(old: tuple[bytes, ...], host: Host) -> str:
    """What is wrong when a host has no line for its copy any more; empty when there is no copy."""
    if not old:
        return ""
    try:
        last = max(_sequence(line) for line in old)
    except (ValueError, KeyError, TypeError):
        return _CHANGED
    what = "has no chain" if host.entries else "is empty"
    return f"its ledger {what}, its archived copy ends at {last}"


def _sequence(line: bytes) -> int:
    """:raises ValueError: the line is not an entry, or not as it was written"""
    return chain.follow(line)[1] - 1
