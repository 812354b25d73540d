# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd for the units of one application: what :class:`Systemctl` does for any unit, and what only these need."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Callable

from ..._core.adapters.systemctl import Systemctl
from ..._core.errors import MigrationError, ServiceError
from ..layout import Layout, enabled_link
from .journal import last_words
from .listeners import members
from .processes import stands_still


class Systemd(Systemctl):
    """systemd for one application."""

    def __init__(self, layout: Layout, pause: Callable[[float], None] = time.sleep) -> None:
        """
        :param pause: how a command is waited for; it raises when the run is to end
        """
        super().__init__(self.last_words, pause)
        self.layout = layout

    def asleep(self, units: Sequence[str]) -> list[str]:
        """Those of these units of which a process is stopped (SIGSTOP). systemd calls them active."""
        return [unit for unit in units if any(map(stands_still, members(unit)))]

    def neglected(self, units: Sequence[str]) -> list[str]:
        """Those of these running units that are stopped by a signal or would not run after a boot.

        Read from files: to ask systemd would cost each phase more than all else that it looks at.
        """
        asleep = self.asleep(units)
        return [unit for unit in units if unit in asleep or not _enabled(unit)]

    def run_once(self, unit: str, seconds: int) -> None:
        """Run a migration to its end.

        Its output stays in the journal: an error of a database quotes the data that it is about, and the ledger keeps errors.

        :param seconds: as the unit says it, after which systemd ends it
        :raises MigrationError: it failed, did not end in time, or was stopped
        """
        problem = self.run_to_end(unit, seconds, "the migration")
        if problem:
            raise MigrationError(
                problem,
                where=unit,
                fix=f"See `journalctl -u {unit} -n 50`; correct the cause and run the same command again.",
            )

    def wake(self, seconds: float) -> None:
        """Start the automatic rollback after that long. It looks itself whether there is something to do.

        Only the timer is of this boot; at a boot its service looks by itself.
        """
        service, timer = self.layout.auto_rollback_unit, self.layout.auto_rollback_timer
        words = [
            "systemd-run",
            "--quiet",
            f"--on-active={seconds:g}s",
            "--timer-property=AccuracySec=100ms",
            f"--unit={service}",
        ]
        # That of an earlier release may still wait, or of an earlier stage of this one.
        waits = self.recall([timer])[timer].up
        self._seen[timer] = None
        if waits or self._call(words).returncode:
            self._run("stop", "--", timer, check=False)
            done = self._call(words)
            if done.returncode:
                raise ServiceError(
                    f"the automatic rollback cannot be armed: {done.stderr.strip()}",
                    where=service,
                    fix="Install its unit with mas.ops.provision, or deploy with -e deploy_confirm_timeout=0.",
                )

    def last_words(self, unit: str) -> str:
        """The last lines that the unit wrote, without the values of its environment."""
        slot = unit.rpartition("@")[2].partition(".")[0]
        own = f"/etc/mas/{self.layout.app.name}/slots/{slot}.env"
        return last_words(unit, [self.layout.app.environment_file, own])


def _enabled(unit: str) -> bool:
    return os.path.lexists(enabled_link(unit))
