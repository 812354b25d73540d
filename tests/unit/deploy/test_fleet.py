"""What is decided for a whole fleet, and who is said to have decided it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mas.ops.plugins.filter.fleet import FilterModule
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, NotFound, Refused
from ansible_collections.mas.ops.plugins.plugin_utils.adapters import run as module
from ansible_collections.mas.ops.plugins.plugin_utils.adapters.run import actor, run_id
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.fleet import (
    application_group,
    environment_targets,
    gate_decision,
    live_at,
)


def test_the_group_of_an_application() -> None:
    groups = {"all": ["a"], "ungrouped": [], "agents": ["a"], "empty": []}
    assert application_group(groups, "agents") == "agents"
    with pytest.raises(BadInput, match="-e application_name=NAME"):
        application_group(groups, "")
    with pytest.raises(NotFound, match=r"no group 'agent' .*its groups: agents, empty"):
        application_group(groups, "agent")
    with pytest.raises(NotFound, match="has no hosts"):
        application_group(groups, "empty")
    with pytest.raises(NotFound, match="its groups: none"):
        application_group({"all": []}, "agents")
    with pytest.raises(BadInput, match="application_name is not a text"):
        application_group(groups, ["agents"])  # type: ignore[arg-type]


def test_filters_report_their_errors() -> None:
    filters = FilterModule().filters()
    hosts = {"web1": {"live": "1", "previous": None}}
    # What a playbook decides by is a value: an error of a template is shown three times.
    refused = filters["rollback_way"](hosts)["refused"]
    assert "nothing was live before 1 (ledger)." in refused
    assert "mas.ops.deploy" in refused
    assert filters["environment_targets"]({}, "yesterday")["refused"] == ""
    assert (
        "is not a time"
        in filters["environment_targets"]({"web1": {"x": {"timeline": []}}}, "yesterday")["refused"]
    )
    plan = filters["rollout_plan"]
    wrong = {"web1": {"deploy_strategy": "sideways"}}
    assert "sideways" in plan(wrong, ["web1"], {"application": "agents"})["refused"]
    assert plan({"web1": {}}, ["web1"], {"application": "agents"})["refused"] == ""
    with pytest.raises(AnsibleFilterError, match=r"version is the number 1\.1 and must be a text"):
        filters["version_text"](1.10)


def test_a_run_is_the_same_for_all_forks_of_one_playbook() -> None:
    program = (
        "import os\n"
        "from ansible_collections.mas.ops.plugins.plugin_utils.adapters.run import run_id\n"
        "for _ in range(2):\n"
        "    if os.fork() == 0:\n"
        "        print(run_id({}), flush=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert all(len(set(run)) == 1 and len(run) == 2 for run in runs)
    assert runs[0][0] != runs[1][0]


def test_awx_says_who_runs_what() -> None:
    assert run_id({"awx_job_id": 7}) == "awx-7"
    assert run_id({"tower_job_id": "8"}) == "awx-8"
    assert actor({"awx_user_name": "ada"}) == "ada"
    assert actor({"tower_user_name": "bob", "awx_user_name": ""}) == "bob"


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("No username set")])
def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """So do execution environments run where the cluster chooses the number."""

    def fail() -> str:
        raise error

    monkeypatch.setattr(module.getpass, "getuser", fail)
    assert actor({}).startswith(f"uid {os.getuid()}@")


TIMES = [
    ("2026-11-24T10:00:00.000Z", "1"),
    ("2026-11-24T12:00:00.000Z", "2"),
    ("2026-11-24T13:00:00.000Z", None),
]


@pytest.mark.parametrize(
    "at, target",
    [
        ("2026-11-24T10:00:00Z", "1"),
        ("2026-11-24T11:59:59Z", "1"),
        ("2026-11-24T12:59:59+00:00", "2"),
        ("2026-11-24T13:30:00+01:00", "2"),
        ("2026-11-24T09:59:59Z", None),
        ("2026-11-24T14:00:00Z", None),
        ("2026-11-24T12:00:00", None),
        ("yesterday", None),
    ],
)
def test_where_a_fleet_was_at_a_moment(at: str, target: str | None) -> None:
    timeline = [{"time": time, "release": release} for time, release in TIMES]
    hosts = {name: {"live": "3", "previous": "2", "timeline": timeline} for name in ("host0", "host1")}
    if target:
        assert live_at(hosts, at) == target
        # A host that was set up anew follows; one that served something else does not.
        hosts["host1"]["timeline"] = timeline[:0]
        assert live_at(hosts, at) == target
        hosts["host0"]["timeline"] = timeline[:0]
        with pytest.raises(Refused, match=r"no host served a release at .*host1: no record"):
            live_at(hosts, at)
        hosts["host0"]["timeline"] = timeline
        hosts["host1"]["timeline"] = [{"time": TIMES[0][0], "release": "0"}]
        with pytest.raises(Refused, match=r"did not all serve one release at .*host1: 0"):
            live_at(hosts, at)
    else:
        with pytest.raises((Refused, BadInput)):
            live_at(hosts, at)


def test_an_environment_goes_back_as_a_whole_or_not_at_all() -> None:
    timeline = [{"time": time, "release": release} for time, release in TIMES]
    hosts = {
        "host0": {
            "agents": {"live": "2", "timeline": timeline},
            "billing": {"live": "1", "timeline": timeline},
        },
        "host1": {"agents": {"live": "1", "timeline": timeline}},
        "host2": {},
    }
    at = "2026-11-24T11:00:00Z"
    goal = {"application": "agents", "release": "1", "version": "", "lacking": False}
    hosts["host0"]["agents"]["targets"] = [{"release": "1", "place": "disk"}]
    assert environment_targets(hosts, at) == {
        "hosts": {"host0": [goal], "host1": [], "host2": []},
        "notes": [],
    }
    # One application served different releases.
    hosts["host1"]["agents"]["timeline"] = [{"time": TIMES[0][0], "release": "0"}]
    with pytest.raises(
        Refused,
        match=r"one release of agents at .*host1: 0.* mas\.ops\.rollback .*-e application_name=agents",
    ):
        environment_targets(hosts, at)
    with pytest.raises(BadInput, match="not a time"):
        environment_targets(hosts, "")


def test_an_environment_takes_hosts_and_applications_along_that_have_no_record() -> None:
    timeline = [{"time": time, "release": release} for time, release in TIMES]
    old = {"live": "2", "timeline": timeline, "targets": [{"release": "1", "place": "warm"}]}
    hosts = {
        "host0": {"agents": old, "billing": {"live": "7", "timeline": []}},
        "host1": {"agents": {"live": None, "timeline": [], "targets": []}},
    }
    found = environment_targets(hosts, "2026-11-24T11:00:00Z")
    goal = {"application": "agents", "release": "1", "version": ""}
    assert found["hosts"] == {"host0": [{**goal, "lacking": False}], "host1": [{**goal, "lacking": True}]}
    follows, stays = found["notes"]
    assert follows.startswith("agents: host1 has no record of that moment, and will serve 1")
    assert stays == "No host served a release of billing at 2026-11-24T11:00:00Z: it stays as it is."
    with pytest.raises(Refused, match="no host served a release of any application"):
        environment_targets({"host1": hosts["host1"]}, "2026-11-24T11:00:00Z")


def test_hosts_that_the_gate_leaves_out_or_asks() -> None:
    hosts = ["web1", "web2"]
    filters = FilterModule().filters()
    # web1 is not in the run.
    known = {"web1": {}, "web2": {"gate_decision": {"ask": ["web2"], "left_out": ["web1"]}}}
    assert filters["hosts_to_ask"](known, hosts) == ["web2"]
    assert gate_decision(known, hosts)["left_out"] == ["web1"]
    assert filters["hosts_to_ask"]({}, hosts) == []
    assert filters["hosts_to_ask"]({"web1": {"gate_decision": {}}}, hosts) == []
