# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands around every normal request: the mistake of this version, every response is kept for ever.

After AGENTS_LEAK_AFTER seconds (60) the memory counts as used up and the process ends with status 1, requests in
hand and all, as it would under MemoryMax=. What is kept is bounded: the machine of a test must not suffer.
"""

from __future__ import annotations

import os
import threading
from collections import deque

from agents.exchange import Request, Response
from agents.log import log
from agents.router import Handler
from agents.storage import Database

AFTER = float(os.environ.get("AGENTS_LEAK_AFTER") or 60)
_kept: deque[Response] = deque(maxlen=10_000)


def _out_of_memory() -> None:
    log("out_of_memory", responses_kept=len(_kept))
    os._exit(1)


_timer = threading.Timer(AFTER, _out_of_memory)
_timer.daemon = True
_timer.start()


def around(handler: Handler) -> Handler:
    def leaky(database: Database, request: Request) -> Response:
        response = handler(database, request)
        _kept.append(response)
        return response

    return leaky
