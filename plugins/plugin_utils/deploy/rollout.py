# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a deploy stands on all of its hosts: what to do next, and what to say when it could not be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...module_utils._ledger.history import is_called
from ...module_utils._releases.commands import command
from .extra_vars import whole_number
from .points import failed_after, failed_point, own_error, was_lost


def rollout(
    hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str], max_fail: int | None = None
) -> dict[str, Any]:
    """Where a deploy stands on all of its hosts, and hence what is to be done next.

    :param hostvars: what the tasks of the deploy registered by host: ``deploy_staged``, ``deploy_switched`` and
        ``deploy_confirmed``, each as far as it came; and ``deploy_left`` where it was to go back
    :param hosts: those that take part
    :param max_fail: so many hosts may fail to stage and are then left behind; ``deploy_max_fail`` of the first host
        unless it is given
    :returns: host names by what became of them (``staged``, ``unstaged``, ``switched``, ``broken``, ``waiting`` for
        their confirmation, ``unconfirmed``, ``back``), without those that the gate skipped, and all of these together
        (``hosts``); three decisions: ``go`` (switch the next batch), ``complete`` (all that staged have switched) and
        ``done`` (nothing is left to do); what follows from them: ``confirm`` and ``leave``, the hosts to confirm now
        and those to take back now, and ``unlock``, those that hold the lock though nothing was done there; and
        ``left``, the part of the hosts that have not switched, between 0 and 1; and what the user's own tasks make of it:
        ``stage`` (to stage now), ``failed_tasks`` (before the confirmation), ``failed_after`` it, and ``lost`` during them
    """
    by_host = read_hosts(hostvars, hosts)
    if max_fail is None and hosts:
        first = by_host[hosts[0]]
        settings = (first.get("deploy_plan") or {}).get("settings") or {}
        max_fail = whole_number({**first, **settings}, "deploy_max_fail", 0)
    return _rollout(by_host, _taking_part(by_host, hosts), int(max_fail or 0))


def read_hosts(
    hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """The variables of the hosts, read once: Ansible merges them all again for each access."""
    return {name: hostvars.get(name, {}) for name in hosts}


def _rollout(by_host: Mapping[str, Mapping[str, Any]], hosts: Sequence[str], max_fail: int) -> dict[str, Any]:
    phases = {name: _phases(by_host[name]) for name in hosts}
    staged = [name for name in hosts if phases[name]["staged"] == "ok"]
    switched = [name for name in staged if phases[name]["switched"] == "ok"]
    failed = [name for name in hosts if failed_point(by_host[name])]
    broken = [name for name in staged if phases[name]["switched"] == "failed" or name in failed]
    waiting = [name for name in switched if (by_host[name].get("deploy_switched") or {}).get("armed")]
    unconfirmed = [name for name in waiting if phases[name]["confirmed"] == "failed"]
    confirmed = all(phases[name]["confirmed"] == "ok" for name in waiting)
    unstaged = [name for name in hosts if name not in staged]
    back = [name for name in hosts if phases[name]["left"] == "ok"]
    go = bool(staged) and len(unstaged) <= max_fail and not broken and not _denied(by_host, hosts)
    complete = go and len(switched) == len(staged)
    done = complete and confirmed and not unstaged
    touched = [name for name in hosts if _touched(by_host[name])]
    stays = complete and not unconfirmed
    idle = [name for name in staged if name not in touched and by_host[name]["deploy_staged"].get("token")]
    return {
        "hosts": hosts,
        "staged": staged,
        "unstaged": unstaged,
        "switched": switched,
        "broken": broken,
        "waiting": waiting,
        "unconfirmed": unconfirmed,
        "back": back,
        "go": go,
        "complete": complete,
        "done": done,
        "confirm": waiting if complete and not done else [],
        "leave": [] if stays else touched,
        "unlock": [] if stays else idle,
        "stage": [name for name in hosts if name not in failed] if len(failed) <= max_fail else [],
        "confirmed": complete and confirmed,
        "failed_tasks": failed,
        "failed_after": [name for name in hosts if failed_after(by_host[name])],
        "lost": [name for name in hosts if was_lost(by_host[name])],
        "left": 1.0 - len(switched) / len(staged) if staged else 1.0,
    }


def rollout_failure(
    hostvars: Mapping[str, Mapping[str, Any]],
    hosts: Sequence[str],
    application: str,
    version: str,
    inventory: Sequence[str] = (),
    check: bool = False,
) -> str:
    """What happened, which host serves what now, and what to do, for the end of a deploy that was not done.

    :param hostvars: as for :func:`rollout`
    :param inventory: as the command line of this run named it
    :param check: in check mode, where nothing was changed that could be taken back
    """
    by_host = read_hosts(hostvars, hosts)
    hosts = _taking_part(by_host, hosts)
    state = _rollout(by_host, hosts, max_fail=len(hosts))
    failed = [*state["unstaged"], *state["broken"], *state["unconfirmed"], *state["failed_after"]]
    back = state["back"]
    # What such a host said last is older than what another run has made of it since.
    overtaken = {name for name in hosts if _is_overtaken(by_host[name].get("deploy_confirmed"))}
    kept = [
        name for name in hosts if name not in {*back, *overtaken} and is_called(_live(by_host[name]), version)
    ]
    closed = _closed_gate(by_host, hosts)
    where = f" to every host: it failed on {', '.join(failed)}" if failed else ""
    verdict = "cannot be deployed" if check else "was not deployed"
    lines = [f"{application} {version} {verdict}{where}."]
    denied = _denied(by_host, hosts)
    lines += [f"It was not approved: {denied}"] if denied else []
    lines += ["The gate closed before the next batch.", closed, ""] if closed else []
    lines += [f"  {name}: {_indented(_first_error(by_host[name]))}" for name in failed]
    if check:
        return "\n".join(
            [
                *lines,
                "This was a dry run: nothing was changed on any host. Correct the cause and run it again.",
            ]
        )
    if back:
        lines.append(f"Back on what they served before: {', '.join(back)}.")
    if kept:
        lines.append(f"They serve {version}: {', '.join(kept)}.")
    lines += _left_behind(by_host, [name for name in hosts if name not in back and name not in kept])
    lines.append(_advice(by_host, hosts, application, version, inventory))
    return "\n".join(lines)


def _advice(
    hostvars: Mapping[str, Mapping[str, Any]],
    hosts: Sequence[str],
    application: str,
    version: str,
    inventory: Sequence[str],
) -> str:
    """What to do next. Who was overtaken must not simply go on: another run decides what is live."""
    if any(_is_overtaken(hostvars[name].get(f"deploy_{phase}")) for name in hosts for phase in _PHASES):
        return "Another run has changed the fleet since this one began. Check what is live before you deploy again."
    undo = command(
        "deploy", inventory, application_name=application, deploy_version=version, deploy_abort="true"
    )
    return f"Correct the cause and run the same command again, or leave {version} everywhere: {undo}"


def _is_overtaken(result: Any) -> bool:
    return isinstance(result, Mapping) and result.get("error") in _OVERTAKEN


def _touched(registered: Mapping[str, Any]) -> bool:
    """Whether this run did anything to a host, or found it waiting for the confirmation of an earlier one.

    A host that served the version before this run goes on with it, also where it was repaired.
    """
    staged, switched = (registered.get(f"deploy_{phase}") or {} for phase in ("staged", "switched"))
    return bool(
        (staged.get("changed") and not staged.get("repaired"))
        or switched.get("changed")
        or staged.get("armed")
    )


def _live(registered: Mapping[str, Any]) -> str | None:
    """What a host said last that it serves."""
    results = [registered.get(f"deploy_{phase}") or {} for phase in _PHASES]
    known = [str(result["live"]) for result in results if _outcome(result) == "ok" and result.get("live")]
    return known[-1] if known else None


def _taking_part(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> list[str]:
    """Without those that the gate skipped, and those that it did not judge, because --limit leaves them out."""
    judged = [name for name in hosts if hostvars.get(name, {}).get("gate_decision")]
    return [name for name in judged or hosts if not _skipped(name, hostvars.get(name, {}))]


def _skipped(name: str, registered: Mapping[str, Any]) -> bool:
    """Whether the gate left the host out, which is no failure of it."""
    decision = registered.get("gate_decision") or {}
    return bool((decision.get("hosts") or {}).get(name, {}).get("decision") == "skip")


def _denied(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> str:
    """Why what is staged was not approved; empty when it was, or when no approval was needed."""
    approvals = (hostvars.get(name, {}).get("deploy_approved") or {} for name in hosts)
    return next(
        (
            str(approval.get("msg"))
            for approval in approvals
            if approval and approval.get("decision") != "approved"
        ),
        "",
    )


def _closed_gate(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> str:
    """What the gate said when it stopped a deploy between its batches; empty when it did not."""
    rechecks = (hostvars[name].get("deploy_gate") or {} for name in hosts)
    return next((str(gate["msg"]) for gate in rechecks if gate.get("refused")), "")


def _left_behind(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> Iterator[str]:
    for name in hosts:
        results = [hostvars[name].get(f"deploy_{phase}") for phase in _PHASES]
        silent = any(isinstance(result, Mapping) and result.get("unreachable") for result in results)
        if silent and _phases(hostvars[name])["staged"] == "ok":
            yield f"{name} cannot be reached: if it has switched, it goes back by itself. Check it before you go on."
        elif _is_overtaken(hostvars[name].get("deploy_left")):
            yield f"{name} was not changed any more: {_message(hostvars[name].get('deploy_left'))}"
        elif _phases(hostvars[name])["left"] == "failed":
            yield f"{name} could not be taken back: {_message(hostvars[name].get('deploy_left'))}"


def _first_error(registered: Mapping[str, Any]) -> str:
    """The first error of a host, in its own words."""
    results = [registered.get(f"deploy_{phase}") for phase in _PHASES]
    *before, left = (_message(each) if _outcome(each) == "failed" else "" for each in results)
    return next(filter(None, (*before, own_error(registered), left)), "it did not take part; see above")


def _indented(text: str) -> str:
    """The lines of a message below its host."""
    return text.replace("\n", "\n    ")


def _message(result: Any) -> str:
    if result.get("unreachable"):
        return "it cannot be reached"
    return str(result.get("msg", "no reason was given")).strip()


_PHASES = ("staged", "switched", "confirmed", "left")
#: Errors of a run that another one ended, or that comes too late.
_OVERTAKEN = ("preempted", "overtaken")


def _phases(registered: Mapping[str, Any]) -> dict[str, str]:
    return {phase: _outcome(registered.get(f"deploy_{phase}")) for phase in _PHASES}


def _outcome(result: Any) -> str:
    """Of one task on one host. A task that did not run there, or was skipped, is neither."""
    if not isinstance(result, Mapping) or result.get("skipped"):
        return "none"
    return "failed" if result.get("failed") or result.get("unreachable") else "ok"
