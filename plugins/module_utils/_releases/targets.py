# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host can go back to, and what that takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import step_builders
from .application import Application
from .state import Facts

#: Where a release is: running in a slot, unpacked on the disk, or only in the store of artifacts.
WARM, DISK, STORE = "warm", "disk", "store"
_WORDS = {
    WARM: "it runs, so it takes seconds",
    DISK: "on disk, so it takes a start-up",
    STORE: "no longer on this host, so it is fetched from the store and started",
}


@dataclass(frozen=True)
class RollbackTarget:
    """A release to go back to, and where it is."""

    release: str
    place: str

    def to_dict(self, budgets: Mapping[str, float]) -> dict[str, Any]:
        """
        :param budgets: the start-up budgets in seconds, where the manifest is at hand
        """
        seconds = 0.0 if self.place == WARM else budgets.get(self.release)
        return {"release": self.release, "place": self.place, "startup_seconds": seconds}

    def __str__(self) -> str:
        return f"{self.release} ({_WORDS[self.place]})"


def targets(facts: Facts, app: Application) -> tuple[RollbackTarget, ...]:
    """What was live and healthy before the live release and still fits the schema, newest first."""
    history = facts.history
    below = history.stack[history.floor : -1 if history.live == facts.live_release else None]
    names = dict.fromkeys(release for release in reversed(below) if release != facts.live_release)
    return tuple(RollbackTarget(name, _place(facts, app, name)) for name in names)


def rollback_target(facts: Facts, to: str | None = None) -> str | None:
    """The release to go back to: the newest of ``to``, or the one before the live one.

    A run may have died after the ledger and before the journal: then the top of the history is where that
    run was going, not what is live.
    """
    ahead = facts.history.live is not None and facts.history.live != facts.live_release
    if to:
        return facts.history.find(to, live=not ahead)
    operation = facts.state.operation
    if ahead and operation and operation.kind == "rollback":
        return facts.history.live
    if ahead and facts.history.previous == facts.live_release:
        # A deploy died there: what is live is below the top, and the target is below that.
        return facts.history.earlier(2)
    return facts.history.previous


def no_target(facts: Facts, to: str | None) -> str:
    """Why a rollback has no target, for an error."""
    if to:
        return (
            f"{to} was never live and healthy on this host before the live release, or was rolled back or "
            "decommissioned since"
        )
    ended = facts.history.ended
    since = f"; the application was decommissioned here at {ended.time}" if ended else ""
    if facts.live_release is None:
        return f"no release is live on this host{since}"
    return f"nothing was live on this host before {facts.live_release}{since}"


def offered(facts: Facts, app: Application) -> str:
    """The targets as an advice."""
    found = targets(facts, app)
    if not found:
        return "Deploy a version with mas.ops.deploy instead."
    return f"Choose one of: {described(tuple(map(str, found)))}."


def described(names: Sequence[str], limit: int = 5) -> str:
    """The first names of a list that may be long."""
    more = f", and {len(names) - limit} older ones" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _place(facts: Facts, app: Application, release: str) -> str:
    slot = facts.slot_of(release)
    if slot and step_builders.ready(facts, app, slot):
        return WARM
    return DISK if release in facts.on_disk else STORE
