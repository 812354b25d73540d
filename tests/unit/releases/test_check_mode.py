"""Check mode refuses what the run would refuse, as far as it can be known, and changes nothing."""

from __future__ import annotations

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, HealthError, Refused
from ansible_collections.mas.ops.tests.unit.releases.fake_host import FakeHost, manifest, release


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"secrets": ["AGENTS_TOKEN", "OTHER_TOKEN"]}, "OTHER_TOKEN not set in"),
        ({"name": "blog"}, r"it is blog 2\.0\.0, not agents 2\.0\.0"),
        (
            {
                "processes": {
                    "w": {"kind": "worker", "command": ["w"], "stop_signal": "SIGTERM", "stop_grace": 1}
                }
            },
            "it has no web process",
        ),
    ],
)
def test_check_mode_refuses_what_does_not_fit(host: FakeHost, changes: dict[str, object], says: str) -> None:
    host.deploy("1.0.0")
    changed = host.changes
    if "processes" in changes:
        changes = {**changes, "health": None}
    host.promised_manifest = manifest("2.0.0", **changes)
    with pytest.raises(BadInput, match=says):
        host.do("staged", "2.0.0", check=True)
    host.promised_manifest = manifest("2.0.0")
    assert host.do("staged", "2.0.0", check=True)[0].changed
    # The controller said nothing of it, as for an artifact that it did not look into.
    host.promised_manifest = None
    assert host.do("staged", "2.0.0", check=True)[0].changed
    assert host.changes == changed


def test_check_mode_refuses_what_is_on_the_host_and_fits_no_more(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        host.deploy(version)
    monkeypatch.setattr(host, "variables", frozenset)
    with pytest.raises(BadInput, match="AGENTS_TOKEN not set in"):
        host.do("staged", "1.0.0", check=True)


def test_check_mode_says_what_is_live_afterwards(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    facts = host.do("rolled_back", check=True)[1]
    assert (facts["live"], facts["aim"]) == (release("2.0.0"), release("1.0.0"))


def test_check_mode_refuses_a_live_release_that_is_not_well(host: FakeHost) -> None:
    host.deploy("1.0.0")
    host.front_status = 503
    with pytest.raises(HealthError, match="users do not get"):
        host.do("live", "1.0.0", check=True)
    host.front_status = None
    assert not host.do("live", "1.0.0", check=True)[0].changed


@pytest.mark.parametrize("check", [True, False])
def test_packages_that_are_not_installed(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    host.deploy("1.0.0")
    needs = manifest("2.0.0", packages=["python3", "libpq5", "ffmpeg"])
    host.promised_manifest = needs
    monkeypatch.setattr(host, "fetch", lambda release: host.fetched.__setitem__(release, needs))
    with pytest.raises(
        Refused, match=r"^libpq5, ffmpeg of the packages that 2\.0\.0-.* needs: not installed"
    ) as caught:
        host.do("staged", "2.0.0", check=check)
    assert "mas.ops.provision" in caught.value.fix
    assert release("2.0.0") not in host.releases
    assert host.slots["green"] is None
    host.installed = frozenset({"python3", "libpq5", "ffmpeg"})
    assert host.do("staged", "2.0.0", check=check)[0].changed


def test_a_way_back_is_not_refused_for_a_package(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    needs = manifest("3.0.0", packages=["ffmpeg"])
    monkeypatch.setattr(host, "fetch", lambda release: host.fetched.__setitem__(release, needs))
    for version in ("1.0.0", "2.0.0"):
        host.releases[release(version)] = manifest(version)
        host.deploy(version)
    facts = host.do("rolled_back", "3.0.0", to_version=release("3.0.0"), brings=True)[1]
    assert facts["live"] == release("3.0.0")
    assert "ffmpeg of the packages that 3.0.0" in facts["warnings"][0]
