"""The units of a slot. That systemd reads them as they are meant is for ``tests/integration/test_rendering.py``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._releases import unit_file, units
from ansible_collections.mas.ops.plugins.module_utils._releases.application import Sandbox
from ansible_collections.mas.ops.plugins.module_utils._releases.fields import ManifestError
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import Manifest
from ansible_collections.mas.ops.plugins.module_utils._releases.slot import (
    Slot,
    assigned,
    emptied,
    parse_slot,
    pending,
)
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, manifest, release
from hypothesis import given
from hypothesis import strategies as st

ONE = release("1.0.0")
PROCESS = {"kind": "web", "command": ["run"], "stop_signal": "SIGTERM", "stop_grace": 10}


def record(**processes: dict[str, Any]) -> Slot:
    found = manifest("1.0.0", processes={name: {**PROCESS, **more} for name, more in processes.items()})
    return assigned(APP, "blue", ONE, found)


def lines(text: str) -> list[str]:
    return text.split("\n")


@pytest.mark.parametrize(
    "command, line",
    [
        (["python3", "-m", "api"], 'ExecStart=":python3" "-m" "api"'),
        (["./bin/x"], 'ExecStart=":/srv/agents/slots/blue/bin/x"'),
        (["bin/../run"], 'ExecStart=":/srv/agents/slots/blue/run"'),
        (
            ["/usr/bin/x", "a b", "100%", "$HOME", "\\"],
            'ExecStart=":/usr/bin/x" "a b" "100%%" "$HOME" "\\\\"',
        ),
        ([";", "+/bin/sh", "-c", "id"], 'ExecStart=":;" "+/bin/sh" "-c" "id"'),
        (["x", ";", "", 'q"q'], 'ExecStart=":x" ";" "" "q\\"q"'),
    ],
)
def test_a_command_is_nothing_but_its_words(command: list[str], line: str) -> None:
    """A lone ";" as program was skipped by systemd, and the "+" after it meant root."""
    assert line in lines(units.render_process(record(api={"command": command}), "api"))


@pytest.mark.parametrize(
    "argument, word",
    [
        ("$PORT", "8101"),
        ("${PORT}", "8101"),
        ("--bind=127.0.0.1:$PORT", "--bind=127.0.0.1:8101"),
        ("[::1]:${PORT}0", "[::1]:81010"),
        ("exec x -p $PORT; y $PORT", "exec x -p 8101; y 8101"),
        ("$PORTS", "$PORTS"),
        ("$PORT_2", "$PORT_2"),
        ("$$PORT", "$$PORT"),
        ("${PORT:-80}", "${PORT:-80}"),
        ("$port $AGENTS_TOKEN ${MAS_SLOT} %i", "$port $AGENTS_TOKEN ${MAS_SLOT} %%i"),
    ],
)
def test_the_port_of_the_slot_in_a_command(argument: str, word: str) -> None:
    slot = record(api={"command": ["./run", argument]}, worker={"kind": "worker", "command": ["x", argument]})
    line = f'ExecStart=":/srv/agents/slots/blue/run" "{word}"'
    assert line in lines(units.render_process(slot, "api"))
    assert line in lines(units.render_migration(slot, ["./run", argument], 60))
    assert f'ExecStart=":x" "{word}"' in lines(units.render_process(slot, "worker"))
    green = replace(slot, slot="green", port=8102)
    assert word.replace("8101", "8102") in units.render_process(green, "api")


def test_a_program_has_no_port_in_its_name() -> None:
    text = units.render_process(record(api={"command": ["bin/$PORT"]}), "api")
    assert 'ExecStart=":/srv/agents/slots/blue/bin/$PORT"' in lines(text)


@pytest.mark.parametrize(
    "program", ["+/bin/sh", "-x", "@x", ":x", "!x", "|x", "a'b", 'a"b', "a\\b", "a/", "..", "", " ", "\ufdd0"]
)
def test_programs_that_systemd_cannot_be_given(program: str) -> None:
    with pytest.raises(ManifestError, match=r"processes\.api\.command"):
        record(api={"command": [program]})
    with pytest.raises(BadInput):
        unit_file.exec_start([program])


@pytest.mark.parametrize("word", ["a\nb", "a\rb", "a\0b", "\x85", "\ud800", "\ufffe", "\U0001ffff"])
def test_words_that_systemd_would_drop_a_line_for(word: str) -> None:
    with pytest.raises(ManifestError, match=r"processes\.api\.command"):
        record(api={"command": ["x", word]})


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_what_is_rendered_is_one_line(words: list[str]) -> None:
    try:
        text = unit_file.exec_start(words)
    except BadInput:
        return
    assert len(text.splitlines()) == 1 or "\u2028" in text or "\u2029" in text
    assert not {"\n", "\r", "\0"} & set(text)


def test_a_process_is_started_again_whatever_it_ended_with() -> None:
    text = lines(units.render_process(record(api={}, worker={"kind": "worker"}), "worker"))
    assert "Restart=always" in text


@pytest.mark.parametrize(
    "grace, text, signal", [(10, "10", "SIGTERM"), (3600, "3600", "SIGTERM"), (0, "10", "SIGKILL")]
)
def test_no_grace_is_not_for_ever(grace: int, text: str, signal: str) -> None:
    """systemd reads 0 as infinity, and a deploy would hang on a process that ignores its signal.

    The same time bounds what the unit calls when its process has ended, which is what keeps strangers from its users.
    """
    found = lines(units.render_process(record(api={"stop_grace": grace}), "api"))
    assert {f"TimeoutStopSec={text}", f"KillSignal={signal}"} <= set(found)
    assert any(line.startswith("ExecStop=") for line in found)


def test_a_planned_stop_reaches_the_proxy_before_the_process_gets_its_signal() -> None:
    """Once it has ended, anybody may have its port."""
    process = {"stop_signal": "SIGINT", "stop_grace": 7}
    text = lines(units.render_process(record(api=process, worker={"kind": "worker"}), "api"))
    hooks = {key: line for line in text for key, _, rest in [line.partition("=")] if " slot-" in rest}
    # systemd sends the signal after it, whatever came of it: "-".
    assert list(hooks) == ["ExecStartPost", "ExecStop", "ExecStopPost"]
    code = "/var/lib/mas/agents/code"
    run = f"-+/usr/bin/python3 -I -S {code}/launch.py"
    assert hooks["ExecStop"] == f"ExecStop={run} slot-out {code} any agents blue"
    assert {"KillSignal=SIGINT", "TimeoutStopSec=7", "KillMode=mixed"} <= set(text)
    assert "slot-" not in units.render_process(record(worker={"kind": "worker"}), "worker")


def test_a_stop_that_the_proxy_need_not_know() -> None:
    """The port stays systemd's; a boot begins without the slot all the same."""
    text = units.render_process(record(api={"listen": "systemd"}), "api")
    assert "ExecStop" not in text
    assert " slot-up " in text
    # systemd closes the socket of a service that it gives up.
    assert "StartLimitIntervalSec=0\n" in text
    assert "StartLimitBurst" not in text


def test_a_migration_has_the_bounds_of_the_process_that_it_belongs_to() -> None:
    box = Sandbox(writable_paths=("/var/lib/x y",), limits={"migration": {"MemoryMax": "1G"}})
    slot = replace(record(api={}), sandbox=box)
    process = lines(units.render_process(slot, "api"))
    once = lines(units.render_migration(slot, ["./migrate"], 60))
    bounds = [line for line in process[process.index("User=agents") :] if line and "=" in line]
    missing = {line for line in bounds if line not in once}
    assert missing == {"SyslogIdentifier=agents-api-blue", "WantedBy=multi-user.target"}
    assert 'ReadWritePaths="/srv/agents/shared" "/var/lib/x y"' in once
    assert "TimeoutStartSec=60" in once, "the limit of a unit that ends by itself; RuntimeMaxSec is not"
    assert "MemoryMax=1G" in once
    assert not any(line.startswith("Condition") for line in once), "a migration is never left out in silence"


def test_a_one_off_command_has_the_bounds_of_a_process_and_all_that_it_knows() -> None:
    limits = {"worker": {"MemoryMax": "2G"}, "migration": {"MemoryMax": "1G"}}
    slot = replace(record(api={}, worker={"kind": "worker"}), sandbox=Sandbox(limits=limits))
    process = lines(units.render_process(slot, "worker"))
    once = lines(units.render_one_off(slot, "worker", ["./bin/clean", "--port=$PORT", "%h $HOME"], 60))
    bounds = [line for line in process[process.index("Environment=MAS_INSTANCE=1") :] if line and "=" in line]
    missing = {line for line in bounds if line not in once}
    assert missing == {"SyslogIdentifier=agents-worker-blue", "WantedBy=multi-user.target"}
    assert "MemoryMax=2G" in once
    assert {"Type=exec", "RemainAfterExit=yes", "RuntimeMaxSec=60", "StartLimitIntervalSec=0"} <= set(once)
    assert not any(line.startswith(("Restart", "WantedBy", "Condition")) for line in once)


def test_a_socket_that_systemd_holds() -> None:
    slot = record(api={"listen": "systemd"})
    texts = units.render_all(slot)
    assert list(texts) == ["agents-api@blue.service", "agents-api@blue.socket"]
    assert slot.web == ("agents-api@blue.service", "agents-api@blue.socket")
    assert "ListenStream=127.0.0.1:8101" in lines(texts["agents-api@blue.socket"])
    service = lines(texts["agents-api@blue.service"])
    assert "Requires=agents-api@blue.socket" in service
    assert "After=network-online.target agents-api@blue.socket" in service
    assert record(api={}).socket is None


def test_only_a_web_process_has_a_socket() -> None:
    with pytest.raises(ManifestError, match="only a web process has a socket"):
        record(worker={"kind": "worker", "listen": "systemd"})


@pytest.mark.parametrize("name", ["migration", "auto-rollback"])
def test_names_that_other_units_have(name: str) -> None:
    with pytest.raises(ManifestError, match="must be a name other than"):
        record(**{name: {"kind": "worker"}})


@pytest.mark.parametrize(
    "limits",
    [
        {"ExecStartPre": "+/bin/sh -c id"},
        {"User": "root"},
        {"MemoryMax": "1G\nExecStartPre=+/bin/sh"},
        {"MemoryMax": "1G\\"},
        {"MemoryMax": ""},
        {"MemoryMax\nUser": "root"},
    ],
)
def test_limits_are_limits_and_one_line(limits: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        Sandbox.parse({**Sandbox().to_dict(), "limits": {"api": limits}})


@pytest.mark.parametrize(
    "key, value",
    [
        ("writable_paths", ["/x\nExecStartPre=+/bin/sh"]),
        ("writable_paths", ["relative"]),
        ("writable_paths", ["/a/../b"]),
        ("writable_paths", ["/"]),
        ("system_calls", ["@system-service\nUser=root"]),
        ("system_calls", ["a b"]),
        ("address_families", ["AF_INET\\"]),
    ],
)
def test_bounds_that_are_none(key: str, value: list[str]) -> None:
    with pytest.raises(BadInput):
        Sandbox.parse({**Sandbox().to_dict(), key: value})


def test_a_record_is_read_as_it_was_written() -> None:
    box = Sandbox(limits={"api": {"MemoryMax": "1G"}}, writable_paths=("/x",))
    slot = replace(record(api={"listen": "systemd"}, worker={"kind": "worker"}), sandbox=box, left=("old",))
    assert parse_slot(slot.to_dict(), "p") == slot
    assert emptied(slot).left == ("api", "old", "worker")
    assert emptied(slot).units == ()


@pytest.mark.parametrize("data", [None, [], {}, {"schema": 2}, {**record(api={}).to_dict(), "port": "x"}])
def test_a_damaged_record_says_so(data: Any) -> None:
    with pytest.raises(BadInput, match="record of the slot is not usable"):
        parse_slot(data, "/etc/mas/agents/slots/blue.json")


def test_what_waits_for_the_next_assignment() -> None:
    slot = record(api={})
    assert pending(slot, APP) == []
    changed = replace(APP, ports={"blue": 9001, "green": 9002}, sandbox=Sandbox(writable_paths=("/x",)))
    assert pending(slot, changed) == ["port", "writable_paths"]


def test_health_and_processes_are_those_of_the_version() -> None:
    found = Manifest.parse({**manifest("1.0.0").to_dict()})
    slot = assigned(APP, "green", ONE, found)
    assert (slot.health, slot.processes, slot.port) == (found.health, found.processes, 8102)


@pytest.mark.parametrize("kind", ["web", "worker"])
def test_no_code_is_loaded_into_what_runs_as_root(kind: str) -> None:
    """The hooks of a unit have the environment of its processes: a library of the release became root's code."""
    text = units.render_all(record(run={"kind": kind}))["agents-run@blue.service"]
    (taken,) = (line for line in lines(text) if line.startswith("UnsetEnvironment="))
    assert {"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GCONV_PATH", "OPENSSL_CONF"} <= set(
        taken.partition("=")[2].split()
    )
