# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect facts of a host for the gate. Changes nothing, and leaves out what cannot be read."""

from __future__ import annotations

import contextlib
import fcntl
import os
import posixpath
from typing import Any

from ..._core.errors import LedgerError, OpsError
from ..._core.files import read_json
from ..._ledger.adapters.file import FileLedger
from ..._ledger.checkpoint import expand
from ..._releases.adapters.clock import HostClock
from ..._releases.adapters.folders import load_application
from ..._releases.layout import STATE
from ..._releases.lease import parse_lease
from .. import host_facts

#: Debian's and Ubuntu's update-notifier-common and unattended-upgrades write them.
_REBOOT = ("/run/reboot-required", "/var/run/reboot-required")
_KINDS = ("backup", "drill")


def look(application: str) -> dict[str, Any]:
    """Everything that ``gate_info`` returns."""
    return {
        "disks": [_disk(path) for path in _roots(application)],
        "reboot": _reboot(),
        "locked": bool(application) and _locked(posixpath.join(STATE, application, "lock")),
        "lease": _lease(posixpath.join(STATE, application, "lease.json")) if application else {},
        **_ledger(application),
    }


def _roots(application: str) -> list[str]:
    """The folders that a release writes to; of one file system the first is enough."""
    paths = [STATE]
    if application:
        # A host that was not provisioned yet has none.
        with contextlib.suppress(OpsError):
            paths.insert(0, load_application(application).root)
    devices: dict[int, str] = {}
    for path in map(_existing, paths):
        devices.setdefault(os.stat(path).st_dev, path)
    return list(devices.values())


def _existing(path: str) -> str:
    """The folder, or the nearest above it that is there."""
    while not os.path.isdir(path):
        path = posixpath.dirname(path)
    return path


def _disk(path: str) -> dict[str, Any]:
    """What is free for everybody: root's reserve is not for releases."""
    found = os.statvfs(path)
    free = found.f_bavail * found.f_frsize
    total = found.f_blocks * found.f_frsize
    return {"path": path, "free": free, "percent": round(100 * free / total, 1) if total else 0.0}


def _reboot() -> list[str]:
    """The packages that ask for a reboot, or the file that does."""
    for path in _REBOOT:
        if os.path.exists(path):
            with contextlib.suppress(OSError), open(f"{path}.pkgs", encoding="utf-8") as stream:
                packages = sorted({line.strip() for line in stream if line.strip()})
                if packages:
                    return packages
            return [path]
    return []


def _locked(path: str) -> bool:
    """Whether a run holds the lock of the application now.

    A shared lock is taken and given back at once. It does not disturb another gate; a run that begins in these
    microseconds finds it busy, and changes nothing.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _lease(path: str) -> dict[str, str]:
    """Who holds the application between two phases, until the lease is over; empty when no run does."""
    try:
        lease = parse_lease(read_json(path))
    except OpsError:
        return {}
    if lease.free or lease.until is None or lease.until.left(HostClock.moment()) <= 0:
        return {}
    return {"owner": lease.owner, "operation": lease.operation, "since": lease.since, "run": lease.run}


def _ledger(application: str) -> dict[str, Any]:
    """From the ledger, or why it cannot be read."""
    empty = {"runs": [], "newest": {}, "ledger_error": ""}
    try:
        entries = expand(FileLedger().entries())
    except LedgerError as error:
        return {**empty, "ledger_error": str(error)}
    except OSError as error:
        return {**empty, "ledger_error": f"the ledger cannot be read: {error}"}
    newest = {kind: host_facts.newest(entries, kind) for kind in _KINDS}
    return {**empty, "runs": host_facts.runs(entries, application), "newest": newest}
