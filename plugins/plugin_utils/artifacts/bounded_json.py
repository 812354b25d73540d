# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unsigned JSON: nested no deeper than an honest document is."""

from __future__ import annotations

import json
import re
from typing import Any

#: Far above any bill of materials or package.json, far below what exhausts a parser.
_DEEPEST = 64
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def loads(text: str) -> Any:
    """
    :raises ValueError: it is no JSON, or nested too deeply
    """
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > _DEEPEST:
                raise ValueError(f"it is nested deeper than {_DEEPEST}")
        elif token[0] in "]}":
            depth -= 1
    return json.loads(text)
