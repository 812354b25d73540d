# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests and sockets of this host, as :class:`..ports.HealthProbe` has them."""

from __future__ import annotations

from . import listeners, probe


class LocalProbe:
    """The network of this host."""

    ask = staticmethod(probe.ask)
    port_taken = staticmethod(listeners.port_taken)
    ownership = staticmethod(listeners.ownership)
