"""How a whole fleet goes back, decided from what all of its hosts say."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import Refused
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.rollback import rollback_rest, rollback_way

ONE, TWO, THREE = "1.0.0-111111111111", "2.0.0-222222222222", "3.0.0-333333333333"
ARMED = {"release": THREE, "since": "2026-11-24T12:00:00.000Z"}
BEGUN = {"kind": "deploy", "release": THREE, "since": "2026-11-24T12:00:00.000Z"}


def host(live: str | None, *before: str, place: str = "warm", **more: Any) -> dict[str, Any]:
    """A host by what is live and what it served before, newest first."""
    history = [*reversed(before), *([live] if live else [])]
    return {
        "live": live,
        "previous": before[0] if before else None,
        "timeline": [{"time": f"2026-11-2{release[0]}", "release": release} for release in history],
        "targets": [{"release": release, "place": place, "startup_seconds": 9.0} for release in before],
        **more,
    }


def fleet(*hosts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"web{number}": facts for number, facts in enumerate(hosts, 1)}


def both(*hosts: dict[str, Any]) -> list[dict[str, Any]]:
    """What is decided, which must not depend on the order of the hosts."""
    return [rollback_way(fleet(*hosts)), rollback_way(fleet(*reversed(hosts)))]


@pytest.mark.parametrize(
    "hosts, target",
    [
        # all agree
        ([host("2", "1")], "1"),
        ([host("2", "1"), host("2", "1"), host("2", "1")], "1"),
        # a rollback from 3 to 2 was interrupted between hosts: finish it
        ([host("2", "1"), host("3", "2")], "2"),
        ([host("2"), host("3", "2", "1"), host("3", "2", "1")], "2"),
        ([host("2", "1", back={"to": "2"}), host("3")], "2"),
        # a deploy of 3 was interrupted between hosts: leave it
        ([host("3", "2"), host("2", "1"), host("2", "1")], "2"),
        # one joined at 3, one missed the deploy of 2: they go to what the fleet served last
        ([host("3", "2", "1"), host("3")], "2"),
        ([host("3", "2", "1"), host("3", "1")], "2"),
        # one was set up anew and has nothing
        ([host("3", "2"), host(None)], "2"),
        # the way back leads to a release that was live twice, or nothing was live before, or nothing is
        ([host("1", "2"), host("2", "1")], None),
        ([host("1"), host("1")], None),
        ([host(None), host(None)], None),
        ([host(None), host("1")], None),
        # they went different ways
        ([host("3", "1"), host("2", "1")], None),
        ([host("4", "3"), host("3", "2"), host("2", "1")], None),
    ],
)
def test_where_a_fleet_goes_back_to(hosts: list[dict[str, Any]], target: str | None) -> None:
    if target:
        assert [way["to"] for way in both(*hosts)] == [target] * 2
    else:
        with pytest.raises(Refused) as caught:
            both(*hosts)
        assert caught.value.fix
        assert "None" not in str(caught.value)


def test_no_hosts_are_no_fleet() -> None:
    with pytest.raises(Refused):
        rollback_way({})


def test_a_host_that_lacks_the_release_gets_it() -> None:
    old, new, gone = host(THREE, TWO, ONE), host(THREE), host(THREE, TWO, place="store")
    way = rollback_way(fleet(old, new, gone, host(TWO, back={"to": TWO})))
    assert (way["to"], way["version"], way["lacking"]) == (TWO, "2.0.0", ["web2", "web3"])


@pytest.mark.parametrize(
    "hosts",
    [
        # a canary on one of two hosts, of which the other one never switched
        [host(THREE, TWO, ONE, armed=ARMED), host(TWO, ONE, operation=BEGUN)],
        [host(THREE, TWO, ONE, armed=ARMED), host(TWO, ONE)],
        # only staged, or half-way
        [host(TWO, ONE, operation=BEGUN), host(TWO, ONE)],
        # some hosts were taken back from what others serve
        [host(THREE, TWO, ONE), host(TWO, ONE, left=THREE)],
    ],
)
def test_a_deploy_that_has_not_ended_is_left(hosts: list[dict[str, Any]]) -> None:
    for way in both(*hosts):
        assert (way["leave"], way["to"], way["lacking"]) == (THREE, "", [])


def test_what_repairs_the_live_release_is_no_deploy_to_leave() -> None:
    repair = {**BEGUN, "release": TWO}
    rolling_back = {**BEGUN, "kind": "rollback", "release": ONE}
    for operation in (repair, rolling_back):
        assert rollback_way(fleet(host(TWO, ONE, operation=operation)))["to"] == ONE


def test_after_a_deploy_that_failed_the_fleet_is_back_already() -> None:
    way = rollback_way(fleet(host(TWO, ONE, left=THREE), host(TWO, ONE)))
    assert not way["to"] + way["leave"]
    assert f"back on {TWO} already: {THREE} failed or was aborted" in way["done"]
    assert f"{ONE} (runs everywhere: seconds)" in way["done"]


def test_a_host_that_was_set_up_anew_sends_no_other_host_further_back() -> None:
    for way in both(host(TWO, ONE, left=THREE), host(None)):
        assert not way["to"] + way["leave"]
        assert f"back on {TWO} already" in way["done"]
        assert (
            f"never had a release: a deploy of {TWO.split('-', maxsplit=1)[0]} brings it there" in way["done"]
        )


def test_a_rollback_that_was_made_since_this_run_began_is_this_one_too() -> None:
    back = {"run": "run-7", "to": TWO, "time": "2026-11-24T12:00:00.000Z"}
    for way in both(host(TWO, ONE, back=back, back_since=back), host(THREE, TWO, ONE)):
        assert (way["to"], way["leave"]) == (TWO, "")
    nothing = {**back, "to": None}
    assert "run-7" in rollback_way(fleet(host(None, back=nothing, back_since=nothing)))["done"]


def test_a_contracted_schema_is_said_to_be_why() -> None:
    with pytest.raises(Refused, match="contracted for 2, and releases before it no longer fit it"):
        rollback_way(fleet(host("2"), host("2", contracted="2")))


def test_only_what_can_be_reached_is_offered_with_what_it_takes() -> None:
    with pytest.raises(Refused) as caught:
        rollback_way(fleet(host("4", TWO, ONE), host("3", TWO, place="disk")))
    assert (
        f"{TWO} (a start-up, at most 9 s), {ONE} (fetched from the store and started on web2)"
        in caught.value.fix
    )


def test_what_needs_no_store_is_said_beside_what_does() -> None:
    way = rollback_way(fleet(host(THREE, TWO, ONE), host(THREE, ONE, place="disk")))
    assert (way["to"], way["lacking"]) == (TWO, ["web2"])
    assert way["offer"] == f"There are: {ONE} (a start-up, at most 9 s)."


def rest(*done: dict[str, Any], artifact: Any = None, **brought: Any) -> dict[str, Any]:
    hosts = {f"web{number}": {"rollback_done": result} for number, result in enumerate(done, 1)}
    for name, result in brought.items():
        hosts[name]["rollback_brought"] = result
    return rollback_rest(hosts, list(hosts), artifact)


MOVED = {"changed": True, "live": TWO, "was": THREE, "missing": ""}
LACKS = {"changed": False, "live": THREE, "was": THREE, "missing": "never live here"}


def test_what_is_brought_where_and_what_the_others_can_go_forward_to() -> None:
    found = rest(MOVED, LACKS, {**MOVED, "changed": False, "was": TWO})
    assert (found["missing"], found["moved"]) == (["web2"], ["web1"])
    assert (found["release"], found["version"], found["forward"]) == (TWO, "2.0.0", THREE)
    assert found["short"] == ["web2"]
    assert rest(MOVED, LACKS, web2={"live": TWO})["short"] == []


def test_hosts_that_served_different_releases_do_not_go_forward() -> None:
    assert rest(MOVED, {**LACKS, "live": ONE})["forward"] == ""
    assert rest(MOVED, {**MOVED, "was": ONE}, LACKS)["forward"] == ""


def test_the_newest_that_needs_no_store_is_named() -> None:
    there = host(THREE, TWO, ONE, place="disk")
    lacks = host(THREE, TWO, ONE, place="disk")
    lacks["targets"][0]["place"] = "store"
    assert rollback_way(fleet(there, lacks))["nearest"] == ONE
    assert rollback_way(fleet(there, there))["nearest"] == TWO


def test_what_no_host_ever_served_is_not_brought() -> None:
    found = rest(LACKS, LACKS)
    assert (found["release"], found["why"]) == ("", "never live here")


def test_what_all_hosts_lack_is_brought_from_the_store_and_what_needs_none_is_offered() -> None:
    """The hosts served it, and keep no files of it any more."""
    targets = [{"release": ONE, "place": "disk", "startup_seconds": 9.0}, {"release": TWO, "place": "store"}]
    known = {**LACKS, "lacks": TWO, "targets": targets}
    found = rest(known, known)
    assert (found["release"], found["version"], found["short"]) == (TWO, "2.0.0", ["web1", "web2"])
    assert found["nearest"] == ONE
    assert found["offer"] == f"There are: {ONE} (a start-up, at most 9 s)."
    joined = {**LACKS, "lacks": "", "targets": []}
    found = rest(known, joined)
    assert (found["release"], found["nearest"], found["offer"]) == (TWO, "", "")
    assert rest(known, {**known, "lacks": ONE})["release"] == "", "two releases of one version"


def test_why_it_could_not_be_brought() -> None:
    other = {"release": "2.0.0-aaaaaaaaaaaa"}
    assert (
        "another artifact of that version, 2.0.0-aaaaaaaaaaaa" in rest(MOVED, LACKS, artifact=other)["cause"]
    )
    assert rest(MOVED, LACKS, artifact={"msg": "no store"})["cause"] == "no store"
    ours = {"release": TWO, "msg": ""}
    assert rest(MOVED, LACKS, artifact=ours, web2={"msg": "disk full"})["cause"] == "disk full"


def timed(live: str | None, *served: tuple[str, str]) -> dict[str, Any]:
    times = [{"time": f"2026-11-24T{hour}:00:00Z", "release": release} for hour, release in served]
    places = [{"release": release, "place": "disk", "startup_seconds": 9.0} for _, release in served]
    return {"live": live, "previous": None, "timeline": times, "targets": places}


def test_at_a_moment_hosts_without_a_record_follow_the_others() -> None:
    old = timed(THREE, ("10", ONE), ("12", TWO), ("13", THREE))
    anew, late = timed(None), timed(THREE, ("13", THREE))
    way = rollback_way(fleet(old, anew, late), "2026-11-24T12:30:00Z")
    assert (way["to"], way["lacking"], way["plain"]) == (TWO, ["web2", "web3"], False)
    assert way["note"].startswith(f"web2, web3 have no record of that moment, and will serve {TWO}")
    same = rollback_way(fleet(old, old), "2026-11-24T12:30:00Z")
    assert (same["to"], same["note"], same["plain"]) == (TWO, "", True)
    with pytest.raises(Refused, match="no host served a release"):
        rollback_way(fleet(anew, late), "2026-11-24T12:30:00Z")


def test_in_check_mode_a_host_that_lacks_the_release_would_be_fed() -> None:
    would = {**MOVED, "live": THREE, "aim": TWO}
    found = rest(would, {**LACKS, "aim": THREE})
    assert (found["release"], found["missing"], found["forward"]) == (TWO, ["web2"], THREE)
    assert rest(would, LACKS, web2={"live": THREE, "aim": TWO})["short"] == []
