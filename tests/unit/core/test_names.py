"""A name becomes part of paths, so what cannot be one is refused before any is made, in every module and action."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._core.names import check_application, check_options

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
    told: list[str] = []

    class Module:
        """Ansible's part, with options that it has checked; there are no others, so nothing else can be done."""

        check_mode = False

        def __init__(self, **_: Any) -> None:
            self.params = {"application": "../../../tmp/x"}

        def fail_json(self, **result: Any) -> None:
            told.append(result["msg"])

    monkeypatch.setattr(basic, "AnsibleModule", Module)
    importlib.import_module(f"ansible_collections.mas.ops.plugins.modules.{module}").main()
    assert len(told) == 1
    assert "no application can be named '../../../tmp/x'" in told[0]
