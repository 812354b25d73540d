"""What random commands and kills found, one by one: see ``test_release_machine``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import HealthError
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.tests.unit.releases.fake_host import (
    APP,
    FakeHost,
    Killed,
    live,
    manifest,
    release,
)


def deployed(*versions: str) -> FakeHost:
    host = FakeHost()
    for version in versions:
        host.deploy(version)
    return host


def die_before(host: FakeHost, change: str, *command: str, **more: Any) -> None:
    """Run a command that is killed just before it calls the port ``change``."""

    def killed(*_: Any) -> None:
        raise Killed

    setattr(host, change, killed)
    with pytest.raises(Killed):
        host.do(*command, **more)
    delattr(host, change)


def die_before_last_journal(host: FakeHost, *command: str, **more: Any) -> None:
    """Run a command that is killed after the ledger and before the journal."""
    write = host.write_state

    def killed(state: Any) -> None:
        if state.operation is None:
            raise Killed
        write(state)

    host.write_state = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        host.do(*command, **more)
    del host.write_state  # type: ignore[method-assign]


def serves(host: FakeHost, version: str) -> None:
    slot = host.state().live
    assert slot is not None
    idle = "green" if slot == "blue" else "blue"
    assert live(host) == release(version)
    assert host.weights == host.split == {slot: 100, idle: 0}
    assert host.running[f"agents-worker@{slot}.service"] == release(version)
    assert f"agents-worker@{idle}.service" not in host.running
    assert host.lost_requests == []


@pytest.mark.parametrize("versions", [["1.0.0"], ["1.0.0", "2.0.0"]])
def test_a_lost_journal_costs_no_request(versions: list[str]) -> None:
    host = deployed(*versions)
    host.state_file = None
    host.deploy("3.0.0")
    serves(host, "3.0.0")
    host.do("rolled_back")
    serves(host, versions[-1])


def test_a_lost_journal_does_not_hide_what_is_live() -> None:
    host = deployed("1.0.0", "2.0.0")
    host.state_file = None
    _, facts = host.do("rolled_back", check=True)
    assert (facts["live"], facts["previous"]) == (release("2.0.0"), release("1.0.0"))


def test_a_cold_rollback_after_a_killed_one_gets_the_traffic() -> None:
    """It planned the switch from the traffic that the killed one had left in the slot it used."""
    host = deployed("1.0.0", "2.0.0", "3.0.0")
    die_before(host, "append", "rolled_back", to_version="1.0.0")
    assert host.weights == {"blue": 0, "green": 100}, "the slot of 1.0.0, which is not live by intent"
    host.do("rolled_back")
    serves(host, "2.0.0")


def test_removing_what_a_killed_deploy_gave_the_traffic_to() -> None:
    host = deployed("1.0.0")
    host.do("staged", "2.0.0")
    die_before(host, "append", "live", "2.0.0")
    assert host.weights["green"] == 100
    host.do("absent", "2.0.0")
    serves(host, "1.0.0")
    assert host.state().operation is None
    assert release("2.0.0") not in host.releases


def test_staging_again_and_again_does_not_fill_the_disk() -> None:
    host = deployed("1.0.0")
    for number in range(2, 9):
        host.do("staged", f"{number}.0.0")
        assert len(host.releases) <= 3
    host.do("live", "8.0.0")
    serves(host, "8.0.0")


def test_leave_killed_after_the_ledger_goes_on_instead_of_stopping_everything() -> None:
    host = deployed("1.0.0", "2.0.0")
    die_before_last_journal(host, "rolled_back", from_version="2.0.0")
    host.do("rolled_back", from_version="2.0.0")
    serves(host, "1.0.0")


def test_leave_of_the_live_version_after_its_repair_was_killed() -> None:
    host = deployed("1.0.0", "2.0.0")
    del host.running["agents-worker@green.service"]
    die_before(host, "start", "live", "2.0.0")
    operation = host.state().operation
    assert operation
    assert operation.release == release("2.0.0")
    host.do("rolled_back", from_version="2.0.0")
    serves(host, "1.0.0")


@pytest.mark.parametrize("repair", [("staged", "2.0.0"), ("rolled_back", None), ("leave", None)])
def test_after_a_killed_leave_of_the_only_release_every_command_works(repair: tuple[str, str | None]) -> None:
    host = deployed("1.0.0")
    die_before(host, "append", "rolled_back", from_version="1.0.0")
    assert host.slots["blue"] is None
    state, version = repair
    if state == "staged":
        host.broken.add("2.0.0")
        with pytest.raises(HealthError, match="serves what it served before: nothing"):
            host.do(state, version)
    elif state == "rolled_back":
        host.do(state)
        assert live(host) == release("1.0.0")
    else:
        host.do("rolled_back", from_version="1.0.0")
        assert live(host) is None
        assert host.state().operation is None


def test_undo_leaves_the_workers_of_one_slot() -> None:
    host = deployed("1.0.0", "2.0.0")
    die_before(host, "shift", "rolled_back")
    die_before(host, "stop", "live", "2.0.0")
    host.do("rolled_back", to_version="2.0.0")
    serves(host, "2.0.0")


def test_check_mode_of_a_switch_to_a_slot_that_is_stopped() -> None:
    host = deployed("1.0.0", "2.0.0")
    del host.running["agents-api@blue.service"]
    planned, _ = host.do("live", "1.0.0", check=True, assume_staged=True)
    host.do("staged", "1.0.0")
    real, _ = host.do("live", "1.0.0")
    assert planned.describe() == real.describe()
    assert planned.after == real.after


def test_previous_is_where_an_interrupted_rollback_was_going() -> None:
    """Else the playbook, which rolls back to what is returned as previous, would take a second step back."""
    host = deployed("1.0.0", "2.0.0", "3.0.0")
    die_before_last_journal(host, "rolled_back")
    _, facts = host.do("rolled_back", check=True)
    assert facts["previous"] == release("2.0.0")
    host.do("rolled_back", to_version=facts["previous"])
    serves(host, "2.0.0")


class WorkerHost(FakeHost):
    """Its application has a worker and nothing else."""

    def __init__(self) -> None:
        super().__init__(layout=Layout(replace(APP, web=False, proxy=None)))

    def fetch(self, release: str) -> None:
        full = manifest(release.split("-", maxsplit=1)[0])
        self.fetched[release] = replace(full, processes={"worker": full.processes["worker"]}, health=None)


def test_the_queue_is_worked_on_while_another_version_is_staged_after_a_kill() -> None:
    host = WorkerHost()
    host.deploy("1.0.0")
    host.do("staged", "2.0.0")
    die_before(host, "append", "live", "2.0.0")
    assert list(host.running) == ["agents-worker@green.service"]
    host.do("staged", "3.0.0")
    assert host.running == {"agents-worker@blue.service": release("1.0.0")}


def test_workers_start_from_units_that_systemd_has_read() -> None:
    """A rollback died between the files of a slot and the reload: the old command would have been started."""
    host = WorkerHost()
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        host.deploy(version)
    die_before(host, "reload", "rolled_back", to_version="1.0.0")
    plan, _ = host.do("rolled_back", to_version="1.0.0")
    assert plan.describe() == ["assign green", "start_workers green", "stop_workers blue", "commit green"]


def test_half_staged_is_not_staged_after_the_live_version_was_deployed_again() -> None:
    """Without a web process nothing but the journal shows it, and deploying what is live closes the journal."""
    host = WorkerHost()
    host.deploy("1.0.0")
    die_before(host, "run_once", "staged", "2.0.0")
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    assert release("2.0.0") in host.migrated
    assert host.running == {"agents-worker@green.service": release("2.0.0")}


class FlappingHost(FakeHost):
    """The worker of version 2.0.0 dies a moment after each start."""

    def show(self, units: Sequence[str]) -> Mapping[str, Any]:
        facts = dict(super().show(units))
        for unit in units:
            if "-worker@" in unit and self.running.get(unit) == release("2.0.0") and self.now > 0.2:
                facts[unit] = SimpleNamespace(
                    up=False, stopped=False, active="activating", hopeless=False, restarts=1, since=0.0
                )
        return facts


def test_a_worker_that_flaps_never_goes_live() -> None:
    host = FlappingHost()
    host.deploy("1.0.0")
    host.now = 0.0
    host.do("staged", "2.0.0")
    with pytest.raises(
        HealthError, match=r"worker of 2\.0\.0-2+ did not stay up .*served before: 1\.0\.0"
    ) as caught:
        host.do("live", "2.0.0")
    assert caught.value.where == "agents-worker@green.service"
    serves(host, "1.0.0")
    assert [entry["action"] for entry in host.ledger] == ["live", "failed"]


def test_the_way_back_after_a_deploy_of_an_earlier_release_died_at_its_very_end() -> None:
    """Staging it again made 2.0.0 live again: going back from there leads to 1.0.0, not to 2.0.0 itself."""
    host = deployed("1.0.0", "2.0.0")
    host.do("staged", "1.0.0")
    die_before_last_journal(host, "live", "1.0.0")
    host.do("staged", "1.0.0")
    assert live(host) == release("2.0.0")
    host.do("rolled_back")
    serves(host, "1.0.0")
