# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which revision a source folder is, and from when."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ..origin import Revision
from .checkout import dirty, git, inside_checkout


def revision(source: Path) -> Revision | None:
    """``None`` outside a checkout and for a folder that no commit knows.

    :raises BadInput: it is inside a checkout, but git cannot tell. Silence would be a false record.
    """
    if not inside_checkout(source):
        return None
    if git(source, "rev-parse", "--verify", "--quiet", "HEAD", allowed=(0, 1)).strip() == "":
        return None
    last = git(source, "rev-list", "--max-count=1", "--timestamp", "HEAD", "--", ".").split()
    if not last:
        return None
    seconds, commit = last
    return Revision(
        commit=commit + ("-dirty" if dirty(source) else ""),
        time=datetime.fromtimestamp(int(seconds), UTC),
    )
