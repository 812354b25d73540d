"""Fixtures of the gate's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .http_server import Recorder, serving


@pytest.fixture
def server() -> Iterator[tuple[Recorder, str]]:
    with serving() as both:
        yield both
