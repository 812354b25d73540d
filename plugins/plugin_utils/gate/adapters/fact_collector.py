# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect the facts of all hosts at one moment. What several hosts need alike is fetched once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import ModuleType
from typing import Any, TypeVar

from ....module_utils._core.errors import BadInput, OpsError
from ...http.model import HttpEndpoint
from ...windows.model import Policy
from ..checks.host import newest_of
from ..checks.model import ALERTS, BACKUP_AGE, DRILL_AGE, ERROR_BUDGET, PROMOTION, Mode, Unknown
from ..checks.schedule import opening_of
from ..decide import needs_history, needs_host
from ..facts import GateFacts, HostFacts, Opening
from ..modes import ROLLBACK
from ..settings import GateSettings, MaxAge, parse_settings
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
#: Seconds that a check which is only advisory may take at most.
_ADVISORY_TIMEOUT = 3.0


@dataclass(frozen=True)
class GateHost:
    """A host of the change: its variables, its settings, and what ``gate_info`` returned where it was run.

    :param problem: what is wrong with the variables, where that must not stop the change
    """

    name: str
    variables: Mapping[str, Any]
    settings: GateSettings
    gate_info: Mapping[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True)
class PlannedChange:
    """What is to be changed, the same for all hosts.

    :param left: the part of the change that is still ahead
    """

    application: str = ""
    release: str = ""
    artifact: Mapping[str, Any] | None = None
    left: float = 1.0
    actor: str = ""


def read_host(
    name: str, variables: Mapping[str, Any], change: str, checks: Any, gate_info: Mapping[str, Any] | None
) -> GateHost:
    """A host with its settings. A mistake in the inventory must not stop a rollback: it becomes a failed check.

    :raises BadInput: a variable of the host is wrong; the message names both
    """
    try:
        return GateHost(name, variables, parse_settings(change, variables, checks), gate_info)
    except BadInput as error:
        error.where = f"{error.where} of {name}"
        if change != ROLLBACK:
            raise
        return GateHost(name, variables, parse_settings(change, {}), gate_info, str(error))


@dataclass
class FactCollector:
    """Collects the facts of hosts at the moment ``at``.

    :param durations: of past runs on all hosts together, because a run takes as long as its slowest host
    """

    planned: PlannedChange
    at: datetime
    durations: Mapping[str, Any] = field(default_factory=dict)
    _cache: dict[Any, Any] = field(default_factory=dict)

    def opening(self, host: GateHost) -> Opening | Unknown:
        """:raises BadInput: the windows or freezes of the host are not written as they must be"""
        if host.problem:
            return Unknown(host.problem)
        if not any(host.variables.get(name) for name in WINDOWS):
            return Opening()
        # What reads calendars and rules takes a while to load, and many have none.
        from ...windows.adapters.inventory import target_of_host  # noqa: PLC0415

        key = json.dumps([host.variables.get(name) for name in WINDOWS], default=repr)
        policy = self._cached(("policy", key), lambda: _policy(host))
        if isinstance(policy, Unknown):
            return policy
        target = target_of_host(host.variables, host=host.name, application=self.planned.application or None)
        return opening_of(policy, target, self.at)

    def hosts_to_ask(self, hosts: Sequence[GateHost]) -> list[str]:
        """The hosts on which ``gate_info`` must be run.

        For the history one is enough. The last one switches with the last batch, and so saw the whole of each run.
        """
        own = [host.name for host in hosts if needs_host(host.settings)]
        history = [host.name for host in hosts if self._needs_history(host)]
        return own or history[-1:]

    def _needs_history(self, host: GateHost) -> bool:
        return needs_history(self.opening(host), host.settings, self.at)

    def facts(self, host: GateHost) -> GateFacts:
        """All facts of one host; only those that its settings need are fetched."""
        settings, planned = host.settings, self.planned
        # A result that no check needs now may be that of an earlier play.
        wanted = needs_host(settings) or self._needs_history(host)
        gate_info = host.gate_info if wanted else None
        unreachable = _unreachable(gate_info)
        host_facts = None if gate_info is None or unreachable else _host_facts(gate_info)
        return GateFacts(
            opening=self.opening(host),
            stops=self._stops(settings),
            release=planned.release,
            artifact=planned.artifact,
            alerts=self._if_enabled(settings, ALERTS, settings.alerts, lambda one: _monitoring().alerts(one)),
            budget=self._if_enabled(
                settings, ERROR_BUDGET, settings.budget, lambda one: _monitoring().budget(one)
            ),
            deployments=self._if_enabled(
                settings,
                PROMOTION,
                settings.promotion,
                lambda one: _ledgers().deployments(one, planned.application, planned.release, self.at),
            ),
            backup=self._newest(settings, BACKUP_AGE, "backup", settings.backup, host_facts, unreachable),
            drill=self._newest(settings, DRILL_AGE, "drill", settings.drill, host_facts, unreachable),
            host_facts=host_facts,
            unreachable=unreachable,
            left=planned.left,
            actor=planned.actor,
            durations=self.durations,
        )

    def _cached(self, key: Any, fetch: Callable[[], T]) -> T:
        if key not in self._cache:
            self._cache[key] = fetch()
        return self._cache[key]  # type: ignore[no-any-return]

    def _if_enabled(self, settings: GateSettings, check: str, query: Any, fetch: Callable[[Any], Any]) -> Any:
        if query is None or not settings.makes(check):
            return ()
        if settings.mode(check) is Mode.ADVISORY:
            query = _with_short_timeout(query)
        return self._cached((check, query), lambda: fetch(query))

    def _stops(self, settings: GateSettings) -> tuple[str, ...] | Unknown:
        place, given = settings.stop_file, settings.stop_file_given
        from_file = self._cached(("stop", place, given), lambda: stopfile.stop_reason(place, given))
        from_variable = (f"{settings.stop} (change_stop)",) if settings.stop else ()
        if isinstance(from_file, Unknown):
            return from_variable or from_file
        return (*from_variable, from_file) if from_file else from_variable

    def _newest(
        self,
        settings: GateSettings,
        check: str,
        kind: str,
        max_age: MaxAge | None,
        host_facts: HostFacts | None,
        unreachable: str,
    ) -> datetime | Unknown | None:
        if max_age is None or not settings.makes(check):
            return None
        if max_age.ledgers:
            found: datetime | Unknown | None = self._cached(
                (check, max_age), lambda: _ledgers().newest(max_age, kind)
            )
            return found
        return newest_of(host_facts, kind, unreachable)


def _host_facts(gate_info: Mapping[str, Any]) -> HostFacts:
    if "runs" not in gate_info:
        return HostFacts(newest=Unknown(f"mas.ops.gate_info failed on the host: {gate_info.get('msg', '')}"))
    broken = Unknown(str(gate_info["ledger_error"])) if gate_info.get("ledger_error") else None
    return HostFacts(
        disks=tuple(gate_info.get("disks") or ()),
        reboot=tuple(str(one) for one in gate_info.get("reboot") or ()),
        locked=bool(gate_info.get("locked")),
        lease={str(key): str(value) for key, value in (gate_info.get("lease") or {}).items()},
        newest=broken or gate_info.get("newest") or {},
    )


def durations_of_runs(hosts: Sequence[GateHost]) -> Mapping[str, Any]:
    """How long past runs took, from the ledgers of all hosts on which ``gate_info`` was run."""
    runs = [run for host in hosts for run in (host.gate_info or {}).get("runs") or ()]
    if not runs:
        return {}
    from ..history import durations  # noqa: PLC0415 - see _monitoring

    return durations(runs)


def _monitoring() -> ModuleType:
    """Loaded when there is something to fetch: Ansible compiles a collection anew in each run, which delays all hosts."""
    from . import monitoring  # noqa: PLC0415

    return monitoring


def _ledgers() -> ModuleType:
    from . import ledgers  # noqa: PLC0415 - see _monitoring

    return ledgers


def _policy(host: GateHost) -> Policy | Unknown:
    """A mistake in the variables is an error, except before a rollback; a calendar that cannot be read is a fact."""
    from ...windows.adapters.inventory import policy_of_host  # noqa: PLC0415 - see FactCollector.opening

    try:
        return policy_of_host(host.variables)
    except OpsError as error:
        if isinstance(error, BadInput) and host.settings.change != ROLLBACK:
            raise
        return Unknown(str(error))


def _unreachable(gate_info: Mapping[str, Any] | None) -> str:
    if not gate_info or not gate_info.get("unreachable"):
        return ""
    return str(gate_info.get("msg") or "no connection").strip().splitlines()[0][:200]


def _with_short_timeout(query: Any) -> Any:
    endpoint = getattr(query, "endpoint", None)
    if not isinstance(endpoint, HttpEndpoint):
        return query
    return replace(query, endpoint=replace(endpoint, timeout=min(endpoint.timeout, _ADVISORY_TIMEOUT)))
