"""Clients and processes of the example application, for its tests."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents.migrate import expand
from agents.settings import from_environment
from agents.storage import Database, open_database

PATIENCE = 20.0  # seconds; a busy machine is slow, not broken


class Answer:
    def __init__(self, raw: http.client.HTTPResponse) -> None:
        self.status = raw.status
        self.headers = raw.headers
        self.text = raw.read().decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Client:
    """One keep-alive connection, as a proxy has it."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port = port
        self.token = token
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def ask(self, method: str, path: str, data: object = None, **headers: str) -> Answer:
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        body = data if isinstance(data, bytes) else None if data is None else json.dumps(data).encode()
        self._connection.request(method, path, body, headers)
        return Answer(self._connection.getresponse())

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, data: object = None) -> Answer:
        return self.ask("POST", path, {} if data is None else data)

    def close(self) -> None:
        self._connection.close()


class Process:
    """`python3 -m MODULE` in a source folder; its log is read as it comes."""

    def __init__(self, source: Path, module: str, env: dict[str, str], *arguments: str) -> None:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("AGENTS_", "MAS_"))
        }
        self._popen = subprocess.Popen(
            [sys.executable, "-B", "-m", module, *arguments],
            cwd=source,
            env={**clean, "PORT": "0", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = self._popen.pid
        self.lines: list[str] = []
        self._deaf = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stderr is not None
        for line in iter(self._popen.stderr.readline, ""):
            self.lines.append(line)
            if self._deaf:
                self._popen.stderr.close()
                return

    def said(self, words: str) -> str:
        """Waits for a line of the log."""
        return str(until(lambda: next((line for line in self.lines if words in line), ""), words))

    def lose_log(self) -> None:
        """Whatever it writes after its next line fails, as when the journal restarts."""
        self._deaf = True

    def log_is_lost(self) -> bool:
        return not self._reader.is_alive()

    @property
    def port(self) -> int:
        found = re.search(r" port=(\d+)", self.said("event=listening"))
        assert found
        return int(found.group(1))

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def ended(self) -> int:
        return self._popen.wait(PATIENCE)

    def output(self) -> str:
        assert self._popen.stdout is not None
        with self._popen.stdout as stdout:
            text = stdout.read()
        self.ended()
        return text

    def clear(self) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait()
        self._reader.join()
        sys.stdout.writelines(self.lines)  # pytest shows it when the test failed
        for stream in (self._popen.stdout, self._popen.stderr):
            assert stream is not None
            stream.close()


def migrated(env: dict[str, str]) -> Database:
    """The schema of version 1, without a process of its own."""
    database = open_database(from_environment(env))
    expand(database)
    return database


def until(wanted: Callable[[], Any], what: str = "what the test expects") -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        value = wanted()
        if value:
            return value
        time.sleep(0.02)
    pytest.fail(f"waited {PATIENCE:g} s in vain for {what}")
