"""Several copies of one process, and processes that run on some hosts only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet import Done, Fleet

from .conftest import make_fleet

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    yield from make_fleet("copies", 2, "mixed", warmup=0)


@pytest.fixture(scope="module")
def apart() -> Iterator[Fleet]:
    yield from make_fleet("apart", 2, "mixed", warmup=0)


def with_copies(api: int, worker: int, command: str = "") -> Callable[[Path], None]:
    def change(source: Path) -> None:
        description = yaml.safe_load((source / "mas.yml").read_text())
        description["processes"]["api"]["instances"] = api
        description["processes"]["worker"]["instances"] = worker
        if command:
            description["processes"]["worker"]["command"] = command
        (source / "mas.yml").write_text(yaml.safe_dump(description))

    return change


def units(fleet: Fleet, host: str, state: str = "active") -> set[str]:
    """The services of processes in a state."""
    listed = [
        "systemctl",
        "list-units",
        "--plain",
        "--no-legend",
        "--all",
        f"--state={state}",
        "agents-*.service",
    ]
    return {line.split()[0] for line in fleet.bed.exec(host, listed).splitlines() if "@" in line}


def files(fleet: Fleet, host: str, folder: str = "") -> set[str]:
    script = f"ls /etc/systemd/system/{folder} | grep '^agents-.*@' || true"
    return set(fleet.bed.exec(host, ["sh", "-c", script]).split())


def info(fleet: Fleet, host: str) -> dict[str, Any]:
    output = fleet.ansible("mas.ops.release_info", "-a", "application=agents").check().output
    found = {
        name: json.loads(text)
        for name, text in re.findall(r"^(\S+) \| SUCCESS => (\{.*?^\})", output, re.MULTILINE | re.DOTALL)
    }
    return found[host]  # type: ignore[no-any-return]


def live(fleet: Fleet, host: str) -> tuple[str, dict[str, dict[str, int]]]:
    """The live slot, and how many copies of its processes run."""
    found = info(fleet, host)
    return found["slot"], found["slots"][found["slot"]]["processes"]


def runs(fleet: Fleet, host: str, **wanted: int) -> str:
    slot, processes = live(fleet, host)
    assert processes == {name: {"instances": count, "running": count} for name, count in wanted.items()}
    names = {
        f"agents-{name}{f'.{number}' if number > 1 else ''}@{slot}.service"
        for name, count in wanted.items()
        for number in range(1, count + 1)
    }
    assert {unit for unit in units(fleet, host) if f"@{slot}" in unit} == names
    assert names <= files(fleet, host, "multi-user.target.wants"), "they would not run after a boot"
    return slot


def test_copies_follow_the_release(fleet: Fleet) -> None:
    fleet.build("1.0.0", change=with_copies(2, 3))
    fleet.build("1.1.0", "1.2.0", like="1.0.0", change=with_copies(1, 1))
    fleet.deploy("1.0.0").check()
    for host in fleet.names:
        slot = runs(fleet, host, api=2, worker=3)
        script = f"tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID agents-worker.3@{slot})/environ"
        assert "MAS_INSTANCE=3" in fleet.bed.exec(host, ["sh", "-c", script])
    with fleet.load() as load:
        fleet.deploy("1.1.0").check()
        fleet.deploy("1.2.0").check()
    assert load.result.failed == 0, load.result
    for host in fleet.names:
        runs(fleet, host, api=1, worker=1)
        for folder in ("", "multi-user.target.wants"):
            assert not [name for name in files(fleet, host, folder) if "." in name.partition("@")[0]]
    fleet.rollback("1.0.0").check()
    for host in fleet.names:
        runs(fleet, host, api=2, worker=3)


def test_a_copy_that_is_killed_costs_no_request(fleet: Fleet) -> None:
    with fleet.load() as load:
        for host in fleet.names:
            slot, _ = live(fleet, host)
            for copy in ("api", "api.2"):
                fleet.bed.exec(host, ["systemctl", "kill", "--signal=KILL", f"agents-{copy}@{slot}.service"])
    assert load.result.failed <= 2 * len(fleet.names), "only what the killed processes worked on"


def test_a_copy_that_does_not_stay_up_is_named(fleet: Fleet) -> None:
    broken = "sh -c 'test $MAS_INSTANCE = 2 && exit 3; exec python3 -m agents.worker'"
    fleet.build("1.3.0", like="1.0.0", change=with_copies(2, 2, broken))
    # Looked at within the switch, whose failure each host keeps, and not at the confirmation.
    done = fleet.deploy("1.3.0", deploy_confirm_timeout=0)
    assert done.status != 0
    assert re.search(r"agents-worker\.2@(blue|green)\.service", done.output)
    for host in fleet.names:
        runs(fleet, host, api=2, worker=3)
        entries = map(json.loads, fleet.bed.exec(host, ["cat", "/var/lib/mas/ledger.jsonl"]).splitlines())
        causes = [entry.get("error", "") for entry in entries if entry.get("action") == "failed"]
        assert any("agents-worker.2@" in cause for cause in causes), causes


def test_processes_follow_the_groups(fleet: Fleet) -> None:
    first, second = fleet.names
    wanted = {"worker": {"hosts": "pool", "instances": 2}}
    play(fleet, first, "deploy", wanted, deploy_version="1.1.0").check()
    runs(fleet, first, api=1, worker=2)
    runs(fleet, second, api=1)
    play(fleet, second, "restart", wanted).check()
    runs(fleet, first, api=1)
    runs(fleet, second, api=1, worker=2)
    play(fleet, second, "rollback", wanted, rollback_version="1.0.0").check()
    runs(fleet, first, api=2)
    runs(fleet, second, api=2, worker=2)


@pytest.mark.parametrize(
    "wanted, says",
    [
        ({"worker": {"hosts": "poll"}}, "no group poll, did you mean pool?"),
        ({"worker": {"hosts": []}}, "must be the name of a group"),
        ({"wroker": {"instances": 2}}, "did you mean worker?"),
        ({"worker": {"hosts": "others"}}, "no host would run worker"),
        ({"worker": {"instances": 65}}, "from 0 to 64"),
    ],
)
def test_what_cannot_be_is_refused_first(fleet: Fleet, wanted: dict[str, Any], says: str) -> None:
    before = [info(fleet, host)["releases"] for host in fleet.names]
    done = play(fleet, fleet.names[0], "deploy", wanted, deploy_version="1.2.0")
    assert done.status != 0
    assert says in re.sub(r"\s+", " ", done.output), done.output
    assert [info(fleet, host)["releases"] for host in fleet.names] == before


def test_a_host_without_a_web_process(apart: Fleet) -> None:
    """It gets no requests and no health check, in a deploy, a restart and a rollback alike."""
    web, worker = apart.names
    wanted = {"api": {"hosts": "others"}, "worker": {"hosts": "pool", "instances": 2}}
    apart.build("2.0.0", "2.1.0", like="1.0.0")
    for version in ("2.0.0", "2.1.0"):
        play(apart, worker, "deploy", wanted, others=[web], deploy_version=version).check()
    runs(apart, web, api=1)
    runs(apart, worker, worker=2)
    assert apart.live()[web] == "2.1.0"
    assert apart.live()[worker].startswith("no answer")
    play(apart, worker, "restart", wanted, others=[web]).check()
    play(apart, worker, "rollback", wanted, others=[web]).check()
    assert apart.live()[web] == "2.0.0"
    runs(apart, worker, worker=2)
    # Users of a host are not taken away from it by a line of the inventory.
    moved = {"api": {"hosts": "pool"}}
    done = play(apart, worker, "deploy", moved, others=[web], deploy_version="2.1.0")
    assert done.status != 0
    assert apart.live()[web] == "2.0.0"


def play(fleet: Fleet, pool: str, playbook: str, wanted: Any, others: Any = (), **extra: Any) -> Done:
    """With one host in the group ``pool``, as a second inventory says."""
    path = fleet.bed.state / "second/groups.yml"
    path.parent.mkdir(exist_ok=True)
    hosts = {"pool": {"hosts": {pool: None}}, "others": {"hosts": dict.fromkeys(others)}}
    path.write_text(yaml.safe_dump(hosts))
    return fleet.play(playbook, "-i", str(path), application_processes=wanted, **extra)
