# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection: reads requests, hands them to the application, writes responses in one piece."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from agents import __version__, live
from agents.exchange import HttpError, Request, Response
from agents.log import log

if TYPE_CHECKING:
    from agents.server import Server

READ_AWAY = 2**20  # bytes of a refused body that are read, so that the client sees the refusal


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # a broken request line still gets a whole response
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    timeout = 75  # idle seconds; longer than proxies keep an idle connection

    def parse_request(self) -> bool:
        self.server.mark(self.connection, busy=True)
        return super().parse_request()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        finally:
            self.server.mark(self.connection, busy=False)

    def respond(self) -> None:
        if live.asked_for(self):
            live.serve(self, self.server.settings.slot, lambda: self.server.stopping)
            return
        try:
            response = self.server.app.handle(self._request())
        except HttpError as refused:
            response = refused.response()
        self._write(response)
        if self.server.settings.access_log:
            log("request", method=self.command, path=urlsplit(self.path).path, status=response.status)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = respond  # noqa: N815 http.server finds them by name

    def _request(self) -> Request:
        body = self._body()
        try:
            url = urlsplit(self.path)
            query = dict(parse_qsl(url.query, keep_blank_values=True, max_num_fields=20))
        except ValueError:
            raise HttpError(400, "the address cannot be read") from None
        authorization = self.headers.get("Authorization", "")
        return Request(self.command, unquote(url.path), query, authorization, body)

    def _body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise HttpError(411, "send Content-Length instead of Transfer-Encoding")
        lengths = self.headers.get_all("Content-Length", ["0"])
        if len(set(lengths)) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            self.close_connection = True
            raise HttpError(400, "Content-Length is not a number")
        length = int(lengths[0]) if len(lengths[0]) < 16 else 2**60
        limit = self.server.settings.max_body
        if length > limit:
            self.close_connection = True
            self._read_away(min(length, READ_AWAY))
            raise HttpError(413, f"the body is larger than {limit} bytes")
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the client left in the middle of its request")
        return body

    def _read_away(self, left: int) -> None:
        while left > 0:
            piece = self.rfile.read(min(left, 65536))
            if not piece:
                return
            left -= len(piece)

    def _write(self, response: Response) -> None:
        if self.server.stopping:
            self.close_connection = True
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def send_error(self, code: int, message: str | None = None, _explain: str | None = None) -> None:
        """What http.server refuses by itself: a broken request line, too many headers, an unknown method."""
        self.close_connection = True
        self._write(HttpError(int(code), message or "the request cannot be read").response())
        self.wfile.flush()

    def version_string(self) -> str:
        return f"agents/{__version__}"

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 its name there
        """Silence: http.server would write every request line, with its query, to the log."""
