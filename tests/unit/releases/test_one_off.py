"""A one-off command: what may run, how it ended, and what the next run finds of one that was killed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.mas.ops.plugins.module_utils._core.unit_end import End, parse_end, runs
from ansible_collections.mas.ops.plugins.module_utils._releases import one_off
from ansible_collections.mas.ops.plugins.module_utils._releases.slot import assigned
from ansible_collections.mas.ops.tests.unit.releases.samples import APP, manifest, release

ONE = release("1.0.0")
RECORD = assigned(APP, "blue", ONE, manifest("1.0.0"))
SECRET = "correct-horse-battery"
EXITED = {"ActiveState": "active", "SubState": "exited", "Result": "success", "ExecMainCode": "1"}
RUNS = {"ActiveState": "active", "SubState": "running", "Result": "success"}
GONE = {"ActiveState": "inactive", "SubState": "dead", "Result": "success"}


def wanted(command: Any = "true", process: str = "", version: str = "") -> one_off.Wanted:
    return one_off.parse_wanted(command, process, version, 60)


@pytest.mark.parametrize("given", ["python3 -m x 'a b'", ["python3", "-m", "x", "a b"]])
def test_a_command_is_words(given: Any) -> None:
    assert wanted(given).words == ("python3", "-m", "x", "a b")


@pytest.mark.parametrize(
    "given",
    ["", [], None, 5, {"a": 1}, "a 'b", ["a", 5], ["a\nb"], ["a", "b\nExecStart=c"], "-rm", ["+sh"], ["x\0"]],
)
def test_what_is_no_command_is_refused(given: Any) -> None:
    with pytest.raises(BadInput) as caught:
        wanted(given)
    assert "manifest" not in str(caught.value)
    assert "as in mas.yml" in caught.value.fix


@pytest.mark.parametrize("seconds", [0, -1, one_off.LONGEST + 1])
def test_a_time_that_cannot_be(seconds: int) -> None:
    with pytest.raises(BadInput, match="timeout"):
        one_off.parse_wanted("true", None, None, seconds)


def test_the_first_worker_and_else_the_web_process() -> None:
    assert one_off.process_of(RECORD, wanted()) == "worker"
    assert one_off.process_of(RECORD, wanted(process="api")) == "api"
    web = assigned(
        APP,
        "blue",
        ONE,
        manifest("1.0.0", processes={"api": manifest("1.0.0").to_dict()["processes"]["api"]}),
    )
    assert one_off.process_of(web, wanted()) == "api"


def test_a_host_that_has_no_place_for_it_says_so() -> None:
    assert one_off.lacking(RECORD, wanted(process="worker")) == ""
    assert one_off.lacking(None, wanted()) == "no release is live"
    assert (
        one_off.lacking(RECORD, wanted(process="wroker"))
        == f"{ONE} runs no process wroker here, did you mean worker?"
    )
    assert one_off.lacking(RECORD, wanted(process="zzz")).endswith("zzz here: it runs api, worker")
    assert not one_off.plan(RECORD, wanted(process="zzz")).changed


def test_another_version_is_refused() -> None:
    for version in ("", "1.0.0", ONE):
        one_off.refuse_other_version(RECORD, wanted(version=version))
    with pytest.raises(Refused, match=r"is live, not 1\.0"):
        one_off.refuse_other_version(RECORD, wanted(version="1.0"))


def test_a_word_that_holds_a_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadInput, match="TOKEN") as caught:
        one_off.refuse_secrets([f"--token={SECRET}"], {"TOKEN": SECRET, "EMPTY": ""})
    assert SECRET not in str(caught.value)
    one_off.refuse_secrets(["--token"], {"TOKEN": SECRET, "EMPTY": ""})


@pytest.mark.parametrize(
    "facts, end, words",
    [
        (EXITED, End("ended"), "ended with exit status 0"),
        (
            {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "3"},
            End("ended", 3),
            "failed with exit status 3",
        ),
        (
            {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "203"},
            End("ended", 203),
            "failed with exit status 203: its program could not be executed",
        ),
        (
            {"ActiveState": "failed", "Result": "timeout"},
            End("timed_out"),
            "did not end within 60 s, and was stopped",
        ),
        (
            {"ActiveState": "failed", "Result": "oom-kill", "ExecMainStatus": "9"},
            End("killed", 9),
            "was killed (oom-kill, signal 9)",
        ),
        (
            {**EXITED, "ExecMainCode": "2", "ExecMainStatus": "15"},
            End("killed", 15),
            "was killed (signal, signal 15)",
        ),
        (GONE, End("stopped"), "was stopped before its end (no reason was given)"),
        ({}, End("stopped"), "was stopped before its end (no reason was given)"),
    ],
)
def test_how_it_ended(facts: dict[str, str], end: End, words: str) -> None:
    found = parse_end(facts)
    assert (found.how, found.status) == (end.how, end.status)
    assert found.words(60) == words
    assert found.succeeded == (facts == EXITED)


def test_how_long_it_took() -> None:
    times = {"ExecMainStartTimestampMonotonic": "1000000", "ExecMainExitTimestampMonotonic": "3500000"}
    assert parse_end({**EXITED, **times}).seconds == 2.5
    assert parse_end({**times, "ExecMainExitTimestampMonotonic": "0"}).seconds is None


@pytest.mark.parametrize(
    "active, sub, expected",
    [
        *(("active", "running", True), ("activating", "start", True), ("deactivating", "stop-sigterm", True)),
        *(("active", "exited", False), ("failed", "failed", False), ("inactive", "dead", False)),
    ],
)
def test_what_runs(active: str, sub: str, expected: bool) -> None:
    assert runs({"ActiveState": active, "SubState": sub}) is expected
