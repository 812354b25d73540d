"""Which processes run on which hosts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.adapters.processes import wanted_processes
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.processes import (
    host_processes,
    processes_by_host,
)
from ansible_collections.mas.ops.tests.unit.releases.samples import manifest

GROUPS = {"all": ["w1", "w2", "x"], "agents": ["w1", "w2"], "pool": ["w2"], "empty": [], "stranger": ["x"]}
MANIFEST = manifest("1.0.0").to_dict()


def selection(wanted: Any, host: str = "w1") -> dict[str, int]:
    return host_processes(wanted, GROUPS, host, "agents")


@pytest.mark.parametrize(
    "wanted, first, second",
    [
        (None, {}, {}),
        ({}, {}, {}),
        ({"worker": {"instances": 3}}, {"worker": 3}, {"worker": 3}),
        ({"worker": {"hosts": "pool"}}, {"worker": 0}, {}),
        ({"worker": {"hosts": ["pool", "empty"], "instances": 2}}, {"worker": 0}, {"worker": 2}),
        ({"worker": {"hosts": "empty", "instances": 0}}, {"worker": 0}, {"worker": 0}),
    ],
)
def test_a_host(wanted: Any, first: dict[str, int], second: dict[str, int]) -> None:
    assert (selection(wanted), selection(wanted, "w2")) == (first, second)


@pytest.mark.parametrize(
    "wanted, says",
    [
        ([], "must be a mapping"),
        ({"worker": 3}, "must be a mapping of instances and hosts"),
        ({"worker": {"instance": 3}}, "did you mean instances?"),
        ({"worker": {"command": "x"}}, "comes from its mas.yml"),
        ({"worker": {"instances": -1}}, "from 0 to 64"),
        ({"worker": {"instances": "3"}}, "from 0 to 64"),
        ({"worker": {"hosts": []}}, "must be the name of a group"),
        ({"worker": {"hosts": None}}, "must be the name of a group"),
        ({"worker": {"hosts": [1]}}, "must be the name of a group"),
        ({"worker": {"hosts": "poll"}}, "no group poll, did you mean pool?"),
        ({"worker": {"hosts": "stranger"}}, "no host would run worker"),
        ({"no.name": {"instances": 1}}, "no.name"),
    ],
)
def test_what_cannot_be(wanted: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says.replace("?", r"\?")):
        selection(wanted)


def by_host(**wanted: Any) -> dict[str, dict[str, int]]:
    return processes_by_host(dict.fromkeys(("w1", "w2"), wanted), GROUPS, "agents", MANIFEST)


def test_a_fleet() -> None:
    assert by_host(worker={"hosts": "pool"}) == {"w1": {"worker": 0}, "w2": {}}
    assert by_host(worker={"instances": 0}) == {"w1": {"worker": 0}, "w2": {"worker": 0}}


@pytest.mark.parametrize(
    "wanted, says",
    [
        ({"wroker": {"instances": 1}}, "did you mean worker?"),
        ({"api": {"instances": 2}}, "listen: systemd"),
        ({"api": {"hosts": "pool"}, "worker": {"hosts": "pool"}}, "w1 would run no process of agents"),
    ],
)
def test_a_fleet_that_cannot_be(wanted: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says.replace("?", r"\?")):
        by_host(**wanted)


def test_a_process_that_different_hosts_leave_to_each_other() -> None:
    wanted = {"w1": {"worker": {"hosts": "pool"}}, "w2": {"worker": {"hosts": "agents_1"}}}
    groups = {**GROUPS, "agents_1": ["w1"]}
    with pytest.raises(BadInput, match="no host would run the process worker"):
        processes_by_host(wanted, groups, "agents", MANIFEST)


def test_only_the_processes_of_a_definition_are_evaluated() -> None:
    definition = {"processes": {"worker": {"instances": "{{ copies }}"}}, "environment": "{{ 1 / 0 }}"}
    hostvars = {"w1": {"mas_application_agents": definition, "copies": 2}, "w2": {}}
    found = wanted_processes(hostvars, ["w1", "w2"], "agents", {})
    assert found["w2"] is None
    assert wanted_processes(hostvars, ["w2"], "agents", {"application_processes": {}}) == {"w2": {}}
    assert set(found["w1"]) == {"worker"}
