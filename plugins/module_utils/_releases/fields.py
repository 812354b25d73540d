# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of a manifest: each check names the field that cannot be right, and never guesses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._core.errors import BadInput
from .._core.names import excerpt

_WHERE = "manifest.json"
_FIX = "Correct it in mas.yml and build the artifact again."


class ManifestError(BadInput):
    """A field that cannot be right.

    :param field: its dotted path, such as ``processes.api.kind``; empty for the manifest itself
    """

    def __init__(self, what: str, field: str = "", *, where: str = _WHERE) -> None:
        super().__init__(what, where=where, fix=_FIX)
        self.field = field


def bad(field: str, expected: str, value: object) -> ManifestError:
    return ManifestError(f"{field or 'the manifest'} must be {expected}, not {excerpt(value)}", field)


def mapping(
    data: object, field: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise bad(field, "a mapping", data)
    known = required + optional
    unknown = sorted(str(key) for key in data if key not in known)
    where = f"{field}." if field else ""
    if unknown:
        raise ManifestError(
            f"{where}{unknown[0]} is not a known key; there are {', '.join(known)}", f"{where}{unknown[0]}"
        )
    missing = [key for key in required if key not in data]
    if missing:
        raise ManifestError(f"{where}{missing[0]} is missing", field)
    return data


def matching(pattern: re.Pattern[str], value: object, field: str, expected: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise bad(field, expected, value)
    return str(value)


def choice(value: object, field: str, choices: tuple[str, ...] | list[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise bad(field, f"one of {', '.join(choices)}", value)
    return str(value)


def integer(value: object, field: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise bad(field, f"a whole number from {low} to {high}", value)
    return int(value)
