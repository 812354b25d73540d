# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much there is of everything."""

from __future__ import annotations

from agents.exchange import Request, Response, reply
from agents.router import Route
from agents.storage import Database
from agents.tasks import count_by_state

COUNTS = "SELECT (SELECT COUNT(*) FROM agents) AS agents, (SELECT COUNT(*) FROM messages) AS messages"
WAITING = "SELECT priority, COUNT(*) AS number FROM tasks WHERE state = 'queued' GROUP BY priority ORDER BY priority"


def stats(database: Database, _request: Request) -> Response:
    waiting = {str(row["priority"]): row["number"] for row in database.rows(WAITING)}
    tasks = dict(count_by_state(database))
    return reply({**database.rows(COUNTS)[0], "tasks": tasks, "waiting_by_priority": waiting})


ROUTES = (Route("GET", "/stats", stats),)
