# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user's own entry."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .._core.errors import BadInput

#: Kinds whose entries others rely on: only what does the thing writes them.
RESERVED = frozenset(
    {
        *(
            "artifact",
            "backup",
            "canary",
            "command",
            "compliance",
            "control",
            "drill",
            "freeze",
            "gate",
            "ledger",
        ),
        *("lock", "migration", "override", "release", "report", "restore", "restore_point", "stop"),
        *("traffic", "verdict", "waiver", "window"),
    }
)
MAX_DATA = 64 * 1024
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")


def event(params: Mapping[str, Any]) -> dict[str, Any]:
    """The entry for the options of ``ledger_entry``; what was not given is left out.

    :raises BadInput: a kind that is reserved, or no word; too much data
    """
    for name in ("kind", "action"):
        if not _WORD.fullmatch(params[name]):
            raise BadInput(
                f"{params[name]!r} is not a word of lowercase letters, digits and underscores",
                where=name,
                fix="Choose one such as incident or maintenance.",
            )
    if params["kind"] in RESERVED:
        raise BadInput(
            f"{params['kind']} entries are written by mas.ops itself",
            where="kind",
            fix=f"Choose a word other than {', '.join(sorted(RESERVED))}.",
        )
    if len(json.dumps(params["data"])) > MAX_DATA:
        raise BadInput(
            f"data has more than {MAX_DATA // 1024} KiB",
            where="data",
            fix="Store it elsewhere, and record its location and digest here.",
        )
    names = ("kind", "action", "application", "outcome", "data", "run", "actor")
    given = {name: params[name] for name in names if params[name]}
    return {**given, "message": params["msg"]}
