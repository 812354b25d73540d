"""What traffic_info says for people, and what it leaves to programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import ProxyServer, Split, TrafficFacts
from ansible_collections.mas.ops.plugins.module_utils._traffic.summary import summary
from ansible_collections.mas.ops.plugins.modules import traffic_info
from ansible_collections.mas.ops.plugins.plugin_utils.canary.observe import fleet_windows


def facts(blue: int, green: int, persisted: Split | None, **more: Any) -> TrafficFacts:
    return TrafficFacts(
        persisted,
        {
            "blue": ProxyServer(blue, True, 0, 0, 1204, 0, "UP", check="L7OK/200", latency=((0.0, 3),)),
            "green": ProxyServer(green, True, 2, 0, 988, 1, "UP", downs=1, **more),
        },
        process="812-1",
    )


def test_a_few_lines() -> None:
    assert summary("agents", facts(0, 100, Split(0, 100))) == [
        "agents: new requests go to green 100 %, after a reload too",
        "blue: UP, 0 sessions open, 0 queued; 1204 requests, 0 errors, 0 downs",
        "green: UP, 2 sessions open, 0 queued; 988 requests, 1 error, 1 down",
        "requests, errors and downs are counted since the start of the proxy's process",
    ]


@pytest.mark.parametrize(
    "found, says",
    [
        (facts(10, 90, Split(10, 90)), "new requests go to blue 10 %, green 90 %, after a reload too"),
        (
            facts(10, 90, Split(0, 100)),
            "blue 10 %, green 90 %, but after a reload to green 100 %: deploy again",
        ),
        (facts(0, 0, Split(0, 0)), "go to no slot: users get an error, after a reload too"),
        (facts(0, 100, None), "green 100 %; after a reload unknown, for the split was never written"),
        (facts(0, 100, None, check="L7STS/400"), "green: UP (L7STS/400), 2 sessions"),
    ],
)
def test_what_has_to_be_seen_to(found: TrafficFacts, says: str) -> None:
    assert says in "\n".join(summary("agents", found))


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    @contextmanager
    def proxy(_application: str, lock: bool) -> Iterator[Any]:
        assert not lock
        yield SimpleNamespace(facts=lambda: facts(0, 100, Split(0, 100)))

    monkeypatch.setattr(traffic_info, "require_proxy", proxy)
    given = {"application": "agents", "counters": False, "latency": False}
    return lambda **more: traffic_info.split({**given, **more})


def test_numbers_and_histograms_are_for_those_who_ask(ask: Any) -> None:
    assert set(ask()) == {"lines", "split", "persisted"}
    with_counters, with_latency = ask(counters=True), ask(latency=True)
    assert with_counters["servers"]["blue"]["requests"] == 1204
    assert "latency" not in with_counters["servers"]["blue"]
    assert with_latency["servers"]["blue"]["latency"] == [[0.0, 3]]
    assert set(with_counters) == set(with_latency)


def test_a_verdict_without_counters_says_what_is_missing(ask: Any) -> None:
    with pytest.raises(BadInput, match=r"a reading has no counters.*counters or latency: true"):
        fleet_windows({"web1": [ask(), ask()]}, "green")
