# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a whole fleet goes back: to which release, which one it leaves, and what is to be done where a host lacks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._core.errors import Refused
from ...module_utils._ledger.history import version_of
from ...module_utils._releases.targets import STORE, WARM, described
from .fleet import follow_note, live_at, place_of

Hosts = Mapping[str, Mapping[str, Any]]


def rollback_way(hosts: Hosts, at: str = "") -> dict[str, Any]:
    """What a rollback without a version does, decided for all hosts before the first one changes.

    A deploy that is under way, or that waits for its confirmation, is left, and no host goes further than that. After
    a deploy that failed the fleet is back already. A rollback that another run made since this one began is this
    one's as well, and one that was interrupted between hosts is finished, not repeated.

    :param hosts: what ``release_info`` returned, by host
    :param at: RFC 3339 with an offset or ``Z``: go to what was live at that moment; hosts without a record of it follow
        the others
    :returns: ``to`` or ``leave``, a release id, the other one empty; or ``done``, why nothing is to be done. ``lacking``:
        the hosts to which ``to`` has to be brought; ``version`` of ``to``; ``offer``: what needs no store, and
        ``nearest``, the first of it; ``note``: what is to be said first. ``plain``: there is nothing to say or to bring.
    :raises Refused: there is nothing to go back to, or no one release
    """
    if at:
        release = live_at(hosts, at)
        return _way(hosts, to=release, note=follow_note(hosts, at, release))
    since = [facts["back_since"] for facts in hosts.values() if facts.get("back_since")]
    if since:
        newest = max(since, key=lambda back: str(back["time"]))
        if newest["to"]:
            return _way(hosts, to=newest["to"])
        return _way(hosts, done=f"Run {newest['run']} rolled back the only release since this run began.")
    left = _to_leave(hosts)
    if left:
        return _way(hosts, leave=left)
    back = _already_back(hosts)
    return _way(hosts, done=back) if back else _way(hosts, to=_target(hosts))


def _way(hosts: Hosts, to: str = "", leave: str = "", done: str = "", note: str = "") -> dict[str, Any]:
    lacking = [name for name, facts in hosts.items() if to and place_of(facts, to) == STORE]
    way = {
        "to": to,
        "leave": leave,
        "done": done,
        "lacking": lacking,
        "version": version_of(to),
        "note": note,
    }
    offered = {"offer": offer(hosts, everywhere=True), "nearest": next(iter(_held_by_all(hosts)), "")}
    return {**way, **offered, "plain": not (lacking or done or note)}


def _to_leave(hosts: Hosts) -> str:
    """The release of a deploy that has not ended; or one that some hosts were taken back from and others serve."""
    armed = [facts["armed"] for facts in hosts.values() if facts.get("armed")]
    begun = [facts["operation"] for facts in hosts.values() if _is_deploy(facts)]
    for waiting in (armed, begun):
        if waiting:
            return str(max(waiting, key=lambda each: str(each["since"]))["release"])
    left = {facts["left"] for facts in hosts.values() if facts.get("left")}
    served = left & {facts["live"] for facts in hosts.values()}
    return str(served.pop()) if len(served) == 1 else ""


def _is_deploy(facts: Mapping[str, Any]) -> bool:
    operation = facts.get("operation") or {}
    return operation.get("kind") == "deploy" and operation.get("release") != facts["live"]


def _already_back(hosts: Hosts) -> str:
    """What to say where the last deploy failed or was aborted, and all hosts serve what they served before it.

    A host that serves nothing, because it was reinstalled since, is no reason for the others to go further back.
    """
    left = sorted({str(facts["left"]) for facts in hosts.values() if facts.get("left")})
    lives = {str(facts["live"]) for facts in hosts.values() if facts["live"]}
    if not left or len(lives) != 1:
        return ""
    live, idle = lives.pop(), sorted(name for name, facts in hosts.items() if not facts["live"])
    rest = (
        f" {', '.join(idle)} never had a release: a deploy of {version_of(live)} brings it there."
        if idle
        else ""
    )
    return (
        f"All hosts {'that serve a release ' if idle else ''}are back on {live} already: {', '.join(left)} failed or was "
        f"aborted.{rest} To go further back, name the version: -e rollback_version=... {offer(hosts)}"
    )


def _target(hosts: Hosts) -> str:
    lives = {str(facts["live"]) for facts in hosts.values() if facts["live"]}
    before = {str(facts["previous"]) for facts in hosts.values() if facts["previous"] and facts["live"]}
    contracted = {str(facts["contracted"]) for facts in hosts.values() if facts.get("contracted")}
    if contracted and not before:
        raise Refused(
            f"the schema of the database was contracted for {', '.join(sorted(contracted))}, and releases before it "
            "no longer fit it",
            where="ledger",
            fix="Restore the data to a restore point from before that, or deploy a corrected release.",
        )
    if len(lives) > 1:
        return _unfinished(hosts, lives, before)
    if not before:
        raise Refused(
            f"nothing was live before {', '.join(lives)}" if lives else "nothing is live",
            where="ledger",
            fix="Deploy a version with mas.ops.deploy instead.",
        )
    # Hosts that joined later, or missed deploys, know older ones or none: the fleet goes to what it served last.
    return max(sorted(before), key=lambda release: _last_live(hosts, release))


def _unfinished(hosts: Hosts, lives: set[str], before: set[str]) -> str:
    """Where a rollback was going that reached only some hosts, or a deploy came from."""
    gone = {
        str(facts["live"])
        for facts in hosts.values()
        if (facts.get("back") or {}).get("to") == facts["live"] and facts["live"]
    }
    if len(lives) == 2 and len(gone) == 1:
        return gone.pop()
    targets = before & lives
    ways = [{facts["live"], facts["previous"]} for facts in hosts.values() if facts["live"]]
    if len(targets) == 1 and all(targets <= way for way in ways):
        return targets.pop()
    raise Refused(
        "the hosts do not agree on what was live before",
        where=", ".join(
            f"{name}: {facts['live']} after {facts['previous'] or 'nothing'}"
            for name, facts in sorted(hosts.items())
        ),
        fix=f"Name the version to go back to: -e rollback_version=... {offer(hosts)}",
    )


def _last_live(hosts: Hosts, release: str) -> str:
    """When it went live last on any host, as text that sorts."""
    times = (
        str(entry["time"])
        for facts in hosts.values()
        for entry in facts.get("timeline", ())
        if entry["release"] == release
    )
    return max(times, default="")


def offer(hosts: Hosts, everywhere: bool = False) -> str:
    """The releases that hosts can go back to, newest first, and what each takes; empty when there are none.

    :param everywhere: only those that every host has
    """
    ordered = _held_by_all(hosts) if everywhere else _newest_first(hosts)
    return f"There are: {described([_offered(hosts, name) for name in ordered])}." if ordered else ""


def _newest_first(hosts: Hosts) -> list[str]:
    names = dict.fromkeys(each["release"] for facts in hosts.values() for each in facts.get("targets", ()))
    return sorted(names, key=lambda release: _last_live(hosts, release), reverse=True)


def _held_by_all(hosts: Hosts) -> list[str]:
    """What needs no store."""
    return [
        name
        for name in _newest_first(hosts)
        if all(place_of(facts, name) != STORE for facts in hosts.values())
    ]


def _offered(hosts: Hosts, release: str) -> str:
    places = {name: place_of(facts, release) for name, facts in hosts.items()}
    lacking = [name for name, place in places.items() if place == STORE]
    if lacking:
        return f"{release} (fetched from the store and started on {', '.join(sorted(lacking))})"
    if set(places.values()) == {WARM}:
        return f"{release} (runs everywhere: seconds)"
    budgets = [
        each.get("startup_seconds") or 0.0
        for facts in hosts.values()
        for each in facts.get("targets", ())
        if each["release"] == release
    ]
    return f"{release} (a start-up, at most {max(budgets, default=0.0):.0f} s)"


def rollback_rest(
    hostvars: Hosts, hosts: Sequence[str], artifact: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What is left to do once every host was ordered back, where some lack the release.

    :param hostvars: with ``rollback_done`` and, once it was brought, ``rollback_brought``, as the tasks registered them
    :param hosts: those that answered
    :param artifact: what ``artifact_info`` said of it
    :returns: ``missing`` and ``moved``, lists of hosts; ``release`` and ``version`` to bring to the missing ones, empty
        where none ever served it; ``offer``: what all hosts can go back to without the store, and ``nearest``, the
        first of it; ``forward``: what all of them served, where those that moved can go back to it; ``why``:
        what a host says that lacks it; ``short``: the hosts that do not serve it yet, and the ``cause``
    """
    done = {name: hostvars[name].get("rollback_done") or {} for name in hosts}
    answered = {name: result for name, result in done.items() if "live" in result}
    missing = {name: result for name, result in done.items() if result.get("missing")}
    others = {
        name: result for name, result in done.items() if not result.get("missing") and result.get("live")
    }
    moved = {name: result for name, result in others.items() if result.get("changed")}
    lives = {_lands_on(result) for result in others.values()}
    # No host has its files any more, where none is on it.
    known = lives or {str(result["lacks"]) for result in missing.values() if result.get("lacks")}
    release = known.pop() if len(known) == 1 else ""
    were = {result.get("was") for result in moved.values()} | {
        result.get("live") for result in missing.values()
    }
    brought = {name: hostvars[name].get("rollback_brought") or {} for name in missing}
    short = [name for name in missing if not release or _lands_on(brought[name]) != release]
    return {
        "short": short,
        "cause": _cause([brought[name] for name in short], artifact or {}, release),
        "offer": offer(answered, everywhere=True),
        "nearest": next(iter(_held_by_all(answered)), ""),
        "missing": list(missing),
        "moved": list(moved),
        "release": release,
        "version": version_of(release),
        "forward": str(were.pop() or "") if len(were) == 1 else "",
        "why": str(next(iter(missing.values()))["missing"]) if missing else "",
    }


def _lands_on(result: Mapping[str, Any]) -> str:
    """The release that a host serves after a call; in check mode the one that it would."""
    return str(result.get("aim") or result.get("live") or "")


def _cause(brought: Sequence[Mapping[str, Any]], artifact: Mapping[str, Any], release: str) -> str:
    """Why it could not be brought: what the first host said, or what is wrong with the artifact."""
    said = [str(result["msg"]) for result in brought if result.get("msg")]
    if artifact.get("release") not in (None, release):
        return f"the store holds another artifact of that version, {artifact['release']}."
    return next(iter([*said, str(artifact.get("msg") or "no artifact was found.")]))
