# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The traffic of an application in a few lines, for people. Pure text."""

from __future__ import annotations

from .split import SLOTS, ProxyServer, TrafficFacts


def summary(application: str, facts: TrafficFacts) -> list[str]:
    """Who gets the requests, now and after a reload, and a line about each slot."""
    lines = [f"{application}: new requests go to {_split(facts.running)}{_later(facts)}"]
    lines += [f"{slot}: {_server(facts.servers[slot])}" for slot in SLOTS if slot in facts.servers]
    lines.append("requests, errors and downs are counted since the start of the proxy's process")
    return lines


def _split(percents: dict[str, int]) -> str:
    parts = [f"{slot} {percent} %" for slot, percent in percents.items() if percent]
    return ", ".join(parts) or "no slot: users get an error"


def _later(facts: TrafficFacts) -> str:
    if facts.persisted is None:
        return "; after a reload unknown, for the split was never written: deploy, or set it with mas.ops.traffic"
    if facts.holds(facts.persisted):
        return ", after a reload too"
    return f", but after a reload to {_split(facts.persisted.to_dict())}: deploy again, or set it with mas.ops.traffic"


def _server(server: ProxyServer) -> str:
    check = f" ({server.check})" if server.check and not server.check.startswith("L7OK") else ""
    counts = f"{_count(server.requests, 'request')}, {_count(server.errors, 'error')}, {_count(server.downs, 'down')}"
    return (
        f"{server.status}{check}, {_count(server.sessions, 'session')} open, {server.queued} queued; {counts}"
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
