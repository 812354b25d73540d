"""What is written for systemd is read back, and what others wrote is read as systemd reads it."""

from __future__ import annotations

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases.environment_file import parse, render
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"], include_characters="\t\n")) | st.text(
    "\"'\\$`\n=#; AB_1", max_size=20
)


@given(st.dictionaries(NAMES, VALUES))
def test_round_trip(variables: dict[str, str]) -> None:
    assert parse(render(variables) + "\n") == variables


def test_a_line_inside_a_value_is_no_variable() -> None:
    text = render({"A": "x\nAGENTS_TOKEN=1\n", "B": '"\nAGENTS_TOKEN=2'})
    assert set(parse(text)) == {"A", "B"}


@pytest.mark.parametrize(
    "text, found",
    [
        ("A=1\nB = 2 \n", {"A": "1", "B": "2"}),
        ("# A=1\n;B=2\n  C=3", {"C": "3"}),
        ("A='it \\n is' \"two\"\n", {"A": "it \\n istwo"}),
        ("A=a\\\nb\n", {"A": "ab"}),
        ('A="a\\\nb\\"\\x"\n', {"A": 'ab"\\x'}),
        ("export C=1\n1=2\nA-B=3\n", {}),
        ("A\nB=1\n", {"B": "1"}),
        ("A=1\nA=2", {"A": "2"}),
        ('A="never ends\nB=1', {"A": "never ends\nB=1"}),
        ("", {}),
    ],
)
def test_as_systemd_reads_it(text: str, found: dict[str, str]) -> None:
    assert parse(text) == found
