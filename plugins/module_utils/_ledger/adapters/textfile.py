# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that node-exporter's textfile collector reads."""

from __future__ import annotations

import os

from ..._core.errors import BadInput, NotFound


def read_metrics(path: str) -> str:
    """What is in it now; nothing when there is no such file.

    :raises NotFound: there is no folder to write it to
    :raises BadInput: node-exporter would never read it
    """
    if not path.endswith(".prom"):
        raise BadInput("node-exporter reads only files that end in .prom", where=path, fix="Correct dest.")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise NotFound(
            "there is no such folder",
            where=os.path.dirname(path),
            fix="Install prometheus-node-exporter, or let dest name the folder of its textfile collector.",
        )
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""
