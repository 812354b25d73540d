# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cards at the top of the page: what an operator on call wants to know first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from typing import Any

from ...module_utils._ledger.changes import LIVE, ROLLED_BACK, Change, Rollback, parse_time
from ...module_utils._ledger.history import version_of
from . import records
from .format import format_count, format_names
from .hosts import Host
from .model import Model
from .view import BAD, OK, PLAIN, WARN, Card

#: Who serves each release.
Releases = Mapping[str, Sized]


def cards(model: Model) -> tuple[Card, ...]:
    return (
        *_live(model),
        _last_change(model),
        _window(model),
        _chain(model),
        _hosts(model),
        _overrides(model),
        _drill(model),
    )


def _live(model: Model) -> Iterator[Card]:
    """A card for each application, a line for each environment."""
    if not model.live:
        yield Card("Live", "Nothing", PLAIN, ("No ledger says that anything ever went live.",), "live")
    for application in sorted({application for dummy, application in model.live}):
        places = {place: found for place, found in model.live.items() if place[1] == application}
        mixed = [place[0] for place, found in places.items() if len(found) > 1]
        lines = tuple(_versions(place[0], found) for place, found in places.items())
        newest = _main_version(places)
        yield Card(f"{application} is live", newest, WARN if mixed else OK, lines, "live")


def _main_version(places: Mapping[tuple[str, str], Releases]) -> str:
    """That of production where there is one, for this is what the on-call operator asks about."""
    chosen = next((place for place in places if place[0] == "production"), next(iter(places)))
    return " + ".join(version_of(release) for release in sorted(places[chosen]))


def _versions(environment: str, releases: Releases) -> str:
    versions = ", ".join(
        f"{version_of(release)} on {format_count(len(found), 'host')}"
        for release, found in sorted(releases.items())
    )
    return f"{environment or 'no environment'}: {versions}" + (" (mixed)" if len(releases) > 1 else "")


def _last_change(model: Model) -> Card:
    events: list[Change | Rollback] = [*model.history.changes, *model.history.rollbacks]
    last = max(events, key=lambda event: event.ended, default=None)
    if last is None:
        return Card("Last change", "None", PLAIN, (), "changes")
    where = f"{last.application} in {last.environment or 'no environment'}"
    who = str(last.entries[-1].get("actor") or "an unknown actor")
    detail = (f"{model.format_moment(last.ended)} by {who}", where)
    if isinstance(last, Rollback):
        return Card("Last change", f"Back to {version_of(last.after) or 'nothing'}", WARN, detail, "changes")
    tone = {LIVE: OK, ROLLED_BACK: WARN}.get(last.outcome, BAD)
    verb = {LIVE: "went live", ROLLED_BACK: "was rolled back"}.get(last.outcome, "failed")
    return Card("Last change", f"{version_of(last.release)} {verb}", tone, detail, "changes")


def _window(model: Model) -> Card:
    known = [(host.environment, host.window_state) for host in model.hosts if host.window_state is not None]
    if not known:
        return Card(
            "Change is allowed", "Not known", PLAIN, ("No windows were given to the report.",), "windows"
        )
    frozen = [each for each in known if each[1].get("frozen")]
    shut = [each for each in known if not each[1].get("open")]
    said = (
        f"{where}: {_cause(model, state)}" if where else _cause(model, state)
        for where, state in (*frozen, *shut, *known)
    )
    lines = tuple(dict.fromkeys(said))[:3]
    if len(shut) < len(known):
        some = f" on {len(known) - len(shut)} of {len(known)} hosts" if shut else ""
        return Card("Change is allowed", f"Open{some}", WARN if shut else OK, lines, "windows")
    return Card("Change is allowed", "Frozen" if frozen else "Closed", WARN, lines, "windows")


def _cause(model: Model, state: Mapping[str, Any]) -> str:
    """The sentence of a window's state, with its time in the zone of the page."""
    until = parse_time(state.get("until"))
    return f"{state.get('cause')} until {model.format_moment(until)}" if until else str(state.get("why"))


def _chain(model: Model) -> Card:
    read = [host for host in model.hosts if not host.problem]
    broken = [host for host in read if host.intact is False]
    differs = [host for host in read if host.archive]
    if broken or differs:
        lines = tuple(f"{host.name}: {host.broken or host.archive}" for host in (*broken, *differs)[:4])
        return Card(
            "Ledgers",
            f"Broken on {format_names([host.name for host in broken or differs], 2)}",
            BAD,
            lines,
            "hosts",
        )
    intact = sum(1 for host in read if host.intact)
    entries = format_count(sum(host.count for host in read), "entry", "entries")
    lines = (f"{entries} in {format_count(len(read), 'ledger')}",)
    if intact < len(read):
        return Card(
            "Ledgers",
            "Not verified",
            WARN,
            (f"{len(read) - intact} chains were not looked at", *lines),
            "hosts",
        )
    return Card("Ledgers", f"{intact} of {len(read)} intact", OK if read else WARN, lines, "hosts")


def _hosts(model: Model) -> Card:
    silent = [host for host in model.hosts if host.problem]
    answered = f"{len(model.hosts) - len(silent)} of {len(model.hosts)} answered"
    return Card("Hosts", answered, BAD if silent else OK, tuple(map(_silence, silent[:4])), "hosts")


def _silence(host: Host) -> str:
    return f"{host.name}: {host.problem[:80]}"


def _overrides(model: Model) -> Card:
    active = [override for override in model.overrides if model.in_force(override)]
    lines = tuple(
        f"{records.checks_of(each.data)} until {model.format_moment(parse_time(each.data.get('until')))}"
        for each in active[:3]
    )
    past = (f"{format_count(len(model.overrides) - len(active), 'earlier one', 'earlier ones')}",)
    return Card("Overrides in force", str(len(active)), WARN if active else OK, lines or past, "overrides")


def _drill(model: Model) -> Card:
    if not model.drills:
        return Card("Last drill", "None", WARN, ("No restore or rollback was practised.",), "drills")
    last = model.drills[0]
    good = records.passed(last.entry)
    what = str(last.entry.get("drill") or last.entry.get("action") or "drill")
    return Card(
        "Last drill",
        f"{what.capitalize()} {'passed' if good else 'failed'}",
        OK if good else BAD,
        (f"{model.format_moment(last.time)} on {format_names(last.hosts, 3)}",),
        "drills",
    )
