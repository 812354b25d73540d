# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The provenance of an artifact: its revision and its build time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ...module_utils._core.errors import BadInput
from ...module_utils._releases.manifest import format_built

#: The build time of a source that has no history: the same on every machine, and plainly not real.
_NO_TIME = "1980-01-01T00:00:00Z"


@dataclass(frozen=True)
class Revision:
    """The last commit that touched the source; ``-dirty`` when the folder differs from it."""

    commit: str
    time: datetime


def built(option: str | None, source_date_epoch: str | None, revision: Revision | None) -> str:
    """The build time: what was asked for, else the environment's, else the revision's."""
    if option:
        return _moment(option)
    if source_date_epoch:
        return _epoch(source_date_epoch)
    return format_built(revision.time) if revision else _NO_TIME


def _moment(text: str) -> str:
    """Any ISO 8601 time with a zone; YAML rewrites an unquoted one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        what = f"built must be a time with its zone, not {text!r}"
        raise BadInput(what, where="built", fix="Write it as 2026-01-31T12:00:00Z.")
    return format_built(moment)


def _epoch(text: str) -> str:
    try:
        return format_built(datetime.fromtimestamp(int(text), UTC))
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput(
            f"SOURCE_DATE_EPOCH must be seconds since 1970, not {text!r}",
            where="the environment",
            fix="Correct it, unset it, or give the option built.",
        ) from error
