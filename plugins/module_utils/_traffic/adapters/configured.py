# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose HAProxy it is. Light, as :mod:`..settings` is."""

from __future__ import annotations

import os


def configured(split_file: str, application: str) -> bool:
    """Whether the role configured the proxy; the files of one that something else configured are left alone."""
    top = os.path.dirname(os.path.dirname(split_file))
    return os.path.isdir(os.path.join(top, "maps")) or os.path.exists(
        os.path.join(top, "mas", f"{application}.json")
    )
