# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a slot was assigned, on the disk: its record, its units, its environment, and the link to its release."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Callable

from ..._core.errors import BadInput, NotFound, OpsError
from ..._core.files import (
    link_atomic,
    read_json,
    read_regular,
    storage_errors,
    sync_folder,
    write_atomic,
    write_changed,
    write_json,
)
from .. import environment_file, unit_file, units
from ..damage import Damage, Remains, port_of, rebuilt, whole_environment
from ..layout import PROVISION, Layout, enabled_link
from ..manifest import Manifest
from ..slot import Slot, assigned, emptied, parse_slot, pending, socket_name, unit_name
from .journal import secrets_of
from .private_files import account, give_to

#: Units of a slot that run once, and are no processes of its release.
_ONCE = (units.MIGRATION, units.ONE_OFF)


class SlotFiles:
    """Durable: each unit that a record names is on the disk, wherever a run was killed."""

    layout: Layout
    #: As they were read last: a phase asks for them at each look at a slot, and no other run writes them meanwhile.
    _records: dict[str, Slot | None]
    #: Files that were found damaged, by path.
    _damage: dict[str, Damage]

    def manifest(self, release: str) -> Manifest:
        raise NotImplementedError

    def held(self, slot: str) -> str | None:
        """The release that a slot points at, if its files are there."""
        with contextlib.suppress(OSError):
            release = os.path.basename(os.readlink(self.layout.slot(slot)))
            if os.path.isdir(self.layout.release(release)):
                return release
        return None

    def record(self, slot: str) -> Slot | None:
        """What the slot was assigned; ``None`` for one that holds nothing.

        One that was lost or is damaged is made again, from the units and the manifest.

        :raises BadInput: these are lost as well
        """
        if slot not in self._records:
            record = self._read_record(slot)
            self._records[slot] = record
            if record and record.processes and self.held(slot):
                self._check_environment(record)
        return self._records[slot]

    def _read_record(self, slot: str) -> Slot | None:
        path, release, wrong = self.layout.record(slot), self.held(slot), ""
        try:
            data = read_json(path, PROVISION)
            if data is not None:
                found = parse_slot(data, path)
                if (found.application, found.slot, release or found.release) == (
                    self.layout.app.name,
                    slot,
                    found.release,
                ):
                    return found
                wrong = f"it is about {found.application} {found.release}, slot {found.slot}"
        except BadInput as error:
            wrong = error.what
        if not wrong and not release:
            return None
        source = "the units of the slot and the manifest of its release" if release else ""
        self._damage[path] = Damage(path, wrong or "it is gone", source)
        return self._rebuilt(slot, release) if release else None

    def _rebuilt(self, slot: str, release: str) -> Slot:
        try:
            manifest: Manifest | None = self.manifest(release)
        except OpsError:
            manifest = None
        texts = self.unit_texts(slot)
        names = {copy: socket_name(self.layout.app.name, copy, slot) for copy in texts}
        held = {copy: _text(self.layout.unit_file(name)) for copy, name in names.items()}
        sockets = {copy: text for copy, text in held.items() if text}
        port = port_of(_text(self.layout.environment(slot)))
        return rebuilt(self.layout.app, slot, release, manifest, Remains(texts, sockets, port))

    def unit_texts(self, slot: str) -> dict[str, str]:
        """The unit files of a slot by copy of a process. ``crm-api-worker`` may be of crm-api, or of crm: the environment says it."""
        app = self.layout.app.name
        ours = f"\nEnvironmentFile={unit_file.path(self.layout.environment(slot))}\n"
        pattern = self.layout.unit_file(unit_name(glob.escape(app), "*", slot))
        texts = {
            os.path.basename(path)[len(app) + 1 :].partition("@")[0]: _text(path)
            for path in glob.glob(pattern)
        }
        return {name: text for name, text in texts.items() if ours in text and name not in _ONCE}

    def _check_environment(self, record: Slot) -> None:
        path = self.layout.environment(record.slot)
        text = _text(path)
        if not whole_environment(text, record):
            wrong = "it is incomplete" if text or os.path.lexists(path) else "it is gone"
            self._damage[path] = Damage(path, wrong, "the current settings")

    def pending(self, slot: str) -> tuple[str, ...]:
        """Settings that changed since the slot was assigned, and that only a next assignment brings."""
        record = self.record(slot)
        if record is None or not record.processes:
            return ()
        stale = _read(self.layout.environment(slot)) != self._environment(record).encode()
        return (*pending(record, self.layout.app), *(["environment"] if stale else []))

    def variables(self) -> frozenset[str]:
        """The names (never the values) that the application's environment file sets."""
        return frozenset(self._variables("replace"))

    def secrets(self, slot: str) -> frozenset[str]:
        """What no error may show of the environment of a slot's processes."""
        return secrets_of([self.layout.app.environment_file, self.layout.environment(slot)])

    def assign(self, slot: str, release: str, read: Callable[[bool], None]) -> None:
        """Point a slot and its units at a release. Units of processes that it has no more are removed; they were stopped before.

        The slot is empty meanwhile, and until ``read`` has returned: what a slot holds can be started, wherever a run was
        killed.

        :param read: called once all files are as they should be, with whether systemd has to read the units again
        """
        # It may have been unpacked when the application had another group.
        give_to(self.layout.release(release), account(self.layout.app)[1])
        old = self.record(slot)
        new, environment, texts = self._rendered(slot, release, self.manifest(release))
        # What can be refused was; from here on the slot is being filled.
        self._unlink(slot)
        if old and set(old.copies) != set(new.copies):
            added = {*old.left, *new.copies} - set(old.copies)
            self._write_record(replace(old, left=tuple(sorted(added))))
        self._make_folder(slot)
        write_atomic(self.layout.environment(slot), environment, 0o600)
        changed = [write_changed(self.layout.unit_file(unit), text.encode()) for unit, text in texts.items()]
        former = {*old.left, *old.copies} if old else set()
        self._write_record(replace(new, left=tuple(sorted(former - set(new.copies)))))
        gone = self._remove_units(slot, former, set(texts))
        read(any(changed) or gone)
        # What was read of the slot meanwhile was read of an empty one.
        self._records.pop(slot, None)
        link_atomic(self.layout.slot(slot), os.path.join("..", "releases", release))

    def try_assign(self, slot: str, release: str, manifest: Manifest) -> None:
        """Refuse what :meth:`assign` would refuse. Nothing is written.

        :raises BadInput: what the release or the inventory says cannot be rendered
        """
        self._rendered(slot, release, manifest)

    def _rendered(self, slot: str, release: str, manifest: Manifest) -> tuple[Slot, bytes, Mapping[str, str]]:
        new = assigned(self.layout.app, slot, release, manifest)
        return new, self._environment(new).encode(), units.render_all(new)

    def unassign(self, slot: str) -> bool:
        """Empty a slot, whose processes were stopped before; whether systemd has to read its units again."""
        self._unlink(slot)
        old = self.record(slot)
        if old is None:
            return False
        self._write_record(emptied(old))
        gone = self._remove_units(slot, {*old.left, *old.copies}, set())
        _remove(self.layout.environment(slot))
        _remove(self.layout.record(slot))
        self._records.pop(slot, None)
        return gone

    def write_migration(self, slot: str, command: Sequence[str], seconds: int) -> str:
        """The unit that runs a command of what the slot holds once. It is there until it is forgotten.

        :raises NotFound: the slot holds nothing
        """
        text = units.render_migration(self._filled(slot), command, seconds)
        return self._write_once(self.layout.migration(slot), text)

    def forget_migration(self, slot: str) -> None:
        _remove(self.layout.unit_file(self.layout.migration(slot)))

    def write_one_off(self, slot: str, process: str, command: Sequence[str], seconds: int) -> str:
        """The same for a command that an operator runs, as one of the processes of the slot."""
        text = units.render_one_off(self._filled(slot), process, command, seconds)
        return self._write_once(self.layout.one_off(slot), text)

    def one_off(self, slot: str) -> str | None:
        """Its unit, while there is one."""
        unit = self.layout.one_off(slot)
        return unit if os.path.lexists(self.layout.unit_file(unit)) else None

    def forget_one_off(self, slot: str) -> None:
        _remove(self.layout.unit_file(self.layout.one_off(slot)))

    def _filled(self, slot: str) -> Slot:
        record = self.record(slot)
        if record is None:
            raise NotFound(
                f"the {slot} slot holds nothing", where=self.layout.record(slot), fix="Deploy first."
            )
        return record

    def _write_once(self, unit: str, text: str) -> str:
        write_atomic(self.layout.unit_file(unit), text.encode())
        return unit

    def _environment(self, record: Slot) -> str:
        """The slot's own settings come last and win. What the role refuses may still have been written by hand."""
        own = {
            "MAS_SHARED": os.path.join(record.root, "shared"),
            "MAS_SLOT": record.slot,
            "PORT": str(record.port),
        }
        given = self._variables("surrogateescape").items()
        # The number of a copy is in its unit, and a file would beat it.
        allowed = {
            name: value
            for name, value in given
            if not environment_file.is_obeyed(name) and name != units.INSTANCE
        }
        return environment_file.render({**allowed, **own}) + "\n"

    def _variables(self, errors: str) -> Mapping[str, str]:
        path = self.layout.app.environment_file
        try:
            with open(path, encoding="utf-8", errors=errors, newline="") as stream:
                return environment_file.parse(stream.read())
        except FileNotFoundError:
            return {}

    def _write_record(self, record: Slot) -> None:
        self._make_folder(record.slot)
        self._records.pop(record.slot, None)
        write_json(self.layout.record(record.slot), record.to_dict())

    def _write_environment(self, record: Slot) -> None:
        self._make_folder(record.slot)
        write_atomic(self.layout.environment(record.slot), self._environment(record).encode(), 0o600)

    def _make_folder(self, slot: str) -> None:
        folder = os.path.dirname(self.layout.record(slot))
        with storage_errors(folder):
            os.makedirs(folder, mode=0o755, exist_ok=True)

    def _remove_units(self, slot: str, copies: set[str], kept: set[str]) -> bool:
        """Whether there was one. What is gone must not be enabled any more, also where it had failed and was not stopped."""
        names = {
            name(self.layout.app.name, copy, slot) for copy in copies for name in (unit_name, socket_name)
        }
        removed = []
        for unit in sorted(names - kept):
            removed.append(_remove(self.layout.unit_file(unit)))
            _remove(enabled_link(unit))
        return any(removed)

    def _unlink(self, slot: str) -> None:
        self._records.pop(slot, None)
        with storage_errors(self.layout.slot(slot)), contextlib.suppress(FileNotFoundError):
            os.unlink(self.layout.slot(slot))


def _remove(path: str) -> bool:
    with storage_errors(path), contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        sync_folder(os.path.dirname(path))
        return True
    return False


def _read(path: str) -> bytes:
    """Nothing of what is no file."""
    with contextlib.suppress(OSError):
        return read_regular(path)
    return b""


def _text(path: str) -> str:
    return _read(path).decode(errors="replace")
