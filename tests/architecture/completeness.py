"""What belongs together is there together, and what belongs to one machine is nowhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

from .source import Source

_PACKAGE_HOSTS = (
    *("pypi.org", "pythonhosted.org", "deb.debian.org", "security.debian.org", "ftp.debian.org"),
    *("archive.ubuntu.com", "registry.npmjs.org", "proxy.golang.org"),
)
#: A folder that exists on one developer's machine only. Not a part of a longer path, and not a variable's value.
#: Homes with a name such as "ci" are examples.
_LOCAL_PATH = re.compile(
    r"(?<![\w./$}~-])/(?:work|home/(?!(?:agents|app|ci|runner|user)/)[a-z][\w-]*|Users|opt/wheels|opt/pypi)/"
)
#: The target of a link within the collection, without what is within the page.
_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
_ANCHOR = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)#([^)\s]+)\)")
_TITLE = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FILTER = re.compile(r"\|\s*mas\.ops\.(\w+)")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{40}")


def of_one_machine(source: Source) -> Iterator[str]:
    """Paths and hosts that mean something in one place only, and keys that ought to be made, not kept."""
    for number, line in enumerate(source.lines, start=1):
        if found := _LOCAL_PATH.search(line):
            yield f"{source.path}:{number}: a path of one machine: {found.group()}"
        for host in _PACKAGE_HOSTS:
            if host in line:
                yield f"{source.path}:{number}: a package registry by name: {host}"
    if _PRIVATE_KEY.search(source.text):
        yield f"{source.path}: a private key"


def incomplete_roles(names: Iterable[str]) -> Iterator[str]:
    """Each role says what it takes, what it is for, and is tried for real."""
    known = set(names)
    roles = sorted({name.split("/")[1] for name in known if name.startswith("roles/")})
    for role in roles:
        needed = (
            f"roles/{role}/tasks/main.yml",
            f"roles/{role}/meta/argument_specs.yml",
            f"roles/{role}/README.md",
            f"molecule/{role}/molecule.yml",
        )
        yield from (f"role {role} has no {path}" for path in needed if path not in known)


def untested_packages(names: Iterable[str]) -> Iterator[str]:
    """The tests of a package are in the folder of its name: ``_releases`` in ``tests/unit/releases``."""
    known = set(names)
    packages = {
        path.parts[2].removesuffix(".py")
        for path in map(PurePosixPath, known)
        if path.match("plugins/*utils/*/*.py") or path.match("plugins/plugin_utils/*.py")
    }
    for package in sorted(packages - {"__init__", "adapters"}):
        folder = f"tests/unit/{package.lstrip('_')}/"
        if not any(name.startswith(folder) for name in known):
            yield f"{package} has no tests in {folder}"


def broken_links(source: Source, names: Iterable[str], ignored: Iterable[str]) -> Iterator[str]:
    """Links of a text to what is not there, or not for a reader who has the built collection and no checkout.

    :param ignored: ``build_ignore`` of galaxy.yml
    """
    patterns = [*ignored]
    known = {name for name in names if not is_ignored(name, patterns)}
    folders = {str(parent) for name in known for parent in PurePosixPath(name).parents}
    for link in _LINK.findall(source.text):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source.path), link))
        if path not in known | folders:
            yield f"{source.path}: {link} is not in the built collection"


def broken_anchors(source: Source, pages: Mapping[str, Source]) -> Iterator[str]:
    """Links to a section that its page does not have.

    :param pages: by path, the pages that are shipped
    """
    for link, anchor in _ANCHOR.findall(source.text):
        path = (
            posixpath.normpath(posixpath.join(posixpath.dirname(source.path), link)) if link else source.path
        )
        if path in pages and anchor not in _anchors(pages[path].text):
            yield f"{source.path}: {path} has no section #{anchor}"


def _anchors(text: str) -> set[str]:
    """The sections of a page as GitHub names them."""
    titles = (title.replace("`", "").lower() for title in _TITLE.findall(text))
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in titles}


def is_ignored(name: str, patterns: Iterable[str]) -> bool:
    parts = [name, *map(str, PurePosixPath(name).parents)]
    return any(fnmatch(part, pattern) for part in parts for pattern in patterns)


def unnamed_modules(names: Iterable[str], runtime: Mapping[str, Any]) -> Iterator[str]:
    """The action group ``all`` is all modules, in order: module_defaults must reach every one of them."""
    modules = sorted(
        name.removeprefix("plugins/modules/").removesuffix(".py")
        for name in names
        if name.startswith("plugins/modules/") and name.endswith(".py") and not name.endswith("__init__.py")
    )
    group = runtime.get("action_groups", {}).get("all", [])
    if group != modules:
        yield f"meta/runtime.yml: action_groups.all is {group}, the modules are {modules}"


def unknown_filters(sources: Iterable[Source], known: Iterable[str]) -> Iterator[str]:
    """A filter that was renamed is an error where its template is worked out, and that may be in a rare task."""
    there = set(known)
    for source in sources:
        for number, line in enumerate(source.lines, start=1):
            for name in _FILTER.findall(line):
                if name not in there:
                    yield f"{source.path}:{number}: there is no filter mas.ops.{name}"
