# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the proxy of this host serves one application, and the end of that."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass

from ..._core.clock import MonotonicClock
from ..._core.errors import TrafficError
from ..._core.files import storage_errors, sync_folder, write_atomic
from ..._core.plan import Plan
from ..host_config import SERVICE, SITES, has_backend, plan_unserved, texts_after
from . import config_files
from .runtime import Runtime

_SERVICE = "haproxy"
_RELOAD = 15.0
_POLL = 0.1


@dataclass(frozen=True)
class Served:
    """What is to be done for an application to be served no more.

    :param files: the change of the proxy's files
    :param runs: the process that answers users has a backend for it
    :param reload: that process has to read its files again, now or once they were changed
    """

    files: Plan
    runs: bool
    reload: bool


class ServingProxy:
    """The host's HAProxy, for one application.

    :param path: the runtime API's socket
    """

    def __init__(self, application: str, path: str, clock: MonotonicClock) -> None:
        self.application = application
        self.clock = clock
        self.runtime = Runtime(path, clock)

    def look(self) -> Served:
        """
        :raises Refused: HAProxy would not take its configuration without the application
        :raises TrafficError: it runs and does not answer
        """
        files = self._plan()
        active = _systemctl("is-active", "--quiet", _SERVICE).returncode == 0
        runs = active and self._runs()
        named = has_backend(config_files.look({}).files, self.application)
        return Served(files, runs, active and (files.changed or (runs and not named)))

    def _plan(self) -> Plan:
        """No change where something else than the role configured the proxy."""
        if not os.path.lexists(os.path.join(SITES, f"{self.application}.json")):
            return Plan({}, {})
        sites = config_files.sites()
        port = next(site.port for site in sites if site.name == self.application)
        others = [site for site in sites if site.name != self.application]
        found = config_files.look({})
        plan = plan_unserved(found, self.application, port, others)
        if plan.changed and config_files.installed():
            config_files.judge(texts_after(found, plan))
        return plan

    def _runs(self) -> bool:
        return self.application in self.runtime.ask("show backend").split()

    def unserve(self) -> None:
        """Remove the application from the proxy's files. Planned anew: another application may have come meanwhile."""
        plan = self._plan()
        for step in plan.steps:
            if step.action == "write":
                text = "".join(f"{line}\n" for line in plan.after[step.target])
                write_atomic(step.target, text.encode())
                continue
            with storage_errors(step.target), contextlib.suppress(FileNotFoundError):
                os.unlink(step.target)
                sync_folder(os.path.dirname(step.target))
        if any(step.target == SERVICE for step in plan.steps):
            _systemctl("daemon-reload")

    def reload(self) -> None:
        """Let HAProxy read its files, and wait until the process that answers knows the application no more.

        The process before it ends the requests that it has; the new one takes over its listening sockets.

        :raises TrafficError: it was not reloaded
        """
        done = _systemctl("reload", _SERVICE)
        deadline = self.clock.seconds() + _RELOAD
        while not done.returncode and self.clock.seconds() <= deadline:
            if not self._runs():
                return
            self.clock.sleep(_POLL)
        said = done.stderr.strip() if done.returncode else f"no new process within {_RELOAD:g} s"
        raise TrafficError(
            f"the proxy was not reloaded: {said}",
            where=_SERVICE,
            fix="See `journalctl -u haproxy`, then run the same command again.",
        )


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemctl", *words], capture_output=True, text=True, errors="replace", check=False
    )
