"""Who listens on a port: only the unit's own processes may."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import listeners
from ansible_collections.mas.ops.plugins.module_utils._releases.sockets import (
    Listener,
    Ownership,
    from_answer,
    from_table,
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
            line("0000000000000000FFFF000000000000:1FA5", "0A", 9),  # every address of IPv4
        ]
    )
    assert listening(from_table(four), 8101) == {1, 2}
    assert listening(from_table(six), 8101) == {7, 9}
    assert listening_to_all(from_table(six), 8101) == {6}
    assert from_table(_HEAD + "odd 0A line\n") == []


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::", "::1"])
def test_the_kernel_and_its_tables_say_the_same(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        own = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip("no IPv6 here")

    def mine() -> list[Listener]:
        return [found for found in listeners.listeners() if found[1] == port]

    with own:
        port, number = own.getsockname()[1], os.fstat(own.fileno()).st_ino
        with socket.create_connection((address, port)):
            asked = mine()
            monkeypatch.setattr(listeners, "_asked", refuse)
            assert asked == mine() == [(socket.inet_pton(family, address), port, number)]


def refuse(_family: int) -> list[Listener]:
    raise OSError("a kernel without it")


def test_answers_of_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As recorded, with what cannot be recorded here."""
    one = struct.pack("=LHHLL", 88, 20, 2, 0, 0) + b"\x02\x0a\0\0" + b"\x1f\xa5\0\0" + b"\x7f\0\0\x01"
    one += bytes(12) + bytes(16) + bytes(12) + bytes(16) + struct.pack("=L", 42)
    end = struct.pack("=LHHLLL", 20, 3, 2, 0, 0, 0)
    found = (b"\x7f\0\0\x01", 8101, 42)
    assert from_answer(one + one, 2) == ([found, found], False)
    assert from_answer(one + end, 2) == ([found], True)
    assert from_answer(end, 2) == ([], True)
    for data, why in (
        (struct.pack("=LHHLLl", 36, 2, 0, 0, 0, -2) + bytes(16), "does not list its sockets"),
        (struct.pack("=LHHLL", 0, 20, 0, 0, 0) + bytes(72), "does not list its sockets"),
        (one[:-1], "is incomplete"),
        (one + end[:9], "is incomplete"),
    ):
        with pytest.raises(OSError, match=why):
            from_answer(data, 2)


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


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert listeners.ownership(port, "agents-api@blue.service") == Ownership(False)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::", "::ffff:0.0.0.0"])
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
