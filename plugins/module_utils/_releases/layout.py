# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where everything of an application lies on a host, and what units that no release brings are called."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from .application import Application
from .slot import environment_path, record_path, unit_name
from .units import MIGRATION, ONE_OFF

UNITS = "/etc/systemd/system"
STATE = "/var/lib/mas"
#: What the lock of an application is for, in an error.
THIS_APPLICATION = "this application on this host"
#: What to do about a damaged file that is known here.
PROVISION = "Restore the file or run mas.ops.provision."


def enabled_link(unit: str) -> str:
    """The link that starts a unit at each boot."""
    target = "sockets" if unit.endswith(".socket") else "multi-user"
    return posixpath.join(UNITS, f"{target}.target.wants", unit)


@dataclass(frozen=True)
class Layout:
    """Paths and unit names of one application."""

    app: Application

    def release(self, release: str) -> str:
        return posixpath.join(self.app.root, "releases", release)

    @property
    def releases(self) -> str:
        return posixpath.join(self.app.root, "releases")

    def slot(self, slot: str) -> str:
        """The symbolic link that says which release a slot runs."""
        return posixpath.join(self.app.root, "slots", slot)

    @property
    def state(self) -> str:
        return posixpath.join(STATE, self.app.name, "state.json")

    @property
    def lock(self) -> str:
        return posixpath.join(STATE, self.app.name, "lock")

    @property
    def lease(self) -> str:
        return posixpath.join(STATE, self.app.name, "lease.json")

    @property
    def auto_rollback(self) -> str:
        """There while a release waits for its confirmation."""
        return posixpath.join(STATE, self.app.name, "auto-rollback.json")

    @property
    def code(self) -> str:
        """The code of the collection that stays on the host, see ``adapters.installed_code``."""
        return posixpath.join(STATE, self.app.name, "code")

    @property
    def auto_rollback_unit(self) -> str:
        return f"{self.app.name}-auto-rollback.service"

    @property
    def auto_rollback_timer(self) -> str:
        """Wakes it. systemd has one only while it waits."""
        return f"{self.app.name}-auto-rollback.timer"

    @property
    def incoming(self) -> str:
        return posixpath.join(STATE, self.app.name, "incoming")

    def record(self, slot: str) -> str:
        """What the slot was assigned, see :class:`.slot.Slot`."""
        return record_path(self.app.name, slot)

    def environment(self, slot: str) -> str:
        """The environment of the slot's processes, as it was when the slot was assigned."""
        return environment_path(self.app.name, slot)

    def migration(self, slot: str) -> str:
        """The unit that runs a migration of what a slot holds."""
        return unit_name(self.app.name, MIGRATION, slot)

    def one_off(self, slot: str) -> str:
        """The unit that runs a command once for an operator."""
        return unit_name(self.app.name, ONE_OFF, slot)

    @property
    def one_off_note(self) -> str:
        """There from before such a command begins until its end is in the ledger."""
        return posixpath.join(STATE, self.app.name, "one-off.json")

    @property
    def one_off_lock(self) -> str:
        """Held by the module that waits for it. No release waits for this lock."""
        return posixpath.join(STATE, self.app.name, "one-off.lock")

    @staticmethod
    def unit_file(unit: str) -> str:
        return posixpath.join(UNITS, unit)
