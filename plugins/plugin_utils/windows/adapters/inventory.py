# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns the variables of a host into the policy and the target that windows are judged with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

from ....module_utils._core.errors import BadInput
from ..fields import checked_zone, instant, zone_info
from ..model import Policy, Target
from ..parse import parse_policy
from ..timeline import MISSING as MISSING_RECURRENCE
from .calendar import parse_sources, read_sources

_NO_ICALENDAR = None if find_spec("icalendar") else ImportError("no icalendar", name="icalendar")
#: A controller without them can still load the plugins and say what it lacks.
MISSING = MISSING_RECURRENCE or _NO_ICALENDAR

#: What was parsed in this process: many hosts say the same.
_PARSED: dict[str, Policy] = {}


def policy_of(
    windows: Any = None,
    freezes: Any = None,
    required: Any = None,
    calendars: Any = None,
    zone: Any = None,
) -> Policy:
    """What the five variables say together; calendars are read now.

    :raises OpsError: what is wrong with which entry, or that a library is missing
    """
    check_libraries()
    zone = str(zone or "UTC")
    checked_zone(zone, "change_time_zone")
    if calendars:
        texts = read_sources(parse_sources(plain(calendars)))
        return parse_policy(windows, freezes, required or False, texts, zone=zone)
    windows, freezes = plain(windows), plain(freezes)
    key = repr([windows, freezes, required, zone])
    if key not in _PARSED:
        if len(_PARSED) >= 4096:
            _PARSED.clear()
        _PARSED[key] = parse_policy(windows, freezes, required or False, zone=zone)
    return _PARSED[key]


def plain(value: Any) -> Any:
    """Builtins only: what a template hands over may be put together while it is read, and differ by host."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    return value


def policy_of_host(variables: Mapping[str, Any], **changes: Any) -> Policy:
    """The same from the variables of a host; what is given beside them and is not ``None`` counts more."""
    names = {
        "windows": "change_windows",
        "freezes": "change_freezes",
        "required": "change_windows_required",
        "calendars": "change_calendars",
        "zone": "change_time_zone",
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return policy_of(**{**{name: variables.get(key) for name, key in names.items()}, **given})


def target_of_host(variables: Mapping[str, Any], **changes: Any) -> Target:
    """Who is asked about, from the variables of a host."""
    names = {
        "host": "inventory_hostname",
        "groups": "group_names",
        "application": "application_name",
        "environment": "mas_environment",
    }
    given = {name: value for name, value in changes.items() if value is not None}
    found = {**{name: variables.get(key) for name, key in names.items()}, **given}
    groups = found["groups"] or ()
    if isinstance(groups, str) or not isinstance(groups, Sequence):
        raise BadInput(f"groups must be a list, not {groups!r}", where="groups", fix="Hand over group_names.")
    return Target(
        groups=tuple(str(group) for group in groups),
        **{name: str(found[name] or "") for name in ("host", "application", "environment")},
    )


def moment(at: Any, zone: Any = None) -> datetime:
    """The moment that is asked about: now, a datetime, or a text with an offset or in the zone.

    :raises BadInput: it is no moment
    """
    if at is None or at == "":
        return datetime.now(UTC)
    name = str(zone or "UTC")
    found = instant(at, name) if zone_info(name) else None
    if found is None:
        raise BadInput(f"{at!r} is not a moment", where="at", fix='Write "2026-12-24T22:00:00+01:00".')
    return found


def check_libraries() -> None:
    """:raises BadInput: a library that the controller lacks"""
    if MISSING:
        raise BadInput(
            f"the Python library {MISSING.name} is not installed on the controller",
            where="the Python of ansible-core",
            fix="Install what meta/ee-requirements.txt of the collection mas.ops lists.",
        )
