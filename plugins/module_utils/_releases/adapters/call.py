# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call of the module ``release``, whichever way it reached the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Callable

from ..._core.errors import OpsError, StorageError
from ..._core.outcome import Outcome
from ..commands import located
from ..instances import parse_selection
from ..layout import Layout
from ..manage import ReleaseRequest, change
from ..manifest import check_sha256, check_version, release_id
from ..ports import Limits, Transfer
from ..report import describe
from ..traffic_steps import parse_traffic_steps
from .folders import applications, load_application, select_processes
from .host import assemble, check_platform, pushed
from .interruptible_clock import InterruptibleClock
from .lock import end_request, hold, this_process

#: Options that a request takes as they are.
_AS_GIVEN = (
    "state",
    "to_version",
    "from_version",
    "report_missing",
    "forward",
    "assume_staged",
    "confirm_timeout",
    "token",
    "force_unlock",
    "soak",
    "run",
    "actor",
    "limit",
    "gate",
)


def release(
    params: Mapping[str, Any], check_mode: bool, before: Callable[[Layout], None] | None = None
) -> Outcome:
    """The use case behind the module, from its checked options.

    :param before: what else is to be done on the host first, while nothing else changes the application
    """
    with pushed(params["artifact"] if params["artifact_pushed"] else None):
        check_platform()
        try:
            return _release(params, check_mode, before)
        except OpsError as error:
            if isinstance(error, StorageError) and error.missing:
                error.advise("mas.ops.provision makes the folders of an application.")
            error.fix = located(error.fix, params["inventory"])
            raise


def _release(params: Mapping[str, Any], check_mode: bool, before: Callable[[Layout], None] | None) -> Outcome:
    app = load_application(params["application"])
    selection = params.get("processes")
    if selection is not None:
        app = replace(app, processes=parse_selection(selection))
    request = _request(params)
    layout, claim = Layout(app), request.claim(check_mode)
    # A rollback goes on without its controller once it has begun.
    clock = InterruptibleClock(end_request(layout), this_process(claim), controller=not claim.returns)
    allowed = (params["size"], params["size_limit"], params["fetch_timeout"])
    transfer = Transfer(*allowed, params.get("manifest") or {})
    proof = (params["sha256"] or "", params["signature"])
    ports, layout = assemble(app, params["artifact"], *proof, clock, transfer)
    limits = Limits(params["drain_timeout"], params["migration_timeout"], params["lease"])
    # Check mode changes nothing, so it ends no other run either.
    with hold(layout, claim, clock, ends=not check_mode) as aside:
        if before:
            before(layout)
        if selection is not None and not check_mode:
            select_processes(app, app.processes)
        plan, facts = change(ports, layout, limits, request, check_mode)
    return Outcome(plan, {**facts, "damage": [*aside, *facts["damage"]]})


def info(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The question behind the module ``release_info``: one application, or all of this host."""
    try:
        if params["application"]:
            return _describe(params["application"], params)
        return {"applications": {name: _describe(name, params) for name in applications()}}
    except OpsError as error:
        error.fix = located(error.fix, params["inventory"])
        raise


def _describe(name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    app = load_application(name)
    ports, layout = assemble(app)
    return describe(app, layout, ports, tuple(params["inventory"]), params["run_age"])


def _request(params: Mapping[str, Any]) -> ReleaseRequest:
    wanted = params["version"] and check_version(params["version"])
    if wanted and params["sha256"]:
        wanted = release_id(wanted, check_sha256(params["sha256"]))
    steps = parse_traffic_steps(params["steps"], params["bake"], params["canary"])
    given = {name: params[name] for name in _AS_GIVEN}
    brings = bool(params["artifact"] and params["sha256"])
    return ReleaseRequest(
        release=wanted, traffic_steps=steps, brings=brings, inventory=tuple(params["inventory"]), **given
    )
