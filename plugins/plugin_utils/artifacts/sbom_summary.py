# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary of a bill of materials, which is not signed. Writing one needs a library and is in :mod:`.sbom`."""

from __future__ import annotations

from typing import Any

from . import bounded_json


def summary(text: str) -> dict[str, Any]:
    """The serial number, how many components, and which libraries."""
    try:
        data = bounded_json.loads(text)
        components = data.get("components", [])
        libraries = [part for part in components if part.get("type") == "library"]
        return {
            "serial_number": data.get("serialNumber", ""),
            "components": len(components),
            "packages": [part.get("purl") or part.get("name", "") for part in libraries],
        }
    except (ValueError, AttributeError, TypeError):
        return {"serial_number": "", "components": 0, "packages": []}
