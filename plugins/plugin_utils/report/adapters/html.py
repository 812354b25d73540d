# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders the page with Jinja: every value is escaped, and the page refers to nothing outside of it."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..view import Page

_FOLDER = Path(__file__).resolve().parents[1]


def render(page: Page) -> bytes:
    """The page as the bytes of one file; the same page always gives the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = Markup((_FOLDER / "page.css").read_text("utf-8"))  # noqa: S704  (a file of the collection)
    text = environment.get_template("page.html.j2").render(page=page, style=style)
    # A ledger may hold what UTF-8 cannot write: half of a character in a file name.
    return text.encode("utf-8", errors="replace")
