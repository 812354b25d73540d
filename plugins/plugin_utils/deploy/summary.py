# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change ended with, in a few lines for people and as data for the next node of a workflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: More names than these are a number.
_NAMED = 5
_ENDED = {"staged": "is staged on", "live": "is live on"}


@dataclass(frozen=True)
class ChangeSummary:
    """The end of one change.

    :ivar releases: by host, the release that is live there now; of a deploy that only stages, the one that is staged
    :ivar previous: the releases that a rollback goes to, one where all hosts agree
    :ivar rollback_command: empty where no rollback is possible, or where hosts differ
    :ivar not_seen: hosts of the change that returned no result
    :ivar left_out: hosts of the application that were no part of the change
    """

    application: str
    change: str
    until: str
    releases: Mapping[str, str]
    previous: Sequence[str]
    rollback_command: str
    not_seen: Sequence[str] = ()
    left_out: Sequence[str] = ()

    def lines(self) -> list[str]:
        found = [
            f"{self.application} {release} {_ENDED[self.until]} {_hosts(names)}."
            for release, names in sorted(_by_release(self.releases).items())
        ]
        if self.not_seen:
            found.append(f"Not known: {_hosts(self.not_seen)}.")
        if self.left_out:
            found.append(f"Left out, by --limit or the gate: {_hosts(self.left_out)}.")
        if self.rollback_command:
            further = "further " if self.change == "rollback" else ""
            found.append(f"To go {further}back to {', '.join(self.previous)}: {self.rollback_command}")
        elif self.until == "live":
            found.append(
                "Nothing was live before, so there is nothing to go back to."
                if not self.previous
                else _DIFFER
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """For ``set_stats``."""
        return {
            "application_name": self.application,
            "until": self.until,
            "hosts": dict(self.releases),
            "not_seen": list(self.not_seen),
            "left_out": list(self.left_out),
            "rollback_command": self.rollback_command,
        }


_DIFFER = "The hosts do not agree on what was live before: mas.ops.rollback says what each can go back to."


def summarize(
    application: str,
    change: str,
    results: Mapping[str, Mapping[str, Any] | None],
    until: str = "live",
    release: str = "",
    left_out: Sequence[str] = (),
) -> ChangeSummary:
    """
    :param change: ``deploy`` or ``rollback``
    :param results: what ``mas.ops.release`` returned last, by host
    :param until: ``staged`` for a deploy that ends there
    :param release: what was staged, where hosts say only what is live
    """
    seen = {host: result for host, result in results.items() if result and "live" in result}
    releases = {
        host: release if until == "staged" else str(result["live"] or "nothing")
        for host, result in seen.items()
    }
    previous = sorted({str(result["previous"]) for result in seen.values() if result.get("previous")})
    commands = {str(result.get("rollback_command") or "") for result in seen.values()}
    agree = until == "live" and len(commands) == 1
    return ChangeSummary(
        application,
        change,
        until,
        releases,
        previous,
        commands.pop() if agree else "",
        sorted(set(results) - set(seen) - set(left_out)),
        left_out,
    )


def _by_release(releases: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for host, release in releases.items():
        found.setdefault(release, []).append(host)
    return found


def _hosts(names: Iterable[str]) -> str:
    listed = list(names)
    if len(listed) > _NAMED:
        return f"{len(listed)} hosts"
    return f"{'host' if len(listed) == 1 else f'{len(listed)} hosts'} {', '.join(listed)}"
