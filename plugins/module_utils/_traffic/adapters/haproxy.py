# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy: one backend with two servers. The only file that knows its statistics and its files."""

from __future__ import annotations

import csv
import io
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace

from ..._core.clock import MonotonicClock
from ..._core.errors import TrafficError
from ..._core.files import storage_errors, write_atomic, write_changed
from ..checks import (
    Fixed,
    HttpCheck,
    parse_fixed,
    parse_listed,
    parse_map,
    parse_warm,
    render_fixed,
    render_map,
    render_warm,
)
from ..latency import parse_table, table
from ..settings import IN, OUT, parse_state, render_state, state_file
from ..split import SLOTS, ProxyServer, Split, TrafficFacts, parse, render
from .checked import complaints_again
from .configured import configured
from .runtime import HEAD, STAT, Runtime, UninterruptedClock, began, life

_POLL = 0.1
#: Seconds in which a reload must have brought a new process.
_RELOAD = 15.0
#: How the status of a server begins that passes its checks; NOLB and DRAIN are those of weight 0.
_UP = ("UP", "NOLB", "DRAIN", "no check")


class HAProxy:
    """The backend of one application.

    :param path: the runtime API's socket, with level admin
    :param split_file: what the proxy reads at each start and reload; beside it is the file with the ports and what
        checks accept, and in ``../maps`` is what they ask for
    :param clock: every wait goes through it
    """

    def __init__(
        self, application: str, backend: str, path: str, split_file: str, clock: MonotonicClock | None = None
    ) -> None:
        self.application = application
        self.backend = backend
        self.clock = clock or UninterruptedClock()
        self.runtime = Runtime(path, self.clock)
        self.split_file = split_file
        folder = os.path.dirname(split_file)
        self.slots_file = os.path.join(folder, f"10-{application}-slots.cfg")
        self.states = {slot: state_file(split_file, application, slot) for slot in SLOTS}
        self.warm_file = os.path.join(folder, f"10-{application}-warm.cfg")
        self.maps = os.path.join(os.path.dirname(folder), "maps")

    def facts(self) -> TrafficFacts:
        """
        :raises TrafficError: the proxy does not answer or has no such backend
        """
        # In one exchange: these are the counters of that process.
        try:
            text = self.runtime.ask(f"show info; show table {table(self.application)}; {STAT}")
        except TrafficError as error:
            if unsound := self.unsound():
                error.advise(f"It would not start: {unsound}")
            raise
        latency = parse_table(text)
        servers = {
            slot: replace(server, latency=latency.get(slot, ()))
            for slot, server in self._parsed(text[text.index(HEAD) :]).items()
        }
        return TrafficFacts(self._persisted(), servers, life(text), self._left_out())

    def shift(self, split: Split) -> None:
        """Persist the split, then put it in force: what a crash leaves is repaired by doing it again.

        Slots that gain come first, so that at no instant all weights are zero.
        """
        write_atomic(self.split_file, render(self.application, split).encode())
        ordered = sorted(SLOTS, key=lambda slot: -split[slot])
        self.runtime.order(
            "; ".join(f"set server {self.backend}/{slot} weight {split[slot]}" for slot in ordered)
        )
        running = self.facts().running
        if running != split.to_dict():
            raise TrafficError(
                f"the proxy splits the traffic {running}, not {split.to_dict()}",
                where=self.runtime.path,
                fix="See `journalctl -u haproxy`.",
            )

    def set_down(self, slot: str) -> None:
        """Take the slot for down until checks that begin from now on find it up.

        What the proxy knows of the process before says nothing about the one that is about to start.
        """
        server = f"{self.backend}/{slot}"
        try:
            self.keep_in(slot)
        finally:
            # On a full disk too: it holds until the proxy starts again.
            self.runtime.order(f"set server {server} state ready; set server {server} health down")

    def keep_in(self, slot: str) -> None:
        """Let the slot take part from the next start of the proxy on."""
        self._keep(slot, IN)

    def set_aside(self, slot: str) -> None:
        """Take the slot out of service, over starts of the proxy too: no requests and no checks until :meth:`set_down`."""
        self._keep(slot, OUT)
        self.runtime.order(f"set server {self.backend}/{slot} state maint")

    def _keep(self, slot: str, state: str) -> None:
        if self._configured:
            write_changed(self.states[slot], render_state(self.application, slot, state).encode())

    @property
    def _configured(self) -> bool:
        return configured(self.split_file, self.application)

    def _left_out(self) -> frozenset[str]:
        states = {
            slot: parse_state(self.application, slot, _read(path)) for slot, path in self.states.items()
        }
        return frozenset(slot for slot, state in states.items() if state == OUT)

    def set_backup(self, slot: str | None) -> None:
        """Let this slot answer while the other one is down, and no other; ``None`` for neither of them."""
        text = render_warm(self.application, slot)
        if not self._configured or _read(self.warm_file) == text:
            return
        write_atomic(self.warm_file, text.encode())
        # A proxy that was configured without fallback has no such servers.
        for name in sorted(SLOTS, key=lambda name: name == slot):
            self.runtime.ask(f"set server {self.backend}/{name}_warm weight {int(name == slot)}")

    def stands_in(self) -> str | None:
        """The slot that answers while the other one is down."""
        return parse_warm(self.application, _read(self.warm_file))

    def check_with(
        self, slot: str, check: HttpCheck, ports: Mapping[str, int], other: HttpCheck | None = None
    ) -> None:
        """Check ``slot`` so from now on, after a restart too. Files that were lost or damaged are written anew.

        A proxy whose configuration has no such maps was configured by something else, or before there were any: its own checks stay.

        :param ports: of both slots
        :param other: the check of the other slot
        """
        if not self._configured:
            return
        with storage_errors(self.maps):
            os.makedirs(self.maps, mode=0o755, exist_ok=True)
        for name, value in (("path", check.path), ("host", check.host)):
            self._map(name, slot, value)
        self._fix(Fixed.of([check, *([other] if other else [])], ports))

    def _map(self, name: str, slot: str, value: str) -> None:
        path = os.path.join(self.maps, f"{self.application}-{name}.map")
        write_changed(path, render_map({**parse_map(_read(path)), slot: value}).encode())
        listed = self.runtime.ask(f"show map {path}")
        if "Unknown map" in listed or parse_listed(listed).get(slot) == value:
            return
        self.runtime.ask(f"del map {path} {slot}; add map {path} {slot} {value}")
        if parse_listed(self.runtime.ask(f"show map {path}")).get(slot) != value:
            raise TrafficError(
                f"the proxy did not accept the {name} of the health check",
                where=path,
                fix="Write its configuration again with mas.ops.provision.",
            )

    def _fix(self, wanted: Fixed) -> None:
        """The file only ever changes together with a reload; one that was killed in between is made up for."""
        found = _read(self.slots_file)
        held = parse_fixed(self.application, found)
        sound = bool(held and held.covers(wanted) and found == render_fixed(self.application, held))
        text = self.runtime.ask("show info")
        if sound and began(text) >= int(os.stat(self.slots_file).st_mtime):
            return
        if not sound:
            write_atomic(self.slots_file, render_fixed(self.application, wanted).encode())
        self._reload(life(text))

    def rewrite(self) -> None:
        """Write anew what is lost or damaged of the files that releases write, besides what :meth:`check_with` does.

        What can still be read of a file stays; of the split, what is in force.
        """
        for path, text in self._meant().items():
            write_changed(path, text.encode())

    def whole(self) -> bool:
        """Whether nothing of what releases write is lost or damaged."""
        fixed = parse_fixed(self.application, _read(self.slots_file))
        meant = self._meant()
        if meant and fixed:
            meant[self.slots_file] = render_fixed(self.application, fixed)
        return bool(fixed or not meant) and all(_read(path) == text for path, text in meant.items())

    def _meant(self) -> dict[str, str]:
        """By path; nothing of a proxy that this role did not configure."""
        if not self._configured:
            return {}
        split = self._persisted() or Split(**self.facts().running)
        return {
            **{
                path: render_state(self.application, slot, parse_state(self.application, slot, _read(path)))
                for slot, path in self.states.items()
            },
            self.warm_file: render_warm(self.application, self.stands_in()),
            self.split_file: render(self.application, split),
        }

    def unsound(self) -> str:
        """What keeps the proxy from its next start, in words; empty when nothing does."""
        if not self._configured:
            return ""
        folder = os.path.dirname(self.split_file)
        main = os.path.join(os.path.dirname(folder), "haproxy.cfg")
        for path in (main, os.path.join(folder, f"20-{self.application}.cfg")):
            if not os.path.exists(path):
                return f"{path} is missing"
        # What a release changes of them is rendered anew each time, before this.
        rendered = map(os.path.basename, (self.split_file, self.warm_file, *self.states.values()))
        return complaints_again(main, folder, frozenset(rendered))

    def _reload(self, before: str) -> None:
        command = ["systemctl", "reload", "haproxy"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        deadline = self.clock.seconds() + _RELOAD
        while not done.returncode and self.clock.seconds() <= deadline:
            if life(self.runtime.ask("show info")) != before:
                return
            self.clock.sleep(_POLL)
        said = (self.unsound() or done.stderr.strip()) if done.returncode else ""
        raise TrafficError(
            f"the proxy was not reloaded: {said or f'no new process within {_RELOAD:g} s'}",
            where=self.slots_file,
            fix="See `journalctl -u haproxy`.",
        )

    def wait_up(self, slot: str, seconds: float) -> None:
        """Wait until the proxy's own health checks see the slot up.

        :raises TrafficError: they do not within ``seconds``
        """
        deadline = self.clock.seconds() + seconds
        while not (server := self._servers()[slot]).proven:
            if self.clock.seconds() > deadline and server.aside:
                raise TrafficError(
                    f"the {slot} slot is out of service at the proxy ({server.status}), and its own process is up: "
                    "it was taken out by hand",
                    where=f"server {self.backend}/{slot}, {self.runtime.path}",
                    fix="Find out who took it out and why. To put the application back into service: "
                    f"ansible-playbook mas.ops.restart -e application_name={self.application}",
                )
            if self.clock.seconds() > deadline:
                raise TrafficError(
                    f"the proxy still sees the {slot} slot down after {seconds:g} s ({server.status}), "
                    f"its last check found {server.check or 'nothing yet'}",
                    where=f"backend {self.backend}",
                    fix="The application must answer the health path of mas.yml with the Host header of application_host.",
                )
            self.clock.sleep(_POLL)

    def drain(self, slot: str, seconds: float) -> int:
        """Wait until the slot serves no request any more; the number left when ``seconds`` are over."""
        deadline = self.clock.seconds() + seconds
        while True:
            server = self._servers()[slot]
            left = server.sessions + server.queued
            if not left or self.clock.seconds() > deadline:
                return left
            self.clock.sleep(_POLL)

    def _servers(self) -> Mapping[str, ProxyServer]:
        return self._parsed(self.runtime.ask(STAT))

    def _parsed(self, text: str) -> Mapping[str, ProxyServer]:
        lines = csv.DictReader(io.StringIO(text.lstrip("# ")))
        rows = {row["svname"]: row for row in lines if row["pxname"] == self.backend}
        missing = [slot for slot in SLOTS if slot not in rows]
        if missing:
            raise TrafficError(
                f"the proxy has no server {self.backend}/{missing[0]}",
                where=self.runtime.path,
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
                f"the split cannot be read: {error.strerror}", where=self.split_file, fix="Set become: true."
            ) from error


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def _server(row: Mapping[str, str]) -> ProxyServer:
    def number(field: str) -> int:
        return int(row.get(field) or 0)

    return ProxyServer(
        # What was set; the one in force stays as it was while a server is out of service.
        weight=number("uweight" if row.get("uweight") else "weight"),
        up=row["status"].startswith(_UP),
        sessions=number("scur"),
        queued=number("qcur"),
        requests=number("stot"),
        errors=number("hrsp_5xx") + number("econ") + number("eresp"),
        status=row["status"],
        downs=number("chkdown"),
        check=_check(row),
    )


def _check(row: Mapping[str, str]) -> str:
    """Such as ``L7STS/400``. HAProxy marks one that is under way with a star, and one that never was with INI."""
    found = (row.get("check_status") or "").lstrip("* ")
    code = row.get("check_code") or ""
    return "" if found in ("", "INI") else f"{found}/{code}" if code else found
