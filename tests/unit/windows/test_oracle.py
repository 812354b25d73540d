"""No disagreement with recurring-ical-events, minute by minute, over zones and years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.plugin_utils.windows.events import CalendarText
from ansible_collections.mas.ops.plugins.plugin_utils.windows.judge import judge
from ansible_collections.mas.ops.plugins.plugin_utils.windows.model import Kind, Policy, Target
from ansible_collections.mas.ops.plugins.plugin_utils.windows.parse import parse_policy
from ansible_collections.mas.ops.plugins.plugin_utils.windows.spans import occurrences
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import oracle
from .oracle import MINUTE, Pair

HOST = Target("web1", ("web",), "agents", "production")
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
LENGTHS = st.sampled_from([15, 60, 90, 120, 240, 480, 1440, 1500, 2880])


def spans(policy: Policy, begin: datetime, end: datetime) -> set[Pair]:
    return {(span.begin, span.end) for span in occurrences(policy, HOST, begin, end)}


def cut(found: set[Pair], begin: datetime, end: datetime) -> set[Pair]:
    return {(max(first, begin), min(last, end)) for first, last in found}


@dataclass(frozen=True)
class Case:
    """An entry, and a moment near which something may go wrong."""

    near: datetime
    entry: dict[str, Any]
    length: timedelta
    on_the_wall: bool

    @property
    def written(self) -> dict[str, Any]:
        if self.on_the_wall:
            return {**self.entry, "end": self.end}
        return {**self.entry, "duration": int(self.length.total_seconds())}

    @property
    def end(self) -> str:
        return str(datetime.fromisoformat(self.entry["start"]) + self.length)

    def expected(self, begin: datetime, end: datetime) -> set[Pair]:
        """recurring-ical-events adds on the wall clock: its ends are good for that, its starts for both."""
        if self.on_the_wall:
            text = oracle.ics(self.entry, f"DTEND{oracle.stamp(self.end, self.entry['zone'])}")
            return oracle.expanded(text, begin, end)
        # It leaves out what ends when it starts, as an hour does that the clock leaves out: so a day, for the starts.
        tomorrow = str(datetime.fromisoformat(self.entry["start"]) + timedelta(days=1))
        text = oracle.ics(self.entry, f"DTEND{oracle.stamp(tomorrow, self.entry['zone'])}")
        margin = timedelta(days=3)
        starts = {first for first, dummy in oracle.expanded(text, begin - margin, end + margin)}
        return {
            (first, first + self.length) for first in starts if first < end and first + self.length > begin
        }


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone = draw(st.sampled_from(oracle.ZONES))
    near = draw(oracle.moments(zone))
    length = timedelta(minutes=draw(LENGTHS))
    return Case(near, draw(oracle.entries(zone, near)), length, draw(st.booleans()))


@given(cases())
@settings(SLOW, max_examples=60)
def test_the_occurrences_of_months(case: Case):
    end = case.near + timedelta(days=20 if "HOURLY" in str(case.entry["rrule"]) else 400)
    found = spans(parse_policy([case.written]), case.near, end)
    assert found == cut(case.expected(case.near, end), case.near, end)


@given(cases())
@settings(SLOW, max_examples=25)
def test_every_minute_of_a_day(case: Case):
    begin = (case.near - timedelta(hours=12)).replace(second=0)
    policy = parse_policy([case.written], required=True)
    expected = oracle.minutes(case.expected(begin, begin + timedelta(days=1)), begin, 1440)
    assert [judge(policy, HOST, begin + place * MINUTE).open for place in range(1440)] == expected


@given(st.data())
@settings(SLOW, max_examples=15)
def test_windows_and_freezes_together(data: st.DataObject):
    """Openings and closings are where the minutes of all windows without those of all freezes change."""
    zone = data.draw(st.sampled_from(oracle.ZONES))
    near = data.draw(oracle.moments(zone)).replace(minute=0)
    days = 3
    begin, end = near - timedelta(days=1), near + timedelta(days=days)
    held: dict[Kind, set[Pair]] = {Kind.WINDOW: set(), Kind.FREEZE: set()}
    entries: dict[Kind, list[dict[str, Any]]] = {Kind.WINDOW: [], Kind.FREEZE: []}
    for kind in data.draw(st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=4)):
        each = data.draw(st.sampled_from(oracle.ZONES[:7]))
        entry = data.draw(oracle.entries(each, near))
        ending = str(datetime.fromisoformat(entry["start"]) + timedelta(minutes=data.draw(LENGTHS)))
        text = oracle.ics(entry, f"DTEND{oracle.stamp(ending, each)}")
        held[kind] |= oracle.expanded(text, begin, end)
        entries[kind].append({**entry, "end": ending})
    count = (days + 1) * 1440
    frozen = oracle.minutes(held[Kind.FREEZE], begin, count)
    inside = oracle.minutes(held[Kind.WINDOW], begin, count) if entries[Kind.WINDOW] else [True] * count
    is_open = [inside[place] and not frozen[place] for place in range(count)]
    policy = parse_policy(entries[Kind.WINDOW], entries[Kind.FREEZE])
    for place in range(0, count, 13):
        state = judge(policy, HOST, begin + place * MINUTE)
        assert (state.open, state.frozen) == (is_open[place], frozen[place])
        changes = next((later for later in range(place + 1, count) if is_open[later] != is_open[place]), None)
        found_at = state.closes_at if state.open else state.next_opening
        if changes is None:
            assert found_at is None or found_at >= begin + count * MINUTE
        else:
            assert found_at is not None
            assert found_at.astimezone(UTC) == begin + changes * MINUTE


@given(cases())
@settings(SLOW, max_examples=40)
def test_the_same_from_a_calendar(case: Case):
    """An .ics text says to us what it says to everybody else."""
    begin, end = case.near, case.near + timedelta(days=20 if "HOURLY" in str(case.entry["rrule"]) else 400)
    text = oracle.ics(case.entry, "DURATION:PT90M")
    expected = {first for first, dummy in oracle.expanded(text, begin, end) if first >= begin}
    policy = parse_policy(calendars=[CalendarText("x", text=text)])
    assert {
        first for first, dummy in spans(policy, begin - timedelta(days=1), end) if first >= begin
    } == expected


@pytest.mark.parametrize(
    "date, starts",
    [("2020-02-28 15:00", [29, 6, 13]), ("2020-02-27 15:00", [28, 6, 13])],
    ids=["what the UTC reading of the EXDATE says", "before the DTSTART that is left out"],
)
def test_an_extra_date_that_the_other_library_loses(date: str, starts: list[int]):
    """RFC 5545, 3.8.5.1: an EXDATE takes away what it names, and nothing else."""
    entry = {"zone": "Etc/GMT+12", "start": "2020-02-28 03:00", "rrule": ["FREQ=WEEKLY"]}
    text = oracle.ics({**entry, "dates": [date], "except_dates": [entry["start"]]}, "DURATION:PT90M")
    policy = parse_policy(calendars=[CalendarText("x", text=text)])
    found = spans(policy, datetime(2020, 2, 20, tzinfo=UTC), datetime(2020, 3, 15, tzinfo=UTC))
    assert [first.day for first, dummy in sorted(found)][:3] == starts
