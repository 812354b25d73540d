# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command once in the environment of the live release: begin it, wait for it, and write down how it ended.

The lock of the application is held while it begins, and never while it runs. A lock of its own keeps two of them apart. What
is noted before it begins stays until its end is in the ledger and a controller has it, so that the next run finds what one left
that was killed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ..._core.adapters.clock import SystemClock
from ..._core.adapters.systemctl import MARGIN
from ..._core.errors import BadInput, Busy, OpsError, Refused, ServiceError, Stopped
from ..._core.files import exclusive, read_json, read_regular, set_aside, storage_errors, write_json
from ..._core.outcome import Outcome
from ..._core.unit_end import End, parse_end, parse_unseen, runs
from ..._ledger.adapters.host import host_ledger
from ..._traffic.split import SLOTS
from .. import environment_file, one_off
from ..commands import located
from ..layout import PROVISION, Layout
from ..lease import Claim
from ..one_off import Note, Wanted
from ..slot import Slot
from . import journal
from .folders import Folders, load_application
from .host import check_platform
from .interruptible_clock import InterruptibleClock
from .lock import end_request, hold, this_process
from .systemd import Systemd

#: Bytes of what it wrote that are returned.
OUTPUT = 16384
_SHORTEST_POLL, _LONGEST_POLL = 0.1, 1.0
#: What is shorter is no secret but a number.
_SECRET = 6


def release_command(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The use case behind the module, from its checked options."""
    check_platform()
    try:
        wanted = one_off.parse_wanted(
            params["command"], params["process"], params["version"], params["timeout"]
        )
        place = Place(Layout(load_application(params["application"])), params)
        return place.look(wanted) if check_mode else place.run(wanted)
    except OpsError as error:
        error.fix = located(error.fix, params["inventory"])
        raise


class Place:
    """One application on this host, for one-off commands."""

    def __init__(self, layout: Layout, params: Mapping[str, Any]) -> None:
        self.layout = layout
        self.params = params
        self.services = Systemd(layout)

    def look(self, wanted: Wanted) -> Outcome:
        """What would be done; refuses what would be refused."""
        note = self._note()
        left = one_off.unseen(self._ended(note)) if note else ""
        self._refuse_running()
        record, missing = self._place(wanted)
        first = (
            f"{left}. This call would run nothing and complete the ledger; the one after it runs."
            if left
            else ""
        )
        facts = {"missing": missing, "unseen": left, "summary": first or one_off.summary(record, wanted)}
        return Outcome(one_off.plan(record, wanted), {**facts, **_about(record, wanted, missing)})

    def run(self, wanted: Wanted) -> Outcome:
        """Run it, and wait for its end."""
        with self._alone():
            self._settle()
            self._refuse_running()
            record, missing = self._place(wanted)
            if missing or record is None:
                facts = {"missing": missing, "unseen": "", "summary": missing}
                return Outcome(one_off.plan(record, wanted), facts)
            secrets = Folders(self.layout).secrets(record.slot)
            note, invocation = self._begin(wanted)
            end = self._wait(note)
            secrets |= Folders(self.layout).secrets(note.slot)
            written = journal.output(invocation, secrets, OUTPUT)
            self._record(note, end)
            if _is_seen():
                self._forget(note)
            else:
                write_json(self.layout.one_off_note, one_off.closed(note, end).to_dict(), mode=0o600)
                self._clear(note)
        facts = {**one_off.result(note, end), "output": written, "missing": "", "unseen": ""}
        return Outcome(one_off.plan(record, wanted), {**facts, **_about(record, wanted, "")})

    def _place(self, wanted: Wanted) -> tuple[Slot | None, str]:
        """The record of the live slot, and why the command has no place here.

        A ledger that cannot be written is found before the command runs.

        :raises OpsError: it has none, and that is an error; something else is live than was named; a word is a secret
        """
        host_ledger().check()
        folders = Folders(self.layout)
        live = folders.state().live
        record = folders.record(live) if live and folders.held(live) else None
        missing = one_off.lacking(record, wanted)
        if missing and not self.params["report_missing"]:
            one_off.refuse_missing(missing, record)
        if record and not missing:
            one_off.refuse_other_version(record, wanted)
            one_off.refuse_secrets(wanted.words, self._secrets(folders, record))
        return record, missing

    def _secrets(self, folders: Folders, record: Slot) -> dict[str, str]:
        """What the release calls its secrets, as its processes have them."""
        text = ""
        with contextlib.suppress(OSError):
            text = read_regular(self.layout.environment(record.slot)).decode(errors="replace")
        values = environment_file.parse(text)
        names: tuple[str, ...] = ()
        # A manifest that is damaged is for the next release to be seen to.
        with contextlib.suppress(OpsError):
            names = tuple(folders.manifest(record.release).secrets)
        return {name: values[name] for name in names if len(values.get(name, "")) >= _SECRET}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """
        :raises Busy: another one is waited for by its run
        """

        def refuse(_waited: float) -> None:
            raise self._busy(str(self._note() or "another one-off command"))

        with exclusive(self.layout.one_off_lock, wait=refuse, subject="a one-off command"):
            yield

    def _busy(self, what: str) -> Busy:
        units = " ".join(self.layout.one_off(slot) for slot in SLOTS)
        return Busy(
            f"a one-off command of {self.layout.app.name} runs on this host: {what}",
            where="this host",
            fix=f"Wait for its end, or end it there: systemctl stop {units}",
        )

    def _refuse_running(self) -> None:
        """
        :raises Busy: one runs, whether or not something waits for it
        """
        for slot in SLOTS:
            unit = self.layout.one_off(slot)
            if runs(self.services.once(unit)):
                raise self._busy(str(self._note() or unit))

    def _note(self) -> Note | None:
        path = self.layout.one_off_note
        try:
            data = read_json(path, PROVISION)
        except BadInput:
            data = {}
        return one_off.parse_note(data)

    def _ended(self, note: Note) -> Note:
        """
        :raises Busy: it runs
        """
        return note if note.became else one_off.closed(note, self._end_of(note))

    def _end_of(self, note: Note) -> End:
        found = self.services.once(self.layout.one_off(note.slot))
        if runs(found):
            raise self._busy(str(note))
        return parse_unseen(found)

    def _settle(self) -> None:
        """Write down how a command ended whose run was killed: whoever starts it again should know that it ran.

        :raises Refused: there was one; the next time there is none
        """
        note = self._note()
        if note:
            said = one_off.unseen(self._ended(note))
            if not note.became:
                self._record(note, self._end_of(note))
            self._forget(note)
            raise Refused(
                f"{said}. The ledger has it, and nothing was run now",
                where="this host",
                fix="Run the same command again if it is to run once more.",
            )
        path = self.layout.one_off_note
        if os.path.lexists(path):
            set_aside(path)

    def _begin(self, wanted: Wanted) -> tuple[Note, str]:
        """Start it, with the application locked against changes; what was noted, and what systemd calls its run."""
        claim = Claim(self.params["run"], self.params["actor"], "start of a one-off command")
        clock = InterruptibleClock(end_request(self.layout), this_process(claim), controller=False)
        with hold(self.layout, claim, clock):
            # A change may have ended a moment ago.
            record, missing = self._place(wanted)
            one_off.refuse_missing(missing, record)
            note = self._noted(wanted, record)
            services = Systemd(self.layout, clock.sleep)
            folders = Folders(self.layout)
            write_json(self.layout.one_off_note, note.to_dict(), mode=0o600)
            try:
                unit = folders.write_one_off(note.slot, note.process, note.words, note.seconds)
                services.begin_once(unit)
            except (Stopped, OpsError):
                services.kill_once(self.layout.one_off(note.slot))
                self._forget(note)
                raise
            return note, self.services.once(unit).get("InvocationID", "")

    def _noted(self, wanted: Wanted, record: Slot | None) -> Note:
        if record is None:
            raise Refused("no release is live", where="this host", fix="Deploy first.")
        return Note(
            words=wanted.words,
            process=one_off.process_of(record, wanted),
            slot=record.slot,
            release=record.release,
            seconds=wanted.seconds,
            host=self.params["host"],
            run=self.params["run"],
            actor=self.params["actor"],
            since=SystemClock.text(),
            gate=self.params["gate"],
        )

    def _wait(self, note: Note) -> End:
        """Its end. systemd ends what takes too long."""
        unit, pause = self.layout.one_off(note.slot), _SHORTEST_POLL
        deadline = time.monotonic() + note.seconds + MARGIN
        while True:
            late = time.monotonic() > deadline
            try:
                found = self.services.once(unit)
            except ServiceError:
                # No answer is not its end.
                if late:
                    raise
            else:
                if not runs(found):
                    return parse_end(found)
                if late:
                    self.services.kill_once(unit)
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL)

    def _record(self, note: Note, end: End) -> None:
        """Ledger first: what dies before the note is gone writes it twice, and never not at all."""
        app = self.layout.app
        try:
            host_ledger().append(one_off.entry(note, end, app.name, app.environment), SystemClock.text())
        except OpsError as error:
            error.advise(f"The command has run: it {end.words(note.seconds)}.")
            raise

    def _clear(self, note: Note) -> None:
        self.services.end_once(self.layout.one_off(note.slot), MARGIN)
        Folders(self.layout).forget_one_off(note.slot)

    def _forget(self, note: Note) -> None:
        self._clear(note)
        path = self.layout.one_off_note
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _is_seen() -> bool:
    """Whether the controller is still there to be given the result."""
    try:
        InterruptibleClock(controller=True).check()
    except Stopped:
        return False
    return True


def _about(record: Slot | None, wanted: Wanted, missing: str) -> dict[str, Any]:
    words = {"command": list(wanted.words)}
    return words if record is None or missing else {**words, **one_off.facts(record, wanted)}
