# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the page together, from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ...module_utils._ledger.changes import parse_time
from . import cards, series, tables
from .format import format_count
from .measures import measure_groups
from .model import Model
from .series import Painter, Period
from .view import BAD, OK, SIGNS, Cell, Chart, Page, Section, Table

_DEFINITIONS = (
    "Deployment frequency: changes that at least one host served. "
    "Lead time: from the commit of a new release until the last host serves it, median. "
    "Change failure rate: changes that failed or were rolled back, of all changes. "
    "Time to restore: from the first host that served a failed change until the last one left it, median. "
    "Entries of one run on several hosts are one change; a rollback is not a change."
)


def page(model: Model, title: str, painter: Painter) -> Page:
    """All of the page, with its charts drawn."""
    return Page(
        title=title,
        subtitle=_subtitle(model),
        cards=cards.cards(model),
        sections=tuple(_sections(model, painter)),
        notes=(
            _DEFINITIONS,
            f"All times are in the time zone {model.zone}; weeks are ISO weeks in UTC.",
            "The ledgers on the hosts are the record; this page only shows them.",
        ),
    )


def _subtitle(model: Model) -> str:
    hosts = format_count(len(model.hosts), "host")
    if model.period is None:
        return f"{hosts}, no entries"
    start, end = model.format_moment(model.period.start), model.format_moment(model.period.end)
    days, newest = format_count(model.days, "day"), model.format_moment(model.newest)
    return f"{hosts} · {days} from {start} to {end} · newest entry {newest}"


def _sections(model: Model, painter: Painter) -> Iterator[Section]:
    yield Section(
        "live", "What is live", charts=tuple(_timeline(model, painter)), tables=(tables.live(model),)
    )
    yield Section(
        "delivery",
        "Delivery",
        "The four DORA measures of each application in each environment, by week below the number.",
        charts=tuple(_by_week(model, painter)),
        measures=measure_groups(model.dora["measures"], painter),
    )
    yield Section("changes", "Changes", tables=(tables.changes(model),))
    yield Section("verdicts", "Canaries", tables=(tables.verdicts(model),))
    yield Section("overrides", "Overrides", tables=(tables.overrides(model),))
    yield Section(
        "windows", "Windows ahead", charts=tuple(_windows(model, painter)), tables=(tables.windows(model),)
    )
    yield Section("drills", "Drills", tables=(tables.drills(model),))
    yield Section("hosts", "Hosts and ledgers", tables=(tables.hosts(model), tables.other_entries(model)))


def _timeline(model: Model, painter: Painter) -> Iterator[Chart]:
    if model.period is None:
        return
    lanes = series.releases(model.history, model.period)
    if not lanes:
        return
    failed = sum(
        1 for change in model.history.changes if change.failed and _inside(change.ended, model.period)
    )
    days, places = format_count(model.days, "day"), format_count(len(lanes), "place")
    summary = f"Releases over {days} in {places}; {format_count(failed, 'change')} failed."
    rows = tuple(
        (
            Cell(lane.label),
            Cell(segment.label),
            Cell(model.format_moment(segment.begin)),
            Cell(model.format_moment(segment.end)),
        )
        for lane in lanes
        for segment in lane.segments
    )
    yield Chart(
        "releases",
        "Which release was served when",
        summary,
        painter.lanes("releases", summary, lanes, model.period, newest_last=True),
        Table("Which release was served when", ("Where", "Release", "From", "Until"), rows),
        keys=(("live", "served"), ("bad", "served and failed"), ("cross", "✗ failed before it was served")),
        wide=True,
        newest_last=True,
    )


def _inside(moment: datetime, period: Period) -> bool:
    return period.start < moment <= period.end


def _by_week(model: Model, painter: Painter) -> Iterator[Chart]:
    weeks = series.weeks(model.dora["measures"])
    if not weeks.labels:
        return
    good, failed = sum(weeks.good), sum(weeks.failed)
    changes, days = format_count(good + failed, "change"), format_count(model.days, "day")
    summary = f"{changes} in {days}, {failed} of them failed."
    rows = tuple(
        (Cell(monday), Cell(str(held)), Cell(str(lost)))
        for monday, held, lost in zip(weeks.labels, weeks.good, weeks.failed, strict=True)
    )
    table = Table("Changes by week", ("Week of", "Held", "Failed"), rows, numbers=frozenset({1, 2}))
    yield Chart(
        "weeks",
        "Changes by week",
        summary,
        painter.bars("weeks", summary, weeks),
        table,
        keys=((OK, f"{SIGNS[OK]} held"), (BAD, f"{SIGNS[BAD]} failed or rolled back")),
        wide=True,
        newest_last=True,
    )


def _windows(model: Model, painter: Painter) -> Iterator[Chart]:
    # The report itself knows no clock: the calendars say for which time they were asked.
    begins = [begin for each in model.calendars.values() if (begin := parse_time(each.get("begin")))]
    ends = [end for each in model.calendars.values() if (end := parse_time(each.get("end")))]
    if not begins or not ends:
        return
    period = model.span(min(begins), max(ends))
    lanes = series.windows(model.calendars, period)
    tones = [segment.tone for lane in lanes for segment in lane.segments]
    times, freezes = format_count(tones.count(OK), "open time"), format_count(tones.count(BAD), "freeze")
    summary = f"{times} and {freezes} until {model.format_moment(period.end)}."
    rows = tuple(
        (
            Cell(lane.label),
            Cell(each.label),
            Cell(model.format_moment(each.begin)),
            Cell(model.format_moment(each.end)),
        )
        for lane in lanes
        for each in lane.segments
    )
    yield Chart(
        "windows",
        "When change is allowed",
        summary,
        painter.lanes("windows", summary, lanes, period, newest_last=False),
        Table("When change is allowed", ("For", "Name", "From", "Until"), rows),
        keys=((OK, "change is allowed"), (BAD, "freeze")),
        wide=True,
    )
