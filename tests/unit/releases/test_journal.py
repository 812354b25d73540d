"""The last words of a unit, from a journal as processes really write it."""

from __future__ import annotations

import json
from collections.abc import Callable
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


# What a one-off command wrote.


@pytest.fixture
def wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A journal with these entries, oldest first."""

    def write(*entries: Any) -> None:
        lines = "".join(
            f"{json.dumps(entry if isinstance(entry, dict) else {'MESSAGE': entry})}\n"
            for entry in reversed(entries)
        )
        (tmp_path / "entries").write_text(lines)
        program = tmp_path / "journalctl"
        program.write_text(f'#!/bin/sh\ntest "$1" = --sync || cat {tmp_path}/entries\n')
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return write


def test_the_output_is_in_order_without_secrets_and_harmless(wrote: Callable[..., None]) -> None:
    wrote("one", "token hunter2-hunter2", list(b"\xff\x1b[31mred"), "\u202etwisted")
    assert journal.output("id", {"hunter2-hunter2"}, 1000) == "one\ntoken ***\n\ufffd [31mred\n twisted\n"
    wrote()
    assert journal.output("id", set(), 1000) == ""


def test_a_secret_in_a_line_that_the_journal_cut(wrote: Callable[..., None]) -> None:
    wrote({"MESSAGE": "x hunter2-", "_LINE_BREAK": "line-max"}, "hunter2 y")
    assert journal.output("id", {"hunter2-hunter2"}, 1000) == "x *** y\n"


@pytest.mark.parametrize("shift", range(0, 40, 3))
def test_only_the_end_is_shown_and_no_half_of_a_secret(wrote: Callable[..., None], shift: int) -> None:
    """Of secrets alone the text gets so short that the place shows where reading began."""
    wrote({"MESSAGE": "hunter2-hunter2" * 10000 + "z" * shift})
    said = journal.output("id", {"hunter2-hunter2"}, 16384)
    assert len(said) <= 16384
    assert "unter2" not in said
    wrote(*(["hunter2-hunter2"] * 20000), "end")
    said = journal.output("id", {"hunter2-hunter2"}, 16384)
    assert said.endswith("***\nend\n")
    assert "2" not in said


def test_the_end_in_bytes(wrote: Callable[..., None]) -> None:
    wrote("\u00e4" * 100)
    assert journal.output("id", set(), 20) == "\u00e4" * 9 + "\n"


def test_no_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert journal.output("id", set(), 20) == ""
