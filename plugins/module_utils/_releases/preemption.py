# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may end the run that is at work on an application of a host.

A way back ends whatever is at work, also what another person began. A run that is overtaken anyway (the same command
of the same person after a crash, or a take-over that was ordered) is ended as well. Two ways back wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .lease import Claim

#: Seconds to wait for a run that may not be ended.
PATIENCE = 20.0
#: The same for a way back that waits for another one, which may have to start an older release first.
PATIENCE_OF_A_WAY_BACK = 120.0
#: Seconds that a run gets to end by itself once it was requested; then its process is killed.
GRACE = 1.5


@dataclass(frozen=True)
class Holder:
    """The content of the lock file: the process that is at work.

    :param pid: 0 where the file does not say
    :param began: when the process started, in ticks since the boot: a number of its own also when the id is used again
    :param returns: it is a way back
    """

    pid: int = 0
    began: str = ""
    run: str = ""
    owner: str = ""
    operation: str = ""
    returns: bool = False

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __str__(self) -> str:
        return f"{self.operation} by {self.owner} (run {self.run})" if self.run else ""


@dataclass(frozen=True)
class EndRequest:
    """The content of the file beside the lock: who wants which process to end.

    :param force: also a way back has to end
    """

    pid: int
    began: str
    run: str
    owner: str
    operation: str
    since: str
    force: bool = False

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def is_for(self, holder: Holder) -> bool:
        """An old request never ends a process that came later."""
        same = (self.pid, self.began) == (holder.pid, holder.began)
        return same and (self.force or not holder.returns)

    def __str__(self) -> str:
        return f"the {self.operation} of {self.owner} (run {self.run}, {self.since})"


def parse_holder(data: Any) -> Holder:
    """Read the parsed lock file; what cannot be read is a holder about whom nothing is known."""
    try:
        return Holder(**data)
    except TypeError:
        return Holder()


def parse_end_request(data: Any) -> EndRequest | None:
    """Read the parsed file; ``None`` for what cannot be read."""
    try:
        return EndRequest(**data) if isinstance(data, Mapping) else None
    except TypeError:
        return None


def may_end(holder: Holder, wanted: Claim) -> bool:
    """Whether ``wanted`` may end the run that is at work, instead of waiting for it."""
    if wanted.force_unlock:
        return True
    if wanted.returns or holder.returns:
        return wanted.returns and not holder.returns
    return wanted.run != holder.run and (wanted.owner, wanted.operation) == (holder.owner, holder.operation)


def patience(holder: Holder, wanted: Claim) -> float:
    """Seconds to wait for a run that may not be ended."""
    return PATIENCE_OF_A_WAY_BACK if wanted.returns and holder.returns else PATIENCE
