# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the handler of a method and a path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from agents.exchange import HttpError, Request, Response
from agents.storage import Database

Handler = Callable[[Database, Request], Response]


class Route(NamedTuple):
    method: str
    template: str  # `/tasks/{id}`
    handler: Handler


class Router:
    def __init__(self, routes: Iterable[Route]) -> None:
        self._paths: dict[str, tuple[re.Pattern[str], dict[str, Route]]] = {}
        for route in routes:
            pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.template))
            self._paths.setdefault(route.template, (pattern, {}))[1][route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        for pattern, routes in self._paths.values():
            found = pattern.fullmatch(path)
            if found:
                wanted = "GET" if method == "HEAD" else method
                if wanted not in routes:
                    raise HttpError(405, f"{method} is not possible here", Allow=", ".join(sorted(routes)))
                return routes[wanted], found.groupdict()
        raise HttpError(404, "there is nothing at this path")
