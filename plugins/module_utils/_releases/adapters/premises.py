# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove what this host has of an application beside what its releases change."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Callable

from ..._core.errors import ServiceError
from ..._traffic.adapters.serving import ServingProxy
from ..application import CONFIG
from ..layout import Layout, enabled_link
from . import trees


class HostPremises:
    """The files, units and account of one application. What is removed already is no error.

    :param proxy: ``None`` for an application that serves no HTTP
    :param look: called in between, it raises what ends the run
    """

    def __init__(self, layout: Layout, proxy: ServingProxy | None, look: Callable[[], None]) -> None:
        self.layout, self.app = layout, layout.app
        self.proxy, self._look = proxy, look

    def remove(self, path: str) -> None:
        path = _resolved(path)
        if os.path.isdir(path) and not os.path.islink(path):
            trees.remove_tree(path, self._look)
        else:
            trees.remove_file(path)

    def remove_tree(self, path: str) -> None:
        trees.remove_tree(path, self._look)

    def remove_folder(self, path: str) -> None:
        trees.remove_folder(path)

    def remove_slot_units(self, units: Sequence[str]) -> None:
        # A socket is known by the service of its name.
        for unit in sorted(units, key=lambda unit: not unit.endswith(".socket")):
            trees.remove_file(_resolved(enabled_link(unit)))
            trees.remove_file(_resolved(self.layout.unit_file(unit)))

    def remove_units(self) -> None:
        unit, timer = self.layout.auto_rollback_unit, self.layout.auto_rollback_timer
        _systemctl("stop", "--", timer, unit)
        for path in (enabled_link(unit), self.layout.unit_file(unit)):
            trees.remove_file(_resolved(path))
        _systemctl("daemon-reload")
        _systemctl("reset-failed", "--", unit, timer)

    def remove_account(self, name: str) -> None:
        """
        :raises ServiceError: a process of it is at work
        """
        done = _run("userdel", "--", name)
        if done.returncode not in (0, 6):
            raise ServiceError(
                f"the account {name} cannot be removed: {done.stderr.strip()}",
                where="userdel",
                fix=f"All else of {self.app.name} is gone. See `ps -u {name}`, end these processes, and run the same "
                "command again.",
            )

    def unserve(self) -> None:
        if self.proxy:
            self.proxy.unserve()

    def reload_proxy(self) -> None:
        if self.proxy:
            self.proxy.reload()

    def forget(self) -> None:
        forget(self.app.name, self.layout.lock)


def forget(application: str, lock: str) -> None:
    """Remove the settings that every module reads, and the lock, which this run holds, with their folders if they are empty.

    Nothing is known of the application then. The lock is last: what it finds without settings, the next run ends.
    """
    path = CONFIG.format(name=application)
    config = os.path.dirname(path)
    trees.remove_file(_resolved(path))
    for folder in (os.path.join(config, "slots"), config):
        trees.remove_folder(_resolved(folder))
    for path in (f"{lock}.end", lock):
        trees.remove_file(_resolved(path))
    trees.remove_folder(_resolved(os.path.dirname(lock)))


def _resolved(path: str) -> str:
    """Without links above it: folders of the system may be reached by some."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _systemctl(*words: str) -> None:
    _run("systemctl", *words)


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
