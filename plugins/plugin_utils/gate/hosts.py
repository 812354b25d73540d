# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of the host itself, from what ``gate_info`` said there, and of its backups and drills."""

from __future__ import annotations

from datetime import datetime

from ...module_utils._ledger.query import parse_time
from .check import (
    BACKUP_AGE,
    DISK,
    DRILL_AGE,
    LOCK,
    REACHABLE,
    REBOOT,
    Check,
    Unknown,
    failed,
    held,
    passed,
    unknown,
)
from .facts import Answers, Facts
from .settings import Age, Settings
from .values import clock, shown

_NOT_ASKED = "the host was not asked (mas.ops.gate_info, registered as gate_asked)"
_MIB = 1 << 20


def reachable(facts: Facts) -> Check:
    if facts.unreachable:
        return failed(REACHABLE, f"the host did not answer: {facts.unreachable}")
    return passed(REACHABLE, "the host answered") if facts.answers else unknown(REACHABLE, _NOT_ASKED)


def lock(facts: Facts) -> Check:
    """A lease of one's own is that of a run that died: the same command goes on, which ``release`` decides."""
    answers = facts.answers
    if answers is None:
        return unknown(LOCK, _why(facts))
    if answers.locked:
        return failed(LOCK, "another run is changing the application right now")
    lease = answers.lease
    if lease and lease.get("owner") != facts.actor:
        words = f"{lease.get('operation')} by {lease.get('owner')} since {lease.get('since')} holds the lock"
        return failed(LOCK, words, **lease)
    return passed(LOCK, "nobody else changes the application")


def disk(facts: Facts, settings: Settings) -> Check:
    """Bytes and percent, on each file system that a release writes to."""
    answers, wanted = facts.answers, settings.disk
    if answers is None:
        return unknown(DISK, _why(facts))
    if not answers.disks:
        return unknown(DISK, "the host told nothing about its disks")
    full = [
        f"{one['path']} has {int(one['free']) // _MIB} MiB ({one['percent']} %) free"
        for one in answers.disks
        if one["free"] < wanted.free or one["percent"] < wanted.percent
    ]
    need = f"{wanted.free // _MIB} MiB and {wanted.percent:g} %"
    words = f"{'; '.join(full)}, not {need}" if full else f"at least {need} free"
    return held(DISK, not full, words, disks=[dict(one) for one in answers.disks])


def reboot(facts: Facts) -> Check:
    answers = facts.answers
    if answers is None:
        return unknown(REBOOT, _why(facts))
    if answers.reboot:
        words = f"a reboot is pending ({', '.join(answers.reboot)})"
        return failed(REBOOT, words, asked_by=list(answers.reboot))
    return passed(REBOOT, "no reboot is pending")


def backup_age(facts: Facts, settings: Settings, at: datetime) -> Check:
    return _age(BACKUP_AGE, "backup", settings.backup, facts.backup, at)


def drill_age(facts: Facts, settings: Settings, at: datetime) -> Check:
    return _age(DRILL_AGE, "drill", settings.drill, facts.drill, at)


def _age(name: str, kind: str, wanted: Age | None, newest: datetime | Unknown | None, at: datetime) -> Check:
    """The newest success must be young enough; where none is recorded nobody can tell."""
    if wanted is None:
        return unknown(name, f"gate_{kind} does not say how old the newest {kind} may be")
    if isinstance(newest, Unknown):
        return unknown(name, newest.why)
    if newest is None:
        return unknown(name, f"no ledger tells of a good {kind}")
    age = at - newest
    words = f"the newest good {kind} is {shown(age)} old ({clock(newest)}), {shown(wanted.limit)} are allowed"
    return held(
        name, age <= wanted.limit, words, newest=newest.isoformat(), seconds=round(age.total_seconds())
    )


def _why(facts: Facts) -> str:
    return "the host did not answer" if facts.unreachable else _NOT_ASKED


def newest_of(answers: Answers | None, kind: str, unreachable: str) -> datetime | Unknown | None:
    """The newest good entry of a kind in the host's own ledger."""
    if answers is None:
        return Unknown(unreachable or _NOT_ASKED)
    if isinstance(answers.newest, Unknown):
        return answers.newest
    found = answers.newest.get(kind)
    return parse_time(str(found)) if found else None
