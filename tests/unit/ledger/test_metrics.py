"""The ledger as Prometheus metrics, read back by a strict little reader of the text format."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.mas.ops.plugins.module_utils._ledger.metrics import render
from ansible_collections.mas.ops.plugins.module_utils._ledger.segments import Chain
from ansible_collections.mas.ops.plugins.module_utils._ledger.summary import summarize
from hypothesis import given
from hypothesis import strategies as st

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)+)\})? (-?[0-9.e+]+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)')
UNESCAPED = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}


def parse(text: str) -> Samples:
    """Each sample once, below the HELP and TYPE of its metric, metrics in one piece, a line feed at the end."""
    assert text.endswith("\n")
    samples: Samples = {}
    described: list[str] = []
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            described.append(line.split(" ")[2])
            continue
        if line.startswith("# TYPE "):
            assert line.split(" ")[2] == described[-1]
            assert line.split(" ")[3] in {"counter", "gauge"}
            assert (line.split(" ")[3] == "counter") == described[-1].endswith("_total")
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        name, labels, value = found.groups()
        assert name == described[-1]
        pairs = {
            key: re.sub(r"\\.", lambda each: UNESCAPED[each.group()], text)
            for key, text in LABEL.findall(labels or "")
        }
        key = (name, frozenset(pairs.items()))
        assert key not in samples
        samples[key] = float(value)
    assert len(described) == len(set(described))
    return samples


def entry(action: str, to: str, time: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "release", "application": "agents", "environment": "production", "action": action, "to": to,
        "slot": "green", "time": time, "seconds": {"shift": 1.5, "start": 2.0}, **more,
    }  # fmt: skip


STORY = [
    entry("live", "1.0.0-aaaaaaaaaaaa", "2026-11-01T00:00:00.000Z"),
    entry("live", "2.0.0-bbbbbbbbbbbb", "2026-11-02T00:00:00.000Z", slot="blue"),
    entry("failed", "3.0.0-cccccccccccc", "2026-11-03T00:00:00.000Z", slot=None),
    entry("rolled_back", "1.0.0-aaaaaaaaaaaa", "2026-11-04T00:00:00.500Z", seconds={}),
    entry("live", "7-dddddddddddd", "2026-11-05T00:00:00.000Z", application="other"),
    {"kind": "incident", "action": "noted", "application": "agents"},
]


def label(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def test_an_empty_ledger_has_metrics_too() -> None:
    assert parse(render(Chain(intact=True), 0, {})) == {
        ("mas_ledger_entries_total", label()): 0,
        ("mas_ledger_chain_intact", label()): 1,
        ("mas_ledger_size_bytes", label()): 0,
    }


def test_a_story() -> None:
    samples = parse(render(Chain(intact=False, entries=6, first=5, last=10), 2048, summarize(STORY)))
    assert samples["mas_ledger_entries_total", label()] == 10
    assert samples["mas_ledger_chain_intact", label()] == 0
    assert samples["mas_ledger_size_bytes", label()] == 2048
    assert {key for name, key in samples if name == "mas_release_info"} == {
        label(application="agents", environment="production", release="1.0.0-aaaaaaaaaaaa", version="1.0.0",
              slot="green"),
        label(application="other", environment="production", release="7-dddddddddddd", version="7",
              slot="green"),
    }  # fmt: skip
    of = {"application": "agents"}
    assert samples["mas_release_changes_total", label(**of, action="live")] == 2
    assert samples["mas_release_changes_total", label(**of, action="failed")] == 1
    when = "mas_release_last_change_timestamp_seconds"
    assert samples[when, label(**of, action="live")] == 1793577600
    assert samples[when, label(**of, action="rolled_back")] == 1793750400.5
    took = "mas_release_last_change_duration_seconds"
    assert samples[took, label(**of, action="live")] == 3.5
    assert samples[took, label(**of, action="rolled_back")] == 0


def test_durations_that_are_none_count_as_nothing() -> None:
    odd = [
        entry("live", "1-a", "2026-11-01T00:00:00Z", seconds=value) for value in (None, 3, {"x": "y", "z": 1})
    ]
    assert [summarize([each])["agents"].last["live"].seconds for each in odd] == [0, 0, 1]


def test_what_left_everything_has_no_live_release() -> None:
    gone = [*STORY[:1], entry("rolled_back", "x", "2026-11-06T00:00:00Z") | {"to": None}]
    assert "mas_release_info" not in render(Chain(intact=True), 0, summarize(gone))


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_can_be_a_label(application: str, version: str) -> None:
    entries = [
        entry("live", f"{version}-aaaaaaaaaaaa", "2026-11-01T00:00:00Z") | {"application": application}
    ]
    samples = parse(render(Chain(intact=True), 0, summarize(entries)))
    (labels,) = (dict(key) for name, key in samples if name == "mas_release_info")
    assert (labels["application"], labels["version"]) == (application, version)
