# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of one application on its host: releases, journal, lock, and the slots."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence

from ..._core.errors import BadInput, NotFound, OpsError, StorageError
from ..._core.files import read_json, set_aside, storage_errors, sync_folder, write_json
from ..._core.names import check_application
from ..._traffic.split import SLOTS
from ..application import CONFIG, SITE, Application, parse_application
from ..auto_rollback import Armed, parse_armed
from ..commands import command, restored
from ..damage import Damage
from ..layout import PROVISION, Layout
from ..lease import Lease, parse_lease
from ..manifest import MEMBER, Manifest
from ..neighbours import Footprint, footprint
from ..slot import Slot, as_run
from ..state import State, parse_state
from .private_files import account, give_to
from .slots import SlotFiles

_RELEASE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]*-[0-9a-f]{12}")
_PARTIAL = ".partial-"


def applications() -> list[str]:
    """The names of all applications that this host was provisioned for."""
    found = glob.glob(CONFIG.format(name="*"))
    return sorted(os.path.basename(os.path.dirname(path)) for path in found)


def load_application(name: str) -> Application:
    """
    :raises NotFound: this host was not provisioned for the application
    """
    check_application(name)
    path = CONFIG.format(name=name)
    data = read_json(path, PROVISION)
    if data is None:
        raise _unknown(name, path)
    app = parse_application(data, path, read_json(SITE.format(name=name), PROVISION))
    if app.name != name:
        raise BadInput(f"this describes {app.name}", where=path, fix="Write it again with mas.ops.provision.")
    return as_run(app, _records(Folders(Layout(app))))


def _unknown(name: str, path: str) -> NotFound:
    """What to say of an application that this host does not have, any more or yet."""
    from ..._ledger.adapters.host import host_ledger  # noqa: PLC0415 - for this message only
    from ..._ledger.history import fold  # noqa: PLC0415

    provision = f"Provision it: {command('provision', application_name=name)}"
    with contextlib.suppress(OpsError, OSError):
        if ended := fold(host_ledger().entries(), name).ended:
            return NotFound(
                f"{name} was decommissioned on this host at {ended.time}",
                where=path,
                fix=f"To bring it back, provision and deploy it: {restored(name, ended.release)}",
            )
    return NotFound(f"this host knows no application {name!r}", where=path, fix=provision)


def _records(folders: Folders) -> Iterator[Slot]:
    """What the slots hold, as far as it can be read."""
    for slot in SLOTS:
        with contextlib.suppress(OpsError):
            if record := folders.record(slot):
                yield record


def select_processes(app: Application, selection: Mapping[str, int]) -> None:
    """Write down how many copies of its processes this host runs; the lock must be held."""
    path = CONFIG.format(name=app.name)
    data = read_json(path, PROVISION)
    if data is not None and (data.get("processes") or {}) != selection:
        write_json(path, {**data, "processes": dict(selection)})


class Folders(SlotFiles):
    """Durable reads and writes below the paths of :class:`Layout`."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._manifests: dict[str, Manifest] = {}
        self._records = {}
        self._damage = {}
        self._mended: list[str] = []

    def state(self) -> State:
        """As of a host without releases where it is damaged: ledger and slots then say what is live."""
        with self._noting(self.layout.state, "ledger and slots"):
            return parse_state(read_json(self.layout.state, PROVISION))
        return State()

    def write_state(self, state: State) -> None:
        write_json(self.layout.state, state.to_dict(), mode=0o640)

    def lease(self) -> Lease:
        """One that cannot be read must not keep a host from going back: the lock of the kernel keeps two runs apart."""
        with self._noting(self.layout.lease, ""):
            return parse_lease(read_json(self.layout.lease, PROVISION))
        return parse_lease(None)

    def write_lease(self, lease: Lease) -> None:
        damage = self._damage.pop(self.layout.lease, None)
        if damage:
            self._mended.append(damage.mended(set_aside(damage.path)))
        write_json(self.layout.lease, lease.to_dict(), mode=0o640)

    def armed(self) -> Armed | None:
        """``None`` also where the file is damaged: what it may have said, :func:`..observe.observe` finds out."""
        with self._noting(self.layout.auto_rollback, "ledger and journal"):
            return parse_armed(read_json(self.layout.auto_rollback, PROVISION))
        return None

    def damage(self) -> tuple[Damage, ...]:
        """The damage found so far that was not repaired since."""
        return tuple(self._damage[path] for path in sorted(self._damage))

    def mend(self, state: State, armed: Armed | None) -> None:
        """Set the damaged files aside, and rewrite them.

        :param state: what the journal should say; ``armed`` what the automatic rollback waits for, if it does
        """
        records = [record for slot in SLOTS if (record := self.record(slot))]
        for damage in self.damage():
            kept = set_aside(damage.path) if os.path.lexists(damage.path) else ""
            written = self._write_anew(damage.path, state, armed, records)
            del self._damage[damage.path]
            self._mended.append(damage.mended(kept, written))

    def _write_anew(self, path: str, state: State, armed: Armed | None, records: Sequence[Slot]) -> bool:
        """Whether there was something to be written."""
        for record in records:
            if path == self.layout.record(record.slot):
                self._write_record(record)
                return True
            if path == self.layout.environment(record.slot):
                self._write_environment(record)
                return True
        if path == self.layout.state:
            self.write_state(state)
        elif path == self.layout.auto_rollback and armed:
            self.write_armed(armed)
        return path == self.layout.state or (path == self.layout.auto_rollback and armed is not None)

    def mended(self) -> list[str]:
        """Sentences about what was set aside and rewritten."""
        return list(self._mended)

    @contextlib.contextmanager
    def _noting(self, path: str, source: str) -> Iterator[None]:
        """What cannot be used is noted, and no error."""
        try:
            yield
            self._damage.pop(path, None)
        except (AttributeError, BadInput, KeyError, TypeError, ValueError) as error:
            what = error.what if isinstance(error, BadInput) else f"its content is wrong: {error!r}"
            self._damage[path] = Damage(path, what, source)

    def write_armed(self, armed: Armed) -> None:
        write_json(self.layout.auto_rollback, armed.to_dict(), mode=0o640)

    def forget_armed(self) -> None:
        with storage_errors(self.layout.auto_rollback), contextlib.suppress(FileNotFoundError):
            os.unlink(self.layout.auto_rollback)
            sync_folder(os.path.dirname(self.layout.auto_rollback))

    def on_disk(self) -> frozenset[str]:
        """The releases that are completely unpacked. Other things beside them are not this collection's to remove."""
        return frozenset(filter(_RELEASE.fullmatch, _names(self.layout.releases)))

    def manifest(self, release: str) -> Manifest:
        """What never changes once it is unpacked, so it is read once."""
        if release not in self._manifests:
            self._manifests[release] = self._read_manifest(release)
        return self._manifests[release]

    def _read_manifest(self, release: str) -> Manifest:
        path = os.path.join(self.layout.release(release), MEMBER)
        try:
            with open(path, "rb") as stream:
                return Manifest.from_json(stream.read())
        except OSError as error:
            raise StorageError(
                f"the manifest of {release} cannot be read: {error.strerror}",
                where=path,
                fix="Unpack it there again from the artifact, or restore the folder.",
            ) from error

    def neighbours(self) -> list[Footprint]:
        """What the other applications of this host have for themselves."""
        return [_footprint(name) for name in applications() if name != self.layout.app.name]

    def archive(self, release: str) -> str:
        """Where the fetched archive of a release waits to be unpacked."""
        with storage_errors(self.layout.incoming):
            os.makedirs(self.layout.incoming, mode=0o700, exist_ok=True)
        return os.path.join(self.layout.incoming, f"{release}.tar.gz")

    def unpack(self, release: str) -> None:
        """Unpack the fetched archive beside its place and rename it there: all of it or nothing."""
        # Loaded here, see assemble() in host.py.
        from .archive import unpack  # noqa: PLC0415
        from .shared_links import link_shared  # noqa: PLC0415

        archive = self.archive(release)
        scratch = os.path.join(self.layout.releases, _PARTIAL + release)
        with storage_errors(scratch):
            _remove_tree(scratch)
            os.makedirs(scratch, mode=0o755)
        owner = account(self.layout.app)
        manifest = unpack(archive, scratch, group=owner[1])
        link_shared(scratch, manifest.shared, os.path.join(self.layout.app.root, "shared"), owner)
        give_to(scratch, owner[1])
        with storage_errors(scratch):
            os.rename(scratch, self.layout.release(release))
            sync_folder(self.layout.releases)
        self.forget_archive(release)

    def sweep(self) -> None:
        """Remove what runs that were killed left half-done."""
        for name in _names(self.layout.releases):
            if name.startswith(_PARTIAL):
                _remove_tree(os.path.join(self.layout.releases, name))
        for name in _names(self.layout.incoming):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self.layout.incoming, name))

    def forget_archive(self, release: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.layout.incoming, f"{release}.tar.gz"))

    def remove(self, release: str) -> None:
        """Remove a release; it is renamed first, so that half of it never looks like a release."""
        scratch = os.path.join(self.layout.releases, _PARTIAL + release)
        self._manifests.pop(release, None)
        _remove_tree(scratch)
        with storage_errors(self.layout.release(release)), contextlib.suppress(FileNotFoundError):
            os.rename(self.layout.release(release), scratch)
        _remove_tree(scratch)


def _footprint(name: str) -> Footprint:
    app = load_application(name)
    folders = Folders(Layout(app))
    return footprint(app, [record for slot in SLOTS if (record := folders.record(slot))])


def _remove_tree(path: str) -> None:
    # It loads three compressors, and most phases of a release remove nothing.
    import shutil  # noqa: PLC0415

    shutil.rmtree(path, ignore_errors=True)


def _names(folder: str) -> frozenset[str]:
    with contextlib.suppress(FileNotFoundError):
        return frozenset(os.listdir(folder))
    return frozenset()
