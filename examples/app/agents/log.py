# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line an event on standard error. The journal adds time and unit; headers and bodies never come here."""

from __future__ import annotations

import contextlib
import os

STDERR = 2


def log(event: str, **fields: object) -> None:
    words = [f"event={event}", *(f"{name}={_quoted(value)}" for name, value in fields.items())]
    # Past sys.stderr: what a lost journal leaves in its buffer would turn a clean exit into status 120.
    with contextlib.suppress(OSError):  # a journal that restarts must not take the application with it
        os.write(STDERR, (" ".join(words) + "\n").encode(errors="backslashreplace"))


def _quoted(value: object) -> str:
    text = str(value)
    plain = text.isprintable() and text and not set(text) & set(' "=')
    return text if plain else ascii(text)
