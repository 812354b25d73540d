# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this host has of an application, for its removal. Changes nothing."""

from __future__ import annotations

import grp
import os
import pwd
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable

from ..._core.errors import OpsError, Refused
from ..._ledger.history import fold, unconfirmed
from ..._traffic.adapters.serving import Served, ServingProxy
from ..._traffic.split import SLOTS
from ..application import CONFIG
from ..auto_rollback import Armed
from ..decommission import Rest, SlotRest, kept_of, refuse_root
from ..layout import Layout, enabled_link
from ..observe import presumed
from ..ports import LoadBalancer, Ports
from ..slot import Slot, socket_name, unit_name
from ..state import State
from . import trees
from .folders import Folders, applications, load_application

#: What a write that was killed leaves beside a file, and what a damaged file was set aside as.
_SPARE = re.compile(r"\.(.+)\.[0-9a-f]{12}|(.+)\.aside-\d{8}T\d{6}Z-[0-9a-f]{4}")
_RELEASE = re.compile(r"(?:\.partial-)?[0-9A-Za-z][0-9A-Za-z.+-]*-[0-9a-f]{12}")
_LINK = re.compile(r"(?:blue|green)(?:\.\d+)?")
_SETTINGS = ("environment", "allowed_signers", "application.json", "slots")
_RECORDS = tuple(f"{slot}.{kind}" for slot in SLOTS for kind in ("json", "env"))
_LOCK = ("lock", "lock.end")
_JOURNAL = (
    *("state.json", "lease.json", "auto-rollback.json", "one-off.json", "one-off.lock", "code", "incoming"),
    *_LOCK,
)
_CRONTABS = "/var/spool/cron/crontabs"
#: Accounts above this are of people.
_SYSTEM_IDS = 999


class Inventory:
    """What is there of one application.

    :param proxy: ``None`` for an application that serves no HTTP
    :param drop_shared: its data goes as well
    """

    def __init__(
        self, layout: Layout, folders: Folders, proxy: ServingProxy | None, drop_shared: bool
    ) -> None:
        self.layout, self.app, self.folders = layout, layout.app, folders
        self.proxy, self.drop_shared = proxy, drop_shared
        self.config = os.path.dirname(CONFIG.format(name=self.app.name))
        self.state = os.path.dirname(layout.state)
        self.others = {name: load_application(name) for name in applications() if name != self.app.name}

    def rest(self, ports: Ports) -> Rest:
        """What is left.

        :raises Refused: it cannot be removed safely
        """
        root = self._root()
        entries = ports.ledger.entries()
        history = fold(entries, self.app.name)
        served = self.proxy.look() if self.proxy else None
        slots = {slot: found for slot in SLOTS if (found := self._slot(slot, bool(served and served.runs)))}
        state = ports.store.state()
        journal_live = slots[state.live].release if state.live in slots else None
        releases, links, folders, kept = self._in_root(root)
        data, kept_data = self._shared(root)
        self._refuse_mounts(root, [*releases, *([data] if data else [])])
        account, kept_account = self._account(stays=bool(kept or kept_data))
        return Rest(
            live=history.live or journal_live,
            ended=bool(history.ended and not history.stack),
            state=state,
            armed=self._armed(ports, state, entries),
            one_off=self._one_off(ports),
            slots=slots,
            traffic=bool(served and served.runs and ports.proxy and _has_traffic(ports.proxy)),
            secrets=tuple(self._settings(slots)),
            proxy=_targets(served, "remove"),
            rewritten=_targets(served, "write"),
            reload=bool(served and served.reload),
            units=tuple(self._own_units()),
            releases=tuple(releases),
            links=tuple(links),
            shared=data,
            folders=(*folders, *([] if kept or kept_data else [root])) if os.path.isdir(root) else (),
            account=account,
            journal=tuple(self._journal()),
            kept=(*kept, *kept_data, *kept_account, *self._kept_settings(), *self._kept_proxy(served)),
        )

    def _armed(self, ports: Ports, state: State, entries: Sequence[Mapping[str, Any]]) -> Armed | None:
        """Where its file is damaged, what the journal and the ledger say."""
        armed = ports.store.armed()
        if any(found.path == self.layout.auto_rollback for found in ports.store.damage()):
            return presumed(state.operation, unconfirmed(entries, self.app.name), ports.clock.moment())
        return armed

    def _one_off(self, ports: Ports) -> str:
        """One that has ended is active until the next one is started, and does not run."""
        units = [
            unit for unit in map(self.layout.one_off, SLOTS) if os.path.lexists(self.layout.unit_file(unit))
        ]
        found = ports.services.look(units) if units else {}
        return next(
            (unit for unit, facts in found.items() if facts.active != "inactive" and facts.sub == "running"),
            "",
        )

    def _root(self) -> str:
        """The folder of the application without links. Whose links are no better than root's are not followed."""
        path = ""
        for part in filter(None, self.app.root.split("/")):
            path = f"{path}/{part}"
            if os.path.islink(path) and os.lstat(path).st_uid not in (0, os.geteuid()):
                raise Refused(
                    f"{path}, which leads to the application's folder, is a link that is not root's",
                    where="application_root",
                    fix="Nothing was changed. Make a folder of it, or remove the link.",
                )
        real = os.path.realpath(self.app.root)
        refuse_root(self.app, real, {name: os.path.realpath(app.root) for name, app in self.others.items()})
        return real

    def _slot(self, slot: str, runs: bool) -> SlotRest | None:
        record = self._record(slot)
        units = self._slot_units(slot, record)
        release = self.folders.held(slot)
        paths = (self.layout.slot(slot), self.layout.environment(slot), self.layout.record(slot))
        files = tuple(path for path in paths if os.path.lexists(path))
        if not (units or files):
            return None
        return SlotRest(release, tuple(units), files, web=runs and bool(record and record.web and units))

    def _record(self, slot: str) -> Slot | None:
        try:
            return self.folders.record(slot)
        except OpsError:
            # Nothing of it can be read; its units say themselves whose they are.
            return None

    def _slot_units(self, slot: str, record: Slot | None) -> list[str]:
        copies = {*self.folders.unit_texts(slot), *((*record.copies, *record.left) if record else ())}
        names = {name(self.app.name, copy, slot) for copy in copies for name in (unit_name, socket_name)}
        names |= {self.layout.migration(slot), self.layout.one_off(slot)}
        return sorted(unit for unit in names if os.path.lexists(self.layout.unit_file(unit)))

    def _settings(self, slots: Iterable[str]) -> Iterator[str]:
        """Files with settings and secrets. Those of a slot that is emptied go with that."""
        emptied = {f"{slot}.{kind}" for slot in slots for kind in ("json", "env")}
        for name in _names(self.config):
            if name not in ("application.json", "slots") and _ours(name, _SETTINGS):
                yield os.path.join(self.config, name)
        folder = os.path.join(self.config, "slots")
        for name in _names(folder):
            if name not in emptied and _ours(name, _RECORDS):
                yield os.path.join(folder, name)

    def _kept_settings(self) -> list[str]:
        folder = os.path.join(self.config, "slots")
        return [
            *_kept(self.config, lambda name: _ours(name, _SETTINGS)),
            *_kept(folder, lambda name: _ours(name, _RECORDS)),
            *_kept(self.state, lambda name: _ours(name, _JOURNAL)),
        ]

    def _kept_proxy(self, served: Served | None) -> list[str]:
        if served and served.runs and not served.files.changed and not served.reload:
            return [f"The proxy has a backend {self.app.name} that the role mas.ops.proxy did not write."]
        return []

    def _own_units(self) -> Iterator[str]:
        unit = self.layout.auto_rollback_unit
        yield from (
            path for path in (self.layout.unit_file(unit), enabled_link(unit)) if os.path.lexists(path)
        )

    def _in_root(self, root: str) -> tuple[list[str], list[str], list[str], list[str]]:
        """Releases, links of slots that are left over, folders that are empty then, and what stays."""
        releases, slots = os.path.join(root, "releases"), os.path.join(root, "slots")
        kept = _kept(root, {"releases", "slots", "shared"}.__contains__)
        kept += [f"{path} is no folder, and stays." for path in (releases, slots) if os.path.islink(path)]
        kept += _kept(releases, lambda name: _is_release(releases, name))
        kept += _kept(slots, lambda name: bool(_LINK.fullmatch(name)))
        found = [os.path.join(releases, name) for name in _names(releases) if _is_release(releases, name)]
        links = [os.path.join(slots, name) for name in _names(slots) if _LINK.fullmatch(name)]
        links = [path for path in links if os.path.basename(path) not in SLOTS]
        folders = [path for path in (slots, releases) if os.path.isdir(path) and not os.path.islink(path)]
        if os.path.islink(self.app.root) or root in trees.mounts_in(root):
            kept.append(f"{self.app.root} is a link or a file system of its own, and stays.")
        return sorted(found), sorted(links), folders, kept

    def _shared(self, root: str) -> tuple[str, list[str]]:
        """The tree of the data where it goes, and what to say where it stays."""
        path = os.path.join(root, "shared")
        if not os.path.lexists(path):
            return "", []
        if not self.drop_shared:
            return "", [f"{path} has the data of the application, and stays with its account."]
        if os.path.islink(path) or not os.path.isdir(path):
            raise Refused(
                f"{path} is no folder, and no link is followed to remove what it leads to",
                where="decommission_shared",
                fix="Nothing was changed. Remove the data by hand, or keep it: -e decommission_shared=keep.",
            )
        return path, []

    @staticmethod
    def _refuse_mounts(root: str, gone: Sequence[str]) -> None:
        points = [
            point
            for point in trees.mounts_in(root)
            if any(point == path or point.startswith(f"{path}/") for path in gone)
        ]
        if points:
            raise trees.mounted(points)

    def _account(self, stays: bool) -> tuple[str, list[str]]:
        """The user where it goes, and why it stays otherwise. A person's account never goes."""
        try:
            found = pwd.getpwnam(self.app.user)
        except KeyError:
            return "", []
        why = self._why_kept(found, stays)
        more = []
        if self.app.group != self.app.user and _is_group(self.app.group):
            more = [f"The group {self.app.group} stays: others may be in it."]
        return ("", [f"The account {self.app.user} stays: {why}.", *more]) if why else (self.app.user, more)

    def _why_kept(self, found: pwd.struct_passwd, stays: bool) -> str:
        name, app = found.pw_name, self.app
        made = (found.pw_gecos, found.pw_dir, os.path.basename(found.pw_shell))
        if made != (f"Runs {app.name}", app.root, "nologin") or not 0 < found.pw_uid <= _SYSTEM_IDS:
            return "mas.ops did not make it"
        if name in [other.user for other in self.others.values()]:
            return "another application runs as it"
        if stays:
            return f"there are still files in {app.root}"
        # What is below them is its own, or its group's, whoever has the folder: a new account could get the same numbers.
        paths = [path for path in app.sandbox.writable_paths if os.path.lexists(path)]
        paths += [path for path in (f"{_CRONTABS}/{name}",) if _is_of(path, found.pw_uid)]
        return f"there may be files of it in {', '.join(paths)}" if paths else ""

    def _journal(self) -> Iterator[str]:
        for name in sorted(_names(self.state)):
            if name not in _LOCK and _ours(name, _JOURNAL):
                yield os.path.join(self.state, name)


def _has_traffic(proxy: LoadBalancer) -> bool:
    facts = proxy.facts()
    after = facts.persisted.to_dict() if facts.persisted else {}
    return any(facts.percent(slot) or after.get(slot) for slot in SLOTS)


def _targets(served: Served | None, action: str) -> tuple[str, ...]:
    return tuple(step.target for step in served.files.steps if step.action == action) if served else ()


def _names(folder: str) -> list[str]:
    """What is in a folder; nothing where there is none, or a link."""
    try:
        return [] if os.path.islink(folder) else sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _kept(folder: str, ours: Callable[[str], bool]) -> list[str]:
    names = _names(folder)
    return kept_of(names, filter(ours, names), folder)


def _ours(name: str, known: Sequence[str]) -> bool:
    """One of these names, or what a killed or damaged write left of one."""
    spare = _SPARE.fullmatch(name)
    return name in known or bool(spare and (spare[1] or spare[2]) in known)


def _is_release(folder: str, name: str) -> bool:
    path = os.path.join(folder, name)
    return bool(_RELEASE.fullmatch(name)) and os.path.isdir(path) and not os.path.islink(path)


def _is_group(name: str) -> bool:
    try:
        return bool(grp.getgrnam(name))
    except KeyError:
        return False


def _is_of(path: str, user: int) -> bool:
    try:
        return os.lstat(path).st_uid == user
    except OSError:
        return False
