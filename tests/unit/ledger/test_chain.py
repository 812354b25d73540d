"""The hash chain: what was written comes back, and what was changed is found."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._ledger import chain
from hypothesis import given, settings
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=[]), max_size=12)  # surrogates too: they come from file names
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OWN = {"previous", "sequence", "hash"}
ENTRIES = st.dictionaries(TEXT.filter(lambda name: name not in OWN), VALUES, max_size=4)
CHAINS = st.lists(ENTRIES, min_size=1, max_size=5)


def write(entries: list[dict[str, Any]]) -> list[bytes]:
    lines: list[bytes] = []
    for entry in entries:
        lines.append(chain.encode(entry, *chain.follow(lines[-1] if lines else None)))
    return lines


@given(CHAINS)
def test_entries_come_back_as_they_were(entries: list[dict[str, Any]]) -> None:
    lines = write(entries)
    found, broken = chain.verify(lines)
    assert broken is None
    plain = [{name: value for name, value in entry.items() if name not in OWN} for entry in found]
    assert plain == json.loads(json.dumps(entries))
    assert [entry["sequence"] for entry in found] == list(range(1, len(entries) + 1))
    assert all(b"\n" not in line for line in lines)


@given(CHAINS, st.data())
def test_a_changed_byte_is_found(entries: list[dict[str, Any]], data: st.DataObject) -> None:
    lines = write(entries)
    number = data.draw(st.integers(0, len(lines) - 1), label="line")
    at = data.draw(st.integers(0, len(lines[number]) - 1), label="byte")
    flip = data.draw(st.integers(1, 255), label="flip")
    line = bytearray(lines[number])
    line[at] ^= flip
    before, broken = chain.verify([*lines[:number], bytes(line), *lines[number + 1 :]])
    assert broken is not None
    assert broken.line == number + 1
    assert len(before) == number


@given(CHAINS, st.data())
def test_a_byte_more_or_less_is_found(entries: list[dict[str, Any]], data: st.DataObject) -> None:
    lines = write(entries)
    number = data.draw(st.integers(0, len(lines) - 1), label="line")
    at = data.draw(st.integers(0, len(lines[number]) - 1), label="byte")
    line = lines[number]
    more = data.draw(st.binary(max_size=1), label="inserted")
    changed = line[:at] + more + line[at + (not more) :]
    _, broken = chain.verify([*lines[:number], changed, *lines[number + 1 :]])
    assert broken is not None
    assert broken.line == number + 1


@given(st.lists(ENTRIES, min_size=2, max_size=6), st.data())
def test_a_removed_line_is_found_unless_it_is_the_last(
    entries: list[dict[str, Any]], data: st.DataObject
) -> None:
    """No chain knows its own end: what was cut off there is only known where a later hash was kept."""
    lines = write(entries)
    number = data.draw(st.integers(0, len(lines) - 2))
    _, broken = chain.verify(lines[:number] + lines[number + 1 :])
    assert broken is not None
    assert broken.line == number + 1
    assert chain.verify(lines[:-1])[1] is None


@given(st.lists(ENTRIES, min_size=2, max_size=6), st.data())
def test_swapped_and_repeated_lines_are_found(entries: list[dict[str, Any]], data: st.DataObject) -> None:
    lines = write(entries)
    first = data.draw(st.integers(0, len(lines) - 2))
    second = data.draw(st.integers(first + 1, len(lines) - 1))
    swapped = list(lines)
    swapped[first], swapped[second] = swapped[second], swapped[first]
    assert chain.verify(swapped)[1] is not None
    assert chain.verify([*lines, lines[second]])[1] is not None


@settings(max_examples=50)
@given(ENTRIES)
def test_a_line_is_canonical(entry: dict[str, Any]) -> None:
    (line,) = write([entry])
    (turned,) = write([dict(reversed(entry.items()))])
    assert line == turned


def test_reserved_names_cannot_be_forged() -> None:
    (line,) = write([{"previous": "x", "sequence": 9, "hash": "y", "kind": "z"}])
    found, broken = chain.verify([line])
    assert broken is None
    assert (found[0]["previous"], found[0]["sequence"]) == (chain.GENESIS, 1)


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"1", b"null", b"{", b'{"sequence":1}', b"\xff", b"[" * 100_000, "{}".encode("utf-16")],
)
def test_what_is_not_an_entry_is_refused(line: bytes) -> None:
    assert chain.verify([line])[1] is not None
    with pytest.raises(ValueError, match=r"."):
        chain.follow(line)
