"""The phases of a release on one host, on a host in memory."""

from __future__ import annotations

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    BadInput,
    HealthError,
    MigrationError,
    NotFound,
    Refused,
    StorageError,
    TrafficError,
)
from ansible_collections.mas.ops.tests.unit.releases.fake_host import (
    APP,
    FakeHost,
    Killed,
    live,
    manifest,
    release,
)


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


def serves(host: FakeHost, version: str) -> None:
    """Intent, traffic, workers and journal all agree."""
    slot = host.state().live
    assert slot is not None
    idle = "green" if slot == "blue" else "blue"
    assert live(host) == release(version)
    assert host.weights == host.split == {slot: 100, idle: 0}
    assert host.running[f"agents-api@{slot}.service"] == release(version)
    assert host.running[f"agents-worker@{slot}.service"] == release(version)
    assert f"agents-worker@{idle}.service" not in host.running


def test_first_deploy(host: FakeHost) -> None:
    host.deploy("1.0.0")
    serves(host, "1.0.0")
    assert host.migrated == [release("1.0.0")]
    assert [entry["action"] for entry in host.ledger] == ["live"]
    assert host.state().operation is None


def test_the_ledger_says_from_when_what_goes_live_is(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    host.do("rolled_back")
    first, second, back = host.ledger
    assert (first["commit"], first["built"]) == ("", "2026-01-01T00:00:00Z")
    assert second["built"] == "2026-01-01T00:00:00Z"
    assert "built" not in back


def test_a_failure_says_what_was_tried(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.broken.add("2.0.0")
    with pytest.raises(HealthError):
        host.do("staged", "2.0.0")
    assert (host.ledger[-1]["action"], host.ledger[-1]["operation"]) == ("failed", "deploy")


def test_second_run_changes_nothing(host: FakeHost) -> None:
    host.deploy("1.0.0")
    before = host.changes
    for phase in ("staged", "live"):
        plan, facts = host.do(phase, "1.0.0")
        assert not plan.changed
        assert facts["live"] == release("1.0.0")
    assert host.changes == before


def test_staging_takes_no_traffic(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.do("staged", "2.0.0")
    serves(host, "1.0.0")
    assert host.running["agents-api@green.service"] == release("2.0.0")


def test_check_mode_changes_nothing_and_reports_what_a_run_does(host: FakeHost) -> None:
    host.deploy("1.0.0")
    for phase in ("staged", "live"):
        before = host.changes
        plan, _ = host.do(phase, "2.0.0", check=True, assume_staged=True)
        assert host.changes == before
        real, _ = host.do(phase, "2.0.0")
        assert plan.describe() == real.describe()
        assert plan.after == real.after


def test_the_switch_can_be_planned_before_it_is_staged(host: FakeHost) -> None:
    host.deploy("1.0.0")
    plan, _ = host.do("live", "2.0.0", check=True, assume_staged=True)
    assert plan.after["live"] == release("2.0.0")
    with pytest.raises(Refused, match="not staged"):
        host.do("live", "2.0.0", check=True)


def test_rollback_twice_walks_back_twice(host: FakeHost) -> None:
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        host.deploy(version)
    host.do("rolled_back")
    serves(host, "2.0.0")
    host.do("rolled_back")
    serves(host, "1.0.0")
    with pytest.raises(NotFound, match="nothing was live"):
        host.do("rolled_back")
    serves(host, "1.0.0")
    assert host.lost_requests == []


def test_warm_rollback_starts_nothing(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    plan, _ = host.do("rolled_back")
    assert plan.describe() == ["start_workers blue", "shift blue", "stop_workers green", "commit blue"]


def test_rollback_to_a_named_version(host: FakeHost) -> None:
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        host.deploy(version)
    host.do("rolled_back", to_version="1.0.0")
    serves(host, "1.0.0")
    plan, _ = host.do("rolled_back", to_version="1.0.0")
    assert not plan.changed


def test_a_release_that_was_never_live_is_never_a_target(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.broken.add("2.0.0")
    with pytest.raises(HealthError):
        host.do("staged", "2.0.0")
    host.deploy("3.0.0")
    with pytest.raises(NotFound, match=r"2\.0\.0 was never live"):
        host.do("rolled_back", to_version="2.0.0")
    host.do("rolled_back")
    serves(host, "1.0.0")


@pytest.mark.parametrize("failure", ["health", "migration", "proxy", "fetch"])
def test_a_failed_stage_puts_the_host_back(host: FakeHost, failure: str) -> None:
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    version = "9.0.0" if failure == "fetch" else "3.0.0"
    host.broken = {version} if failure == "health" else set()
    host.migrations_fail = {release(version)} if failure == "migration" else set()
    host.proxy_blind = failure == "proxy"
    with pytest.raises(
        (HealthError, MigrationError, TrafficError, NotFound), match=r"served before: 2\.0\.0"
    ) as caught:
        host.do("staged", version)
    assert caught.value.fix
    serves(host, "2.0.0")
    assert host.running["agents-api@blue.service"] == release("1.0.0"), "the way back is warm again"
    assert release(version) not in host.releases
    assert host.state().operation is None
    assert host.ledger[-1]["action"] == "failed"
    host.proxy_blind = False
    host.do("rolled_back")
    serves(host, "1.0.0")


def test_an_unexpected_error_puts_the_host_back_too(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported as it is, but neither the change nor the lock stays open for it."""
    host.deploy("1.0.0")
    host.do("staged", "2.0.0")

    def broken(*_: object) -> None:
        raise KeyError("a field that was always there")

    monkeypatch.setattr(host, "shift", broken)
    with pytest.raises(KeyError, match="a field that was always there"):
        host.do("live", "2.0.0")
    monkeypatch.undo()
    serves(host, "1.0.0")
    assert host.state().operation is None
    assert "unexpected error: KeyError" in host.ledger[-1]["error"]
    assert host.do("staged", "2.0.0", run="run-2")[1]["token"], "the lock is free for another run"


def test_a_failed_first_deploy_leaves_nothing(host: FakeHost) -> None:
    host.broken.add("1.0.0")
    with pytest.raises(HealthError, match="served before: nothing"):
        host.do("staged", "1.0.0")
    assert host.running == {}
    assert host.slots == {"blue": None, "green": None}
    assert host.releases == {}


def test_a_taken_port_is_refused_before_anything(host: FakeHost) -> None:
    host.taken.add(8101)
    with pytest.raises(Refused, match="8101"):
        host.do("staged", "1.0.0")
    assert host.changes == 0


def test_a_full_disk_changes_nothing(host: FakeHost) -> None:
    host.deploy("1.0.0")
    before = host.changes
    host.disk_full = True
    with pytest.raises(StorageError):
        host.do("staged", "2.0.0")
    assert host.changes == before
    host.disk_full = False
    serves(host, "1.0.0")


def test_leave_takes_a_staged_release_away(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    host.do("staged", "3.0.0")
    host.do("rolled_back", from_version="3.0.0")
    serves(host, "2.0.0")
    assert host.slots["blue"] == release("1.0.0")
    plan, _ = host.do("rolled_back", from_version="3.0.0")
    assert not plan.changed


def test_leave_takes_a_live_release_back(host: FakeHost) -> None:
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        host.deploy(version)
    host.do("rolled_back", from_version="3.0.0")
    serves(host, "2.0.0")
    assert host.running["agents-api@blue.service"] == release("1.0.0"), "the next way back is warm"
    plan, _ = host.do("rolled_back", from_version="3.0.0")
    assert not plan.changed


def test_leave_of_the_first_release_leaves_nothing(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.do("rolled_back", from_version="1.0.0")
    assert live(host) is None
    assert host.running == {}
    host.deploy("2.0.0")
    serves(host, "2.0.0")


def test_only_live_and_healthy_releases_are_kept(host: FakeHost) -> None:
    for version in ("1.0.0", "2.0.0", "3.0.0", "4.0.0", "5.0.0"):
        host.deploy(version)
    assert host.releases.keys() == {release(version) for version in ("3.0.0", "4.0.0", "5.0.0")}
    with pytest.raises(
        NotFound,
        match=r"no longer on this host.*mas.ops.rollback -e application_name=agents -e rollback_version=1\.0\.0-1{12}$",
    ):
        host.do("rolled_back", to_version="1.0.0")


def test_absent_removes_what_is_not_live(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    with pytest.raises(Refused, match="is live"):
        host.do("absent", "2.0.0")
    host.do("absent", "1.0.0")
    assert host.slots["blue"] is None
    assert release("1.0.0") not in host.releases
    plan, _ = host.do("absent", "1.0.0")
    assert not plan.changed


def test_an_artifact_that_does_not_fit_is_refused(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.fetch = lambda name: host.fetched.update({name: manifest("2.0.0", secrets=["OTHER"])})  # type: ignore[method-assign]
    with pytest.raises(BadInput, match="OTHER not set in /etc/mas/agents/environment"):
        host.do("staged", "2.0.0")
    serves(host, "1.0.0")
    assert release("2.0.0") not in host.releases


def kill_points(setup: list[str], phase: str, **request: str) -> int:
    """How many changes the phase makes after the setup."""
    host = prepared(setup)
    before = host.changes
    host.do(phase, **request)
    return host.changes - before


def prepared(setup: list[str]) -> FakeHost:
    host = FakeHost()
    for version in setup:
        host.deploy(version)
    return host


DEPLOYED = ["1.0.0", "2.0.0"]


def killed_in_deploy(point: int) -> FakeHost:
    host = prepared(DEPLOYED)
    host.die_at = host.changes + point
    with pytest.raises(Killed):
        host.deploy("3.0.0")
    host.die_at = -1
    return host


DEPLOY_POINTS = range(prepared([*DEPLOYED, "3.0.0"]).changes - prepared(DEPLOYED).changes)


@pytest.mark.parametrize("point", DEPLOY_POINTS)
def test_killed_anywhere_the_same_command_ends_live(point: int) -> None:
    host = killed_in_deploy(point)
    host.deploy("3.0.0")
    serves(host, "3.0.0")
    assert host.lost_requests == []
    assert release("3.0.0") in host.migrated
    host.do("rolled_back")
    serves(host, "2.0.0")


@pytest.mark.parametrize("point", DEPLOY_POINTS)
def test_killed_anywhere_it_can_be_undone(point: int) -> None:
    host = killed_in_deploy(point)
    host.do("rolled_back", from_version="3.0.0")
    serves(host, "2.0.0")
    assert host.state().operation is None
    assert host.lost_requests == []
    host.do("rolled_back")
    serves(host, "1.0.0")


@pytest.mark.parametrize("point", DEPLOY_POINTS)
def test_killed_anywhere_another_version_can_follow(point: int) -> None:
    host = killed_in_deploy(point)
    host.deploy("4.0.0")
    serves(host, "4.0.0")
    assert host.lost_requests == []


@pytest.mark.parametrize("point", DEPLOY_POINTS)
def test_killed_anywhere_the_live_version_can_be_deployed_again(point: int) -> None:
    host = killed_in_deploy(point)
    host.deploy("2.0.0")
    serves(host, "2.0.0")
    assert host.lost_requests == []


ROLLBACK_POINTS = range(kill_points(["1.0.0", "2.0.0", "3.0.0"], "rolled_back", to_version="1.0.0"))


@pytest.mark.parametrize("point", ROLLBACK_POINTS)
def test_a_cold_rollback_killed_anywhere_is_finished(point: int) -> None:
    host = prepared(["1.0.0", "2.0.0", "3.0.0"])
    host.die_at = host.changes + point
    with pytest.raises(Killed):
        host.do("rolled_back", to_version="1.0.0")
    host.die_at = -1
    host.do("rolled_back", to_version="1.0.0")
    serves(host, "1.0.0")
    assert host.lost_requests == []


def test_the_points_cover_the_whole_way() -> None:
    assert len(DEPLOY_POINTS) > 20
    assert len(ROLLBACK_POINTS) > 12
    assert APP.web


def test_an_empty_slot_has_nothing_that_is_up(host: FakeHost) -> None:
    empty = host.deploy("1.0.0")[1]["slots"]["green"]
    assert (empty["release"], empty["web_up"], empty["workers_up"], empty["healthy"]) == (
        None,
        False,
        False,
        False,
    )
