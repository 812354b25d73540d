# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of what others observe: artifact, promotion, alerts, error budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta

from .check import (
    ALERTS,
    ARTIFACT,
    ERROR_BUDGET,
    PROMOTION,
    Check,
    Unknown,
    failed,
    held,
    passed,
    unknown,
)
from .facts import Facts, Life
from .settings import BudgetQuestion, Promotion, Settings
from .values import shown

_FEW = 5
_ODD = {math.inf: "+Inf", -math.inf: "-Inf"}


def artifact(facts: Facts) -> Check | None:
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


def promotion(facts: Facts, settings: Settings) -> Check | None:
    """The same digest was live and healthy in the environment before, for long enough."""
    wanted = settings.promotion
    if wanted is None:
        return unknown(PROMOTION, "gate_promotion does not say from where")
    if not facts.release:
        return None
    if isinstance(facts.lives, Unknown):
        return unknown(PROMOTION, facts.lives.why)
    evidence = {"from": wanted.environment, "hosts": [life.host for life in facts.lives]}
    bad = [f"{life.host}: {life.bad}" for life in facts.lives if life.bad]
    if bad:
        words = f"{facts.release} did not hold in {wanted.environment}: {'; '.join(bad[:_FEW])}"
        return failed(PROMOTION, words, **evidence)
    return _soaked(facts, wanted, evidence)


def _soaked(facts: Facts, wanted: Promotion, evidence: Mapping[str, object]) -> Check:
    longest: Life | None = max(facts.lives or (), key=_seconds, default=None)  # type: ignore[arg-type]
    if longest is None:
        return failed(PROMOTION, f"{facts.release} was never live in {wanted.environment}", **evidence)
    lived = timedelta(seconds=longest.seconds)
    words = f"{facts.release} was live in {wanted.environment} for {shown(lived)} on {longest.host}"
    if lived < wanted.soak:
        words += f", not for {shown(wanted.soak)}"
    return held(PROMOTION, lived >= wanted.soak, words, seconds=round(longest.seconds), **evidence)


def _seconds(life: Life) -> float:
    return life.seconds


def alerts(facts: Facts, settings: Settings) -> Check:
    """No alert that matches fires."""
    if settings.alerts is None:
        return unknown(ALERTS, "gate_alertmanager does not say where to ask")
    if isinstance(facts.alerts, Unknown):
        return unknown(ALERTS, facts.alerts.why)
    if not facts.alerts:
        return passed(ALERTS, "no alert fires", matchers=list(settings.alerts.matchers))
    names = sorted({_alert(labels) for labels in facts.alerts})
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    words = f"{len(facts.alerts)} alerts fire: {', '.join(names[:_FEW])}{more}"
    return failed(ALERTS, words, count=len(facts.alerts), alerts=names[:_FEW])


def _alert(labels: Mapping[str, str]) -> str:
    where = labels.get("instance") or labels.get("service") or labels.get("job")
    name = labels.get("alertname", "an alert without a name")
    return f"{name} ({where})" if where else name


def error_budget(facts: Facts, settings: Settings) -> Check:
    """Every value of the query lies within its limits; no value at all tells nothing."""
    question = settings.budget
    if question is None:
        return unknown(ERROR_BUDGET, "gate_error_budget does not say what to ask")
    if isinstance(facts.budget, Unknown):
        return unknown(ERROR_BUDGET, facts.budget.why)
    if not facts.budget:
        return unknown(ERROR_BUDGET, "the query returned nothing", query=question.query)
    # What was divided by nothing is no measurement, however good infinity looks.
    odd = next((value for dummy, value in facts.budget if not math.isfinite(value)), None)
    if odd is not None:
        return unknown(ERROR_BUDGET, f"the query returned {_ODD.get(odd, 'NaN')}", query=question.query)
    worst = [(labels, value) for labels, value in facts.budget if not _within(value, question)]
    shown_values = [f"{labels} {value:g}".strip() for labels, value in (worst or facts.budget)[:_FEW]]
    evidence = {"query": question.query, "values": shown_values}
    if worst:
        return failed(ERROR_BUDGET, f"{', '.join(shown_values)} is not {_limits(question)}", **evidence)
    return passed(ERROR_BUDGET, f"{', '.join(shown_values)} is {_limits(question)}", **evidence)


def _within(value: float, question: BudgetQuestion) -> bool:
    low = question.minimum is None or value >= question.minimum
    return low and (question.maximum is None or value <= question.maximum)


def _limits(question: BudgetQuestion) -> str:
    parts = []
    if question.minimum is not None:
        parts.append(f"at least {question.minimum:g}")
    if question.maximum is not None:
        parts.append(f"at most {question.maximum:g}")
    return " and ".join(parts)
