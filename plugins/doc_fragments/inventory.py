# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option that says which inventory the run was given."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of every module whose messages name the command to run next."""

    DOCUMENTATION = r"""
options:
  inventory:
    description:
      - Set by the action to what C(-i) said on the command line of the run, for the commands in messages and in the ledger.
      - Empty in AWX, and where a configuration says it.
    type: list
    elements: str
    default: []
"""
