# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.gate_entry``: add actor and run, as for every other entry."""

from __future__ import annotations

from ..plugin_utils.adapters.action import HostAction


class ActionModule(HostAction):
    module = "gate_entry"
