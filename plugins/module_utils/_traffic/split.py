# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the requests of one application are split between its slots. Pure text and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core.errors import BadInput, Refused
from .._core.plan import Plan, Step
from .latency import Histogram
from .settings import parse_settings, render_settings, variable

#: The two running copies of an application that a host can hold.
SLOTS = ("blue", "green")


@dataclass(frozen=True)
class Split:
    """Percent of new requests for each slot; the sum is 100, or 0 where no slot is live: users then get an error."""

    blue: int
    green: int

    def __post_init__(self) -> None:
        if min(self.blue, self.green) < 0 or self.blue + self.green not in (0, 100):
            raise _no_whole(self.blue, self.green)

    @classmethod
    def to(cls, slot: str, percent: int = 100) -> Split:
        """``percent`` for ``slot``, the rest for the other one."""
        return cls(percent, 100 - percent) if slot == "blue" else cls(100 - percent, percent)

    @classmethod
    def asked(cls, blue: int, green: int) -> Split:
        """A split that was asked for, which has to say where requests go.

        :raises BadInput: they are no parts of 100 percent
        """
        if not blue and not green:
            raise _no_whole(blue, green)
        return cls(blue, green)

    def __getitem__(self, slot: str) -> int:
        return self.to_dict()[slot]

    def to_dict(self) -> dict[str, int]:
        return {"blue": self.blue, "green": self.green}


def _no_whole(blue: int, green: int) -> BadInput:
    return BadInput(
        f"the parts of a split are 0 to 100 percent and add up to 100, not {blue} and {green}",
        where="split",
        fix="Say for example blue: 90, green: 10.",
    )


#: Where nothing is live: neither what is only staged nor a stranger on the port of an empty slot gets a request.
NO_TRAFFIC = Split(0, 0)


@dataclass(frozen=True)
class ProxyServer:
    """One slot as the proxy sees it.

    ``requests``, ``errors``, ``downs`` (how often it went down) and ``latency`` (answers by the lower edge of their
    bucket in milliseconds, empty where the proxy counts none) count since the proxy's start.
    """

    weight: int
    up: bool
    sessions: int
    queued: int
    requests: int
    errors: int
    status: str
    downs: int = 0
    latency: Histogram = ()
    #: What the proxy's last check of it found, such as ``L7STS/400``; empty before the first one.
    check: str = ""

    @property
    def aside(self) -> bool:
        """Out of service by order: it gets no requests and no checks."""
        return self.status.startswith("MAINT")

    @property
    def proven(self) -> bool:
        """Up because a check found it so. After its own start the proxy takes a server for up until one did not."""
        return self.up and (self.check.startswith("L7OK") or self.status == "no check")

    def to_dict(self, histogram: bool = True) -> dict[str, Any]:
        """
        :param histogram: with ``latency``, which is a hundred pairs
        """
        found = {name: value for name, value in self.__dict__.items() if name != "latency"}
        return {**found, "latency": [list(bucket) for bucket in self.latency]} if histogram else found


@dataclass(frozen=True)
class TrafficFacts:
    """The split after a reload (``persisted``, ``None`` when unreadable) and the servers right now.

    ``process`` identifies one process of the proxy: its counters begin at zero in each.
    """

    persisted: Split | None
    servers: Mapping[str, ProxyServer]
    process: str = ""
    #: The slots that a start of the proxy leaves out, because their web process ended.
    aside: frozenset[str] = frozenset()

    def percent(self, slot: str) -> int:
        """The part of ``slot`` by the weights in force."""
        total = sum(server.weight for server in self.servers.values())
        return round(100 * self.servers[slot].weight / total) if total else 0

    @property
    def running(self) -> dict[str, int]:
        return {slot: self.percent(slot) for slot in SLOTS}

    def holds(self, split: Split) -> bool:
        return self.persisted == split and self.running == split.to_dict()


def plan_split(facts: TrafficFacts, application: str, split: Split) -> Plan:
    """The change from what the proxy does now to ``split``.

    :raises Refused: a slot that should get requests is down
    """
    before = {"running": facts.running, "persisted": facts.persisted.to_dict() if facts.persisted else None}
    if facts.holds(split):
        return Plan(before, before)
    down = [slot for slot in SLOTS if split[slot] > facts.running[slot] and not facts.servers[slot].up]
    if down:
        raise Refused(
            f"the proxy sees the {down[0]} slot down ({facts.servers[down[0]].status})",
            where=application,
            fix="Bring a healthy release up in that slot first (mas.ops.release with state: staged).",
        )
    after = {"running": split.to_dict(), "persisted": split.to_dict()}
    return Plan(before, after, (Step("shift", application, split.to_dict()),))


def render(application: str, split: Split) -> str:
    """The text of the split file."""
    comment = f": the split of {application} between its slots. Change it with the module mas.ops.traffic."
    return render_settings(comment, {variable(application, slot): split[slot] for slot in SLOTS})


def parse(application: str, text: str) -> Split | None:
    """The split in a split file, or ``None`` when the text does not hold one."""
    found = parse_settings(text)
    try:
        return Split(*(int(found[variable(application, slot)]) for slot in SLOTS))
    except (BadInput, KeyError, ValueError):
        return None
