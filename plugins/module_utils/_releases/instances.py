# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many copies of each process of an application run on a host, and what the unit of each copy is called.

The manifest says how many there are; the inventory may say another number for a host, 0 for none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .._core.errors import BadInput
from .._core.names import nearest
from .manifest import MAX_INSTANCES, Process, check_name, refuse_port_for_many

#: No name of a process contains it, so that no copy has the name of another process.
MARK = "."
_FIX = "Correct processes of the application's definition in the inventory."


def copy_name(process: str, number: int) -> str:
    """What the unit of a copy has in place of the name of the process: the first copy has just that."""
    return process if number == 1 else f"{process}{MARK}{number}"


def copy_names(process: str, count: int) -> tuple[str, ...]:
    return tuple(copy_name(process, number) for number in range(1, count + 1))


def of_copy(name: str) -> tuple[str, int]:
    """The process and the number of a copy."""
    process, _mark, number = name.partition(MARK)
    return process, int(number) if number.isdigit() else 1


def counts(names: Iterable[str]) -> dict[str, int]:
    """How many copies each process has, of which these are the names: as many as the highest number says."""
    found: dict[str, int] = {}
    for name in names:
        process, number = of_copy(name)
        found[process] = max(found.get(process, 0), number)
    return found


def parse_selection(data: Any, where: str = "processes") -> dict[str, int]:
    """
    :raises BadInput: it is not a mapping of processes to numbers
    """
    if not isinstance(data, Mapping):
        raise BadInput(f"{where} is {data!r}, and must be a mapping", where=where, fix=_FIX)
    for name, count in data.items():
        check_name(name, f"{where}.{name}")
        whole = isinstance(count, int) and not isinstance(count, bool)
        if not whole or not 0 <= count <= MAX_INSTANCES:
            raise BadInput(
                f"{where}.{name} must be a whole number from 0 to {MAX_INSTANCES}, not {count!r}",
                where=where,
                fix=_FIX,
            )
    return {str(name): int(count) for name, count in sorted(data.items())}


def selected(processes: Mapping[str, Process], selection: Mapping[str, int]) -> dict[str, Process]:
    """The processes that run on a host, each with its number of copies.

    :param selection: what the inventory says for this host; names that the release does not have mean nothing here
    :raises BadInput: a web process that listens on its port itself would have several copies
    """
    found = {}
    for name, process in sorted(processes.items()):
        count = selection.get(name, process.instances)
        if count:
            refuse_port_for_many(process.kind, process.listen, count, f"processes.{name}")
            found[name] = replace(process, instances=count)
    return found


def unknown(selection: Mapping[str, int], processes: Iterable[str]) -> list[str]:
    """What the inventory says about processes that a release does not have, in words."""
    known = sorted(processes)
    wrong = []
    for name in sorted(set(selection) - set(known)):
        near = nearest(name, known, cutoff=0.5)
        hint = f"did you mean {near}?" if near else f"it has {', '.join(known)}"
        wrong.append(f"processes.{name} of the inventory is no process of the release: {hint}")
    return wrong
