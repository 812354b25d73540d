"""What a run and an inventory may say, by names and types."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.plugin_utils.adapters.whole_run import convert
from ansible_collections.mas.ops.plugins.plugin_utils.variables.adapters.files import catalogue
from ansible_collections.mas.ops.plugins.plugin_utils.variables.check import Given, check_inventory, check_run
from ansible_collections.mas.ops.plugins.plugin_utils.variables.renamed import DISTINCT, GENERIC

RUN = {"application_name": "agents", "deploy_version": "1.0.0"}


def checked(playbook: str, extra: dict[str, Any], play: tuple[str, ...] = ()) -> list[str]:
    known = catalogue()
    return check_run(known, known.playbooks[playbook], Given(extra, frozenset(play)), convert)


@pytest.mark.parametrize(
    "extra, says",
    [
        ({"deploy_bakes": 5}, "deploy_bakes is not known: did you mean deploy_bake?"),
        ({"application_slot": {}}, "did you mean application_slots?"),
        ({"proxy_env": {}}, "proxy_env is not known: there is no such variable. A variable of your own"),
        ({"deploy_bake": "soon"}, "deploy_bake is 'soon', and must be a number"),
        ({"deploy_max_fail": 1.5}, "deploy_max_fail is 1.5, and must be a whole number"),
        ({"deploy_canary": "x"}, "deploy_canary is something else, and must be a mapping"),
        ({"deploy_strategy": "green_blue"}, "must be one of blue_green, canary, rolling, recreate"),
        ({"deploy_until": "stage"}, "must be one of staged, live"),
        ({"deploy_version": 1.1}, "deploy_version is 1.1 and must be a text"),
        ({"deploy_version": True}, "deploy_version is True and must be a text"),
        ({"deploy_version": ""}, "deploy_version is missing: say -e deploy_version=..."),
        ({"deploy_abort": "{{ 1 }}"}, "deploy_abort is a template"),
        ({"version": "1.0.0"}, "version is called deploy_version"),
        ({"application": "agents"}, "application is called application_name"),
        ({"phase": "stage"}, "phase is called deploy_until=staged"),
        # An empty answer of a survey would hide what the inventory says.
        ({"change_freezes": ""}, "change_freezes is empty"),
        ({"deploy_strategy": None}, "deploy_strategy is empty"),
        ({"deploy_version": ""}, "deploy_version is missing"),
        # Slips in the first word.
        ({"depoly_abort": True}, "did you mean deploy_abort?"),
        ({"Deploy_partial": True}, "did you mean deploy_partial?"),
        ({"aplication_name": "shop"}, "did you mean application_name?"),
        ({"chnge_override": {}}, "did you mean change_override?"),
        ({"release_take_over": True}, "release_take_over is called change_force_unlock"),
    ],
)
def test_what_a_deploy_is_not_given(extra: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        checked("deploy", {**RUN, **extra})
    assert says in str(caught.value)
    assert "docs/variables.md" in caught.value.fix


@pytest.mark.parametrize(
    "playbook, more",
    [
        ("deploy", {"gate_change": "rollback"}),
        ("provision", {"gate_change": "rollback"}),
        ("command", {"deploy_abort": True, "command_line": "/bin/true"}),
        ("decommission", {"deploy_abort": True, "decommission_confirm": "agents"}),
        ("gate", {"deploy_abort": True}),
    ],
)
def test_a_variable_of_another_playbook_makes_nothing_a_way_back(playbook: str, more: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="change_windows is empty"):
        checked(playbook, {**RUN, **more, "change_windows": ""})


@pytest.mark.parametrize(
    "extra",
    [
        {"deploy_bake": "2.5", "deploy_canary": '{"hold_limit": 5}', "deploy_steps": "10,50"},
        {"deploy_abort": "true", "deploy_until": "", "change_override": None, "change_force_unlock": ""},
        {"app_deploy_version": "1", "redeploy_version": "1", "my_abort": True},
        {"deploy_bake": "{{ minutes * 60 }}"},
        {"mas_foreign_variables": ["proxy_env"], "proxy_env": {}},
        {"agents_settings": {}, "ansible_user": "deploy", "version_of_something": 1},
        # What another playbook or a role reads may come along: one file of settings for all.
        {"report_title": "x", "application_slots": {}, "proxy_port": 8080},
    ],
)
def test_what_it_may_be_given(extra: dict[str, Any]) -> None:
    assert checked("deploy", {**RUN, **extra}) == []


def test_the_vars_of_an_import_count() -> None:
    assert checked("deploy", {}, ("application_name", "deploy_version", "deploy_state", "groups")) == []
    with pytest.raises(BadInput, match="deploy_bakes is not known"):
        checked("deploy", RUN, ("deploy_bakes",))


def test_what_belongs_to_another_playbook_is_said() -> None:
    assert checked("rollback", RUN) == ["deploy_version was given, and mas.ops.rollback does not read it."]


@pytest.mark.parametrize("extra", [{"rollback_tasks": "x"}, {"rollback_taks": {}}])
def test_own_tasks_never_block_a_rollback(extra: dict[str, Any]) -> None:
    (warning,) = checked("rollback", {"application_name": "agents", **extra})
    assert next(iter(extra)) in warning
    with pytest.raises(BadInput):
        checked("rollback", {"application_name": "agents", "rollback_versions": "1.0.0"})


def test_a_rollback_goes_to_a_version_or_a_moment() -> None:
    with pytest.raises(BadInput, match=r"rollback_version and rollback_to_time cannot both be given"):
        checked(
            "rollback",
            {"application_name": "a", "rollback_version": "1", "rollback_to_time": "2026-01-01T00:00:00Z"},
        )
    assert (
        checked("rollback", {"application_name": "a", "rollback_version": "1", "rollback_to_time": ""}) == []
    )


def test_no_mistake_about_something_else_keeps_a_fleet_from_going_back() -> None:
    mistakes = {
        "deploy_bakes": 5,
        "change_windows": {"a": 1},
        "release_take_over": True,
        "gate_checks": "x",
        "phase": 1,
    }
    run = {
        "application_name": "agents",
        "gate_checks": "x",
        "change_windows": {"a": 1},
        "deploy_bakes": 5,
        "freezes": [],
    }
    warnings = " ".join(checked("rollback", run))
    for name in (
        "gate_checks is something else",
        "change_windows is",
        "deploy_bakes is not known",
        "freezes is called",
    ):
        assert name in warnings
    with pytest.raises(BadInput, match="gate_checks"):
        checked("deploy", {**RUN, **mistakes})
    checked("deploy", {**RUN, "deploy_abort": "true", "deploy_bakes": 5})


@pytest.mark.parametrize(
    "extra",
    [
        {"version": "1.0.0"},
        {"rollback_versoin": "1.0.0"},
        {"rollback_to": "1.0.0"},
        {"rollback_somewhere": "1.0.0"},
        {"rollback_version": 1.1},
        {"release_take_over": True},
        {"change_force_unlok": True},
    ],
)
def test_a_mistake_about_where_a_rollback_goes_is_an_error(extra: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        checked("rollback", {"application_name": "agents", **extra})


def test_no_value_is_printed_that_may_hold_a_secret() -> None:
    with pytest.raises(BadInput) as caught:
        checked(
            "deploy",
            {**RUN, "change_notifications": {"url": "https://hooks/SECRET"}, "change_override": ["SECRET"]},
        )
    assert "SECRET" not in str(caught.value)


def inventory(is_rollback: bool = False, extra: dict[str, Any] | None = None, **variables: Any) -> list[str]:
    hosts = {name: {**variables, "inventory_hostname": name} for name in ("web1", "web2")}
    return check_inventory(catalogue(), hosts, extra or {}, is_rollback)


@pytest.mark.parametrize(
    "variables, says",
    [
        ({"deploy_bakes": 5}, "deploy_bakes is not known: did you mean deploy_bake?"),
        ({"freezes": []}, "freezes is called change_freezes"),
        ({"application_processes": {}}, "application_processes is for plays with the role alone"),
        ({"deploy_until": "staged"}, "deploy_until belongs to one run: say it with -e deploy_until="),
    ],
)
def test_an_inventory(variables: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        inventory(**variables)
    assert says in str(caught.value)
    assert "of web1, web2" in str(caught.value)
    # None of it bars a way back.
    assert says in inventory(is_rollback=True, **variables)[0]


def test_only_what_misleads_bars_a_way_back() -> None:
    with pytest.raises(
        BadInput, match=r"rollback_version belongs to one run.*-e rollback_version= to go on without"
    ):
        inventory(is_rollback=True, rollback_version="9.9.9")
    assert inventory(is_rollback=True, rollback_version="", extra={"rollback_version": ""}) == []


def test_names_that_an_inventory_may_use() -> None:
    """Those of other people, of the roles, and what earlier plays registered."""
    fine = {
        "version": "9.9.9",
        "phase": "stage",
        "agents_token": 1,
        "application_name": "agents",
        "gate_decision": {},
    }
    assert inventory(**fine, mas_foreign_variables=["deploy_user"], deploy_user="x") == []


def test_old_names_are_no_new_ones() -> None:
    known = catalogue().names
    assert not known.intersection(DISTINCT)
    assert not known.intersection(GENERIC)
    new = {
        *DISTINCT.values(),
        *(word.partition("=")[0] for names in GENERIC.values() for word in names.values()),
    }
    assert new <= known
