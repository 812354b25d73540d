# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A websocket (RFC 6455) at `/live`: one message a second that says who sends it, until a side leaves."""

from __future__ import annotations

import base64
import hashlib
import json
import select
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from itertools import count

from agents import __version__

PATH = "/live"
EVERY = 1.0  # seconds
TEXT, CLOSE = 0x81, 0x88  # the first byte of a frame that is whole
GOING_AWAY = (1001).to_bytes(2, "big")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def asked_for(handler: BaseHTTPRequestHandler) -> bool:
    upgrade = handler.headers.get("Upgrade", "").lower() == "websocket"
    return upgrade and handler.path == PATH and "Sec-WebSocket-Key" in handler.headers


def serve(handler: BaseHTTPRequestHandler, slot: str, stopping: Callable[[], bool]) -> None:
    """Until the client leaves, or this process stops: then it is closed with 1001, as browsers expect it."""
    handler.close_connection = True
    key = handler.headers["Sec-WebSocket-Key"].strip().encode()
    handler.send_response(101)
    handler.send_header("Upgrade", "websocket")
    handler.send_header("Connection", "Upgrade")
    handler.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode())
    handler.end_headers()
    for beat in count():
        if stopping():
            _send(handler, CLOSE, GOING_AWAY)
            return
        _send(handler, TEXT, json.dumps({"beat": beat, "version": __version__, "slot": slot}).encode())
        if select.select([handler.connection], [], [], EVERY)[0] and _has_left(handler.connection.recv(4096)):
            return


def _send(handler: BaseHTTPRequestHandler, kind: int, payload: bytes) -> None:
    """A server's frames are not masked; these are all shorter than 126 bytes."""
    handler.wfile.write(bytes([kind, len(payload)]) + payload)
    handler.wfile.flush()


def _has_left(received: bytes) -> bool:
    """What else a client says is not listened to."""
    return not received or received[0] == CLOSE
