"""Armed, switched, confirmed: the automatic rollback and the lock, on a host in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    BadInput,
    Busy,
    HealthError,
    Refused,
    StorageError,
    TrafficError,
    VerdictError,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.traffic_steps import (
    TrafficStep,
    TrafficSteps,
    parse_traffic_steps,
)
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import TrafficFacts
from ansible_collections.mas.ops.tests.unit.releases.fake_host import (
    FakeHost,
    Killed,
    live,
    manifest,
    release,
)


@pytest.fixture
def host() -> FakeHost:
    host = FakeHost()
    host.deploy("1.0.0")
    return host


def switch(host: FakeHost, version: str, **more: object) -> int:
    """Both phases of a deploy that waits for its confirmation; the token of the run."""
    _, staged = host.do("staged", version, **more)
    _, switched = host.do("live", version, confirm_timeout=60.0, token=staged["token"], **more)
    return int(switched["token"])


def fire(host: FakeHost) -> None:
    """What adapters.auto_rollback does at the end of the time."""
    armed = host.armed()
    assert armed is not None
    host.do("rolled_back", from_version=armed.release, run="auto-rollback", force_unlock=True)


def test_a_switch_is_armed_first_and_final_when_it_is_confirmed(host: FakeHost) -> None:
    host.do("staged", "2.0.0")
    plan, facts = host.do("live", "2.0.0", confirm_timeout=60.0)
    assert plan.describe()[0] == f"arm {release('2.0.0')} for 60 s"
    assert facts["armed"]["release"] == release("2.0.0")
    plan, facts = host.do("confirmed", "2.0.0", token=facts["token"])
    assert plan.describe() == ["prove green", "await_workers green", f"confirm {release('2.0.0')}"]
    assert facts["armed"] is None
    assert [entry["action"] for entry in host.ledger] == ["live", "live", "confirmed"]
    assert host.ledger[-1]["rollback_command"].endswith(f"-e rollback_version={release('1.0.0')}")
    assert host.lease().free
    again, _ = host.do("confirmed", "2.0.0")
    assert not again.changed


def test_the_lock_can_be_given_back_without_doing_anything(host: FakeHost) -> None:
    host.do("staged", "2.0.0")
    assert not host.lease().free
    plan, _ = host.do("staged", "2.0.0", lease=0.0)
    assert not plan.changed
    assert host.lease().free


def test_without_a_confirmation_the_host_is_back(host: FakeHost) -> None:
    token = switch(host, "2.0.0")
    fire(host)
    assert live(host) == release("1.0.0")
    assert host.armed() is None
    assert host.ledger[-1]["action"] == "rolled_back"
    with pytest.raises(Busy, match="changed this host"):
        host.do("confirmed", "2.0.0", token=token)
    with pytest.raises(Refused, match="is not live on this host"):
        host.do("confirmed", "2.0.0")
    assert host.lost_requests == []


def test_the_first_release_of_a_host_has_nothing_to_go_back_to() -> None:
    host = FakeHost()
    host.do("staged", "1.0.0")
    plan, facts = host.do("live", "1.0.0", confirm_timeout=60.0)
    assert not any("arm" in step for step in plan.describe())
    assert facts["armed"] is None


def test_the_same_deploy_again_confirms_what_a_dead_run_switched(host: FakeHost) -> None:
    switch(host, "2.0.0", run="dead")
    token = switch(host, "2.0.0", run="again")
    host.do("confirmed", "2.0.0", run="again", token=token)
    assert live(host) == release("2.0.0")
    assert host.armed() is None


def test_nothing_else_is_brought_in_while_a_release_waits(host: FakeHost) -> None:
    switch(host, "2.0.0")
    with pytest.raises(Refused, match="was not confirmed yet"):
        host.do("staged", "3.0.0")
    host.do("rolled_back")
    assert live(host) == release("1.0.0")
    assert host.armed() is None
    host.do("staged", "3.0.0")


def test_a_run_that_was_overtaken_changes_nothing(host: FakeHost) -> None:
    _, staged = host.do("staged", "2.0.0", run="slow")
    host.do("staged", "2.0.0", run="second")
    changes = host.changes
    for state, more in (("live", {"confirm_timeout": 60.0}), ("rolled_back", {"from_version": "2.0.0"})):
        version = None if state == "rolled_back" else "2.0.0"
        with pytest.raises(Busy, match="changed this host"):
            host.do(state, version, run="slow", token=staged["token"], **more)
    assert host.changes == changes


@pytest.mark.parametrize("point", range(30))
def test_killed_anywhere_and_not_run_again(host: FakeHost, point: int) -> None:
    """The limit passes: the host is back, or it never left. Users lose nothing."""
    host.do("staged", "2.0.0")
    host.die_at = host.changes + point
    try:
        host.do(
            "live",
            "2.0.0",
            confirm_timeout=60.0,
            traffic_steps=TrafficSteps((TrafficStep(10), TrafficStep(100))),
        )
    except Killed:
        assert point < 20
    host.die_at = -1
    if host.armed():
        fire(host)
    assert live(host) == release("1.0.0")
    slot = host.state().live
    assert slot
    assert host.weights[slot] == host.split[slot] == 100
    assert host.running[f"agents-worker@{slot}.service"] == release("1.0.0")
    assert host.lost_requests == []


def test_traffic_goes_over_in_steps(host: FakeHost) -> None:
    host.do("staged", "2.0.0")
    plan, _ = host.do(
        "live", "2.0.0", traffic_steps=TrafficSteps((TrafficStep(1), TrafficStep(50), TrafficStep(100)))
    )
    assert [step for step in plan.describe() if "shift" in step] == [
        "shift green 1 %", "shift green 50 %", "shift green",
    ]  # fmt: skip
    assert host.weights == {"blue": 0, "green": 100}


def test_the_first_release_of_a_host_gets_all_of_its_traffic_or_none() -> None:
    """No other release could answer the rest, only a stranger on the port of the empty slot."""
    host = FakeHost()
    host.do("staged", "1.0.0")
    assert host.weights == host.split == {"blue": 0, "green": 0}
    plan, _ = host.do("live", "1.0.0", check=True, traffic_steps=parse_traffic_steps([10, 50], 7.0))
    assert [step for step in plan.describe() if "shift" in step or "bake" in step] == [
        "shift blue", "bake blue 100 % for 7 s",
    ]  # fmt: skip
    host.do("live", "1.0.0")
    assert host.weights == host.split == {"blue": 100, "green": 0}
    plan, _ = host.do("rolled_back", from_version=release("1.0.0"))
    assert plan.after["traffic"] == host.weights == host.split == {"blue": 0, "green": 0}


@pytest.mark.parametrize("point", range(16))
def test_a_first_release_that_was_killed_anywhere_leaves_no_traffic_behind(point: int) -> None:
    host = FakeHost()
    host.do("staged", "1.0.0")
    host.die_at = host.changes + point
    with contextlib.suppress(Killed):
        host.do("live", "1.0.0", confirm_timeout=60.0)
    host.die_at = -1
    host.do("rolled_back", from_version=release("1.0.0"), force_unlock=True)
    assert live(host) is None
    assert host.weights == host.split == {"blue": 0, "green": 0}


@pytest.mark.parametrize("version", ["2.0.0", "3.0.0"], ids=["well", "unwell"])
def test_users_keep_what_they_have_where_journal_and_ledger_are_lost(host: FakeHost, version: str) -> None:
    """Nothing says that a release is live, except that users get it."""
    host.broken.add("3.0.0")
    host.state_file = None
    host.ledger.clear()
    slot = next(name for name, weight in host.weights.items() if weight)
    with contextlib.suppress(HealthError):
        host.deploy(version)
    assert host.lost_requests == []
    assert live(host) == release("2.0.0" if version == "2.0.0" else "1.0.0")
    assert host.weights[host.state().live or ""] == 100
    assert (host.state().live == slot) == (version == "3.0.0")
    host.do("rolled_back", from_version=release("3.0.0"))
    assert sum(host.weights.values()) == 100


def test_steps_from_options() -> None:
    assert parse_traffic_steps([], 0) == TrafficSteps()
    assert parse_traffic_steps([1, 10], 5) == TrafficSteps(
        (TrafficStep(1, 5), TrafficStep(10, 5), TrafficStep(100))
    )
    for wrong in ([10, 10], [50, 10], [0, 100], [10, 120], [-1]):
        with pytest.raises(BadInput, match="steps"):
            parse_traffic_steps(wrong, 0)
    with pytest.raises(BadInput, match="cannot take"):
        parse_traffic_steps([10], -1)


class Watched(FakeHost):
    """Its users ask a hundred times a second, and the proxy counts what they get."""

    def __init__(self, error_rate: float = 0.0, silent: bool = False) -> None:
        super().__init__()
        self.error_rate = error_rate
        self.silent = silent
        self.counted = {slot: [0.0, 0.0] for slot in ("blue", "green")}

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        for slot, weight in self.weights.items():
            requests = 0 if self.silent else weight * seconds
            bad = self.slots[slot] == release("2.0.0")
            self.counted[slot][0] += requests
            self.counted[slot][1] += requests * (self.error_rate if bad else 0.001)

    def facts(self) -> TrafficFacts:
        servers = {
            slot: replace(server, requests=round(self.counted[slot][0]), errors=round(self.counted[slot][1]))
            for slot, server in super().facts().servers.items()
        }
        return replace(super().facts(), servers=servers, process="1")


STEPS = parse_traffic_steps([10, 50], 20)


def test_a_release_that_is_as_good_passes_every_step() -> None:
    host = Watched(error_rate=0.001)
    host.deploy("1.0.0")
    host.do("staged", "2.0.0")
    plan, facts = host.do("live", "2.0.0", traffic_steps=STEPS, confirm_timeout=60.0)
    assert live(host) == release("2.0.0")
    assert "bake green 10 % for 20 s" in plan.describe()
    # The limit is for what comes after a step: while it is watched, the time begins anew again and again.
    arms = [step for step in plan.describe() if step.startswith("arm ")]
    assert arms == [f"arm {release('2.0.0')} for 60 s"] * 2
    assert facts["verdict"]["verdict"] == "pass"
    assert [step["percent"] for step in facts["verdict"]["steps"]] == [10, 50]
    assert host.ledger[-1]["verdict"]["verdict"] == "pass"


def test_a_release_that_is_worse_is_taken_back_at_its_first_step() -> None:
    host = Watched(error_rate=0.2)
    host.deploy("1.0.0")
    host.do("staged", "2.0.0")
    with pytest.raises(VerdictError, match=r"the verdict on 2\.0\.0-2+ is fail"):
        host.do("live", "2.0.0", traffic_steps=STEPS, confirm_timeout=60.0)
    assert live(host) == release("1.0.0")
    assert host.weights == host.split == {"blue": 100, "green": 0}
    assert host.armed() is None
    assert host.lease().free
    assert host.ledger[-1]["action"] == "failed"
    assert host.ledger[-1]["verdict"]["verdict"] == "fail"


def test_a_release_without_requests_is_held_and_then_fails() -> None:
    host = Watched(silent=True)
    host.deploy("1.0.0")
    host.do("staged", "2.0.0")
    before = host.now
    with pytest.raises(VerdictError, match="nothing could be concluded for 30"):
        host.do("live", "2.0.0", traffic_steps=parse_traffic_steps([10], 20, {"hold_limit": 30}))
    assert 50 <= host.now - before < 60
    assert live(host) == release("1.0.0")


def test_all_at_once_is_watched_too_and_passes_unless_it_fails_by_itself() -> None:
    good, bad = Watched(silent=True), Watched(error_rate=0.9)
    for host in (good, bad):
        host.deploy("1.0.0")
        host.do("staged", "2.0.0")
    good.do("live", "2.0.0", traffic_steps=parse_traffic_steps([], 10))
    assert live(good) == release("2.0.0")
    with pytest.raises(VerdictError):
        bad.do("live", "2.0.0", traffic_steps=parse_traffic_steps([], 10))
    assert live(bad) == release("1.0.0")


class LateProxy(FakeHost):
    """Its proxy takes a slot for healthy until its own checks have failed a few times."""

    def wait_up(self, slot: str, seconds: float) -> None: ...


def test_a_slot_that_dies_within_the_switch_gets_no_traffic() -> None:
    """`make faults`, point 25."""
    host = LateProxy()
    host.deploy("1.0.0")
    _, staged = host.do("staged", "2.0.0")
    start = host.start

    def start_and_die(units: Sequence[str]) -> None:
        start(units)
        host.running.pop("agents-api@green.service", None)

    host.start = start_and_die  # type: ignore[method-assign]
    with pytest.raises(HealthError, match=r"2\.0\.0"):
        host.do("live", "2.0.0", confirm_timeout=60.0, token=staged["token"])
    assert live(host) == release("1.0.0")
    assert host.lost_requests == []


def test_a_release_whose_confirmation_failed_still_goes_back_by_itself(host: FakeHost) -> None:
    """Or a controller that dies after the refusal would leave it live for ever."""
    token = switch(host, "2.0.0")
    del host.running["agents-api@green.service"]
    host.broken.add("2.0.0")
    with pytest.raises(HealthError):
        host.do("confirmed", "2.0.0", token=token)
    assert host.armed() is not None
    fire(host)
    assert live(host) == release("1.0.0")
    assert host.armed() is None


def test_a_slot_that_died_after_the_switch_is_confirmed_when_it_is_back(host: FakeHost) -> None:
    token = switch(host, "2.0.0")
    running = host.running.pop("agents-api@green.service")
    sleep = host.sleep

    def wake_up(seconds: float) -> None:
        host.running["agents-api@green.service"] = running
        sleep(seconds)

    host.sleep = wake_up  # type: ignore[method-assign]
    plan, _ = host.do("confirmed", "2.0.0", token=token)
    assert plan.describe()[0] == "prove green"
    assert host.armed() is None
    assert live(host) == release("2.0.0")


def test_a_way_back_that_breaks_off_is_tried_again(host: FakeHost) -> None:
    """What systemd does when the automatic rollback fails, on a full disk for example."""
    switch(host, "2.0.0")
    shift = host.shift

    def full(_split: object) -> None:
        raise StorageError("cannot write: No space left on device", where="/etc", fix="Free some.")

    host.shift = full  # type: ignore[method-assign]
    with pytest.raises(StorageError):
        fire(host)
    assert host.armed() is not None
    host.shift = shift  # type: ignore[method-assign]
    fire(host)
    assert live(host) == release("1.0.0")
    assert host.armed() is None


def test_a_proxy_that_is_down_leaves_no_lock_behind(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> None:
        raise TrafficError("the proxy does not answer")

    monkeypatch.setattr(host, "facts", down)
    with pytest.raises(TrafficError):
        host.do("staged", "2.0.0")
    assert host.lease().free


def test_the_release_that_was_armed_is_left_and_no_other_of_its_version(host: FakeHost) -> None:
    """The same version was built again: going back from it, also twice, ends on the one before it."""
    first, second = "2.0.0-aaaaaaaaaaaa", "2.0.0-bbbbbbbbbbbb"
    for name in (first, second):
        host.fetched[name] = manifest("2.0.0")
        host.releases[name] = manifest("2.0.0")
    host.ledger.append(
        {"kind": "release", "application": "agents", "action": "live", "to": first, "time": host.text()}
    )
    host.slots["green"] = first
    host.running |= {"agents-api@green.service": first, "agents-worker@green.service": first}
    host.running.pop("agents-worker@blue.service")
    host.weights = host.split = {"blue": 0, "green": 100}
    host.state_file = {"schema": 1, "live": "green", "operation": None}
    for _ in range(2):
        host.do("rolled_back", from_version=second, run="auto-rollback", force_unlock=True)
        assert live(host) == first
