"""What the gate means for a rollout: hosts that it skips take no part, and a closed gate is named at the end."""

from __future__ import annotations

from typing import Any

from ansible_collections.mas.ops.plugins.plugin_utils.deploy.plan import rollout_plan
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.rollout import rollout, rollout_failure

OK: dict[str, Any] = {"changed": True}
HOSTS = ["web1", "web2", "web3"]


def fleet(*skipped: str, **registered: dict[str, Any]) -> dict[str, dict[str, Any]]:
    decision = {"hosts": {name: {"decision": "skip" if name in skipped else "go"} for name in HOSTS}}
    return {name: {"gate_decision": decision, **registered.get(name, {})} for name in HOSTS}


def test_a_skipped_host_takes_no_part() -> None:
    found = fleet("web2", web1={"deploy_staged": OK}, web3={"deploy_staged": OK})
    assert rollout(found, HOSTS)["unstaged"] == []
    assert rollout(found, HOSTS)["go"]
    assert rollout_plan(found, HOSTS)["batches"] == [["web1", "web3"]]
    for name in ("web1", "web3"):
        found[name]["deploy_switched"] = OK
    assert rollout(found, HOSTS)["done"]


def test_a_host_that_did_not_stage_is_missed_all_the_same() -> None:
    assert not rollout(fleet("web2", web1={"deploy_staged": OK}), HOSTS)["go"]


def test_how_much_is_left() -> None:
    found = fleet(**{name: {"deploy_staged": OK} for name in HOSTS})
    assert rollout(found, HOSTS)["left"] == 1.0
    found["web1"]["deploy_switched"] = OK
    assert round(rollout(found, HOSTS)["left"], 2) == 0.67
    assert rollout(fleet(), HOSTS)["left"] == 1.0


def test_a_gate_that_closed_is_reported() -> None:
    gate = {"refused": True, "msg": "The gate is closed: a freeze"}
    found = fleet(
        web1={
            "deploy_staged": OK,
            "deploy_switched": OK,
            "deploy_left": OK,
            "deploy_gate": {"refused": False},
        },
        web2={"deploy_staged": OK, "deploy_left": OK, "deploy_gate": gate},
        web3={"deploy_staged": OK, "deploy_left": OK},
    )
    assert not rollout(found, HOSTS)["complete"]
    message = rollout_failure(found, HOSTS, "agents", "2.0.0")
    assert "The gate closed before the next batch." in message
    assert gate["msg"] in message
    assert "Back on what they served before: web1, web2, web3." in message
