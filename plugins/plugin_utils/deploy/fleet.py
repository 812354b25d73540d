# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one play says about all of its hosts together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ...module_utils._core.errors import BadInput, NotFound, Refused
from ...module_utils._ledger.history import version_of
from ...module_utils._releases.targets import DISK, STORE, WARM

_NEAREST = (WARM, DISK, STORE)
_NAME = "Name another moment, or the version to go back to:"
_MOMENT = "Write it as 2026-11-24T10:00:00Z, or with an offset such as +01:00."


def application_group(groups: Mapping[str, Sequence[str]], application: str) -> str:
    """The inventory group of an application.

    Ansible ends with success when a play matches no host; this makes it an error.

    :raises BadInput: no application was named, or something that is no name
    :raises NotFound: the inventory has no such group, or nothing in it
    """
    if not application:
        raise BadInput(
            "no application was named", where="application_name", fix="Name it: -e application_name=NAME"
        )
    if not isinstance(application, str):
        raise BadInput(
            "application_name is not a text",
            where="application_name",
            fix="Give one name: -e application_name=NAME",
        )
    if application not in groups:
        known = ", ".join(sorted(set(groups) - {"all", "ungrouped"})) or "none"
        raise NotFound(
            f"the inventory has no group {application!r}",
            where=f"its groups: {known}",
            fix="Give the name of the group as application_name, and the inventory with -i.",
        )
    if not groups[application]:
        raise NotFound(
            f"the group {application!r} has no hosts",
            where="inventory",
            fix="Add the application's hosts to it.",
        )
    return application


def gate_decision(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> Mapping[str, Any]:
    """What the gate decided for all hosts together, as any of them has it; empty before that.

    A task that runs once registers its result for every host that the run can reach, which --limit may make few.
    """
    for host in hosts:
        decision = hostvars.get(host, {}).get("gate_decision")
        if decision:
            found: Mapping[str, Any] = decision
            return found
    return {}


def environment_targets(hosts: Mapping[str, Mapping[str, Mapping[str, Any]]], at: str) -> dict[str, Any]:
    """What every host has to go back to so that all applications are as they were at a moment.

    :param hosts: ``applications`` of what ``release_info`` returned without an application, by host
    :param at: RFC 3339 with an offset or ``Z``
    :returns: ``hosts``: by host a list of ``application``, ``release``, its ``version``, and whether the host is ``lacking``
        it, only where something else is live now; and ``notes``, sentences about hosts and applications without a record
        of that moment: the hosts follow the others, the applications stay as they are
    :raises Refused: hosts of one application did not agree at that moment, or no application has a record of it
    """
    names = sorted({name for applications in hosts.values() for name in applications})
    goals: dict[str, list[dict[str, Any]]] = {host: [] for host in hosts}
    notes, known = [], []
    for name in names:
        having = {host: applications[name] for host, applications in hosts.items() if name in applications}
        if not any(served_at(having, at).values()):
            notes.append(f"No host served a release of {name} at {at}: it stays as it is.")
            continue
        target = live_at(having, at, name)
        known.append(name)
        notes += [f"{name}: {_follow(without, target)}" for without in [followers(having, at)] if without]
        for host, facts in having.items():
            if facts["live"] != target:
                goals[host].append(_goal(name, target, facts))
    if names and not known:
        raise Refused(
            f"no host served a release of any application at {at}",
            where=f"the ledgers of {', '.join(sorted(hosts))}",
            fix="Name another moment.",
        )
    return {"hosts": goals, "notes": notes}


def _goal(application: str, release: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    goal = {"application": application, "release": release, "version": version_of(release)}
    return {**goal, "lacking": place_of(facts, release) == STORE}


def place_of(facts: Mapping[str, Any], release: str) -> str:
    """Where a host has a release that it is to go back to, see :data:`.targets.STORE` and its like."""
    if facts["live"] == release:
        return WARM
    found = [each["place"] for each in facts.get("targets", ()) if each["release"] == release]
    return min(found, key=_NEAREST.index, default=STORE)


def served_at(hosts: Mapping[str, Mapping[str, Any]], at: str) -> dict[str, str | None]:
    """The release that each host served at a moment; ``None`` where its ledger does not reach back, or says nothing.

    :param hosts: with ``timeline`` as ``release_info`` returned it, by host
    :raises BadInput: that is no moment
    """
    moment = _moment(at)
    return {name: _last_before(facts["timeline"], moment) for name, facts in hosts.items()}


def followers(hosts: Mapping[str, Mapping[str, Any]], at: str) -> list[str]:
    """The hosts without a record of a moment: they were added or reinstalled later, and follow what the others served."""
    return sorted(name for name, release in served_at(hosts, at).items() if release is None)


def follow_note(hosts: Mapping[str, Mapping[str, Any]], at: str, release: str) -> str:
    """What to say of :func:`followers`; empty when there are none."""
    without = followers(hosts, at)
    return _follow(without, release) if without else ""


def _follow(without: Sequence[str], release: str) -> str:
    verb = "has" if len(without) == 1 else "have"
    return f"{', '.join(without)} {verb} no record of that moment, and will serve {release} as the other hosts did then."


def live_at(hosts: Mapping[str, Mapping[str, Any]], at: str, application: str = "") -> str:
    """The one release that all hosts served at a moment which have a record of it.

    :param hosts: with ``timeline`` as ``release_info`` returned it, by host
    :param at: RFC 3339 with an offset or ``Z``
    :param application: named in the error where there may be several
    :raises BadInput: that is no moment
    :raises Refused: they did not all serve one, or no host has a record of that moment
    """
    then = served_at(hosts, at)
    releases = {release for release in then.values() if release}
    if len(releases) == 1:
        return releases.pop()
    how = f"ansible-playbook mas.ops.rollback -e application_name={application} " if application else ""
    of = f" of {application}" if application else ""
    raise Refused(
        f"the hosts did not all serve one release{of} at {_moment(at).isoformat()}"
        if releases
        else f"no host served a release{of} at {_moment(at).isoformat()}",
        where=", ".join(f"{name}: {release or 'no record'}" for name, release in sorted(then.items())),
        fix=f"{_NAME} {how}-e rollback_version=...",
    )


def _last_before(timeline: Sequence[Mapping[str, Any]], moment: datetime) -> str | None:
    known = [entry["release"] for entry in timeline if _moment(entry["time"]) <= moment]
    return known[-1] if known else None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise BadInput(f"{text!r} is not a time", where="at", fix=_MOMENT) from error
    if moment.tzinfo is None:
        raise BadInput(f"{text!r} does not say in which time zone", where="at", fix=_MOMENT)
    return moment
