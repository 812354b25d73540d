# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write one entry into the ledger of this host: the use case of every module whose work ends with that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._core.adapters.clock import SystemClock
from ..._core.outcome import Outcome
from ..._core.plan import Plan, Step
from .file import LEDGER
from .host import host_ledger


def append(entry: Mapping[str, Any], check_mode: bool, path: str = LEDGER) -> Outcome:
    """Append ``entry``; in check mode nothing is written, and what an append would refuse is refused as well.

    :param entry: has a ``kind``; time, sequence and hash are added
    :returns: the fact ``entry``, as it is written; in check mode without what is not known before
    :raises LedgerError: nothing can be written after what is there
    """
    ledger = host_ledger(path)
    last = ledger.check()
    written = dict(entry) if check_mode else ledger.append(entry, SystemClock.text())
    plan = Plan({"last": last}, {"last": last + 1, "entry": written}, (Step("append", written["kind"]),))
    return Outcome(plan, {"entry": written})
