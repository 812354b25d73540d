"""What an application wrote is shown without its secrets."""

from __future__ import annotations

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases.environment_file import render
from ansible_collections.mas.ops.plugins.module_utils._releases.redact import hide, values
from hypothesis import given
from hypothesis import strategies as st

FILE = (
    "# a comment\n"
    'TOKEN="s3cr\\"et-\\$x"\n'
    "PLAIN=not-quoted value\n"
    "SINGLE='it is $this'\n"
    'KEY="-----BEGIN-----\nabcdefgh\n-----END-----"\n'
    'URL="postgres://agents:pass-word@db:5432/agents"\n'
    'DEBUG="1"\n'
    'MAS_SHARED="/srv/shop/shared"\nMAS_SLOT="green"\nPORT="8102"\n'
)


@pytest.mark.parametrize(
    "said, expected",
    [
        ('bad token s3cr"et-$x', "bad token ***"),
        ("cannot use not-quoted value", "cannot use ***"),
        ("it is $this!", "***!"),
        ("line abcdefgh", "line ***"),
        ("password pass-word was refused", "password *** was refused"),
        ("shop-api@green.service on 8102", "shop-api@green.service on 8102"),
        ("exit status 1", "exit status 1"),
        ("Failed to locate executable gunicorn", "Failed to locate executable gunicorn"),
    ],
)
def test_values_are_hidden(said: str, expected: str) -> None:
    assert hide(said, values(FILE)) == expected


def test_what_the_engine_says_itself_is_no_secret() -> None:
    text = render(
        {"PORT": "9101", "MAS_SLOT": "blue", "MAS_SHARED": "/srv/shop/shared", "TOKEN": "hidden-one"}
    )
    said = "shop-web@blue.service: hidden-one listens on 127.0.0.1:9101"
    assert hide(said, values(text)) == "shop-web@blue.service: *** listens on 127.0.0.1:9101"


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), min_size=4))
def test_whatever_the_role_writes_is_hidden(secret: str) -> None:
    if len(secret.strip()) < 4:
        return
    text = render({"A": "before", "SECRET": secret, "Z": "after"})
    assert secret.strip() not in hide(f"<{secret}>", values(text))
