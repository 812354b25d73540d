# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of an application that were destroyed, and what they said as far as it can be read elsewhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .._core.errors import BadInput
from . import unit_file
from .application import Application
from .instances import counts, of_copy
from .manifest import PORT, SYSTEMD, WEB, WORKER, Manifest, Process
from .slot import Slot, assigned

_SIGNAL = re.compile(r"SIG[A-Z0-9]{2,6}")
_UNKNOWN = ("/bin/false",)


@dataclass(frozen=True)
class Damage:
    """One file that cannot be used.

    :param what: what is wrong with it
    :param source: what it is rewritten from; empty if it need not be rewritten
    """

    path: str
    what: str
    source: str

    def __str__(self) -> str:
        again = f"; the next change writes it anew from {self.source}" if self.source else ""
        return f"{self.path} is damaged: {self.what}{again}."

    def mended(self, kept: str, written: bool = True) -> str:
        """What was done about it.

        :param kept: where it was set aside, empty where nothing was there
        :param written: something was to be written in its place
        """
        aside = f" It was set aside as {kept}." if kept else ""
        again = f" It was written anew from {self.source}." if self.source and written else ""
        return f"{self.path} was damaged: {self.what}.{aside}{again}"


@dataclass(frozen=True)
class Remains:
    """What is left of a slot: texts of its unit files and of their sockets, by copy, and the port of its environment."""

    units: Mapping[str, str]
    sockets: Mapping[str, str]
    port: int | None = None


def rebuilt(app: Application, slot: str, release: str, manifest: Manifest | None, remains: Remains) -> Slot:
    """The record of a slot that lost it, from its units, which are still what it was assigned.

    :param manifest: of the release; ``None`` where that is damaged as well. It is not known then what a healthy answer
        is: the slot can be left, not judged
    :raises BadInput: nothing of it is left
    """
    units, sockets = remains.units, remains.sockets
    there = counts(units)
    if manifest:
        # The units say how many copies of what ran, whatever the inventory says today.
        record = assigned(replace(app, processes={**app.processes, **there}), slot, release, manifest)
        record = replace(record, selection=app.processes)
    elif units:
        first = {of_copy(name)[0]: (name, text) for name, text in sorted(units.items(), reverse=True)}
        processes = {
            process: replace(_process(text, name in sockets), instances=there[process])
            for process, (name, text) in sorted(first.items())
        }
        record = replace(_empty(app, slot, release), processes=processes)
    else:
        raise BadInput(
            f"neither the record of the {slot} slot nor its units nor the manifest of {release} can be read",
            where="this host",
            fix="Restore them from a backup, or reinstall the host: mas.ops.provision, then mas.ops.deploy.",
        )
    listens = [found for text in sockets.values() if (found := _port(_setting(text, "ListenStream")))]
    record = replace(record, port=remains.port or next(iter(listens), record.port))
    record = replace(record, left=tuple(sorted(set(units) - set(record.copies))))
    return _as_assigned(record, next(iter(units.values()), ""))


def whole_environment(text: str, record: Slot) -> bool:
    """Whether the environment of a slot is there to its end, as far as that can be seen."""
    lines = text.splitlines()
    return text.endswith("\n") and f'MAS_SLOT="{record.slot}"' in lines and f'PORT="{record.port}"' in lines


def port_of(text: str) -> int | None:
    """The port that the environment of a slot names."""
    found = re.search(r'^PORT="(\d{1,5})"$', text, re.MULTILINE)
    return _port(found[1]) if found else None


def _empty(app: Application, slot: str, release: str) -> Slot:
    return Slot(
        app.name,
        slot,
        release,
        {},
        None,
        app.ports[slot],
        app.host,
        app.user,
        app.group,
        app.root,
        app.sandbox,
        selection=app.processes,
    )


def _as_assigned(record: Slot, text: str) -> Slot:
    """Account and root as a unit of the slot has them; what is no such thing there is that of today."""
    user, group = _setting(text, "User"), _setting(text, "Group")
    folder = _setting(text, "WorkingDirectory")
    try:
        if folder.endswith(f"/slots/{record.slot}"):
            root = unit_file.check_path(posixpath.dirname(posixpath.dirname(folder)), "root")
            record = replace(record, root=root)
        if user and group:
            record = replace(
                record, user=unit_file.account(user, "user"), group=unit_file.account(group, "group")
            )
    except BadInput:
        return record
    return record


def _process(text: str, socket: bool) -> Process:
    """What is needed to stop one of which only its unit is known."""
    signal, grace = _setting(text, "KillSignal"), _setting(text, "TimeoutStopSec")
    if signal == "SIGKILL":
        # No manifest can say it: so it is stopped that has no grace.
        signal, grace = "SIGTERM", "0"
    return Process(
        kind=WEB if " slot-up " in text else WORKER,
        command=_UNKNOWN,
        stop_signal=signal if _SIGNAL.fullmatch(signal) else "SIGTERM",
        stop_grace=int(grace) if grace.isdigit() and len(grace) < 5 else 0,
        listen=SYSTEMD if socket else PORT,
    )


def _setting(text: str, name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", text, re.MULTILINE)
    return found[1].replace("%%", "%") if found else ""


def _port(text: str) -> int | None:
    number = text.rpartition(":")[2]
    return int(number) if number.isdigit() and 0 < int(number) < 65536 else None
