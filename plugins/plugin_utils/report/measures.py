# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The DORA measures as tiles: a number, what it is made of, and its course."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .series import Painter, production_first
from .view import BAD, OK, PLAIN, WARN, Cell, Chart, Measured, Table, Tile
from .words import NOTHING, count, duration, percent, rate

#: A page with more is read by nobody; the filter ``dora`` says all of them.
MOST = 40

Shown = Callable[[Any], str]


def measured(measures: Iterable[Mapping[str, Any]], painter: Painter) -> tuple[Measured, ...]:
    """Production first: this is what users see."""
    ordered = sorted(measures, key=lambda each: production_first((each["environment"], each["application"])))
    return tuple(_measured(each, f"m{index}", painter) for index, each in enumerate(ordered[:MOST]))


def _measured(each: Mapping[str, Any], key: str, painter: Painter) -> Measured:
    weeks = each["weeks"]

    def course(name: str, field: str, shown: Shown, bars: bool = False) -> Chart:
        values = [week[field] for week in weeks]
        known = [shown(value) for value in values if value is not None]
        summary = f"{name} by week: {', '.join(known)}." if known else f"{name} by week: no data."
        rows = tuple(
            (Cell(week["week"]), Cell(NOTHING if week[field] is None else shown(week[field])))
            for week in weeks
        )
        table = Table(f"{name} by week", ("Week", name), rows, numbers=frozenset({1}))
        return Chart(
            f"{key}-{field}", name, summary, painter.spark(f"{key}-{field}", summary, values, bars), table
        )

    title = f"{each['application']} in {each['environment'] or 'no environment'}"
    return Measured(
        title,
        (
            _frequency(each, course("Deployments", "deployments", str, bars=True)),
            _lead_time(each, course("Lead time", "lead_time_seconds", duration)),
            _failure_rate(each, course("Failure rate", "failure_rate", percent)),
            _restore(each, course("Time to restore", "restore_seconds", duration)),
        ),
    )


def _frequency(each: Mapping[str, Any], chart: Chart) -> Tile:
    frequency = each["deployment_frequency"]
    value = f"{rate(frequency['per_week'])} a week"
    return Tile("Deployment frequency", value, count(frequency["n"], "deployment"), chart)


def _lead_time(each: Mapping[str, Any], chart: Chart) -> Tile:
    lead = each["lead_time"]
    detail = f"median of {count(lead['n'], 'new release')}" if lead["n"] else "no release with a known commit"
    return Tile("Lead time for changes", duration(lead["median_seconds"]), detail, chart)


def _failure_rate(each: Mapping[str, Any], chart: Chart) -> Tile:
    failure = each["change_failure_rate"]
    detail = f"{failure['failed']} of {count(failure['n'], 'change')}" if failure["n"] else "no changes"
    tone = PLAIN if not failure["n"] else WARN if failure["failed"] else OK
    return Tile("Change failure rate", percent(failure["rate"]), detail, chart, tone)


def _restore(each: Mapping[str, Any], chart: Chart) -> Tile:
    restore = each["time_to_restore"]
    parts = [f"median of {restore['n']}"] if restore["n"] else []
    parts += [f"{restore['unrestored']} not restored yet"] if restore["unrestored"] else []
    detail = ", ".join(parts) or "nothing had to be restored"
    tone = BAD if restore["unrestored"] else PLAIN
    return Tile("Time to restore", duration(restore["median_seconds"]), detail, chart, tone)
