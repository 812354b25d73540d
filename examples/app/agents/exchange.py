# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request and its response, without any socket: what the resources take and return."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

JSON = "application/json"


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def reply(data: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(status, json.dumps(data, separators=(",", ":")).encode() + b"\n", headers=headers)


class HttpError(Exception):
    """A request that is refused, with the reason the client gets to read."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = tuple((name.replace("_", "-"), value) for name, value in headers.items())

    def response(self) -> Response:
        return reply({"error": str(self), "status": self.status}, self.status, self.headers)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    authorization: str = field(default="", repr=False)
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)  # what the route found in the path

    def at(self, params: Mapping[str, str]) -> Request:
        return replace(self, params=params)

    def fields(self) -> dict[str, Any]:
        """The JSON object in the body."""
        try:
            data = json.loads(self.body)
        except (ValueError, RecursionError):
            raise HttpError(400, "the body is not JSON") from None
        if not isinstance(data, dict):
            raise HttpError(400, "the body is not a JSON object")
        return data

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number in the query string."""
        text = self.query.get(name, str(default))
        return _within(
            name, int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None, low, high
        )


def text_of(fields: Mapping[str, Any], name: str, longest: int, default: str | None = None) -> str:
    """A text in a JSON object; without a default it has to be there."""
    value = fields.get(name, default)
    if not isinstance(value, str) or not _encodes(value) or "\0" in value:
        raise HttpError(400, f"{name} has to be a text")
    if len(value) > longest or (default is None and not value):
        raise HttpError(400, f"{name} has to have 1 to {longest} characters")
    return value


def whole_of(fields: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    """A whole number in a JSON object."""
    value = fields.get(name, default)
    return _within(name, value if type(value) is int else None, low, high)


def _within(name: str, value: int | None, low: int, high: int) -> int:
    if value is None or not low <= value <= high:
        raise HttpError(400, f"{name} has to be a whole number from {low} to {high}")
    return value


def _encodes(text: str) -> bool:
    """JSON may carry half a surrogate pair, which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
