"""Batches: the table of tests/cases/batches, and what must hold for every fleet."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.mas.ops.plugins.filter.fleet import FilterModule
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.batches import STRATEGIES, release_batches
from hypothesis import given
from hypothesis import strategies as st

CASES = yaml.safe_load(Path("tests/cases/batches/batches.yml").read_text("utf-8"))
OPTIONS = ("strategy", "size", "canaries", "capacity_floor")


def ask(case: dict[str, Any]) -> list[list[str]]:
    pairs = [word.partition("@")[::2] for word in str(case["hosts"]).split()]
    domains = {name: label for name, label in pairs if label not in {"", "-"}}
    options = {name: case[name] for name in OPTIONS if name in case}
    return release_batches([name for name, _ in pairs], domains=domains, **options)


@pytest.mark.parametrize("case", CASES["batches"], ids=lambda case: case["name"])
def test_batches(case: dict[str, Any]) -> None:
    assert [" ".join(batch) for batch in ask(case)] == case["batches"]


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["error"])
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=case["error"]) as caught:
        ask(case)
    assert case["fix"] in caught.value.fix
    assert caught.value.where in {*OPTIONS, "input"}


@pytest.mark.parametrize("hosts, domains", [("web1", {}), (7, {}), (["web1"], ["zone1"])])
def test_what_is_no_fleet(hosts: Any, domains: Any) -> None:
    with pytest.raises(BadInput):
        release_batches(hosts, domains=domains)


def test_the_error_of_the_filter_names_the_fix() -> None:
    release = FilterModule().filters()["release_batches"]
    assert release(["a", "b"], "rolling", size=1) == [["a"], ["b"]]
    with pytest.raises(AnsibleFilterError, match="Set capacity_floor to at most 1"):
        release(["a", "b"], "recreate", capacity_floor="100%")


AMOUNT = st.one_of(st.integers(1, 40), st.integers(1, 100).map(lambda share: f"{share}%"))
DEMAND = st.fixed_dictionaries(
    {
        "strategy": st.sampled_from(sorted(STRATEGIES)),
        "size": st.none() | AMOUNT | st.lists(AMOUNT, min_size=1, max_size=4),
        "canaries": st.none() | st.just(0) | AMOUNT,
        "capacity_floor": st.none() | st.just(0) | AMOUNT,
    }
)


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[str], dict[str, str]]:
    labels = draw(st.lists(st.sampled_from(["", "a", "b", "c", "d"]), max_size=30))
    return [f"h{number}" for number in range(len(labels))], {
        f"h{number}": label for number, label in enumerate(labels) if label
    }


def hosts_of(amount: Any, total: int, up: bool = False) -> int:
    """An independent reading of an amount, in floating point."""
    if isinstance(amount, int):
        return amount
    share = int(str(amount).rstrip("%")) * total / 100
    return max(1, math.ceil(round(share, 6)) if up else math.floor(round(share, 6)))


@given(fleet=fleets(), demand=DEMAND)
def test_what_holds_for_every_fleet(fleet: tuple[list[str], dict[str, str]], demand: dict[str, Any]) -> None:
    hosts, domains = fleet
    total = len(hosts)
    goes_down = STRATEGIES[demand["strategy"]].out_of_service
    stay = hosts_of(demand["capacity_floor"], total, up=True) if goes_down and demand["capacity_floor"] else 0
    if total and stay >= total:
        with pytest.raises(BadInput):
            release_batches(hosts, domains=domains, **demand)
        return
    batches = release_batches(hosts, domains=domains, **demand)
    # all of them once, none empty
    assert sorted(host for batch in batches for host in batch) == sorted(hosts)
    assert all(batches)
    # capacity
    assert all(total - len(batch) >= stay for batch in batches)
    # no batch takes a whole domain
    if len(batches) > 1:
        members = Counter(domains.values())
        for batch in batches:
            for label, inside in Counter(domains[host] for host in batch if host in domains).items():
                assert members[label] == 1 or inside < members[label]
    # the same again, whatever the order of the mapping, and whatever it says of others
    other = {**dict(reversed(domains.items())), "stranger": "a"}
    assert release_batches(hosts, domains=other, **demand) == batches


@given(fleet=fleets(), demand=DEMAND)
def test_no_batch_is_larger_than_asked(
    fleet: tuple[list[str], dict[str, str]], demand: dict[str, Any]
) -> None:
    hosts, domains = fleet
    strategy = STRATEGIES[demand["strategy"]]
    demand = {**demand, "capacity_floor": 0}
    asked = strategy.size if demand["size"] is None else demand["size"]
    steps = [hosts_of(each, len(hosts)) for each in (asked if isinstance(asked, list | tuple) else [asked])]
    canaries = int(strategy.canaries) if demand["canaries"] is None else demand["canaries"]
    first = hosts_of(canaries, len(hosts)) if canaries else 0
    sizes = ([first] if first else []) + steps
    batches = release_batches(hosts, domains=domains, **demand)
    for number, batch in enumerate(batches):
        size = sizes[min(number, len(sizes) - 1)]
        assert len(batch) <= size
        # and it is smaller only where the hosts that are left are of domains that it holds but for one host
        left = [host for later in batches[number + 1 :] for host in later]
        if len(batch) < size and left:
            members, inside = Counter(domains.values()), Counter(domains.get(host) for host in batch)
            assert all(inside[domains[host]] == members[domains[host]] - 1 > 0 for host in left)


@given(fleet=fleets())
def test_the_order_is_spread_over_the_domains(fleet: tuple[list[str], dict[str, str]]) -> None:
    hosts, domains = fleet
    order = [host for batch in release_batches(hosts, size=1, domains=domains) for host in batch]
    labels = [domains.get(host) for host in order]
    for label, members in Counter(labels).items():
        # within a domain as in the inventory
        mine = [host for host in order if domains.get(host) == label]
        assert mine == [host for host in hosts if domains.get(host) == label]
        # in each beginning of the order its share, give or take the rounding
        for end in range(len(order) + 1):
            assert abs(labels[:end].count(label) - members * end / len(order)) <= len(set(labels))


@given(hosts=st.lists(st.integers().map(str), unique=True), demand=DEMAND)
def test_without_domains_the_order_is_that_of_the_inventory(hosts: list[str], demand: dict[str, Any]) -> None:
    demand = {**demand, "capacity_floor": None}
    assert [host for batch in release_batches(hosts, **demand) for host in batch] == hosts
