"""A way back ends any other run, and the fleet is on one version afterwards. The tests build on one another, in order."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet

from .conftest import make_fleet

pytestmark = pytest.mark.containers

CANARY = {
    "deploy_strategy": "canary", "deploy_batch_size": "100%", "deploy_canaries": 0,
    "deploy_steps": [10, 50], "deploy_bake": 120,
}  # fmt: skip
STATE = "/var/lib/mas/agents"
#: Seconds from the command to the fleet at rest: what the playbook itself takes, and 10 for the hosts.
BACK = 25.0
#: Seconds for a module to see that its controller is gone, and a machine that others use.
SEES = 6.0


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Two hosts of an application that is up at once."""
    yield from make_fleet("back", 2, "mixed", warmup=0)


def slow_migration(source: Path) -> None:
    """It takes a minute."""
    migrate = source / "agents/migrate.py"
    migrate.write_text(migrate.read_text().replace("def main(", "time.sleep(60)\n\n\ndef main(", 1))


def everywhere(fleet: Fleet, version: str) -> None:
    assert fleet.live() == dict.fromkeys(fleet.names, version)


def read(fleet: Fleet, host: str, name: str) -> dict[str, Any]:
    found = fleet.bed.exec(host, ["sh", "-c", f"cat {STATE}/{name} 2>/dev/null || echo '{{}}'"])
    return dict(json.loads(found or "{}"))


def step(fleet: Fleet, host: str) -> str:
    return str((read(fleet, host, "state.json").get("operation") or {}).get("step"))


def wait_for(what: Callable[[], bool], seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds
        time.sleep(0.1)
    return time.monotonic() - began


def at_work(fleet: Fleet) -> bool:
    """Whether a module holds the lock of a host."""
    held = "grep -q FLOCK.*:$(stat -c %i /var/lib/mas/agents/lock) /proc/locks && echo held || true"
    return any("held" in fleet.bed.exec(name, ["sh", "-c", held]) for name in fleet.names)


def begin(fleet: Fleet, version: str, until: str, **extra: Any) -> subprocess.Popen[str]:
    """A deploy that has come to a step on every host."""
    process = fleet.start("deploy", deploy_version=version, **extra)
    wait_for(lambda: all(step(fleet, name) == until for name in fleet.names), 60)
    return process


def rested(fleet: Fleet) -> None:
    for name in fleet.names:
        assert read(fleet, name, "state.json")["operation"] is None
        assert read(fleet, name, "auto-rollback.json") == {}


def test_the_fleet_serves_its_second_version(fleet: Fleet) -> None:
    fleet.build("1.0.0", "2.0.0")
    fleet.deploy("1.0.0").check()
    fleet.deploy("2.0.0").check()
    everywhere(fleet, "2.0.0")


def test_there_are_later_versions_of_which_one_migrates_for_a_minute(fleet: Fleet) -> None:
    fleet.build("2.1.0", "2.2.0", "2.3.0", like="2.0.0")
    fleet.build("2.4.0", like="2.0.0", change=slow_migration)


def test_a_rollback_by_another_person_ends_a_canary(fleet: Fleet) -> None:
    with fleet.load(60) as load:
        deploy = begin(fleet, "2.1.0", "bake", **CANARY)
        time.sleep(1)
        back = fleet.by("bob").rollback().check()
        output, _ = deploy.communicate(timeout=30)
    assert load.result.failed == 0, load.result
    assert back.seconds < BACK
    assert re.search(r"a deploy of 2\.1\.0-\w+ was under way or not confirmed\. It was aborted", back.output)
    everywhere(fleet, "2.0.0")
    rested(fleet)
    assert deploy.returncode == 2
    assert "this run was ended by the way back from the deploy of 2.1.0 of bob@" in output
    assert "Another run has changed the fleet since this one began" in output
    assert "deploy_abort=true" not in output


def test_after_it_the_fleet_is_back_already_and_a_name_goes_further(fleet: Fleet) -> None:
    again = fleet.rollback().check()
    assert re.search(
        r"All hosts are back on 2\.0\.0-\w+ already: 2\.1\.0-\w+ failed or was aborted", again.output
    )
    assert set(re.findall(r"changed=(\d+)", again.output)) == {"0"}
    everywhere(fleet, "2.0.0")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_without_a_controller_hosts_stop_and_the_same_command_goes_on_at_once(
    fleet: Fleet, number: signal.Signals
) -> None:
    """Its workers have sessions of their own, and are not hit by either."""
    version = {signal.SIGINT: "2.1.0", signal.SIGKILL: "2.2.0"}[number]
    deploy = begin(fleet, version, "bake", **CANARY)
    deploy.send_signal(number)
    assert wait_for(lambda: not at_work(fleet), SEES) < SEES
    assert [step(fleet, name) for name in fleet.names] == ["bake"] * 2
    deploy.communicate(timeout=30)
    fleet.deploy(version).check()
    everywhere(fleet, version)
    rested(fleet)
    fleet.rollback("2.0.0").check()


def test_without_a_controller_hosts_go_back_at_the_limit_and_not_at_the_end_of_the_bake(fleet: Fleet) -> None:
    deploy = begin(fleet, "2.3.0", "bake", **CANARY, deploy_confirm_timeout=8)
    deploy.kill()
    wait_for(lambda: not any(read(fleet, name, "auto-rollback.json") for name in fleet.names), 8 + 2 + SEES)
    deploy.communicate(timeout=30)
    wait_for(lambda: not at_work(fleet), 20)
    everywhere(fleet, "2.0.0")


def test_an_undo_ends_a_migration_and_what_it_runs_in(fleet: Fleet) -> None:
    deploy = begin(fleet, "2.4.0", "migrate")
    time.sleep(1)
    undo = fleet.deploy("2.4.0", deploy_abort=True).check()
    assert undo.seconds < BACK
    output, _ = deploy.communicate(timeout=30)
    assert deploy.returncode == 2, output
    for name in fleet.names:
        units = fleet.bed.exec(
            name, ["systemctl", "list-units", "--no-legend", "agents-migration@*", "--state=activating"]
        )
        assert units.strip() == ""
    everywhere(fleet, "2.0.0")
    rested(fleet)


def test_a_module_that_hangs_is_killed(fleet: Fleet) -> None:
    deploy = begin(fleet, "2.4.0", "migrate")
    for name in fleet.names:
        holder = read(fleet, name, "lock")["pid"]
        fleet.bed.exec(name, ["kill", "-STOP", str(holder)])
    back = fleet.by("bob").rollback().check()
    assert back.seconds < BACK
    deploy.communicate(timeout=30)
    assert deploy.returncode == 2
    everywhere(fleet, "2.0.0")
    rested(fleet)
    assert not at_work(fleet)


def test_rollbacks_that_begin_together_are_one(fleet: Fleet) -> None:
    fleet.deploy("2.1.0").check()
    fleet.deploy("2.2.0").check()
    together = [fleet.start("rollback") for _ in range(4)]
    outputs = [process.communicate(timeout=120)[0] for process in together]
    assert [process.returncode for process in together] == [0] * 4, outputs
    everywhere(fleet, "2.1.0")
    fleet.rollback().check()
    everywhere(fleet, "2.0.0")


def test_a_host_that_lacks_the_release_gets_it(fleet: Fleet) -> None:
    """The second host missed the deploy of 2.1.0."""
    fleet.play("deploy", "--limit", fleet.names[0], deploy_version="2.1.0", deploy_partial=True).check()
    for target in ("", "2.1.0"):
        fleet.deploy("2.2.0").check()
        fleet.rollback(target).check()
        everywhere(fleet, "2.1.0")


def test_what_cannot_be_had_leaves_the_fleet_on_one_version(fleet: Fleet, tmp_path: Path) -> None:
    fleet.play("deploy", "--limit", fleet.names[0], deploy_version="2.3.0", deploy_partial=True).check()
    fleet.deploy("2.2.0").check()
    archive = fleet.store / "agents-2.3.0.tar.gz"
    shutil.move(archive, tmp_path)
    for target in ("", "2.3.0"):
        refused = fleet.rollback(target)
        assert refused.status == 2
        assert "agents 2.3.0 is not in" in refused.output
        everywhere(fleet, "2.2.0")
    shutil.move(tmp_path / archive.name, archive)


def test_the_command_in_the_ledger_works_as_it_stands(fleet: Fleet) -> None:
    # What every host has: the store is a variable of these tests and not of the inventory that the command names.
    fleet.deploy("2.1.0").check()
    last = json.loads(fleet.bed.exec(fleet.names[0], ["tail", "-n", "1", "/var/lib/mas/ledger.jsonl"]))
    assert last["action"] in ("confirmed", "rolled_back")
    info = fleet.ansible("mas.ops.release_info", "-a", "application=agents").check().output
    command = re.findall(r'"rollback_command": "(.*)"', info)[0]
    assert re.fullmatch(
        r"ansible-playbook mas\.ops\.rollback -i /\S+ -e application_name=agents -e rollback_version=\S+-[0-9a-f]{12}",
        command,
    )
    shell = fleet.command("/bin/bash", "-c", command)
    output, _ = shell.communicate(timeout=60)
    assert shell.returncode == 0, output
    everywhere(fleet, command.rpartition("version=")[2].rpartition("-")[0])
