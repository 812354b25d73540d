# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which packages of others are in a tree, or will be installed for it, by the files that package managers leave.

Python: what pip installed (``*.dist-info``, ``*.egg-info``) and ``requirements*.txt`` in the root. Node: what is in
``node_modules``, or else what ``package-lock.json`` in the root pins. Debian: what mas.yml names.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import bounded_json
from .content import Tree

# A controller without them can still load the plugins and say what it lacks.
try:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = None

#: Bytes of one of those files; a longer one is not read.
LONGEST = 64 * 1024 * 1024
_LOCK = "package-lock.json"
_REQUIREMENTS = re.compile(r"requirements[^/]*\.txt")
_METADATA = re.compile(r"(?:.*/)?[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO)")
_NODE = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json")


@dataclass(frozen=True, order=True)
class Package:
    """``kind``, ``namespace`` and ``name`` as in a package URL; an empty version is not known."""

    kind: str
    namespace: str
    name: str
    version: str


def package_files(tree: Tree) -> list[str]:
    """The names of the files that list packages."""
    names = [member.name for member in tree.members if member.type == "file" and member.size <= LONGEST]
    return [name for name in names if name == _LOCK or _lists_packages(name)]


def find(texts: Mapping[str, str], debian: Iterable[str]) -> list[Package]:
    """The packages, each once and sorted.

    :param texts: of :func:`package_files`, by name
    :param debian: ``name`` or ``name=version``
    """
    python = {package.name: package for package in _installed(texts)}
    for package in _required(texts):
        python.setdefault(package.name, package)
    node = set(_node_modules(texts)) or set(_locked(texts.get(_LOCK, "")))
    return sorted({*_installed(texts), *python.values(), *node, *map(_debian, debian)})


def requirements(text: str) -> Iterator[Requirement]:
    """The requirements of a pip file; options (-r, --hash) and what pip alone understands are passed over."""
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split(" #")[0].split(" --")[0].strip()
        if not words or words.startswith(("-", "#")):
            continue
        try:
            yield Requirement(words)
        except InvalidRequirement:
            continue


def _lists_packages(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in (_REQUIREMENTS, _METADATA, _NODE))


def _installed(texts: Mapping[str, str]) -> Iterator[Package]:
    for name, text in texts.items():
        if _METADATA.fullmatch(name):
            head = dict(
                line.split(": ", 1) for line in text.partition("\n\n")[0].splitlines() if ": " in line
            )
            if head.get("Name"):
                yield Package("pypi", "", canonicalize_name(head["Name"]), head.get("Version", ""))


def _required(texts: Mapping[str, str]) -> Iterator[Package]:
    for name in sorted(texts):
        if _REQUIREMENTS.fullmatch(name):
            for requirement in requirements(texts[name]):
                yield Package("pypi", "", canonicalize_name(requirement.name), _pin(requirement))


def _pin(requirement: Requirement) -> str:
    pins: Mapping[str, str] = {part.operator: part.version for part in requirement.specifier}
    version = pins.get("==") or pins.get("===") or ""
    return "" if "*" in version else version


def _node_modules(texts: Mapping[str, str]) -> Iterator[Package]:
    for name, text in texts.items():
        if _NODE.fullmatch(name):
            data = _mapping(text)
            # What the folder is called is what a program asks for; a package without a name is part of another.
            if isinstance(data.get("name"), str) and isinstance(data.get("version"), str):
                yield _npm(data["name"], data["version"])


def _locked(text: str) -> Iterator[Package]:
    packages = _mapping(text).get("packages")
    for place, data in (packages if isinstance(packages, dict) else {}).items():
        name = place.rpartition("node_modules/")[2]
        if name and "node_modules/" in place and isinstance(data, dict) and not data.get("dev"):
            yield _npm(str(data.get("name") or name), str(data.get("version") or ""))


def _npm(name: str, version: str) -> Package:
    namespace, base = posixpath.split(name)
    return Package("npm", namespace, base, version)


def _debian(package: str) -> Package:
    name, dummy, version = package.partition("=")
    return Package("deb", "debian", name, version)


def _mapping(text: str) -> dict[str, Any]:
    try:
        data = bounded_json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
