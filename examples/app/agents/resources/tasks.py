# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks: clients create and read them; workers claim and finish them in the database."""

from __future__ import annotations

import json
from typing import Any

from agents import model, tasks
from agents.exchange import HttpError, Request, Response, reply, text_of
from agents.resources.agents import agent_name
from agents.router import Route
from agents.storage import Database
from agents.work import KINDS

STATES = ("queued", "running", "done", "failed")
LARGEST = 2**62


def create(database: Database, request: Request) -> Response:
    fields = request.fields()
    kind = text_of(fields, "kind", 32)
    if kind not in KINDS:
        raise HttpError(400, f"kind has to be one of {', '.join(KINDS)}")
    agent = text_of(fields, "agent", 64, default="")
    task = tasks.create(
        database,
        kind,
        text_of(fields, "payload", 50_000, default=""),
        agent_name(agent) if agent else "",
        model.from_client(fields),
    )
    return reply(_shown(task), 201, (("Location", f"/tasks/{task['id']}"),))


def listed(database: Database, request: Request) -> Response:
    state = request.query.get("state", "")
    if state and state not in STATES:
        raise HttpError(400, f"state has to be one of {', '.join(STATES)}")
    before, limit = request.whole("before", LARGEST, 1, LARGEST), request.whole("limit", 50, 1, 1000)
    found = tasks.newest(database, state, before, limit)
    return reply({"tasks": [_shown(task) for task in found]})


def one(database: Database, request: Request) -> Response:
    text = request.params["id"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    task = tasks.get(database, min(number, LARGEST))
    if task is None:
        raise HttpError(404, "there is no task of this number")
    return reply(_shown(task))


def _shown(task: dict[str, Any]) -> dict[str, Any]:
    result = task["result"]
    return {**task, "result": None if result is None else json.loads(result)}


ROUTES = (
    Route("GET", "/tasks", listed),
    Route("POST", "/tasks", create),
    Route("GET", "/tasks/{id}", one),
)
