# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store: a folder of artifacts that only ever grows.

An artifact is its archive and three files beside it. The archive is renamed into place last, so
who sees it sees all of it, whenever the builder is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ....module_utils._core.errors import BadInput
from ....module_utils._core.files import storage_errors, sync_folder
from ....module_utils._core.plan import Plan
from ....module_utils._releases.manifest import archive_name
from ..publish import REMOVE

_SCRATCH = ".build-"
_DAY = 86400.0
_SHOWN = 10


def sidecar(archive: str | Path, suffix: str) -> Path:
    """The file beside an archive."""
    return Path(f"{archive}{suffix}")


def versions(store: Path, name: str) -> str:
    """The versions of an application in a store in words, oldest file first, by the names of the files alone.

    They may be anyone's: nothing in them is read before it was verified. That ``agents-x-1.tar.gz`` is ``x-1`` of
    ``agents`` or ``1`` of ``agents-x`` does not follow from the name: those that begin with a digit take precedence.
    """
    found = []
    with os.scandir(store) as entries:
        for entry in entries:
            version = entry.name.removeprefix(f"{name}-").removesuffix(".tar.gz")
            with contextlib.suppress(BadInput):
                if entry.name == archive_name(name, version) and entry.is_file(follow_symlinks=False):
                    found.append((entry.stat(follow_symlinks=False).st_mtime, version))
    names = [entry[1] for entry in sorted(found)]
    own = [version for version in names if version[0].isdigit()] or names
    more = f"{len(own) - _SHOWN} older ones, " if len(own) > _SHOWN else ""
    return more + ", ".join(own[-_SHOWN:])


@contextlib.contextmanager
def scratch(store: Path | None) -> Iterator[Path]:
    """A folder to build in: inside the store, so that renaming is enough; elsewhere in check mode."""
    with storage_errors(str(store or tempfile.gettempdir())):
        if store:
            store.mkdir(parents=True, exist_ok=True)
            _sweep(store)
        folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=store))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def apply(plan: Plan, store: Path, folder: Path) -> None:
    """Carry out the steps in their order, each durable before the next."""
    with storage_errors(str(store)):
        for step in plan.steps:
            if step.action == REMOVE:
                (store / step.target).unlink()
            else:
                (folder / step.target).chmod(0o644)
                (folder / step.target).replace(store / step.target)
            sync_folder(str(store))


def write(path: Path, text: str) -> None:
    """A file in the scratch folder, flushed to the disk before it is renamed."""
    with storage_errors(str(path)), path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


@contextlib.contextmanager
def locked(store: Path) -> Iterator[None]:
    """No other build publishes between looking and renaming. The kernel drops the lock with its process."""
    handle = os.open(store, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(store: Path) -> None:
    """What a killed build left; nothing takes a day to build."""
    for folder in store.glob(f"{_SCRATCH}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _DAY:
                shutil.rmtree(folder, ignore_errors=True)
