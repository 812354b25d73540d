# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may change an application of a host: a lock with an owner, a lease and a fencing token.

The lock of the operating system (``_core.files.exclusive``) keeps two modules apart that run at the same instant. A
deploy is several modules with pauses in between, and its controller may die in one of them: then the lease ends
by itself, and by the token a controller that comes back late learns that another run has taken over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._core.errors import Busy, Overtaken


@dataclass(frozen=True)
class Moment:
    """One instant on two clocks.

    :param text: UTC, RFC 3339, for people
    :param wall: seconds since the epoch; it can be set
    :param boot: identifies this boot of the host
    :param uptime: seconds since that boot; it cannot be set
    """

    text: str
    wall: float
    boot: str
    uptime: float

    def after(self, seconds: float) -> Deadline:
        return Deadline(self.boot, self.uptime + seconds, self.wall + seconds, seconds)


@dataclass(frozen=True)
class Deadline:
    """An instant to come, which a set clock does not move unless the host was booted meanwhile.

    ``seconds`` is how far away it was at first. It is never further away: a host may boot with a clock that is behind.
    """

    boot: str
    uptime: float
    wall: float
    seconds: float

    def left(self, moment: Moment) -> float:
        """Seconds until then, negative when it is over."""
        left = self.uptime - moment.uptime if self.boot == moment.boot else self.wall - moment.wall
        return min(left, self.seconds)

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass(frozen=True)
class Claim:
    """Who wants to change what.

    :param run: what identifies the run
    :param owner: the person or account
    :param operation: what is done, in words: the same words mean the same command again
    :param returns: it goes back, so it may end what anybody began
    :param token: the token that an earlier phase of the same command got; ``None`` for a first phase
    :param force_unlock: whoever holds the lock, with a person's word for it
    """

    run: str
    owner: str
    operation: str
    returns: bool = False
    token: int | None = None
    force_unlock: bool = False

    @property
    def words(self) -> str:
        """What is done, for people: leaving what a deploy brought is a phase of that deploy, and no deploy."""
        deploys = self.returns and self.operation.startswith("deploy")
        return f"way back from the {self.operation}" if deploys else self.operation


@dataclass(frozen=True)
class Lease:
    """The content of ``lease.json``. ``run`` is empty while no run holds it; ``token`` only grows.

    ``words`` are what people read of ``operation``. ``last`` says who held it last, for a run that comes back too late.
    """

    token: int = 0
    run: str = ""
    owner: str = ""
    operation: str = ""
    since: str = ""
    until: Deadline | None = None
    words: str = ""
    last: str = ""

    @property
    def free(self) -> bool:
        return not self.run

    def to_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "until": self.until.to_dict() if self.until else None}


def parse_lease(data: Any) -> Lease:
    """Read the parsed file; a host without one, or with one that cannot be read, has a free lock."""
    if not isinstance(data, Mapping):
        return Lease()
    try:
        until = data["until"]
        found = Lease(**{**data, "until": Deadline(**until) if until else None})
        if isinstance(found.token, bool) or not isinstance(found.token, int):
            raise TypeError("token")
        if not all(
            isinstance(value, str) for value in (found.run, found.owner, found.operation, found.since)
        ):
            raise TypeError("words")
        if found.until and not all(
            isinstance(value, (int, float))
            for value in (found.until.uptime, found.until.wall, found.until.seconds)
        ):
            raise TypeError("until")
    except (KeyError, TypeError):
        return Lease()
    return found


def claim(lease: Lease, wanted: Claim, moment: Moment, seconds: float) -> Lease:
    """The lease that ``wanted`` holds from now on for ``seconds``: a new one, or its own for longer.

    :raises Overtaken: another one took it over from this one
    :raises Busy: another one holds it
    """
    refuse_overtaken(lease, wanted)
    until = moment.after(seconds)
    if lease.run == wanted.run or (wanted.token is not None and lease.free):
        return replace(
            lease,
            run=wanted.run,
            owner=wanted.owner,
            operation=wanted.operation,
            words=wanted.words,
            since=lease.since or moment.text,
            until=until,
        )
    if not (lease.free or _is_over(lease, moment) or _may_end(lease, wanted) or wanted.force_unlock):
        left = lease.until.left(moment) if lease.until else 0.0
        raise Busy(
            f"the lock is held by {_holder(lease)}",
            where=f"for another {left:.0f} s at most, unless it is renewed",
            fix="Wait for it to end. If that run is known to be dead, take the lock over: -e change_force_unlock=true.",
        )
    return Lease(
        lease.token + 1, wanted.run, wanted.owner, wanted.operation, moment.text, until, words=wanted.words
    )


def refuse_overtaken(lease: Lease, wanted: Claim) -> None:
    """
    :raises Overtaken: ``wanted`` shows the token of an earlier phase, and another run took the lock since then
    """
    if wanted.token is not None and wanted.token != lease.token:
        raise Overtaken(
            f"another run has changed this host since this one began: {_holder(lease)}",
            where=f"this run holds token {wanted.token}, the host is at {lease.token}",
            fix="See mas.ops.release_info for what is live; nothing was changed by this run.",
        )


def released(lease: Lease) -> Lease:
    """The lock without a holder. The token stays, so that an outdated one is still refused."""
    return Lease(token=lease.token, last=lease.last if lease.free else _holder(lease))


def _is_over(lease: Lease, moment: Moment) -> bool:
    return lease.until is None or lease.until.left(moment) <= 0


def _may_end(lease: Lease, wanted: Claim) -> bool:
    """The same command of the same person again, after a crash; or a rollback, which waits for no lease."""
    same = (lease.owner, lease.operation) == (wanted.owner, wanted.operation)
    return wanted.returns or same


def _holder(lease: Lease) -> str:
    if lease.free:
        return f"{lease.last}, which has ended" if lease.last else "it has ended"
    return f"{lease.words or lease.operation} by {lease.owner} since {lease.since} (run {lease.run})"
