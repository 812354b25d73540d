# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd through systemctl. The only file that knows systemd's commands."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Callable

from ..._core.errors import ServiceError
from ..health import journal_advice
from ..layout import Layout, enabled_link
from .journal import last_words
from .listeners import members
from .once import WAIT, Once, TookTooLongError
from .processes import stands_still
from .waited import run

_PROPERTIES = (
    "Id,ActiveState,SubState,NRestarts,ExecMainStatus,ActiveEnterTimestampMonotonic,NeedDaemonReload"
)
#: How systemctl says that its caller may not do it.
_DENIED = ("Access denied", "authentication required", "Permission denied", "Operation not permitted")
#: How systemctl begins to say that links were made without a reload, which is meant and is the cause of nothing.
_NO_CAUSE = "Warning: The unit file, source configuration file or drop-ins of "
#: Of so many units that failed together the last words are shown.
_EXCERPTS = 3
#: systemd's own exit status for "the program could not be executed".
_NOT_EXECUTABLE = "203"


@dataclass(frozen=True)
class UnitFacts:
    """One unit as systemd sees it; what follows ``sub`` only from :meth:`Systemd.show`."""

    active: str = "inactive"
    sub: str = "dead"
    restarts: int = 0
    exit_status: str = "0"
    #: When it became active, in seconds of the clock that never goes back; 0 when it never did.
    since: float = 0.0
    #: systemd has not read the unit's files since they were changed; ``None`` where only the state was asked for.
    stale: bool | None = None

    @property
    def up(self) -> bool:
        return self.active == "active"

    @property
    def stopped(self) -> bool:
        return self.active in ("inactive", "failed")

    @property
    def hopeless(self) -> bool:
        """Waiting longer will not help: it failed permanently, or its program does not exist."""
        return self.active == "failed" or (not self.up and self.exit_status == _NOT_EXECUTABLE)


class Systemd(Once):
    """Units by name; each method is one systemctl call for all of them, or none where the answer is known.

    Units are enabled and disabled without the reload that systemctl adds by itself: it reads every unit of the
    host, costs more than all else that a switch does, and the links that it would read matter at a boot only.
    """

    def __init__(self, layout: Layout, pause: Callable[[float], None] = time.sleep) -> None:
        """
        :param pause: how a command is waited for; it raises when the run is to end
        """
        self.layout = layout
        self._pause = pause
        #: What was seen of a unit; ``None`` since it was started or stopped.
        self._seen: dict[str, UnitFacts | None] = {}
        self._stopped: set[str] = set()
        #: Units that are known to have no restarts or failures to be forgotten before they are started.
        self._rested: set[str] = set()

    def show(self, units: Sequence[str]) -> Mapping[str, UnitFacts]:
        """All facts of each unit now; a unit that systemd does not know is simply inactive."""
        if not units:
            return {}
        text = self._run("show", f"--property={_PROPERTIES}", "--", *units)
        found = dict(zip(units, (_facts(block) for block in text.split("\n\n"))))
        self._saw(found)
        self._rested |= {
            unit for unit, facts in found.items() if not facts.restarts and facts.active != "failed"
        }
        return found

    def look(self, units: Sequence[str]) -> Mapping[str, UnitFacts]:
        """The state of each unit now. For systemd to say all of five units costs a host three times as much."""
        if not units:
            return {}
        text = self._run("list-units", "--all", "--full", "--plain", "--no-legend", "--", *units)
        found = {**{unit: UnitFacts() for unit in units}, **_states(text)}
        self._saw(found)
        return found

    def recall(self, units: Sequence[str]) -> Mapping[str, UnitFacts]:
        """The state of each unit as it was last seen here; systemd is asked for what has changed since."""
        known = {unit: self._seen.get(unit) for unit in units}
        if None in known.values():
            changed = [unit for unit, facts in {**self._seen, **known}.items() if facts is None]
            known.update(self.look(changed))
        return {unit: facts for unit, facts in known.items() if facts and unit in units}

    def _saw(self, found: dict[str, UnitFacts]) -> None:
        self._forgive(found)
        self._seen.update(found)
        self._rested -= set(found)

    def _forgive(self, found: dict[str, UnitFacts]) -> None:
        """What was stopped here and did not end well, because it had to be killed, is nothing that failed."""
        failed = [unit for unit, facts in found.items() if unit in self._stopped and facts.active == "failed"]
        if failed:
            self._run("reset-failed", "--", *failed, check=False)
            found.update({unit: replace(found[unit], active="inactive", sub="dead") for unit in failed})

    def forget_seen(self) -> None:
        """What was seen is too old to be remembered."""
        self._seen.update(dict.fromkeys(self._seen))

    def start(self, units: Sequence[str]) -> None:
        """Start, and start again at each boot. Restarts and the start limit of earlier tries are forgotten.

        :raises ServiceError: one did not start
        """
        words = ("enable", "--quiet", "--no-reload", "--now", "--", *units)
        if not self._rested.issuperset(units):
            self._run("reset-failed", "--", *units, check=False)
        self._rested -= set(units)
        self._seen.update(dict.fromkeys(units))
        self._stopped -= set(units)
        if self._call(["systemctl", *words]).returncode:
            self._run("reset-failed", "--", *units, check=False)
            self._run(*words)

    def asleep(self, units: Sequence[str]) -> list[str]:
        """Those of these units of which a process is stopped (SIGSTOP). systemd calls them active."""
        return [unit for unit in units if any(map(stands_still, members(unit)))]

    def neglected(self, units: Sequence[str]) -> list[str]:
        """Those of these running units that are stopped by a signal or would not run after a boot.

        Read from files: to ask systemd would cost each phase more than all else that it looks at.
        """
        asleep = self.asleep(units)
        return [unit for unit in units if unit in asleep or not _enabled(unit)]

    def revive(self, units: Sequence[str]) -> None:
        """Let their processes go on, and start them at each boot."""
        services = [unit for unit in units if unit.endswith(".service")]
        self._run("kill", "--signal=SIGCONT", "--", *services, check=False)
        self._run("enable", "--quiet", "--no-reload", "--", *units)

    def stop(self, units: Sequence[str], seconds: float = WAIT) -> None:
        """Stop gracefully (the unit's own signal and grace) and do not start at boot.

        :param seconds: what takes longer is killed, whatever grace its manifest gives it
        """
        self._seen.update(dict.fromkeys(units))
        self._stopped |= set(units)
        words = ("disable", "--quiet", "--no-reload", "--now", "--", *units)
        try:
            self._run(*words, seconds=seconds)
        except TookTooLongError:
            self._run("kill", "--signal=SIGKILL", "--", *units, check=False)
            self._run(*words)

    def reload(self, units: Sequence[str], changed: bool) -> None:
        """Read changed unit files, if any of these units has some: it costs as much as all else of a switch.

        :param changed: some were changed since this was last asked; a run that died may have changed others
        """
        if changed or self._any_stale(units):
            self._run("daemon-reload")
            self.forget_seen()

    def _any_stale(self, units: Sequence[str]) -> bool:
        seen = [self._seen.get(unit) for unit in units]
        if any(facts is None or facts.stale is None for facts in seen):
            seen = list(self.show(units).values())
        return any(facts and facts.stale for facts in seen)

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

    def _run(self, *words: str, check: bool = True, seconds: float = WAIT) -> str:
        done = self._call(["systemctl", *words], seconds)
        if check and done.returncode:
            lines = [line for line in done.stderr.splitlines() if not line.startswith(_NO_CAUSE)]
            raise self._failed(words, "\n".join(lines).strip() or f"exit status {done.returncode}")
        return done.stdout

    def _failed(self, words: Sequence[str], said: str) -> ServiceError:
        units = [word for word in words[1:] if not word.startswith("-")]
        if any(word in said for word in _DENIED):
            what, fix = f"only root may do this: systemctl {words[0]}", "Set become: true."
        else:
            starts = words[0] == "enable" and "--now" in words
            units = self._not_up(units) if starts else units
            what = f"it did not start ({said})" if starts else f"systemctl {words[0]} failed: {said}"
            fix = "\n".join(journal_advice(unit, self.last_words(unit)) for unit in units[:_EXCERPTS])
        return ServiceError(what, where=", ".join(units), fix=fix or "See `journalctl -b -n 50` on the host.")

    def _not_up(self, units: Sequence[str]) -> list[str]:
        """Those of these units, of which one did not start, that are not active: the others say nothing about the cause."""
        properties = self._call(["systemctl", "show", f"--property={_PROPERTIES}", "--", *units]).stdout
        states = zip(units, map(_facts, properties.split("\n\n")))
        return [unit for unit, facts in states if not facts.up] or list(units)

    def _call(self, command: Sequence[str], seconds: float = WAIT) -> subprocess.CompletedProcess[str]:
        try:
            return run(command, timeout=seconds, pause=self._pause, env=_environment())
        except (OSError, subprocess.TimeoutExpired) as error:
            late = isinstance(error, subprocess.TimeoutExpired)
            raise (TookTooLongError if late else ServiceError)(
                f"{command[0]} failed: {error}", where="this host", fix="Check that systemd is running."
            ) from error


def _enabled(unit: str) -> bool:
    return os.path.lexists(enabled_link(unit))


def _states(text: str) -> dict[str, UnitFacts]:
    """Each line: unit, whether it is loaded, its state, its substate, and a description."""
    lines = (line.split(None, 4) for line in text.splitlines())
    return {words[0]: UnitFacts(active=words[2], sub=words[3]) for words in lines if len(words) >= 4}


def _facts(block: str) -> UnitFacts:
    values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return UnitFacts(
        active=values.get("ActiveState", "inactive"),
        sub=values.get("SubState", "dead"),
        restarts=int(values.get("NRestarts") or 0),
        exit_status=values.get("ExecMainStatus", "0"),
        since=int(values.get("ActiveEnterTimestampMonotonic") or 0) / 1e6,
        stale=values.get("NeedDaemonReload") == "yes",
    )


def _environment() -> dict[str, str]:
    """English messages, no pager, and nothing of the caller's that systemctl would act on."""
    return {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        "LC_ALL": "C.UTF-8",
        "SYSTEMD_PAGER": "",
    }
