# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Learn the facts of all hosts at one moment. What several hosts ask alike is asked once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import ModuleType
from typing import Any, TypeVar

from ....module_utils._core.errors import BadInput, OpsError
from ...windows.model import Policy
from ..check import ALERTS, BACKUP_AGE, DRILL_AGE, ERROR_BUDGET, PROMOTION, Mode, Unknown
from ..decide import needs_history, needs_host
from ..facts import Answers, Facts, Opening
from ..hosts import newest_of
from ..modes import ROLLBACK
from ..settings import Age, Server, Settings
from ..settings import parse as parse_settings
from . import stopfile

T = TypeVar("T")

#: The variables that say which windows and freezes a host keeps to.
WINDOWS = (
    "change_windows",
    "change_freezes",
    "change_windows_required",
    "change_calendars",
    "change_time_zone",
)
#: What only advises may not hold a change up for longer, in seconds.
_PATIENCE = 3.0


@dataclass(frozen=True)
class Host:
    """A host of the change: its variables, its settings, and what ``gate_info`` said when it was asked."""

    name: str
    variables: Mapping[str, Any]
    settings: Settings
    asked: Mapping[str, Any] | None = None
    #: What is wrong with the variables, where that must not stop the change.
    problem: str = ""


@dataclass(frozen=True)
class Subject:
    """What is to be changed, the same for all hosts.

    :param left: the part of the change that is still ahead
    """

    application: str = ""
    release: str = ""
    artifact: Mapping[str, Any] | None = None
    left: float = 1.0
    actor: str = ""


def read_host(
    name: str, variables: Mapping[str, Any], change: str, checks: Any, asked: Mapping[str, Any] | None
) -> Host:
    """A host with its settings. A mistake in the inventory must not stop a rollback: it is told as a finding.

    :raises BadInput: a variable of the host is wrong; the message names both
    """
    try:
        return Host(name, variables, parse_settings(change, variables, checks), asked)
    except BadInput as error:
        error.where = f"{error.where} of {name}"
        if change != ROLLBACK:
            raise
        return Host(name, variables, parse_settings(change, {}), asked, str(error))


@dataclass
class Asker:
    """One round of questions at the moment ``at``."""

    subject: Subject
    at: datetime
    #: Of all hosts together: a run takes as long as its slowest host.
    runs: Mapping[str, Any] = field(default_factory=dict)
    _known: dict[Any, Any] = field(default_factory=dict)

    def opening(self, host: Host) -> Opening | Unknown:
        """:raises BadInput: the windows or freezes of the host are not written as they must be"""
        if host.problem:
            return Unknown(host.problem)
        if not any(host.variables.get(name) for name in WINDOWS):
            return Opening()
        # What reads calendars and rules takes a while to load, and many have none.
        from ...windows.adapters.inventory import target_of_host  # noqa: PLC0415
        from ..openings import opening  # noqa: PLC0415

        key = json.dumps([host.variables.get(name) for name in WINDOWS], default=repr)
        policy = self._once(("policy", key), lambda: _policy(host))
        if isinstance(policy, Unknown):
            return policy
        target = target_of_host(host.variables, host=host.name, application=self.subject.application or None)
        return opening(policy, target, self.at)

    def questions(self, hosts: Sequence[Host]) -> list[str]:
        """The hosts that must be asked with ``gate_info``.

        For the history one is enough. The last one switches with the last batch, and so saw the whole of each run.
        """
        own = [host.name for host in hosts if needs_host(host.settings)]
        history = [host.name for host in hosts if self._needs_history(host)]
        return own or history[-1:]

    def _needs_history(self, host: Host) -> bool:
        return needs_history(self.opening(host), host.settings, self.at)

    def facts(self, host: Host) -> Facts:
        """All facts of one host; only what its settings ask for is looked at."""
        settings, subject = host.settings, self.subject
        # Answers of an earlier question that nobody asks now may be old.
        wanted = needs_host(settings) or self._needs_history(host)
        asked = host.asked if wanted else None
        unreachable = _unreachable(asked)
        answers = None if asked is None or unreachable else self._answers(asked)
        return Facts(
            opening=self.opening(host),
            stops=self._stops(settings),
            release=subject.release,
            artifact=subject.artifact,
            alerts=self._if(settings, ALERTS, settings.alerts, lambda one: _web().alerts(one)),
            budget=self._if(settings, ERROR_BUDGET, settings.budget, lambda one: _web().budget(one)),
            lives=self._if(
                settings,
                PROMOTION,
                settings.promotion,
                lambda one: _ledgers().lives(one, subject.application, subject.release, self.at),
            ),
            backup=self._newest(settings, BACKUP_AGE, "backup", settings.backup, answers, unreachable),
            drill=self._newest(settings, DRILL_AGE, "drill", settings.drill, answers, unreachable),
            answers=answers,
            unreachable=unreachable,
            left=subject.left,
            actor=subject.actor,
            durations=self.runs,
        )

    def _once(self, key: Any, ask: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = ask()
        return self._known[key]  # type: ignore[no-any-return]

    def _if(self, settings: Settings, check: str, question: Any, ask: Callable[[Any], Any]) -> Any:
        if question is None or not settings.makes(check):
            return ()
        if settings.mode(check) is Mode.ADVISORY:
            question = _impatient(question)
        return self._once((check, question), lambda: ask(question))

    def _stops(self, settings: Settings) -> tuple[str, ...] | Unknown:
        place, given = settings.stop_file, settings.stop_file_given
        reason = self._once(("stop", place, given), lambda: stopfile.stop_reason(place, given))
        told = (f"{settings.stop} (change_stop)",) if settings.stop else ()
        if isinstance(reason, Unknown):
            return told or reason
        return (*told, reason) if reason else told

    def _newest(
        self,
        settings: Settings,
        check: str,
        kind: str,
        question: Age | None,
        answers: Answers | None,
        unreachable: str,
    ) -> datetime | Unknown | None:
        if question is None or not settings.makes(check):
            return None
        if question.ledgers:
            found: datetime | Unknown | None = self._once(
                (check, question), lambda: _ledgers().newest(question, kind)
            )
            return found
        return newest_of(answers, kind, unreachable)

    def _answers(self, asked: Mapping[str, Any]) -> Answers:
        if "runs" not in asked:
            return Answers(newest=Unknown(f"mas.ops.gate_info failed on the host: {asked.get('msg', '')}"))
        broken = Unknown(str(asked["ledger_error"])) if asked.get("ledger_error") else None
        return Answers(
            disks=tuple(asked.get("disks") or ()),
            reboot=tuple(str(one) for one in asked.get("reboot") or ()),
            locked=bool(asked.get("locked")),
            lease={str(key): str(value) for key, value in (asked.get("lease") or {}).items()},
            newest=broken or asked.get("newest") or {},
        )


def all_runs(hosts: Sequence[Host]) -> Mapping[str, Any]:
    """How long runs took, from what all hosts told."""
    runs = [run for host in hosts for run in (host.asked or {}).get("runs") or ()]
    if not runs:
        return {}
    from ..history import durations  # noqa: PLC0415 - see _web

    return durations(runs)


def _web() -> ModuleType:
    """Loaded when somebody is to be asked: Ansible compiles a collection anew in each run, which holds all hosts up."""
    from . import web  # noqa: PLC0415

    return web


def _ledgers() -> ModuleType:
    from . import ledgers  # noqa: PLC0415 - see _web

    return ledgers


def _policy(host: Host) -> Policy | Unknown:
    """What is written wrongly is an error for whoever wrote it; a calendar that cannot be had is a fact."""
    from ...windows.adapters.inventory import policy_of_host  # noqa: PLC0415 - as above

    try:
        return policy_of_host(host.variables)
    except OpsError as error:
        if isinstance(error, BadInput) and host.settings.change != ROLLBACK:
            raise
        return Unknown(str(error))


def _unreachable(asked: Mapping[str, Any] | None) -> str:
    if not asked or not asked.get("unreachable"):
        return ""
    return str(asked.get("msg") or "no connection").strip().splitlines()[0][:200]


def _impatient(question: Any) -> Any:
    server = getattr(question, "server", None)
    if not isinstance(server, Server):
        return question
    return replace(question, server=replace(server, timeout=min(server.timeout, _PATIENCE)))
