# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands around every normal request: the mistake of this version, a pause in every 40th of them.

2.5 % of the requests are slow, so the median stays and the 99th percentile is what the pause makes it.
"""

from __future__ import annotations

import os
import time
from itertools import count

from agents.exchange import Request, Response
from agents.router import Handler
from agents.storage import Database

EVERY = 40
PAUSE = float(os.environ.get("AGENTS_SLOW_SECONDS") or 0.03)
_requests = count(1)  # next() is atomic: no two threads get the same number


def around(handler: Handler) -> Handler:
    def sluggish(database: Database, request: Request) -> Response:
        if next(_requests) % EVERY == 0:
            time.sleep(PAUSE)
        return handler(database, request)

    return sluggish
