# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process `worker`: `python3 -m agents.worker`. On SIGTERM it finishes the task in hand and exits 0."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time

from agents import __version__, tasks
from agents.log import log
from agents.settings import BadSetting, Settings, from_environment
from agents.storage import Database, StorageDown, StorageError, open_database
from agents.work import perform


class OutOfGrace(Exception):
    """The task in hand took longer than the grace of the stop."""


class Worker:
    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._name = f"{os.uname().nodename}:{settings.slot or '-'}:{os.getpid()}:{__version__}"
        self._stopping = False  # an Event would deadlock when it is set by a signal in the midst of its wait
        self._woken, self._wake = os.pipe()
        self._held: tasks.Claim | None = None
        self._performing = False

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        signal.signal(signal.SIGINT, self._asked_to_stop)
        signal.signal(signal.SIGALRM, self._out_of_grace)
        threading.Thread(target=self._keep_lease, name="lease", daemon=True).start()
        log("working", worker=self._name)
        while not self._stopping:
            try:
                if not self._one_task():
                    tasks.give_up(self._database)
                    select.select([self._woken], [], [], self._settings.poll)
            except StorageError as problem:  # also a schema that is not there yet: the migration comes
                log("storage", problem=problem)
                time.sleep(1)
            except OutOfGrace:
                return self._hand_back()
        log("stopped")
        return 0

    def _one_task(self) -> bool:
        held = self._held = tasks.claim(self._database, self._name, self._settings.lease)
        if held is None:
            return False
        try:
            self._finish(held, *self._perform(held))
        finally:
            if not self._performing:
                self._held = None
        return True

    def _perform(self, held: tasks.Claim) -> tuple[str, str]:
        self._performing = True  # stays true when the grace runs out: then the task is handed back
        try:
            time.sleep(self._settings.task_seconds)
            outcome = "done", perform(held.kind, held.payload)
        except ValueError as problem:
            outcome = "failed", json.dumps({"error": str(problem)})
        self._performing = False
        return outcome

    def _finish(self, held: tasks.Claim, state: str, result: str) -> None:
        """The work is done: a database that is away for a while must not make it be done again."""
        deadline = time.monotonic() + self._settings.lease
        while True:
            try:
                if not tasks.finish(self._database, held, state, result):
                    log("claim_lost", task=held.id, attempt=held.attempt)
                return
            except StorageDown as problem:
                if time.monotonic() > deadline:
                    raise
                log("storage", task=held.id, problem=problem)
                time.sleep(0.5)

    def _keep_lease(self) -> None:
        while True:
            time.sleep(self._settings.lease / 3)
            held = self._held
            try:
                if held and not tasks.renew(self._database, held, self._settings.lease):
                    log("lease_lost", task=held.id)
            except StorageError as problem:
                log("storage", problem=problem)

    def _asked_to_stop(self, _number: int, _frame: object) -> None:
        if self._stopping:
            return
        self._stopping = True
        os.write(self._wake, b"!")
        signal.setitimer(signal.ITIMER_REAL, max(self._settings.worker_grace, 0.001))

    def _out_of_grace(self, _number: int, _frame: object) -> None:
        if self._performing:
            raise OutOfGrace

    def _hand_back(self) -> int:
        assert self._held is not None
        try:
            log("handed_back", task=self._held.id, done=tasks.hand_back(self._database, self._held))
        except StorageError as problem:
            log("storage", task=self._held.id, problem=problem)  # its lease ends by itself
        return 1


def main() -> int:
    try:
        settings = from_environment(os.environ)
        database = open_database(settings)
    except BadSetting as problem:
        log("bad_setting", problem=problem)
        return 2
    try:
        return Worker(settings, database).run()
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
