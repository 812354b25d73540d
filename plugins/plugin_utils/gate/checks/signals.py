# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of what other systems report: artifact, promotion, alerts, error budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta

from ..facts import Deployment, GateFacts
from ..settings import BudgetQuery, GateSettings, Promotion
from ..values import format_duration
from .model import (
    ALERTS,
    ARTIFACT,
    ERROR_BUDGET,
    PROMOTION,
    Check,
    Unknown,
    failed,
    passed,
    passed_if,
    unknown,
)

_MAX_NAMED = 5
_NOT_FINITE = {math.inf: "+Inf", -math.inf: "-Inf"}


def artifact(facts: GateFacts) -> Check | None:
    """What ``artifact_info`` found; nothing where no artifact is brought in."""
    found = facts.artifact
    if found is None:
        return None
    if not found.get("verified"):
        return failed(ARTIFACT, "the artifact was not verified")
    signer = str(found.get("signed_by") or "")
    evidence = {"sha256": str(found.get("sha256") or ""), "signed_by": signer}
    by = f"signed by {signer}" if signer else "its signature was not asked for"
    return passed(ARTIFACT, f"the digest is right, {by}", **evidence)


def promotion(facts: GateFacts, settings: GateSettings) -> Check | None:
    """The same digest was live and healthy in the environment before, for long enough."""
    wanted = settings.promotion
    if wanted is None:
        return unknown(PROMOTION, "gate_promotion names no environment")
    if not facts.release:
        return None
    if isinstance(facts.deployments, Unknown):
        return unknown(PROMOTION, facts.deployments.why)
    evidence = {"from": wanted.environment, "hosts": [one.host for one in facts.deployments]}
    bad = [f"{one.host}: {one.bad}" for one in facts.deployments if one.bad]
    if bad:
        words = f"{facts.release} did not hold in {wanted.environment}: {'; '.join(bad[:_MAX_NAMED])}"
        return failed(PROMOTION, words, **evidence)
    return _soaked(facts, wanted, evidence)


def _soaked(facts: GateFacts, wanted: Promotion, evidence: Mapping[str, object]) -> Check:
    longest: Deployment | None = max(facts.deployments or (), key=_seconds, default=None)  # type: ignore[arg-type]
    if longest is None:
        return failed(PROMOTION, f"{facts.release} was never live in {wanted.environment}", **evidence)
    lived = timedelta(seconds=longest.seconds)
    words = f"{facts.release} was live in {wanted.environment} for {format_duration(lived)} on {longest.host}"
    if lived < wanted.soak:
        words += f", not for {format_duration(wanted.soak)}"
    return passed_if(PROMOTION, lived >= wanted.soak, words, seconds=round(longest.seconds), **evidence)


def _seconds(deployment: Deployment) -> float:
    return deployment.seconds


def alerts(facts: GateFacts, settings: GateSettings) -> Check:
    """No alert that matches fires."""
    if settings.alerts is None:
        return unknown(ALERTS, "gate_alertmanager has no URL")
    if isinstance(facts.alerts, Unknown):
        return unknown(ALERTS, facts.alerts.why)
    if not facts.alerts:
        return passed(ALERTS, "no alert fires", matchers=list(settings.alerts.matchers))
    names = sorted({_alert(labels) for labels in facts.alerts})
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    words = f"{len(facts.alerts)} alerts fire: {', '.join(names[:_MAX_NAMED])}{more}"
    return failed(ALERTS, words, count=len(facts.alerts), alerts=names[:_MAX_NAMED])


def _alert(labels: Mapping[str, str]) -> str:
    where = labels.get("instance") or labels.get("service") or labels.get("job")
    name = labels.get("alertname", "an alert without a name")
    return f"{name} ({where})" if where else name


def error_budget(facts: GateFacts, settings: GateSettings) -> Check:
    """Every value of the query lies within its limits; without any value it is inconclusive."""
    query = settings.budget
    if query is None:
        return unknown(ERROR_BUDGET, "gate_error_budget has no query")
    if isinstance(facts.budget, Unknown):
        return unknown(ERROR_BUDGET, facts.budget.why)
    if not facts.budget:
        return unknown(ERROR_BUDGET, "the query returned nothing", query=query.query)
    # A division by zero is no measurement, however good infinity looks.
    odd = next((value for dummy, value in facts.budget if not math.isfinite(value)), None)
    if odd is not None:
        return unknown(ERROR_BUDGET, f"the query returned {_NOT_FINITE.get(odd, 'NaN')}", query=query.query)
    worst = [(labels, value) for labels, value in facts.budget if not _within(value, query)]
    shown_values = [f"{labels} {value:g}".strip() for labels, value in (worst or facts.budget)[:_MAX_NAMED]]
    evidence = {"query": query.query, "values": shown_values}
    if worst:
        return failed(ERROR_BUDGET, f"{', '.join(shown_values)} is not {_limits(query)}", **evidence)
    return passed(ERROR_BUDGET, f"{', '.join(shown_values)} is {_limits(query)}", **evidence)


def _within(value: float, query: BudgetQuery) -> bool:
    low = query.minimum is None or value >= query.minimum
    return low and (query.maximum is None or value <= query.maximum)


def _limits(query: BudgetQuery) -> str:
    parts = []
    if query.minimum is not None:
        parts.append(f"at least {query.minimum:g}")
    if query.maximum is not None:
        parts.append(f"at most {query.maximum:g}")
    return " and ".join(parts)
