# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy through its runtime API and its split file. The only file that knows HAProxy."""

from __future__ import annotations

import csv
import io
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import replace

from ..._core.errors import TrafficError
from ..._core.files import write_atomic
from ..latency import parse_table, table
from ..split import SLOTS, Server, Split, TrafficFacts, parse, render

_TIMEOUT = 5.0
_POLL = 0.1
#: How long a restart of the proxy may take before it counts as stopped.
_RESTART = 3.0
#: How the status of a server begins that passes its checks; NOLB and DRAIN are those of weight 0.
_UP = ("UP", "NOLB", "DRAIN", "no check")
#: Every server of every proxy: by name alone, a frontend of the same name would be meant.
_STAT = "show stat -1 4 -1"
_HEAD = "# pxname,"
_LIFE = re.compile(r"^(?:Pid|Start_time_sec): ([0-9]+)$", re.MULTILINE)


class HAProxy:
    """The backend of one application.

    :param path: the runtime API's socket, with level admin
    :param split_file: what the proxy reads at each start and reload
    """

    def __init__(self, application: str, backend: str, path: str, split_file: str) -> None:
        self.application = application
        self.backend = backend
        self.path = path
        self.split_file = split_file

    def facts(self) -> TrafficFacts:
        """
        :raises TrafficError: the proxy does not answer or has no such backend
        """
        # In one exchange: these are the counters of that process.
        text = self._ask(f"show info; show table {table(self.application)}; {_STAT}")
        latency = parse_table(text)
        servers = {
            slot: replace(server, latency=latency.get(slot, ()))
            for slot, server in self._parsed(text[text.index(_HEAD) :]).items()
        }
        return TrafficFacts(self._persisted(), servers, "-".join(_LIFE.findall(text)))

    def shift(self, split: Split) -> None:
        """Persist the split, then put it in force: what a crash leaves is repaired by doing it again.

        Slots that gain come first, so that at no instant all weights are zero.
        """
        write_atomic(self.split_file, render(self.application, split).encode())
        ordered = sorted(SLOTS, key=lambda slot: -split[slot])
        self._ask("; ".join(f"set server {self.backend}/{slot} weight {split[slot]}" for slot in ordered))
        running = self.facts().running
        if running != split.to_dict():
            raise TrafficError(
                f"the proxy splits the traffic {running}, not {split.to_dict()}",
                where=self.path,
                fix="See `journalctl -u haproxy`.",
            )

    def wait_up(self, slot: str, seconds: float) -> None:
        """Wait until the proxy's own health checks see the slot up.

        :raises TrafficError: they do not within ``seconds``
        """
        deadline = time.monotonic() + seconds
        while not (server := self._servers()[slot]).up:
            if time.monotonic() > deadline:
                raise TrafficError(
                    f"the proxy still sees the {slot} slot down after {seconds:g} s ({server.status})",
                    where=f"backend {self.backend}",
                    fix="Compare the health path and the port in the proxy's backend with the application's.",
                )
            time.sleep(_POLL)

    def drain(self, slot: str, seconds: float) -> int:
        """Wait until the slot serves no request any more; the number left when ``seconds`` are over."""
        deadline = time.monotonic() + seconds
        while True:
            server = self._servers()[slot]
            left = server.sessions + server.queued
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(_POLL)

    def _servers(self) -> Mapping[str, Server]:
        return self._parsed(self._ask(_STAT))

    def _parsed(self, text: str) -> Mapping[str, Server]:
        lines = csv.DictReader(io.StringIO(text.lstrip("# ")))
        rows = {row["svname"]: row for row in lines if row["pxname"] == self.backend}
        missing = [slot for slot in SLOTS if slot not in rows]
        if missing:
            raise TrafficError(
                f"the proxy has no server {self.backend}/{missing[0]}",
                where=self.path,
                fix="Write its configuration again with mas.ops.provision.",
            )
        return {slot: _server(rows[slot]) for slot in SLOTS}

    def _persisted(self) -> Split | None:
        try:
            with open(self.split_file, encoding="utf-8", errors="replace") as stream:
                return parse(self.application, stream.read())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TrafficError(
                f"the split cannot be read: {error.strerror}", where=self.split_file, fix="Run this as root."
            ) from error

    def _ask(self, command: str) -> str:
        """The answer to ``command``; all commands of this file may be asked again after a restart."""
        deadline = time.monotonic() + _RESTART
        while True:
            try:
                answer = self._exchange(command)
                break
            except OSError as error:
                restarts = isinstance(error, (ConnectionError, FileNotFoundError))
                if not restarts or time.monotonic() > deadline:
                    raise self._silent(error) from error
                time.sleep(_POLL)
        if command.startswith("set ") and answer.strip():
            raise TrafficError(
                f"the proxy refused: {answer.strip()}",
                where=self.path,
                fix="Write its configuration again with mas.ops.provision.",
            )
        return answer

    def _exchange(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(_TIMEOUT)
            line.connect(self.path)
            line.sendall(command.encode() + b"\n")
            # What a checked server said is in there too, in any bytes it likes.
            answer = b"".join(iter(lambda: line.recv(65536), b"")).decode(errors="replace")
        if command.endswith(_STAT) and not (_HEAD in answer and answer.endswith("\n\n")):
            raise ConnectionResetError("it broke off in the middle of its answer")
        return answer

    def _silent(self, error: OSError) -> TrafficError:
        denied = isinstance(error, PermissionError)
        return TrafficError(
            f"the proxy does not answer: {error.strerror or error}",
            where=self.path,
            fix="Run this as root."
            if denied
            else "Start it with `systemctl start haproxy`, or install it with mas.ops.provision.",
        )


def _server(row: Mapping[str, str]) -> Server:
    def number(field: str) -> int:
        return int(row.get(field) or 0)

    return Server(
        weight=number("weight"),
        up=row["status"].startswith(_UP),
        sessions=number("scur"),
        queued=number("qcur"),
        requests=number("stot"),
        errors=number("hrsp_5xx") + number("econ") + number("eresp"),
        status=row["status"],
        downs=number("chkdown"),
    )
