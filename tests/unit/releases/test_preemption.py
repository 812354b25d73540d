"""A way back ends what is at work, a run without a controller stops, and both leave what can be gone on with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    Abandoned,
    Overtaken,
    Preempted,
    Stopped,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.lease import Claim
from ansible_collections.mas.ops.plugins.module_utils._releases.preemption import (
    PATIENCE,
    PATIENCE_OF_A_WAY_BACK,
    EndRequest,
    Holder,
    may_end,
    parse_end_request,
    parse_holder,
    patience,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.traffic_steps import parse_traffic_steps
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, FakeHost, live, release

DEPLOY = Claim("run-1", "ada", "deploy of 2.0.0")
BACK = Claim("run-2", "bob", "rollback", returns=True)


def holder(claim: Claim) -> Holder:
    return Holder(7, "99", claim.run, claim.owner, claim.operation, claim.returns)


@pytest.mark.parametrize(
    "at_work, wanted, ends",
    [
        # a way back ends what anybody has begun
        (DEPLOY, BACK, True),
        (DEPLOY, replace(BACK, owner="ada"), True),
        # two ways back wait for each other, unless one is ordered to take over
        (BACK, replace(BACK, run="run-3"), False),
        (BACK, replace(BACK, run="run-3", force_unlock=True), True),
        # the same command of the same person, after Ctrl-C
        (DEPLOY, replace(DEPLOY, run="run-3"), True),
        (DEPLOY, replace(DEPLOY, run="run-3", owner="bob"), False),
        (DEPLOY, replace(DEPLOY, run="run-3", operation="deploy of 3.0.0"), False),
        (DEPLOY, replace(DEPLOY, run="run-3", owner="bob", force_unlock=True), True),
        # a phase of the run that is at work itself, and a deploy while the host goes back
        (DEPLOY, DEPLOY, False),
        (BACK, DEPLOY, False),
        (BACK, replace(DEPLOY, owner="bob", operation="rollback"), False),
    ],
)
def test_who_may_end_whom(at_work: Claim, wanted: Claim, ends: bool) -> None:
    assert may_end(holder(at_work), wanted) is ends


def test_of_what_is_at_work_without_a_word_only_ways_back_are_sure() -> None:
    assert may_end(Holder(), BACK)
    assert not may_end(Holder(), DEPLOY)


def test_a_way_back_waits_longer_for_another_one() -> None:
    assert patience(holder(BACK), BACK) == PATIENCE_OF_A_WAY_BACK
    assert patience(holder(DEPLOY), replace(DEPLOY, owner="bob")) == PATIENCE


def test_a_request_is_for_one_process_only() -> None:
    request = EndRequest(7, "99", "run-2", "bob", "rollback", "2026-11-24T10:00:00Z")
    assert request.is_for(holder(DEPLOY))
    assert not request.is_for(replace(holder(DEPLOY), began="100")), "the number was used again"
    assert not request.is_for(replace(holder(DEPLOY), pid=8))
    assert not request.is_for(holder(BACK))
    assert replace(request, force=True).is_for(holder(BACK))
    assert str(request) == "the rollback of bob (run run-2, 2026-11-24T10:00:00Z)"
    assert parse_end_request(request.to_dict()) == request
    assert parse_holder(holder(DEPLOY).to_dict()) == holder(DEPLOY)
    for rubbish in (None, [], {}, {"pid": 1}, "x"):
        assert parse_end_request(rubbish) is None
    for rubbish in (None, [], {"x": 1}, "x"):
        assert parse_holder(rubbish) == Holder()


def deployed(exclusive: bool = False) -> FakeHost:
    host = FakeHost(layout=Layout(replace(APP, exclusive=exclusive)))
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    return host


def stopped(host: FakeHost, point: int, by: type[Stopped], **more: Any) -> bool:
    """Deploy 3.0.0 and stop it at one of its looks; whether it was."""
    host.stop_at, host.stopped_by = host.looks + point, by
    try:
        token = host.do("staged", "3.0.0", **more)[1]["token"]
        host.do(
            "live",
            "3.0.0",
            confirm_timeout=60.0,
            token=token,
            traffic_steps=parse_traffic_steps([10, 50], 0),
            **more,
        )
    except by:
        return True
    finally:
        host.stop_at = -1
    return False


@pytest.mark.parametrize("by", [Preempted, Abandoned])
@pytest.mark.parametrize("point", range(22))
def test_stopped_anywhere_it_puts_nothing_back_and_a_way_back_does(point: int, by: type[Stopped]) -> None:
    """Also of another person, who need not take over; and the run that was ended changes nothing any more."""
    host = deployed()
    if not stopped(host, point, by, actor="ada"):
        assert point > 15
        return
    assert "failed" not in {entry["action"] for entry in host.ledger}
    token = host.lease().token
    _, facts = host.do("rolled_back", from_version="3.0.0", run="run-2", actor="bob")
    assert live(host) == release("2.0.0")
    assert host.armed() is None
    assert host.state().operation is None
    assert host.lost_requests == []
    assert facts["token"] == token + 1
    changes = host.changes
    for state, more in (("live", {"confirm_timeout": 60.0}), ("rolled_back", {"from_version": "3.0.0"})):
        with pytest.raises(Overtaken, match=r"way back from the deploy of 3\.0\.0 by bob"):
            host.do(state, None if state == "rolled_back" else "3.0.0", token=token, actor="ada", **more)
    assert host.changes == changes


@pytest.mark.parametrize("point", range(22))
def test_stopped_anywhere_the_same_command_goes_on(point: int) -> None:
    host = deployed()
    stopped(host, point, Abandoned, run="dead")
    token = host.do("staged", "3.0.0", run="again")[1]["token"]
    token = host.do("live", "3.0.0", run="again", confirm_timeout=60.0, token=token)[1]["token"]
    host.do("confirmed", "3.0.0", run="again", token=token)
    assert live(host) == release("3.0.0")
    assert host.lost_requests == []


@pytest.mark.parametrize("point", range(22))
def test_stopped_anywhere_the_limit_takes_the_host_back(point: int) -> None:
    host = deployed()
    stopped(host, point, Abandoned)
    armed = host.armed()
    if armed:
        host.do("rolled_back", from_version=armed.release, run="auto-rollback", actor="auto-rollback")
    assert live(host) == release("2.0.0")
    assert host.lost_requests == []


@pytest.mark.parametrize("point", range(22))
def test_a_copy_that_must_be_the_only_one_is_not_left_stopped(point: int) -> None:
    """Where no controller is, no one would start it again before the limit."""
    host = deployed(exclusive=True)
    if stopped(host, point, Abandoned):
        assert set(host.running.values()) == {release("2.0.0")}


def test_a_way_back_that_is_forced_to_end_is_gone_on_with() -> None:
    host = deployed()
    for point in range(3):
        host.stop_at, host.stopped_by = host.looks + point, Preempted
        with pytest.raises(Preempted):
            host.do("rolled_back", to_version="1.0.0", run=f"run-{point}")
        host.stop_at = -1
    host.do("rolled_back", to_version="1.0.0", run="again")
    assert live(host) == release("1.0.0")
    assert host.lost_requests == []


def test_the_limit_begins_anew_while_the_switch_waits_for_something() -> None:
    host = deployed()
    limits: list[float] = []

    def looked() -> None:
        armed = host.armed()
        if armed:
            limits.append(armed.until.left(host.moment()))

    class Watched(FakeHost):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            looked()

    host.__class__ = Watched  # type: ignore[assignment]
    host.do("staged", "3.0.0")
    with pytest.raises(Exception, match="nothing could be concluded"):
        host.do(
            "live",
            "3.0.0",
            confirm_timeout=30.0,
            traffic_steps=parse_traffic_steps([10], 60, {"hold_limit": 30}),
        )
    assert len(limits) > 60
    assert set(limits) == {30.0}
