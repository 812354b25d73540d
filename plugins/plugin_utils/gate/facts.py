# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about one host when it is judged. What could not be found out is an :class:`Unknown`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .checks.model import Unknown

NOT_ASKED = Unknown("the host was not asked")


@dataclass(frozen=True)
class Opening:
    """The windows of a host at the moment of the question.

    :param open: whether a window is open, or there is none to keep to; freezes apart
    :param frozen: whether a freeze forbids change
    :param closes_at: when the open time ends, by its window or by a freeze; ``None`` for never
    :param next_opening: when change is allowed next; ``None`` for never
    """

    open: bool = True
    frozen: bool = False
    window_why: str = "no window is defined"
    freeze_why: str = "no freeze holds"
    window: str | None = None
    freeze: str | None = None
    closes_at: datetime | None = None
    next_opening: datetime | None = None


@dataclass(frozen=True)
class Deployment:
    """How a release fared on one host, from its ledger.

    :param host: whose ledger
    :param seconds: how long it was live at a stretch, the longest time
    :param since: when it went live last
    :param bad: why it was left or never got live, empty when it ended well or goes on
    """

    host: str
    seconds: float
    since: str
    bad: str = ""


@dataclass(frozen=True)
class HostFacts:
    """What the module ``gate_info`` returned on the host."""

    disks: Sequence[Mapping[str, Any]] = ()
    reboot: Sequence[str] = ()
    locked: bool = False
    lease: Mapping[str, str] = field(default_factory=dict)
    newest: Mapping[str, Any] | Unknown = NOT_ASKED


@dataclass(frozen=True)
class GateFacts:
    """Everything that is judged for one host.

    :param stops: reasons to stop the line, each with its place
    :param release: the release or version that is to go live, empty when that means nothing
    :param artifact: what ``artifact_info`` returned
    :param alerts: labels of firing alerts
    :param budget: values of the query by their labels
    :param deployments: of the release in the environment before, one for each host
    :param backup: the moment of the newest good backup, ``None`` when there is none
    :param host_facts: ``None`` when the host was not asked
    :param unreachable: why the host did not answer, empty when it did
    """

    opening: Opening | Unknown = Opening()
    stops: Sequence[str] | Unknown = ()
    release: str = ""
    artifact: Mapping[str, Any] | None = None
    alerts: Sequence[Mapping[str, str]] | Unknown = ()
    budget: Sequence[tuple[str, float]] | Unknown = ()
    deployments: Sequence[Deployment] | Unknown = ()
    backup: datetime | Unknown | None = None
    drill: datetime | Unknown | None = None
    host_facts: HostFacts | None = None
    unreachable: str = ""
    #: Seconds of past runs by kind, from the ledgers of all hosts that were asked.
    durations: Mapping[str, Sequence[float]] = field(default_factory=dict)
    #: Who wants to make the change.
    actor: str = ""
    #: The part of the change that is still ahead, 1 for all of it.
    left: float = 1.0
