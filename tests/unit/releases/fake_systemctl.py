"""Stands for systemctl and systemd-run: what was called, and what is answered."""

from __future__ import annotations

import subprocess
from typing import Any


class Machine:
    """Stands for ``waited.run``."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.options: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, str, str]] = {}

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        self.calls.append(list(command))
        self.options = options
        status, out, err = self.answers.get(command[1], (0, "", ""))
        return subprocess.CompletedProcess(command, status, out, err)


def block(**values: str) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())
