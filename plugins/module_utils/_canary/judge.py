# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judgement of a canary against its baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import Errors
from .latency import Tail, Values
from .sample import Sample, SampleWindow, total
from .settings import CanarySettings

PASS, FAIL, INCONCLUSIVE = "pass", "fail", "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """
    :param verdict: ``pass``, ``fail`` or ``inconclusive``
    :param final: whether looking on would change nothing. A pass that is not final means: nothing is against it so
        far; inconclusive is never final.
    :param reasons: sentences for people, the decisive ones
    :param numbers: what they are based on, plain data
    """

    verdict: str
    final: bool
    reasons: tuple[str, ...]
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "final": self.final,
            "reasons": list(self.reasons),
            "numbers": dict(self.numbers),
        }


def judge(
    windows: Sequence[SampleWindow], settings: CanarySettings, *, ended: bool = False, held: float = 0.0
) -> Verdict:
    """Judge all that was seen so far, oldest first. May be asked at any time and as often as one likes.

    :param ended: whether the time for looking is over, so that nothing against it is a pass
    :param held: seconds for which the decision has been put off since then, because nothing could be concluded
    """
    whole = total(windows)
    errors = Errors.of(windows, whole, settings)
    latency = Tail.of(windows, whole, settings) or Values.of(windows, settings, ended)
    numbers = {**_numbers(whole), **errors.numbers(), "latency": latency.numbers() if latency else None}
    against = [*_stops(windows, whole, settings), *errors.against()]
    against += latency.against() if latency else []
    if against:
        return Verdict(FAIL, True, tuple(against), numbers)
    unknown = tuple(_unknown(windows, whole, settings))
    if unknown:
        if held >= settings.hold_limit and (held or ended):
            held_for = f"nothing could be concluded for {held:g} s, the limit is {settings.hold_limit:g} s"
            return Verdict(FAIL, True, (held_for, *unknown), numbers)
        return Verdict(INCONCLUSIVE, False, unknown, numbers)
    if errors.harmless and (latency is None or latency.harmless):
        reason = f"its error rate is higher by less than {_percent(settings.margin)}, if at all"
        return Verdict(PASS, True, (reason,), numbers)
    if ended:
        return Verdict(PASS, True, ("there was no evidence against it until the end",), numbers)
    return Verdict(PASS, False, ("there is no evidence against it so far",), numbers)


def _stops(windows: Sequence[SampleWindow], whole: SampleWindow, settings: CanarySettings) -> Iterator[str]:
    """What needs no comparison."""
    if whole.canary.downs > whole.baseline.downs:
        yield f"the canary went down: {whole.canary.downs} times, its baseline {whole.baseline.downs} times"
    latest = Sample()
    for window in reversed(windows):
        latest += window.canary
        if latest.requests >= settings.hard_requests:
            break
    for sample, which in ((latest, "latest "), (whole.canary, "")):
        if sample.requests >= settings.hard_requests and sample.rate >= settings.hard_rate:
            limit = _percent(settings.hard_rate)
            yield f"{sample.errors} of its {which}{sample.requests} requests failed, the limit is {limit}"
            return


def _unknown(windows: Sequence[SampleWindow], whole: SampleWindow, settings: CanarySettings) -> Iterator[str]:
    """Why nothing can be concluded."""
    if not windows:
        yield "nothing was observed yet"
    elif windows[-1].missing:
        yield windows[-1].missing
    for name, sample in (("canary", whole.canary), ("baseline", whole.baseline)):
        if sample.requests < settings.min_requests:
            yield f"the {name} had {sample.requests} requests, {settings.min_requests} are needed"


def _numbers(whole: SampleWindow) -> dict[str, Any]:
    return {
        name: {
            "requests": sample.requests,
            "errors": sample.errors,
            "rate": round(sample.rate, 6),
            "downs": sample.downs,
            "p50": sample.quantile(0.5),
            "p99": sample.quantile(0.99),
        }
        for name, sample in (("canary", whole.canary), ("baseline", whole.baseline))
    }


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
