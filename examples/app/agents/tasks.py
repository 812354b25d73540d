# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of tasks in the database. Every change is one statement, so every change is atomic.

A claim is a lease: a worker that lives renews it, and the task of a worker that died goes to another one when
it has run out. The number of the attempt fences: only the holder of the newest claim can finish the task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agents.model import COLUMN, FIRST
from agents.storage import Database

COLUMNS = f"id, kind, payload, agent, {COLUMN}, state, worker, attempts, result, created, finished"
ATTEMPTS = 5  # so many workers may die over a task before it counts as failed
HELD = "id = :id AND attempts = :attempt AND state = 'running'"


@dataclass(frozen=True)
class Claim:
    id: int
    attempt: int
    kind: str
    payload: str


def create(database: Database, kind: str, payload: str, agent: str, extra: object) -> dict[str, Any]:
    return database.change(
        f"INSERT INTO tasks (kind, payload, agent, {COLUMN}, created)"
        f" VALUES (:kind, :payload, :agent, :extra, {{now}}) RETURNING {COLUMNS}",
        kind=kind,
        payload=payload,
        agent=agent,
        extra=extra,
    )[0]


def get(database: Database, number: int) -> dict[str, Any] | None:
    rows = database.rows(f"SELECT {COLUMNS} FROM tasks WHERE id = :id", id=number)
    return rows[0] if rows else None


def newest(database: Database, state: str, before: int, limit: int) -> list[dict[str, Any]]:
    wanted = "AND state = :state" if state else ""
    return database.rows(
        f"SELECT {COLUMNS} FROM tasks WHERE id < :before {wanted} ORDER BY id DESC LIMIT :limit",
        state=state,
        before=before,
        limit=limit,
    )


def count_by_state(database: Database) -> list[tuple[str, int]]:
    rows = database.rows("SELECT state, COUNT(*) AS number FROM tasks GROUP BY state ORDER BY state")
    return [(row["state"], row["number"]) for row in rows]


def claim(database: Database, worker: str, lease: float) -> Claim | None:
    rows = database.change(
        "UPDATE tasks SET state = 'running', worker = :worker, attempts = attempts + 1,"
        " lease_until = {now} + :lease WHERE id = (SELECT id FROM tasks WHERE state = 'queued'"
        " OR (state = 'running' AND lease_until < {now} AND attempts < :most)"
        f" ORDER BY {FIRST} LIMIT 1 {{skip_locked}}) RETURNING id, attempts, kind, payload",
        worker=worker,
        lease=lease,
        most=ATTEMPTS,
    )
    return Claim(rows[0]["id"], rows[0]["attempts"], rows[0]["kind"], rows[0]["payload"]) if rows else None


def renew(database: Database, held: Claim, lease: float) -> bool:
    return bool(
        database.change(
            f"UPDATE tasks SET lease_until = {{now}} + :lease WHERE {HELD} RETURNING id",
            lease=lease,
            id=held.id,
            attempt=held.attempt,
        )
    )


def finish(database: Database, held: Claim, state: str, result: str) -> bool:
    """False when the claim was lost: the result is thrown away, as another worker has the task."""
    return bool(
        database.change(
            f"UPDATE tasks SET state = :state, result = :result, finished = {{now}} WHERE {HELD} RETURNING id",
            state=state,
            result=result,
            id=held.id,
            attempt=held.attempt,
        )
    )


def hand_back(database: Database, held: Claim) -> bool:
    return bool(
        database.change(
            f"UPDATE tasks SET state = 'queued' WHERE {HELD} RETURNING id",
            id=held.id,
            attempt=held.attempt,
        )
    )


def give_up(database: Database) -> list[int]:
    """Tasks over which too many workers have died."""
    rows = database.change(
        "UPDATE tasks SET state = 'failed', finished = {now}, result = :reason"
        " WHERE state = 'running' AND lease_until < {now} AND attempts >= :most RETURNING id",
        reason='{"error": "too many workers died over this task"}',
        most=ATTEMPTS,
    )
    return [row["id"] for row in rows]
