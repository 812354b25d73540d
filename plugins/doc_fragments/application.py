# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option that names the application."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that works on one application of a host."""

    DOCUMENTATION = r"""
options:
  application:
    description: The name of the application, as the role P(mas.ops.application#role) set it up on the host.
    type: str
    required: true
"""
