# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations, counts and failures in words, for a terminal and for a log alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .board import Board
from .estimate import TimeLeft

#: The keys of a result, beside its message, that a reader of a failure needs.
_MORE = ("stderr", "stdout", "module_stderr", "module_stdout", "reason", "exception")
_NO_TRACEBACK = "(traceback unavailable)"
_ORDER = ("failed", "unreachable", "stopped", "done", "working", "waiting")


def format_duration(seconds: float) -> str:
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def format_time_left(rest: TimeLeft | None) -> str:
    """Empty without a history."""
    if rest is None:
        return ""
    usual, long = format_duration(round(rest.usual)), format_duration(round(rest.long))
    if round(rest.long) == 0:
        return "longer than ever before"
    return f"about {usual} left" if usual == long else f"about {usual} left, {long} at most in 95 of 100 runs"


def counts(board: Board) -> str:
    """``1 failed, 2 done``, the worst first."""
    states = board.states()
    return ", ".join(f"{states[state]} {state}" for state in _ORDER if state in states)


def failure(host: str, task: str, result: Mapping[str, Any], unreachable: bool = False) -> list[str]:
    """All that a reader needs, a line each: what failed where, the message in full, then output if there is any.

    ``msg`` of the collection's own errors says what, where and fix already.
    """
    verb = "could not be reached" if unreachable else "failed"
    return [f"{host} {verb}: {task}", *(f"    {line}" for line in _details(result))]


def _details(result: Mapping[str, Any]) -> Iterator[str]:
    message = result.get("msg") or result.get("censored") or result.get("message")
    yield from _lines(message or "it gave no message")
    for failed in _items(result):
        yield f"item {failed.get('item', '')}:"
        yield from (f"    {line}" for line in _details(failed))
    for name in _MORE:
        # What the message says already, and what was not kept, is not worth a second look.
        text = str(result.get(name) or "").strip()
        if text and text != _NO_TRACEBACK and text not in str(message):
            yield f"{name}:"
            yield from (f"    {line}" for line in _lines(text))


def _items(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The failed rounds of a loop."""
    rounds = result.get("results")
    rounds = rounds if isinstance(rounds, list) else []
    return [each for each in rounds if isinstance(each, Mapping) and each.get("failed")]


def _lines(message: Any) -> list[str]:
    if isinstance(message, list):
        return [line for each in message for line in _lines(each)]
    return str(message).rstrip().splitlines() or [""]
