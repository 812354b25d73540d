"""Calendars that others keep: read, copied, too slow, gone, or no calendars at all."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, NotFound
from ansible_collections.mas.ops.plugins.plugin_utils.windows.adapters.inventory import policy_of
from ansible_collections.mas.ops.plugins.plugin_utils.windows.events import CalendarText, entries
from ansible_collections.mas.ops.plugins.plugin_utils.windows.judge import judge
from ansible_collections.mas.ops.plugins.plugin_utils.windows.model import Target
from ansible_collections.mas.ops.plugins.plugin_utils.windows.parse import parse_policy

CHRISTMAS = datetime(2026, 12, 25, 12, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 25, 12, tzinfo=UTC)


def ics(*events: str) -> str:
    body = "".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{body}END:VCALENDAR\r\n"


HOLIDAY = (
    "UID:1\r\nSUMMARY:Holidays\r\nDESCRIPTION:no staff available\r\nORGANIZER;CN=Ann:mailto:ann@example.org\r\n"
    "DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20270102"
)
HOLIDAYS = ics(HOLIDAY)


class Server(ThreadingHTTPServer):
    """Serves one text; counts how often; may be slow or broken."""

    text, status, delay, asked, announced = HOLIDAYS, 200, 0.0, 0, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/freezes.ics?token=secret"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(self.server.status)
        if self.server.announced:
            self.send_header("Content-Length", str(self.server.announced))
        self.end_headers()
        for byte in self.server.text.encode():
            time.sleep(self.server.delay)
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache/mas.ops/calendars"


def state(
    calendar: dict[str, Any], at: datetime = CHRISTMAS, target: Target | None = None, **more: Any
) -> Any:
    return judge(policy_of(calendars=[calendar], **more), target or Target(), at)


def test_a_file(tmp_path: Path):
    path = tmp_path / "freezes.ics"
    path.write_text(HOLIDAYS)
    found = state({"source": str(path), "zone": "Europe/Berlin"})
    assert (found.frozen, found.window) == (True, "Holidays")
    assert "no staff available, Ann" in found.why
    assert found.next_opening is not None
    assert found.next_opening.isoformat() == "2027-01-02T00:00:00+01:00"
    assert state({"source": str(path)}, NOVEMBER).open


def test_the_kind_and_the_scope_of_a_calendar(tmp_path: Path):
    path = tmp_path / "windows.ics"
    path.write_text(HOLIDAYS)
    calendar = {"source": str(path), "kind": "window", "groups": ["db*"]}
    assert state(calendar, target=Target(groups=("db1",))).window == "Holidays"
    assert not state(calendar, NOVEMBER, Target(groups=("db1",))).open
    assert state(calendar, NOVEMBER, Target(groups=("web",))).open


def test_an_address_is_asked_once_while_its_copy_is_young(server: Server, cache: Path):
    for _ in range(3):
        assert state({"source": server.url}).frozen
    assert server.asked == 1
    (copy,) = cache.iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert state({"source": server.url, "cache": 0}).frozen
    assert server.asked == 2


@pytest.mark.parametrize("trouble", ["status", "login page", "slow", "gone"])
def test_a_calendar_that_cannot_be_read_forbids_change(server: Server, trouble: str):
    calendar = {"source": server.url, "name": "business", "timeout": 5, "applications": ["agents"]}
    if trouble == "status":
        server.status = 503
    elif trouble == "login page":
        server.text = "<html>Please log in</html>"
    elif trouble == "slow":
        server.delay, calendar["timeout"] = 0.05, 1
    else:
        calendar["source"] = "http://127.0.0.1:1/x.ics"
    begin = time.monotonic()
    found = state(calendar, NOVEMBER, Target(application="agents"))
    assert time.monotonic() - begin < 4
    assert (found.open, found.frozen, found.window) == (False, True, "calendar business")
    assert "cannot be read" in found.why
    assert "secret" not in found.why
    # Who is not in its scope goes on.
    assert state(calendar, NOVEMBER, Target(application="shop")).open


def test_a_calendar_of_windows_that_cannot_be_read_does_not_open(tmp_path: Path):
    found = state({"source": str(tmp_path / "none.ics"), "kind": "window"}, NOVEMBER)
    assert (found.open, found.frozen) == (False, True)


def test_on_error(tmp_path: Path):
    calendar = {"source": str(tmp_path / "none.ics")}
    assert state({**calendar, "on_error": "ignore"}).open
    with pytest.raises(NotFound, match="No such file"):
        state({**calendar, "on_error": "fail"})


def test_an_old_copy_stands_in_for_a_while(server: Server, cache: Path):
    calendar = {"source": server.url, "cache": 0, "max_age": "24h"}
    assert state(calendar).window == "Holidays"
    server.status = 500
    assert state(calendar).window == "Holidays"
    assert state({**calendar, "max_age": 0}, NOVEMBER).window == "calendar freezes.ics"
    (copy,) = cache.iterdir()
    os.utime(copy, (time.time() - 90_000, time.time() - 90_000))
    assert state(calendar, NOVEMBER).window == "calendar freezes.ics"


@pytest.mark.parametrize("announced", [0, len(HOLIDAYS)])
def test_what_was_cut_off_does_not_replace_a_good_copy(server: Server, cache: Path, announced: int):
    calendar = {"source": server.url, "cache": 0, "max_age": "24h"}
    assert state(calendar).window == "Holidays"
    server.text, server.announced = HOLIDAYS[: HOLIDAYS.index("BEGIN:VEVENT")], announced
    assert state(calendar).window == "Holidays"
    (copy,) = cache.iterdir()
    assert copy.read_bytes() == HOLIDAYS.encode()
    found = state({**calendar, "max_age": 0}, NOVEMBER)
    assert (found.frozen, found.window) == (True, "calendar freezes.ics")
    assert ("more expected" if announced else "has no end") in found.why


def test_less_than_was_announced_is_no_answer(server: Server):
    server.announced = len(HOLIDAYS) + 1
    found = state({"source": server.url, "name": "business"}, NOVEMBER)
    assert (found.frozen, found.window) == (True, "calendar business")


def test_without_a_place_for_copies_it_works_too(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert state({"source": server.url}).frozen


@pytest.mark.parametrize(
    "calendar, says",
    [
        ({}, "it has no source"),
        ({"source": "x", "kind": "holiday"}, "kind is 'holiday'"),
        ({"source": "x", "on_error": "open"}, "on_error is 'open'"),
        ({"source": "x", "timeout": 0}, "timeout 0"),
        ({"source": "x", "max_age": "a day"}, "max_age 'a day'"),
        ({"source": "x", "url": "y"}, "there is no key url"),
        ({"source": "http://me:secret@example.org/x.ics"}, "must not hold a name and password"),
    ],
)
def test_refused(calendar: dict[str, Any], says: str):
    with pytest.raises(BadInput) as caught:
        state(calendar)
    assert says in str(caught.value)
    assert "me:secret" not in str(caught.value)


@pytest.mark.parametrize(
    "event, says",
    [
        ("UID:1\r\nSUMMARY:x\r\nDTSTART:20261224T100000Z", "it has no end"),
        ("UID:1\r\nSUMMARY:x", "it has no DTSTART"),
        (
            "UID:1\r\nSUMMARY:x\r\nDTSTART;TZID=Our zone:20261224T100000\r\nDURATION:PT1H",
            "no time zone 'Our zone'",
        ),
        ("UID:1\r\nSUMMARY:x\r\nDTSTART:garbage\r\nDURATION:PT1H", "DTSTART"),
        ("UID:1\r\nDTSTART:20261224T100000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=SECONDLY", "FREQ is SECONDLY"),
        (
            "UID:1\r\nDTSTART:20261224T100000Z\r\nDURATION:PT1H\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261224T100000Z",
            "THISANDFUTURE",
        ),
    ],
)
def test_ambiguous_events(event: str, says: str):
    with pytest.raises(BadInput) as caught:
        parse_policy(calendars=[CalendarText("ours", text=ics(event))])
    assert says in str(caught.value)
    assert "ours" in str(caught.value)


DAILY = "UID:1\r\nSUMMARY:x\r\nDTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nRRULE:FREQ=DAILY"
WHOLE_DAYS = "UID:1\r\nSUMMARY:x\r\nDTSTART;VALUE=DATE:20261201\r\nRRULE:FREQ=WEEKLY"


@pytest.mark.parametrize(
    "events, says",
    [
        ([DAILY, HOLIDAY], "two events have the same UID"),
        ([DAILY, f"{DAILY};INTERVAL=2"], "two events have the same UID"),
        ([DAILY, f"{DAILY}\r\nSTATUS:CANCELLED"], "two events have the same UID"),
        ([f"{DAILY}\r\nEXDATE;VALUE=DATE:20261203"], "EXDATE must be a date exactly when"),
        ([f"{WHOLE_DAYS}\r\nEXDATE:20261208T000000Z"], "EXDATE must be a date exactly when"),
        (
            [
                DAILY,
                "UID:1\r\nRECURRENCE-ID;VALUE=DATE:20261203\r\nDTSTART:20261203T000000Z\r\nDURATION:PT1H",
            ],
            "RECURRENCE-ID must be a date exactly when",
        ),
    ],
)
def test_events_that_contradict_each_other(events: list[str], says: str):
    with pytest.raises(BadInput) as caught:
        parse_policy(calendars=[CalendarText("ours", text=ics(*events))])
    assert says in str(caught.value)


def test_the_same_event_twice_and_a_newer_one():
    def frozen(*events: str) -> set[int]:
        policy = parse_policy(calendars=[CalendarText("x", text=ics(*events))])
        at = [datetime(2026, 12, 2, hour, 30, tzinfo=UTC) for hour in range(24)]
        return {one.hour for one in at if judge(policy, Target(), one).frozen}

    later = DAILY.replace("T10", "T20").replace("T11", "T21")
    assert frozen(DAILY, f"{DAILY}\r\nDTSTAMP:20261101T000000Z") == {10}
    for events in ([DAILY, f"{later}\r\nSEQUENCE:1"], [f"{later}\r\nSEQUENCE:1", DAILY]):
        assert frozen(*events) == {20}
    assert frozen(f"{WHOLE_DAYS}\r\nEXDATE;VALUE=DATE:20261208") == set()
    # An occurrence of whole days may be moved to a time.
    moved = "UID:1\r\nRECURRENCE-ID;VALUE=DATE:20261201\r\nDTSTART:20261202T100000Z\r\nDURATION:PT1H"
    assert frozen(WHOLE_DAYS, moved) == {10}


def test_moved_and_cancelled_occurrences():
    series = "UID:1\r\nSUMMARY:x\r\nDTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nRRULE:FREQ=DAILY"
    text = ics(
        series,
        "UID:1\r\nSUMMARY:x\r\nRECURRENCE-ID:20261203T100000Z\r\nDTSTART:20261203T150000Z\r\nDURATION:PT2H",
        "UID:1\r\nSUMMARY:x\r\nSTATUS:CANCELLED\r\nRECURRENCE-ID:20261204T100000Z\r\nDTSTART:20261204T100000Z",
        "UID:2\r\nSUMMARY:y\r\nSTATUS:CANCELLED\r\nDTSTART:20261202T200000Z\r\nDURATION:PT1H",
    )
    policy = parse_policy(calendars=[CalendarText("x", text=text)])
    frozen = {
        (day, hour)
        for day in range(1, 7)
        for hour in range(24)
        if judge(policy, Target(), datetime(2026, 12, day, hour, tzinfo=UTC)).frozen
    }
    assert frozen == {(1, 10), (2, 10), (3, 15), (3, 16), (5, 10), (6, 10)}


def test_entries_are_what_windows_and_freezes_take():
    found = entries(CalendarText("x", text=HOLIDAYS), "UTC")
    assert found == [
        {
            "name": "Holidays",
            "zone": "UTC",
            "reason": "no staff available",
            "owner": "Ann",
            "start": "2026-12-24",
            "end": "2027-01-02",
        }
    ]
    assert judge(parse_policy(freezes=found), Target(), CHRISTMAS).frozen
