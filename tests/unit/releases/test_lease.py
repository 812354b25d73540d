"""Who holds the lock of an application: leases, tokens, clocks that are set, and hosts that are booted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import Busy, Overtaken
from ansible_collections.mas.ops.plugins.module_utils._releases.lease import (
    Claim,
    Lease,
    Moment,
    claim,
    parse_lease,
    released,
)

NOW = Moment("2026-11-24T10:00:00.000Z", 1000.0, "boot-1", 50.0)
ADA = Claim("run-1", "ada", "deploy of 2.0.0")
BOB = Claim("run-2", "bob", "deploy of 3.0.0")


def later(seconds: float, wall: float | None = None) -> Moment:
    return replace(NOW, wall=NOW.wall + (seconds if wall is None else wall), uptime=NOW.uptime + seconds)


@pytest.fixture
def held() -> Lease:
    return claim(Lease(), ADA, NOW, 60)


def test_the_second_learns_who_holds_it_and_since_when(held: Lease) -> None:
    with pytest.raises(Busy) as refused:
        claim(held, BOB, later(20), 60)
    assert "deploy of 2.0.0 by ada since 2026-11-24T10:00:00.000Z (run run-1)" in str(refused.value)
    assert "another 40 s" in str(refused.value)


def test_a_lease_that_is_over_is_taken_and_the_token_grows(held: Lease) -> None:
    taken = claim(held, BOB, later(61), 60)
    assert (taken.owner, taken.token) == ("bob", held.token + 1)
    with pytest.raises(Busy, match="changed this host"):
        claim(taken, replace(ADA, token=held.token), later(62), 60)


def test_each_phase_makes_it_longer(held: Lease) -> None:
    renewed = claim(held, ADA, later(50), 60)
    assert renewed.token == held.token
    with pytest.raises(Busy):
        claim(renewed, BOB, later(100), 60)


def test_the_same_command_after_a_crash_need_not_wait(held: Lease) -> None:
    again = claim(held, replace(ADA, run="run-9"), later(1), 60)
    assert again.token == held.token + 1
    with pytest.raises(Busy, match="changed this host"):
        claim(again, replace(ADA, token=held.token), later(2), 60)


def test_any_run_may_go_back_and_none_do_something_else(held: Lease) -> None:
    other = replace(ADA, run="run-9", operation="deploy of 4.0.0")
    with pytest.raises(Busy):
        claim(held, other, later(1), 60)
    assert claim(held, replace(other, returns=True), later(1), 60).run == "run-9"
    back = claim(held, replace(BOB, operation="rollback", returns=True), later(1), 60)
    assert (back.owner, back.token) == ("bob", held.token + 1)


def test_who_comes_back_late_learns_who_has_gone_on(held: Lease) -> None:
    back = claim(held, replace(BOB, operation="rollback", returns=True), later(1), 60)
    for lease, ended in (
        (back, ""),
        (released(back), ", which has ended"),
        (released(released(back)), ", which has ended"),
    ):
        with pytest.raises(Overtaken) as refused:
            claim(lease, replace(ADA, token=held.token, returns=True), later(2), 60)
        assert f"rollback by bob since {back.since} (run run-2){ended} (" in str(refused.value)


def test_a_person_may_take_it_over(held: Lease) -> None:
    assert claim(held, replace(BOB, force_unlock=True), later(1), 60).owner == "bob"


def test_what_was_released_is_free_and_remembers_its_token(held: Lease) -> None:
    free = released(held)
    assert free.free
    assert claim(free, BOB, later(1), 60).token == held.token + 1
    # The settling phase of the run that released it, as after a failure on this host.
    assert claim(free, replace(ADA, token=held.token), later(1), 60).token == held.token


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_a_clock_that_is_set_ends_no_lease(held: Lease, jump: float) -> None:
    with pytest.raises(Busy):
        claim(held, BOB, later(30, wall=jump), 60)
    assert claim(held, BOB, later(61, wall=jump), 60).owner == "bob"


def test_after_a_boot_the_wall_clock_has_to_do(held: Lease) -> None:
    booted = Moment("", NOW.wall + 30, "boot-2", 1.0)
    with pytest.raises(Busy):
        claim(held, BOB, booted, 60)
    assert claim(held, BOB, replace(booted, wall=NOW.wall + 61), 60).owner == "bob"
    assert held.until
    assert held.until.left(replace(booted, wall=NOW.wall - 86400)) == 60


def test_it_is_read_as_it_was_written_and_rubbish_is_nobodys(held: Lease) -> None:
    assert parse_lease(held.to_dict()) == held
    for wrong in ({"token": "x"}, {"token": True}, {"run": 5}, {"owner": None}):
        assert parse_lease({**held.to_dict(), **wrong}) == Lease()
    for rubbish in (None, [], {}, {"token": 1}, {"until": 1}, "x"):
        assert parse_lease(rubbish) == Lease()
