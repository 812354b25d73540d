# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the gate, read for one host and one kind of change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from ...module_utils._core.errors import BadInput
from ..http.model import HttpEndpoint
from . import modes
from .checks.model import NAMES, Mode
from .override import Override, parse_override
from .values import duration, listed, mapping, number, size, words

#: The stop file of every controller, so that the line can be stopped without any preparation.
STOP_FILE = "/etc/mas/stop"


class Outside(StrEnum):
    """What becomes of a host that only time keeps out."""

    FAIL = "fail"
    SKIP = "skip"
    WAIT = "wait"


@dataclass(frozen=True)
class AlertQuery:
    """Firing alerts that match all of ``matchers``, each as ``amtool`` takes it: ``severity="page"``."""

    endpoint: HttpEndpoint
    matchers: tuple[str, ...] = ()


@dataclass(frozen=True)
class BudgetQuery:
    """A query whose every value must lie between the two; both limits are allowed themselves."""

    endpoint: HttpEndpoint
    query: str
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Promotion:
    """Where the release must have been live before: ``ledgers`` is a glob of gathered ledgers of ``environment``."""

    environment: str
    ledgers: str
    soak: timedelta


@dataclass(frozen=True)
class MaxAge:
    """How old the newest success may be; ``ledgers`` is a glob, empty for the host's own ledger."""

    limit: timedelta
    ledgers: str = ""


@dataclass(frozen=True)
class Room:
    """Expected durations: the defaults without a history, and the least that is ever expected of each."""

    deploy: timedelta = timedelta(minutes=10)
    rollback: timedelta = timedelta(minutes=5)
    floor: timedelta = timedelta(minutes=1)


@dataclass(frozen=True)
class Disk:
    """What must be free on the release root and below /var/lib/mas: bytes and percent, both."""

    free: int = 512 << 20
    percent: float = 5.0


@dataclass(frozen=True)
class GateSettings:
    """All that the variables of one host say about one change."""

    change: str
    modes: Mapping[str, Mode]
    #: Checks that were named, for which a host is asked.
    named: frozenset[str]
    #: Checks that would stop the change by default and were made advisory or off, with their mode.
    lowered: Mapping[str, str]
    never_override: frozenset[str]
    outside: Outside
    wait_limit: timedelta
    override_limit: timedelta
    override: Override | None
    stop: str
    stop_file: str
    #: Whether the inventory names the stop file, so that its folder must exist.
    stop_file_given: bool
    room: Room
    disk: Disk
    alerts: AlertQuery | None
    budget: BudgetQuery | None
    promotion: Promotion | None
    backup: MaxAge | None
    drill: MaxAge | None

    def mode(self, check: str) -> Mode:
        return self.modes.get(check, Mode.OFF)

    def makes(self, check: str) -> bool:
        """Whether a check is made at all."""
        return self.mode(check) is not Mode.OFF


#: The variables that :func:`parse_settings` reads.
VARIABLES = (
    *("gate_alertmanager", "gate_backup", "gate_checks", "gate_disk", "gate_drill", "gate_error_budget"),
    *("gate_never_override", "gate_outside_window", "change_override", "gate_override_limit"),
    *("gate_prometheus", "gate_promotion", "gate_rollback_checks", "gate_room", "change_stop"),
    *("change_stop_file", "gate_wait_limit"),
)
NEVER_OVERRIDE = ("artifact", "lock")


def parse_settings(change: str, given: Mapping[str, Any], checks: Any = None) -> GateSettings:
    """Read the variables of a host; all have a default.

    :param checks: modes that beat those of the variables
    :raises BadInput: a variable is not what it must be; the message names it
    """
    by_check, named = modes.parse_modes(change, given, checks)
    return GateSettings(
        change=change,
        modes=by_check,
        named=named,
        lowered=modes.lowered(change, by_check, sorted(named)),
        never_override=_never(given.get("gate_never_override")),
        outside=_outside(given.get("gate_outside_window")),
        wait_limit=duration(given.get("gate_wait_limit") or "1h", "gate_wait_limit"),
        override_limit=duration(given.get("gate_override_limit") or "24h", "gate_override_limit"),
        override=parse_override(given.get("change_override")),
        stop=_stop(given.get("change_stop")),
        stop_file=str(given.get("change_stop_file") or STOP_FILE),
        stop_file_given=bool(given.get("change_stop_file")),
        room=_room(given.get("gate_room")),
        disk=_disk(given.get("gate_disk")),
        alerts=_alerts(given.get("gate_alertmanager")),
        budget=_budget(given.get("gate_prometheus"), given.get("gate_error_budget")),
        promotion=_promotion(given.get("gate_promotion")),
        backup=_age(given.get("gate_backup"), "gate_backup"),
        drill=_age(given.get("gate_drill"), "gate_drill"),
    )


def _never(value: Any) -> frozenset[str]:
    """A list, or a list as text from a survey; no value means the default, and ``[]`` an empty list."""
    if value is None or value == "":
        return frozenset(NEVER_OVERRIDE)
    where, fix = "gate_never_override", f"Name checks out of {', '.join(NAMES)}."
    found = listed(value)
    if found is None:
        raise BadInput(f"{value!r} is not a list of checks", where=where, fix=fix)
    strange = [name for name in found if name not in NAMES]
    if strange:
        raise BadInput(f"there is no check {', '.join(map(repr, strange))}", where=where, fix=fix)
    return frozenset(found)


def _outside(value: Any) -> Outside:
    try:
        return Outside(str(value or Outside.FAIL.value))
    except ValueError as error:
        raise BadInput(
            f"{value!r} is not one of fail, skip, wait",
            where="gate_outside_window",
            fix="Choose one of them.",
        ) from error


def _stop(value: Any) -> str:
    """A reason, ``true`` without one, or nothing. Extra variables arrive as words."""
    text = str(value or "").strip()
    if text.lower() in {"", "false", "no", "off", "0"}:
        return ""
    return "no reason was given" if text.lower() in {"true", "yes", "on", "1"} else text


def _room(value: Any) -> Room:
    given = mapping(value, "gate_room", ("deploy", "rollback", "floor"))
    return Room(**{name: duration(one, f"gate_room {name}") for name, one in given.items()})


def _disk(value: Any) -> Disk:
    given = mapping(value, "gate_disk", ("free", "percent"))
    known = Disk()
    return Disk(
        size(given.get("free", known.free), "gate_disk free"),
        number(given.get("percent", known.percent), "gate_disk percent"),
    )


def _endpoint(given: Mapping[str, Any], where: str) -> HttpEndpoint:
    url = str(given.get("url") or "").rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise BadInput(f"{url!r} is not an http(s) address", where=f"{where} url", fix="Give its URL.")
    headers = mapping(given.get("headers"), f"{where} headers")
    return HttpEndpoint(
        url,
        tuple(sorted((name, str(value)) for name, value in headers.items())),
        duration(given.get("timeout", 10), f"{where} timeout").total_seconds(),
    )


def _as_mapping(value: Any, where: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    """A bare string is the URL."""
    return mapping({"url": value} if isinstance(value, str) and value else value, where, known)


def _alerts(value: Any) -> AlertQuery | None:
    given = _as_mapping(value, "gate_alertmanager", ("url", "filter", "headers", "timeout"))
    if not given:
        return None
    return AlertQuery(_endpoint(given, "gate_alertmanager"), words(given.get("filter")))


def _budget(prometheus: Any, value: Any) -> BudgetQuery | None:
    given = mapping(value, "gate_error_budget", ("query", "minimum", "maximum"))
    if not given:
        return None
    endpoint = _endpoint(
        _as_mapping(prometheus, "gate_prometheus", ("url", "headers", "timeout")), "gate_prometheus"
    )
    limits = {
        name: number(given[name], f"gate_error_budget {name}")
        for name in ("minimum", "maximum")
        if given.get(name) is not None
    }
    if not given.get("query") or not limits:
        raise BadInput(
            "an error budget is a query with a minimum or a maximum",
            where="gate_error_budget",
            fix="Write {query: ..., minimum: 0}.",
        )
    return BudgetQuery(endpoint, str(given["query"]), **limits)


def _promotion(value: Any) -> Promotion | None:
    given = mapping(value, "gate_promotion", ("from", "ledgers", "soak"))
    if not given:
        return None
    if not given.get("from") or not given.get("ledgers"):
        raise BadInput(
            "a promotion needs an environment and its gathered ledgers",
            where="gate_promotion",
            fix="Write {from: staging, ledgers: /srv/ledgers/staging/*.jsonl}.",
        )
    soak = duration(given.get("soak") or 0, "gate_promotion soak")
    return Promotion(str(given["from"]), str(given["ledgers"]), soak)


def _age(value: Any, where: str) -> MaxAge | None:
    if not value:
        return None
    given = mapping(
        value if isinstance(value, Mapping) else {"max_age": value}, where, ("max_age", "ledgers")
    )
    return MaxAge(duration(given.get("max_age"), f"{where} max_age"), str(given.get("ledgers") or ""))
