"""Who listens on a port: only the unit's own processes may."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import listeners
from ansible_collections.mas.ops.plugins.module_utils._releases.sockets import (
    Ownership,
    inode,
    listening,
    listening_to_all,
    slice_of,
    unit_of,
)

_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def line(address: str, state: str, number: int) -> str:
    return (
        f"   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 {number} "
        "1 0000000000000000 100 0 0 10 0\n"
    )


@pytest.mark.skipif(sys.byteorder != "little", reason="recorded on a little-endian machine")
def test_sockets_that_the_proxy_would_meet() -> None:
    four = _HEAD + "".join(
        [
            line("0100007F:1FA5", "0A", 1),  # 127.0.0.1
            line("00000000:1FA5", "0A", 2),  # every address
            line("0200007F:1FA5", "0A", 3),  # 127.0.0.2
            line("0100007F:1FA6", "0A", 4),  # another port
            line("0100007F:1FA5", "01", 5),  # a connection
        ]
    )
    six = _HEAD + "".join(
        [
            line("00000000000000000000000000000000:1FA5", "0A", 6),  # every address
            line("0000000000000000FFFF00000100007F:1FA5", "0A", 7),  # 127.0.0.1
            line("00000000000000000000000001000000:1FA5", "0A", 8),  # ::1
        ]
    )
    assert listening(four, 8101) == {1, 2}
    assert listening(six, 8101) == {7}
    assert listening_to_all(six, 8101) == {6}
    assert listening(_HEAD, 8101) == frozenset()


@pytest.mark.parametrize(
    "link, number", [("socket:[42]", 42), ("pipe:[42]", None), ("/dev/null", None), ("socket:[]", None)]
)
def test_links(link: str, number: int | None) -> None:
    assert inode(link) == number


@pytest.mark.parametrize(
    "text, unit",
    [
        ("0::/system.slice/system-agents\\x2dapi.slice/agents-api@blue.service\n", "agents-api@blue.service"),
        ("0::/system.slice/ssh.service/sub\n", "ssh.service"),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"),
        ("12:pids:/x.service\n1:name=systemd:/system.slice/cron.service\n0::/\n", "cron.service"),
        ("0::/init.scope\n", "init.scope"),
        ("0::/\n", ""),
        ("odd", ""),
    ],
)
def test_the_unit_of_a_process(text: str, unit: str) -> None:
    assert unit_of(text) == unit


def test_where_the_processes_of_a_unit_are() -> None:
    """As systemd names it: systemctl show -p ControlGroup agents-api@blue.service."""
    assert slice_of("agents-api@blue.service") == "system.slice/system-agents\\x2dapi.slice"
    assert slice_of("cron.service") == "system.slice"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert listeners.ownership(port, "agents-api@blue.service") == Ownership(False)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_stranger_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, 0), family=family, dualstack_ipv6=":" in address)
    except OSError:
        pytest.skip("no IPv6 here")
    with listener:
        port = listener.getsockname()[1]
        found = listeners.ownership(port, "agents-api@blue.service")
        assert not found.own
        assert f"(pid {os.getpid()}, user " in found.stranger
        monkeypatch.setattr(listeners, "members", lambda _unit: [os.getpid()])
        assert listeners.ownership(port, "agents-api@blue.service") == Ownership(True)


def test_one_listener_of_two_is_a_stranger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SO_REUSEPORT lets a second program of the same user take a part of the connections."""
    script = (
        "import socket, sys, time\n"
        "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
        "s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(); print('up', flush=True); time.sleep(60)\n"
    )
    (tmp_path / "second.py").write_text(script)
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        own.bind(("127.0.0.1", 0))
        own.listen()
        port = own.getsockname()[1]
        monkeypatch.setattr(listeners, "members", lambda _unit: [os.getpid()])
        assert listeners.ownership(port, "x.service").good
        with subprocess.Popen(
            [sys.executable, str(tmp_path / "second.py"), str(port)], stdout=subprocess.PIPE
        ) as second:
            assert second.stdout
            second.stdout.readline()
            found = listeners.ownership(port, "x.service")
            second.kill()
        assert found.own
        assert not found.good
        assert f"(pid {second.pid}, " in found.stranger


def test_a_socket_that_systemd_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "_SYSTEMD", os.getpid())
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        assert listeners.ownership(port, "x.service", by_systemd=True) == Ownership(True)
        assert listeners.ownership(port, "x.service").stranger


@pytest.mark.parametrize("serves", [True, False])
def test_who_wants_ipv6_only_is_in_nobodys_way(serves: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any user of the host can bind [::] with IPV6_V6ONLY beside a socket of IPv4; no request comes there."""
    monkeypatch.setattr(listeners, "_SYSTEMD", os.getpid())
    with socket.create_server(("127.0.0.1", 0)) as own:
        port = own.getsockname()[1]
        if not serves:
            own.close()
        script = (
            "import socket, sys, time\n"
            "s = socket.socket(socket.AF_INET6); s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)\n"
            "s.bind(('::', int(sys.argv[1]))); s.listen(); print('up', flush=True); time.sleep(60)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script, str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as other:
            assert other.stdout
            if not other.stdout.readline():
                pytest.skip("no IPv6 here")
            found = listeners.ownership(port, "x.service", by_systemd=True)
            other.kill()
    assert found == Ownership(serves)
