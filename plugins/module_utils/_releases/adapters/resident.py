# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code of this package as it stays on a host.

The dead-man's switch needs it there when nobody is left to send it. And a phase that finds it there starts in a
third of the time that a module takes to be sent, unpacked and compiled.

It is a folder that Python runs, named after a digest of the collection's code, so that it is never an old one.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import os
import pkgutil
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from ..._core.errors import OpsError
from ..._core.files import link_atomic, storage_errors, sync_folder
from ..._core.outcome import error_result

#: What the root package is called there.
_ROOT = "mas_ops"
#: What needs Ansible's own code, which does not stay.
_LEFT_OUT = ("_core.edge",)
_MAIN = f"from {_ROOT}._releases.adapters.resident import main\n\nraise SystemExit(main())\n"
#: A link beside the folders, for units that cannot know the digest.
_CURRENT = "current"


def install(residence: str, digest: str) -> None:
    """Put the running code into ``residence`` under ``digest``, all of it or nothing; older code goes.

    :param residence: a folder that only root may write
    """
    place = os.path.join(residence, digest)
    current = os.path.join(residence, _CURRENT)
    with storage_errors(residence):
        if os.path.isdir(place) and os.path.realpath(current) == place:
            return
        os.makedirs(residence, mode=0o750, exist_ok=True)
        if not os.path.isdir(place):
            _write(residence, place)
        link_atomic(current, digest)
        for name in os.listdir(residence):
            if name not in (digest, _CURRENT):
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


def main() -> int:
    """``release`` or ``info``: one call, options on the standard input and result on the standard output, both JSON.
    ``dead-man APPLICATION``: wait for the confirmation of a release, or take the host back.

    The options may hold ``archive``, an artifact in base64, which then needs no connection of its own.

    :returns: an exit status; 2 stays Python's own word for "there is no such folder"
    """
    if sys.argv[1] == "dead-man":
        from . import dead_man  # noqa: PLC0415 - the other call is the one that has to be quick

        return dead_man.watch(sys.argv[2])
    asked = json.load(sys.stdin)
    with _unpacked(asked.pop("archive", None), asked["params"]) as params:
        result = _answer(sys.argv[1], params, bool(asked["check_mode"]))
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
    return 0


@contextlib.contextmanager
def _unpacked(archive: str | None, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if archive is None:
        yield params
        return
    # Only root reads it, and nothing of it is believed before its digest was checked.
    with tempfile.NamedTemporaryFile(prefix="mas-artifact-", suffix=".tar.gz") as stream:
        stream.write(base64.b64decode(archive))
        stream.flush()
        yield {**params, "artifact": stream.name}


def _answer(call: str, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    from .call import info, release  # noqa: PLC0415 - it imports this file

    try:
        if call == "info":
            return {"changed": False, **info(params)}
        return release(params, check_mode).to_result()
    except OpsError as error:
        return {"failed": True, "changed": False, **error_result(error)}
