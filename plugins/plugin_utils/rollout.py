# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a deploy stands on all of its hosts: what to do next, and what to say when it could not be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from ..module_utils._core.errors import BadInput
from .batches import release_batches

#: Seconds that the hosts which Ansible works on at once may take for all that is not watching: staging is over, a
#: start-up is not part of it.
_WAVE = 20.0
#: Ansible's own default.
_FORKS = 5
#: Seconds from the last switch to the controller's word that all hosts followed.
_CONFIRMATION = 120.0
#: What a canary does on each host unless the inventory says otherwise.
_CANARY = {"deploy_steps": [10, 50], "deploy_bake": 60.0}


def rollout_plan(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> dict[str, Any]:
    """In which batches the hosts switch that are staged, and how each host does.

    :param hostvars: with ``deploy_strategy``, ``deploy_batch_size``, ``deploy_canaries``, ``deploy_capacity_floor``,
        ``deploy_steps``, ``deploy_bake``, ``deploy_canary`` and ``deploy_dead_man`` as the inventory says them
        (those of the first host count), ``failure_domain`` of each host, and what the deploy registered
    :returns: ``batches`` of host names, ``steps`` in percent, ``bake`` in seconds, ``canary`` (settings) and
        ``dead_man`` in seconds, which is long enough for the hosts of the first batch to wait for the last
    :raises BadInput: the demands on the batches cannot be met
    """
    ready = rollout(hostvars, hosts, max_fail=len(hosts))["staged"]
    if not ready:
        return {"batches": [], "steps": [], "bake": 0.0, "canary": {}, "dead_man": 0.0}
    said = hostvars[ready[0]]
    strategy = _strategy(said)
    defaults: Mapping[str, Any] = _CANARY if strategy == "canary" else {}
    batches = release_batches(
        ready,
        strategy,
        {name: hostvars[name].get("failure_domain") for name in ready},
        said.get("deploy_batch_size"),
        said.get("deploy_canaries"),
        said.get("deploy_capacity_floor"),
    )
    steps = [int(step) for step in said.get("deploy_steps") or defaults.get("deploy_steps", ())]
    bake = float(said.get("deploy_bake") or defaults.get("deploy_bake", 0.0))
    limit = said.get("deploy_dead_man")
    return {
        "batches": batches,
        "steps": steps,
        "bake": bake,
        "canary": dict(said.get("deploy_canary") or {}),
        "dead_man": _patience(batches, said.get("ansible_forks"), max(1, len(steps)) * bake)
        if limit is None
        else float(limit),
    }


def _patience(batches: Sequence[Sequence[str]], forks: Any, watching: float) -> float:
    """Seconds that the first host may have to wait for the last one, and for its turn to hear of it.

    :param forks: how many hosts Ansible works on at once
    :param watching: seconds that each host watches its release
    """
    at_once = max(1, int(forks or _FORKS))
    switches = sum(ceil(len(batch) / at_once) for batch in batches)
    confirmations = ceil(sum(map(len, batches)) / at_once)
    return _CONFIRMATION + (switches - 1) * (_WAVE + watching) + (confirmations - 1) * _WAVE


def _strategy(said: Mapping[str, Any]) -> str:
    exclusive = bool(said.get("application_exclusive"))
    strategy = str(said.get("deploy_strategy") or ("recreate" if exclusive else "blue_green"))
    if exclusive != (strategy == "recreate"):
        why = (
            "two copies of the application must not run at once"
            if exclusive
            else "the application was set up to run two copies side by side"
        )
        raise BadInput(
            f"deploy_strategy is {strategy}, but {why}",
            where=f"application_exclusive is {exclusive}",
            fix="Let both say the same; after a change of application_exclusive run mas.ops.provision.",
        )
    return strategy


def rollout(
    hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str], max_fail: int = 0
) -> dict[str, Any]:
    """Where a deploy stands on all of its hosts, and hence what is to be done next.

    :param hostvars: what the tasks of the deploy registered by host: ``deploy_staged``, ``deploy_switched`` and
        ``deploy_confirmed``, each as far as it came; and ``deploy_left`` where it was to go back
    :param hosts: those that take part
    :param max_fail: so many hosts may fail to stage and are then left behind
    :returns: host names by what became of them (``staged``, ``unstaged``, ``switched``, ``broken``, ``waiting`` for
        their confirmation, ``unconfirmed``, ``back``), without those that the gate skipped; three decisions: ``go``
        (switch the next batch), ``complete`` (all that staged have switched) and ``done`` (nothing is left to do); and
        ``left``, the part of the hosts that have not switched, between 0 and 1
    """
    hosts = _taking_part(hostvars, hosts)
    phases = {name: _phases(hostvars.get(name, {})) for name in hosts}
    staged = [name for name in hosts if phases[name]["staged"] == "ok"]
    switched = [name for name in staged if phases[name]["switched"] == "ok"]
    broken = [name for name in staged if phases[name]["switched"] == "failed"]
    waiting = [name for name in switched if hostvars[name]["deploy_switched"].get("armed")]
    unconfirmed = [name for name in waiting if phases[name]["confirmed"] == "failed"]
    confirmed = all(phases[name]["confirmed"] == "ok" for name in waiting)
    unstaged = [name for name in hosts if name not in staged]
    back = [name for name in hosts if phases[name]["left"] == "ok"]
    go = bool(staged) and len(unstaged) <= max_fail and not broken and not _denied(hostvars, hosts)
    complete = go and len(switched) == len(staged)
    return {
        "staged": staged,
        "unstaged": unstaged,
        "switched": switched,
        "broken": broken,
        "waiting": waiting,
        "unconfirmed": unconfirmed,
        "back": back,
        "go": go,
        "complete": complete,
        "done": complete and confirmed and not unstaged,
        "left": 1.0 - len(switched) / len(staged) if staged else 1.0,
    }


def rollout_failure(
    hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str], application: str, version: str
) -> str:
    """What happened, which host serves what now, and what to do, for the end of a deploy that was not done.

    :param hostvars: as for :func:`rollout`
    """
    hosts = _taking_part(hostvars, hosts)
    state = rollout(hostvars, hosts, max_fail=len(hosts))
    failed = [*state["unstaged"], *state["broken"], *state["unconfirmed"]]
    back = state["back"]
    kept = [name for name in state["switched"] if name not in back and name not in failed]
    closed = _closed_gate(hostvars, hosts)
    where = f" to every host: it failed on {', '.join(failed)}" if failed else ""
    lines = [f"{application} {version} was not deployed{where}."]
    denied = _denied(hostvars, hosts)
    lines += [f"It was not approved: {denied}"] if denied else []
    lines += ["The gate closed before the next batch.", closed, ""] if closed else []
    lines += [f"  {name}: {_told(hostvars[name])}" for name in failed]
    if back:
        lines.append(f"Back on what they served before: {', '.join(back)}.")
    if kept:
        lines.append(f"They serve {version}: {', '.join(kept)}.")
    lines += _left_behind(hostvars, [name for name in hosts if name not in back and name not in kept])
    lines.append(
        f"Correct the cause and run the same command again, or leave {version} everywhere: ansible-playbook "
        f"mas.ops.deploy -e application={application} -e version={version} -e resume=undo"
    )
    return "\n".join(lines)


def _taking_part(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> list[str]:
    """Without those that the gate skipped, and those that it was not asked about, as --limit leaves them out."""
    asked = [name for name in hosts if hostvars.get(name, {}).get("gate_decision")]
    return [name for name in asked or hosts if not _skipped(name, hostvars.get(name, {}))]


def _skipped(name: str, registered: Mapping[str, Any]) -> bool:
    """Whether the gate left the host out, which is no failure of it."""
    decision = registered.get("gate_decision") or {}
    return bool((decision.get("hosts") or {}).get(name, {}).get("decision") == "skip")


def _denied(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> str:
    """Why nobody approved what is staged; empty when somebody did, or nobody had to."""
    asked = (hostvars.get(name, {}).get("deploy_approved") or {} for name in hosts)
    return next(
        (str(answer.get("msg")) for answer in asked if answer and answer.get("decision") != "approved"), ""
    )


def _closed_gate(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> str:
    """What the gate said when it stopped a deploy between its batches; empty when it did not."""
    asked = (hostvars[name].get("deploy_gate") or {} for name in hosts)
    return next((str(gate["msg"]) for gate in asked if gate.get("refused")), "")


def _left_behind(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> Iterator[str]:
    for name in hosts:
        results = [hostvars[name].get(f"deploy_{phase}") for phase in _PHASES]
        silent = any(isinstance(result, Mapping) and result.get("unreachable") for result in results)
        if silent and _phases(hostvars[name])["staged"] == "ok":
            yield f"{name} cannot be reached: if it has switched, it goes back by itself. See it again before you go on."
        elif _phases(hostvars[name])["left"] == "failed":
            yield f"{name} could not be taken back: {_message(hostvars[name].get('deploy_left'))}"


def _told(registered: Mapping[str, Any]) -> str:
    """The first error of a host, in its own words."""
    for phase in _PHASES:
        result = registered.get(f"deploy_{phase}")
        if _outcome(result) == "failed":
            return _message(result)
    return "it did not take part; see above"


def _message(result: Any) -> str:
    if result.get("unreachable"):
        return "it cannot be reached"
    return str(result.get("msg", "no reason was given")).strip()


_PHASES = ("staged", "switched", "confirmed", "left")


def _phases(registered: Mapping[str, Any]) -> dict[str, str]:
    return {phase: _outcome(registered.get(f"deploy_{phase}")) for phase in _PHASES}


def _outcome(result: Any) -> str:
    """Of one task on one host. A task that did not run there, or was skipped, is neither."""
    if not isinstance(result, Mapping) or result.get("skipped"):
        return "none"
    return "failed" if result.get("failed") or result.get("unreachable") else "ok"
