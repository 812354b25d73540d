# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathered ledgers on the controller, ``<archive>/<environment>/<host>.jsonl``, each verified before it is believed."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ....module_utils._core.errors import LedgerError
from ....module_utils._gate import host_facts
from ....module_utils._ledger.adapters.file import FileLedger
from ....module_utils._ledger.checkpoint import expand
from ....module_utils._ledger.query import parse_time
from ..check import Unknown
from ..facts import Life
from ..history import life
from ..settings import Age, Promotion

Entries = Sequence[Mapping[str, Any]]


def read(pattern: str) -> dict[str, Entries] | Unknown:
    """The entries by host. One broken ledger makes all of it unknown: the break may hide what matters."""
    found: dict[str, Entries] = {}
    for path in sorted(glob.glob(pattern)):  # noqa: PTH207 - a pattern may be absolute
        try:
            found[Path(path).stem] = expand(FileLedger(path).entries())
        except (LedgerError, OSError) as error:
            return Unknown(f"{path}: {error}")
    return found or Unknown(f"there are no ledgers at {pattern}: gather them first")


def lives(question: Promotion, application: str, release: str, at: datetime) -> list[Life] | Unknown:
    """How a release fared on the hosts of the environment before."""
    books = read(question.ledgers)
    if isinstance(books, Unknown):
        return books
    found = (
        life(_of(entries, question.environment), application, release, host, at)
        for host, entries in books.items()
    )
    return [one for one in found if one]


def _of(entries: Entries, environment: str) -> Entries:
    """A pattern may catch the ledgers of other environments too."""
    return [entry for entry in entries if entry.get("environment") == environment]


def newest(question: Age, kind: str) -> datetime | Unknown | None:
    """The newest good entry of a kind in any of the ledgers."""
    books = read(question.ledgers)
    if isinstance(books, Unknown):
        return books
    times = (host_facts.newest(entries, kind) for entries in books.values())
    return max((parse_time(time) for time in times if time), default=None)
