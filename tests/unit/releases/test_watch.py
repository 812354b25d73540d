"""How often a canary went down: by the proxy, whose count goes on, and by systemd, whose count begins anew."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._canary.settings import CanarySettings
from ansible_collections.mas.ops.plugins.module_utils._core.errors import VerdictError
from ansible_collections.mas.ops.plugins.module_utils._core.plan import Step
from ansible_collections.mas.ops.plugins.module_utils._releases.watch import Downs, Watch
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import ProxyServer, Split, TrafficFacts

STEP = Step("bake", "green", {"percent": 50, "seconds": 5})


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def seconds(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Proxy:
    """One that saw the slot go down three times, in earlier deploys."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def facts(self) -> Any:
        count = 100 + int(self.clock.now * 50)
        server = ProxyServer(50, True, 0, 0, count, 0, "UP", downs=3)
        return TrafficFacts(Split(50, 50), {"blue": server, "green": server})


@pytest.mark.parametrize("crashes", [0, 1])
def test_a_restart_counts_whatever_the_proxy_saw_in_earlier_deploys(crashes: int) -> None:
    clock = Clock()
    watch = Watch(CanarySettings())

    def restarts() -> dict[str, int]:
        return {"blue": 0, "green": crashes if clock.now > 2 else 0}

    if crashes:
        with pytest.raises(VerdictError, match="the canary went down: 1 times, its baseline 0 times"):
            watch.stage(STEP, "agents-2.0.0", Proxy(clock), clock, restarts)
    else:
        watch.stage(STEP, "agents-2.0.0", Proxy(clock), clock, restarts)


def test_one_crash_that_both_saw_counts_once() -> None:
    downs = Downs()
    seen = [(3, 0), (4, 0), (4, 1), (4, 1)]
    assert [downs.since("green", proxy=p, systemd=s) for p, s in seen] == [0, 1, 1, 1]


def test_a_count_that_begins_anew_takes_nothing_back() -> None:
    downs = Downs()
    assert [downs.since("green", proxy=p, systemd=0) for p in (3, 5, 0, 1)] == [0, 2, 2, 3]
