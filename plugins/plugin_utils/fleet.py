# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one play says about all of its hosts together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._core.errors import BadInput, NotFound, Refused


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


def rollback_target(hosts: Mapping[str, Mapping[str, Any]]) -> str:
    """The one release that a rollback of the whole fleet goes to.

    :param hosts: what ``release_info`` returned, by host: ``live``, ``previous`` and ``history``
    :returns: a release id. A rollback that was interrupted between hosts is finished, not repeated:
        where some hosts are live on what is the previous release of the others, that is the target.
    :raises Refused: there is nothing to go back to, or the hosts do not agree
    """
    lives = {facts["live"] for facts in hosts.values()}
    previous = {facts["previous"] for facts in hosts.values() if facts["previous"]}
    ways = {(facts["live"], facts["previous"]) for facts in hosts.values()}
    if len(ways) == 1:
        return _only_way(*ways.pop())
    targets = previous & lives
    if len(targets) == 1:
        target = targets.pop()
        if all(target in way for way in ways):
            return str(target)
    raise Refused(
        "the hosts do not agree on what was live before",
        where=", ".join(
            f"{name}: {facts['live']} after {facts['previous']}" for name, facts in sorted(hosts.items())
        ),
        fix="Name the version to go back to: -e version=...",
    )


def _only_way(live: Any, previous: Any) -> str:
    if previous:
        return str(previous)
    raise Refused(
        f"nothing was live before {live}" if live else "nothing is live",
        where="ledger",
        fix="Deploy a version with mas.ops.deploy instead.",
    )
