# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which hosts of a fleet a one-off command runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._core.errors import BadInput, NotFound, Refused

ONE, ALL = "one", "all"


def command_targets(
    hostvars: Mapping[str, Mapping[str, Any]],
    hosts: Sequence[str],
    which: str,
    lost: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> dict[str, Any]:
    """The hosts, and a sentence about each one without the process.

    :param hosts: those that were looked at, in the order of the inventory, each with ``command_found``
    :param which: ``one`` or ``all``
    :param lost: those that could not be looked at
    :param left_out: those that the gate left out: they are looked at, because the same command may run there, and run nothing
    :raises Refused: a host was lost: the same command may run there already
    :raises NotFound: no host has a place for it
    """
    if which not in (ONE, ALL):
        raise BadInput(f"{which!r} is not one or all", where="command_hosts", fix="Choose one of them.")
    if lost:
        raise Refused(
            f"nothing was run: {', '.join(lost)} could not be looked at, and the command may run there",
            where="the message above says why",
            fix="Correct that, or leave the host out with --limit.",
        )
    found = {host: hostvars[host]["command_found"] for host in hosts}
    # A host on which an earlier one ended unseen says so first, and runs nothing.
    left = [host for host in hosts if found[host]["unseen"]]
    if left:
        return {"hosts": left, "notes": [f"{host}: {found[host]['unseen']}." for host in left]}
    within = [host for host in hosts if host not in left_out]
    able = [host for host in within if not found[host]["missing"]]
    without = [f"{host}: {found[host]['missing']}" for host in within if found[host]["missing"]]
    if within and not able:
        raise NotFound(
            "no host has a place for the command",
            where="; ".join(without),
            fix="Deploy first, or name another process.",
        )
    return {
        "hosts": able[:1] if which == ONE else able,
        "notes": [f"{line}. Nothing runs there." for line in without] if which == ALL else [],
    }
