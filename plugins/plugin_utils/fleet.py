# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one play says about all of its hosts together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..module_utils._core.errors import BadInput, NotFound, Refused

_MOMENT = "Write it as 2026-11-24T10:00:00Z, or with an offset such as +01:00."


def application_group(groups: Mapping[str, Sequence[str]], application: str) -> str:
    """The inventory group of an application.

    Ansible ends with success when a play matches no host; this makes it an error.

    :raises BadInput: no application was named
    :raises NotFound: the inventory has no such group, or nothing in it
    """
    if not application:
        raise BadInput("no application was named", where="application", fix="Say which: -e application=NAME")
    if application not in groups:
        known = ", ".join(sorted(set(groups) - {"all", "ungrouped"})) or "none"
        raise NotFound(
            f"the inventory has no group {application!r}",
            where=f"its groups: {known}",
            fix="Name the application as its group is named, and the inventory with -i.",
        )
    if not groups[application]:
        raise NotFound(
            f"the group {application!r} has no hosts",
            where="inventory",
            fix="Put the application's hosts into it.",
        )
    return application


def environment_targets(
    hosts: Mapping[str, Mapping[str, Mapping[str, Any]]], at: str
) -> dict[str, dict[str, str]]:
    """What every host has to go back to so that all applications are as they were at a moment.

    :param hosts: ``applications`` of what ``release_info`` returned without an application, by host
    :param at: RFC 3339 with an offset or ``Z``
    :returns: release ids by host and application, only where something else is live now
    :raises Refused: hosts of one application did not agree at that moment
    """
    names = sorted({name for applications in hosts.values() for name in applications})
    targets: dict[str, dict[str, str]] = {host: {} for host in hosts}
    for name in names:
        having = {host: applications[name] for host, applications in hosts.items() if name in applications}
        target = live_at(having, at, name)
        for host, facts in having.items():
            if facts["live"] != target:
                targets[host][name] = target
    return targets


def live_at(hosts: Mapping[str, Mapping[str, Any]], at: str, application: str = "") -> str:
    """The one release that all hosts served at a moment.

    :param hosts: with ``timeline`` as ``release_info`` returned it, by host
    :param at: RFC 3339 with an offset or ``Z``
    :param application: named in the error where there may be several
    :raises BadInput: that is no moment
    :raises Refused: they did not all serve one
    """
    moment = _moment(at)
    then = {name: _last_before(facts["timeline"], moment) for name, facts in hosts.items()}
    releases = set(then.values())
    if len(releases) == 1 and (release := releases.pop()):
        return release
    how = f"ansible-playbook mas.ops.rollback -e application={application} " if application else ""
    raise Refused(
        f"the hosts did not all serve one release{application and f' of {application}'} at {moment.isoformat()}",
        where=", ".join(f"{name}: {release or 'nothing'}" for name, release in sorted(then.items())),
        fix=f"Name another moment, or the version to go back to: {how}-e version=...",
    )


def _last_before(timeline: Sequence[Mapping[str, Any]], moment: datetime) -> str | None:
    known = [entry["release"] for entry in timeline if _moment(entry["time"]) <= moment]
    return known[-1] if known else None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise BadInput(f"{text!r} is no time", where="at", fix=_MOMENT) from error
    if moment.tzinfo is None:
        raise BadInput(f"{text!r} does not say in which time zone", where="at", fix=_MOMENT)
    return moment
