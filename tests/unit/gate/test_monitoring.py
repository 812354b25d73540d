"""What monitoring says, from a real server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mas.ops.plugins.plugin_utils.gate.adapters import monitoring
from ansible_collections.mas.ops.plugins.plugin_utils.gate.checks.model import Unknown
from ansible_collections.mas.ops.plugins.plugin_utils.gate.settings import (
    AlertQuery,
    BudgetQuery,
)
from ansible_collections.mas.ops.plugins.plugin_utils.http.model import HttpEndpoint

from ..http_server import Recorder, serving

ANSWERS = yaml.safe_load((Path(__file__).parents[2] / "cases/gate/answers.yml").read_text())


def test_alertmanager_is_asked_for_what_fires_and_matches(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    recorder.answer(ANSWERS["alertmanager"]["two"]["answer"])
    question = AlertQuery(
        HttpEndpoint(f"{url}/am", (("Authorization", "Bearer x"),)), ('severity="page"', "a!=b")
    )
    assert monitoring.alerts(question) == ANSWERS["alertmanager"]["two"]["labels"]
    path, words, headers = recorder.requests[0]
    assert path == "/am/api/v2/alerts"
    assert words == {
        "active": ["true"], "silenced": ["false"], "inhibited": ["false"], "filter": ['severity="page"', "a!=b"],
    }  # fmt: skip
    assert headers["Authorization"] == "Bearer x"


@pytest.mark.parametrize("name", ["empty", "suppressed"])
def test_alerts_that_do_not_count(server: tuple[Recorder, str], name: str) -> None:
    recorder, url = server
    recorder.answer(ANSWERS["alertmanager"][name]["answer"])
    assert monitoring.alerts(AlertQuery(HttpEndpoint(url))) == []


@pytest.mark.parametrize("state", ["active", "unprocessed"])
def test_alerts_that_count(server: tuple[Recorder, str], state: str) -> None:
    recorder, url = server
    recorder.answer([{"labels": {"alertname": "Down"}, "status": {"state": state}}])
    assert monitoring.alerts(AlertQuery(HttpEndpoint(url))) == [{"alertname": "Down"}]


@pytest.mark.parametrize("case", ANSWERS["prometheus"], ids=lambda case: case["name"])
def test_prometheus(server: tuple[Recorder, str], case: dict[str, Any]) -> None:
    recorder, url = server
    recorder.answer(case["answer"], case.get("status", 200))
    found = monitoring.budget(BudgetQuery(HttpEndpoint(url), "1 - errors / budget", minimum=0))
    if "unknown" in case:
        assert isinstance(found, Unknown)
        assert case["unknown"] in found.why
    else:
        assert found == [tuple(one) for one in case["values"]]
    assert recorder.requests[0][:2] == ("/api/v1/query", {"query": ["1 - errors / budget"]})


@pytest.mark.parametrize(
    "body, status, said",
    [
        (b"not json", 200, "is not JSON"),
        ({"status": "success"}, 200, "not a list of alerts"),
        ({}, 200, "not a list of alerts"),
        (b'""', 200, "not a list of alerts"),
        (b"[" * 200_000, 200, "is not JSON"),
        (b"null", 200, "not a list of alerts"),
        (b"bad matcher", 400, "answered 400: bad matcher"),
        (b"", 503, "answered 503"),
    ],
)
def test_an_answer_that_is_none(server: tuple[Recorder, str], body: Any, status: int, said: str) -> None:
    recorder, url = server
    recorder.answer(body, status)
    found = monitoring.alerts(AlertQuery(HttpEndpoint(url)))
    assert isinstance(found, Unknown)
    assert said in found.why


def test_a_secret_header_is_not_taken_elsewhere(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    with serving() as (other, elsewhere):
        recorder.answer(b"", 302)
        recorder.location = f"{elsewhere}/login"
        found = monitoring.alerts(AlertQuery(HttpEndpoint(url, (("Authorization", "Bearer x"),))))
        assert isinstance(found, Unknown)
        assert "answered 302" in found.why
        assert other.requests == []


def test_no_server_and_no_secret_in_the_message() -> None:
    found = monitoring.alerts(AlertQuery(HttpEndpoint("http://user:secret@127.0.0.1:9")))
    assert isinstance(found, Unknown)
    assert "did not answer" in found.why
    assert "secret" not in found.why


def test_a_server_that_hangs(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    recorder.delay = 1.0
    found = monitoring.alerts(AlertQuery(HttpEndpoint(url, timeout=0.2)))
    assert isinstance(found, Unknown)
    assert "timed out" in found.why


@pytest.mark.parametrize("status", [200, 500])
def test_a_server_that_sends_a_byte_now_and_then(server: tuple[Recorder, str], status: int) -> None:
    recorder, url = server
    recorder.answer(b" " * 30 + b"[]", status)
    recorder.drip = 0.1
    begin = time.monotonic()
    found = monitoring.alerts(AlertQuery(HttpEndpoint(url, timeout=0.5)))
    assert time.monotonic() - begin < 2
    assert isinstance(found, Unknown)
    assert "timed out" in found.why


def test_an_answer_that_ends_early(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    recorder.missing = 5
    found = monitoring.alerts(AlertQuery(HttpEndpoint(url)))
    assert isinstance(found, Unknown)
    assert "5 more expected" in found.why
