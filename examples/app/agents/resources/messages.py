# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages from agent to agent. Reading an inbox takes nothing out of it: ask with `after` for what is new, and
with `wait` to get it as soon as it is there."""

from __future__ import annotations

import time
from typing import Any

from agents.exchange import HttpError, Request, Response, reply, text_of
from agents.resources.agents import agent_name
from agents.router import Route
from agents.storage import Database

COLUMNS = "id, sender, recipient, body, sent"
LONGEST, LOOK = 60, 0.25  # seconds that a reader may wait; between two looks
KNOWN = "(SELECT COUNT(*) FROM agents WHERE name IN (:sender, :recipient)) = :both"


def send(database: Database, request: Request) -> Response:
    fields = request.fields()
    sender = agent_name(text_of(fields, "from", 64))
    recipient = agent_name(text_of(fields, "to", 64))
    rows = database.change(
        "INSERT INTO messages (sender, recipient, body, sent)"
        f" SELECT :sender, :recipient, :body, {{now}} WHERE {KNOWN} RETURNING {COLUMNS}",
        sender=sender,
        recipient=recipient,
        body=text_of(fields, "body", 10_000),
        both=len({sender, recipient}),
    )
    if not rows:
        raise HttpError(404, "the sender or the recipient is not registered")
    return reply(rows[0], 201)


def inbox(database: Database, request: Request) -> Response:
    until = time.monotonic() + request.whole("wait", 0, 0, LONGEST)
    while not (rows := _waiting(database, request)) and time.monotonic() < until:
        time.sleep(LOOK)
    return reply({"messages": rows})


def _waiting(database: Database, request: Request) -> list[dict[str, Any]]:
    return database.rows(
        f"SELECT {COLUMNS} FROM messages WHERE recipient = :name AND id > :after ORDER BY id LIMIT :limit",
        name=agent_name(request.params["name"]),
        after=request.whole("after", 0, 0, 2**62),
        limit=request.whole("limit", 100, 1, 1000),
    )


ROUTES = (
    Route("POST", "/messages", send),
    Route("GET", "/agents/{name}/inbox", inbox),
)
