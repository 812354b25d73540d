# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a deploy is to go, from what the inventory and the command line say, and in which batches it therefore goes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from ..module_utils._core.errors import BadInput
from ..module_utils._releases.course import parse_course
from .batches import release_batches
from .rollout import read_hosts, rollout

#: Seconds that the hosts which Ansible works on at once may take for all that is neither watching nor starting.
_WAVE = 20.0
#: Ansible's own default.
_FORKS = 5
#: Seconds from the last switch to the controller's word that all hosts followed.
_CONFIRMATION = 120.0
#: What a canary does on each host unless the inventory says otherwise.
_CANARY_STEPS, _CANARY_BAKE = (10, 50), 60.0
#: Seconds that a copy may take to stop before the next one starts, where only one may run.
_STOP = 60.0
_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


@dataclass(frozen=True)
class Wish:
    """What somebody wants, checked. ``dead_man`` is ``None`` where it follows from the rest.

    ``start`` is how many seconds a start within the switch may take, 0 where both copies run side by side.
    """

    strategy: str
    steps: tuple[int, ...]
    bake: float
    canary: Mapping[str, Any]
    dead_man: float | None
    start: float
    forks: int
    size: Any
    canaries: Any
    floor: Any


def rollout_plan(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> dict[str, Any]:
    """In which batches the hosts switch that are staged, and how each host does.

    :param hostvars: with ``deploy_strategy``, ``deploy_batch_size``, ``deploy_canaries``, ``deploy_capacity_floor``,
        ``deploy_steps``, ``deploy_bake``, ``deploy_canary``, ``deploy_dead_man`` and ``deploy_max_fail`` as the
        inventory says them (those of the first host count), ``failure_domain`` of each host, and what the deploy
        registered
    :returns: ``batches`` of names of the hosts that are staged, which is nobody before that, and their ``sizes``; how each host
        switches, the same before and after: ``steps`` in percent, ``bake`` in seconds, ``canary`` (settings) and
        ``dead_man`` in seconds, which is long enough for the hosts of the first batch to wait for the last of all
    :raises BadInput: something is not what it should be, or the demands on the batches cannot be met; also before
        any host is staged, so that nothing has begun
    """
    if not hosts or hosts[0] not in hostvars:
        # A syntax check knows no hosts.
        return {"batches": [], "sizes": [], "steps": [], "bake": 0.0, "canary": {}, "dead_man": 0.0}
    told = read_hosts(hostvars, hosts)
    wish = parse_wish(told[hosts[0]])
    everywhere = _batches(wish, told, hosts)
    batches = _batches(wish, told, rollout(told, hosts, max_fail=len(hosts))["staged"])
    return {
        "batches": batches,
        "sizes": list(map(len, batches)),
        "steps": list(wish.steps),
        "bake": wish.bake,
        "canary": dict(wish.canary),
        "dead_man": _patience(everywhere, wish) if wish.dead_man is None else wish.dead_man,
    }


def parse_wish(said: Mapping[str, Any]) -> Wish:
    """Read the variables of one host; a text is what a survey or ``-e name=value`` makes of them.

    :raises BadInput: one of them is not what it should be
    """
    exclusive = _boolean(said, "application_exclusive")
    strategy = _strategy(str(said.get("deploy_strategy") or ""), exclusive)
    canary = strategy == "canary"
    steps = _steps(said, _CANARY_STEPS if canary else ())
    bake = _seconds(said, "deploy_bake")
    bake = (_CANARY_BAKE if canary else 0.0) if bake is None else bake
    settings = _mapping(said, "deploy_canary")
    # The hosts check it as well; here nothing has begun.
    parse_course(steps, bake, settings)
    _whole(said, "deploy_max_fail", 0)
    manifest = (said.get("deploy_artifact") or {}).get("manifest") or {}
    budget = float((manifest.get("health") or {}).get("startup_budget") or 0.0)
    return Wish(
        strategy,
        steps,
        bake,
        settings,
        _seconds(said, "deploy_dead_man"),
        budget + _STOP if exclusive else 0.0,
        max(1, _whole(said, "ansible_forks", _FORKS)),
        _given(said, "deploy_batch_size"),
        _given(said, "deploy_canaries"),
        _given(said, "deploy_capacity_floor"),
    )


def _batches(wish: Wish, hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> list[list[str]]:
    if not hosts:
        return []
    domains = {name: hostvars[name].get("failure_domain") for name in hosts}
    return release_batches(hosts, wish.strategy, domains, wish.size, wish.canaries, wish.floor)


def _patience(batches: Sequence[Sequence[str]], wish: Wish) -> float:
    """Seconds that the first host may have to wait for the last one, and for its turn to hear of it."""
    switches = sum(ceil(len(batch) / wish.forks) for batch in batches)
    confirmations = ceil(sum(map(len, batches)) / wish.forks)
    each = _WAVE + wish.start + max(1, len(wish.steps)) * wish.bake
    return _CONFIRMATION + wish.start + max(0, switches - 1) * each + max(0, confirmations - 1) * _WAVE


def _strategy(strategy: str, exclusive: bool) -> str:
    strategy = strategy or ("recreate" if exclusive else "blue_green")
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


def _given(said: Mapping[str, Any], name: str) -> Any:
    """What somebody said, ``None`` for nothing: a survey hands over an empty text for a question without an answer."""
    value = said.get(name)
    return None if value is None or value == "" else value


def _steps(said: Mapping[str, Any], default: Sequence[int]) -> tuple[int, ...]:
    value = _given(said, "deploy_steps")
    if value is None:
        return tuple(default)
    if isinstance(value, str):
        value = [part.strip() for part in value.strip("[] ").split(",") if part.strip()]
    if isinstance(value, (int, float)):
        value = [value]
    try:
        return tuple(int(step) for step in value)
    except (TypeError, ValueError) as error:
        raise _wrong("deploy_steps", value, "percentages that grow, such as [10, 50]") from error


def _seconds(said: Mapping[str, Any], name: str) -> float | None:
    value = _given(said, name)
    try:
        seconds = None if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise _wrong(name, value, "a number of seconds") from error
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise _wrong(name, value, "0 or more seconds")
    return seconds


def _whole(said: Mapping[str, Any], name: str, default: int) -> int:
    value = _given(said, name)
    try:
        number = default if value is None else int(value)
    except (TypeError, ValueError) as error:
        raise _wrong(name, value, "a whole number") from error
    if number < 0:
        raise _wrong(name, value, "0 or more")
    return number


def _mapping(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = _given(said, name)
    try:
        found = json.loads(value) if isinstance(value, str) else value or {}
    except ValueError as error:
        raise _wrong(name, value, "a mapping") from error
    if not isinstance(found, Mapping):
        raise _wrong(name, value, "a mapping")
    return found


def _boolean(said: Mapping[str, Any], name: str) -> bool:
    value = _given(said, name)
    if value is None or isinstance(value, bool):
        return bool(value)
    word = _WORDS.get(str(value).lower())
    if word is None:
        raise _wrong(name, value, "true or false")
    return word


def _wrong(name: str, value: Any, wanted: str) -> BadInput:
    return BadInput(f"{name} is {value!r}", where="the inventory or -e", fix=f"Give {wanted}.")
