# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd says of its units, read from the answers of systemctl."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: What :func:`parse_show` reads.
PROPERTIES = "Id,ActiveState,SubState,NRestarts,ExecMainStatus,ActiveEnterTimestampMonotonic,NeedDaemonReload"
#: systemd's own exit status for "the program could not be executed".
_NOT_EXECUTABLE = "203"


@dataclass(frozen=True)
class UnitFacts:
    """One unit as systemd sees it; what follows ``sub`` only from :meth:`Systemctl.show`."""

    active: str = "inactive"
    sub: str = "dead"
    restarts: int = 0
    exit_status: str = "0"
    #: When it became active, in seconds of the clock that never goes back; 0 when it never did.
    since: float = 0.0
    #: Whether the unit's files were changed after systemd read them; ``None`` where only the state was read.
    stale: bool | None = None

    @property
    def up(self) -> bool:
        return self.active == "active"

    @property
    def stopped(self) -> bool:
        return self.active in ("inactive", "failed")

    @property
    def hopeless(self) -> bool:
        """Waiting longer will not help: it failed permanently, or its program does not exist."""
        return self.active == "failed" or (not self.up and self.exit_status == _NOT_EXECUTABLE)


def parse_list(text: str) -> dict[str, UnitFacts]:
    """Each line: unit, whether it is loaded, its state, its substate, and a description."""
    lines = (line.split(None, 4) for line in text.splitlines())
    return {words[0]: UnitFacts(active=words[2], sub=words[3]) for words in lines if len(words) >= 4}


def parse_show(block: str) -> UnitFacts:
    """One unit of ``systemctl show`` with :data:`PROPERTIES`."""
    found = values(block)
    return UnitFacts(
        active=found.get("ActiveState", "inactive"),
        sub=found.get("SubState", "dead"),
        restarts=int(found.get("NRestarts") or 0),
        exit_status=found.get("ExecMainStatus", "0"),
        since=int(found.get("ActiveEnterTimestampMonotonic") or 0) / 1e6,
        stale=found.get("NeedDaemonReload") == "yes",
    )


def values(properties: str) -> Mapping[str, str]:
    """Of the lines ``NAME=VALUE``."""
    return dict(line.split("=", 1) for line in properties.splitlines() if "=" in line)


def journal_advice(unit: str, words: str) -> str:
    """Where to look.

    :param words: the last lines that the unit wrote, if any
    """
    excerpt = "".join(f"\n  | {line}" for line in words.splitlines())
    return f"See `journalctl -u {unit} -n 50`{', which ends with:' + excerpt if words else '.'}"
