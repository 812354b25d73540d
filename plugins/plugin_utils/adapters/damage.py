# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is damaged on a host, as a warning: a change that went well has repaired it, and its cause should be looked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display


def warn_of_damage(done: Mapping[str, Any]) -> None:
    """
    :param done: the result of ``release`` or ``release_info``, for one application or for all
    """
    for each in (done, *done.get("applications", {}).values()):
        for sentence in each.get("damage", ()):
            Display().warning(sentence)
