# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history of an application's releases on a host, computed from its ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

from .segments import ROTATED, is_about_ledger

#: ``kind`` of the entries that this package writes and reads.
RELEASE = "release"
#: ``action`` before and after a contract migration: what dies in between has cut the way back off already.
CONTRACTION = ("contracting", "contracted")
#: ``action`` of a release that was staged and never confirmed: its start or switch failed, or it was aborted before that.
NEVER_LIVE = ("failed", "left")
#: ``action`` of the entry after which nothing of the application is on the host: no rollback reaches what was before it.
DECOMMISSIONED = "decommissioned"
#: How many releases back a rollback can go once the file that saw them is sealed.
CARRIED = 100
#: How many changes of what is live are remembered by their time.
_MOMENTS = 200

#: When, as the ledger writes it, and which release; ``None`` for nothing.
Moment = tuple[str, Optional[str]]


@dataclass(frozen=True)
class Back:
    """A rollback: when (as the ledger writes it), by which run, to which release; ``None`` for nothing."""

    time: str
    run: str
    to: str | None


@dataclass(frozen=True)
class Ended:
    """The end of an application on the host: when, by which run, and the release that was live then, if one was."""

    time: str
    run: str
    release: str | None


@dataclass(frozen=True)
class History:
    """Releases that were live and healthy, oldest first; the last is what is live now.

    A deploy puts a release on top, a rollback takes everything above its target off again. So rolling
    back twice goes back two releases, and a release that was never live is never found here.

    ``floor`` is where the ways back end: the schema of the database was contracted for the release at that place, and
    those below it cannot work with it any more. ``contracted`` is that release once the contraction has ended.
    ``moments`` is what was live from when on, oldest first, the newest of them.

    ``left`` is the release that was brought in last and is not served: it failed, or it was left. ``back`` is the last
    rollback since the last deploy. ``ended`` says when the application was decommissioned last.
    """

    stack: tuple[str, ...] = ()
    floor: int = 0
    contracted: str | None = None
    moments: tuple[Moment, ...] = ()
    left: str | None = None
    back: Back | None = None
    ended: Ended | None = None

    @property
    def live(self) -> str | None:
        return self.stack[-1] if self.stack else None

    @property
    def previous(self) -> str | None:
        """What a rollback without a target goes back to."""
        return self.earlier(1)

    def earlier(self, steps: int) -> str | None:
        """The release so many steps below the top, if one can go back there."""
        at = len(self.stack) - 1 - steps
        return self.stack[at] if at >= self.floor else None

    def below(self, version: str | None) -> str | None:
        """The release that the schema was contracted for, when it bars the way to ``version`` (or to any)."""
        barred = [
            release for release in self.stack[: self.floor] if version is None or is_called(release, version)
        ]
        return self.stack[self.floor] if barred and self.floor < len(self.stack) else None

    def find(self, version: str, live: bool = True) -> str | None:
        """The newest release of ``version`` (or with that release id).

        :param live: the top of the history is what is live, so it is not looked at
        """
        for release in reversed(self.stack[self.floor : -1] if live else self.stack[self.floor :]):
            if is_called(release, version):
                return release
        return None

    def recent(self, count: int) -> tuple[str, ...]:
        """The newest ``count`` distinct releases, newest first."""
        return tuple(dict.fromkeys(reversed(self.stack)))[:count]

    def after(self, entry: Mapping[str, Any]) -> History:
        """The history after one release entry of the application."""
        action, to = entry.get("action"), entry.get("to")
        if action in CONTRACTION:
            return self.with_contraction(str(to), ended=action == CONTRACTION[1])
        if action in NEVER_LIVE:
            given_up = entry.get("operation", "deploy") == "deploy" and to != self.live
            return replace(self, left=str(to)) if given_up else self
        if action == "restarted" and to in self.stack:
            # Not the top where a deploy died right after it had said that it was live.
            return self.with_rollback(str(to))
        if action not in ("live", "rolled_back", DECOMMISSIONED):
            return self
        return self._changed(str(action), to, entry)

    def _changed(self, action: str, to: str | None, entry: Mapping[str, Any]) -> History:
        """After an entry about what is live."""
        time, run = str(entry.get("time", "")), str(entry.get("run", ""))
        moments = (*self.moments, (time, None if action == DECOMMISSIONED else to))[-_MOMENTS:]
        if action == DECOMMISSIONED:
            return History(moments=moments, ended=Ended(time, run, entry.get("from")))
        if action == "live":
            return replace(self.with_deploy(str(to)), moments=moments, left=None, back=None)
        changed = self.with_rollback(to, brought=bool(entry.get("brought")))
        return replace(changed, moments=moments, left=entry.get("left"), back=Back(time, run, to))

    def with_deploy(self, release: str) -> History:
        return self if self.live == release else replace(self, stack=(*self.stack, release))

    def with_contraction(self, release: str, ended: bool) -> History:
        """``release`` is live, and from now on the oldest possible target of a rollback."""
        if release not in self.stack:
            return self
        floor = len(self.stack) - 1 - self.stack[::-1].index(release)
        return replace(self, floor=floor, contracted=release if ended else self.contracted)

    def with_rollback(self, release: str | None, brought: bool = False) -> History:
        """Everything above the newest ``release`` is taken off; ``None`` empties the history.

        :param brought: it was never live on this host, where the rest of the fleet went back to it: it takes the
            place of what it followed
        """
        if release is None:
            return History(ended=self.ended)
        if release not in self.stack:
            kept = self.stack[: max(self.floor, len(self.stack) - 1)] if brought else self.stack
            return replace(self, stack=kept).with_deploy(release)
        top = len(self.stack) - self.stack[::-1].index(release)
        return replace(self, stack=self.stack[:top], floor=min(self.floor, top - 1))

    def served(self, name: str) -> str | None:
        """The release of that name that was live last, also one that a rollback has taken off since.

        Not one of before the application was decommissioned.
        """
        since = self.ended.time if self.ended else ""
        known = (
            release for time, release in reversed(self.moments) if time > since and is_called(release, name)
        )
        return next(known, None)

    def to_dict(self) -> dict[str, Any]:
        """What a rotation of the ledger carries over, as plain data: the newest releases."""
        dropped = max(0, len(self.stack) - CARRIED)
        return {
            "releases": list(self.stack[dropped:]),
            "floor": max(0, self.floor - dropped),
            "contracted": self.contracted,
            "moments": [list(moment) for moment in self.moments],
            "left": self.left,
            "back": dict(self.back.__dict__) if self.back else None,
            "ended": dict(self.ended.__dict__) if self.ended else None,
        }


def is_called(release: str | None, name: str | None) -> bool:
    """Whether ``name`` is the release or its version, the two ways in which people name one."""
    return bool(release and name) and name in (release, version_of(release or ""))


def version_of(release: str) -> str:
    """``1.0.0`` of ``1.0.0-0123456789ab``."""
    return release.rpartition("-")[0]


def fold(entries: Iterable[Mapping[str, Any]], application: str) -> History:
    """The history of ``application`` from the entries of a host's ledger, or from those since its rotation.

    A rotation carries the history over to the new file, so that older ones need not be read.
    """
    history = History()
    for entry in entries:
        if is_about_ledger(entry, ROTATED):
            history = _carried(entry, application)
        elif entry.get("kind") == RELEASE and entry.get("application") == application:
            history = history.after(entry)
    return history


def unconfirmed(entries: Iterable[Mapping[str, Any]], application: str) -> Mapping[str, Any] | None:
    """The entry with which the release went live that was not confirmed since, if there is one."""
    found: Mapping[str, Any] | None = None
    for entry in entries:
        if entry.get("kind") == RELEASE and entry.get("application") == application:
            if entry.get("action") == "live":
                found = entry
            elif entry.get("action") in ("confirmed", "rolled_back", DECOMMISSIONED):
                found = None
    return found


def _carried(entry: Mapping[str, Any], application: str) -> History:
    return parse_history(entry.get("carried", {}).get(application, {}))


def parse_history(data: Mapping[str, Any]) -> History:
    """What :meth:`History.to_dict` wrote."""
    moments = tuple((str(time), release) for time, release in data.get("moments", ()))
    back, ended = data.get("back"), data.get("ended")
    return History(
        tuple(data.get("releases", ())),
        int(data.get("floor", 0)),
        data.get("contracted"),
        moments,
        data.get("left"),
        Back(**back) if back else None,
        Ended(**ended) if ended else None,
    )
