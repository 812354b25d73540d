"""A deploy of some of the hosts of an application, as an operator does it with --limit."""

from __future__ import annotations

import pytest
from fleet import Fleet

pytestmark = pytest.mark.containers


def test_the_first_host_may_be_left_out(pair: Fleet) -> None:
    """What all hosts share must not come from the variables of one that takes no part."""
    first, second = pair.names
    pair.build("71.0.0", like="1.0.0")
    before = pair.live()
    refused = pair.deploy("71.0.0", "--limit", second)
    assert refused.status != 0
    assert f"not deployed to: {first}" in refused.output
    assert pair.live() == before
    pair.deploy("71.0.0", "--limit", second, deploy_partial=True).check()
    assert pair.live() == {first: before[first], second: "71.0.0"}
    pair.deploy("71.0.0").check()
    assert set(pair.live().values()) == {"71.0.0"}
