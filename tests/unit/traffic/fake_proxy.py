"""A process that speaks as much of HAProxy's runtime API as the adapter asks for, in recorded words."""

from __future__ import annotations

import contextlib
import re
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: The first fields of HAProxy 2.6; the rest of each line is recorded as it was.
_HEAD = "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight"
_REST = ",act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,hrsp_5xx,last_chk,check_status,check_code,uweight,"
_SET = re.compile(r"set server (\S+)/(\S+) weight (\d+)")


class Proxy:
    """Its servers by ``backend/name``, each a mapping of fields that differ from the quiet default."""

    def __init__(self) -> None:
        self.servers: dict[str, dict[str, Any]] = {
            "agents/blue": {"status": "UP", "weight": 100},
            "agents/green": {"status": "UP", "weight": 0},
        }
        self.rows: list[str] = []
        self.asked: list[str] = []
        #: Bytes after which an answer breaks off, one for each of the next answers.
        self.torn: list[int] = []
        self.answer: bytes | None = None
        self.process = 13
        #: What was counted by slot and time; a configuration of before has no table.
        self.table: dict[str, int] | None = None
        self.maps: dict[str, dict[str, str]] = {}

    def speak(self, command: str) -> bytes:
        self.asked.append(command)
        if self.answer is not None:
            return self.answer
        if " map " in command:
            return b"".join(self._map(part.split()) for part in command.split(";"))
        if command.startswith("show "):
            parts = [part.strip() for part in command.split(";")]
            return b"".join((self._show if part.startswith("show ") else self._set)(part) for part in parts)
        return b"".join(self._set(part.strip()) for part in command.split(";"))

    def _show(self, what: str) -> bytes:
        if what == "show info":
            return (
                f"Name: HAProxy\nPid: {self.process}\nUptime_sec: 3\nStart_time_sec: 1795532648\n\n".encode()
            )
        if what == "show table agents_latency":
            if self.table is None:
                return b"No such table\n\n\n"
            entries = [
                f"0x7f48240444e8: key={key} use=0 exp=0 gpc0={count}" for key, count in self.table.items()
            ]
            head = f"# table: agents_latency, type: string, size:1024, used:{len(entries)}"
            return ("\n".join([head, *entries]) + "\n\n").encode()
        assert what == "show stat -1 4 -1"
        lines = [_HEAD + _REST, *self.rows, *(self._row(name) for name in self.servers)]
        return ("\n".join(lines) + "\n\n").encode(errors="surrogateescape")

    def _map(self, words: list[str]) -> bytes:
        what, _, path, *rest = words
        if path not in self.maps:
            return b"Unknown map identifier. Please use #<id> or <file>.\n\n"
        if what == "show":
            lines = (f"0x55d0c0a3e8f0 {key} {value}\n" for key, value in self.maps[path].items())
            return ("".join(lines) + "\n").encode()
        if what == "add":
            self.maps[path].setdefault(rest[0], rest[1])
        else:
            self.maps[path].pop(rest[0], None)
        return b"\n"

    def _set(self, command: str) -> bytes:
        if command.startswith("set server agents/") and command.endswith(
            ("health down", "state ready", "state maint")
        ):
            return b"\n"
        match = _SET.fullmatch(command)
        if not match or f"{match[1]}/{match[2]}" not in self.servers:
            return b"No such server.\n\n"
        server = self.servers[f"{match[1]}/{match[2]}"]
        server["uweight"] = int(match[3])
        if server["status"] != "MAINT":
            server["weight"] = int(match[3])
        return b"\n"

    def _row(self, name: str) -> str:
        backend, server = name.split("/")
        field = {
            "scur": 0,
            "qcur": 0,
            "stot": 0,
            "econ": 0,
            "eresp": 0,
            "hrsp_5xx": "",
            "last_chk": "",
            "chkdown": 0,
            "check_status": "L7OK",
            "check_code": 200,
        }
        field |= self.servers[name]
        return (
            f"{backend},{server},{field['qcur']},0,{field['scur']},0,,{field['stot']},0,0,,0,,{field['econ']},"
            f"{field['eresp']},0,0,{field['status']},{field['weight']},1,0,1,{field['chkdown']},2,1,,1,3,1,,0,,2,0,"
            f"{field['hrsp_5xx']},{field['last_chk']},{field['check_status']},{field['check_code']},{field.get('uweight', '')},"
        )


@contextlib.contextmanager
def listening(path: Path, proxy: Proxy) -> Iterator[None]:
    """Answer on a socket until the block ends."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            answer = proxy.speak(self.rfile.readline().decode().rstrip("\n"))
            self.wfile.write(answer[: proxy.torn.pop(0)] if proxy.torn else answer)

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            path.unlink(missing_ok=True)
