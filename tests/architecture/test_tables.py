"""Defaults, argument specs and tables of variables say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.mas.ops.plugins.plugin_utils.variables.adapters.files import catalogue

from tests.run import tables
from tests.run.stage import ROOT

ROLES = sorted(path.parents[1].name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))


@pytest.mark.parametrize("role", ROLES)
def test_the_defaults_of_a_role_are_those_of_its_spec(role: str) -> None:
    path = ROOT / "roles" / role / "defaults/main.yml"
    defaults = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else {}
    specified = {
        name: option["default"]
        for name, option in tables.spec(role)["options"].items()
        if "default" in option
    }
    # A template has no place in a spec where the variable is not a text.
    templates = {
        name
        for name, value in defaults.items()
        if isinstance(value, str)
        and value.startswith("{{")
        and tables.spec(role)["options"][name]["type"] != "str"
    }
    assert {name: value for name, value in defaults.items() if name not in templates} == specified


@pytest.mark.parametrize("path, text", list(tables.files()), ids=lambda value: getattr(value, "name", ""))
def test_the_tables_are_of_today(path: Path, text: str) -> None:
    assert path.read_text("utf-8") == text, "run `make tables`"


def test_every_playbook_has_a_spec() -> None:
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    assert set(catalogue().playbooks) == playbooks


def test_one_name_is_one_variable() -> None:
    """What two playbooks have under one name has one type and one meaning of the run."""
    kinds: dict[str, set[tuple[str, bool]]] = {}
    for playbook in catalogue().playbooks.values():
        for one in playbook.variables:
            kinds.setdefault(one.name, set()).add((one.type, one.run))
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


def test_a_variable_has_the_name_of_who_reads_it() -> None:
    shared = {one.name for group in catalogue().shared.values() for one in group}
    for playbook in catalogue().playbooks.values():
        for one in playbook.own:
            assert one.name in shared or one.name.startswith((f"{playbook.name}_", "rollback_")), one.name
