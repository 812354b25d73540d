# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of a slot, made of its record alone."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from . import environment_file, unit_file
from .instances import copy_name
from .manifest import WEB, Process
from .slot import Slot, environment_path, socket_name, unit_name
from .unit_file import Section

STATE = "/var/lib/mas"
#: What a migration's unit is called, as a process would be.
MIGRATION = "migration"
#: The same of a command that an operator runs once.
ONE_OFF = "one-off"
#: Seconds from the stop signal of what runs once until it is killed.
STOP_GRACE = 10
#: The variable by which a copy of a process knows its number.
INSTANCE = "MAS_INSTANCE"
#: Seconds for what a unit calls at its end, where the process itself gets none.
_HOOKS_TIME = 10
#: Not after another dollar, and not the beginning of a longer name.
_PORT = re.compile(r"(?<!\$)\$(?:\{PORT\}|PORT(?![A-Za-z0-9_]))")
_SLOT_COMMENT = "Written by mas.ops.release from what this slot was assigned."


def render_process(record: Slot, name: str, number: int = 1) -> str:
    """The unit of one copy of a process."""
    process = record.processes[name]
    copy = copy_name(name, number)
    socket = socket_name(record.application, name, record.slot) if process.socket_activated else None
    unit = [
        ("Description", f"{record.application} {copy}, slot {record.slot}"),
        ("After", "network-online.target" + (f" {socket}" if socket else "")),
        ("Wants", "network-online.target"),
        *([("Requires", socket)] if socket else []),
        ("ConditionPathExists", unit_file.path(posixpath.join(record.folder, "manifest.json"))),
        *_start_limit(record, process),
    ]
    service = [
        ("Type", "exec"),
        ("ExecStart", _exec_start(process.command, record)),
        # A process that ends is started again, whatever it ended with: there is one that should run.
        ("Restart", "always"),
        ("RestartSec", "1"),
        ("KillSignal", process.stop_signal if process.stop_grace else "SIGKILL"),
        ("TimeoutStopSec", _grace(process)),
        # The stop signal goes to the main process, which looks after its children; what is left of them is killed.
        ("KillMode", "mixed"),
        *(_hooks(record, process) if process.kind == WEB else []),
        # systemd hands the socket to the first copy by its name alone.
        *([("Sockets", socket)] if socket and number > 1 else []),
        ("Environment", f"{INSTANCE}={number}"),
        *_body(record, name, copy),
    ]
    install = [("WantedBy", "multi-user.target")]
    return unit_file.render([("Unit", unit), ("Service", service), ("Install", install)], _SLOT_COMMENT)


def _start_limit(record: Slot, process: Process) -> list[tuple[str, str]]:
    if process.socket_activated:
        # systemd would close the socket together with the service that it gives up, and anybody could have the port.
        return [("StartLimitIntervalSec", "0")]
    return [
        ("StartLimitIntervalSec", str(record.sandbox.start_limit_interval)),
        ("StartLimitBurst", str(record.sandbox.start_limit_burst)),
    ]


def _hooks(record: Slot, process: Process) -> list[tuple[str, str]]:
    """The proxy hears of the process at once. As root, and with no say in whether the process runs."""
    code = posixpath.join(STATE, record.application, "code")
    names = f"{record.application} {record.slot}"
    run = f"-+/usr/bin/python3 -I -S {code}/launch.py"
    # Each boot begins without the slot.
    start = ("ExecStartPost", f"{run} slot-up {code} any {names}")
    if process.socket_activated:
        # No other program can have its port, and requests wait for the next process.
        return [start]
    # On a planned stop the proxy gets its order before the process gets its signal.
    return [
        start,
        ("ExecStop", f"{run} slot-out {code} any {names}"),
        ("ExecStopPost", f"{run} slot-down {code} any {names}"),
    ]


def render_socket(record: Slot, name: str) -> str:
    """The socket of a process that takes it from systemd: it stays when the process dies, and no other can have it."""
    sections: list[Section] = [
        ("Unit", [("Description", f"{record.application} {name}, slot {record.slot}: its socket")]),
        (
            "Socket",
            [
                ("ListenStream", f"127.0.0.1:{record.port}"),
                ("Service", unit_name(record.application, name, record.slot)),
                ("FileDescriptorName", "http"),
                # Nor does a process that dies at each connection close the socket.
                ("TriggerLimitIntervalSec", "0"),
            ],
        ),
        ("Install", [("WantedBy", "sockets.target")]),
    ]
    return unit_file.render(sections, _SLOT_COMMENT)


def render_migration(record: Slot, command: Sequence[str], seconds: int) -> str:
    """A command of the release that runs once, and whose end systemctl waits for."""
    kind = [("Type", "oneshot"), ("TimeoutStartSec", str(seconds))]
    return _render_once(record, command, "a migration", kind, _body(record, MIGRATION))


def render_one_off(record: Slot, process: str, command: Sequence[str], seconds: int) -> str:
    """A command that an operator runs once, as one of the processes: its user, its environment, its limits.

    systemctl waits for its beginning only, and its end stays known until it is stopped.
    """
    kind = [
        ("Type", "exec"),
        ("RemainAfterExit", "yes"),
        ("RuntimeMaxSec", str(seconds)),
        ("Environment", f"{INSTANCE}=1"),
        # Who started it is shown its last lines, and the journal leaves out what comes too fast.
        ("LogRateLimitIntervalSec", "0"),
    ]
    return _render_once(record, command, "a one-off command", kind, _body(record, process, ONE_OFF))


def _render_once(
    record: Slot,
    command: Sequence[str],
    what: str,
    kind: Sequence[tuple[str, str]],
    body: Sequence[tuple[str, str]],
) -> str:
    # As often as it is wanted: nothing starts it by itself.
    unit = [
        ("Description", f"{record.application}, slot {record.slot}: {what}"),
        ("StartLimitIntervalSec", "0"),
    ]
    service = [
        ("ExecStart", _exec_start(command, record)),
        ("TimeoutStopSec", str(STOP_GRACE)),
        *kind,
        *body,
    ]
    return unit_file.render([("Unit", unit), ("Service", service)], _SLOT_COMMENT)


def render_all(record: Slot) -> dict[str, str]:
    """Names of units, and their text."""
    found = {}
    for name, process in sorted(record.processes.items()):
        for number in range(1, process.instances + 1):
            found[record.unit(copy_name(name, number))] = render_process(record, name, number)
        if process.socket_activated:
            found[socket_name(record.application, name, record.slot)] = render_socket(record, name)
    return found


def _exec_start(command: Sequence[str], record: Slot) -> str:
    """The command of a release, with the port of its slot."""
    program, *arguments = absolute(command, record.folder)
    return unit_file.exec_start([program, *(with_port(word, record.port) for word in arguments)])


def with_port(argument: str, port: int) -> str:
    """``$PORT`` and ``${PORT}`` become the port, anywhere in the argument.

    systemd's own expansion would do so for a word of its own only, and for every other variable as well: the arguments of
    a process are shown to all users of the host, its environment is not.
    """
    return _PORT.sub(str(port), argument)


def absolute(command: Sequence[str], folder: str) -> list[str]:
    """systemd wants a bare name or an absolute path; ``./x`` and ``a/b`` mean the release's folder."""
    first, *rest = command
    if "/" in first and not first.startswith("/"):
        first = posixpath.normpath(posixpath.join(folder, first))
    return [first, *rest]


def _grace(process: Process) -> str:
    # systemd reads 0 as "wait for ever". It is also the time of the calls below, and who has no grace is killed at once.
    return str(process.stop_grace or _HOOKS_TIME)


def _body(record: Slot, process: str, copy: str = "") -> list[tuple[str, str]]:
    """Who it runs as and what it may do: the same for all copies of a process, and for what runs once of its release."""
    box = record.sandbox
    return [
        ("User", unit_file.account(record.user, "user")),
        ("Group", unit_file.account(record.group, "group")),
        ("WorkingDirectory", unit_file.path(record.folder)),
        ("EnvironmentFile", unit_file.path(environment_path(record.application, record.slot))),
        # The hooks run as root with the same environment: no code of the application's choice is loaded into them.
        ("UnsetEnvironment", " ".join(sorted(environment_file.OBEYED_BY_ALL))),
        ("SyslogIdentifier", f"{record.application}-{copy or process}-{record.slot}"),
        ("UMask", "0027"),
        ("AmbientCapabilities", ""),
        ("CapabilityBoundingSet", ""),
        ("LockPersonality", "yes"),
        ("NoNewPrivileges", "yes"),
        ("PrivateDevices", "yes"),
        ("PrivateTmp", "yes"),
        ("ProtectClock", "yes"),
        ("ProtectControlGroups", "yes"),
        ("ProtectHome", "yes"),
        ("ProtectHostname", "yes"),
        ("ProtectKernelLogs", "yes"),
        ("ProtectKernelModules", "yes"),
        ("ProtectKernelTunables", "yes"),
        ("ProtectProc", "invisible"),
        ("ProtectSystem", "strict"),
        (
            "ReadWritePaths",
            unit_file.paths([posixpath.join(record.root, "shared"), *box.writable_paths]),
        ),
        ("RemoveIPC", "yes"),
        ("RestrictAddressFamilies", unit_file.names(box.address_families, "address_families")),
        ("RestrictNamespaces", "yes"),
        ("RestrictRealtime", "yes"),
        ("RestrictSUIDSGID", "yes"),
        ("SystemCallArchitectures", "native"),
        ("SystemCallErrorNumber", "EPERM"),
        ("SystemCallFilter", unit_file.names(box.system_calls, "system_calls")),
        *unit_file.limits(box.limits.get(process, {}), f"limits of {process}"),
    ]
