# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """What every module of the collection supports, and what differs for those that only ask."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and returns what it would do, without changing anything.
    support: full
  diff_mode:
    description: Returns what changed, or would change, when C(diff) is on.
    support: full
  platform:
    description: Where it runs.
    support: full
    platforms: debian, ubuntu
"""

    INFO = r"""
options: {}
attributes:
  diff_mode:
    support: N/A
    details: It changes nothing.
"""
