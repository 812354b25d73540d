# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which releases an application went through on a host, folded from its ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .segments import ROTATED, is_about_ledger

#: ``kind`` of the entries that this package writes and reads.
RELEASE = "release"


@dataclass(frozen=True)
class History:
    """Releases that were live and healthy, oldest first; the last is what is live now.

    A deploy puts a release on top, a rollback takes everything above its target off again. So rolling
    back twice walks back twice, and a release that was never live is never found here.
    """

    stack: tuple[str, ...] = ()

    @property
    def live(self) -> str | None:
        return self.stack[-1] if self.stack else None

    @property
    def previous(self) -> str | None:
        """What a rollback without a target goes back to."""
        return self.stack[-2] if len(self.stack) > 1 else None

    def find(self, version: str, live: bool = True) -> str | None:
        """The newest release of ``version`` (or with that release id).

        :param live: the top of the history is what is live, so it is not looked at
        """
        for release in reversed(self.stack[:-1] if live else self.stack):
            if is_called(release, version):
                return release
        return None

    def recent(self, count: int) -> tuple[str, ...]:
        """The newest ``count`` distinct releases, newest first."""
        return tuple(dict.fromkeys(reversed(self.stack)))[:count]

    def after(self, entry: Mapping[str, Any]) -> History:
        """The history after one release entry of the application."""
        if entry.get("action") == "live":
            return self.with_deploy(entry["to"])
        if entry.get("action") == "rolled_back":
            return self.with_rollback(entry["to"])
        return self

    def with_deploy(self, release: str) -> History:
        return self if self.live == release else History((*self.stack, release))

    def with_rollback(self, release: str | None) -> History:
        """Everything above the newest ``release`` is taken off; ``None`` empties the history."""
        if release is None:
            return History()
        if release not in self.stack:
            return self.with_deploy(release)
        top = len(self.stack) - self.stack[::-1].index(release)
        return History(self.stack[:top])


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


def _carried(entry: Mapping[str, Any], application: str) -> History:
    carried = entry.get("carried", {}).get(application, {})
    return History(tuple(carried.get("releases", ())))
