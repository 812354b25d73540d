"""What the page says, before it is drawn and written."""

# ruff: noqa: ARG002  (who draws nothing has no use for what it is given)

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import matplotlib as mpl
import pytest
from ansible_collections.mas.ops.plugins.plugin_utils.report import cards, hosts, tables
from ansible_collections.mas.ops.plugins.plugin_utils.report.adapters import html
from ansible_collections.mas.ops.plugins.plugin_utils.report.adapters.painter import Charts
from ansible_collections.mas.ops.plugins.plugin_utils.report.format import (
    format_count,
    format_duration,
    format_names,
    format_percent,
)
from ansible_collections.mas.ops.plugins.plugin_utils.report.model import Model, build
from ansible_collections.mas.ops.plugins.plugin_utils.report.page import page
from ansible_collections.mas.ops.plugins.plugin_utils.report.series import Lane, Period, Weeks, releases
from ansible_collections.mas.ops.plugins.plugin_utils.report.view import BAD, OK, WARN, Card, Table
from ansible_collections.mas.ops.tests.unit.report import samples
from ansible_collections.mas.ops.tests.unit.report.samples import NOW, ledger, release, text

BROKEN = {"file": "/var/lib/mas/ledger.jsonl", "line": 12, "sequence": 12, "reason": "it was changed"}


class Blank:
    """Draws nothing."""

    def lanes(
        self, key: str, summary: str, lanes: Sequence[Lane], period: Period, *, newest_last: bool
    ) -> str:
        return ""

    def bars(self, key: str, summary: str, weeks: Weeks) -> str:
        return ""

    def spark(self, key: str, summary: str, values: Sequence[float | None], bars: bool) -> str:
        return ""


def model(ledgers: dict[str, Any], **windows: Any) -> Model:
    return build(hosts.parse(ledgers, **windows), samples.AT, 30, NOW)


def card(given: Model, label: str) -> Card:
    return next(each for each in cards.cards(given) if each.label == label)


def live(to: str, minutes: int = 0, action: str = "live", **more: Any) -> dict[str, Any]:
    entry = release("production", "agents", action, "1.0.0-aa", to)
    return {**entry, "time": text(NOW.replace(minute=minutes)), "run": "r1", "actor": "alice", **more}


def column(table: Table, name: str) -> list[str]:
    return [row[table.columns.index(name)].text for row in table.rows]


@pytest.mark.parametrize(
    "seconds, said",
    [
        (None, "\N{EN DASH}"),
        (0, "0 s"),
        (0.25, "0.2 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (90061, "1 d 1 h"),
        (86400 * 3 + 5, "3 d"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert format_duration(seconds) == said


def test_counts_and_shares() -> None:
    assert format_count(1, "host") == "1 host"
    assert format_count(2000, "entry", "entries") == "2,000 entries"
    assert format_percent(None) == "\N{EN DASH}"
    assert format_percent(0.125, 1) == "12.5 %"
    assert format_names(["a", "b", "c"], 2) == "a, b and 1 more"


def test_all_on_one_release() -> None:
    found = model({name: ledger([live("1.1.0-bb")]) for name in ("web1", "web2")})
    assert card(found, "agents is live") == Card(
        "agents is live", "1.1.0", OK, ("production: 1.1.0 on 2 hosts",), "live"
    )
    assert card(found, "Last change").value == "1.1.0 went live"
    assert card(found, "Ledgers").tone == card(found, "Hosts").tone == OK


def test_a_mixed_fleet_is_said() -> None:
    found = model({"web1": ledger([live("1.1.0-bb")]), "web2": ledger([live("1.2.0-cc")])})
    assert card(found, "agents is live").value == "1.1.0 + 1.2.0"
    assert card(found, "agents is live").tone == WARN
    assert column(tables.live(found), "Hosts") == ["1", "1"]


def test_the_last_change_was_a_rollback() -> None:
    back = {**live("1.0.0-aa", 30, "rolled_back"), "from": "1.1.0-bb", "run": "r2"}
    found = model({"web1": ledger([live("1.1.0-bb"), back])})
    assert card(found, "Last change").value == "Back to 1.0.0"
    assert column(tables.changes(found), "Outcome") == ["rolled back", "live, later rolled back"]
    assert column(tables.changes(found), "Change") == ["1.1.0 → 1.0.0", "1.0.0 → 1.1.0"]


def test_a_change_that_failed_says_at_which_step() -> None:
    """Its time is not in the ledger, so what the change took is without it."""

    def failed(step: str, seconds: float) -> dict[str, Any]:
        spent = {"seconds": {"fetch": seconds}} | samples.UNHEALTHY | {"step": step}
        return live("1.1.0-bb", 0, "failed", **spent)

    def row(*entries: dict[str, Any]) -> tuple[str, str, str, str]:
        fleet = {f"web{index}": ledger([entry]) for index, entry in enumerate(entries)}
        (line,) = tables.changes(model(fleet)).rows
        outcome, took = line[3], line[5]
        return outcome.text, outcome.note, took.text, took.note

    error = samples.UNHEALTHY["error"]
    assert row(failed("await_health", 2)) == ("failed at await_health", error, "2 s", "without await_health")
    # Hosts of one change may fail at different steps, or not at all.
    both = "failed at await_health, unpack"
    assert row(failed("await_health", 2), failed("unpack", 3)) == (both, error, "3 s", "without unpack")
    one = ("failed at unpack", error, "7.3 s", "")
    assert row(failed("unpack", 3), live("1.1.0-bb")) == one
    assert row(failed("", 2)) == ("failed", error, "2 s", "")


def test_a_broken_chain_is_bad() -> None:
    found = model({"web1": ledger([live("1.1.0-bb")], BROKEN), "web2": ledger([live("1.1.0-bb")])})
    said = card(found, "Ledgers")
    assert (said.value, said.tone) == ("Broken on web1", BAD)
    assert said.items == ("web1: ledger.jsonl line 12: it was changed",)
    assert tables.hosts(found).rows[0][2].tone == BAD


def test_a_chain_that_was_not_verified_is_not_intact() -> None:
    unverified = ledger([live("1.1.0-bb")])
    unverified["chain"]["intact"] = None
    assert card(model({"web1": unverified}), "Ledgers").tone == WARN
    assert tables.hosts(model({"web1": {"entries": []}})).rows[0][2].text == "not verified"


def test_hosts_that_said_nothing() -> None:
    found = model({"web1": {"unreachable": True, "msg": "no route\nmore"}, "web2": {"msg": "needs root"}})
    assert card(found, "Hosts").value == "0 of 2 answered"
    assert card(found, "Hosts").items == ("web1: not reached: no route", "web2: needs root")


@pytest.mark.parametrize(
    "states, value, tone",
    [
        ([], "Not known", "plain"),
        ([{"open": True, "why": "a"}], "Open", OK),
        ([{"open": True, "why": "a"}, {"open": False, "why": "b"}], "Open on 1 of 2 hosts", WARN),
        ([{"open": False, "why": "b"}], "Closed", WARN),
        ([{"open": False, "frozen": True, "why": "b"}], "Frozen", WARN),
    ],
)
def test_windows_now(states: list[dict[str, Any]], value: str, tone: str) -> None:
    names = [f"web{number}" for number in range(max(len(states), 1))]
    found = model(dict.fromkeys(names, ledger([])), states=dict(zip(names, states, strict=False)))
    said = card(found, "Change is allowed")
    assert (said.value, said.tone) == (value, tone)


OVERRIDE = {"checks": ["alerts"], "by": "bob", "reason": "known", "until": "2026-11-25T07:00:00+01:00"}
GATES = [
    {"checks": {"alerts": "fail", "lock": "pass"}, "override": {**OVERRIDE, "granted": True}},
    {
        "checks": [{"name": "alerts", "result": "fail"}, {"name": "lock", "result": "pass"}],
        "overrides": [OVERRIDE],
    },
]


@pytest.mark.parametrize("gate", GATES)
def test_an_override_of_a_run_is_one_and_expires(gate: dict[str, Any]) -> None:
    fleet = {name: ledger([live("1.1.0-bb", gate=gate)]) for name in ("web1", "web2")}
    found = model(fleet)
    assert column(tables.overrides(found), "Hosts") == ["2"]
    assert column(tables.overrides(found), "State") == ["in force"]
    assert card(found, "Overrides in force").value == "1"
    assert card(found, "Overrides in force").items == ("alerts until 2026-11-25 06:00 UTC",)
    evidence = tables.changes(found).rows[0][-1]
    assert (evidence.text, evidence.note, evidence.tone) == ("1/2 checks", "alerts: fail", WARN)


@pytest.mark.parametrize(
    "at, now, state",
    [
        # The page is about all of this day, whatever the time of day is.
        ("2026-11-25T23:59:59Z", "2026-11-25T05:59:59Z", "in force"),
        ("2026-11-25T23:59:59Z", "2026-11-25T06:00:00Z", "expired"),
        # The newest entry is from before the end of the override.
        (None, "2026-11-25T05:59:59Z", "in force"),
        (None, "2026-11-25T20:00:00Z", "expired"),
        # A report of the past.
        ("2026-11-25T05:00:00Z", "2026-12-24T12:00:00Z", "in force"),
    ],
)
def test_an_override_is_in_force_until_its_end(at: str | None, now: str, state: str) -> None:
    fleet = hosts.parse({"web1": ledger([live("1.1.0-bb", gate=GATES[0])])})
    found = build(fleet, at, 30, datetime.fromisoformat(now))
    assert column(tables.overrides(found), "State") == [state]
    assert card(found, "Overrides in force").value == str(int(state == "in force"))


def test_a_refused_override_is_never_in_force() -> None:
    refused = {
        "kind": "gate",
        "action": "refused",
        "time": text(NOW),
        "gate": {"checks": {"override": "fail"}, "override": {**OVERRIDE, "granted": False}},
    }
    found = model({"web1": ledger([refused])})
    assert column(tables.overrides(found), "State") == ["refused"]
    assert card(found, "Overrides in force").value == "0"
    assert column(tables.other_entries(found), "Details") == ["gate: override: fail"]


def test_a_confirmation_is_no_change() -> None:
    confirmed = {**live("1.1.0-bb", 1, "confirmed"), "from": "1.1.0-bb"}
    found = model({"web1": ledger([live("1.1.0-bb"), confirmed])})
    assert len(tables.changes(found).rows) == 1
    assert tables.hosts(found).rows[0][5].text == "live 1.1.0"


def test_verdicts_of_a_run_are_one() -> None:
    def judged(verdict: str, errors: int, p99: int) -> dict[str, Any]:
        side = {"requests": 1000, "errors": errors, "p50": 10, "p99": p99}
        return {
            "verdict": verdict,
            "reasons": [verdict],
            "numbers": {"canary": side, "baseline": {"requests": 9}},
        }

    found = model(
        {
            "web1": ledger([live("1.1.0-bb", verdict=judged("pass", 1, 80))]),
            "web2": ledger([live("1.1.0-bb", 1, "failed", verdict=judged("fail", 19, 250))]),
            "web3": ledger([live("1.1.0-bb", 2, verdict=judged("inconclusive", 0, 70))]),
        }
    )
    (row,) = tables.verdicts(found).rows
    assert [cell.text for cell in row[2:]] == [
        *("fail", "web3, web2, web1", "3,000", "20", "0.67 %", "10 ms", "250 ms"),
    ]
    assert row[4].note == "27"
    assert set(row[2].note.split("; ")) == {"pass", "fail", "inconclusive"}


def test_a_drill_that_does_not_say_that_it_went_well_did_not() -> None:
    drill = {**samples.drill(1, "", 90.0), "rpo_seconds": None}
    found = model({"web1": ledger([drill])})
    (line,) = tables.drills(found).rows
    assert [cell.text for cell in line[2:5]] == ["not measured", "1 min 30 s", "\N{EN DASH}"]
    assert card(found, "Last drill").tone == BAD


@pytest.mark.parametrize("odd", [None, 7, "text", [], {}, [7], {"checks": 7}, {"overrides": ["x"]}])
def test_odd_fields_do_no_harm(odd: Any) -> None:
    fields = (
        "gate",
        "verdict",
        "seconds",
        "run",
        "actor",
        "error",
        "rollback_command",
        "environment",
        "built",
        "reasons",
    )
    for name in fields:
        found = model({"web1": ledger([live("1.1.0-bb", **{name: odd})])})
        html.render(page(found, "x", Blank()))


def test_long_tables_say_what_they_leave_out() -> None:
    many = tables.MOST_CHANGES + 3
    entries = [live(f"1.{number}.0-aa", run=f"r{number}") for number in range(many)]
    table = tables.changes(model({"web1": ledger(entries)}))
    assert len(table.rows) == tables.MOST_CHANGES
    assert table.more == "3 older lines are in the ledgers only."
    assert len(table.first) + len(table.rest) == len(table.rows)


def test_times_of_releases() -> None:
    entries = [
        live("1.1.0-bb", 0),
        live("1.2.0-cc", 10, run="r2"),
        {**live("1.1.0-bb", 20, "rolled_back"), "from": "1.2.0-cc", "run": "r3"},
        live("1.3.0-dd", 30, "failed", run="r4"),
    ]
    found = model({"web1": ledger(entries)})
    assert found.period is not None
    (lane,) = releases(found.history, found.period)
    drawn = [(segment.label, segment.begin.minute, segment.tone == BAD) for segment in lane.segments]
    assert drawn == [("1.1.0", 0, False), ("1.2.0", 10, True), ("1.1.0", 20, False)]
    assert [mark.minute for mark in lane.marks] == [30]
    assert lane.segments[-1].end == found.period.end
    assert lane.segments[0].tone == lane.segments[2].tone


def test_all_times_are_in_one_zone_and_say_it() -> None:
    """Also those of windows of another zone, and in what an entry says beside."""
    states = {
        "web1": {
            "open": False,
            "why": "outside of every window; the next one opens at 2026-11-24 22:00 UTC",
            "cause": "outside of every window",
            "until": "2026-11-24T22:00:00+00:00",
        }
    }
    ledgers = samples.ledgers()
    ledgers["web1"] = ledger(
        [live("1.1.0-bb"), {**samples.drill(1, "pass", 90.0), "started": "2026-11-23T10:00:00Z"}]
    )
    known = hosts.parse(ledgers, states, samples.window_calendars())
    text = html.render(page(build(known, samples.AT, 90, NOW, "Asia/Kolkata"), "x", Charts())).decode()
    seen = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", text, flags=re.DOTALL)
    times = re.findall(r"\d\d:\d\d(?: [A-Z]+)?", seen)
    assert len(times) > 100
    assert {time[6:] for time in times} == {"IST"}
    assert "outside of every window until 2026-11-25 03:30 IST" in seen
    assert "started: 2026-11-23 15:30 IST" in seen
    assert seen.count("UTC") == seen.count("ISO weeks in UTC") == 1
    # The axes say their zone too.
    assert len(re.findall(r"<text[^>]*>Asia/Kolkata</text>", text)) == 2


def test_drawings_are_parts_of_a_page() -> None:
    """No size, no font, no colour of their own; names that cannot clash; nothing from elsewhere."""
    found = build(
        hosts.parse(samples.ledgers(), samples.window_states(), samples.window_calendars()),
        samples.AT,
        90,
        NOW,
    )
    text = html.render(page(found, "<Report> & more", Charts())).decode()
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawings) == 3 + 4 * 4
    for drawing in drawings:
        assert "http" not in drawing
        assert "<style" not in drawing
        assert "font-family" not in drawing
        assert not re.findall(r"#[0-9a-f]{6}\b", drawing)
        names = set(re.findall(r'id="([^"]+)"', drawing))
        assert set(re.findall(r"url\(#([^)]+)\)", drawing)) <= names
        assert set(re.findall(r'href="#([^"]+)"', drawing)) <= names
    assert len(set(re.findall(r'\bid="[^"]+"', text))) == len(re.findall(r'\bid="[^"]+"', text))
    # The past is scrolled to its end, what is ahead is not.
    first = dict(re.findall(r'id="chart-(\w+)">.*?<div class="([^"]*)"', text, re.DOTALL))
    assert {key for key, kind in first.items() if "newest-last" in kind.split()} == {"releases", "weeks"}
    assert set(first) == {"releases", "weeks", "windows"}
    assert "<h1>&lt;Report&gt; &amp; more</h1>" in text
    assert samples.ATTACK not in text


@pytest.mark.parametrize("name", ["$x$ $", "\udcff", "日本" * 60, "<b>&\"'", "a\nb\x1b\0", "", "é̂" * 30])
def test_odd_names_are_drawn(name: str) -> None:
    entries = [{**live("1.1.0-bb"), "application": name, "to": f"{name}-bb", "environment": name}]
    text = html.render(page(model({"web1": ledger(entries)}), name, Charts())).decode()
    assert "<b>" not in text.replace("<b>Which", "").replace("<b>Changes", "")


def test_the_style_of_a_user_does_not_change_the_page() -> None:
    found = model({"web1": ledger([live("1.1.0-bb")])})
    usual = html.render(page(found, "x", Charts()))
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "svg.fonttype": "path"}):
        assert html.render(page(found, "x", Charts())) == usual


def test_a_rollback_that_failed_is_no_change_and_still_shown() -> None:
    failed = {**live("1.0.0-aa", 1, "failed"), "operation": "rollback", "error": "no room on the disk"}
    found = model({"web1": ledger([live("1.0.0-aa"), failed])})
    assert column(tables.other_entries(found), "What") == ["failed"]
    assert "no room on the disk" in column(tables.other_entries(found), "Details")[0]
    # A deploy that failed has a line of its own among the changes.
    deploy = {**failed, "operation": "deploy"}
    assert column(tables.other_entries(model({"web1": ledger([live("1.0.0-aa"), deploy])})), "What") == []


def test_an_application_that_was_decommissioned_serves_nothing_and_is_listed() -> None:
    ended = {**live("1.0.0-aa", 1, "decommissioned"), "from": "1.0.0-aa", "to": None}
    found = model({"web1": ledger([live("1.0.0-aa"), ended])})
    assert column(tables.other_entries(found), "What") == ["decommissioned"]
    assert found.live == {}
    assert column(tables.hosts(found), "Last release change") == ["decommissioned"]
