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
from ansible_collections.mas.ops.plugins.plugin_utils.fleet import (
    application_group,
    environment_targets,
    live_at,
)


def test_the_group_of_an_application() -> None:
    groups = {"all": ["a"], "ungrouped": [], "agents": ["a"], "empty": []}
    assert application_group(groups, "agents") == "agents"
    with pytest.raises(BadInput, match="-e application=NAME"):
        application_group(groups, "")
    with pytest.raises(NotFound, match=r"no group 'agent' .*its groups: agents, empty"):
        application_group(groups, "agent")
    with pytest.raises(NotFound, match="has no hosts"):
        application_group(groups, "empty")
    with pytest.raises(NotFound, match="its groups: none"):
        application_group({"all": []}, "agents")


def test_filters_tell_their_errors() -> None:
    filters = FilterModule().filters()
    hosts = {"web1": {"live": "1", "previous": None}}
    with pytest.raises(AnsibleFilterError, match=r"nothing was live before 1 .*mas\.ops\.deploy"):
        filters["rollback_way"](hosts)
    with pytest.raises(AnsibleFilterError, match="no application was named"):
        filters["application_hosts"]({}, "")


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
        hosts["host1"]["timeline"] = timeline[:0]
        with pytest.raises(Refused, match="host1: nothing"):
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
    assert environment_targets(hosts, at) == {"host0": {"agents": "1"}, "host1": {}, "host2": {}}
    hosts["host1"]["agents"]["timeline"] = []
    with pytest.raises(
        Refused,
        match=r"one release of agents at .*host1: nothing.* mas\.ops\.rollback .*-e application=agents",
    ):
        environment_targets(hosts, at)
    with pytest.raises(BadInput, match="no time"):
        environment_targets(hosts, "")
