# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger entry of what became of a release."""

from __future__ import annotations

from typing import Any

from .._ledger.history import RELEASE
from .application import Application


def entry(
    app: Application, action: str, before: str | None, after: str | None, run: str, actor: str, **more: Any
) -> dict[str, Any]:
    """
    :param before: the release that was live
    :param after: the one that is live then
    :param more: further keys of the action, see docs/ledger.md
    """
    return {
        "kind": RELEASE,
        "application": app.name,
        "environment": app.environment,
        "action": action,
        "from": before,
        "to": after,
        "run": run,
        "actor": actor,
        **more,
    }
