# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line an event on standard error. The journal adds time and unit; headers and bodies never come here."""

from __future__ import annotations

import contextlib
import sys


def log(event: str, **fields: object) -> None:
    words = [f"event={event}", *(f"{name}={_quoted(value)}" for name, value in fields.items())]
    with contextlib.suppress(OSError):  # a journal that restarts must not take the application with it
        sys.stderr.write(" ".join(words) + "\n")
        sys.stderr.flush()


def _quoted(value: object) -> str:
    text = str(value)
    plain = text.isprintable() and text and not set(text) & set(' "=')
    return text if plain else ascii(text)
