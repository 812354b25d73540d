# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option that names the ledger."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that works on a ledger."""

    DOCUMENTATION = r"""
options:
  path:
    description:
      - The file that is written now. Sealed files lie beside it, named after the entries that they hold.
    type: path
    default: /var/lib/mas/ledger.jsonl
"""
