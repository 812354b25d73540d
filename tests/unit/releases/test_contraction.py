"""Contract migrations end the ways back, and say so."""

from __future__ import annotations

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import MigrationError, NotFound, Refused
from ansible_collections.mas.ops.plugins.module_utils._ledger.history import fold
from ansible_collections.mas.ops.tests.unit.releases.fake_host import (
    FakeHost,
    Killed,
    live,
    manifest,
    release,
)


class Host(FakeHost):
    """Every release brings a contract migration."""

    def fetch(self, release: str) -> None:
        version = release.split("-", maxsplit=1)[0]
        self.fetched[release] = manifest(
            version, migrations={"expand": None, "contract": ["migrate", "contract"]}
        )


@pytest.fixture
def host() -> Host:
    host = Host()
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        host.deploy(version)
    return host


def test_no_way_leads_back_past_it(host: Host) -> None:
    plan, _ = host.do("contracted", "3.0.0")
    assert plan.describe() == [f"contract {release('3.0.0')}"]
    assert host.migrated == [release("3.0.0")]
    assert host.ledger[-1]["rollback_command"] == ""
    for to in (None, "1.0.0", "2.0.0"):
        with pytest.raises(
            Refused, match=r"contracted for 3\.0\.0-3+, and releases before it no longer fit it"
        ):
            host.do("rolled_back", to_version=to)
    assert live(host) == release("3.0.0")
    with pytest.raises(NotFound, match="never live"):
        host.do("rolled_back", to_version="9.9.9")


def test_it_cannot_be_left_for_nothing(host: Host) -> None:
    host.do("contracted", "3.0.0")
    with pytest.raises(Refused, match="contracted"):
        host.do("rolled_back", from_version="3.0.0")
    assert live(host) == release("3.0.0")


def test_later_releases_can_be_left_again(host: Host) -> None:
    host.do("contracted", "3.0.0")
    host.deploy("4.0.0")
    host.do("rolled_back")
    assert live(host) == release("3.0.0")
    with pytest.raises(Refused, match="contracted"):
        host.do("rolled_back")


def test_twice_is_once(host: Host) -> None:
    host.do("contracted", "3.0.0")
    plan, _ = host.do("contracted", "3.0.0")
    assert not plan.changed
    assert host.migrated == [release("3.0.0")]


def test_what_died_or_failed_on_the_way_is_done_again_and_has_cut_the_way_back(host: Host) -> None:
    host.migrations_fail.add(release("3.0.0"))
    with pytest.raises(MigrationError):
        host.do("contracted", "3.0.0")
    with pytest.raises(Refused, match="contracted"):
        host.do("rolled_back")
    host.migrations_fail.clear()
    host.die_at = host.changes + 2
    with pytest.raises(Killed):
        host.do("contracted", "3.0.0")
    host.die_at = -1
    plan, _ = host.do("contracted", "3.0.0")
    assert plan.changed
    assert [entry["action"] for entry in host.ledger[-2:]] == ["contracting", "contracted"]


def test_it_must_have_proven_itself(host: Host) -> None:
    host.now = 59
    with pytest.raises(Refused, match="has been live for 59 s of the required 60 s"):
        host.do("contracted", "3.0.0", soak=60.0)
    host.now = 60
    host.do("contracted", "3.0.0", soak=60.0)
    assert host.migrated == [release("3.0.0")]


def test_only_what_is_live_for_good(host: Host) -> None:
    with pytest.raises(Refused, match="not live and confirmed"):
        host.do("contracted", "2.0.0")
    host.do("staged", "4.0.0")
    with pytest.raises(Refused, match="a change is under way"):
        host.do("contracted", "3.0.0")
    host.do("live", "4.0.0", confirm_timeout=60.0)
    with pytest.raises(Refused, match="a change is under way"):
        host.do("contracted", "4.0.0")


def test_the_floor_falls_with_the_release_that_it_is_for() -> None:
    entries = [
        {"kind": "release", "application": "agents", "action": action, "to": f"{number}.0.0-{number * 12}"}
        for action, number in (("live", "1"), ("live", "2"), ("contracted", "2"), ("live", "3"))
    ]
    history = fold(entries, "agents")
    assert (history.floor, history.previous) == (1, "2.0.0-222222222222")
    assert history.below("1.0.0") == "2.0.0-222222222222"
    assert history.below("3.0.0") is None
    back = history.with_rollback("2.0.0-222222222222")
    assert (back.previous, back.below(None)) == (None, "2.0.0-222222222222")
