# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the catalogue of variables that the collection carries, once in a process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ..catalogue import Catalogue, parse_catalogue

_COLLECTION = Path(__file__).resolve().parents[4]
_SPECS = _COLLECTION / "playbooks/argument_specs"
# With libyaml it takes a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def catalogue() -> Catalogue:
    """All variables of the collection's playbooks, and the names of those of its roles."""
    return parse_catalogue(
        _by_name(_SPECS.glob("*.yml")),
        _by_name((_SPECS / "shared").glob("*.yml")),
        {
            path.parents[1].name: _read(path)
            for path in sorted(_COLLECTION.glob("roles/*/meta/argument_specs.yml"))
        },
    )


def _by_name(paths: Iterable[Path]) -> Mapping[str, Any]:
    return {path.stem: _read(path) for path in sorted(paths)}


def _read(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader, both of them
