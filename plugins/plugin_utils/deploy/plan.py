# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a deploy is to go, from what the inventory and the command line say, and in which batches it therefore goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from ...module_utils._core.errors import BadInput
from ...module_utils._releases.traffic_steps import parse_traffic_steps
from .batches import release_batches
from .extra_vars import boolean, mapping, seconds, steps, value_of, whole_number
from .rollout import read_hosts, rollout

#: Seconds that the hosts which Ansible works on at once may take for all that is neither watching nor starting.
_WAVE = 20.0
#: Ansible's own default.
_FORKS = 5
#: Seconds from the last switch to the controller's word that all hosts followed.
_CONFIRMATION = 120.0
#: What a canary does on each host unless the inventory says otherwise.
_CANARY_STEPS, _CANARY_BAKE = (10, 50), 60.0
#: Seconds that the expand migration may take on a host.
_MIGRATION = 600
#: Seconds that an approval may take.
_DECISION = 3600.0
#: Seconds that the lock is kept between two phases, and where the next one is the business of another job.
_LEASE, _BRIEF = 900.0, 1.0
#: Seconds that a copy may take to stop before the next one starts, where only one may run.
_STOP = 60.0


@dataclass(frozen=True)
class DeployOptions:
    """The variables of a deploy, checked. ``confirm_timeout`` is ``None`` where it follows from the rest.

    ``start`` is how many seconds a start within the switch may take, 0 where both copies run side by side.
    """

    strategy: str
    steps: tuple[int, ...]
    bake: float
    canary: Mapping[str, Any]
    confirm_timeout: float | None
    start: float
    forks: int
    size: Any
    canaries: Any
    floor: Any


def rollout_plan(
    hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str], call: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """In which batches the hosts switch that are staged, and how each host does.

    :param hostvars: with ``deploy_strategy``, ``deploy_batch_size``, ``deploy_canaries``, ``deploy_capacity_floor``,
        ``deploy_steps``, ``deploy_bake``, ``deploy_canary``, ``deploy_confirm_timeout``, ``deploy_max_fail`` and
        ``change_migration_timeout`` and ``change_fetch_timeout`` as the inventory says them (those of the first host count), ``mas_failure_domain`` of
        each host, and what the deploy registered
    :param call: what is deployed: ``application``, ``version``, ``artifact`` (as ``artifact_info`` returns it), ``until`` and
        ``force_unlock``; ``definition`` with ``deploy`` and ``exclusive`` of the application's definition, which beats the
        inventory's variables; and ``extra``, the names of extra variables, which beat the definition
    :returns: ``batches`` of names of the hosts that are staged, which is none before that, and their ``sizes``; how each host
        switches, the same before and after: ``steps`` in percent, ``bake`` in seconds, ``canary`` (settings) and
        ``confirm_timeout`` in seconds, which is long enough for the hosts of the first batch to wait for the last of all. With
        ``call`` also ``settings``, the variables that come from the definition, for later calls; ``approval``, and
        ``decision_limit``, the seconds that one may take, for which the lock is kept; and
        ``options`` of the module ``release`` by its ``state``, as far as all hosts have the same
    :raises BadInput: something is not what it should be, or the demands on the batches cannot be met; also before
        any host is staged, so that nothing has begun
    """
    if not hosts or hosts[0] not in hostvars:
        # A syntax check knows no hosts.
        return {"batches": [], "sizes": [], "steps": [], "bake": 0.0, "canary": {}, "confirm_timeout": 0.0}
    by_host = read_hosts(hostvars, hosts)
    settings = _settings(call) if call else (by_host[hosts[0]].get("deploy_plan") or {}).get("settings") or {}
    first = {**by_host[hosts[0]], **settings}
    artifact = (call or {}).get("artifact") or first.get("deploy_artifact") or {}
    options = parse_deploy_options({**first, "deploy_artifact": artifact})
    everywhere = _batches(options, by_host, hosts)
    batches = _batches(options, by_host, rollout(by_host, hosts, max_fail=len(hosts))["staged"])
    # What the inventory does not say is left to the module.
    limits = {
        "migration_timeout": whole_number(first, "change_migration_timeout", _MIGRATION),
        "fetch_timeout": seconds(first, "change_fetch_timeout"),
    }
    switch = {
        "steps": list(options.steps),
        "bake": options.bake,
        "canary": dict(options.canary),
        "confirm_timeout": _confirm_timeout(everywhere, options)
        if options.confirm_timeout is None
        else options.confirm_timeout,
    }
    plan = {"batches": batches, "sizes": list(map(len, batches)), **switch}
    if call is None:
        return plan
    approval = mapping(first, "deploy_approval")
    return {
        **plan,
        "settings": settings,
        "approval": approval,
        **_common_options(call, approval, switch, limits),
    }


def _settings(call: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that the definition of the application sets, unless the run sets them."""
    definition = call.get("definition") or {}
    found = {f"deploy_{name}": value for name, value in mapping(definition, "deploy").items()}
    if definition.get("exclusive") is not None:
        found["application_exclusive"] = definition["exclusive"]
    return {name: value for name, value in found.items() if name not in (call.get("extra") or ())}


def _common_options(
    call: Mapping[str, Any], approval: Mapping[str, Any], switch: Mapping[str, Any], limits: Mapping[str, Any]
) -> dict[str, Any]:
    """The options that all hosts have in common: a template costs each host more than the rest of what a controller does for it."""
    timeout = seconds(approval, "timeout")
    limit = 0.0 if not approval else _DECISION if timeout is None else timeout
    artifact = call.get("artifact") or {}
    named = {
        "application": call.get("application"),
        "version": str(value_of(call, "version") or ""),
        "sha256": artifact.get("sha256"),
    }
    stage = {
        "artifact": artifact.get("path"),
        "signature": artifact.get("signature"),
        # From a URL only where the archive was verified here.
        "size": artifact.get("size") or None,
        "manifest": artifact.get("manifest") or None,
        "force_unlock": boolean(call, "force_unlock"),
        **limits,
        "lease": _BRIEF if value_of(call, "until") == "staged" else _LEASE + limit,
    }
    options = {
        "staged": _known({**named, **stage}),
        "live": _known({**named, **switch, "assume_staged": True}),
        "confirmed": _known(named),
    }
    return {"decision_limit": limit, "options": options}


def _known(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def parse_deploy_options(variables: Mapping[str, Any]) -> DeployOptions:
    """Read the variables of one host; a text is what a survey or ``-e name=value`` makes of them.

    :raises BadInput: one of them is not what it should be
    """
    exclusive = boolean(variables, "application_exclusive")
    strategy = _strategy(str(variables.get("deploy_strategy") or ""), exclusive)
    canary = strategy == "canary"
    percents = steps(variables, _CANARY_STEPS if canary else ())
    bake = seconds(variables, "deploy_bake")
    bake = (_CANARY_BAKE if canary else 0.0) if bake is None else bake
    settings = mapping(variables, "deploy_canary")
    # The hosts check it as well; here nothing has begun.
    parse_traffic_steps(percents, bake, settings)
    whole_number(variables, "deploy_max_fail", 0)
    manifest = (variables.get("deploy_artifact") or {}).get("manifest") or {}
    budget = float((manifest.get("health") or {}).get("startup_budget") or 0.0)
    return DeployOptions(
        strategy,
        percents,
        bake,
        settings,
        seconds(variables, "deploy_confirm_timeout"),
        budget + _STOP if exclusive else 0.0,
        max(1, whole_number(variables, "ansible_forks", _FORKS)),
        value_of(variables, "deploy_batch_size"),
        value_of(variables, "deploy_canaries"),
        value_of(variables, "deploy_capacity_floor"),
    )


def _batches(
    options: DeployOptions, hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]
) -> list[list[str]]:
    if not hosts:
        return []
    domains = {name: hostvars[name].get("mas_failure_domain") for name in hosts}
    return release_batches(hosts, options.strategy, domains, options.size, options.canaries, options.floor)


def _confirm_timeout(batches: Sequence[Sequence[str]], options: DeployOptions) -> float:
    """Seconds that the first host may have to wait for the last one, and for its turn to hear of it.

    A verdict holds a host for longer than the bake where it has too few requests to judge by.
    """
    switches = sum(ceil(len(batch) / options.forks) for batch in batches)
    confirmations = ceil(sum(map(len, batches)) / options.forks)
    each = _WAVE + options.start + parse_traffic_steps(options.steps, options.bake, options.canary).seconds
    return _CONFIRMATION + options.start + max(0, switches - 1) * each + max(0, confirmations - 1) * _WAVE


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
