"""What HAProxy reads at its next start: who is left out by then, and what is lost or damaged meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from fleet import Fleet
from picky import build

from .test_true_deploy import greedy, live, on, refused, slot

pytestmark = pytest.mark.containers

CHECK = "haproxy -c -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d"
DENY = ["http-request deny if { path /health }"]


@pytest.fixture(scope="module")
def one() -> Iterator[Fleet]:
    run = f"proxy-files-{os.getpid()}"
    try:
        fleet = Fleet.up(run, 1, suite="bookworm")
        fleet.provision().check()
        for version in ("1.0.0", "1.1.0"):
            build(fleet, version)
            fleet.deploy(version).check()
        yield fleet
    finally:
        Fleet.remove(run)


def strangers(fleet: Fleet) -> int:
    """How many of 100 requests a program gets that is not the application."""
    ask = "for i in $(seq 100); do curl -s -m 2 http://127.0.0.1/version; echo; done"
    return on(fleet, ask).count("mallory")


def is_back(fleet: Fleet, version: str) -> None:
    deadline = time.monotonic() + 40
    while live(fleet) != version and time.monotonic() < deadline:
        time.sleep(0.3)
    assert live(fleet) == version


@pytest.mark.parametrize("change", ["reload", "restart"])
def test_a_stranger_gets_nothing_after_the_proxy_started_again(one: Fleet, change: str) -> None:
    name, port = slot(one)
    on(one, f"systemctl stop agents-api@{name}")
    with greedy(one, port):
        time.sleep(1)
        assert "mallory" in on(one, f"curl -s http://127.0.0.1:{port}/")
        on(one, f"systemctl {change} haproxy; sleep 1.5")
        assert strangers(one) == 0
    on(one, f"systemctl start agents-api@{name}")
    is_back(one, "1.1.0")


def test_a_stranger_gets_nothing_after_a_boot(one: Fleet) -> None:
    """Nothing had the time to say that the slot is down, and its unit is not up again."""
    name, port = slot(one)
    on(one, f"systemctl disable agents-api@{name} && sync")
    one.bed.kill(one.names[0])
    one.bed.start(one.names[0])
    with greedy(one, port):
        time.sleep(2)
        assert strangers(one) == 0
    on(one, f"systemctl enable --now agents-api@{name}")
    is_back(one, "1.1.0")
    on(one, "sync")
    one.bed.kill(one.names[0])
    one.bed.start(one.names[0])
    is_back(one, "1.1.0")
    one.deploy("1.1.0").check()


def test_a_way_back_from_a_release_that_stays_down(one: Fleet) -> None:
    """Its slot is out of service, which bars no shift of the traffic to the other one."""
    on(one, f"systemctl stop agents-api@{slot(one)[0]}; systemctl reload haproxy; sleep 1.5")
    one.rollback().check()
    assert live(one) == "1.0.0"
    one.deploy("1.1.0").check()
    assert live(one) == "1.1.0"


@pytest.mark.parametrize(
    "lost",
    [
        "maps/agents-path.map",
        "maps/agents-host.map",
        "conf.d/10-agents-slots.cfg",
        "conf.d/10-agents-split.cfg",
    ],
)
@pytest.mark.parametrize("way", ["rm {}", "echo rubbish > {}"])
def test_a_file_that_releases_write_is_written_anew(one: Fleet, lost: str, way: str) -> None:
    on(one, way.format(f"/etc/haproxy/{lost}"))
    one.deploy("1.1.0").check()
    on(one, CHECK)
    assert live(one) == "1.1.0"


def test_a_damaged_file_of_the_role_is_reported_and_blocks_no_rollback(one: Fleet) -> None:
    on(one, "rm /etc/haproxy/conf.d/20-agents.cfg")
    refused(one.deploy("1.1.0"), "20-agents.cfg is missing", "ansible-playbook mas.ops.provision")
    output = one.rollback().check().output
    assert live(one) == "1.0.0"
    assert "20-agents.cfg is missing" in " ".join(output.split())
    one.provision().check()
    on(one, CHECK)
    one.deploy("1.1.0").check()


def test_what_brings_back_a_slot_that_was_taken_out_by_hand(one: Fleet) -> None:
    order = f"set server agents/{slot(one)[0]} state maint"
    code = (
        f"import socket; s = socket.socket(1); s.connect('/run/haproxy/admin.sock'); s.sendall(b'{order}\\n')"
    )
    on(one, f'python3 -c "{code}"')
    refused(one.deploy("1.1.0"), "taken out by hand", "ansible-playbook mas.ops.restart -i")
    one.play("restart").check()
    is_back(one, "1.1.0")
    one.deploy("1.1.0").check()


def test_a_rollback_warns_of_a_front_door_that_denies(one: Fleet) -> None:
    one.set(proxy_frontend_lines=DENY)
    one.provision().check()
    output = " ".join(one.rollback().check().output.split())
    assert "[WARNING]" in output
    assert "it answered 403" in output
    assert live(one) == "1.0.0"
    one.set(proxy_frontend_lines=[])
    one.provision().check()
    assert "[WARNING]" not in one.rollback("1.0.0").check().output


def test_what_is_not_served_any_more_leaves_nothing_behind() -> None:
    """An application of workers only, which was provisioned with the default first."""
    run = f"proxy-workers-{os.getpid()}"
    written = "ls /etc/haproxy/mas /etc/haproxy/conf.d /etc/haproxy/maps /etc/tmpfiles.d"
    try:
        fleet = Fleet.up(run, 1, suite="bookworm")
        fleet.provision().check()
        assert "agents.json" in on(fleet, written)
        assert "mas-agents.conf" in on(fleet, written)
        fleet.set(application_web=False)
        fleet.play("provision", "--check", "--diff").check()
        assert "agents.json" in on(fleet, written)
        fleet.provision().check()
        assert "agents" not in on(fleet, written)
        on(fleet, f"{CHECK} && systemctl is-active haproxy && ! ss -ltn | grep -q ':80 '")
        assert "changed=0" in fleet.provision().check().output
    finally:
        Fleet.remove(run)
