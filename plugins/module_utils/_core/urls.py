# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a source is a URL, and how it is printed."""

from __future__ import annotations

import re


def is_url(source: str) -> bool:
    """Whether it is fetched over HTTP; anything else is a path."""
    return source.startswith(("http://", "https://"))


def redact_url(source: str) -> str:
    """A source without what may be secret in a URL: name, password, query."""
    return re.sub(r"^(https?://)[^/]*@", r"\1", source).partition("?")[0] if is_url(source) else source
