"""Where one host can go back to, what it says of that, and what the ledger keeps of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    ArtifactError,
    NotFound,
    NotHere,
    Refused,
    TrafficError,
)
from ansible_collections.mas.ops.plugins.module_utils._ledger.history import Back, fold
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.call import info
from ansible_collections.mas.ops.plugins.module_utils._releases.ports import Ports
from ansible_collections.mas.ops.plugins.module_utils._releases.report import describe
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, FakeHost, live, manifest, release

ONE, TWO, THREE, FIVE = (release(f"{number}.0.0") for number in (1, 2, 3, 5))


@pytest.fixture
def host() -> FakeHost:
    host = FakeHost()
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    return host


def described(host: FakeHost, age: float = 0.0) -> dict[str, Any]:
    """What release_info answers."""
    ports = Ports(host, host, host, host, host, host, host, host)  # type: ignore[arg-type]
    return describe(APP, host.layout, ports, ("/srv/inv",), age)


def bring(host: FakeHost, version: str, **more: Any) -> Any:
    """A way back with the artifact at hand."""
    return host.do("rolled_back", version, to_version=release(version), brings=True, **more)


def test_a_host_that_lacks_it_says_so_and_changes_nothing(host: FakeHost) -> None:
    changes = host.changes
    plan, facts = host.do("rolled_back", to_version="5.0.0", report_missing=True)
    assert not plan.changed
    assert "5.0.0 was never live and healthy on this host" in facts["missing"]
    assert f"Choose one of: {ONE} (it runs, so it takes seconds)." in facts["missing"]
    assert (facts["live"], facts["was"], host.changes) == (TWO, TWO, changes)
    with pytest.raises(NotHere):
        host.do("rolled_back", to_version="5.0.0")
    # What is here is gone back to as ever.
    assert host.do("rolled_back", to_version="1.0.0", report_missing=True)[1]["missing"] == ""
    assert live(host) == ONE


def test_it_is_brought_without_a_migration_and_takes_the_place_of_what_it_followed(host: FakeHost) -> None:
    migrated = list(host.migrated)
    plan, _ = bring(host, "5.0.0")
    assert plan.describe()[:3] == [f"fetch {FIVE}", f"check {FIVE}", f"unpack {FIVE}"]
    assert live(host) == FIVE
    assert host.migrated == migrated
    assert (host.ledger[-1]["action"], host.ledger[-1]["brought"]) == ("rolled_back", True)
    assert described(host)["history"] == [ONE, FIVE]
    assert host.lost_requests == []
    assert not bring(host, "5.0.0")[0].changed


def test_it_is_brought_to_a_host_that_serves_nothing() -> None:
    host = FakeHost()
    assert host.do("rolled_back", to_version="2.0.0", report_missing=True)[1]["missing"]
    bring(host, "2.0.0")
    assert live(host) == TWO
    assert described(host)["history"] == [TWO]


def test_what_cannot_be_fetched_changes_nothing(host: FakeHost) -> None:
    with pytest.raises(NotFound, match="no such artifact"):
        bring(host, "9.0.0")
    assert live(host) == TWO

    def forged(_release: str) -> None:
        raise ArtifactError("the signature does not match the artifact")

    host.fetch = forged  # type: ignore[method-assign]
    with pytest.raises(ArtifactError):
        bring(host, "5.0.0")
    assert live(host) == TWO
    assert described(host)["left"] is None, "a way back that failed is no deploy that failed"


def test_a_contracted_schema_bars_what_is_brought_as_well(host: FakeHost) -> None:
    host.do("contracted", "2.0.0", soak=0.0)
    for more in (
        {"to_version": "1.0.0", "report_missing": True},
        {"to_version": "1.0.0", "report_missing": True, "forward": True},
    ):
        with pytest.raises(Refused, match="no longer fit it"):
            host.do("rolled_back", **more)


def test_going_forward_again_restores_the_history(host: FakeHost) -> None:
    host.do("rolled_back", to_version="1.0.0")
    with pytest.raises(NotHere):
        host.do("rolled_back", to_version=TWO)
    host.do("rolled_back", to_version=TWO, forward=True)
    assert live(host) == TWO
    assert described(host)["history"] == [ONE, TWO]
    with pytest.raises(NotHere):
        host.do("rolled_back", to_version=FIVE, forward=True)


def test_what_can_be_gone_back_to_and_what_it_takes(host: FakeHost) -> None:
    host.deploy("3.0.0")
    host.deploy("4.0.0")
    assert described(host)["targets"] == [
        {"release": THREE, "place": "warm", "startup_seconds": 0.0},
        {"release": TWO, "place": "disk", "startup_seconds": 5.0},
        {"release": ONE, "place": "store", "startup_seconds": None},
    ]
    with pytest.raises(NotHere) as caught:
        host.do("rolled_back", to_version="1.0.0")
    assert caught.value.fix.endswith(
        f"ansible-playbook mas.ops.rollback -e application_name=agents -e rollback_version={ONE}"
    )


@pytest.mark.parametrize("how", ["staged only", "switched", "failed"])
def test_the_ledger_says_which_deploy_was_given_up(host: FakeHost, how: str) -> None:
    if how == "failed":
        host.broken.add("3.0.0")
        with pytest.raises(Exception, match="did not become healthy"):
            host.do("staged", "3.0.0")
    else:
        host.do("staged", "3.0.0")
        if how == "switched":
            host.do("live", "3.0.0", confirm_timeout=60.0)
        host.do("rolled_back", from_version=THREE)
    assert live(host) == TWO
    assert described(host)["left"] == THREE
    assert described(host)["history"] == [ONE, TWO]
    # A rollback that was ordered, or a deploy, begins a new story.
    host.do("rolled_back", to_version="1.0.0")
    assert described(host)["left"] is None
    assert described(host)["previous"] is None


def test_two_rollbacks_that_were_ordered_walk_back_twice(host: FakeHost) -> None:
    host.deploy("3.0.0")
    host.do("rolled_back")
    assert described(host)["left"] is None
    host.do("rolled_back")
    assert live(host) == ONE


def test_a_rollback_since_a_run_began_is_found_by_the_clock_of_the_host(host: FakeHost) -> None:
    host.text = lambda: "2026-01-01T00:00:10.000Z"  # type: ignore[method-assign]
    host.do("rolled_back", run="run-7")
    host.now = 40.0
    assert described(host)["back"] == {"time": "2026-01-01T00:00:10.000Z", "run": "run-7", "to": ONE}
    assert described(host, age=29.0)["back_since"] is None
    assert described(host, age=31.0)["back_since"]["run"] == "run-7"
    host.now = 5.0
    assert described(host, age=31.0)["back_since"] is None, "a clock that was set back knows nothing"
    host.deploy("2.0.0")
    assert described(host)["back"] is None


def test_the_command_that_is_kept_names_the_release_and_the_inventory(host: FakeHost) -> None:
    host.do("staged", "3.0.0", inventory=("/srv/my inv",))
    _, facts = host.do("live", "3.0.0", inventory=("/srv/my inv",))
    command = f"ansible-playbook mas.ops.rollback -i '/srv/my inv' -e application_name=agents -e rollback_version={TWO}"
    assert facts["rollback_command"] == host.ledger[-1]["rollback_command"] == command


def test_the_command_that_a_rollback_keeps_works_as_it_stands(host: FakeHost) -> None:
    """No rollback goes to what was rolled back."""
    host.do("rolled_back", inventory=("/srv/inv",))
    command = "ansible-playbook mas.ops.deploy -i /srv/inv -e application_name=agents -e deploy_version=2.0.0"
    assert host.ledger[-1]["rollback_command"] == command
    with pytest.raises(NotHere):
        host.do("rolled_back", to_version=TWO)


def test_a_host_that_knows_no_application_is_to_be_provisioned_from_the_same_inventory() -> None:
    params = {"application": "unknown-here", "inventory": ["/srv/inv"], "run_age": 0.0}
    with pytest.raises(NotFound, match=r"mas\.ops\.provision -i /srv/inv -e application_name=unknown-here"):
        info(params)


def test_what_is_kept_over_a_rotation() -> None:
    entries = [
        {"kind": "release", "application": "a", "action": "live", "to": ONE, "time": "1"},
        {"kind": "release", "application": "a", "action": "live", "to": TWO, "time": "2"},
        {
            "kind": "release",
            "application": "a",
            "action": "rolled_back",
            "to": ONE,
            "left": TWO,
            "time": "3",
            "run": "r",
        },
    ]
    history = fold(entries, "a")
    assert (history.left, history.back) == (TWO, Back("3", "r", ONE))
    rotated = {"kind": "ledger", "action": "rotated", "carried": {"a": history.to_dict()}}
    assert fold([rotated], "a") == history


def test_a_manifest_that_does_not_fit_is_not_brought(host: FakeHost) -> None:
    def fetch(name: str) -> None:
        host.fetched[name] = manifest("5.0.0", name="other")

    host.fetch = fetch  # type: ignore[method-assign]
    with pytest.raises(Exception, match="does not fit this host"):
        bring(host, "5.0.0")
    assert live(host) == TWO


def test_a_way_back_does_not_wait_for_a_long_grace(host: FakeHost) -> None:
    host.graces.clear()
    host.do("staged", "3.0.0")
    assert set(host.graces) == {3700.0}
    host.graces.clear()
    host.do("rolled_back", from_version=THREE)
    host.do("rolled_back", to_version="1.0.0")
    host.broken.add("3.0.0")
    with pytest.raises(Exception, match="did not become healthy"):
        host.do("staged", "3.0.0")
    assert 30.0 in host.graces
    host.graces.clear()
    host.do("rolled_back", to_version="1.0.0")
    assert 3700.0 not in host.graces


def test_a_front_door_that_denies_is_a_warning_and_stops_no_rollback(host: FakeHost) -> None:
    """Maintenance, or a rule of access control."""
    host.front_status = 403
    dummy, facts = host.do("rolled_back")
    assert facts["live"] == ONE
    (warning,) = facts["warnings"]
    assert "users do not get 1.0.0-" in warning
    assert "it answered 403" in warning
    host.front_status = None
    dummy, facts = host.do("rolled_back", to_version=ONE)
    assert "warnings" not in facts


def test_files_of_the_proxy_that_are_lost_stop_no_way_back(host: FakeHost) -> None:
    host.proxy_unsound = "/etc/haproxy/conf.d/20-agents.cfg is missing"
    with pytest.raises(
        TrafficError, match=r"20-agents\.cfg is missing .*mas\.ops\.provision -e application_name=agents"
    ):
        host.deploy("3.0.0")
    assert live(host) == TWO
    dummy, facts = host.do("rolled_back", inventory=("/srv/inv",))
    assert facts["live"] == ONE
    (warning,) = facts["warnings"]
    assert "ansible-playbook mas.ops.provision -i /srv/inv -e application_name=agents" in warning
    with pytest.raises(TrafficError, match="would not start again"):
        host.do("restarted")


@pytest.mark.parametrize("state", ["staged", "restarted"])
def test_a_proxy_that_would_not_start_is_reported_before_anything_changes(host: FakeHost, state: str) -> None:
    host.proxy_unsound = "[ALERT] /etc/haproxy/conf.d/90-own.cfg:1: unknown keyword"
    version = "3.0.0" if state == "staged" else None
    running = dict(host.running)
    for check in (True, False):
        with pytest.raises(TrafficError, match=r"90-own\.cfg:1: unknown keyword"):
            host.do(state, version, check=check)
    assert host.running == running
    assert host.fetched == {} or release("3.0.0") not in host.slots.values()
    # A run writes anew what releases write, and then it is sound.
    host.proxy_damaged = True
    host.do(state, version, check=True)


def test_a_proxy_that_would_not_start_bars_no_way_back_that_brings_its_release(host: FakeHost) -> None:
    host.remove(ONE)
    host.slots = {slot: None if held == ONE else held for slot, held in host.slots.items()}
    host.proxy_unsound = "[ALERT] x"
    host.do("rolled_back", "1.0.0", to_version=ONE, brings=True, check=True)
    dummy, facts = host.do("rolled_back", "1.0.0", to_version=ONE, brings=True)
    assert facts["live"] == ONE
    assert "would not start again" in facts["warnings"][0]


def test_a_way_back_to_what_was_started_with_other_settings_says_so(host: FakeHost) -> None:
    slot = next(name for name, held in host.slots.items() if held == ONE)
    host.changed[slot] = ("environment", "port")
    dummy, facts = host.do("rolled_back", inventory=("/srv/inv",))
    (warning,) = facts["warnings"]
    assert "Changed since then: environment, port." in warning
    assert warning.endswith("ansible-playbook mas.ops.restart -i /srv/inv -e application_name=agents")
    assert "warnings" not in host.do("rolled_back", to_version=ONE, check=True)[1]


@pytest.mark.parametrize("change", ["rolled_back", "restarted", "live", "staged and live"])
def test_a_slot_that_a_crash_left_out_comes_back_in(host: FakeHost, change: str) -> None:
    """Nothing that a crash or a boot wrote down bars a deploy, a restart or a way back."""
    for slot in ("blue", "green"):
        host.aside.add(slot)
        host.left_out.add(slot)
    if change == "staged and live":
        host.deploy("2.0.0")
    else:
        host.do(change, "2.0.0" if change == "live" else None)
    slot = host.state().live
    assert slot not in host.aside | host.left_out


def test_a_slot_that_was_taken_out_by_hand(host: FakeHost) -> None:
    """A deploy of what is live does not overrule who did it; a way back needs the slot."""
    host.aside |= {"blue", "green"}
    with pytest.raises(TrafficError):
        host.do("live", "2.0.0")
    assert host.aside == {"blue", "green"}
    dummy, facts = host.do("rolled_back")
    assert facts["live"] == ONE
    assert host.state().live not in host.aside
