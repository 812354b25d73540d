# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where everything of an application lies on a host, and what a slot's units are called."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from .._traffic.split import SLOTS
from .application import Application
from .manifest import Manifest, Process

UNITS = "/etc/systemd/system"
STATE = "/var/lib/mas"


@dataclass(frozen=True)
class Layout:
    """Paths and unit names of one application."""

    app: Application

    def release(self, release: str) -> str:
        return posixpath.join(self.app.root, "releases", release)

    @property
    def releases(self) -> str:
        return posixpath.join(self.app.root, "releases")

    def slot(self, slot: str) -> str:
        """The symbolic link that says which release a slot runs."""
        return posixpath.join(self.app.root, "slots", slot)

    @property
    def state(self) -> str:
        return posixpath.join(STATE, self.app.name, "state.json")

    @property
    def lock(self) -> str:
        return posixpath.join(STATE, self.app.name, "lock")

    @property
    def lease(self) -> str:
        return posixpath.join(STATE, self.app.name, "lease.json")

    @property
    def dead_man(self) -> str:
        """There while a release waits for its confirmation."""
        return posixpath.join(STATE, self.app.name, "dead-man.json")

    @property
    def code(self) -> str:
        """The code of the collection that stays on the host, see ``adapters.installed_code``."""
        return posixpath.join(STATE, self.app.name, "code")

    @property
    def dead_man_unit(self) -> str:
        return f"{self.app.name}-dead-man.service"

    @property
    def dead_man_timer(self) -> str:
        """Wakes it. systemd has one only while it waits."""
        return f"{self.app.name}-dead-man.timer"

    @property
    def incoming(self) -> str:
        return posixpath.join(STATE, self.app.name, "incoming")

    def unit(self, process: str, slot: str) -> str:
        return f"{self.app.name}-{process}@{slot}.service"

    def web(self, slot: str) -> tuple[str, ...]:
        return (self.unit(self.app.web, slot),) if self.app.web else ()

    def workers(self, slot: str) -> tuple[str, ...]:
        return tuple(self.unit(process, slot) for process in self.app.workers)

    def units(self, slot: str) -> tuple[str, ...]:
        return self.web(slot) + self.workers(slot)

    def all_units(self) -> tuple[str, ...]:
        return tuple(unit for slot in SLOTS for unit in self.units(slot))

    def drop_in(self, process: str, slot: str) -> str:
        """The file that holds what a release says about one unit of one slot."""
        return posixpath.join(UNITS, self.unit(process, slot) + ".d", "50-release.conf")


def render_drop_in(layout: Layout, slot: str, process: Process) -> str:
    """The text of :meth:`Layout.drop_in`.

    It does not name the release: most releases change nothing here, and then systemd has nothing to reload.
    """
    program, *rest = absolute(process.command, layout.slot(slot))
    command = " ".join(_quote(word) for word in (program, *map(literal, rest)))
    # systemd reads 0 as "wait for ever".
    grace = process.stop_grace or "1ms"
    return (
        "# Written by mas.ops.release from the manifest of what this slot holds.\n"
        "[Service]\n"
        "ExecStart=\n"
        f"ExecStart={command}\n"
        f"KillSignal={process.stop_signal}\n"
        f"TimeoutStopSec={grace}\n"
    )


def missing_processes(app: Application, manifest: Manifest) -> list[str]:
    """What the manifest and the host's units disagree about, in words."""
    wrong = []
    for name, process in sorted(manifest.processes.items()):
        if app.processes.get(name) != process.kind:
            wrong.append(f"{name} ({process.kind}) has no unit on this host")
    wrong.extend(
        f"{name} ({kind}) is not in the artifact"
        for name, kind in sorted(app.processes.items())
        if name not in manifest.processes
    )
    return wrong


def absolute(command: Sequence[str], folder: str) -> list[str]:
    """systemd wants a bare name or an absolute path; ``./x`` and ``a/b`` mean the release's folder."""
    first, *rest = command
    if "/" in first and not first.startswith("/"):
        first = posixpath.normpath(posixpath.join(folder, first))
    return [first, *rest]


def literal(argument: str) -> str:
    """An argument in which systemd finds no variable. It looks for none in the name of the program itself."""
    return argument.replace("$", "$$")


def _quote(word: str) -> str:
    """One word as systemd.service(5) reads it, with no specifier expanded."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
