# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put the code of this package where it stays on a host, see :mod:`.resident`."""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from ..._core.files import link_atomic, storage_errors, sync_folder
from .resident import CURRENT, at_home

#: What the root package is called there.
_ROOT = "mas_ops"
#: What needs Ansible's own code, which does not stay.
_LEFT_OUT = ("_core.edge",)
#: Run as a file and not as a folder, and without site: both would cost more than the call's own imports from here.
_MAIN = f"""\
import gc
import os
import sys

# A call ends before there is garbage worth looking for.
gc.disable()
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from {_ROOT}._releases.adapters.door import main

raise SystemExit(main())
"""


def install(residence: str, digest: str) -> None:
    """Put the running code into ``residence`` under ``digest``, all of it or nothing; older code goes.

    :param residence: a folder that only root may write
    """
    if at_home(residence, digest):
        return
    place, current = os.path.join(residence, digest), os.path.join(residence, CURRENT)
    with storage_errors(residence):
        os.makedirs(residence, mode=0o750, exist_ok=True)
        if not os.path.isdir(place):
            _write(residence, place)
        link_atomic(current, digest)
        for name in os.listdir(residence):
            if name not in (digest, CURRENT):
                shutil.rmtree(os.path.join(residence, name), ignore_errors=True)


def _write(residence: str, place: str) -> None:
    scratch = tempfile.mkdtemp(dir=residence, prefix=".")
    for name, text in {"__main__.py": _MAIN, **dict(_sources())}.items():
        path = os.path.join(scratch, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    os.rename(scratch, place)
    sync_folder(residence)


def _sources() -> Iterator[tuple[str, str]]:
    """Path and text of every file of the root package that is at hand where this runs."""
    package = __name__.rsplit(".", 3)[0]
    yield os.path.join(_ROOT, "__init__.py"), ""
    for module in pkgutil.walk_packages(sys.modules[package].__path__, f"{package}."):
        name = module.name[len(package) + 1 :]
        spec = importlib.util.find_spec(module.name)
        loader: Any = spec.loader if spec else None
        if name in _LEFT_OUT or loader is None:
            continue
        path = os.path.join(_ROOT, *name.split("."))
        path = os.path.join(path, "__init__.py") if module.ispkg else f"{path}.py"
        yield path, loader.get_source(module.name) or ""
