# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the installed code of a host, after it was verified. Loads nothing of the collection itself.

The controller sends the text of this file in front of a request, so what verifies is never what may be damaged. Units of
the host have nothing that sends it, and run the copy that :mod:`.installed_code` keeps beside the code.

    python3 -I -S launch.py CALL FOLDER DIGEST|any [WORD ...]    see :func:`.command.main` for the calls
"""

from __future__ import annotations

import _frozen_importlib_external as machinery
import gc
import hashlib
import marshal
import os
import stat
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

#: What the root package is called in the installed code.
ROOT = "mas_ops"
#: All modules, compiled; their text, for units when the host has another Python now; and a copy of this file.
MODULES, SOURCES, LAUNCH = "modules", "sources", "launch.py"
#: Exit status when there is no code that may be run. Nothing was begun then.
NOT_INSTALLED = 69
#: Far above what the collection's code takes.
_LIMIT = 32 << 20
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
#: Said for the digest by units, which run whatever version is there.
_ANY = "any"

#: Whether it is a package, and its compiled code or its text, by full name.
Modules = dict[str, tuple[bool, "bytes | str"]]


#: The modules, and marshalled by their text the functions that :mod:`dataclasses` generates for them, compiled.
Code = tuple[Modules, bytes]


class Unusable(Exception):
    """The installed code must not be run; why."""


def pack(code: Code, launch: bytes, digest: str) -> bytes:
    """The content of the file ``modules``.

    :param launch: the text of this file
    :param digest: the version of the collection's code
    """
    return _sealed(_label(digest) + marshal.dumps((launch, code)))


def pack_sources(sources: Mapping[str, tuple[bool, str]], launch: bytes) -> bytes:
    """The content of the file ``sources``."""
    import json  # noqa: PLC0415 - every call that needs no text does without

    return _sealed(json.dumps([launch.decode(), sources]).encode())


def _sealed(rest: bytes) -> bytes:
    return hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def _unsealed(folder: str, name: str) -> bytes:
    seal, dummy, rest = _read(folder, name).partition(b"\n")
    if seal != hashlib.sha256(rest).hexdigest().encode():
        raise Unusable(f"{folder}/{name} is damaged")
    return rest


def load(folder: str, digest: str | None) -> Code:
    """The code that is installed in ``folder``, verified.

    :param digest: the version that is wanted, compiled by this Python; ``None`` takes what is there, as text where another
        Python compiled it
    :raises Unusable: they are not all there, not unchanged, not for this Python, not of this version, or not root's alone
    """
    try:
        _check_parents(folder)
        rest = _unsealed(folder, MODULES)
        launch = _read(folder, LAUNCH)
    except OSError as error:
        raise Unusable(f"{error.filename or folder}: {error.strerror}") from error
    version, dummy, body = rest.partition(b" ")
    if digest is not None and version != digest.encode():
        raise Unusable(f"{folder}/{MODULES} is another version of the code")
    if not rest.startswith(_label(version.decode())):
        if digest is None:
            return load_sources(folder, launch), b""
        raise Unusable(f"{folder}/{MODULES} was compiled by another Python")
    kept, code = marshal.loads(body.partition(b"\n")[2])  # noqa: S302 - root wrote it, and it was verified
    if kept != launch:
        raise Unusable(f"{folder}/{LAUNCH} is not the one that belongs to {MODULES}")
    found: Code = code
    return found


def load_sources(folder: str, launch: bytes | None = None) -> Modules:
    """The text of the modules, verified.

    :param launch: the text of this file beside it, if it was read already
    :raises Unusable: it is not there, or not unchanged
    """
    import json  # noqa: PLC0415 - see above

    try:
        kept, sources = json.loads(_unsealed(folder, SOURCES))
        installed = _read(folder, LAUNCH) if launch is None else launch
    except OSError as error:
        raise Unusable(f"{error.filename or folder}: {error.strerror}") from error
    if kept.encode() != installed:
        raise Unusable(f"{folder}/{LAUNCH} is not the one that belongs to {SOURCES}")
    return {name: (is_package, text) for name, (is_package, text) in sources.items()}


def _label(digest: str) -> bytes:
    """What compiled code depends on: a line. An update of the same Python keeps its magic number."""
    return f"{digest} {machinery.MAGIC_NUMBER.hex()}\n".encode()


def _check_parents(folder: str) -> None:
    """Only root (or whoever runs this) can have put anything at this path."""
    own = os.lstat(folder)
    if not stat.S_ISDIR(own.st_mode) or own.st_uid != os.geteuid() or stat.S_IMODE(own.st_mode) & 0o077:
        raise Unusable(f"{folder} is not a folder of root's alone")
    path = os.path.realpath(folder)
    while path != "/":
        path = os.path.dirname(path)
        found = os.lstat(path)
        # In a sticky folder others can make files, but not take the place of ours.
        open_to_others = found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX
        if found.st_uid not in (0, os.geteuid()) or open_to_others:
            raise Unusable(f"users other than root can write to {path}")


def _read(folder: str, name: str) -> bytes:
    handle = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE:
            raise Unusable(f"{folder}/{name} is not a file that root alone writes")
        return stream.read(_LIMIT)


def compiled(name: str, text: str) -> CodeType:
    return compile(text, name.replace(".", "/") + ".py", "exec", dont_inherit=True)


class Importer:
    """Imports the modules from memory: later damage, or newer code in their place, changes nothing any more."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        found = self._modules.get(name)
        return None if found is None else ModuleSpec(name, self, is_package=found[0])  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        found = self._modules[module.__name__][1]
        code = compiled(module.__name__, found) if isinstance(found, str) else marshal.loads(found)  # noqa: S302 - verified
        exec(code, module.__dict__)  # noqa: S102 - verified


def hasten(generated: bytes) -> None:
    """Let :mod:`dataclasses` find what it generates compiled: to compile it is more than a quarter of a call's own time.

    It generates the text all the same, and text that is not found is compiled as ever.
    """
    known = marshal.loads(generated)  # noqa: S302 - verified with the modules
    generate_with(lambda text: known.get(text, text))


def generate_with(compiled: Callable[[str], CodeType | str]) -> None:
    """Let :mod:`dataclasses` run ``compiled(text)`` for each text that it generates from now on."""
    import dataclasses  # noqa: PLC0415 - units' calls do without

    def run(text: str, *spaces: dict[str, Any]) -> None:
        exec(compiled(text), *spaces)  # noqa: S102 - as dataclasses does

    # The name of a builtin, which that module looks up in its own first.
    vars(dataclasses)["exec"] = run


def main() -> int:
    call, folder, digest, *words = sys.argv[1:]
    try:
        modules, generated = load(folder, None if digest == _ANY else digest)
    except Unusable as error:
        sys.stderr.write(f"mas.ops: no code on this host can be run: {error}\n")
        return NOT_INSTALLED
    # A call ends before there is garbage worth looking for.
    gc.disable()
    sys.meta_path.insert(0, Importer(modules))
    if digest != _ANY:
        hasten(generated)
    status: int = import_module(f"{ROOT}._releases.adapters.command").main(call, words)
    return status


def leave(status: int) -> None:
    """End without taking the interpreter apart, which takes as long as a tenth of a call."""
    # One that was closed is none.
    for stream in filter(None, (sys.stdout, sys.stderr)):
        # Whoever reads it may be gone.
        with suppress(OSError):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    leave(main())
