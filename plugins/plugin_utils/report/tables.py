# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the page: every line that the charts and the cards are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._ledger.changes import LIVE, ROLLED_BACK, Change, Rollback, parse_time
from ...module_utils._ledger.history import version_of
from . import records
from .format import NO_VALUE, format_count, format_duration, format_names, format_percent
from .hosts import Host
from .model import Model
from .records import Record
from .view import BAD, OK, WARN, Cell, Row, Table

#: More lines make a page that is not read, and that no phone opens; the ledgers keep them all.
MOST_CHANGES = 250
MOST_HOSTS = 1000
MOST_OTHERS = 150


def live(model: Model) -> Table:
    rows = []
    for (environment, application), releases in model.live.items():
        for release, found in sorted(releases.items(), key=lambda item: -len(item[1])):
            since = min((each.since for dummy, each in found if each.since), default=None)
            command = found[-1][1].rollback_command
            rows.append(
                (
                    Cell(environment or NO_VALUE),
                    Cell(application),
                    Cell(version_of(release), WARN if len(releases) > 1 else OK, release),
                    Cell(str(len(found)), note=format_names([host.name for host, dummy in found])),
                    Cell(model.format_moment(since)),
                    Cell("" if command else NO_VALUE, code=command),
                )
            )
    columns = ("Environment", "Application", "Release", "Hosts", "Since", "Way back")
    return Table("What is live where", columns, tuple(rows), "Nothing is live.")


def changes(model: Model) -> Table:
    events: list[Change | Rollback] = [*model.history.changes, *model.history.rollbacks]
    events.sort(key=lambda event: event.ended, reverse=True)
    columns = ("Time", "Application", "Change", "Outcome", "Hosts", "Took", "By", "Evidence")
    return Table(
        "Changes and rollbacks, newest first",
        columns,
        tuple(_event(model, event) for event in events[:MOST_CHANGES]),
        "No ledger has a change.",
        _left_out(len(events), MOST_CHANGES),
        frozenset({5}),
    )


def _event(model: Model, event: Change | Rollback) -> Row:
    entries = event.entries
    if isinstance(event, Rollback):
        change, outcome = _from_to(event.before, event.after), Cell("rolled back", WARN)
    else:
        before = next((str(entry["from"]) for entry in entries if entry.get("from")), "")
        change, outcome = _from_to(before, event.release), _outcome(event)
    hosts = tuple(dict.fromkeys(str(entry.get("host") or NO_VALUE) for entry in entries))
    longest = max(entries, key=records.seconds_of)
    unfinished = records.failed_step(longest)
    return (
        Cell(model.format_moment(event.ended)),
        Cell(event.application, note=event.environment),
        change,
        outcome,
        Cell(str(len(hosts)), note=format_names(hosts, 3)),
        Cell(
            format_duration(records.seconds_of(longest) or None),
            note=f"without {unfinished}" if unfinished else "",
        ),
        Cell(str(entries[-1].get("actor") or NO_VALUE), note=str(entries[-1].get("run") or "")),
        _evidence(entries),
    )


def _from_to(before: str, after: str) -> Cell:
    return Cell(f"{version_of(before) or 'nothing'} → {version_of(after) or 'nothing'}", note=after)


def _outcome(change: Change) -> Cell:
    if change.outcome == LIVE:
        return Cell("live", OK)
    errors = [str(entry["error"]) for entry in change.entries if entry.get("error")]
    note = errors[0] if errors else ""
    if change.outcome == ROLLED_BACK:
        return Cell("live, later rolled back", WARN, note)
    return Cell(_failed_at(change), BAD, note)


def _failed_at(change: Change) -> str:
    """Hosts may have failed at different steps."""
    steps = dict.fromkeys(step for entry in change.entries if (step := records.failed_step(entry)))
    return f"failed at {', '.join(steps)}" if steps else "failed"


def _evidence(entries: Iterable[Mapping[str, Any]]) -> Cell:
    """What the gate and the canary said, of the entry that says most."""
    checks, unmet = max((records.unmet(entry) for entry in entries), key=lambda found: found[0])
    verdicts = {
        str(entry["verdict"].get("verdict")) for entry in entries if isinstance(entry.get("verdict"), Mapping)
    }
    canary = f"canary: {', '.join(sorted(verdicts))}" if verdicts else ""
    if not checks:
        return Cell(canary or NO_VALUE)
    said = f"{checks - len(unmet)}/{checks} checks"
    notes = "; ".join(note for note in (*unmet, canary) if note)
    return Cell(said, WARN if unmet else OK, notes)


def overrides(model: Model) -> Table:
    rows = tuple(
        (
            Cell(model.format_moment(each.time)),
            Cell(
                str(each.entry.get("application") or NO_VALUE), note=str(each.entry.get("environment") or "")
            ),
            Cell(records.checks_of(each.data) or NO_VALUE),
            Cell(str(each.data.get("by") or NO_VALUE)),
            Cell(str(each.data.get("reason") or NO_VALUE)),
            Cell(model.format_moment(parse_time(each.data.get("until")))),
            _state(model, each),
            Cell(str(len(each.hosts)), note=format_names(each.hosts, 3)),
        )
        for each in model.overrides[:MOST_CHANGES]
    )
    columns = ("Time", "Application", "Checks set aside", "By", "Reason", "Until", "State", "Hosts")
    return Table(
        "Overrides, newest first",
        columns,
        rows,
        "No check was set aside.",
        _left_out(len(model.overrides), MOST_CHANGES),
    )


def _state(model: Model, override: Record) -> Cell:
    if override.data.get("granted") is False:
        return Cell("refused")
    return Cell("in force", WARN) if model.in_force(override) else Cell("expired")


def verdicts(model: Model) -> Table:
    columns = ("Time", "Release", "Verdict", "Hosts", "Requests", "Errors", "Error rate", "p50", "p99")
    rows = tuple(_verdict(model, each) for each in model.verdicts[:MOST_OTHERS])
    caption = "Canary verdicts, newest first; below each number of the canary that of its baseline"
    more = _left_out(len(model.verdicts), MOST_OTHERS)
    return Table(caption, columns, rows, "No canary was judged.", more, frozenset(range(4, 9)))


def _verdict(model: Model, record: Record) -> Row:
    said = str(record.data.get("verdict") or NO_VALUE)
    why = "; ".join(record.data["reasons"])
    release = str(record.entry.get("to") or record.entry.get("application") or "")
    tone = {"pass": OK, "fail": BAD}.get(said, WARN)
    sides = zip(_side(record.data.get("canary")), _side(record.data.get("baseline")), strict=True)
    return (
        Cell(model.format_moment(record.time), note=str(record.entry.get("environment") or "")),
        Cell(version_of(release) or release, note=release),
        Cell(said, tone, why),
        Cell(format_names(record.hosts, 3)),
        *(Cell(canary, note=baseline) for canary, baseline in sides),
    )


def _side(value: object) -> tuple[str, ...]:
    numbers = value if isinstance(value, Mapping) else {}
    requests, errors = records.number_of(numbers.get("requests")), records.number_of(numbers.get("errors"))
    share = errors / requests if requests and errors is not None else None
    return (
        NO_VALUE if requests is None else f"{requests:,.0f}",
        NO_VALUE if errors is None else f"{errors:,.0f}",
        format_percent(share, 2),
        _milliseconds(numbers.get("p50")),
        _milliseconds(numbers.get("p99")),
    )


def _milliseconds(value: object) -> str:
    number = records.number_of(value)
    return NO_VALUE if number is None else f"{number:,.0f} ms"


def drills(model: Model) -> Table:
    columns = ("Time", "Drill", "Outcome", "Recovery time (RTO)", "Recovery point (RPO)", "Hosts", "Details")
    rows = tuple(
        (
            Cell(model.format_moment(each.time)),
            Cell(
                str(each.entry.get("drill") or each.entry.get("action") or NO_VALUE),
                note=str(each.entry.get("application") or ""),
            ),
            Cell(str(each.entry.get("outcome") or "not measured"), OK if records.passed(each.entry) else BAD),
            Cell(format_duration(records.number_of(each.entry.get("rto_seconds")))),
            Cell(format_duration(records.number_of(each.entry.get("rpo_seconds")))),
            Cell(format_names(each.hosts, 3)),
            Cell(_details(model, each.entry)),
        )
        for each in model.drills[:MOST_OTHERS]
    )
    more = _left_out(len(model.drills), MOST_OTHERS)
    return Table("Drills, newest first", columns, rows, "No drill was done.", more, frozenset({3, 4}))


def windows(model: Model) -> Table:
    columns = ("From", "Until", "What", "Name", "Reason", "Owner", "For")
    known = sorted(
        (
            (begin, label, span)
            for label, calendar in model.calendars.items()
            for span in calendar["spans"]
            if (begin := parse_time(span.get("begin")))
        ),
        key=lambda each: each[:2],
    )
    rows = tuple(
        (
            Cell(model.format_moment(begin)),
            Cell(model.format_moment(parse_time(span.get("end")))),
            Cell("freeze", WARN) if span.get("kind") == "freeze" else Cell("window", OK),
            *(Cell(str(span.get(name) or NO_VALUE)) for name in ("name", "reason", "owner")),
            Cell(label),
        )
        for begin, label, span in known[:MOST_OTHERS]
    )
    empty = "There are none."
    return Table("Windows and freezes ahead", columns, rows, empty, _left_out(len(known), MOST_OTHERS))


def hosts(model: Model) -> Table:
    columns = (
        "Host",
        "Environment",
        "Ledger",
        "Entries",
        "Last entry",
        "Last release change",
        "Head of the chain",
    )
    ordered = sorted(model.hosts, key=lambda host: (not host.problem, host.intact is not False, host.name))
    rows = tuple(_host(model, host) for host in ordered[:MOST_HOSTS])
    more = _left_out(len(ordered), MOST_HOSTS)
    return Table("Hosts and their ledgers", columns, rows, "No host was asked.", more, frozenset({3}))


def _host(model: Model, host: Host) -> Row:
    last = host.last_release or {}
    change = f"{last.get('action')} {version_of(str(last.get('to') or ''))}".strip() if last else NO_VALUE
    return (
        Cell(host.name),
        Cell(host.environment or NO_VALUE),
        _ledger(host),
        Cell(NO_VALUE if host.problem else f"{host.count:,}"),
        Cell(model.format_moment(host.newest)),
        Cell(change.replace("_", " "), note=str(last.get("run") or "")),
        Cell(host.head[:16] or NO_VALUE),
    )


def _ledger(host: Host) -> Cell:
    if host.problem:
        return Cell("not read", BAD, host.problem)
    if host.intact is False or host.archive:
        return Cell("broken", BAD, "; ".join(note for note in (host.broken, host.archive) if note))
    return Cell("intact", OK) if host.intact else Cell("not verified", WARN)


def other_entries(model: Model) -> Table:
    rows = tuple(
        (
            Cell(model.format_moment(each.time)),
            Cell(format_names(each.hosts, 3)),
            Cell(str(each.entry.get("kind") or NO_VALUE)),
            Cell(str(each.entry.get("action") or each.entry.get("outcome") or NO_VALUE)),
            Cell(str(each.entry.get("actor") or NO_VALUE)),
            Cell(_details(model, each.entry)),
        )
        for each in model.other_entries[:MOST_OTHERS]
    )
    more = _left_out(len(model.other_entries), MOST_OTHERS)
    columns = ("Time", "Host", "Kind", "What", "By", "Details")
    return Table("Other entries, newest first", columns, rows, "There are none.", more)


#: What has a column, or says how the entry was kept.
_KNOWN = frozenset(
    (
        *(
            "time",
            "kind",
            "action",
            "outcome",
            "actor",
            "run",
            "sequence",
            "previous",
            "hash",
            "host",
            "drill",
        ),
        *("application", "environment", "rto_seconds", "rpo_seconds", "gate", "verdict", "carried"),
    )
)


def _details(model: Model, entry: Mapping[str, Any]) -> str:
    """What an entry says beside what has a column."""
    parts = [f"gate: {', '.join(found)}"] if (found := records.unmet(entry)[1]) else []
    parts += [
        f"{name}: {model.format_moment(moment) if (moment := parse_time(value)) else value}"
        for name, value in sorted(entry.items())
        if name not in _KNOWN and value not in ("", None)
    ]
    text = "; ".join(parts) or NO_VALUE
    return text if len(text) <= 300 else f"{text[:297]}..."


def _left_out(number: int, most: int) -> str:
    return (
        f"{format_count(number - most, 'older line is', 'older lines are')} in the ledgers only."
        if number > most
        else ""
    )
