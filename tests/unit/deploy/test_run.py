"""Which hosts of an application a run leaves out, and the limit that another command needs for the same hosts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.plugin_utils.adapters.run import left_out, run_limit

HOSTS = ["web1", "web2", "web3", "web4"]


def variables(within: list[str], skipped: tuple[str, ...] = ()) -> dict[str, Any]:
    decided = {"hosts": {name: {} for name in within}, "left_out": list(skipped)}
    return {"groups": {"agents": HOSTS, "other": ["web1"]}, "gate_decision": decided}


@pytest.mark.parametrize(
    "within, skipped, away, limit",
    [
        (HOSTS, (), [], ""),
        (["web1"], (), ["web2", "web3", "web4"], "web1"),
        (["web1", "web2", "web4"], (), ["web3"], "agents,!web3"),
        (HOSTS, ("web1", "web2"), ["web1", "web2"], "web3,web4"),
        (["web1", "web2"], ("web1",), ["web1", "web3", "web4"], "web2"),
    ],
)
def test_hosts_beyond_the_limit_and_the_gate(
    within: list[str], skipped: tuple[str, ...], away: list[str], limit: str
) -> None:
    given = variables(within, skipped)
    assert left_out(given, "agents") == away
    assert run_limit(given, "agents") == limit


def test_a_playbook_without_the_gate_means_the_hosts_that_it_names() -> None:
    for decided in ({}, {"gate_decision": None}, {"gate_decision": {"ask": ["web1"]}}):
        assert left_out({"groups": {"agents": HOSTS}, **decided}, "agents") == []
    assert run_limit(variables(["web2"]), "unknown") == ""
