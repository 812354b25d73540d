# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of the host itself, from what ``gate_info`` returned there, and of its backups and drills."""

from __future__ import annotations

from datetime import datetime

from ....module_utils._ledger.query import parse_time
from ..facts import GateFacts, HostFacts
from ..settings import GateSettings, MaxAge
from ..values import format_duration, format_moment
from .model import (
    BACKUP_AGE,
    DISK,
    DRILL_AGE,
    LOCK,
    REACHABLE,
    REBOOT,
    Check,
    Unknown,
    failed,
    passed,
    passed_if,
    unknown,
)

_NOT_ASKED = "the host was not asked (mas.ops.gate_info, registered as gate_host_facts)"
_MIB = 1 << 20


def reachable(facts: GateFacts) -> Check:
    if facts.unreachable:
        return failed(REACHABLE, f"the host did not answer: {facts.unreachable}")
    return passed(REACHABLE, "the host answered") if facts.host_facts else unknown(REACHABLE, _NOT_ASKED)


def lock(facts: GateFacts) -> Check:
    """A lease of the same actor is that of a run that died: the same command goes on, which ``release`` decides."""
    host_facts = facts.host_facts
    if host_facts is None:
        return unknown(LOCK, _why(facts))
    if host_facts.locked:
        return failed(LOCK, "another run is changing the application right now")
    lease = host_facts.lease
    if lease and lease.get("owner") != facts.actor:
        words = f"{lease.get('operation')} by {lease.get('owner')} since {lease.get('since')} holds the lock"
        return failed(LOCK, words, **lease)
    return passed(LOCK, "no other run changes the application")


def disk(facts: GateFacts, settings: GateSettings) -> Check:
    """Bytes and percent, on each file system that a release writes to."""
    host_facts, wanted = facts.host_facts, settings.disk
    if host_facts is None:
        return unknown(DISK, _why(facts))
    if not host_facts.disks:
        return unknown(DISK, "the host reported nothing about its disks")
    full = [
        f"{one['path']} has {int(one['free']) // _MIB} MiB ({one['percent']} %) free"
        for one in host_facts.disks
        if one["free"] < wanted.free or one["percent"] < wanted.percent
    ]
    need = f"{wanted.free // _MIB} MiB and {wanted.percent:g} %"
    words = f"{'; '.join(full)}, not {need}" if full else f"at least {need} free"
    return passed_if(DISK, not full, words, disks=[dict(one) for one in host_facts.disks])


def reboot(facts: GateFacts) -> Check:
    host_facts = facts.host_facts
    if host_facts is None:
        return unknown(REBOOT, _why(facts))
    if host_facts.reboot:
        words = f"a reboot is pending ({', '.join(host_facts.reboot)})"
        return failed(REBOOT, words, asked_by=list(host_facts.reboot))
    return passed(REBOOT, "no reboot is pending")


def backup_age(facts: GateFacts, settings: GateSettings, at: datetime) -> Check:
    return _age(BACKUP_AGE, "backup", settings.backup, facts.backup, at)


def drill_age(facts: GateFacts, settings: GateSettings, at: datetime) -> Check:
    return _age(DRILL_AGE, "drill", settings.drill, facts.drill, at)


def _age(
    name: str, kind: str, wanted: MaxAge | None, newest: datetime | Unknown | None, at: datetime
) -> Check:
    """The newest success must be young enough; without one on record the age is not known."""
    if wanted is None:
        return unknown(name, f"gate_{kind} does not say how old the newest {kind} may be")
    if isinstance(newest, Unknown):
        return unknown(name, newest.why)
    if newest is None:
        return unknown(name, f"no ledger has a good {kind}")
    age = at - newest
    words = f"the newest good {kind} is {format_duration(age)} old ({format_moment(newest)}), {format_duration(wanted.limit)} are allowed"
    return passed_if(
        name, age <= wanted.limit, words, newest=newest.isoformat(), seconds=round(age.total_seconds())
    )


def _why(facts: GateFacts) -> str:
    return "the host did not answer" if facts.unreachable else _NOT_ASKED


def newest_of(host_facts: HostFacts | None, kind: str, unreachable: str) -> datetime | Unknown | None:
    """The newest good entry of a kind in the host's own ledger."""
    if host_facts is None:
        return Unknown(unreachable or _NOT_ASKED)
    if isinstance(host_facts.newest, Unknown):
        return host_facts.newest
    found = host_facts.newest.get(kind)
    return parse_time(str(found)) if found else None
