# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger as Prometheus metrics, in the text format that node-exporter's textfile collector reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Callable, Union

from .history import version_of
from .query import moment_of
from .segments import Chain
from .summary import ChangeSummary, Summary

Number = Union[int, float]
Sample = tuple[Mapping[str, str], Number]


@dataclass(frozen=True)
class Family:
    """One metric with its samples."""

    name: str
    type: str
    help: str
    samples: tuple[Sample, ...]

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.type}"
        for labels, value in self.samples:
            inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            yield f"{self.name}{{{inner}}} {value}" if inner else f"{self.name} {value}"


def render(chain: Chain, size: int, summaries: Mapping[str, Summary]) -> str:
    """All metrics of one host.

    :param chain: verified
    :param size: bytes of all files of the ledger
    """
    families = [*_of_ledger(chain, size), *_of_releases(summaries)]
    return "".join(f"{line}\n" for family in families if family.samples for line in family.lines())


def _of_ledger(chain: Chain, size: int) -> Iterator[Family]:
    yield Family(
        "mas_ledger_entries_total",
        "counter",
        "Entries ever written, also pruned ones.",
        _one(chain.last or 0),
    )
    yield Family(
        "mas_ledger_chain_intact",
        "gauge",
        "1 when no line was changed, removed or added.",
        _one(int(bool(chain.intact))),
    )
    yield Family("mas_ledger_size_bytes", "gauge", "Size of all files of the ledger.", _one(size))


def _of_releases(summaries: Mapping[str, Summary]) -> Iterator[Family]:
    known = sorted(summaries.items())
    yield Family(
        "mas_release_info",
        "gauge",
        "The release that is live, by the ledger.",
        tuple(sample for name, summary in known for sample in _live(name, summary)),
    )
    yield Family(
        "mas_release_last_change_timestamp_seconds",
        "gauge",
        "When the newest entry about a release was written, by action.",
        tuple(_each(known, _timestamp)),
    )
    yield Family(
        "mas_release_last_change_duration_seconds",
        "gauge",
        "What the steps of the newest change took on this host, by action.",
        tuple(_each(known, lambda change: change.seconds)),
    )
    yield Family(
        "mas_release_changes_total",
        "counter",
        "Entries about releases, by action.",
        tuple(
            ({"application": name, "action": action}, count)
            for name, summary in known
            for action, count in sorted(summary.counts.items())
        ),
    )


def _live(application: str, summary: Summary) -> Iterator[Sample]:
    release, change = summary.history.live, summary.switched
    if release and change:
        labels = {
            "application": application,
            "environment": change.environment,
            "release": release,
            "version": version_of(release),
            "slot": change.slot,
        }
        yield labels, 1


def _each(known: Iterable[tuple[str, Summary]], value: Callable[[ChangeSummary], Number]) -> Iterator[Sample]:
    """One sample for the last change of each action."""
    for application, summary in known:
        for action, change in sorted(summary.last.items()):
            yield {"application": application, "action": action}, value(change)


def _timestamp(change: ChangeSummary) -> Number:
    moment = moment_of({"time": change.time})
    return moment.timestamp() if moment else 0


def _one(value: Number) -> tuple[Sample, ...]:
    return (({}, value),)


def _escaped(text: str) -> str:
    """Label values are UTF-8 with three escapes; half a surrogate pair cannot be written."""
    text = text.encode(errors="replace").decode()
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
