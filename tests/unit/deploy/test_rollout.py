"""Where a deploy stands on all hosts, from what its tasks registered."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._releases.options import RELEASE
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.plan import rollout_plan
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.rollout import rollout, rollout_failure

HOSTS = ["web1", "web2", "web3"]
OK = {"changed": True, "token": 3}
ARMED = {**OK, "armed": {"release": "2.0.0-222222222222"}}
FAILED = {"failed": True, "msg": "it broke"}
SILENT = {"unreachable": True, "msg": "ssh says no"}


def fleet(**registered: list[Any]) -> dict[str, dict[str, Any]]:
    """``staged=[...]`` holds what that task registered on web1, web2, web3; ``None`` where it did not run."""
    return {
        name: {f"deploy_{phase}": results[at] for phase, results in registered.items() if results[at]}
        for at, name in enumerate(HOSTS)
    }


def test_all_is_well() -> None:
    staged = rollout(fleet(staged=[OK, OK, OK]), HOSTS)
    assert (staged["go"], staged["complete"], staged["done"]) == (True, False, False)
    switched = rollout(fleet(staged=[OK, OK, OK], switched=[ARMED, ARMED, OK]), HOSTS)
    assert (switched["complete"], switched["done"]) == (True, False)
    assert switched["waiting"] == ["web1", "web2"]
    done = fleet(staged=[OK, OK, OK], switched=[ARMED, ARMED, OK], confirmed=[OK, OK, None])
    assert rollout(done, HOSTS)["done"]


def test_where_nothing_is_armed_nothing_waits() -> None:
    assert rollout(fleet(staged=[OK, OK, OK], switched=[OK, OK, OK]), HOSTS)["done"]


@pytest.mark.parametrize("wrong", [FAILED, SILENT, None])
def test_one_that_did_not_stage_stops_the_rest(wrong: Any) -> None:
    state = rollout(fleet(staged=[OK, wrong, OK]), HOSTS)
    assert not state["go"]
    assert state["unstaged"] == ["web2"]


def test_a_host_where_nothing_was_done_gives_back_the_lock_and_nothing_else() -> None:
    """It had the version before, staged or live, and keeps it."""
    unchanged = {"changed": False, "token": 4}
    state = rollout(fleet(staged=[OK, FAILED, unchanged]), HOSTS)
    assert (state["leave"], state["unlock"]) == (["web1"], ["web3"])
    checked = rollout(fleet(staged=[OK, FAILED, {"changed": False, "token": None}]), HOSTS)
    assert checked["unlock"] == []
    switched = fleet(staged=[OK, OK, unchanged], switched=[OK, OK, unchanged])
    assert rollout(switched, HOSTS)["unlock"] == []
    broken = fleet(staged=[OK, OK, unchanged], switched=[OK, FAILED, unchanged])
    assert rollout(broken, HOSTS)["unlock"] == ["web3"]


def test_some_may_fail_to_stage_and_are_named_at_the_end() -> None:
    live = {**OK, "live": "2.0.0-222222222222"}
    hosts = fleet(staged=[OK, FAILED, OK], switched=[live, None, live])
    state = rollout(hosts, HOSTS, max_fail=1)
    assert (state["go"], state["complete"], state["done"]) == (True, True, False)
    message = rollout_failure(hosts, HOSTS, "agents", "2.0.0")
    assert "it failed on web2." in message
    assert "web2: it broke" in message
    assert "They serve 2.0.0: web1, web3." in message
    assert not rollout(fleet(staged=[FAILED, FAILED, FAILED]), HOSTS, max_fail=3)["go"]


def test_one_that_broke_stops_the_next_batch() -> None:
    hosts = fleet(
        staged=[OK, OK, OK], switched=[ARMED, FAILED, None], left=[OK, {"failed": True, "msg": "stuck"}, OK]
    )
    state = rollout(hosts, HOSTS)
    assert not state["go"]
    assert state["broken"] == ["web2"]
    message = rollout_failure(hosts, HOSTS, "agents", "2.0.0")
    assert "Back on what they served before: web1, web3." in message
    assert "web2 could not be taken back: stuck" in message
    assert "-e deploy_abort=true" in message


def test_one_that_is_silent_goes_back_by_itself() -> None:
    hosts = fleet(staged=[OK, OK, OK], switched=[ARMED, SILENT, ARMED], left=[OK, SILENT, OK])
    message = rollout_failure(hosts, HOSTS, "agents", "2.0.0")
    assert "web2: it cannot be reached" in message
    assert "web2 cannot be reached: if it has switched, it goes back by itself" in message


def test_a_confirmation_that_failed_is_no_end() -> None:
    hosts = fleet(staged=[OK] * 3, switched=[ARMED] * 3, confirmed=[OK, FAILED, OK])
    state = rollout(hosts, HOSTS)
    assert state["unconfirmed"] == ["web2"]
    assert (state["complete"], state["done"]) == (True, False)


def test_what_was_skipped_did_not_run() -> None:
    hosts = fleet(staged=[OK] * 3, switched=[ARMED] * 3, confirmed=[{"skipped": True}] * 3)
    assert not rollout(hosts, HOSTS)["done"]


def test_hosts_that_served_it_already_are_named_when_another_could_not_follow() -> None:
    served = {"changed": False, "live": "2.0.0-222222222222", "token": 4}
    message = rollout_failure(fleet(staged=[served, served, FAILED]), HOSTS, "agents", "2.0.0")
    assert "it failed on web3" in message
    assert "They serve 2.0.0: web1, web2." in message


def test_a_release_without_approval_is_not_switched() -> None:
    denied = {"decision": "denied", "msg": "grace denied it: not on a Friday"}
    hosts = fleet(staged=[OK] * 3, approved=[denied] * 3, left=[OK] * 3)
    assert not rollout(hosts, HOSTS)["go"]
    message = rollout_failure(hosts, HOSTS, "agents", "2.0.0")
    assert "It was not approved: grace denied it: not on a Friday" in message
    assert rollout(fleet(staged=[OK] * 3, approved=[{"decision": "approved"}] * 3), HOSTS)["go"]


def test_hosts_beyond_the_limit_take_no_part() -> None:
    hosts = fleet(staged=[OK, OK, None], switched=[OK, OK, None])
    for name in HOSTS[:2]:
        hosts[name]["gate_decision"] = {"hosts": {each: {"decision": "go"} for each in HOSTS[:2]}}
    assert rollout(hosts, HOSTS)["done"]
    assert rollout_plan(hosts, HOSTS)["batches"] == [HOSTS[:2]]
    assert "web3" not in rollout_failure(hosts, HOSTS, "agents", "2.0.0")


def test_the_plan_takes_all_at_once_by_default() -> None:
    plan = rollout_plan(fleet(staged=[OK] * 3), HOSTS)
    assert plan == {
        "batches": [HOSTS],
        "sizes": [3],
        "steps": [],
        "bake": 0.0,
        "canary": {},
        "confirm_timeout": 120.0,
    }


def test_the_options_of_all_hosts_are_worked_out_once() -> None:
    """From what is deployed, whichever hosts take part and whatever their variables say."""
    hosts = fleet(staged=[OK] * 3)
    hosts["web1"] |= {"deploy_steps": [10], "deploy_artifact": {"sha256": "2" * 64}, "version": "1.0.0"}
    artifact = {
        "path": "/srv/agents-2.0.0.tar.gz",
        "sha256": "1" * 64,
        "signature": "signed",
        "verified": True,
    }
    call = {
        "application": "agents",
        "version": "2.0.0",
        "artifact": artifact,
        "force_unlock": "yes",
        "phase": "",
    }
    named = {"application": "agents", "version": "2.0.0", "sha256": "1" * 64}
    stage = {"artifact": artifact["path"], "signature": "signed", "force_unlock": True, "lease": 900.0}
    stage["migration_timeout"] = 600
    switch = {"steps": [10], "bake": 0.0, "canary": {}, "confirm_timeout": 120.0, "assume_staged": True}
    options = rollout_plan(hosts, HOSTS, call)["options"]
    assert options == {"staged": {**named, **stage}, "live": {**named, **switch}, "confirmed": named}
    assert {name for common in options.values() for name in common} <= set(RELEASE.options)


@pytest.mark.parametrize(
    "said, limit, lease",
    [
        ({}, 0.0, 900.0),
        ({"definition": {"deploy": {"approval": {}}}}, 0.0, 900.0),
        ({"until": "staged"}, 0.0, 1.0),
        ({"definition": {"deploy": {"approval": {"source": "/srv/approvals"}}}}, 3600.0, 4500.0),
        (
            {"definition": {"deploy": {"approval": '{"source": "/srv/approvals", "timeout": "30"}'}}},
            30.0,
            930.0,
        ),
        (
            {"definition": {"deploy": {"approval": {"source": "/srv/approvals"}}}, "until": "staged"},
            3600.0,
            1.0,
        ),
    ],
)
def test_the_lock_is_kept_during_the_approval(said: dict[str, Any], limit: float, lease: float) -> None:
    plan = rollout_plan(fleet(staged=[OK] * 3), HOSTS, {"application": "agents", "version": "2.0.0", **said})
    assert (plan["decision_limit"], plan["options"]["staged"]["lease"]) == (limit, lease)


def test_an_approval_that_is_no_mapping_is_refused_before_anything_begins() -> None:
    with pytest.raises(BadInput, match="approval is 'grace'"):
        rollout_plan(fleet(staged=[OK] * 3), HOSTS, {"definition": {"deploy": {"approval": "grace"}}})


def test_a_canary_goes_by_steps_and_the_first_host_waits_for_the_last() -> None:
    hosts = fleet(staged=[OK] * 3)
    for name in HOSTS:
        hosts[name] |= {"deploy_strategy": "canary", "deploy_batch_size": "100%"}
    plan = rollout_plan(hosts, HOSTS)
    assert [len(batch) for batch in plan["batches"]] == [1, 2]
    assert (plan["steps"], plan["bake"]) == ([10, 50], 60.0)
    # Each of the two steps is watched for 60 s, and held for up to 300 s where there are too few requests.
    assert plan["confirm_timeout"] == 120 + 20 + 2 * (60 + 300)
    hosts["web1"] |= {"deploy_steps": ["5"], "deploy_bake": "10", "deploy_confirm_timeout": 0}
    plan = rollout_plan(hosts, HOSTS)
    assert (plan["steps"], plan["bake"], plan["confirm_timeout"]) == ([5], 10.0, 0.0)


def test_the_first_of_many_hosts_waits_for_those_that_have_no_fork_yet() -> None:
    names = [f"web{number}" for number in range(1000)]
    hosts = {name: {"deploy_staged": OK, "ansible_forks": 50} for name in names}
    assert rollout_plan(hosts, names)["confirm_timeout"] == 120 + 19 * 20 + 19 * 20
    few = {name: {"deploy_staged": OK, "ansible_forks": "50"} for name in names[:50]}
    assert rollout_plan(few, names[:50])["confirm_timeout"] == 120


def test_recreate_is_for_what_must_not_run_twice() -> None:
    hosts = fleet(staged=[OK] * 3)
    hosts["web1"]["application_exclusive"] = True
    assert rollout_plan(hosts, HOSTS)["batches"] == [HOSTS]
    hosts["web1"]["deploy_capacity_floor"] = 2
    assert rollout_plan(hosts, HOSTS)["batches"] == [["web1"], ["web2"], ["web3"]]
    hosts["web1"]["deploy_strategy"] = "blue_green"
    with pytest.raises(BadInput, match="two copies"):
        rollout_plan(hosts, HOSTS)
    hosts["web1"] |= {"deploy_strategy": "recreate", "application_exclusive": False}
    with pytest.raises(BadInput, match="side by side"):
        rollout_plan(hosts, HOSTS)


def test_only_what_is_staged_is_switched() -> None:
    assert rollout_plan(fleet(staged=[OK, FAILED, OK]), HOSTS)["batches"] == [["web1", "web3"]]
    assert rollout_plan(fleet(staged=[FAILED] * 3), HOSTS)["batches"] == []
    with pytest.raises(BadInput):
        rollout_plan({name: {"deploy_staged": OK, "deploy_strategy": "magic"} for name in HOSTS}, HOSTS)


@pytest.mark.parametrize(
    "name, value",
    [
        ("deploy_steps", "ten"),
        ("deploy_steps", [50, 10]),
        ("deploy_steps", 120),
        ("deploy_bake", "soon"),
        ("deploy_bake", -1),
        ("deploy_confirm_timeout", -5),
        ("deploy_confirm_timeout", "inf"),
        ("deploy_max_fail", "some"),
        ("deploy_canary", "x"),
        ("deploy_canary", {"no_such_setting": 1}),
        ("deploy_strategy", "canry"),
        ("deploy_batch_size", "half"),
        ("application_exclusive", "perhaps"),
    ],
)
def test_a_wrong_plan_is_reported_before_any_host_is_staged(name: str, value: Any) -> None:
    with pytest.raises(BadInput):
        rollout_plan({host: {name: value} for host in HOSTS}, HOSTS)


@pytest.mark.parametrize(
    "said, steps, bake",
    [
        ({"deploy_steps": "[10, 50]", "deploy_bake": "5"}, [10, 50], 5.0),
        ({"deploy_steps": "25"}, [25], 60.0),
        ({"deploy_steps": 25}, [25], 60.0),
        ({"deploy_steps": [], "deploy_bake": 0}, [], 0.0),
        (
            {"deploy_steps": "", "deploy_bake": "", "deploy_confirm_timeout": "", "deploy_canary": ""},
            [10, 50],
            60.0,
        ),
    ],
)
def test_what_a_survey_hands_over(said: dict[str, Any], steps: list[int], bake: float) -> None:
    hosts = fleet(staged=[OK] * 3)
    for name in HOSTS:
        hosts[name] |= {"deploy_strategy": "canary", **said}
    plan = rollout_plan(hosts, HOSTS)
    assert (plan["steps"], plan["bake"]) == (steps, bake)
    assert rollout(hosts, HOSTS, "0")["go"]  # type: ignore[arg-type]


def test_a_start_within_the_switch_is_waited_for() -> None:
    hosts = fleet(staged=[OK] * 3)
    for name in HOSTS:
        hosts[name] |= {
            "application_exclusive": "true",
            "deploy_batch_size": 1,
            "deploy_artifact": {"manifest": {"health": {"startup_budget": 30}}},
        }
    plan = rollout_plan(hosts, HOSTS)
    assert len(plan["batches"]) == 3
    assert plan["confirm_timeout"] == 120 + 90 + 2 * (20 + 90)


def test_a_dry_run_took_nothing_back() -> None:
    hosts = fleet(staged=[OK, FAILED, OK], left=[OK, None, OK])
    message = rollout_failure(hosts, HOSTS, "agents", "2.0.0", check=True)
    assert message.splitlines()[0] == "agents 2.0.0 cannot be deployed to every host: it failed on web2."
    assert "nothing was changed on any host" in message
    assert "Back on" not in message
    assert "deploy_abort=true" not in message


def test_a_message_of_several_lines_stays_below_its_host() -> None:
    hosts = fleet(staged=[OK, {**FAILED, "msg": "it broke, which ends with:\n  | a"}, OK])
    assert "  web2: it broke, which ends with:\n      | a\n" in rollout_failure(
        hosts, HOSTS, "agents", "2.0.0"
    )
