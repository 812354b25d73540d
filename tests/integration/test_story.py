"""What the collection promises, on three hosts under load. The tests build on one another, in order."""

from __future__ import annotations

import json
import os
import re
import signal
import time

import pytest
from fleet import Done, Fleet
from load import Load

pytestmark = pytest.mark.containers

ENOUGH = 5000
INFO = ("mas.ops.release_info", "-a", "application=agents")


def everywhere(fleet: Fleet, version: str) -> None:
    assert fleet.live() == dict.fromkeys(fleet.names, version)


def changed(output: str) -> int:
    """The sum of ``changed`` in the recap."""
    return sum(map(int, re.findall(r"changed=(\d+)", output)))


def settle(load: Load) -> None:
    """Stop the load and hold it to its promise."""
    result = load.stop()
    assert result.failed == 0, result


def test_first_deploy(fleet: Fleet) -> None:
    fleet.build("1.0.0", "2.0.0", "3.0.0-broken")
    fleet.deploy("1.0.0").check()
    everywhere(fleet, "1.0.0")


def test_provision_again_changes_nothing(fleet: Fleet) -> None:
    assert changed(fleet.provision().check().output) == 0
    everywhere(fleet, "1.0.0")


def test_deploy_again_changes_nothing(fleet: Fleet) -> None:
    assert changed(fleet.deploy("1.0.0").check().output) == 0


def test_check_mode_reports_and_changes_nothing(fleet: Fleet) -> None:
    before = fleet.ansible(*INFO).check().output
    output = fleet.deploy("2.0.0", "--check", "--diff").check().output
    after = fleet.ansible(*INFO).check().output
    assert sorted(after.splitlines()) == sorted(before.splitlines())
    assert '+  "live": "2.0.0-' in output
    assert changed(output) == 2 * len(fleet.names)
    everywhere(fleet, "1.0.0")


def test_deploys_and_rollbacks_lose_no_request(fleet: Fleet) -> None:
    with fleet.load(100) as load:
        begin = time.monotonic()
        fleet.deploy("2.0.0").check()
        everywhere(fleet, "2.0.0")
        fleet.rollback().check()
        everywhere(fleet, "1.0.0")
        fleet.deploy("2.0.0").check()
        broken = fleet.deploy("3.0.0-broken")
        assert broken.status != 0
        assert "did not become healthy within its start-up budget" in broken.output
        everywhere(fleet, "2.0.0")
        time.sleep(max(0.0, ENOUGH / 100 + 2 - (time.monotonic() - begin)))
    print(f"load: {load.result}")
    assert load.result.sent >= ENOUGH
    assert load.result.failed == 0, load.result


def test_rollback_twice_walks_back_twice(fleet: Fleet) -> None:
    fleet.build("2.1.0", like="2.0.0")
    fleet.deploy("2.1.0").check()
    fleet.rollback().check()
    everywhere(fleet, "2.0.0")
    fleet.rollback().check()
    everywhere(fleet, "1.0.0")
    nothing = fleet.rollback()
    assert nothing.status != 0
    assert "nothing was live before 1.0.0" in nothing.output
    never = fleet.rollback("3.0.0-broken")
    assert never.status != 0
    assert "3.0.0-broken was never live and healthy on this host" in never.output
    everywhere(fleet, "1.0.0")


def test_check_mode_of_a_rollback_reports_and_changes_nothing(fleet: Fleet) -> None:
    fleet.deploy("2.0.0").check()
    output = fleet.rollback("", "--check", "--diff").check().output
    assert '+  "live": "1.0.0-' in output
    assert changed(output) == len(fleet.names)
    everywhere(fleet, "2.0.0")


def test_traffic_can_be_split_and_a_reload_keeps_the_split(fleet: Fleet) -> None:
    """Blue and green hold 1.0.0 and 2.0.0, both warm."""
    split(fleet, blue=50, green=50).check()
    for name in fleet.names:
        fleet.bed.exec(name, ["systemctl", "reload", "haproxy"])
    time.sleep(1.5)
    seen = {(name, version) for _ in range(8) for name, version in fleet.live().items()}
    assert seen == {(name, version) for name in fleet.names for version in ("1.0.0", "2.0.0")}
    assert "SUCCESS" in split(fleet, blue=50, green=50).check().output
    assert "CHANGED" not in split(fleet, blue=50, green=50).check().output
    wrong = split(fleet, blue=50, green=60)
    assert wrong.status != 0
    assert "add up to 100" in wrong.output
    # A deploy of what is live puts the traffic where it belongs.
    fleet.deploy("2.0.0").check()
    everywhere(fleet, "2.0.0")


def split(fleet: Fleet, **percent: int) -> Done:
    return fleet.ansible("mas.ops.traffic", "-a", json.dumps({"application": "agents", "split": percent}))


@pytest.mark.parametrize("seconds", [1.5, 3.0, 5.0, 8.0])
def test_a_killed_deploy_is_continued_by_the_same_command(fleet: Fleet, seconds: float) -> None:
    fleet.deploy("1.0.0").check()
    with fleet.load(100) as load:
        process = fleet.start("deploy", deploy_version="2.0.0")
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        time.sleep(1)
        fleet.deploy("2.0.0").check()
    everywhere(fleet, "2.0.0")
    assert load.result.failed == 0, load.result


@pytest.mark.parametrize("service", ["reload", "restart"])
def test_the_split_survives_the_proxy(fleet: Fleet, service: str) -> None:
    everywhere(fleet, "2.0.0")
    for name in fleet.names:
        fleet.bed.exec(name, ["systemctl", service, "haproxy"])
    time.sleep(1.5)
    everywhere(fleet, "2.0.0")


def test_the_split_survives_a_reboot(fleet: Fleet) -> None:
    name = fleet.names[0]
    fleet.bed.kill(name)
    fleet.bed.start(name)
    # Its socket is there before it is warm, and the proxy takes every slot for well until its first check: the host
    # serves again once it answers for longer than that takes.
    deadline, served = time.monotonic() + 40, time.monotonic()
    while time.monotonic() - served < 3 and time.monotonic() < deadline:
        time.sleep(0.5)
        if fleet.live()[name] != "2.0.0":
            served = time.monotonic()
    everywhere(fleet, "2.0.0")
    fleet.rollback().check()
    everywhere(fleet, "1.0.0")


def test_one_host_that_cannot_follow_takes_the_fleet_back(fleet: Fleet) -> None:
    taken = fleet.names[-1]
    fleet.deploy("1.0.0").check()
    port = {"blue": 8101, "green": 8102}[idle_slot(fleet, taken)]
    fleet.bed.exec(
        taken,
        [
            "sh",
            "-c",
            f"systemctl stop 'agents-*' --all; systemd-run --unit=squatter python3 -m http.server {port}",
        ],
    )
    stopped = fleet.deploy("2.1.0")
    fleet.bed.exec(taken, ["systemctl", "stop", "squatter"])
    assert stopped.status != 0
    assert f"it failed on {taken}" in stopped.output
    others = {name: version for name, version in fleet.live().items() if name != taken}
    assert set(others.values()) == {"1.0.0"}
    fleet.deploy("2.1.0").check()
    everywhere(fleet, "2.1.0")


def test_a_host_that_fails_alone_takes_no_other_host_back_that_had_the_version_before(fleet: Fleet) -> None:
    """Deploying the live version again, with a host that is not ready for it."""
    lost = fleet.names[-1]
    fleet.bed.exec(lost, ["mv", "/etc/mas/agents/application.json", "/root/"])
    stopped = fleet.deploy("2.1.0")
    fleet.bed.exec(lost, ["mv", "/root/application.json", "/etc/mas/agents/"])
    assert stopped.status != 0
    assert "this host knows no application 'agents'" in stopped.output
    everywhere(fleet, "2.1.0")


def idle_slot(fleet: Fleet, name: str) -> str:
    state = fleet.bed.exec(name, ["cat", "/var/lib/mas/agents/state.json"])
    return "green" if '"live": "blue"' in state else "blue"
