"""The user's own tasks: at which points they run on which hosts, what a failure means, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.filter.fleet import FilterModule
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.adapters import own_tasks as adapter
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.own_tasks import (
    POINTS,
    deploy_hosts,
    parse_own_tasks,
)
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.rollout import rollout, rollout_failure

HOSTS = ["web1", "web2"]
OK = {"changed": True, "token": 3}
ARMED = {**OK, "armed": {"release": "2.0.0-222222222222"}}
FILE = "- name: Say it\n  debug: {msg: '{{ deploy_point }}'}\n"


def fleet(
    tasks: Mapping[str, str], points: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}), **results: Any
) -> dict[str, dict[str, Any]]:
    """Two hosts on which the same was registered, and whose own tasks ended as ``points`` says."""
    plan = {"tasks": tasks}
    registered = {f"deploy_{phase}": result for phase, result in results.items()}
    return {
        name: {"deploy_plan": plan, "deploy_points": own, **registered}
        for name, own in zip(HOSTS, points, strict=True)
    }


def hosts_at(point: str, **results: Any) -> list[str]:
    return deploy_hosts(fleet(dict.fromkeys(POINTS["deploy_tasks"], "x"), **results), HOSTS, point)["hosts"]


def test_each_point_has_the_hosts_that_came_so_far() -> None:
    assert hosts_at("before_stage") == HOSTS
    assert hosts_at("after_stage") == hosts_at("switch") == hosts_at("before_confirm") == []
    assert hosts_at("after_stage", staged=OK) == hosts_at("switch", staged=OK) == HOSTS
    assert hosts_at("before_confirm", staged=OK, switched=ARMED) == HOSTS
    assert hosts_at("after_confirm", staged=OK, switched=ARMED) == []
    assert hosts_at("after_confirm", staged=OK, switched=ARMED, confirmed=OK) == HOSTS
    # Where nothing waits for a confirmation.
    assert hosts_at("after_confirm", staged=OK, switched=OK) == HOSTS


@pytest.mark.parametrize("point", [*POINTS["deploy_tasks"], "switch", "approve"])
def test_without_tasks_a_play_has_no_hosts_and_reads_nothing_else_of_them(point: str) -> None:
    class Host(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise AssertionError(key)

        def get(self, key: str, _default: Any = None) -> Any:
            assert key == "deploy_plan"
            return {"tasks": {}}

    assert deploy_hosts({name: Host() for name in HOSTS}, HOSTS, point) == {"hosts": [], "sizes": []}


def test_a_deploy_switches_in_one_of_two_plays() -> None:
    filters = FilterModule().filters()
    plain, own = filters["rollout_plan"], filters["deploy_hosts"]
    for tasks, mine in (({}, []), ({"after_switch": "x"}, HOSTS), ({"after_stage": "x"}, [])):
        hosts = fleet(tasks, staged=OK)
        assert own({}, hosts, HOSTS, "switch")["hosts"] == mine
        assert plain(hosts, HOSTS)["hosts"] == ([] if mine else HOSTS)
    assert (
        own({"deploy_abort": "true"}, fleet({"after_switch": "x"}, staged=OK), HOSTS, "switch")["hosts"] == []
    )


def test_approval_is_waited_for_where_all_are_staged() -> None:
    hosts = fleet({}, staged=OK)
    for variables in hosts.values():
        variables["deploy_plan"] = {"tasks": {}, "approval": {"source": "x"}}
    assert deploy_hosts(hosts, HOSTS, "approve")["hosts"] == HOSTS
    hosts["web1"]["deploy_points"] = {"after_stage": "failed"}
    assert deploy_hosts(hosts, HOSTS, "approve")["hosts"] == []


@pytest.mark.parametrize("end", ["failed", "started"])
def test_a_host_that_failed_before_staging_keeps_the_others_from_it_unless_it_may_fail(end: str) -> None:
    hosts = fleet({}, ({"before_stage": end}, {"before_stage": "done"}))
    assert rollout(hosts, HOSTS)["stage"] == []
    assert rollout(hosts, HOSTS, max_fail=1)["stage"] == ["web2"]
    words = "failed" if end == "failed" else "did not come to their end"
    assert f"web1: its own tasks at before_stage {words}" in rollout_failure(hosts, HOSTS, "agents", "2.0.0")


@pytest.mark.parametrize("point", ["after_stage", "before_switch", "after_switch", "before_confirm"])
@pytest.mark.parametrize("end", ["failed", "started"])
def test_a_failure_before_the_confirmation_takes_all_back(point: str, end: str) -> None:
    hosts = fleet({}, ({point: end}, {point: "done"}), staged=OK, switched=ARMED)
    state = rollout(hosts, HOSTS)
    assert (state["go"], state["complete"], state["done"]) == (False, False, False)
    assert (state["confirm"], state["leave"]) == ([], HOSTS)
    assert state["failed_tasks"] == ["web1"]
    assert state["lost"] == (["web1"] if end == "started" else [])
    message = rollout_failure(hosts, HOSTS, "agents", "2.0.0")
    words = "failed" if end == "failed" else "did not come to their end"
    assert f"web1: its own tasks at {point} {words}, see above" in message


def test_a_failure_after_it_takes_nothing_back() -> None:
    points = ({"after_confirm": "failed"}, {"after_confirm": "done"})
    state = rollout(fleet({}, points, staged=OK, switched=ARMED, confirmed=OK), HOSTS)
    assert (state["done"], state["leave"], state["failed_after"]) == (True, [], ["web1"])


@pytest.mark.parametrize(
    "given, wrong",
    [
        ({"before_swich": "x"}, "before_swich is not a point of deploy_tasks: did you mean before_switch?"),
        ({"zzz": "x"}, "zzz is not a point of deploy_tasks: it may have after_confirm, after_stage,"),
        ({"after_stage": ["x"]}, "deploy_tasks.after_stage must be the path of a task file"),
        ("[1]", "deploy_tasks must be a mapping of points to task files"),
    ],
)
def test_what_cannot_be_given(given: Any, wrong: str) -> None:
    found, problems = parse_own_tasks({"deploy_tasks": given}, "deploy_tasks")
    assert found == {}
    assert wrong in problems[0]


@pytest.mark.parametrize("given", [None, "", {}, {"after_stage": None}, {"after_stage": ""}])
def test_what_says_nothing(given: Any) -> None:
    assert parse_own_tasks({"deploy_tasks": given}, "deploy_tasks") == ({}, [])


def file(folder: Path, text: str) -> str:
    place = folder / "own.yml"
    place.write_text(text)
    return str(place)


@pytest.mark.parametrize(
    "text",
    [
        FILE,
        # What an import means is known when it runs.
        "- ansible.builtin.import_tasks: '{{ elsewhere }}.yml'\n- block:\n    - import_tasks: nowhere.yml\n",
        "- include_tasks: '{{ deploy_point }}.yml'\n  when: deploy_facts.application == 'agents'\n",
    ],
)
def test_files_that_are_tasks(tmp_path: Path, text: str) -> None:
    place = file(tmp_path, text)
    given = {"deploy_tasks": {"after_stage": place}, "rollback_tasks": {"after": place}}
    assert adapter.checked_tasks(given) == {"after_stage": place}


@pytest.mark.parametrize("text", ["a: 1\n", "", "- a: [\n", "- debug:\n  command: x\n", "- text\n"])
@pytest.mark.parametrize("variable, point", [("deploy_tasks", "after_stage"), ("rollback_tasks", "before")])
def test_files_that_are_none(tmp_path: Path, text: str, variable: str, point: str) -> None:
    place = file(tmp_path, text)
    with pytest.raises(BadInput) as caught:
        adapter.checked_tasks({variable: {point: place}})
    assert f"{variable}.{point}: {place} " in str(caught.value)


@pytest.mark.parametrize(
    "text, why",
    [
        ("- name: Say it\n  debug:\n  notify: x\n", "'Say it' notifies a handler"),
        ("- block:\n    - debug:\n      notify: [x]\n", "'a task' notifies a handler"),
        ("- include_tasks: '{{ x }}.yml'\n  notfy: x\n", "notfy"),
        ("- hashi.vault.nosuch_module:\n    x: 1\n  notify: vault\n", "."),
    ],
)
@pytest.mark.parametrize("variable, point", [("deploy_tasks", "after_switch"), ("rollback_tasks", "before")])
def test_what_would_end_a_run_is_refused(
    tmp_path: Path, text: str, why: str, variable: str, point: str
) -> None:
    with pytest.raises(BadInput) as caught:
        adapter.checked_tasks({variable: {point: file(tmp_path, text)}})
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "text, why",
    [
        ("- meta: end_play\n", "is a meta task"),
        ("- debug:\n  until: false\n", "has until"),
        ("- block:\n    - debug:\n      timeout: 900\n", "has timeout"),
        ("- debug:\n  async: 900\n  poll: 5\n", "has async"),
        ("- debug:\n  run_once: '{{ undefined }}'\n", "has a template as run_once"),
        ("- include_role: {name: x}\n", "is a role"),
        ("- include_tasks: '{{ x }}.yml'\n", "is a role, or a file whose name is not known before"),
    ],
)
def test_nothing_before_a_rollback_can_end_it_or_make_it_wait(
    tmp_path: Path, warnings: list[str], text: str, why: str
) -> None:
    """Elsewhere these are the user's own affair."""
    place = file(tmp_path, text)
    hosts = {"web1": {"rollback_tasks": {"before": place}}, "web2": {}}
    assert adapter.rollback_tasks(hosts, HOSTS, "before") == {"hosts": [], "path": ""}
    assert why in warnings[0]
    assert "The rollback goes on without these tasks." in warnings[0]
    assert adapter.checked_tasks({"deploy_tasks": {"after_stage": place}, "rollback_tasks": {"after": place}})


@pytest.mark.parametrize("how", ["include_tasks: {}", "ansible.builtin.import_tasks: {{file: {}}}"])
def test_a_file_that_one_of_them_includes(tmp_path: Path, how: str) -> None:
    place = file(tmp_path, f"- block:\n    - {how.format('inner.yml')}\n    - include_tasks: own.yml\n")
    assert adapter.checked_tasks({"deploy_tasks": {"after_stage": place}}) == {"after_stage": place}
    (tmp_path / "inner.yml").write_text("- debug:\n  command: x\n")
    with pytest.raises(BadInput, match=r"inner\.yml cannot be read as tasks"):
        adapter.checked_tasks({"deploy_tasks": {"after_stage": place}})


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(BadInput, match=r"deploy_tasks\.after_stage: there is no file /nowhere/x\.yml"):
        adapter.checked_tasks({"deploy_tasks": {"after_stage": "/nowhere/x.yml"}})


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(adapter.Display, "warning", lambda _self, text: said.append(text))
    return said


def test_a_rollback_runs_what_it_can_and_warns_of_the_rest(tmp_path: Path, warnings: list[str]) -> None:
    place = file(tmp_path, FILE)
    given = {"rollback_tasks": {"before": place, "aftr": place, "after": "/nowhere/x.yml"}}
    hosts = {"web1": {**given, "gate_decision": {"left_out": ["web2"]}}, "web2": {}}
    assert adapter.rollback_tasks(hosts, HOSTS, "before") == {"hosts": ["web1"], "path": place}
    assert "aftr is not a point of rollback_tasks: did you mean after? The rollback goes on" in warnings[0]
    assert "rollback_tasks.after: there is no file /nowhere/x.yml on the controller." in warnings[1]
    # Its play fails at the end.
    assert adapter.rollback_tasks(hosts, HOSTS, "after") == {"hosts": ["web1"], "path": ""}


def test_a_template_that_fails_does_not_stop_a_rollback(warnings: list[str]) -> None:
    class Host(dict[str, Any]):
        def get(self, *_key: Any) -> Any:
            raise ValueError("no such variable")

    for point in POINTS["rollback_tasks"]:
        assert adapter.rollback_tasks({"web1": Host()}, ["web1"], point) == {"hosts": [], "path": ""}
    assert "rollback_tasks cannot be evaluated: no such variable. The rollback goes on" in warnings[0]


def test_without_a_task_nothing_is_said(warnings: list[str]) -> None:
    nothing = {"hosts": [], "path": ""}
    assert adapter.rollback_tasks({}, [], "before") == nothing
    assert adapter.rollback_tasks({"web1": {}}, ["web1"], "before") == nothing
    assert warnings == []
