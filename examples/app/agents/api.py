# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process `api`: `python3 -m agents.api`. SIGTERM and SIGINT stop it gracefully."""

from __future__ import annotations

import os
import signal
import sys
import threading

from agents import __version__
from agents.app import App
from agents.log import log
from agents.server import ACCEPT_POLL, Server
from agents.settings import BadSetting, Settings, from_environment
from agents.storage import Database, open_database

STOP = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    try:
        settings = from_environment(os.environ)
        database = open_database(settings)
    except BadSetting as problem:
        log("bad_setting", problem=problem)
        return 2
    return serve(settings, database)


def serve(settings: Settings, database: Database) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)  # in every thread: the main thread takes them from sigwait
    try:
        server = Server(App(settings, database), settings)
    except OSError as problem:
        log("cannot_listen", bind=settings.bind, port=settings.port, problem=problem)
        return 1
    threading.Thread(target=server.serve_forever, args=(ACCEPT_POLL,), name="accept", daemon=True).start()
    log(
        "listening",
        bind=settings.bind,
        port=server.server_address[1],
        version=__version__,
        slot=settings.slot,
    )
    signal.sigwait(STOP)
    log("stopping")
    complete = server.stop()
    database.close()
    log("stopped", complete=complete)
    return 0


if __name__ == "__main__":
    sys.exit(main())
