# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathered ledgers on the controller, ``<archive>/<environment>/<host>.jsonl``, each verified before it is used."""

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
from ..checks.model import Unknown
from ..facts import Deployment
from ..history import deployment_of
from ..settings import MaxAge, Promotion

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


def deployments(
    promotion: Promotion, application: str, release: str, at: datetime
) -> list[Deployment] | Unknown:
    """How a release fared on the hosts of the environment before."""
    by_host = read(promotion.ledgers)
    if isinstance(by_host, Unknown):
        return by_host
    found = (
        deployment_of(_in_environment(entries, promotion.environment), application, release, host, at)
        for host, entries in by_host.items()
    )
    return [one for one in found if one]


def _in_environment(entries: Entries, environment: str) -> Entries:
    """A pattern may match the ledgers of other environments too."""
    return [entry for entry in entries if entry.get("environment") == environment]


def newest(max_age: MaxAge, kind: str) -> datetime | Unknown | None:
    """The newest good entry of a kind in any of the ledgers."""
    by_host = read(max_age.ledgers)
    if isinstance(by_host, Unknown):
        return by_host
    times = (host_facts.newest(entries, kind) for entries in by_host.values())
    return max((parse_time(time) for time in times if time), default=None)
