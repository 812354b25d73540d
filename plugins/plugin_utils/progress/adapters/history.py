# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of earlier runs, on the controller."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from ....module_utils._core.errors import Busy, OpsError
from ....module_utils._core.files import exclusive, read_json, write_atomic
from ..estimate import Run, parse, remember, to_dict


def default_path(environment: Mapping[str, str]) -> Path:
    """As the XDG base directory specification says; a relative XDG_STATE_HOME does not count."""
    state = Path(environment.get("XDG_STATE_HOME", ""))
    base = state if state.is_absolute() else Path(environment.get("HOME") or "/") / ".local/state"
    return base / "mas.ops/progress.json"


def read(path: Path) -> dict[str, list[Run]]:
    """What earlier runs took; nothing when the file is not there or cannot be read."""
    try:
        return parse(read_json(str(path)))
    except (OpsError, OSError, ValueError):
        return {}


def add(path: Path, key: str, run: Run) -> str:
    """Keep one more run.

    :returns: why it could not be kept, or nothing: a missing history must not fail a deploy
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusive(os.fspath(path.with_suffix(".lock")), subject="the history of runs"):
            # Not sorted: the order says which runs are the oldest.
            text = json.dumps(to_dict(remember(read(path), key, run)), separators=(",", ":"))
            write_atomic(os.fspath(path), f"{text}\n".encode(), 0o600)
    except Busy:
        return "another run keeps its own at this moment"
    except (OpsError, OSError) as error:
        return str(error)
    return ""
