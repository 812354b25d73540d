"""The published examples of RFC 5545, section 3.8.5.3."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from ansible_collections.mas.ops.plugins.plugin_utils.windows.events import CalendarText
from ansible_collections.mas.ops.plugins.plugin_utils.windows.model import Policy, Target
from ansible_collections.mas.ops.plugins.plugin_utils.windows.parse import parse_policy
from ansible_collections.mas.ops.plugins.plugin_utils.windows.spans import occurrences

from . import oracle

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases/windows/rfc5545.yaml").read_text("utf-8"))
NEW_YORK = ZoneInfo("America/New_York")


def expected(case: dict[str, Any], clock: str) -> list[datetime]:
    days = {**case.get("expect", {})}
    for month in case.get("every_day_of", ()):
        days[month] = range(1, monthrange(*map(int, month.split("-")))[1] + 1)
    times = [f"{month}-{day:02} {clock}" for month, numbers in days.items() for day in numbers]
    times += [str(moment) for moment in case.get("times", ())]
    times += [
        f"{day} {hour:02}:{minute:02}"
        for day in case.get("twenty_minutes_from_9_to_5", ())
        for hour in range(9, 17)
        for minute in (0, 20, 40)
    ]
    return [datetime.fromisoformat(moment) for moment in times]


def starts(policy: Policy, begin: datetime, end: datetime) -> list[datetime]:
    found = occurrences(policy, Target(), begin, end)
    return [span.begin.astimezone(NEW_YORK).replace(tzinfo=None) for span in found if span.begin > begin]


@pytest.mark.parametrize("way", ["entry", "calendar"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_example(case: dict[str, Any], way: str):
    start = str(case.get("start", "1997-09-02 09:00"))
    wanted = expected(case, start[-5:])
    entry = {"name": "x", "zone": "America/New_York", "start": start, "rrule": [case["rrule"]]}
    entry["except_dates"] = case.get("except_dates", [])
    if way == "entry":
        policy = parse_policy([{**entry, "duration": 60}])
    else:
        policy = parse_policy(calendars=[CalendarText("x", text=oracle.ics(entry, "DURATION:PT1M"))])
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC) - timedelta(days=40)
    end = wanted[-1].replace(tzinfo=NEW_YORK) + (
        timedelta(seconds=1) if case.get("more") else timedelta(days=4000)
    )
    assert starts(policy, begin, end) == wanted
    if case.get("more"):
        ahead = 1500 if "INTERVAL=4" in case["rrule"] else 400 if "YEARLY" in case["rrule"] else 250
        assert starts(policy, end, end + timedelta(days=ahead))


def test_there_are_all_of_them():
    assert len(CASES) >= 42
