"""Plans, options and errors, and how they become a call of AnsibleModule and its result."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.mas.ops.plugins.module_utils._core import ansible_module, errors
from ansible_collections.mas.ops.plugins.module_utils._core.argspec import APPLICATION, ArgumentSpec
from ansible_collections.mas.ops.plugins.module_utils._core.errors import OpsError, Refused
from ansible_collections.mas.ops.plugins.module_utils._core.outcome import Outcome, plan_result
from ansible_collections.mas.ops.plugins.module_utils._core.plan import Plan, Step

PLAN = Plan({"live": "1"}, {"live": "2"}, (Step("shift", "green"), Step("stop", "blue", {"x": 1})))

#: The modules that only document an action.
STAND_INS = sorted(
    path.stem
    for path in (Path(__file__).parents[3] / "plugins/modules").glob("*.py")
    if "docs_only(" in path.read_text("utf-8")
)


class Done(BaseException):
    """A module ends here; ``result`` is what it printed."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


class Module:
    """Stands for AnsibleModule."""

    check_mode = True

    def __init__(self, **kwargs: Any) -> None:
        self.params = {"application": "agents", "kwargs": kwargs}

    def exit_json(self, **result: Any) -> None:
        raise Done(result)

    def fail_json(self, msg: str, **result: Any) -> None:
        raise Done({"failed": True, "msg": msg, **result})


@pytest.fixture(autouse=True)
def _module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(basic, "AnsibleModule", Module)


def test_a_plan_says_whether_it_changes_and_what() -> None:
    assert PLAN.changed
    assert PLAN.describe() == ["shift green", "stop blue"]
    assert not Plan({}, {"x": 1}).changed


def test_a_plan_as_a_result() -> None:
    result = plan_result(PLAN)
    assert result["changed"] is True
    assert result["steps"] == ["shift green", "stop blue"]
    assert json.loads(result["diff"]["before"]) == {"live": "1"}
    assert json.loads(result["diff"]["after"]) == {"live": "2"}


def test_a_plan_without_steps_shows_no_difference() -> None:
    result = plan_result(Plan({"a": 1}, {"a": 2}))
    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]


def test_a_module_that_succeeds() -> None:
    def use_case(params: Any, check: bool) -> Outcome:
        return Outcome(PLAN, {"application": params["application"], "check": check})

    with pytest.raises(Done) as done:
        ansible_module.run_module(APPLICATION, use_case)
    assert done.value.result.items() >= {"changed": True, "application": "agents", "check": True}.items()


def test_a_module_that_is_refused() -> None:
    def use_case(params: Any, check: bool) -> Outcome:
        raise Refused("no", where="here", fix="Do this.")

    with pytest.raises(Done) as done:
        ansible_module.run_module(APPLICATION, use_case)
    assert done.value.result == {
        "failed": True, "msg": "no (here). Do this.", "error": "refused", "where": "here", "fix": "Do this."
    }  # fmt: skip


def test_an_unexpected_error_reaches_the_user_whole() -> None:
    def use_case(params: Any, check: bool) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ansible_module.run_module(APPLICATION, use_case)


def test_a_question() -> None:
    with pytest.raises(Done) as done:
        ansible_module.run_info_module(APPLICATION, lambda params: {"live": params["application"]})
    assert done.value.result == {"changed": False, "live": "agents"}

    def fail(_: Any) -> Any:
        raise OpsError("gone")

    with pytest.raises(Done) as done:
        ansible_module.run_info_module(APPLICATION, fail)
    assert done.value.result["msg"] == "gone."


@pytest.mark.parametrize("name", STAND_INS)
def test_a_module_that_stands_in_for_its_action(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.mas.ops.plugins.modules.{name}")
    with pytest.raises(Done) as done:
        module.main()
    fix = f"Call it as mas.ops.{name}."
    message = f"{name} is an action, which runs on the controller. {fix}"
    assert done.value.result == {"failed": True, "msg": message, "error": "refused", "where": "", "fix": fix}


def test_actions_take_specifications_without_what_runs_modules() -> None:
    assert STAND_INS
    names = ", ".join(STAND_INS)
    program = (
        f"from ansible_collections.mas.ops.plugins.modules import {names}; import sys; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "ansible.module_utils.basic" not in loaded.stdout.split()


def test_specs_add_up() -> None:
    more = ArgumentSpec(
        {"a": {"type": "int"}, "b": {}}, [("a", 1, ["b"])], [["a", "b"]], required_together=[("a", "b")]
    )
    both = APPLICATION + more
    assert set(both.options) == {"application", "a", "b"}
    assert both.to_kwargs() == {
        "argument_spec": {"application": {"type": "str", "required": True}, "a": {"type": "int"}, "b": {}},
        "required_if": [("a", 1, ["b"])],
        "mutually_exclusive": [("a", "b")],
        "required_together": [("a", "b")],
    }
    assert set(APPLICATION.options) == {"application"}, "adding changes neither of the two"


def test_an_option_is_defined_once() -> None:
    with pytest.raises(ValueError, match="both define a, b"):
        ArgumentSpec({"a": {}, "b": {}, "c": {}}) + ArgumentSpec({"b": {}, "a": {}})


def test_what_ansible_gets_is_its_own() -> None:
    kwargs = APPLICATION.to_kwargs()
    kwargs["argument_spec"]["application"]["default"] = "x"
    assert "default" not in APPLICATION.options["application"]


def test_errors_read_well() -> None:
    error = OpsError("it is so", where="there", fix="Do this.")
    error.advise("And that.")
    assert str(error) == "it is so (there). Do this. And that."
    assert str(OpsError("it is so")) == "it is so."


def test_each_kind_of_error_has_a_word_of_its_own() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    kinds = [vars(value)["kind"] for value in classes if "kind" in vars(value)]
    assert len(kinds) == len(set(kinds)) > 10
