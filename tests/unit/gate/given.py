"""Facts as the tables write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mas.ops.plugins.plugin_utils.gate.check import Unknown
from ansible_collections.mas.ops.plugins.plugin_utils.gate.facts import Answers, Facts, Life, Opening
from ansible_collections.mas.ops.plugins.plugin_utils.gate.openings import opening
from ansible_collections.mas.ops.plugins.plugin_utils.gate.settings import parse
from ansible_collections.mas.ops.plugins.plugin_utils.windows.adapters.inventory import policy_of_host
from ansible_collections.mas.ops.plugins.plugin_utils.windows.model import Target

AT = datetime(2026, 3, 9, 22, 30, tzinfo=UTC)
_ANSWERS = {"disks", "reboot", "locked", "lease"}


def settings_of(case: Mapping[str, Any]) -> Any:
    return parse(case.get("change", "deploy"), case.get("variables", {}), case.get("checks"))


def at_of(case: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(case["at"]) if "at" in case else AT


def facts_of(case: Mapping[str, Any]) -> Facts:
    given = {name: learnt(value) for name, value in case.get("facts", {}).items()}
    given["durations"] = {"deploy": given.pop("deploys", ()), "rollback": given.pop("rollbacks", ())}
    answers = {name: given.pop(name) for name in _ANSWERS & set(given)}
    variables = case.get("variables", {})
    stop = variables.get("change_stop")
    given.setdefault("opening", _opening(variables, at_of(case)))
    given.setdefault("stops", (stop,) if stop else ())
    if "lives" in given and not isinstance(given["lives"], Unknown):
        given["lives"] = [Life(**one) for one in given["lives"]]
    for name in {"backup", "drill"} & set(given):
        given[name] = datetime.fromisoformat(given[name])
    if answers:
        given["answers"] = _answers(answers)
    return Facts(**given)


def learnt(value: Any) -> Any:
    return Unknown(value[1:]) if isinstance(value, str) and value.startswith("?") else value


def _opening(variables: Mapping[str, Any], at: datetime) -> Opening:
    return opening(policy_of_host(variables), Target("web1", ("agents",), "agents", "production"), at)


def _answers(given: dict[str, Any]) -> Answers:
    disks = given.pop("disks", [{"path": "/srv", "free": 1 << 40, "percent": 90.0}])
    return Answers(disks=disks, newest={}, **given)
