"""Releases that misbehave are caught under load and taken back by themselves; a good one is not."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from fleet import Done, Fleet

pytestmark = pytest.mark.containers

#: Requests a second on each host. A canary of half of them has enough in seconds.
RATE = 120
#: A fifth, then half of the traffic, each watched for so many seconds: short, for a test.
CANARY = {"deploy_strategy": "canary", "deploy_steps": [20, 50], "deploy_bake": 15}
#: Seconds after which 6.0.0-leaky dies; it has to be within the time that it is watched.
LEAK_AFTER = 14
#: The pause of 5.0.0-slow. Its own 30 ms are an ordinary hiccup where a test shares its machine with others.
SLOW = 0.1
#: A request of every kind of mistake: /version would show none of them.
PATH = "/tasks"


@pytest.fixture(scope="module")
def canaries() -> Iterator[Fleet]:
    """Two hosts, the first of which is the canary of every deploy."""
    run = f"canary-{os.getpid()}"
    settings = {"AGENTS_LEAK_AFTER": str(LEAK_AFTER), "AGENTS_SLOW_SECONDS": str(SLOW)}
    try:
        fleet = Fleet.up(run, 2, suite="mixed", agents_settings=settings)
        fleet.build("1.0.0", "2.0.0", "3.0.0-broken", "4.0.0-errors", "5.0.0-slow", "6.0.0-leaky")
        fleet.provision().check()
        fleet.deploy("1.0.0").check()
        yield fleet
    finally:
        Fleet.remove(run)


def deploy(fleet: Fleet, version: str) -> Done:
    with fleet.load(RATE * len(fleet.names), PATH):
        return fleet.deploy(version, **CANARY)


def last_failure(fleet: Fleet, name: str) -> dict[str, Any]:
    lines = fleet.bed.exec(name, ["cat", "/var/lib/mas/ledger.jsonl"]).splitlines()
    return next(entry for entry in map(json.loads, reversed(lines)) if entry.get("action") == "failed")


def everywhere(fleet: Fleet, version: str) -> None:
    assert fleet.live() == dict.fromkeys(fleet.names, version)


def test_a_good_version_passes(canaries: Fleet) -> None:
    done = deploy(canaries, "2.0.0").check()
    everywhere(canaries, "2.0.0")
    assert "failed=0" in done.output


@pytest.mark.parametrize(
    "version, step, reason",
    [
        ("3.0.0-broken", "await_health", "did not become healthy"),
        ("4.0.0-errors", "bake", "it fails more often"),
        ("5.0.0-slow", "bake", "it is slower"),
        ("6.0.0-leaky", "bake", "went down"),
    ],
)
def test_a_version_that_misbehaves_is_taken_back(
    canaries: Fleet, version: str, step: str, reason: str
) -> None:
    before = canaries.live()
    done = deploy(canaries, version)
    assert done.status != 0, done.output
    assert canaries.live() == before
    failed = last_failure(canaries, canaries.names[0])
    assert failed["to"].startswith(version)
    assert failed["step"] == step, failed
    assert reason in failed["error"], failed["error"]
    if step == "bake":
        assert failed["verdict"]["verdict"] == "fail"
        assert failed["verdict"]["numbers"]["canary"]["requests"] > 0
    # The host that was no canary never gave it a request.
    other = canaries.bed.exec(canaries.names[1], ["cat", "/var/lib/mas/ledger.jsonl"])
    assert f'"action":"live","actor":"{failed["actor"]}"' in other
    assert not [
        entry
        for entry in map(json.loads, other.splitlines())
        if entry.get("action") == "live" and entry["to"].startswith(version)
    ]
