"""What stands in the way on a host: each problem says what to do, and all are found at once."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases import units
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import listeners
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import preflight as adapter
from ansible_collections.mas.ops.plugins.module_utils._releases.preflight import (
    Holder,
    HostFacts,
    System,
    Wanted,
    problems,
    socket_unit,
    system_of,
    systemd_version,
    warnings,
)

GOOD = HostFacts(
    "root",
    True,
    (3, 11),
    "/usr/bin/python3",
    "systemd",
    252,
    System("debian", "12", "Debian GNU/Linux 12 (bookworm)"),
)
SSHD = Holder(22, "sshd", 65, "root", "ssh.service")
PROXY = Wanted((80, 22), "HAProxy", programs=["haproxy"], fix="Stop it, or give HAProxy another port")


def said(facts: HostFacts, *ports: Wanted) -> list[str]:
    return list(map(str, problems(facts, ports)))


def test_a_good_host_has_none() -> None:
    holders = [Holder(80, "haproxy", 9, "haproxy", "haproxy.service")]
    assert said(replace(GOOD, holders=holders), PROXY) == []
    assert warnings(GOOD) == []


@pytest.mark.parametrize(
    "change, says, fix",
    [
        (
            {"root": False, "user": "ops"},
            "Tasks run as the user ops, and mas.ops needs root",
            "ansible_become: true",
        ),
        (
            {"python": (3, 8)},
            "Python 3.8 (/usr/bin/python3), and mas.ops needs 3.9",
            "ansible_python_interpreter",
        ),
        ({"systemd": 0, "init": "sleep"}, "The first process of the host is sleep", "Boot it with systemd"),
        ({"systemd": 245}, "systemd 245, and the units need 247 or newer (ProtectProc=)", "Use Debian 12"),
        (
            {"system": System("fedora", "42", "Fedora Linux 42")},
            "runs Fedora Linux 42, and mas.ops supports Debian 12, Debian 13, Ubuntu 22.04, Ubuntu 24.04.",
            "reinstall it",
        ),
        ({"unwritable": {"/srv": "/srv is on a read-only file system"}}, "/srv cannot be written to", "rw"),
        (
            {"holders": [SSHD]},
            "port 22, where HAProxy should: sshd (pid 65, user root, unit ssh.service).",
            "give HAProxy another port.",
        ),
        (
            {"holders": [Holder(80, "", 0, "", "")]},
            "HAProxy should: a program that the host does not show",
            "Stop it",
        ),
    ],
)
def test_each_problem_says_what_to_do(change: dict[str, Any], says: str, fix: str) -> None:
    (line,) = said(replace(GOOD, **change), PROXY)
    assert says in line
    assert fix in line


def test_all_at_once() -> None:
    bad = replace(
        GOOD,
        python=(3, 8),
        systemd=0,
        system=System("debian", "11", "Debian 11"),
        unwritable={"/etc": "x"},
        holders=[SSHD],
    )
    assert len(said(bad, PROXY)) == 5
    assert len(said(replace(bad, root=False), PROXY)) == 4, "no word about what only root can see"


@pytest.mark.parametrize("version, tested", [("22.04", False), ("24.04", False)])
def test_ubuntu_is_untested_and_goes_on(version: str, tested: bool) -> None:
    facts = replace(GOOD, system=System("ubuntu", version, f"Ubuntu {version} LTS"))
    assert facts.system.tested is tested
    assert said(facts) == []
    assert warnings(facts) == [
        f"Ubuntu {version} LTS is untested with mas.ops: it shares the code path of Debian 12, Debian 13"
    ]


@pytest.mark.parametrize("version", ["20.04", "25.10"])
def test_other_versions_are_refused(version: str) -> None:
    facts = replace(GOOD, system=System("ubuntu", version, f"Ubuntu {version}"))
    assert f"runs Ubuntu {version}, and" in said(facts)[0]
    assert warnings(facts) == []


def test_units_that_may_have_a_port() -> None:
    wanted = Wanted((8101,), "a slot of agents", units=["agents-*@blue.*"])
    for unit in ("agents-api@blue.service", "agents-api@blue.socket"):
        assert said(replace(GOOD, holders=[Holder(8101, "python3", 7, "agents", unit)]), wanted) == []
    assert (
        said(replace(GOOD, holders=[Holder(8101, "python3", 7, "agents", "squatter.service")]), wanted) != []
    )


def test_the_texts_of_a_host() -> None:
    text = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n# x\n'
    assert system_of(text) == System("debian", "13", "Debian GNU/Linux 13 (trixie)")
    assert system_of("") == System("unknown", "", "unknown")
    assert systemd_version("systemd 252 (252.39-1~deb12u2)\n+PAM\n") == 252
    assert systemd_version("") == systemd_version("bash: no systemctl") == 0
    lines = "127.0.0.1:8101 agents-api@blue.socket agents-api@blue.service\n[::]:81 a.socket a.service\n"
    assert socket_unit(lines, 8101) == "agents-api@blue.socket"
    assert socket_unit(lines, 101) == ""


def test_the_newest_directive_of_the_units() -> None:
    """Whoever adds one that systemd 247 does not know raises the version that is asked for."""
    known = {
        *(
            "User",
            "Group",
            "WorkingDirectory",
            "EnvironmentFile",
            "UnsetEnvironment",
            "SyslogIdentifier",
            "UMask",
        ),
        *(
            "AmbientCapabilities",
            "CapabilityBoundingSet",
            "LockPersonality",
            "NoNewPrivileges",
            "PrivateDevices",
        ),
        *(
            "PrivateTmp",
            "ProtectClock",
            "ProtectControlGroups",
            "ProtectHome",
            "ProtectHostname",
            "ProtectKernelLogs",
        ),
        *(
            "ProtectKernelModules",
            "ProtectKernelTunables",
            "ProtectProc",
            "ProtectSystem",
            "ReadWritePaths",
            "RemoveIPC",
        ),
        *("RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID"),
        *("SystemCallArchitectures", "SystemCallErrorNumber", "SystemCallFilter"),
    }
    from ansible_collections.mas.ops.tests.unit.releases.test_units import record  # noqa: PLC0415

    assert {name for name, _ in units._body(record(api={}), "api")} == known


def asked(**more: Any) -> dict[str, Any]:
    port = {"numbers": [], "purpose": "", "programs": [], "units": [], "fix": ""}
    return adapter.preflight(
        {"ports": [{**port, **given} for given in more.pop("ports", [])], "folders": [], **more}
    )


def test_a_listener_of_this_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter.os, "geteuid", lambda: 0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        lines = asked(ports=[{"numbers": [port], "purpose": "the test"}])["lines"]
        assert any(f"listens on port {port}, where the test should" in line for line in lines)
        assert any(f"(pid {os.getpid()}, user " in line for line in lines)
        program = Path("/proc/self/comm").read_text().strip()
        assert not any(
            f"port {port}" in line
            for line in asked(ports=[{"numbers": [port], "programs": [program]}])["lines"]
        )
    assert list(listeners.holders_of([port])) == []


def test_the_folder_above_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter.os, "geteuid", lambda: 0)
    (tmp_path / "file").write_text("")
    facts = adapter.look([], [str(tmp_path / "a" / "b"), str(tmp_path / "file" / "x"), "/proc/x"])
    assert str(tmp_path / "a" / "b") not in facts.unwritable
    assert facts.unwritable[str(tmp_path / "file" / "x")] == f"{tmp_path / 'file'} is not a folder"
    monkeypatch.setattr(adapter.os, "access", lambda *_: False)
    monkeypatch.setattr(adapter.os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert "is on a read-only file system" in adapter.look([], [str(tmp_path)]).unwritable[str(tmp_path)]
    assert facts.python == sys.version_info[:2]


def test_another_user_than_root_is_not_asked_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter.os, "geteuid", lambda: 65534)
    monkeypatch.setattr(adapter, "_holders", lambda _: pytest.fail("only root sees who listens"))
    assert "needs root" in asked(ports=[{"numbers": [1]}])["lines"][0]
