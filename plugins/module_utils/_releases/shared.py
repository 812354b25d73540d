# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and folders that outlive a release: each release links to one copy below ``/srv/<app>/shared/``.

A path is relative to the release. It ends with a slash when it is a folder: ``uploads/``, ``config/local.json``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from .fields import bad

_MOST = 50
#: Plain on purpose: such a path can be written into any configuration later.
_PART = re.compile(r"[0-9A-Za-z._+@-]{1,100}")
_LONGEST = 500


def is_folder(path: str) -> bool:
    return path.endswith("/")


def plain(path: str) -> str:
    """Without the slash that says that it is a folder."""
    return path[:-1] if is_folder(path) else path


def shared_paths(value: object, field: str, reserved: Collection[str]) -> tuple[str, ...]:
    """A checked list, sorted.

    :param reserved: names in a release that are taken already
    :raises ManifestError: a path leads elsewhere, is taken, or is there twice
    """
    if not isinstance(value, (list, tuple)) or len(value) > _MOST:
        raise bad(field, f"a list of at most {_MOST} paths", value)
    seen: list[str] = []
    for index, path in enumerate(value):
        expected = _expected(path, reserved)
        if not expected and any(_overlap(plain(path), plain(other)) for other in seen):
            expected = "a path that is not inside another one of the list"
        if expected:
            raise bad(f"{field}[{index}]", expected, path)
        seen.append(str(path))
    return tuple(sorted(seen))


def clash(paths: Sequence[str], folders: Mapping[str, bool]) -> str:
    """Why these paths cannot become links in a tree; empty when they can.

    :param folders: whether each name of the tree is a folder
    """
    for path in paths:
        name = plain(path)
        if name in folders:
            return f"{name} is shared and cannot be in the artifact too"
        for parent in _parents(name):
            if not folders.get(parent, True):
                return f"{name} is shared, so {parent} must be a folder"
    return ""


def _expected(path: object, reserved: Collection[str]) -> str:
    if not isinstance(path, str) or len(path) > _LONGEST:
        return f"a relative path of at most {_LONGEST} characters"
    parts = plain(path).split("/")
    if not all(_PART.fullmatch(part) and part not in (".", "..") for part in parts):
        return "a relative path of letters, digits and . _ + @ -, without the parts . and .., with / at the end of a folder"
    if parts[0] in reserved:
        return f"a path other than {parts[0]}, which each release has itself"
    return ""


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
