"""What a run finds out or decides is refused as an extra variable, which would take precedence."""

from __future__ import annotations

from ansible_collections.mas.ops.plugins.plugin_utils.variables.adapters.files import catalogue
from ansible_collections.mas.ops.plugins.plugin_utils.variables.own import OWN

from tests.architecture.source import Source, files
from tests.architecture.variables import set_in

PLACES = (
    "playbooks/*.yml",
    "playbooks/*/*.yml",
    "tasks/*.yml",
    "roles/*/tasks/*.yml",
    "roles/*/handlers/*.yml",
    "roles/*/vars/*.yml",
)
#: Set on the way to a role or a playbook, and read from whoever runs it as well; and an option of set_fact.
GIVEN = {"cacheable", "proxy_applications", *catalogue().names}


def test_all_that_a_run_sets_is_its_own() -> None:
    found = {name for source in files(*PLACES) for name in set_in(source)}
    assert found - GIVEN == OWN


def test_what_sets_a_variable() -> None:
    text = (
        "- hosts: all\n  vars: {a: 1}\n  tasks:\n    - block:\n        - name: x\n          register: b\n"
        "          vars: {c: 1}\n        - ansible.builtin.set_fact: {d: 1}\n      vars: {e: 1}\n"
    )
    assert set_in(Source("playbooks/x.yml", text)) == {"a", "b", "c", "d", "e"}
    assert set_in(Source("roles/x/vars/main.yml", "f: 1\ng: {h: 1}\n")) == {"f", "g"}
