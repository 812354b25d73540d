# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one slot of an application was assigned: all that is needed to run, judge and stop it, as it was then.

What the inventory says since then is for the next assignment.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._core.errors import BadInput
from .application import Application, Sandbox
from .instances import copy_names, parse_selection, selected
from .manifest import WEB, Health, Manifest, Process

SCHEMA = 1
CONFIG = "/etc/mas"


@dataclass(frozen=True)
class Slot:
    """The record of a slot.

    ``processes`` are those that run here. ``selection`` is what the inventory said about their number. ``left`` names copies
    of processes whose units may still be on the disk, stopped.
    """

    application: str
    slot: str
    release: str
    processes: Mapping[str, Process]
    health: Health | None
    port: int
    host: str
    user: str
    group: str
    root: str
    sandbox: Sandbox
    left: tuple[str, ...] = field(default=())
    selection: Mapping[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where its release is, as its processes see it."""
        return posixpath.join(self.root, "slots", self.slot)

    @property
    def web_process(self) -> str | None:
        return next((name for name, process in self.processes.items() if process.kind == WEB), None)

    @property
    def socket(self) -> str | None:
        """The unit of the socket that systemd holds for the web process, where it does."""
        web = self.web_process
        if web is None or not self.processes[web].socket_activated:
            return None
        return socket_name(self.application, web, self.slot)

    @property
    def web(self) -> tuple[str, ...]:
        """The units that serve requests: the services first, then their socket, where they have one."""
        return self.web_services + ((self.socket,) if self.socket else ())

    @property
    def web_services(self) -> tuple[str, ...]:
        return self._services(web=True)

    @property
    def workers(self) -> tuple[str, ...]:
        return self._services(web=False)

    def _services(self, web: bool) -> tuple[str, ...]:
        names = [name for name, process in sorted(self.processes.items()) if (process.kind == WEB) == web]
        return tuple(self.unit(copy) for name in names for copy in self.copies_of(name))

    def copies_of(self, process: str) -> tuple[str, ...]:
        return copy_names(process, self.processes[process].instances)

    @property
    def copies(self) -> tuple[str, ...]:
        """All copies of all processes."""
        return tuple(copy for name in sorted(self.processes) for copy in self.copies_of(name))

    @property
    def units(self) -> tuple[str, ...]:
        return self.web + self.workers

    def unit(self, copy: str) -> str:
        return unit_name(self.application, copy, self.slot)

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "application": self.application,
            "slot": self.slot,
            "release": self.release,
            "processes": {name: process.to_dict() for name, process in sorted(self.processes.items())},
            "health": self.health.to_dict() if self.health else None,
            "port": self.port,
            "host": self.host,
            "user": self.user,
            "group": self.group,
            "root": self.root,
            "sandbox": self.sandbox.to_dict(),
            "left": list(self.left),
            "selection": dict(self.selection),
        }


def record_path(application: str, slot: str) -> str:
    """Where the record is."""
    return posixpath.join(CONFIG, application, "slots", f"{slot}.json")


def environment_path(application: str, slot: str) -> str:
    """The environment of the slot's processes, as it was when the slot was assigned."""
    return posixpath.join(CONFIG, application, "slots", f"{slot}.env")


def unit_name(application: str, process: str, slot: str) -> str:
    return f"{application}-{process}@{slot}.service"


def socket_name(application: str, process: str, slot: str) -> str:
    return f"{application}-{process}@{slot}.socket"


def assigned(app: Application, slot: str, release: str, manifest: Manifest) -> Slot:
    """The record of a slot that gets ``release`` now.

    :raises BadInput: the inventory wants copies of a process that cannot be
    """
    processes = selected(manifest.processes, app.processes)
    web = any(process.kind == WEB for process in processes.values())
    return Slot(
        application=app.name,
        slot=slot,
        release=release,
        processes=processes,
        health=manifest.health if web else None,
        port=app.ports[slot],
        host=app.host,
        user=app.user,
        group=app.group,
        root=app.root,
        sandbox=app.sandbox,
        selection=app.processes,
    )


def as_run(app: Application, records: Iterable[Slot]) -> Application:
    """The application as its slots run it: without the proxy where the inventory has its web process run on other hosts."""
    held = [record for record in records if record.processes]
    elsewhere = any(0 in record.selection.values() for record in held)
    return replace(app, web=False) if elsewhere and not any(record.web for record in held) else app


def emptied(record: Slot) -> Slot:
    """The same slot without a process; their units are left to be removed."""
    return replace(record, processes={}, health=None, left=tuple(sorted({*record.left, *record.copies})))


def pending(record: Slot, app: Application) -> list[str]:
    """What the slot was assigned with and a next assignment would do otherwise, by name of the setting."""
    now = {
        "port": app.ports[record.slot],
        "host": app.host,
        "user": app.user,
        "group": app.group,
        "root": app.root,
        "processes": dict(app.processes),
        **app.sandbox.to_dict(),
    }
    then = {**record.to_dict(), **record.sandbox.to_dict(), "processes": dict(record.selection)}
    return sorted(name for name, value in now.items() if then[name] != value)


def parse_slot(data: Any, path: str) -> Slot:
    """Read a parsed record.

    :raises BadInput: it is not one
    """
    try:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']!r}")
        health = data["health"]
        return Slot(
            application=str(data["application"]),
            slot=str(data["slot"]),
            release=str(data["release"]),
            processes={
                name: Process.parse(process, f"processes.{name}")
                for name, process in data["processes"].items()
            },
            health=Health.parse(health) if health else None,
            port=int(data["port"]),
            host=str(data["host"]),
            user=str(data["user"]),
            group=str(data["group"]),
            root=str(data["root"]),
            sandbox=Sandbox.parse(data["sandbox"]),
            left=tuple(map(str, data["left"])),
            # A slot that was filled before there was a choice has none.
            selection=parse_selection(data.get("selection", {})),
        )
    except (AttributeError, BadInput, KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"the record of the slot is not usable: {error!r}",
            where=path,
            fix="Restore the file from a backup. It records what runs in the slot.",
        ) from error
