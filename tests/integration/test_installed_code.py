"""Damage to the code that stays on a host costs that host the short way once, and never a deploy, a rollback or a question."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fleet import Fleet

pytestmark = pytest.mark.containers

CODE = "/var/lib/mas/agents/code"
#: Some kinds of it; tests/unit/releases/test_installed_code.py has them all.
DAMAGE = {
    "truncated": f"truncate -s -1 {CODE}/modules",
    "a file where the folder should be": f"rm -rf {CODE}; echo x > {CODE}",
    "another launcher": f"echo 'raise SystemExit(0)' > {CODE}/launch.py",
}


@pytest.fixture(scope="module")
def versions(pair: Fleet) -> Iterator[Fleet]:
    pair.build("1.0.0")
    pair.build("1.5.0", "1.6.0", like="1.0.0")
    for version in ("1.0.0", "1.5.0"):
        pair.deploy(version).check()
    yield pair
    pair.deploy("1.0.0").check()


@pytest.mark.parametrize("damage", DAMAGE)
def test_deploy_rollback_and_info_work_and_repair_it(versions: Fleet, damage: str) -> None:
    fleet = versions

    def spoil() -> None:
        for name in fleet.names:
            fleet.bed.exec(name, ["sh", "-c", DAMAGE[damage]])

    def sound() -> bool:
        call = f"echo '{{}}' | python3 -I -S {CODE}/launch.py auto-rollback {CODE} any none 2>&1 || true"
        outputs = [fleet.bed.exec(name, ["sh", "-c", call]) for name in fleet.names]
        return all("knows no application" in text for text in outputs)

    spoil()
    fleet.ansible("mas.ops.release_info", "-a", "application=agents").check()
    fleet.deploy("1.6.0").check()
    assert set(fleet.live().values()) == {"1.6.0"}
    assert sound()
    spoil()
    fleet.rollback("1.5.0").check()
    assert set(fleet.live().values()) == {"1.5.0"}
    assert sound()
