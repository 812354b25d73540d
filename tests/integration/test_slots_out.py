"""A stranger waits for the port of the live slot, while HAProxy reads its files or an administrator stops the slot."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from fleet import Fleet
from picky import build

from .test_proxy_files import is_back, strangers
from .test_true_deploy import greedy, on, slot

pytestmark = pytest.mark.containers

VERSION = "1.0.0"
#: Seconds after the command: while the process before answers, while the new one reads its files, and after that.
DELAYS = (0.02, 0.2, 0.4, 0.6, 0.9)
#: HAProxy reads for some tenths of a second after it has read the files about the slots, so that all delays hit something.
SLOW = """
defaults
    mode http
backend slow
    acl listed path -f /etc/haproxy/slow.lst
    http-request deny if listed
"""
ASK = "for i in $(seq 200); do curl -s -m 2 http://127.0.0.1/version; echo; done"
SERVICE = "/etc/systemd/system/haproxy.service.d/mas-ops.conf"


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def one(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    run = f"slots-out-{request.param}-{os.getpid()}"
    try:
        fleet = Fleet.up(run, 1, suite=request.param)
        fleet.provision().check()
        build(fleet, VERSION)
        fleet.deploy(VERSION).check()
        on(
            fleet,
            f"seq 10000000 10400000 > /etc/haproxy/slow.lst; printf '{SLOW}' > /etc/haproxy/conf.d/90-slow.cfg",
        )
        on(fleet, "systemctl restart haproxy")
        is_back(fleet, VERSION)
        yield fleet
    finally:
        Fleet.remove(run)


def meanwhile(fleet: Fleet, change: str, delay: float, command: str) -> None:
    """Run a command this many seconds after the restart of HAProxy was requested."""
    # systemd counts starts, and these are more in 10 s than anybody means.
    on(
        fleet,
        f"systemctl reset-failed haproxy; systemctl {change} haproxy & sleep {delay}; {command}; wait $!",
    )


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("change", ["restart", "reload"])
def test_a_process_that_ends_while_the_proxy_starts(one: Fleet, change: str, delay: float) -> None:
    """The new process of HAProxy has read that the slot is in, and the order is for the one before."""
    name, port = slot(one)
    unit = f"agents-api@{name}"
    process = on(one, f"systemctl show -P MainPID {unit}").strip()
    with greedy(one, port):
        time.sleep(0.5)
        meanwhile(one, change, delay, f"kill -9 {process}")
        time.sleep(0.3)
        assert "mallory" in on(one, f"curl -s http://127.0.0.1:{port}/")
        assert strangers(one) == 0
    # The other way round: it comes in while HAProxy reads that it is out.
    on(one, f"systemctl stop {unit}; systemctl reset-failed {unit} 2>/dev/null; true")
    meanwhile(one, change, delay, f"systemctl start {unit}")
    is_back(one, VERSION)


def test_a_stop_leaves_a_stranger_nothing(one: Fleet) -> None:
    name, port = slot(one)
    unit = f"agents-api@{name}"
    for _ in range(3):
        with greedy(one, port):
            stop = f"sleep 0.5; systemctl stop {unit}; wait; cat /tmp/said"
            said = on(one, f"({ASK}) > /tmp/said & {stop}")
            assert "mallory" in on(one, f"curl -s http://127.0.0.1:{port}/")
        assert f'"{VERSION}"' in said
        assert said.count("mallory") == 0
        on(one, f"systemctl start {unit}")
        is_back(one, VERSION)


def test_a_stop_soon_after_the_start(one: Fleet) -> None:
    """The unit that lets its slot in still looks whether it is in. It must not take the stop for a mistake."""
    name, _ = slot(one)
    unit = f"agents-api@{name}"
    on(one, f"systemctl restart {unit}")
    is_back(one, VERSION)
    on(one, f"systemctl stop {unit}; systemctl reload haproxy")
    state = on(one, f"cat /etc/haproxy/conf.d/10-agents-{name}-state.cfg")
    assert state.rstrip().endswith("disabled")
    on(one, f"systemctl start {unit}")
    is_back(one, VERSION)


@pytest.mark.parametrize(
    "damage", ["rm /etc/haproxy/mas/keep_out.py", "echo rubbish > /etc/haproxy/mas/keep_out.py"]
)
def test_the_proxy_starts_whatever_becomes_of_the_program(one: Fleet, damage: str) -> None:
    on(one, f"{damage}; systemctl restart haproxy && systemctl reload haproxy && systemctl is-active haproxy")
    is_back(one, VERSION)
    one.provision().check()
    assert "ExecReload" in on(one, f"cat {SERVICE}")
    assert "def keep_out" in on(one, "cat /etc/haproxy/mas/keep_out.py")
    assert on(one, "stat -c '%U %a' /etc/haproxy/mas /etc/haproxy/mas/keep_out.py").split("\n")[:2] == [
        "root 755",
        "root 644",
    ]


def test_a_reload_takes_no_longer_than_the_new_process_needs(one: Fleet) -> None:
    begin = time.monotonic()
    on(one, "systemctl reload haproxy && systemctl restart haproxy && systemctl reload haproxy")
    assert time.monotonic() - begin < 10
    assert "no new process" not in on(one, "journalctl -u haproxy -o cat --no-pager")
