"""New settings for what is live, and the same deploy again where the live process is gone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, HealthError, Refused
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, FakeHost, Killed, live, release
from ansible_collections.mas.ops.tests.unit.releases.test_release_machine import ExclusiveHost


def deployed(*versions: str, host: FakeHost | None = None) -> FakeHost:
    host = host or FakeHost()
    for version in versions:
        host.deploy(version)
    return host


def test_a_restart_is_a_switch_to_the_same_release() -> None:
    host = deployed("1.0.0", "2.0.0")
    plan, facts = host.do("restarted")
    assert plan.describe() == [
        f"check {release('2.0.0')}",
        "drain blue",
        "stop blue",
        "assign blue",
        "start_web blue",
        "await_health blue",
        "start_workers blue",
        "await_workers blue",
        "shift blue",
        "ask_front_door blue",
        "stop_workers green",
        "commit blue",
        "drain green",
        "stop green",
        "assign green",
        "start_web green",
    ]
    assert (facts["live"], facts["previous"]) == (release("2.0.0"), release("1.0.0"))
    assert host.slots == {"blue": release("2.0.0"), "green": release("1.0.0")}
    assert host.lost_requests == []
    assert host.ledger[-1]["action"] == "restarted"
    assert host.ledger[-1]["from"] == host.ledger[-1]["to"] == release("2.0.0")
    host.do("rolled_back")
    assert live(host) == release("1.0.0")


def test_a_restart_of_the_only_release_leaves_the_other_slot_empty() -> None:
    host = deployed("1.0.0")
    host.do("restarted")
    assert host.slots == {"blue": None, "green": release("1.0.0")}
    assert host.lost_requests == []


def test_where_nothing_is_live_the_advised_command_is_complete() -> None:
    with pytest.raises(Refused) as refused:
        FakeHost().do("restarted")
    assert str(refused.value) == (
        "no release is live on this host (this host). "
        "Deploy one first: ansible-playbook mas.ops.deploy -e application_name=agents -e deploy_version=VERSION"
    )
    with pytest.raises(Refused, match=r"1\.0\.0-\w+ is not live on this host, nothing is"):
        FakeHost().do("restarted", "1.0.0")


def test_a_restart_keeps_no_command_that_would_do_nothing() -> None:
    host = deployed("1.0.0", "2.0.0")
    host.do("restarted")
    assert host.ledger[-1]["rollback_command"] == ""


def test_what_does_not_come_up_with_the_new_settings_changes_nothing() -> None:
    host = deployed("1.0.0", "2.0.0")
    healthy = host.healthy
    host.healthy = lambda slot: (
        healthy(slot)
        and (  # type: ignore[method-assign]
            slot != "blue" or host.slots["blue"] != release("2.0.0")
        )
    )
    with pytest.raises(HealthError, match=r"serves what it served before: 2\.0\.0"):
        host.do("restarted")
    assert host.slots == {"blue": release("1.0.0"), "green": release("2.0.0")}
    assert host.weights == {"blue": 0, "green": 100}


def test_an_application_that_must_not_run_twice_is_stopped_and_started() -> None:
    host = deployed("1.0.0", host=FakeHost(layout=Layout(replace(APP, exclusive=True))))
    plan, _ = host.do("restarted")
    assert plan.describe()[1:4] == ["assign green", "stop blue", "start_web green"]
    assert {unit.split("@")[1] for unit in host.running} == {"green.service"}


@pytest.mark.parametrize("version", ["1.0.0", "9.0.0"])
def test_only_what_is_live_is_restarted(version: str) -> None:
    host = deployed("1.0.0", "2.0.0")
    with pytest.raises(Refused, match="is not live on this host"):
        host.do("restarted", version)
    with pytest.raises(Refused, match="no release is live"):
        FakeHost().do("restarted")


def test_the_same_deploy_brings_a_dead_live_process_up_again() -> None:
    host = deployed("1.0.0", "2.0.0")
    del host.running["agents-api@green.service"]
    plan, facts = host.do("staged", "2.0.0")
    assert plan.describe() == ["start_web green", "await_health green"]
    assert facts["repaired"]
    host.do("live", "2.0.0")
    assert live(host) == release("2.0.0")


def test_one_that_hangs_is_stopped_first() -> None:
    host = deployed("1.0.0")
    hung = host.running["agents-api@blue.service"]
    host.broken.add("1.0.0")
    stop = host.stop

    def cure(units: object) -> None:
        host.broken.clear()
        stop(units)  # type: ignore[arg-type]

    host.stop = cure  # type: ignore[method-assign]
    plan, _ = host.do("staged", "1.0.0")
    assert plan.describe() == ["stop_web blue", "start_web blue", "await_health blue"]
    assert host.running["agents-api@blue.service"] == hung
    assert host.running["agents-worker@blue.service"], "workers go on"


def test_where_all_is_well_nothing_is_repaired() -> None:
    plan, facts = deployed("1.0.0").do("staged", "1.0.0")
    assert (plan.changed, facts["repaired"]) == (False, False)


@pytest.mark.parametrize("check", [True, False])
def test_a_secret_that_is_not_set_any_more_bars_a_restart(check: bool) -> None:
    host = deployed("1.0.0", "2.0.0")
    host.set_variables = frozenset()
    running, weights = dict(host.running), dict(host.weights)
    with pytest.raises(BadInput, match="AGENTS_TOKEN not set in"):
        host.do("restarted", check=check)
    assert (host.running, host.weights) == (running, weights)
    host.do("rolled_back")
    assert live(host) == release("1.0.0")


def test_after_a_restart_the_warm_release_stands_in_again() -> None:
    assert APP.proxy
    host = FakeHost(layout=Layout(replace(APP, proxy=replace(APP.proxy, fallback=True))))
    deployed("1.0.0", "2.0.0", host=host)
    assert host.stands_in == "blue"
    host.do("restarted")
    assert host.slots["green"] == release("1.0.0")
    assert host.stands_in == "green"


@pytest.mark.parametrize("kind", [FakeHost, ExclusiveHost])
def test_leaving_the_only_release_leaves_no_copy_of_a_restart_that_was_killed(kind: type[FakeHost]) -> None:
    for changes in range(1, 40):
        host = deployed("1.0.0", host=kind())
        host.die_at = host.changes + changes
        with suppress(Killed):
            host.do("restarted")
        host.die_at = -1
        host.do("rolled_back", from_version="1.0.0")
        assert (live(host), host.slots, host.running) == (None, {"blue": None, "green": None}, {}), changes
