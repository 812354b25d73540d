"""A file approves or denies a deploy that is staged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fleet import APPLICATION, ENVIRONMENT, Fleet

pytestmark = pytest.mark.containers


def decide(fleet: Fleet, place: Path, version: str, decision: str) -> dict[str, Any]:
    """The decision of another person about what is in the store; the variable that lets a deploy wait for it."""
    digest = (fleet.store / f"{APPLICATION}-{version}.tar.gz.sha256").read_text().split()[0]
    facts = {"application": APPLICATION, "environment": ENVIRONMENT, "sha256": digest}
    place.write_text(json.dumps({**facts, "decision": decision, "by": "grace", "reason": "seen in staging"}))
    place.chmod(0o600)
    return {"source": str(place), "timeout": 5}


def entries(fleet: Fleet, name: str, version: str) -> list[dict[str, Any]]:
    lines = fleet.bed.exec(name, ["cat", "/var/lib/mas/ledger.jsonl"]).splitlines()
    return [entry for entry in map(json.loads, lines) if str(entry.get("to") or "").startswith(f"{version}-")]


def test_what_is_approved_goes_live_and_the_ledger_says_by_whom(pair: Fleet, tmp_path: Path) -> None:
    pair.build("61.0.0", like="1.0.0")
    approval = decide(pair, tmp_path / "decision.yml", "61.0.0", "approved")
    pair.deploy("61.0.0", deploy_approval=approval).check()
    assert set(pair.live().values()) == {"61.0.0"}
    for name in pair.names:
        (live,) = [entry for entry in entries(pair, name, "61.0.0") if entry["action"] == "live"]
        assert live["gate"]["approval"]["by"] == "grace"


@pytest.mark.parametrize("decision", ["denied", "approved"])
def test_what_is_denied_or_approved_for_another_release_is_taken_back(
    pair: Fleet, tmp_path: Path, decision: str
) -> None:
    """The second one is approved for what was there before: a decision is bound to the bytes."""
    before = pair.live()
    version = f"62.{len(decision)}.0"
    pair.build(version, like="1.0.0")
    about = version if decision == "denied" else "61.0.0"
    approval = decide(pair, tmp_path / "decision.yml", about, decision)
    done = pair.deploy(version, deploy_approval=approval)
    assert done.status == 2
    assert ("was denied by grace" if decision == "denied" else "was not approved within") in done.output
    assert pair.live() == before
    for name in pair.names:
        assert "live" not in [entry["action"] for entry in entries(pair, name, version)]


def test_a_deploy_in_two_jobs_ends_the_first_one_staged(pair: Fleet, tmp_path: Path) -> None:
    """As with an approval node between two job templates; and a denied one ends at once."""
    before = pair.live()
    pair.build("63.0.0", "64.0.0", like="1.0.0")
    pair.deploy("63.0.0", deploy_until="staged").check()
    assert pair.live() == before
    approval = decide(pair, tmp_path / "decision.yml", "63.0.0", "denied")
    assert pair.deploy("63.0.0", deploy_approval=approval).status == 2
    # It was staged by another job and stays so, but the lock is free for something else.
    pair.deploy("64.0.0").check()
    assert set(pair.live().values()) == {"64.0.0"}
