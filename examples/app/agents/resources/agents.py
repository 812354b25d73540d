# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents: they register, say that they are alive, and are listed."""

from __future__ import annotations

import re

from agents.exchange import HttpError, Request, Response, reply, text_of
from agents.router import Route
from agents.storage import Database

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
COLUMNS = "name, role, registered, seen"


def agent_name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise HttpError(
            400, "the name of an agent has 1 to 64 of a-z 0-9 . _ - and begins with a letter or digit"
        )
    return text


def register(database: Database, request: Request) -> Response:
    """Registering again changes the role, so an agent may do it at every start."""
    fields = request.fields()
    rows = database.change(
        "INSERT INTO agents (name, role, registered, seen) VALUES (:name, :role, {now}, {now})"
        f" ON CONFLICT (name) DO UPDATE SET role = excluded.role, seen = excluded.seen RETURNING {COLUMNS}",
        name=agent_name(text_of(fields, "name", 64)),
        role=text_of(fields, "role", 64, default=""),
    )
    return reply(rows[0], 201)


def listed(database: Database, request: Request) -> Response:
    limit = request.whole("limit", 100, 1, 1000)
    after = request.query.get("after", "")
    if after:
        agent_name(after)
    rows = database.rows(
        f"SELECT {COLUMNS} FROM agents WHERE name > :after ORDER BY name LIMIT :limit",
        after=after,
        limit=limit,
    )
    return reply({"agents": rows})


def heartbeat(database: Database, request: Request) -> Response:
    rows = database.change(
        f"UPDATE agents SET seen = {{now}} WHERE name = :name RETURNING {COLUMNS}",
        name=agent_name(request.params["name"]),
    )
    if not rows:
        raise HttpError(404, "there is no agent of this name")
    return reply(rows[0])


ROUTES = (
    Route("GET", "/agents", listed),
    Route("POST", "/agents", register),
    Route("POST", "/agents/{name}/heartbeat", heartbeat),
)
