"""Copies of ledgers only ever grow: what a host takes back is found, and the copy is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._ledger import chain
from ansible_collections.mas.ops.plugins.plugin_utils.report.archive import file_of, lines_of, merge
from ansible_collections.mas.ops.plugins.plugin_utils.report.hosts import Host
from ansible_collections.mas.ops.tests.unit.report.samples import chained
from hypothesis import given
from hypothesis import strategies as st

Lines = tuple[bytes, ...]


def lines(count: int, word: str = "a") -> Lines:
    return lines_of(chained([{"kind": "event", "note": f"{word}{number}"} for number in range(count)]))


def test_lines_are_those_of_the_host() -> None:
    entry = {"kind": "event", "note": 'Grüße \udcff \\ "', "number": 1.5, "none": None, "list": [1, "x"]}
    line = chain.encode(entry, *chain.follow(None))
    assert lines_of(chain.verify([line])[0]) == (line,)
    assert chain.verify(lines(5))[1] is None


def test_entries_without_a_chain_are_not_copied() -> None:
    assert lines_of([{"kind": "event"}]) == ()


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_a_ledger_that_grew(old: int, more: int, removed: int) -> None:
    """Also when the host removed its oldest entries on purpose."""
    whole = lines(old + more)
    merged = merge(whole[:old], whole[min(removed, old) :])
    assert merged.lines == whole
    assert not merged.problem


def other(old: Lines, number: int) -> Lines:
    """The same ledger, different from one entry on."""
    entries = chain.verify(old)[0]
    return lines_of(
        chained(
            [{"kind": "event", "note": e["note"]} for e in entries[:number]]
            + [{"kind": "lie"}] * (len(old) - number)
        )
    )


@pytest.mark.parametrize(
    "forge, words",
    [
        (lambda old: old[:-1], "ends at entry 5, its archived copy at 6"),
        (lambda old: other(old, 5), "entry 6 is not what its archived copy says"),
        (lambda old: other(old, 0), "entry 1 is not"),
        (lambda _old: lines(9, "b")[6:], "does not follow"),
        (lambda _old: lines(9)[7:], "entry 8 does not follow entry 6"),
    ],
)
def test_a_ledger_that_took_something_back(forge: Callable[[Lines], Lines], words: str) -> None:
    old = lines(6)
    merged = merge(old, forge(old))
    assert merged.lines == old
    assert words in merged.problem


def test_a_copy_that_was_changed() -> None:
    old = lines(3)
    spoilt = (old[0], old[1].replace(b"a1", b"a7"), old[2])
    assert "changed after it was written" in merge(spoilt, old).problem
    assert merge(spoilt, old).lines == spoilt


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "a\nb", "-x"])
def test_names_that_are_no_file_names(name: str) -> None:
    entries: tuple[Any, ...] = ({"environment": "production"},)
    with pytest.raises(BadInput):
        file_of(Host(name, entries=entries))
    with pytest.raises(BadInput):
        file_of(Host("web1", entries=({"environment": name},)))
    assert file_of(Host("web1.example.org", entries=entries)) == "production/web1.example.org.jsonl"
