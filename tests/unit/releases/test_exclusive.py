"""An application of which two copies must never run at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import HealthError
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, FakeHost, live, release


@pytest.fixture
def host() -> FakeHost:
    host = FakeHost(layout=Layout(replace(APP, exclusive=True)))
    host.deploy("1.0.0")
    return host


def copies(host: FakeHost) -> set[str]:
    return set(host.running.values())


def test_the_old_copy_stops_before_the_new_one_starts(host: FakeHost) -> None:
    host.do("staged", "2.0.0")
    assert copies(host) == {release("1.0.0")}
    plan, _ = host.do("live", "2.0.0", confirm_timeout=60.0)
    assert plan.describe()[1:5] == [
        "stop blue",
        "start_web green",
        "await_health green",
        "start_workers green",
    ]
    assert copies(host) == {release("2.0.0")}


def test_a_copy_that_does_not_come_up_gives_way_to_the_old_one(host: FakeHost) -> None:
    host.broken.add("2.0.0")
    host.do("staged", "2.0.0")
    with pytest.raises(HealthError):
        host.do("live", "2.0.0", confirm_timeout=60.0)
    assert live(host) == release("1.0.0")
    assert copies(host) == {release("1.0.0")}
    assert host.weights == {"blue": 100, "green": 0}


def test_the_way_back_starts_it_again(host: FakeHost) -> None:
    host.deploy("2.0.0")
    host.do("rolled_back")
    assert live(host) == release("1.0.0")
    assert copies(host) == {release("1.0.0")}
