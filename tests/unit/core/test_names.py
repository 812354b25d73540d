"""A name becomes part of paths, so what cannot be one is refused before any is made, in every module and action."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._core.names import (
    check_application,
    check_given,
    check_options,
    text,
)

ROOT = Path(__file__).resolve().parents[3]
BAD = [
    "../../../tmp/x",
    "/tmp/x",
    "a/b",
    "..",
    ".",
    "A",
    "a b",
    "a\n",
    "a\0",
    "x" * 32,
    "-a",
    "ä",
    1,
    True,
    ["a"],
]


def modules() -> Iterator[str]:
    """Those that take the name of an application."""
    for path in sorted((ROOT / "plugins/modules").glob("[a-z]*.py")):
        text = path.read_text()
        documented = yaml.safe_load(text.partition('DOCUMENTATION = r"""')[2].partition('"""')[0])
        takes = "application" in documented.get("options", {}) or "mas.ops.application" in text
        if takes:
            yield path.stem


@pytest.mark.parametrize("name", BAD)
def test_what_is_none(name: object) -> None:
    with pytest.raises(BadInput, match="no application can be named"):
        check_application(name)


@pytest.mark.parametrize("name", ["a", "agents", "agents-2", "x" * 31])
def test_what_is_one(name: str) -> None:
    assert check_application(name) == name
    check_options({"application": name})


def test_none_need_be_named() -> None:
    for params in ({}, {"application": None}, {"application": ""}):
        check_options(params)


def test_the_modules_are_found() -> None:
    assert {
        "release",
        "release_info",
        "traffic",
        "traffic_info",
        "gate_info",
        "gate_entry",
        "ledger_info",
    } <= set(modules())


@pytest.mark.parametrize("module", list(modules()))
def test_a_module_refuses_it_before_it_does_anything(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []

    class Module:
        """Ansible's part, with options that it has checked; there are no others, so nothing else can be done."""

        check_mode = False

        def __init__(self, **_: Any) -> None:
            self.params = {"application": "../../../tmp/x"}

        def fail_json(self, **result: Any) -> None:
            messages.append(result["msg"])

    monkeypatch.setattr(basic, "AnsibleModule", Module)
    importlib.import_module(f"ansible_collections.mas.ops.plugins.modules.{module}").main()
    assert len(messages) == 1
    assert "no application can be named '../../../tmp/x'" in messages[0]


@pytest.mark.parametrize(
    "value, word",
    [
        (1.10, "the number 1.1"),
        (7, "the number 7"),
        (True, "the boolean True"),
        (["1.0"], "the list"),
        ({}, "the dict"),
    ],
)
def test_a_version_is_a_text(value: object, word: str) -> None:
    """`-e '{"version": 1.10}'` deployed 1.1."""
    with pytest.raises(BadInput, match=f"version is {re.escape(word)}.* and must be a text") as caught:
        text(value)
    assert "in quotes" in caught.value.fix
    for option in ("version", "to_version", "from_version"):
        with pytest.raises(BadInput, match=f"^{option} is"):
            check_given({option: value, "lease": 900.0})


@pytest.mark.parametrize("value", ["1.10", "7.7", "", "2.0.0-rc.1", None])
def test_a_text_that_looks_like_a_number_is_one(value: str | None) -> None:
    assert text(value) == (value or "")
    check_given({"version": value})


def test_no_playbook_makes_a_text_of_a_number() -> None:
    texts = {str(path): path.read_text() for path in (ROOT / "playbooks").rglob("*.yml")}
    assert sum("_version | default('') | mas.ops.version_text('" in text for text in texts.values()) >= 4
    assert [name for name, text in texts.items() if re.search(r"\bversion \|[^}]*\| string", text)] == []
