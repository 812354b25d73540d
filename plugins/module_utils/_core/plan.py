# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Plan: the only source of check mode, diff and changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """One thing to do.

    ``action`` names the handler that carries it out, ``target`` what it is done to; ``detail`` holds
    what the handler needs beyond that (plain data only), ``note`` what people should read of it. Every
    handler is idempotent, so that a run that was killed can simply be planned and applied again.
    """

    action: str
    target: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.target} {self.note}".rstrip()


@dataclass(frozen=True)
class Plan:
    """What is, what will be, and the ordered steps between them.

    ``before`` and ``after`` are plain mappings for people (they become the diff).
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: tuple[Step, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether applying the plan would do anything."""
        return bool(self.steps)

    def describe(self) -> list[str]:
        """The steps in words, in order."""
        return [str(step) for step in self.steps]
