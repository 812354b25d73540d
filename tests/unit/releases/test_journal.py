"""The last words of a unit, from a journal as processes really write it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import HealthError
from ansible_collections.mas.ops.plugins.module_utils._core.unit_facts import journal_advice
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import journal

FRAMES = "".join(
    f'  File "/srv/shop/releases/1.0.0-0123456789ab/lib/python3.11/site-packages/django/module{n}.py", line {n}, in call\n'
    f"    return self.inner_{n}(request)\n"
    for n in range(4)
)
PYTHON = (
    "Traceback (most recent call last):\n"
    + FRAMES
    + "django.db.utils.OperationalError: connection to server at db.example.org (10.0.0.5), port 5432 failed: "
    "FATAL: password authentication failed for user shop with hunter2-hunter2\n"
    "shop-web@blue.service: Main process exited, code=exited, status=1/FAILURE\n"
    "shop-web@blue.service: Failed with result 'exit-code'.\n"
)
NODE = (
    "/srv/shop/server.js:3\nthrow new Error('x')\n^\n\nError: Cannot find module 'express'\n"
    + "".join(f"    at Module._load (node:internal/modules/cjs/loader:{n}:27)\n" for n in range(10))
    + "\nNode.js v18.19.0\nshop-web@blue.service: Main process exited, code=exited, status=1/FAILURE\n"
    "shop-web@blue.service: Failed with result 'exit-code'.\n"
    "shop-web@blue.service: Scheduled restart job, restart counter is at 3.\n"
)


def words(monkeypatch: pytest.MonkeyPatch, text: str, *files: Path) -> str:
    def run(command: list[str], **_: Any) -> SimpleNamespace:
        if command[1:] != ["--sync"]:
            assert command[command.index("+") - 1] == "_SYSTEMD_UNIT=shop-web@blue.service"
            assert command[command.index("+") + 1 :][:2] == ["UNIT=shop-web@blue.service", "_UID=0"]
        return SimpleNamespace(stdout=text.encode())

    monkeypatch.setattr(journal.subprocess, "run", run)
    return journal.last_words("shop-web@blue.service", [str(path) for path in files])


def test_the_cause_in_a_traceback_of_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secrets = tmp_path / "environment"
    secrets.write_text("PASSWORD=hunter2-hunter2\n")
    said = words(monkeypatch, PYTHON, secrets)
    assert "port 5432 failed: FATAL: password authentication failed for user shop with ***" in said
    assert "\n    return self.inner_3(request)\n" in said, "with its indent, on a line of its own"


def test_the_cause_in_a_traceback_of_node(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Error: Cannot find module 'express'" in words(monkeypatch, NODE)


def test_a_journal_is_shown_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    said = words(monkeypatch, "\x1b[31mx\n" + f"{'y' * 5000}\n" * 500)
    assert len(said.splitlines()) <= 24
    assert max(map(len, said.splitlines())) <= 208
    assert "\x1b" not in words(monkeypatch, "\x1b[31mx\n")


def test_what_follows_the_journal_is_no_part_of_it() -> None:
    error = HealthError("it did not become healthy", fix=journal_advice("a.service", "one\n  two"))
    error.advise("This host serves what it served before: nothing.")
    assert str(error).splitlines() == [
        "it did not become healthy. See `journalctl -u a.service -n 50`, which ends with:",
        "  | one",
        "  |   two",
        "This host serves what it served before: nothing.",
    ]
    assert journal_advice("a.service", "") == "See `journalctl -u a.service -n 50`."
