# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker does with a task: pure functions of the payload, the same result every time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable


def count_words(payload: str) -> dict[str, object]:
    words = Counter(payload.lower().split())
    most = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:3]
    return {"words": sum(words.values()), "different": len(words), "most": [list(pair) for pair in most]}


def echo(payload: str) -> dict[str, object]:
    return {"text": payload}


def add(payload: str) -> dict[str, object]:
    """The sum of the whole numbers in the payload."""
    return {"sum": sum(int(word) for word in payload.split())}


KINDS: dict[str, Callable[[str], dict[str, object]]] = {"count": count_words, "echo": echo, "sum": add}


def perform(kind: str, payload: str) -> str:
    """The result as JSON; ValueError when the payload does not suit the kind."""
    if kind not in KINDS:
        raise ValueError(f"this version knows no task of the kind {kind!r}")
    return json.dumps(KINDS[kind](payload))
