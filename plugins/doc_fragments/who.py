# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that name the run and who it is by."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that writes down who did what."""

    DOCUMENTATION = r"""
options:
  run:
    description:
      - What identifies this run in the ledger, and in the journal and the lock of a release.
      - Set by the action for all hosts alike. What the task says beats that, and nothing checks it.
    type: str
    default: ""
  actor:
    description:
      - Who does this, for the ledger, and for the lock of a release.
      - By default the AWX user or the user at the controller. What the task says beats that, and nothing checks it.
    type: str
    default: ""
"""
