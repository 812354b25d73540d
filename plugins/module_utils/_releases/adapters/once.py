# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units of systemd that run once: a migration, which is waited for, and a command that only begins here."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Callable

from ..._core.errors import MigrationError, ServiceError, Stopped
from ..once_end import PROPERTIES, parse_end, runs

#: Longer than any unit may take to stop.
WAIT = 3700.0
#: What systemd may take to begin and to end a command, beside the command's own time.
MARGIN = 120.0


class TookTooLongError(ServiceError):
    """A command of systemd did not end in the time that it had."""


class Once:
    """The part of :class:`.systemd.Systemd` for these units."""

    _pause: Callable[[float], None]

    def _call(self, command: Sequence[str], seconds: float = WAIT) -> subprocess.CompletedProcess[str]:
        raise NotImplementedError

    def _run(self, *words: str, check: bool = True, seconds: float = WAIT) -> str:
        raise NotImplementedError

    def run_once(self, unit: str, seconds: int) -> None:
        """Start a unit that ends by itself, and wait for its end.

        Its output stays in the journal: an error of a database quotes the data that it is about, and the ledger keeps errors.

        :param seconds: as the unit says it, after which systemd ends it
        :raises MigrationError: it failed, did not end in time, or was stopped
        """
        self._clear(unit)
        try:
            done = self._call(["systemctl", "start", "--", unit], seconds + MARGIN)
        except Stopped:
            # It would run on without the one that waits for it.
            self.kill_once(unit)
            raise
        if done.returncode == 0:
            return
        end = parse_end(self.once(unit))
        self._call(["systemctl", "reset-failed", "--", unit])
        raise MigrationError(
            f"the migration {end.words(seconds, done.stderr.strip())}",
            where=unit,
            fix=f"See `journalctl -u {unit} -n 50`; correct the cause and run the same command again.",
        )

    def begin_once(self, unit: str) -> None:
        """Start a unit whose end is not waited for.

        :raises ServiceError: systemd did not start it; where its program failed, :meth:`once` says so
        """
        self._clear(unit)
        done = self._call(["systemctl", "start", "--", unit])
        if done.returncode and self.once(unit).get("ActiveState") == "inactive":
            raise ServiceError(
                f"the command was not started: {done.stderr.strip()}",
                where=unit,
                fix=f"See `journalctl -u {unit} -n 50` on the host.",
            )

    def once(self, unit: str) -> Mapping[str, str]:
        """What systemd says of it, see :mod:`..once_end`."""
        properties = self._call(["systemctl", "show", f"--property={PROPERTIES}", "--", unit]).stdout
        return dict(line.split("=", 1) for line in properties.splitlines() if "=" in line)

    def end_once(self, unit: str, seconds: float) -> bool:
        """Stop it, and let systemd forget how it ended; whether it ran.

        :param seconds: what takes longer is killed
        """
        ran = runs(self.once(unit))
        try:
            self._call(["systemctl", "stop", "--", unit], seconds)
        except TookTooLongError:
            self._kill(unit)
        else:
            self._call(["systemctl", "reset-failed", "--", unit])
        return ran

    def kill_once(self, unit: str) -> None:
        """Its end is waited for, though the run may be to end, and is nothing that failed."""
        self._pause = time.sleep
        self._kill(unit)

    def _kill(self, unit: str) -> None:
        self._call(["systemctl", "kill", "--signal=SIGKILL", "--", unit])
        self._call(["systemctl", "stop", "--", unit])
        self._call(["systemctl", "reset-failed", "--", unit])

    def _clear(self, unit: str) -> None:
        """What a run that died left of a unit of that name is ended, and is not what is started then."""
        properties = self._call(
            ["systemctl", "show", "--property=ActiveState,NeedDaemonReload", "--", unit]
        ).stdout
        if "ActiveState=inactive" not in properties or "NeedDaemonReload=yes" in properties:
            self._call(["systemctl", "stop", "--", unit])
            self._call(["systemctl", "reset-failed", "--", unit])
            self._run("daemon-reload")
