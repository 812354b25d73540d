# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger of this host, kept by the policy of the host."""

from __future__ import annotations

import os

from ..._core.files import read_json
from ..policy import parse_policy
from .file import LEDGER, FileLedger

#: What an operator may say about the ledgers of a host; all has defaults.
POLICY = "/etc/mas/ledger.json"
#: Whoever destroys a container removes its files from outside, where append-only ones may be in the way.
_CONTAINER = ("/run/.containerenv", "/run/systemd/container", "/.dockerenv")


def host_ledger(path: str = LEDGER) -> FileLedger:
    """The ledger for a writer.

    :raises BadInput: the policy file of the host is wrong
    """
    contained = any(os.path.exists(sign) for sign in _CONTAINER)
    return FileLedger(path, parse_policy(read_json(POLICY), POLICY, append_only=not contained))
