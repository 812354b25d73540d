# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit of a web process calls when the process was started, is about to be stopped, and has ended.

Nothing listens on the port of a process that ended, so whoever binds it first would get the requests of its users. The
proxy leaves the slot aside from that moment on, over its own reloads and restarts, until the port belongs to the unit
again; then its checks decide.

systemd goes on whatever comes of these calls: a service runs without its proxy, and never the other way round. It waits
for them, at each start and stop, so nothing is loaded here that is not needed: ten times of this would be.
"""

from __future__ import annotations

# The module that socket is made of: what it adds, and what that loads, is more than all the rest.
import _socket
import json
import os
import sys
import time
from typing import Any

from ..._core.errors import OpsError
from ..._core.files import write_changed
from ..._traffic.adapters.configured import configured
from ..._traffic.settings import IN, OUT, parse_state, render_state, state_file

_CONFIG = "/etc/mas/{0}/application.json"
_RECORD = "/etc/mas/{0}/slots/{1}.json"
_SECONDS = 2.0
_STARTED = "Start_time_sec:"
#: Longer than a start or reload of the proxy takes: one that is under way has read a file that is older.
_SETTLED = 120.0
#: What HAProxy's ``show servers state`` says of a server that nothing keeps out of service.
_NOT_SET_ASIDE = "0"


def out(application: str, slot: str, config: str = _CONFIG, record: str = _RECORD) -> int:
    """The web process of ``slot`` is about to be stopped: no new requests. It ends those that it has.

    :returns: an exit status, which systemd ignores
    """
    return _take_out(application, slot, config, record)[0]


def down(application: str, slot: str, config: str = _CONFIG, record: str = _RECORD) -> int:
    """The web process of ``slot`` has ended.

    :returns: an exit status, which systemd ignores
    """
    status, noted = _take_out(application, slot, config, record)
    if noted:
        from .slot_watch import note  # noqa: PLC0415 - see above

        return note(application, slot)
    return status


def _take_out(application: str, slot: str, config: str, record: str) -> tuple[int, bool]:
    """The exit status, and whether another release may answer in place of this slot now.

    The file comes before the order: see :mod:`.keep_out` of the proxy, which reads the one and is too late for the other.
    """
    try:
        proxy = _read(config.format(application)).get("proxy")
        # What systemd holds cannot be taken, and waits for the process that comes next.
        if not proxy or _held_by_systemd(_read(record.format(application, slot))):
            return 0, False
        unwritten = _keep_out(proxy["split"], application, slot)
        # A proxy that runs gets to know also where the disk is full.
        refused = _order(proxy["socket"], f"set server {proxy['backend']}/{slot} state maint") or unwritten
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        refused = repr(error)
    if refused:
        sys.stderr.write(
            f"mas.ops: the proxy was not informed that {application}, slot {slot}, ended: {refused}\n"
        )
        return 1, False
    return 0, bool(proxy.get("fallback"))


def up(application: str, slot: str, config: str = _CONFIG, record: str = _RECORD) -> int:
    """The web process of ``slot`` was started: watch beside it until its port is its own.

    :returns: an exit status, which systemd ignores
    """
    if _stayed_in(application, slot, config, record):
        return 0
    # systemd waits for the process that it called, and ends the other one with the unit.
    if os.fork():
        return 0
    status = 1
    try:
        os.setsid()
        from .slot_watch import watch_slot  # noqa: PLC0415 - see above

        status = watch_slot(application, slot)
    finally:
        sys.stderr.flush()
        os._exit(status)


def _stayed_in(application: str, slot: str, config: str, record: str) -> bool:
    """Whether the port was systemd's all the time, and no proxy leaves the slot out, nor will one that starts.

    What cannot be found out is for the watch, which waits for a proxy that starts just now.
    """
    try:
        if not _held_by_systemd(_read(record.format(application, slot))):
            return False
        proxy = _read(config.format(application)).get("proxy")
        if not proxy:
            return True
        with open(state_file(proxy["split"], application, slot), encoding="utf-8") as stream:
            written = os.fstat(stream.fileno()).st_mtime
            if parse_state(application, slot, stream.read()) != IN:
                return False
        lines = _order(proxy["socket"], f"show info; show servers state {proxy['backend']}").splitlines()
        # Of whole seconds. What the process that answers has read, all later ones have.
        began = [int(line[len(_STARTED) :]) for line in lines if line.startswith(_STARTED)]
        found = [row[6] for row in map(str.split, lines) if row[3:4] == [slot]]
    except (OSError, ValueError, KeyError, AttributeError, TypeError, IndexError):
        return False
    return found == [_NOT_SET_ASIDE] and written < max([*began, time.time() - _SETTLED])


def _read(path: str) -> Any:
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


def _held_by_systemd(record: Any) -> bool:
    return any(process.get("listen") == "systemd" for process in record["processes"].values())


def _keep_out(split: str, application: str, slot: str) -> str:
    """Let no start of the proxy take the slot in; why that cannot be written, or nothing."""
    try:
        if configured(split, application):
            # After a planned stop it is written already, by the call before the stop.
            write_changed(state_file(split, application, slot), render_state(application, slot, OUT).encode())
    except OpsError as error:
        return str(error)
    return ""


def _order(path: str, command: str) -> str:
    """What the proxy answers: nothing when it obeys."""
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        line.settimeout(_SECONDS)
        line.connect(path)
        line.sendall(command.encode() + b"\n")
        return b"".join(iter(lambda: line.recv(4096), b"")).decode(errors="replace").strip()
    finally:
        line.close()
