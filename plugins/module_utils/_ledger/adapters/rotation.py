# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A full ledger file is sealed under a new name, and the chain continues in a new file.

Every moment of it may be the last of the process. The order is: the new file is complete on the disk;
the old one gets its second name; the new one takes the ledger's place. Died before the last step, the
old file is still the ledger, with a name too many, which the next writer takes away. Died after it, all
that may lack is the append-only attribute, which the next writer sets.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from typing import Any

from ..._core.files import sync_folder
from .. import chain
from ..policy import LedgerPolicy
from ..query import moment_of
from ..segments import LEDGER_KIND, PRUNED, ROTATED, audit, segment_name, segment_range
from . import flags


@dataclass(frozen=True)
class Segment:
    """A sealed file."""

    path: str
    first: int
    last: int


def segments(ledger: str) -> list[Segment]:
    """The sealed files of a ledger, oldest first; not one that is still the ledger itself (a crash)."""
    folder = os.path.dirname(ledger) or "."
    found = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as names:
        for each in names:
            path = os.path.join(os.path.dirname(ledger), each.name)
            bounds = segment_range(ledger, path)
            if bounds and not _same(path, ledger):
                found.append(Segment(path, *bounds))
    return sorted(found, key=lambda segment: (segment.first, segment.last))


def undo_unfinished(stream: FileIO, ledger: str) -> None:
    """Take the second name away that a rotation gave the file before it died."""
    if os.fstat(stream.fileno()).st_nlink < 2:
        return
    folder = os.path.dirname(ledger) or "."
    twins = [
        path
        for path in (os.path.join(os.path.dirname(ledger), name) for name in os.listdir(folder))
        if segment_range(ledger, path) and _same(path, ledger)
    ]
    with flags.lifted(stream.fileno()):
        for path in twins:
            os.unlink(path)
    if twins:
        sync_folder(folder)


def rotate(stream: FileIO, ledger: str, time: str) -> FileIO | None:
    """Seal the file and go on in a new one, whose lock is held when this returns.

    :returns: ``None`` when it is better to go on with the old file: its chain is broken, and stays where it
        is as evidence; or there is no room for a new one
    """
    # Few of those who write an entry fill the file.
    from ..checkpoint import checkpoint  # noqa: PLC0415
    from ..summary import summarize  # noqa: PLC0415

    stream.seek(0)
    lines = stream.read().split(b"\n")[:-1]
    entries, state = audit([(ledger, lines)], whole=False)
    if state.first is None or state.last is None or state.broken:
        return None
    sealed = segment_name(ledger, state.first, state.last)
    carried = {name: each.to_dict() for name, each in summarize(entries).items()}
    first = {
        "kind": LEDGER_KIND,
        "action": ROTATED,
        "file": os.path.basename(sealed),
        "carried": carried,
        "checkpoint": checkpoint(entries),
        "time": time,
    }
    scratch = os.path.join(os.path.dirname(ledger), f".{os.path.basename(ledger)}.next")
    try:
        fresh = _begin(scratch, chain.encode(first, *chain.follow(lines[-1])) + b"\n", stream)
        try:
            _replace(stream, (scratch, ledger, sealed))
        except BaseException:
            fresh.close()
            raise
    except OSError:
        # That there is no room for a new file is no reason to refuse a rollback whose entry may still fit.
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        return None
    sync_folder(os.path.dirname(ledger) or ".")
    return fresh


def _begin(scratch: str, line: bytes, like: FileIO) -> FileIO:
    """The new file under a scratch name, complete on the disk and locked before anybody can see it."""
    handle = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    fresh = os.fdopen(handle, "r+b", buffering=0)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        fresh.truncate(0)
        owner = os.fstat(like.fileno())
        os.fchmod(handle, owner.st_mode & 0o7777)
        os.fchown(handle, owner.st_uid, owner.st_gid)
        while line:
            line = line[fresh.write(line) :]
        os.fsync(handle)
    except BaseException:
        fresh.close()
        raise
    return fresh


def _replace(old: FileIO, names: tuple[str, str, str]) -> None:
    scratch, ledger, sealed = names
    with flags.lifted(old.fileno()):
        os.link(ledger, sealed)
        try:
            sync_folder(os.path.dirname(ledger) or ".")
            os.replace(scratch, ledger)
        except BaseException:
            os.unlink(sealed)
            raise


def protect(stream: FileIO, ledger: str) -> None:
    """Make the ledger and its sealed files append-only, as far as the file system can.

    The file that is written comes last: where it has the attribute, the others have it too.
    """
    if flags.is_append_only(stream.fileno()) is not False:
        return
    for segment in segments(ledger):
        handle = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            flags.set_append_only(handle, True)
        finally:
            os.close(handle)
    flags.set_append_only(stream.fileno(), True)


def surplus(ledger: str, policy: LedgerPolicy, time: str) -> list[Segment]:
    """The sealed files that the policy does not keep, oldest first."""
    sealed = segments(ledger)
    moment = moment_of({"time": time})
    if moment is None or (policy.keep_segments is None and policy.keep_days is None):
        return []
    ages = [moment.timestamp() - os.stat(segment.path).st_mtime for segment in sealed]
    return sealed[: policy.surplus(ages)]


def pruned(doomed: list[Segment], time: str) -> Mapping[str, Any]:
    """The entry that is written before files are removed, so that their absence is explained."""
    with open(doomed[-1].path, "rb") as stream:
        last = stream.read().split(b"\n")[-2]
    return {
        "kind": LEDGER_KIND,
        "action": PRUNED,
        "files": [os.path.basename(segment.path) for segment in doomed],
        "through": doomed[-1].last,
        "head": chain.line_hash(last),
        "time": time,
    }


def _same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except FileNotFoundError:
        return False
