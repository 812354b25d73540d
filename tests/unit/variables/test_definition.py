"""The definition of an application."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.mas.ops.plugins.lookup.application import LookupModule
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.plugin_utils.variables.adapters.files import catalogue
from ansible_collections.mas.ops.plugins.plugin_utils.variables.check import check_inventory
from ansible_collections.mas.ops.plugins.plugin_utils.variables.definition import (
    keys,
    variable_of,
    wrong_keys,
)


def wrong(definition: Any) -> list[str]:
    return wrong_keys(definition, keys(catalogue()), "mas_application_agents")


@pytest.mark.parametrize(
    "definition, says",
    [
        ({"slotz": {}}, "slotz is not a key of mas_application_agents: did you mean slots?"),
        ({"slots": {"gren": {}}}, "gren is not a key of mas_application_agents.slots: did you mean green?"),
        ({"proxy": {"prt": 80}}, "prt is not a key of mas_application_agents.proxy: did you mean port?"),
        ({"deploy": {"version": "1"}}, "version is not a key of mas_application_agents.deploy"),
        ({"name": "agents"}, "name is not a key of mas_application_agents"),
        (["slots"], "mas_application_agents is not a mapping"),
        ("slots", "mas_application_agents is not a mapping"),
    ],
)
def test_keys_that_are_not_known(definition: Any, says: str) -> None:
    assert says in "; ".join(wrong(definition))


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {
            "artifacts": "/srv",
            "slots": {"blue": {"port": 1}, "green": {"port": 2}},
            "environment": {"ANY": "thing"},
        },
        {
            "limits": {"api": {"MemoryMax": "1G"}},
            "proxy": {"port": 80},
            "deploy": {"strategy": "canary"},
            "host": None,
        },
        "{{ from_elsewhere }}",
        {"proxy": "{{ from_elsewhere }}"},
    ],
)
def test_keys_that_are(definition: Any) -> None:
    assert wrong(definition) == []


def test_each_application_has_its_own() -> None:
    hosts = {"web1": {"mas_application_agents": {}, "mas_application_shop": {"slotz": {}}}}
    assert check_inventory(catalogue(), hosts, {}, application="agents") == []
    with pytest.raises(BadInput, match=r"slotz is not a key of mas_application_shop: .* \(of web1\)"):
        check_inventory(catalogue(), hosts, {}, application="shop")
    assert "slotz" in check_inventory(catalogue(), hosts, {}, is_rollback=True, application="shop")[0]


@pytest.mark.parametrize(
    "variables, hint",
    [
        ({}, "set it in the vars of the group 'my-shop' (on web1)"),
        ({"mas_application_my_shop": None}, "set it in the vars of the group 'my-shop' (on web1)"),
        (
            {"mas_application_my_shpo": {}},
            "mas_application_my_shpo is set: is that a misspelt mas_application_my_shop?",
        ),
        ({"mas_application_my-shop": {}}, "mas_application_my-shop is set: is that a misspelt"),
        # Not a name that begins as those of the collection do.
        ({"nas_application_my_shop": {}}, "nas_application_my_shop is set"),
    ],
)
def test_an_application_without_a_definition(variables: dict[str, Any], hint: str) -> None:
    hosts = {"web1": variables, "web2": {"mas_application_my_shop": {}}}
    # Plays with the roles alone need none.
    assert check_inventory(catalogue(), hosts, {}, application="my-shop") == []
    with pytest.raises(BadInput) as caught:
        check_inventory(catalogue(), hosts, {}, application="my-shop", defined=True)
    assert "mas_application_my_shop, which defines the application, is not set" in str(caught.value)
    assert hint in str(caught.value)
    assert "web2" not in str(caught.value)
    warnings = check_inventory(catalogue(), hosts, {}, is_rollback=True, application="my-shop", defined=True)
    assert hint in warnings[0]


def test_every_host_has_the_definition() -> None:
    hosts = {name: {"mas_application_shop": {}} for name in ("web1", "web2")}
    assert check_inventory(catalogue(), hosts, {}, application="shop", defined=True) == []
    # Of no application there is nothing to define.
    assert check_inventory(catalogue(), {"web1": {}}, {}, defined=True) == []


def test_variables_of_the_role_are_not_read_by_playbooks() -> None:
    hosts: dict[str, dict[str, Any]] = {"web1": {"application_name": "agents", "application_slots": {}}}
    with pytest.raises(
        BadInput, match="application_slots is for plays with the role alone: the playbooks read slots of"
    ):
        check_inventory(catalogue(), hosts, {}, application="agents")
    # As extra variables they beat the definition.
    assert check_inventory(catalogue(), hosts, {"application_slots": {}}, application="agents") == []


def looked_up(variables: dict[str, Any], *terms: str, **options: Any) -> Any:
    lookup = LookupModule(loader=DataLoader(), templar=Templar(DataLoader(), variables=variables))
    return lookup.run(list(terms), variables, **options)


def test_only_what_is_asked_for_is_evaluated() -> None:
    variables = {
        "mas_application_my_shop": {
            "artifacts": "/srv",
            "environment": "{{ not_there_at_all }}",
            "host": None,
        }
    }
    assert looked_up(variables, "my-shop", "artifacts") == ["/srv"]
    assert looked_up(variables, "my-shop", "host", default="x") == ["x"]
    assert looked_up({}, "my-shop", "slots", default={}) == [{}]
    with pytest.raises(AnsibleLookupError, match=r"mas_application_my_shop\.slots is not set"):
        looked_up(variables, "my-shop", "slots")
    with pytest.raises(
        AnsibleLookupError, match=r"mas_application_shpo is set: .* Its key slots is needed here"
    ):
        looked_up({"mas_application_shpo": {}}, "shop", "slots")
    with pytest.raises(AnsibleLookupError, match="is not a mapping"):
        looked_up({"mas_application_a": ["x"]}, "a", "slots", default={})


def test_the_variable_of_an_application() -> None:
    assert variable_of("my-shop") == "mas_application_my_shop"
