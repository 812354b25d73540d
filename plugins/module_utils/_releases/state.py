# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is on a host, as the planner sees it: intent (``state.json``) and reality, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._ledger.history import History
from .._traffic.split import SLOTS
from .auto_rollback import Armed
from .damage import Damage

SCHEMA = 1
#: ``Operation.step`` once the idle slot is healthy and waits for the switch.
STAGED = "staged"


@dataclass(frozen=True)
class Operation:
    """A change that was begun and not ended: the journal of a run that may have been killed.

    ``before`` is the release that ``slot`` held when the change began, so that it can be put back.
    """

    kind: str
    release: str
    slot: str
    before: str | None
    run: str
    since: str
    step: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "release": self.release,
            "slot": self.slot,
            "before": self.before,
            "run": self.run,
            "since": self.since,
            "step": self.step,
        }


@dataclass(frozen=True)
class State:
    """The content of ``state.json``: the slot that is live by intent, and the open operation."""

    live: str | None = None
    operation: Operation | None = None

    def to_dict(self) -> dict[str, Any]:
        operation = self.operation.to_dict() if self.operation else None
        return {"schema": SCHEMA, "live": self.live, "operation": operation}


def parse_state(data: Any) -> State:
    """Read the parsed file; ``None`` (no file) is the state of a host without releases.

    :raises ValueError, KeyError, TypeError: the file was written by something else
    """
    if data is None:
        return State()
    if data["schema"] != SCHEMA or data["live"] not in (None, *SLOTS):
        raise ValueError(f"schema {data['schema']!r}, live {data['live']!r}")
    return State(data["live"], _operation(data["operation"]))


def _operation(data: Any) -> Operation | None:
    if data is None:
        return None
    found = Operation(**data)
    words = (found.kind, found.release, found.run, found.since, found.step, found.before or "")
    if found.slot not in SLOTS or not all(isinstance(word, str) for word in words):
        raise ValueError(f"operation {data!r}")
    return found


@dataclass(frozen=True)
class SlotFacts:
    """One slot as it is.

    ``workers``: its release has some. ``workers_up`` is true when all of them run, ``workers_any`` when at least one
    does. ``port`` is the one that it was assigned, ``pending`` names the settings that changed since then.
    ``percent`` is its part of the traffic right now, ``persisted`` the part after a reload of the
    proxy; both are ``None`` where the application has no web process or no proxy.
    ``stranger`` is who else listens on its port, in words. ``neglected``: units that run, but have a process that was
    stopped by a signal, or would not run after a boot. ``processes``: how many copies of each should run when the slot
    is live (``instances``), and how many do (``running``).
    """

    release: str | None = None
    web_up: bool = False
    workers: bool = False
    workers_up: bool = False
    workers_any: bool = False
    stopped: bool = True
    healthy: bool = False
    percent: int | None = None
    persisted: int | None = None
    port_taken: bool = False
    stranger: str = ""
    port: int | None = None
    pending: tuple[str, ...] = ()
    neglected: tuple[str, ...] = ()
    processes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For people: what has no workers has none that are up."""
        return {
            **self.__dict__,
            "workers_up": self.workers and self.workers_up,
            "pending": list(self.pending),
            "neglected": list(self.neglected),
            "processes": {name: dict(numbers) for name, numbers in self.processes.items()},
        }

    def takes(self, percent: int) -> bool:
        """Whether the slot has exactly this part of the traffic, now and after a reload."""
        return self.percent in (None, percent) and self.persisted in (None, percent)


def recovered(state: State, slots: Mapping[str, SlotFacts], history: History) -> State:
    """The state of a host whose journal was lost: the ledger and the slots still say what is live.

    Without this, a host full of users would look like a new one, and its slots like free ones. A release in the other
    slot that was never live is one of a deploy that has not ended.
    """
    if state.live or state.operation:
        return state
    held = [slot for slot in SLOTS if slots[slot].release and slots[slot].release == history.live]
    # Users have what they are sent to, whatever the ledger says, or if it was lost as well.
    held = held or [slot for slot in SLOTS if slots[slot].release and _works(slots[slot])]
    busiest = max(held, key=lambda slot: (slots[slot].percent or 0, slots[slot].workers_up), default=None)
    return replace(state, live=busiest, operation=_under_way(busiest, slots, history))


def _works(slot: SlotFacts) -> bool:
    """Whether it has users, or does the work of queues where there are none. A slot that was only staged does neither."""
    return bool(slot.percent or slot.workers_any)


def _under_way(live: str | None, slots: Mapping[str, SlotFacts], history: History) -> Operation | None:
    slot = next((slot for slot in SLOTS if live and slot != live), "")
    release = slots[slot].release if slot else None
    if release is None or history.live is None or release in history.stack or history.served(release):
        return None
    # It began after what went live last; more is not known.
    since = history.moments[-1][0] if history.moments else ""
    return Operation("deploy", release, slot, history.previous, "", since)


@dataclass(frozen=True)
class Facts:
    """Everything that a plan is made from."""

    state: State
    slots: Mapping[str, SlotFacts]
    on_disk: frozenset[str]
    history: History
    armed: Armed | None = None
    damage: tuple[Damage, ...] = ()

    @property
    def live(self) -> SlotFacts | None:
        """The live slot; ``None`` also when it is empty, because a run that took it away was killed."""
        live = self.slots[self.state.live] if self.state.live else None
        return live if live and live.release else None

    @property
    def live_release(self) -> str | None:
        return self.live.release if self.live else None

    def slot_of(self, release: str) -> str | None:
        """The slot that holds ``release``; the live one when both do."""
        held = [slot for slot in SLOTS if self.slots[slot].release == release]
        return self.state.live if self.state.live in held else next(iter(held), None)

    def summary(self) -> dict[str, Any]:
        """The state in few words, for a diff."""
        return {
            "live": self.live_release,
            "previous": self.history.previous,
            "slots": {slot: facts.release for slot, facts in self.slots.items()},
            "traffic": {slot: facts.percent for slot, facts in self.slots.items()},
        }
