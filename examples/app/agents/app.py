# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a request to its response: routes, warm-up, token, errors, counters. Knows no sockets."""

from __future__ import annotations

import hmac
import time
import traceback

from agents import __version__, resources
from agents.exchange import HttpError, Request, Response, reply
from agents.health import Health
from agents.log import log
from agents.metrics import CONTENT_TYPE, Metrics
from agents.middleware import around
from agents.router import Handler, Route, Router
from agents.settings import Settings
from agents.storage import Database, StorageError
from agents.tasks import count_by_state

READS = ("GET", "HEAD")


class App:
    def __init__(self, settings: Settings, database: Database) -> None:
        self._token = settings.token.encode()
        self._slot = settings.slot
        self._started = time.time()
        self._database = database
        self.health = Health(database, settings.warmup)
        self.metrics = Metrics(__version__, settings.slot, self._started)
        self._router = Router(
            (
                Route("GET", "/health", self._health),
                Route("GET", "/version", self._version),
                Route("GET", "/metrics", self._metrics),
                *(
                    Route(method, path, self._guarded(around(handler)))
                    for method, path, handler in resources.ROUTES
                ),
            )
        )

    def handle(self, request: Request) -> Response:
        begun = time.perf_counter()
        route = "other"
        try:
            found, params = self._router.find(request.method, request.path)
            route = found.template
            response = found.handler(self._database, request.at(params))
        except HttpError as refused:
            response = refused.response()
        except StorageError as problem:
            log("storage", route=route, problem=problem)
            response = HttpError(503, str(problem), Retry_After="1").response()
        except Exception:
            log("crash", route=route, trace=traceback.format_exc())
            response = HttpError(500, "an error of this application, see its log").response()
        self.metrics.observe(request.method, route, response.status, time.perf_counter() - begun)
        return response

    def _guarded(self, handler: Handler) -> Handler:
        """Normal requests wait for the warm-up, and changes need the token."""

        def guard(database: Database, request: Request) -> Response:
            if self.health.warming_up():
                raise HttpError(503, "warming up", Retry_After="1")
            if self._token and request.method not in READS and not self._knows_token(request.authorization):
                raise HttpError(
                    401, "this needs Authorization: Bearer and the token", WWW_Authenticate="Bearer"
                )
            return handler(database, request)

        return guard

    def _knows_token(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        given = token.strip().encode("utf-8", "replace")
        return scheme.lower() == "bearer" and hmac.compare_digest(given, self._token)

    def _health(self, _database: Database, _request: Request) -> Response:
        status, report = self.health.report()
        return reply({**report, "version": __version__, "slot": self._slot}, status)

    def _version(self, _database: Database, _request: Request) -> Response:
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._started))
        return reply({"name": "agents", "version": __version__, "slot": self._slot, "started": started})

    def _metrics(self, database: Database, _request: Request) -> Response:
        try:
            tasks = count_by_state(database)
        except StorageError:
            tasks = []
        gauges = {
            "agents_warmed_up": int(not self.health.warming_up()),
            "agents_stopping": int(self.health.stopping),
        }
        return Response(200, self.metrics.text(gauges, tasks).encode(), CONTENT_TYPE)
