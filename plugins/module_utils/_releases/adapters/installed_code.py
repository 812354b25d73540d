# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code of this package as it stays on a host.

The automatic rollback needs it there when no controller is left to send it. And a phase that finds it there starts in a
third of the time that a module takes to be sent, unpacked and compiled.

It is one file, which holds all modules compiled, and is verified whole before any of it runs (:mod:`.launch`). Their text is
beside it: a unit runs that once the host has another Python, from an upgrade until the next change.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import marshal
import os
import pkgutil
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from types import CodeType
from typing import Any

from ..._core.errors import StorageError
from ..._core.files import storage_errors, write_atomic
from . import launch

#: What needs Ansible's own code, which does not stay.
_LEFT_OUT = ("_core.ansible_module",)
_LAUNCH = "_releases.adapters.launch"
#: What a call from a controller loads.
_CALL = "_releases.adapters.call"
_MODE = 0o600


def is_installed(folder: str, digest: str) -> bool:
    """Whether the code of this version is in ``folder`` and may be run."""
    try:
        launch.load(folder, digest)
        launch.load_sources(folder)
    except launch.Unusable:
        return False
    return True


def install(folder: str, digest: str) -> None:
    """Put the running code into ``folder``, unless it is there. Whatever else is there, or is in its way, goes.

    It must be the code of a module that was sent: installed code does not have its own text.

    :param folder: where only this is kept; made when it is missing
    :param digest: the version of the collection's code
    :raises StorageError: it could not be written, or would not be run from there
    """
    if is_installed(folder, digest):
        return
    text, sources = _texts()
    with storage_errors(folder):
        _make_folder(folder)
        for name in os.listdir(folder):
            _remove(os.path.join(folder, name))
        write_atomic(os.path.join(folder, launch.LAUNCH), text, _MODE)
        write_atomic(os.path.join(folder, launch.SOURCES), launch.pack_sources(sources, text), _MODE)
        modules = _compiled(sources)
        packed = launch.pack((modules, marshal.dumps(_generated(modules))), text, digest)
        write_atomic(os.path.join(folder, launch.MODULES), packed, _MODE)
    try:
        launch.load(folder, digest)
    except launch.Unusable as error:
        raise StorageError(
            f"the code for the automatic rollback cannot be installed on this host: {error}",
            where=folder,
            fix="Check that it and the folders above belong to root, and that no other user can write there.",
        ) from error


def _make_folder(folder: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            _remove(folder)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.chmod(folder, 0o700)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _texts() -> tuple[bytes, dict[str, tuple[bool, str]]]:
    """The text of :mod:`.launch`, and of all modules."""
    texts = {launch.ROOT: (True, "")}
    texts |= {f"{launch.ROOT}.{name}": (is_package, text) for name, is_package, text in _sources()}
    return texts[f"{launch.ROOT}.{_LAUNCH}"][1].encode(), texts


def _compiled(sources: Mapping[str, tuple[bool, str]]) -> launch.Modules:
    return {
        name: (kind, marshal.dumps(launch.compiled(name, text))) for name, (kind, text) in sources.items()
    }


def _generated(modules: launch.Modules) -> dict[str, CodeType]:
    """By its text, what :mod:`dataclasses` generates when a call loads these modules, see :func:`.launch.hasten`."""
    found: dict[str, CodeType] = {}

    def record(text: str) -> CodeType:
        found[text] = compile(text, "<string>", "exec", dont_inherit=True)
        return found[text]

    importer, others = launch.Importer(modules), set(sys.modules)
    launch.generate_with(record)
    sys.meta_path.insert(0, importer)
    try:
        importlib.import_module(f"{launch.ROOT}.{_CALL}")
    finally:
        sys.meta_path.remove(importer)
        del vars(dataclasses)["exec"]
        for name in set(sys.modules) - others:
            if name.startswith(launch.ROOT):
                del sys.modules[name]
    return found


def _sources() -> Iterator[tuple[str, bool, str]]:
    """Name, kind and text of each module of the root package that is at hand where this runs."""
    package = __name__.rsplit(".", 3)[0]
    for module in pkgutil.walk_packages(sys.modules[package].__path__, f"{package}."):
        name = module.name[len(package) + 1 :]
        spec = importlib.util.find_spec(module.name)
        loader: Any = spec.loader if spec else None
        if name not in _LEFT_OUT and loader is not None:
            yield name, module.ispkg, loader.get_source(module.name) or ""
