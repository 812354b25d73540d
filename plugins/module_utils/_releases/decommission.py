# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is left of an application on its host to the steps after which nothing is. No I/O, no clock.

The plan is made of what is there, so a run that was killed at any instruction is continued by planning again.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .._core.errors import Refused
from .._core.plan import Plan, Step
from .._ledger.history import version_of
from .application import Application, claims_too_much
from .auto_rollback import Armed
from .commands import command
from .state import Operation, State

_FORCE = "If that is not wanted any more: -e change_force_unlock=true"


@dataclass(frozen=True)
class SlotRest:
    """What a slot still has.

    :param release: what it holds
    :param units: its units that are on the disk
    :param files: what else it has, of these in this order: the link to its release, its environment, its record
    :param web: requests may be under way to it
    """

    release: str | None = None
    units: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    web: bool = False


@dataclass(frozen=True)
class Rest:
    """What is left of an application. Paths are of files, of ``trees`` with all that is in them, and of empty ``folders``.

    :param live: the release that users have, by the ledger or by the journal
    :param ended: the ledger says already that the application was decommissioned, and nothing was live since
    :param state: the journal, and whether the automatic rollback waits: something is under way
    :param one_off: the unit of a one-off command that runs
    :param slots: those that have something
    :param traffic: the proxy still sends requests to some slot
    :param secrets: files with settings and secrets of the application
    :param proxy: files of the proxy that go
    :param rewritten: files of the proxy that are rewritten for the applications that stay
    :param reload: HAProxy has to read its files
    :param units: files of units that are not of a slot
    :param releases: trees
    :param links: what else is in the application's folder, and is of this collection
    :param shared: the tree with the application's data, where it is to be removed
    :param folders: those that are empty then, the innermost first
    :param account: the system user, where it goes
    :param journal: files and trees of the collection's own state
    :param kept: what stays, in sentences
    """

    live: str | None = None
    ended: bool = False
    state: State = field(default_factory=State)
    armed: Armed | None = None
    one_off: str = ""
    slots: Mapping[str, SlotRest] = field(default_factory=dict)
    traffic: bool = False
    secrets: tuple[str, ...] = ()
    proxy: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()
    reload: bool = False
    units: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    shared: str = ""
    folders: tuple[str, ...] = ()
    account: str = ""
    journal: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def plan_decommissioned(rest: Rest, name: str, force: bool = False) -> Plan:
    """Remove the application from the host.

    :param name: the application's
    :param force: what is under way is given up
    :raises Refused: a change of the application is under way
    """
    if not force:
        _refuse_under_way(rest, name)
    steps = [*_given_up(rest, name), *_stopped(rest), *_removed(rest)]
    if steps or not rest.ended:
        # The rest is of the collection alone: once the ledger says it, nothing of the application is there.
        steps.append(Step("record", name, {"live": rest.live}))
    steps += [Step("remove_account", rest.account)] if rest.account else []
    steps += [Step("remove", path) for path in rest.journal]
    steps.append(Step("forget", name))
    before = {
        "live": rest.live,
        "slots": {slot: found.release for slot, found in sorted(rest.slots.items())},
        "account": rest.account or None,
        "files": sorted(_paths(rest)),
        "stays": list(rest.kept),
        **({"rewritten": list(rest.rewritten)} if rest.rewritten else {}),
    }
    return Plan(before, {**before, "live": None, "slots": {}, "account": None, "files": []}, tuple(steps))


def _given_up(rest: Rest, name: str) -> Iterator[Step]:
    """First, so that a run that was killed is not kept from going on by what it gave up, and no host goes back meanwhile."""
    if rest.armed:
        yield Step("disarm", rest.armed.release)
    if rest.state.operation:
        yield Step("close", name)


def _stopped(rest: Rest) -> list[Step]:
    """Users first get an answer of the proxy; what is under way is waited for."""
    steps = [Step("withdraw", slot) for slot in sorted(rest.slots)[:1]] if rest.traffic else []
    steps += [Step("drain", slot) for slot, found in sorted(rest.slots.items()) if found.web]
    for slot, found in sorted(rest.slots.items()):
        detail = {"units": list(found.units), "files": list(found.files)}
        steps += [Step("stop", slot, detail)] if found.units else []
        steps.append(Step("unassign", slot, detail, found.release or ""))
    return steps


def _removed(rest: Rest) -> list[Step]:
    steps = [Step("remove", path) for path in rest.secrets]
    if rest.proxy or rest.rewritten:
        steps.append(Step("unserve", "haproxy", {}, f"removes {len(rest.proxy)} files"))
    steps += [Step("reload_proxy", "haproxy")] if rest.reload else []
    steps += [Step("remove_units", posixpath.basename(rest.units[0]))] if rest.units else []
    steps += [Step("remove_tree", path) for path in rest.releases]
    steps += [Step("remove", path) for path in rest.links]
    steps += [Step("remove_tree", rest.shared)] if rest.shared else []
    return steps + [Step("remove_folder", path) for path in rest.folders]


def _paths(rest: Rest) -> Iterator[str]:
    """All that goes by its path, for people."""
    for slot in rest.slots.values():
        yield from (*(f"/etc/systemd/system/{unit}" for unit in slot.units), *slot.files)
    yield from (*rest.secrets, *rest.proxy, *rest.units, *rest.releases, *rest.links)
    yield from (*((rest.shared,) if rest.shared else ()), *rest.folders, *rest.journal)


def _refuse_under_way(rest: Rest, name: str) -> None:
    """
    :raises Refused: a change or a command was begun and has not ended
    """
    operation, armed = rest.state.operation, rest.armed
    if rest.one_off:
        raise Refused(
            "a one-off command runs",
            where=rest.one_off,
            fix=f"Wait for its end, or end it on the host: systemctl stop {rest.one_off}. {_FORCE}.",
        )
    if armed:
        raise Refused(
            f"release {armed.release} was not confirmed yet",
            where=f"the automatic rollback, armed {armed.since} by run {armed.run}",
            fix=f"{_ways(name, armed.release)}. {_FORCE}.",
        )
    if operation:
        raise Refused(
            f"the {operation.kind} of {operation.release} has not ended",
            where=f"slot {operation.slot}, begun {operation.since or 'at a time that is not known'} by run "
            f"{operation.run or 'that is not known'}",
            fix=f"{_way_out(name, operation)}. {_FORCE}.",
        )


def _way_out(name: str, operation: Operation) -> str:
    if operation.kind == "deploy":
        return _ways(name, operation.release)
    return f"Run it again: {command(operation.kind, application_name=name)}"


def _ways(name: str, release: str) -> str:
    deploy = {"application_name": name, "deploy_version": version_of(release)}
    end, back = command("deploy", **deploy), command("deploy", **deploy, deploy_abort="true")
    return f"To complete the deploy: {end}. To abort it: {back}"


def refuse_environment(app: Application, wanted: str) -> None:
    """
    :param wanted: the environment that the inventory names; empty where it names none
    :raises Refused: the host was set up for another one
    """
    if wanted and app.environment and wanted != app.environment:
        raise Refused(
            f"this host has {app.name} of {app.environment}, and the inventory says {wanted}",
            where="mas_environment",
            fix="Nothing was changed. Check the inventory (-i): if it is right, run mas.ops.provision first.",
        )


def refuse_root(app: Application, real: str, roots: Mapping[str, str]) -> None:
    """
    :param real: the application's folder without links
    :param roots: those of the other applications of the host, by name, without links
    :raises Refused: the folder is not the application's alone
    """
    wrong = claims_too_much(replace(app, root=real))
    if real == "/":
        wrong.append(f"application_root is {real}, which is no folder of one application")
    wrong += [
        f"application_root {real} and that of {name}, {root}, are not apart"
        for name, root in sorted(roots.items())
        if posixpath.commonpath([real, root]) in (real, root)
    ]
    if wrong:
        raise Refused(
            f"{app.name} cannot be removed safely: {'; '.join(wrong)}",
            where="this host",
            fix="Nothing was changed. Move the application to a folder of its own (root in its definition), or remove it by "
            "hand.",
        )


def kept_of(names: Iterable[str], known: Iterable[str], folder: str) -> list[str]:
    """Sentences about what others have put into a folder of the application."""
    others: Sequence[str] = sorted(set(names) - set(known))
    more = f" and {len(others) - 5} more" if len(others) > 5 else ""
    listed = ", ".join(repr(name) for name in others[:5])
    return [f"{folder} has {listed}{more}, which mas.ops did not write."] if others else []
