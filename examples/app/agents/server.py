# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 on a socket: a thread a connection, keep-alive, and a stop that loses no request."""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from typing import Any

from agents.app import App
from agents.handler import Handler
from agents.log import log
from agents.settings import Settings

ACCEPT_POLL = 0.1  # seconds between two looks at the request to stop


LISTEN_FDS_START = 3  # sd_listen_fds(3)


def inherited(env: Mapping[str, str]) -> socket.socket | None:
    """The socket that systemd holds for this process: it goes on to take connections while the process is restarted."""
    if env.get("LISTEN_PID") != str(os.getpid()) or env.get("LISTEN_FDS", "0") == "0":
        return None
    return socket.socket(fileno=LISTEN_FDS_START)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # stop() waits itself, and no longer than the grace
    request_queue_size = 128

    def __init__(self, app: App, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.stopping = False
        self._change = threading.Condition()
        self._busy: dict[socket.socket, bool] = {}  # every open connection: does it have a request in hand?
        given = inherited(os.environ)
        super().__init__((settings.bind, settings.port), Handler, bind_and_activate=given is None)
        if given:
            self.socket.close()
            self.socket = given
            self.server_address = given.getsockname()

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer would ask the DNS for this host's name

    def process_request(self, request: Any, client_address: Any) -> None:
        self.mark(request, busy=False)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._change:
            self._busy.pop(request, None)
            self._change.notify_all()

    def handle_error(self, _request: object, _client_address: object) -> None:
        log("connection_lost", problem=repr(sys.exc_info()[1]))

    def mark(self, connection: socket.socket, busy: bool) -> None:
        with self._change:
            self._busy[connection] = busy
            self._change.notify_all()

    def stop(self) -> bool:
        """No new connections; what was asked is answered. True when every request was answered."""
        deadline = time.monotonic() + self.settings.grace
        self.stopping = self.app.health.stopping = True  # from here on, responses carry `Connection: close`
        self._end_accepting()
        self._accept_what_waits()
        self.server_close()
        self._wait_for_all(min(deadline, time.monotonic() + self.settings.linger))
        while not self._wait_for_all(min(deadline, time.monotonic() + ACCEPT_POLL)):
            if time.monotonic() >= deadline:
                return False
            self._end_idle()
        return True

    def _end_accepting(self) -> None:
        """A connection of our own ends the wait for one, which would look for a stop only every ACCEPT_POLL."""
        ending = threading.Thread(target=self.shutdown, name="ending")
        ending.start()
        with contextlib.suppress(OSError):
            socket.create_connection(self.server_address[:2], timeout=ACCEPT_POLL).close()
        ending.join()

    def _accept_what_waits(self) -> None:
        """The kernel has finished the handshake of these; closing the listener would reset them."""
        self.socket.setblocking(False)
        while True:
            try:
                connection, address = self.get_request()
            except OSError:
                return
            connection.setblocking(True)
            self.process_request(connection, address)

    def _end_idle(self) -> None:
        """Their next read ends at once; a request that has just arrived is still read and answered."""
        with self._change:
            for connection in [one for one, busy in self._busy.items() if not busy]:
                with contextlib.suppress(OSError):  # the other side was faster
                    connection.shutdown(socket.SHUT_RD)

    def _wait_for_all(self, until: float) -> bool:
        with self._change:
            return self._change.wait_for(lambda: not self._busy, max(0.0, until - time.monotonic()))
