# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which processes of an application run on which hosts, and in how many copies, from ``processes`` of its definition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._core.errors import BadInput
from ...module_utils._core.names import key_hint, nearest
from ...module_utils._releases.instances import parse_selection, selected, unknown
from ...module_utils._releases.manifest import Process

_KEYS = ("instances", "hosts")
_WHERE = "processes of the application's definition"
_FIX = "Correct it in the inventory. Nothing was changed."


def host_processes(
    wanted: Any, groups: Mapping[str, Sequence[str]], host: str, application: str = ""
) -> dict[str, int]:
    """How many copies of its processes a host runs, as far as the inventory says it.

    :param wanted: by process a mapping of ``instances`` and ``hosts``, a group of the inventory or a list of groups
    :param application: whose group is looked at: one of its hosts must be in one of these groups
    :raises BadInput: it says what cannot be
    """
    if wanted is None:
        return {}
    if not isinstance(wanted, Mapping):
        raise BadInput(f"processes is {wanted!r}, and must be a mapping", where=_WHERE, fix=_FIX)
    found = {}
    for name, entry in wanted.items():
        where = f"processes.{name}"
        known = _entry(entry, where)
        if known.get("instances") is not None:
            found[str(name)] = known["instances"]
        if "hosts" in known:
            members = _members(known["hosts"], groups, where)
            count = known.get("instances")
            if count != 0 and not members.intersection(groups.get(application, members)):
                raise BadInput(
                    f"{where}.hosts is {_said(known['hosts'])}, and no host of {application} is in it: no host would run "
                    f"{name}",
                    where=_WHERE,
                    fix=f"Add a host, or write instances: 0 for {name} if that is meant. Nothing was changed.",
                )
            if host not in members:
                found[str(name)] = 0
    return parse_selection(found)


def processes_by_host(
    wanted: Mapping[str, Any],
    groups: Mapping[str, Sequence[str]],
    application: str,
    manifest: Mapping[str, Any],
) -> dict[str, dict[str, int]]:
    """The same for each host, checked against the processes of a release.

    :param wanted: ``processes`` of the definition by host
    :raises BadInput: there is no such process, a host would run none, or a process would run on no host
    """
    processes = {
        str(name): Process.parse(data, f"processes.{name}")
        for name, data in (manifest.get("processes") or {}).items()
    }
    found = {host: host_processes(said, groups, host, application) for host, said in wanted.items()}
    if not processes:
        return found
    for host, selection in found.items():
        wrong = unknown(selection, processes)
        if wrong:
            raise BadInput("; ".join(wrong), where=f"{_WHERE}, host {host}", fix=_FIX)
        if not selected(processes, selection):
            raise BadInput(
                f"{host} would run no process of {application}",
                where=_WHERE,
                fix=f"Take it out of the group {application}, or let it run one. Nothing was changed.",
            )
    for name in sorted(processes):
        _refuse_nowhere(name, found, wanted)
    return found


def _refuse_nowhere(name: str, found: Mapping[str, Mapping[str, int]], wanted: Mapping[str, Any]) -> None:
    """
    :raises BadInput: a process would run on no host, and nothing says that this is meant
    """
    if any(selection.get(name) != 0 for selection in found.values()):
        return
    meant = [host for host, said in wanted.items() if _entry(said[name], name).get("instances") == 0]
    if not meant:
        raise BadInput(
            f"no host would run the process {name}",
            where=_WHERE,
            fix=f"Name a group with hosts of the application in processes.{name}.hosts, or write instances: 0 if that is "
            "meant. Nothing was changed.",
        )


def _entry(entry: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        raise BadInput(
            f"{where} is {entry!r}, and must be a mapping of {' and '.join(_KEYS)}; what a process is comes from its mas.yml",
            where=_WHERE,
            fix=_FIX,
        )
    for key in entry:
        if key not in _KEYS:
            raise BadInput(
                f"{key} is not a key of {where}, for all else comes from its mas.yml: {key_hint(str(key), _KEYS)}",
                where=_WHERE,
                fix=_FIX,
            )
    return entry


def _members(named: Any, groups: Mapping[str, Sequence[str]], where: str) -> frozenset[str]:
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, Sequence) or not names or not all(isinstance(name, str) for name in names):
        raise BadInput(
            f"{where}.hosts is {named!r}, and must be the name of a group or a list of such names; for no host write "
            "instances: 0",
            where=_WHERE,
            fix=_FIX,
        )
    for name in names:
        if name not in groups:
            raise BadInput(f"{where}.hosts: {_no_group(name, groups)}", where=_WHERE, fix=_FIX)
    return frozenset(host for name in names for host in groups[name])


def _no_group(name: str, groups: Iterable[str]) -> str:
    near = nearest(name, groups, cutoff=0.5)
    return f"the inventory has no group {name}" + (f", did you mean {near}?" if near else "")


def _said(named: Any) -> str:
    return named if isinstance(named, str) else ", ".join(named)
