# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small files beside an artifact on the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...module_utils._core.errors import NotFound


def is_url(place: str) -> bool:
    """Whether a host can fetch the artifact by itself."""
    return str(place).startswith(("http://", "https://"))


def local_artifact(place: str, sha256: str | None, signature: str | None) -> dict[str, Any]:
    """``sha256`` and ``signature`` of an artifact, read from the files beside it where they were not given.

    :raises NotFound: there is no such artifact, or it has no digest
    """
    if not Path(place).is_file():
        raise NotFound(
            f"there is no artifact {Path(place).name}",
            where=str(Path(place).parent),
            fix="Build this version with mas.ops.build first.",
        )
    digest = sha256 or _first_word(_text(f"{place}.sha256"))
    if not digest:
        raise NotFound(
            "the artifact has no digest", where=f"{place}.sha256", fix="Give sha256, or build it again."
        )
    return {"sha256": digest, "signature": signature or _text(f"{place}.sig")}


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None


def _first_word(text: str | None) -> str | None:
    return text.split()[0] if text and text.split() else None
