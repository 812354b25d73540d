# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading mas.yml, the file in which people describe an application.

It is friendlier than the manifest (commands as one string, defaults), so it is widened to the
manifest's shape here and judged by :class:`Manifest` alone. Errors carry the line they are about.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from ...module_utils._core.errors import BadInput
from ...module_utils._releases.fields import ManifestError
from ...module_utils._releases.manifest import SCHEMA, Files, Manifest, check_shared
from .findings import Waiver

FILE_NAME = "mas.yml"

_KEYS = (
    *("name", "version", "processes", "health", "migrations", "secrets", "shared"),
    *("include", "exclude", "packages", "secret_waivers"),
)
_PROCESS = {"stop_signal": "SIGTERM", "stop_grace": 10}
_HEALTH = {"expected": 200, "startup_budget": 30}
#: The version is for the bill of materials: a host has the one of its distribution.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(=[0-9A-Za-z.+:~-]+)?")
_FIX = f"Correct {FILE_NAME} and build again."


@dataclass(frozen=True)
class Description:
    """What mas.yml says, and where it says it."""

    path: str
    values: Mapping[str, Any]
    lines: Mapping[str, int]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    shared: tuple[str, ...] = ()

    def manifest(self, version: str | None, commit: str, built: str, files: Files) -> Manifest:
        """The manifest of an artifact of this application; an error names the line of mas.yml.

        :param version: in place of the one in mas.yml
        """
        if version is None and self.values.get("version") is None:
            raise self.error("version is missing: write it here, or give the option version", "name")
        data = {
            "schema": SCHEMA,
            "name": self.values.get("name"),
            "version": version or self.values.get("version"),
            "commit": commit,
            "built": built,
            "processes": self._processes(),
            "health": _with_defaults(self.values.get("health"), _HEALTH),
            "migrations": self._migrations(),
            "secrets": self.values.get("secrets") or [],
            "files": files.to_dict(),
            "shared": list(self.shared),
            "packages": [package.partition("=")[0] for package in self.packages],
        }
        try:
            return Manifest.parse(data)
        except ManifestError as error:
            raise self.error(error.what, error.field) from error

    def error(self, what: str, field: str) -> BadInput:
        """An error about a field, with the line of the field or of what should hold it."""
        while field and field not in self.lines:
            field = re.sub(r"(\.[^.\[]*|\[\d+\]|^[^.\[]*)$", "", field)
        line = f", line {self.lines[field]}" if field in self.lines else ""
        return BadInput(what, where=f"{self.path}{line}", fix=_FIX)

    def _processes(self) -> Any:
        processes = self.values.get("processes")
        if not isinstance(processes, Mapping):
            return processes
        return {name: self._process(f"processes.{name}", process) for name, process in processes.items()}

    def _process(self, field: str, process: Any) -> Any:
        process = _with_defaults(process, _PROCESS)
        if not isinstance(process, Mapping) or "command" not in process:
            return process
        return {**process, "command": self._command(f"{field}.command", process["command"])}

    def _migrations(self) -> Any:
        migrations = _with_defaults(self.values.get("migrations") or {}, {"expand": None, "contract": None})
        if not isinstance(migrations, Mapping):
            return migrations
        return {key: self._command(f"migrations.{key}", value) for key, value in migrations.items()}

    def _command(self, field: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return shlex.split(value)
        except ValueError as error:
            raise self.error(f"{field} cannot be split into words: {error}", field) from error


def parse(text: str, path: str) -> Description:
    """Check the text of ``mas.yml``; ``path`` is where it was read, for messages."""
    values, lines = _load(text, path)
    description = Description(path, values, lines)
    unknown = [str(key) for key in values if key not in _KEYS]
    if unknown:
        what = f"{unknown[0]} is not a known key; there are {', '.join(_KEYS)}"
        raise description.error(what, unknown[0])
    for name in ("name", "processes"):
        if name not in values:
            raise description.error(f"{name} is missing", "")
    return replace(
        description,
        include=_strings(description, "include", "a list of patterns as in .gitignore"),
        exclude=_strings(description, "exclude", "a list of patterns as in .gitignore"),
        packages=_packages(description),
        waivers=_waivers(description),
        shared=_shared(description),
    )


def _shared(description: Description) -> tuple[str, ...]:
    try:
        return check_shared(description.values.get("shared") or [])
    except ManifestError as error:
        raise description.error(error.what, error.field) from error


def _packages(description: Description) -> tuple[str, ...]:
    packages = _strings(description, "packages", "a list of Debian packages, each a name or name=version")
    for index, package in enumerate(packages):
        if not _PACKAGE.fullmatch(package):
            field = f"packages[{index}]"
            raise description.error(
                f"{field} must be a Debian package or package=version, not {package!r}", field
            )
    return packages


def _waivers(description: Description) -> tuple[Waiver, ...]:
    value = description.values.get("secret_waivers") or []
    if not isinstance(value, list):
        raise description.error(
            "secret_waivers must be a list of mappings with path and reason", "secret_waivers"
        )
    return tuple(_waiver(description, f"secret_waivers[{index}]", item) for index, item in enumerate(value))


def _waiver(description: Description, field: str, item: Any) -> Waiver:
    known = isinstance(item, dict) and set(item) == {"path", "reason"}
    path, reason = (str(item[key]).strip() for key in ("path", "reason")) if known else ("", "")
    if not path or not reason:
        raise description.error(f"{field} must be a mapping with path and reason", field)
    if path.startswith("/") or {"", ".", ".."} & set(path.removesuffix("/").split("/")):
        raise description.error(
            f"{field}.path must be the path of a file in the source, or of a folder and a slash",
            f"{field}.path",
        )
    return Waiver(path, reason)


def _strings(description: Description, field: str, expected: str) -> tuple[str, ...]:
    value = description.values.get(field) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise description.error(f"{field} must be {expected}", field)
    return tuple(value)


def _with_defaults(value: Any, defaults: Mapping[str, Any]) -> Any:
    """Fill in what is left out; what has the wrong shape is left for the manifest to refuse."""
    return {**defaults, **value} if isinstance(value, Mapping) else value


def _load(text: str, path: str) -> tuple[Mapping[str, Any], dict[str, int]]:
    loader = yaml.SafeLoader(text)
    lines: dict[str, int] = {}
    try:
        node = loader.get_single_node()
        values = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise _yaml_error(error, path) from error
    finally:
        loader.dispose()
    if node is None or not isinstance(values, dict):
        raise BadInput(f"{FILE_NAME} must hold a mapping", where=str(path), fix=_FIX)
    for field, line in _walk(node, ""):
        if field in lines:
            raise BadInput(f"{field} is there twice", where=f"{path}, line {line}", fix=_FIX)
        lines[field] = line
    return values, lines


def _yaml_error(error: yaml.YAMLError, path: str) -> BadInput:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}" if mark else ""
    reason = getattr(error, "problem", None) or str(error)
    return BadInput(f"{FILE_NAME} is not YAML: {reason}", where=f"{path}{line}", fix=_FIX)


def _walk(node: yaml.Node, field: str) -> list[tuple[str, int]]:
    """Every field with its line, in the notation of the manifest: ``processes.api.command[0]``."""
    found: list[tuple[str, int]] = []
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{field}.{key.value}" if field else str(key.value)
            found += [(name, key.start_mark.line + 1), *_walk(value, name)]
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            name = f"{field}[{index}]"
            found += [(name, value.start_mark.line + 1), *_walk(value, name)]
    return found
