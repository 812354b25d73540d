"""The file says to systemd, letter by letter, what the variables hold; errors say no secret."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mas.ops.plugins.filter.systemd_environment import (
    environment_problem,
    systemd_environment,
)
from hypothesis import given
from hypothesis import strategies as st


def read(text: str) -> dict[str, str]:
    """What systemd makes of such a file: quotes taken off, a backslash read before one of four characters."""
    found = re.findall(r'^([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"$', text, flags=re.MULTILINE | re.DOTALL)
    return {name: re.sub(r'\\(["$`\\])', r"\1", value) for name, value in found}


@pytest.mark.parametrize(
    "value,written",
    [
        ("plain", '"plain"'),
        ("", '""'),
        ("two words ", '"two words "'),
        ("it's", '"it\'s"'),
        ('say "no"', r'"say \"no\""'),
        ("back\\slash", r'"back\\slash"'),
        ("$HOME and `id`", r'"\$HOME and \`id\`"'),
        ("100%", '"100%"'),
        ("# no comment", '"# no comment"'),
        ("two\nlines", '"two\nlines"'),
        ("żółw", '"żółw"'),
        (8101, '"8101"'),
        (0.5, '"0.5"'),
        (True, '"true"'),
    ],
)
def test_values(value: Any, written: str) -> None:
    assert systemd_environment({"NAME": value}) == f"NAME={written}"


def test_sorted_by_name_and_empty() -> None:
    assert systemd_environment({"B": 1, "A": 2}) == 'A="2"\nB="1"'
    assert systemd_environment({}) == ""


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"], include_characters="\t\n")),
    )
)
def test_nothing_is_lost(variables: dict[str, str]) -> None:
    assert read(systemd_environment(variables)) == variables


@pytest.mark.parametrize("name", ["", "1ST", "WITH-DASH", "WITH SPACE", "NEW\nLINE", "NAME\n", 7, None])
def test_bad_names(name: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="cannot name an environment variable"):
        systemd_environment({name: "s3cret"})


@pytest.mark.parametrize(
    "value", [None, ["s3cret"], {"a": "s3cret"}, b"s3cret", "s3cret\0", "s3cret\r\n", "s3cret\ufffe"]
)
def test_bad_values_are_named_and_not_shown(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="TOKEN") as caught:
        systemd_environment({"TOKEN": value})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("variables", ["A=s3cret", ["A"], None])
def test_only_mappings(variables: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="must be a mapping") as caught:
        systemd_environment(variables)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GCONV_PATH", "OPENSSL_CONF"])
def test_what_every_program_obeys_is_refused(name: str) -> None:
    """Programs that run as root beside the application's own have the same environment."""
    with pytest.raises(AnsibleFilterError, match=f"{name} cannot be in the environment") as refused:
        systemd_environment({name: "/srv/shop/shared/s3cret.so"})
    assert "s3cret" not in str(refused.value)


def test_a_problem_is_a_value_that_a_task_can_fail_with() -> None:
    assert environment_problem({"A": "1"}) == ""
    assert "LD_PRELOAD cannot be in the environment" in environment_problem({"LD_PRELOAD": "/s3cret.so"})
    assert "s3cret" not in environment_problem({"LD_PRELOAD": "/s3cret.so"})
    assert environment_problem([]) == "the environment must be a mapping of names to values"


@pytest.mark.parametrize("name", ["LD_PRELOAD", "LD_HWCAP_MASK", "LD_OF_A_LATER_VERSION", "GCONV_PATH"])
def test_all_that_a_loader_reads_is_refused(name: str) -> None:
    assert f"{name} cannot be in the environment" in environment_problem({name: "x"})
