# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd through systemctl. The only file that knows systemd's commands."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Callable

from ..errors import ServiceError, Stopped
from ..unit_end import END_PROPERTIES, parse_end, runs
from ..unit_facts import PROPERTIES, UnitFacts, journal_advice, parse_list, parse_show, values
from .waited import run

#: Longer than any unit may take to stop.
_WAIT = 3700.0
#: What systemd may take to begin and to end a command, beside the command's own time.
MARGIN = 120.0
#: How systemctl says that its caller may not do it.
_DENIED = ("Access denied", "authentication required", "Permission denied", "Operation not permitted")
#: How systemctl begins to say that links were made without a reload, which is meant and is the cause of nothing.
_NO_CAUSE = "Warning: The unit file, source configuration file or drop-ins of "
#: Of so many units that failed together the last words are parse_show.
_EXCERPTS = 3


class _TookTooLongError(ServiceError):
    """A command of systemd did not end in the time that it had."""


class Systemctl:
    """Units by name; each method is one systemctl call for all of them, or none where the answer is known.

    Units are enabled and disabled without the reload that systemctl adds by itself: it reads every unit of the
    host, costs more than all else that a switch does, and the links that it would read matter at a boot only.
    """

    def __init__(
        self, excerpt: Callable[[str], str] = lambda _unit: "", pause: Callable[[float], None] = time.sleep
    ) -> None:
        """
        :param excerpt: the last lines that a unit wrote, for errors; nothing in it may be secret
        :param pause: how a command is waited for; it raises when the run is to end
        """
        self._excerpt = excerpt
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
        text = self._run("show", f"--property={PROPERTIES}", "--", *units)
        found = dict(zip(units, (parse_show(block) for block in text.split("\n\n"))))
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
        found = {**{unit: UnitFacts() for unit in units}, **parse_list(text)}
        self._saw(found)
        return found

    def recall(self, units: Sequence[str]) -> Mapping[str, UnitFacts]:
        """The state of each unit as it was last read; only units that were started or stopped since are read again."""
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

    def revive(self, units: Sequence[str]) -> None:
        """Let their processes go on, and start them at each boot."""
        services = [unit for unit in units if unit.endswith(".service")]
        self._run("kill", "--signal=SIGCONT", "--", *services, check=False)
        self._run("enable", "--quiet", "--no-reload", "--", *units)

    def stop(self, units: Sequence[str], seconds: float = _WAIT) -> None:
        """Stop gracefully (the unit's own signal and grace) and do not start at boot.

        :param seconds: what takes longer is killed, whatever grace its manifest gives it
        """
        self._seen.update(dict.fromkeys(units))
        self._stopped |= set(units)
        words = ("disable", "--quiet", "--no-reload", "--now", "--", *units)
        try:
            self._run(*words, seconds=seconds)
        except _TookTooLongError:
            self._run("kill", "--signal=SIGKILL", "--", *units, check=False)
            self._run(*words)

    def reload(self, units: Sequence[str], changed: bool) -> None:
        """Read changed unit files, if any of these units has some: it costs as much as all else of a switch.

        :param changed: files were changed since the last reload; a run that died may have changed others
        """
        if changed or self._any_stale(units):
            self._run("daemon-reload")
            self.forget_seen()

    def _any_stale(self, units: Sequence[str]) -> bool:
        seen = [self._seen.get(unit) for unit in units]
        if any(facts is None or facts.stale is None for facts in seen):
            seen = list(self.show(units).values())
        return any(facts and facts.stale for facts in seen)

    def run_to_end(self, unit: str, seconds: int, subject: str) -> str:
        """Start a unit that ends by itself, and wait for its end.

        :param seconds: as the unit says it, after which systemd ends it
        :param subject: what it is for
        :returns: what went wrong: it failed, did not end in time, or was stopped; nothing where it succeeded
        """
        self._clear(unit)
        try:
            done = self._call(["systemctl", "start", "--", unit], seconds + MARGIN)
        except Stopped:
            # It would run on without the one that waits for it.
            self.kill_once(unit)
            raise
        if done.returncode == 0:
            return ""
        end = parse_end(self._said_of(unit)[1])
        self._call(["systemctl", "reset-failed", "--", unit])
        return f"{subject} {end.words(seconds, done.stderr.strip())}"

    def begin_once(self, unit: str) -> None:
        """Start a unit whose end is not waited for.

        :raises ServiceError: systemd did not start it; where its program failed, :meth:`once` says so
        """
        self._clear(unit)
        done = self._call(["systemctl", "start", "--", unit])
        if done.returncode and self._said_of(unit)[1].get("ActiveState") == "inactive":
            raise ServiceError(
                f"the command was not started: {done.stderr.strip()}",
                where=unit,
                fix=f"See `journalctl -u {unit} -n 50` on the host.",
            )

    def once(self, unit: str) -> Mapping[str, str]:
        """What systemd says of a unit that runs once, see :mod:`..unit_end`.

        :raises ServiceError: it says nothing, as for a moment when it is upgraded
        """
        problem, found = self._said_of(unit)
        if problem:
            raise ServiceError(
                f"systemd does not say whether it runs: {problem}",
                where=unit,
                fix=f"See `systemctl status {unit}` on the host, and run the same command again.",
            )
        return found

    def _said_of(self, unit: str) -> tuple[str, Mapping[str, str]]:
        """Why there is no answer, and what it is."""
        done = self._call(["systemctl", "show", f"--property={END_PROPERTIES}", "--", unit])
        found = values(done.stdout)
        sound = not done.returncode and "ActiveState" in found
        return "" if sound else done.stderr.strip() or f"exit status {done.returncode}", found

    def end_once(self, unit: str, seconds: float) -> bool:
        """Stop it, and let systemd forget how it ended; whether it ran.

        :param seconds: what takes longer is killed
        """
        problem, found = self._said_of(unit)
        # It is stopped in any case: a way back does not wait for an answer.
        ran = bool(problem) or runs(found)
        try:
            self._call(["systemctl", "stop", "--", unit], seconds)
        except _TookTooLongError:
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

    def _run(self, *words: str, check: bool = True, seconds: float = _WAIT) -> str:
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
            fix = "\n".join(journal_advice(unit, self._excerpt(unit)) for unit in units[:_EXCERPTS])
        return ServiceError(what, where=", ".join(units), fix=fix or "See `journalctl -b -n 50` on the host.")

    def _not_up(self, units: Sequence[str]) -> list[str]:
        """Those of these units, of which one did not start, that are not active: the others say nothing about the cause."""
        properties = self._call(["systemctl", "show", f"--property={PROPERTIES}", "--", *units]).stdout
        states = zip(units, map(parse_show, properties.split("\n\n")))
        return [unit for unit, facts in states if not facts.up] or list(units)

    def _call(self, command: Sequence[str], seconds: float = _WAIT) -> subprocess.CompletedProcess[str]:
        try:
            return run(command, timeout=seconds, pause=self._pause, env=_environment())
        except (OSError, subprocess.TimeoutExpired) as error:
            late = isinstance(error, subprocess.TimeoutExpired)
            raise (_TookTooLongError if late else ServiceError)(
                f"{command[0]} failed: {error}", where="this host", fix="Check that systemd is running."
            ) from error


def _environment() -> dict[str, str]:
    """English messages, no pager, and nothing of the caller's that systemctl would act on."""
    return {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        "LC_ALL": "C.UTF-8",
        "SYSTEMD_PAGER": "",
    }
