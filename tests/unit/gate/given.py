"""GateFacts as the tables write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mas.ops.plugins.plugin_utils.gate.checks.model import Unknown
from ansible_collections.mas.ops.plugins.plugin_utils.gate.checks.schedule import opening_of
from ansible_collections.mas.ops.plugins.plugin_utils.gate.facts import (
    Deployment,
    GateFacts,
    HostFacts,
    Opening,
)
from ansible_collections.mas.ops.plugins.plugin_utils.gate.settings import parse_settings
from ansible_collections.mas.ops.plugins.plugin_utils.windows.adapters.inventory import policy_of_host
from ansible_collections.mas.ops.plugins.plugin_utils.windows.model import Target

AT = datetime(2026, 3, 9, 22, 30, tzinfo=UTC)
_HOST_FACTS = {"disks", "reboot", "locked", "lease"}


def settings_of(case: Mapping[str, Any]) -> Any:
    return parse_settings(case.get("change", "deploy"), case.get("variables", {}), case.get("checks"))


def at_of(case: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(case["at"]) if "at" in case else AT


def facts_of(case: Mapping[str, Any]) -> GateFacts:
    given = {name: parsed(value) for name, value in case.get("facts", {}).items()}
    given["durations"] = {"deploy": given.pop("deploys", ()), "rollback": given.pop("rollbacks", ())}
    host_facts = {name: given.pop(name) for name in _HOST_FACTS & set(given)}
    variables = case.get("variables", {})
    stop = variables.get("change_stop")
    given.setdefault("opening", _opening(variables, at_of(case)))
    given.setdefault("stops", (stop,) if stop else ())
    if "deployments" in given and not isinstance(given["deployments"], Unknown):
        given["deployments"] = [Deployment(**one) for one in given["deployments"]]
    for name in {"backup", "drill"} & set(given):
        given[name] = datetime.fromisoformat(given[name])
    if host_facts:
        given["host_facts"] = _host_facts(host_facts)
    return GateFacts(**given)


def parsed(value: Any) -> Any:
    return Unknown(value[1:]) if isinstance(value, str) and value.startswith("?") else value


def _opening(variables: Mapping[str, Any], at: datetime) -> Opening:
    return opening_of(policy_of_host(variables), Target("web1", ("agents",), "agents", "production"), at)


def _host_facts(given: dict[str, Any]) -> HostFacts:
    disks = given.pop("disks", [{"path": "/srv", "free": 1 << 40, "percent": 90.0}])
    return HostFacts(disks=disks, newest={}, **given)
