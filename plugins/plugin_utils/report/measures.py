# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The DORA measures as tiles: a number, what it is made of, and a chart by week."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .format import NO_VALUE, format_count, format_duration, format_percent, format_rate
from .series import Painter, production_first
from .view import BAD, OK, PLAIN, WARN, Cell, Chart, MeasureGroup, Table, Tile

#: More make the page too long; the filter ``dora`` gives all of them.
MOST_GROUPS = 40

Format = Callable[[Any], str]


def measure_groups(measures: Iterable[Mapping[str, Any]], painter: Painter) -> tuple[MeasureGroup, ...]:
    """Production first: this is what users see."""
    ordered = sorted(measures, key=lambda each: production_first((each["environment"], each["application"])))
    return tuple(_group(each, f"m{index}", painter) for index, each in enumerate(ordered[:MOST_GROUPS]))


def _group(each: Mapping[str, Any], key: str, painter: Painter) -> MeasureGroup:
    weeks = each["weeks"]

    def weekly_chart(name: str, field: str, format_value: Format, bars: bool = False) -> Chart:
        values = [week[field] for week in weeks]
        known = [format_value(value) for value in values if value is not None]
        summary = f"{name} by week: {', '.join(known)}." if known else f"{name} by week: no data."
        rows = tuple(
            (Cell(week["week"]), Cell(NO_VALUE if week[field] is None else format_value(week[field])))
            for week in weeks
        )
        table = Table(f"{name} by week", ("Week", name), rows, numbers=frozenset({1}))
        return Chart(
            f"{key}-{field}", name, summary, painter.spark(f"{key}-{field}", summary, values, bars), table
        )

    title = f"{each['application']} in {each['environment'] or 'no environment'}"
    return MeasureGroup(
        title,
        (
            _frequency(each, weekly_chart("Deployments", "deployments", str, bars=True)),
            _lead_time(each, weekly_chart("Lead time", "lead_time_seconds", format_duration)),
            _failure_rate(each, weekly_chart("Failure rate", "failure_rate", format_percent)),
            _restore(each, weekly_chart("Time to restore", "restore_seconds", format_duration)),
        ),
    )


def _frequency(each: Mapping[str, Any], chart: Chart) -> Tile:
    frequency = each["deployment_frequency"]
    value = f"{format_rate(frequency['per_week'])} a week"
    return Tile("Deployment frequency", value, format_count(frequency["n"], "deployment"), chart)


def _lead_time(each: Mapping[str, Any], chart: Chart) -> Tile:
    lead = each["lead_time"]
    detail = (
        f"median of {format_count(lead['n'], 'new release')}"
        if lead["n"]
        else "no release with a known commit"
    )
    return Tile("Lead time for changes", format_duration(lead["median_seconds"]), detail, chart)


def _failure_rate(each: Mapping[str, Any], chart: Chart) -> Tile:
    failure = each["change_failure_rate"]
    detail = (
        f"{failure['failed']} of {format_count(failure['n'], 'change')}" if failure["n"] else "no changes"
    )
    tone = PLAIN if not failure["n"] else WARN if failure["failed"] else OK
    return Tile("Change failure rate", format_percent(failure["rate"]), detail, chart, tone)


def _restore(each: Mapping[str, Any], chart: Chart) -> Tile:
    restore = each["time_to_restore"]
    parts = [f"median of {restore['n']}"] if restore["n"] else []
    parts += [f"{restore['unrestored']} not restored yet"] if restore["unrestored"] else []
    detail = ", ".join(parts) or "nothing had to be restored"
    tone = BAD if restore["unrestored"] else PLAIN
    return Tile("Time to restore", format_duration(restore["median_seconds"]), detail, chart, tone)
