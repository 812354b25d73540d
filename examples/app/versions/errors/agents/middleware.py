# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands around every normal request: the mistake of this version, an error in every 20th of them."""

from __future__ import annotations

from itertools import count

from agents.exchange import HttpError, Request, Response
from agents.router import Handler
from agents.storage import Database

EVERY = 20
_requests = count(1)  # next() is atomic: no two threads get the same number


def around(handler: Handler) -> Handler:
    def unlucky(database: Database, request: Request) -> Response:
        if next(_requests) % EVERY == 0:
            raise HttpError(500, "the mistake of this version")
        return handler(database, request)

    return unlucky
