"""The actions windows_info and windows_chart, called as Ansible calls them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.mas.ops.plugins.action import windows_chart, windows_info
from ansible_collections.mas.ops.plugins.plugin_utils.windows.days import start_of_day

#: Open without an end, so that the last day of a range is an open one.
ALWAYS = [{"name": "always", "start": "2020-01-01", "end": "never"}]
DAYS = 3


def run(action: Any, windows: Any = ALWAYS, **args: Any) -> dict[str, Any]:
    task = SimpleNamespace(
        args=args,
        check_mode=False,
        diff=False,
        async_val=0,
        action="x",
        delegate_to=None,
        get_name=str,
    )
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    variables = {"web1": {"inventory_hostname": "web1", "change_windows": windows}}
    made = action.ActionModule(task, connection, MagicMock(), MagicMock(), MagicMock(), None)
    found: dict[str, Any] = made.run(None, {"hostvars": variables, "ansible_play_hosts_all": ["web1"]})
    return found


@pytest.mark.parametrize("at", [None, "2026-11-24T22:30:15.250000+00:00"])
def test_a_range_of_days_has_a_line_for_each(at: str | None):
    """Also when it is asked for now, which is hardly ever a whole second."""
    found = run(windows_info, at=at, days=DAYS, zone="UTC")
    assert len(found["lines"]) == 1 + DAYS
    assert all(line.endswith("open 00:00-24:00 always") for line in found["lines"][1:])
    assert found["until"].endswith("T00:00:00+00:00")


@pytest.mark.parametrize(
    "hour, state",
    [
        (3, "closed, outside of every window; the next one opens at 2026-11-24 04:00 EST"),
        (5, "open, the window 'morning' allows change until 2026-11-24 06:00 EST"),
    ],
)
def test_all_times_of_the_lines_are_in_the_zone_of_the_reader(hour: int, state: str):
    windows = [{"name": "morning", "start": "2026-11-24 10:00", "duration": "2h", "zone": "Europe/Berlin"}]
    found = run(
        windows_info, windows, at=f"2026-11-24T{hour:02}:00:00-05:00", days=1, zone="America/New_York"
    )
    assert found["lines"][0] == f"web1: {state}"
    assert "open 04:00-06:00 morning" in found["lines"][1]


def test_a_chart_can_be_drawn_of_what_is_found_now(tmp_path: Path):
    found = run(windows_info, days=DAYS)
    drawn = run(
        windows_chart,
        path=str(tmp_path / "x.svg"),
        groups=found["groups"],
        at=found["at"],
        end=found["until"],
        zone=found["zone"],
    )
    assert "msg" not in drawn
    assert (tmp_path / "x.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Pacific/Honolulu"])
def test_a_chart_in_another_zone_leaves_out_the_days_beside_it(tmp_path: Path, zone: str):
    found = run(windows_info, at="2026-11-24T12:00:00Z", days=DAYS, zone="UTC")
    # It begins in the middle of the range.
    times = {"at": "2026-11-25T12:00:00Z", "end": "2026-11-26T12:00:00Z"}
    assert run(windows_chart, path=str(tmp_path / "x.svg"), groups=found["groups"], zone=zone, **times)[
        "changed"
    ]


def test_a_zone_that_does_not_exist_is_an_error_of_its_option():
    found = run(windows_info, zone="Mars")
    assert found["failed"]
    assert "there is no time zone 'Mars'" in found["msg"]


@pytest.mark.parametrize(
    "zone, at, start",
    [
        ("UTC", "2026-11-24T23:59:59.999999+00:00", "2026-11-24T00:00:00+00:00"),
        ("Europe/Berlin", "2026-11-24T23:30:00+00:00", "2026-11-24T23:00:00+00:00"),
        # The second one of two equal hours.
        ("Europe/Berlin", "2026-10-25T01:30:00.5+00:00", "2026-10-24T22:00:00+00:00"),
        # Midnight comes twice.
        ("America/Havana", "2026-11-01T12:00:00+00:00", "2026-11-01T04:00:00+00:00"),
        # Midnight is left out: the day starts at 01:00.
        ("America/Santiago", "2026-09-06T12:00:00+00:00", "2026-09-06T04:00:00+00:00"),
    ],
)
def test_the_start_of_a_local_day(zone: str, at: str, start: str):
    found = start_of_day(datetime.fromisoformat(at), ZoneInfo(zone))
    assert found.astimezone(UTC) == datetime.fromisoformat(start)
