# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables: every line that the charts and the strip are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._ledger.changes import LIVE, ROLLED_BACK, Change, Rollback, parse_time
from ...module_utils._ledger.history import version_of
from . import records
from .hosts import Host
from .model import Model
from .records import Record
from .view import BAD, OK, WARN, Cell, Row, Table
from .words import NOTHING, count, duration, listing, percent

#: More lines make a page that nobody reads and no phone opens; the ledgers keep them all.
MOST_CHANGES = 250
MOST_HOSTS = 1000
MOST_OTHERS = 150


def live(model: Model) -> Table:
    rows = []
    for (environment, application), releases in model.live.items():
        for release, found in sorted(releases.items(), key=lambda item: -len(item[1])):
            since = min((each.since for dummy, each in found if each.since), default=None)
            rows.append(
                (
                    Cell(environment or NOTHING),
                    Cell(application),
                    Cell(version_of(release), WARN if len(releases) > 1 else OK, release),
                    Cell(str(len(found)), note=listing([host.name for host, dummy in found])),
                    Cell(model.when(since)),
                    Cell(
                        "" if found[-1][1].rollback_command else NOTHING, code=found[-1][1].rollback_command
                    ),
                )
            )
    columns = ("Environment", "Application", "Release", "Hosts", "Since", "Way back")
    return Table("What is live where", columns, tuple(rows), "Nothing is live.")


def changes(model: Model) -> Table:
    events: list[Change | Rollback] = [*model.story.changes, *model.story.rollbacks]
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
        change, outcome = _way(event.before, event.after), Cell("rolled back", WARN)
    else:
        before = next((str(entry["from"]) for entry in entries if entry.get("from")), "")
        change, outcome = _way(before, event.release), _outcome(event)
    hosts = tuple(dict.fromkeys(str(entry.get("host") or NOTHING) for entry in entries))
    longest = max(entries, key=records.seconds_of)
    unfinished = records.failed_step(longest)
    return (
        Cell(model.when(event.ended)),
        Cell(event.application, note=event.environment),
        change,
        outcome,
        Cell(str(len(hosts)), note=listing(hosts, 3)),
        Cell(
            duration(records.seconds_of(longest) or None), note=f"without {unfinished}" if unfinished else ""
        ),
        Cell(str(entries[-1].get("actor") or NOTHING), note=str(entries[-1].get("run") or "")),
        _evidence(entries),
    )


def _way(before: str, after: str) -> Cell:
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
        return Cell(canary or NOTHING)
    said = f"{checks - len(unmet)}/{checks} checks"
    notes = "; ".join(note for note in (*unmet, canary) if note)
    return Cell(said, WARN if unmet else OK, notes)


def overrides(model: Model) -> Table:
    rows = tuple(
        (
            Cell(model.when(each.time)),
            Cell(
                str(each.entry.get("application") or NOTHING), note=str(each.entry.get("environment") or "")
            ),
            Cell(records.checks_of(each.data) or NOTHING),
            Cell(str(each.data.get("by") or NOTHING)),
            Cell(str(each.data.get("reason") or NOTHING)),
            Cell(model.when(parse_time(each.data.get("until")))),
            _state(model, each),
            Cell(str(len(each.hosts)), note=listing(each.hosts, 3)),
        )
        for each in model.overrides[:MOST_CHANGES]
    )
    columns = ("Time", "Application", "Checks set aside", "By", "Reason", "Until", "State", "Hosts")
    return Table(
        "Overrides, newest first",
        columns,
        rows,
        "Nobody set a check aside.",
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
    said = str(record.data.get("verdict") or NOTHING)
    why = "; ".join(record.data["reasons"])
    release = str(record.entry.get("to") or record.entry.get("application") or "")
    tone = {"pass": OK, "fail": BAD}.get(said, WARN)
    sides = zip(_side(record.data.get("canary")), _side(record.data.get("baseline")), strict=True)
    return (
        Cell(model.when(record.time), note=str(record.entry.get("environment") or "")),
        Cell(version_of(release) or release, note=release),
        Cell(said, tone, why),
        Cell(listing(record.hosts, 3)),
        *(Cell(canary, note=baseline) for canary, baseline in sides),
    )


def _side(told: object) -> tuple[str, ...]:
    numbers = told if isinstance(told, Mapping) else {}
    requests, errors = records.number_of(numbers.get("requests")), records.number_of(numbers.get("errors"))
    share = errors / requests if requests and errors is not None else None
    return (
        NOTHING if requests is None else f"{requests:,.0f}",
        NOTHING if errors is None else f"{errors:,.0f}",
        percent(share, 2),
        _milliseconds(numbers.get("p50")),
        _milliseconds(numbers.get("p99")),
    )


def _milliseconds(value: object) -> str:
    number = records.number_of(value)
    return NOTHING if number is None else f"{number:,.0f} ms"


def drills(model: Model) -> Table:
    columns = ("Time", "Drill", "Outcome", "Recovery time (RTO)", "Recovery point (RPO)", "Hosts", "Details")
    rows = tuple(
        (
            Cell(model.when(each.time)),
            Cell(
                str(each.entry.get("drill") or each.entry.get("action") or NOTHING),
                note=str(each.entry.get("application") or ""),
            ),
            Cell(
                str(each.entry.get("outcome") or "not measured"), OK if records.went_well(each.entry) else BAD
            ),
            Cell(duration(records.number_of(each.entry.get("rto_seconds")))),
            Cell(duration(records.number_of(each.entry.get("rpo_seconds")))),
            Cell(listing(each.hosts, 3)),
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
            Cell(model.when(begin)),
            Cell(model.when(parse_time(span.get("end")))),
            Cell("freeze", WARN) if span.get("kind") == "freeze" else Cell("window", OK),
            *(Cell(str(span.get(name) or NOTHING)) for name in ("name", "reason", "owner")),
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
    told = f"{last.get('action')} {version_of(str(last.get('to') or ''))}" if last else NOTHING
    return (
        Cell(host.name),
        Cell(host.environment or NOTHING),
        _ledger(host),
        Cell(NOTHING if host.problem else f"{host.count:,}"),
        Cell(model.when(host.newest)),
        Cell(told.replace("_", " "), note=str(last.get("run") or "")),
        Cell(host.head[:16] or NOTHING),
    )


def _ledger(host: Host) -> Cell:
    if host.problem:
        return Cell("not read", BAD, host.problem)
    if host.intact is False or host.archive:
        return Cell("broken", BAD, "; ".join(note for note in (host.broken, host.archive) if note))
    return Cell("intact", OK) if host.intact else Cell("not verified", WARN)


def others(model: Model) -> Table:
    rows = tuple(
        (
            Cell(model.when(each.time)),
            Cell(listing(each.hosts, 3)),
            Cell(str(each.entry.get("kind") or NOTHING)),
            Cell(str(each.entry.get("action") or each.entry.get("outcome") or NOTHING)),
            Cell(str(each.entry.get("actor") or NOTHING)),
            Cell(_details(model, each.entry)),
        )
        for each in model.others[:MOST_OTHERS]
    )
    more = _left_out(len(model.others), MOST_OTHERS)
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
    told = [f"gate: {', '.join(found)}"] if (found := records.unmet(entry)[1]) else []
    told += [
        f"{name}: {model.when(moment) if (moment := parse_time(value)) else value}"
        for name, value in sorted(entry.items())
        if name not in _KNOWN and value not in ("", None)
    ]
    text = "; ".join(told) or NOTHING
    return text if len(text) <= 300 else f"{text[:297]}..."


def _left_out(number: int, most: int) -> str:
    return (
        f"{count(number - most, 'older line is', 'older lines are')} in the ledgers only."
        if number > most
        else ""
    )
