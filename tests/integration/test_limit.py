"""A deploy of some of the hosts of an application, as an operator does it with --limit."""

from __future__ import annotations

import shlex

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
    assert f"left out: {first}" in refused.output
    assert pair.live() == before
    pair.deploy("71.0.0", "--limit", second, deploy_partial=True).check()
    assert pair.live() == {first: before[first], second: "71.0.0"}
    pair.deploy("71.0.0").check()
    assert set(pair.live().values()) == {"71.0.0"}


def test_the_printed_way_back_of_a_part_leaves_the_other_hosts_alone(pair: Fleet) -> None:
    """Without a limit of its own it would bring a release to a host that never had it."""
    first, second = pair.names
    for version in ("72.0.0", "73.0.0", "74.0.0"):
        pair.build(version, like="1.0.0")
    pair.deploy("72.0.0").check()
    pair.deploy("73.0.0", "--limit", second, deploy_partial=True).check()
    done = pair.deploy("74.0.0", "--limit", second, deploy_partial=True).check()
    assert f"Left out, by --limit or the gate: host {first}." in done.output
    (way,) = (line for line in done.output.splitlines() if line.startswith("To go back to 73.0.0"))
    words = shlex.split(way.partition(": ")[2])
    assert words[words.index("--limit") + 1] == second
    back = pair.command(*words, "-e", f"@{pair.settings}")
    output, _ = back.communicate()
    assert back.returncode == 0, output
    assert pair.live() == {first: "72.0.0", second: "73.0.0"}
    # Of all hosts it is what was meant, and the end says what is live on each, also on the one that fetched it.
    whole = pair.play("rollback", rollback_version="73.0.0").check()
    assert "is live on 2 hosts" in whole.output, whole.output
    assert "Not known" not in whole.output
    assert set(pair.live().values()) == {"73.0.0"}
