# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes the schema: `python3 -m agents.migrate expand|contract|status`.

Every step is recorded in the database in the transaction that makes it, under a lock: running this again, or on
several hosts at once, does each step once. Prints JSON. Ends with 0 when the schema is as asked, 1 otherwise.
"""

from __future__ import annotations

import json
import os
import sys
import time

from agents import __version__
from agents.log import log
from agents.migrations import STEPS, Step
from agents.settings import BadSetting, from_environment
from agents.storage import Database, SchemaMismatch, StorageDown, StorageError, open_database
from agents.storage.base import Execute

TRIES = 5  # a step that does not get its table in time lets the requests through and tries again
RECORD = (
    "CREATE TABLE IF NOT EXISTS schema_steps (name TEXT NOT NULL, phase TEXT NOT NULL,"
    " version TEXT NOT NULL, applied DOUBLE PRECISION NOT NULL, PRIMARY KEY (name, phase))"
)
DONE = "SELECT name, phase FROM schema_steps ORDER BY applied, name"

Done = set[tuple[str, str]]


class NotPossible(Exception):
    """The schema is not in a state from which this can be done."""


def expand(database: Database) -> list[str]:
    return _apply(database, "expand")


def contract(database: Database) -> list[str]:
    return _apply(database, "contract")


def status(database: Database) -> dict[str, list[str]]:
    try:
        done = {(row["name"], row["phase"]) for row in database.rows(DONE)}
    except SchemaMismatch:
        done = set()
    return {
        "applied": [f"{name} {phase}" for name, phase in sorted(done)],
        "expand": [step.name for step in _pending("expand", done)],
        "contract": [step.name for step in _pending("contract", done)],
    }


def _apply(database: Database, phase: str) -> list[str]:
    for attempt in range(1, TRIES + 1):
        try:
            with database.migrating() as execute:
                return _apply_pending(execute, phase)
        except StorageDown as problem:
            if attempt == TRIES:
                raise
            log("migration_waits", attempt=attempt, problem=problem)
            time.sleep(0.5 * attempt)
    raise AssertionError("unreachable")


def _apply_pending(execute: Execute, phase: str) -> list[str]:
    execute(RECORD)
    done = {(row["name"], row["phase"]) for row in execute(DONE)}
    _check(phase, done)
    pending = _pending(phase, done)
    for step in pending:
        for statement in _statements(step, phase):
            execute(statement)
        execute(
            "INSERT INTO schema_steps (name, phase, version, applied) VALUES (:name, :phase, :version, {now})",
            name=step.name,
            phase=phase,
            version=__version__,
        )
    return [step.name for step in pending]


def _pending(phase: str, done: Done) -> list[Step]:
    return [step for step in STEPS if (step.name, phase) not in done and _statements(step, phase)]


def _statements(step: Step, phase: str) -> tuple[str, ...]:
    return step.expand if phase == "expand" else step.contract


def _check(phase: str, done: Done) -> None:
    known = {step.name for step in STEPS}
    beyond = sorted(name for name, made in done if made == "contract" and name not in known)
    if beyond:
        raise NotPossible(
            f"the schema was contracted past version {__version__} ({', '.join(beyond)}): deploy a newer one"
        )
    missing = _pending("expand", done)
    if phase == "contract" and missing:
        raise NotPossible(f"run expand first: {', '.join(step.name for step in missing)}")


def main(arguments: list[str]) -> int:
    commands = {"expand": expand, "contract": contract, "status": status}
    if len(arguments) != 1 or arguments[0] not in commands:
        print("usage: python3 -m agents.migrate expand|contract|status", file=sys.stderr)
        return 2
    try:
        result = commands[arguments[0]](open_database(from_environment(os.environ)))
    except BadSetting as problem:
        log("bad_setting", problem=problem)
        return 2
    except (StorageError, NotPossible) as problem:
        log("migration_failed", command=arguments[0], problem=problem)
        return 1
    print(json.dumps(result if isinstance(result, dict) else {"changed": bool(result), "applied": result}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
