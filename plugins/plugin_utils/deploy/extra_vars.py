# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of a deploy as an inventory, a survey or ``-e name=value`` gives them: numbers and lists may be texts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._core.errors import BadInput

_BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def value_of(variables: Mapping[str, Any], name: str) -> Any:
    """A variable, ``None`` where it is not set: a survey hands over an empty text for a question without an answer."""
    value = variables.get(name)
    return None if value is None or value == "" else value


def steps(variables: Mapping[str, Any], default: Sequence[int]) -> tuple[int, ...]:
    value = value_of(variables, "deploy_steps")
    if value is None:
        return tuple(default)
    if isinstance(value, str):
        value = [part.strip() for part in value.strip("[] ").split(",") if part.strip()]
    if isinstance(value, (int, float)):
        value = [value]
    try:
        return tuple(int(step) for step in value)
    except (TypeError, ValueError) as error:
        raise _invalid("deploy_steps", value, "percentages that grow, such as [10, 50]") from error


def seconds(variables: Mapping[str, Any], name: str) -> float | None:
    value = value_of(variables, name)
    try:
        seconds = None if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise _invalid(name, value, "a number of seconds") from error
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise _invalid(name, value, "0 or more seconds")
    return seconds


def whole_number(variables: Mapping[str, Any], name: str, default: int) -> int:
    value = value_of(variables, name)
    try:
        number = default if value is None else int(value)
    except (TypeError, ValueError) as error:
        raise _invalid(name, value, "a whole_number number") from error
    if number < 0:
        raise _invalid(name, value, "0 or more")
    return number


def mapping(variables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = value_of(variables, name)
    try:
        found = json.loads(value) if isinstance(value, str) else value or {}
    except ValueError as error:
        raise _invalid(name, value, "a mapping") from error
    if not isinstance(found, Mapping):
        raise _invalid(name, value, "a mapping")
    return found


def boolean(variables: Mapping[str, Any], name: str) -> bool:
    value = value_of(variables, name)
    if value is None or isinstance(value, bool):
        return bool(value)
    word = _BOOLEANS.get(str(value).lower())
    if word is None:
        raise _invalid(name, value, "true or false")
    return word


def _invalid(name: str, value: Any, wanted: str) -> BadInput:
    return BadInput(f"{name} is {value!r}", where="the inventory or -e", fix=f"Give {wanted}.")
