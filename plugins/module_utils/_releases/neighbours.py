# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several applications on one host: what each of them has for itself, and where two want the same."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .._core.errors import Refused
from .application import Application
from .instances import of_copy
from .manifest import RESERVED
from .slot import Slot


@dataclass(frozen=True)
class Footprint:
    """What one application has on a host. ``units`` are names without slot and kind, ``ports`` say what each is for."""

    application: str
    units: frozenset[str]
    ports: Mapping[int, str]
    user: str
    root: str


def footprint(app: Application, records: Iterable[Slot], processes: Iterable[str] = ()) -> Footprint:
    """Of what its slots hold, and of what the next one gets.

    :param processes: names that a release brings which no slot holds yet
    """
    records = list(records)
    names = {
        *processes,
        *RESERVED,
        # No other application has units of copies where it has none of the process.
        *(of_copy(name)[0] for record in records for name in (*record.processes, *record.left)),
    }
    ports = {port: f"slot {slot} of {app.name}" for slot, port in app.ports.items()} if app.web else {}
    held = {
        record.port: f"slot {record.slot} of {app.name}, which runs on it" for record in records if record.web
    }
    return Footprint(
        app.name, frozenset(f"{app.name}-{name}" for name in names), {**ports, **held}, app.user, app.root
    )


def refuse_foreign_settings(name: str, settings_for: str, others: Iterable[str]) -> None:
    """
    :param settings_for: the application that the variables say that they are for
    :param others: the other applications of the host
    :raises Refused: they may be another application's: Ansible merges the groups of a host, and one of them wins
    """
    neighbours = sorted(others)
    if settings_for == name or not (settings_for or neighbours):
        return
    whose = (
        f"say that they are for {settings_for}"
        if settings_for
        else "do not say which application they are for"
    )
    where = f"this host has {', '.join(neighbours)} as well, and the variables {whose}, not for {name}"
    raise Refused(
        where if neighbours else f"the variables of this host {whose}, not for {name}",
        where="application_settings_for",
        fix=_each_its_own(name),
    )


def _each_its_own(name: str) -> str:
    return (
        f"Let the group of {name} set application_settings_for: {name}, and the other groups theirs. Where a variable "
        "is set in several of these groups, only one value reaches the host: make it depend on the application, see "
        "docs/operate.md."
    )


def advice(name: str, settings_for: str = "") -> str:
    """What to do about settings that cannot be.

    :param settings_for: the application that the variables say that they are for
    """
    if settings_for == name:
        return (
            "Nothing was changed. Correct the variables. What the slots run can be changed once they are empty: "
            "remove the application's releases with mas.ops.release first."
        )
    return (
        f"Nothing was changed. See whose settings these are: ansible-inventory --host HOST shows what reaches this host. If it "
        f"is in the group of another application as well, remove no release: {_each_its_own(name)} If they are those of "
        f"{name}, correct the variables; what the slots run can be changed once they are empty (mas.ops.release)."
    )


def collisions(mine: Footprint, others: Iterable[Footprint]) -> list[str]:
    """What another application of the host has already, in words: which, whose, and which variable to set."""
    return [line for other in others if other.application != mine.application for line in _both(mine, other)]


def _both(mine: Footprint, other: Footprint) -> Iterator[str]:
    name = mine.application
    for unit in sorted(mine.units & other.units):
        yield (
            f"units {unit}@ would be those of {name} and of {other.application}: rename the process in mas.yml, or "
            "one of the applications"
        )
    for port in sorted(set(mine.ports) & set(other.ports)):
        yield (
            f"port {port} is for {mine.ports[port]}, and for {other.ports[port]}: give {name} its own in "
            "application_slots"
        )
    if mine.user == other.user:
        yield f"user {mine.user} runs {name} and {other.application}: give {name} its own in application_user"
    if _within(mine.root, other.root) or _within(other.root, mine.root):
        yield (
            f"folder {mine.root} of {name} and {other.root} of {other.application} are not apart: give {name} its own "
            "in application_root"
        )


def _within(path: str, folder: str) -> bool:
    return posixpath.commonpath([path, folder]) == folder


def forbidden(app: Application, records: Iterable[Slot]) -> list[str]:
    """What the new settings of an application would take away from what its slots run, in words."""
    wrong = []
    for record in records:
        if not record.processes:
            continue
        for name in ("user", "group", "root"):
            old, new = getattr(record, name), getattr(app, name)
            if old != new:
                wrong.append(
                    f"application_{name} is {new}, and slot {record.slot} runs {record.release} with {old}: its files "
                    f"would no longer be its own"
                )
        # On a host of which the inventory says that a process does not run, that may be the web process.
        elsewhere = app.web and 0 in record.selection.values()
        if app.web != bool(record.web) and not elsewhere:
            wrong.append(
                f"application_web is {str(app.web).lower()}, and slot {record.slot} runs {record.release}, which has "
                f"{'a' if record.web else 'no'} web process"
            )
        taken = [slot for slot, port in app.ports.items() if port == record.port and slot != record.slot]
        if record.web and taken:
            wrong.append(
                f"port {record.port} of slot {taken[0]} in application_slots is the one that slot {record.slot} runs "
                f"{record.release} on"
            )
    return wrong
