# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The use case of the module ``decommission``: look what is left of an application on this host, plan, and remove it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._core.errors import OpsError, Refused
from ..._core.files import exclusive, storage_errors
from ..._core.outcome import Outcome
from ..._core.plan import Plan, Step
from ..._traffic.adapters.serving import ServingProxy
from ..application import CONFIG, Application
from ..commands import command, located, restored
from ..decommission import Rest, plan_decommissioned, refuse_environment
from ..layout import STATE, THIS_APPLICATION, Layout
from ..lease import Claim, claim, released
from ..ports import Limits, Ports
from ..remover import Remover
from .folders import Folders, load_application
from .host import assemble, check_platform
from .interruptible_clock import InterruptibleClock
from .lock import end_request, hold, this_process
from .premises import HostPremises, forget
from .rest import Inventory

_OPERATION = "decommissioning"


def decommission(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The use case behind the module, from its checked options."""
    check_platform()
    name = params["application"]
    try:
        if not os.path.lexists(CONFIG.format(name=name)):
            return _unknown(name, check_mode)
        return _decommission(load_application(name), params, check_mode)
    except OpsError as error:
        error.fix = located(error.fix, params["inventory"])
        raise


def _decommission(app: Application, params: Mapping[str, Any], check_mode: bool) -> Outcome:
    refuse_environment(app, params["environment"])
    layout = Layout(app)
    wanted = Claim(params["run"], params["actor"], _OPERATION, force_unlock=params["force_unlock"])
    clock = InterruptibleClock(end_request(layout), this_process(wanted), controller=True)
    ports, layout = assemble(app, clock=clock)
    proxy = ServingProxy(app.name, app.proxy.socket, clock) if app.web and app.proxy else None
    with _locked(layout, wanted, clock, check_mode) as aside:
        lease = claim(ports.store.lease(), wanted, clock.moment(), Limits().lease)
        if not check_mode:
            ports.store.write_lease(lease)
        try:
            rest = Inventory(layout, Folders(layout), proxy, params["shared"] == "remove").rest(ports)
            plan = plan_decommissioned(rest, app.name, params["force_unlock"])
            remover = _remover(app, ports, HostPremises(layout, proxy, clock.check), params)
            if not check_mode:
                remover.apply(plan)
        except Exception:
            if not check_mode and os.path.isdir(os.path.dirname(layout.lock)):
                # The next run need not wait for the end of the lease; it may be about the same disk, where that is what failed.
                with contextlib.suppress(OpsError):
                    ports.store.write_lease(released(lease))
            raise
    return Outcome(
        plan, {**_facts(app.name, rest, params), "seconds": remover.seconds, "damage": list(aside)}
    )


@contextlib.contextmanager
def _locked(
    layout: Layout, wanted: Claim, clock: InterruptibleClock, check_mode: bool
) -> Iterator[Sequence[str]]:
    """The lock of the application. A host that lost the folder of it is cleared all the same."""
    folder = os.path.dirname(layout.lock)
    if check_mode and not os.path.isdir(folder):
        yield ()
        return
    if not check_mode:
        with storage_errors(folder):
            os.makedirs(folder, mode=0o750, exist_ok=True)
    with hold(layout, wanted, clock, ends=not check_mode) as aside:
        yield aside


def _remover(app: Application, ports: Ports, premises: HostPremises, params: Mapping[str, Any]) -> Remover:
    who = (params["drain_timeout"], params["run"], params["actor"])
    said = {name: params[name] for name in ("gate", "inventory", "limit")}
    return Remover(app, ports, premises, *who, **said)


def _facts(name: str, rest: Rest, params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "was": rest.live,
        "kept": list(rest.kept),
        "rollback_command": restored(name, rest.live, params["inventory"], params["limit"]),
    }


def _unknown(name: str, check_mode: bool) -> Outcome:
    """A host that knows no such application: nothing is to be done, but for the lock that a run which was killed left."""
    facts: dict[str, Any] = {"was": None, "kept": [], "rollback_command": "", "seconds": {}, "damage": []}
    folder = os.path.join(STATE, name)
    if not os.path.isdir(folder):
        return Outcome(Plan({}, {}), facts)
    lock = os.path.join(folder, "lock")
    if set(os.listdir(folder)) - {"lock", "lock.end"}:
        raise Refused(
            f"there are files of {name}, and what describes it is missing",
            where=f"{CONFIG.format(name=name)}; {folder}",
            fix=f"Write it again, then decommission: {command('provision', application_name=name)}",
        )
    plan = Plan({"lock": folder}, {}, (Step("forget", name),))
    if not check_mode:
        with exclusive(lock, subject=THIS_APPLICATION):
            forget(name, lock)
    return Outcome(plan, facts)
