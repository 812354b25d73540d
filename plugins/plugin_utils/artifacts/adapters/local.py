# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An artifact that is a file of the controller, with what proves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ....module_utils._core.errors import NotFound
from ....module_utils._releases.adapters.sidecars import read_sidecar
from ....module_utils._releases.sidecars import SHA256, SIGNATURE, check_signature, read_digest_line


def local_artifact(place: str, sha256: str | None, signature: str | None) -> dict[str, Any]:
    """``sha256`` and ``signature`` of an artifact, read from the files beside it where they were not given.

    :raises NotFound: there is no such artifact, or it has no digest
    :raises ArtifactError: a file beside it is not what it should be
    """
    path = Path(place)
    if not path.is_file():
        raise NotFound(
            f"there is no artifact {path.name}",
            where=str(path.parent),
            fix="Build this version with mas.ops.build first.",
        )
    if not sha256:
        text = read_sidecar(place, SHA256)
        if text is None:
            raise NotFound(
                "the artifact has no digest", where=f"{place}{SHA256}", fix="Give sha256, or build it again."
            )
        sha256 = read_digest_line(text, path.name, f"{place}{SHA256}")
    return {"sha256": sha256, "signature": signature or _signature(place)}


def _signature(place: str) -> str | None:
    text = read_sidecar(place, SIGNATURE)
    return None if text is None else check_signature(text, f"{place}{SIGNATURE}")
