# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts of a fleet switch together.

Sizes are upper limits: a batch is smaller where its failure domains or the capacity floor demand it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count, repeat
from typing import Any

from ...module_utils._core.errors import BadInput


@dataclass(frozen=True)
class Strategy:
    """What a strategy means for a host, and its sizes when nothing else is asked."""

    size: tuple[str, ...]
    #: Whether a host serves no requests while it switches.
    out_of_service: bool = False
    canaries: str = "0"


STRATEGIES: Mapping[str, Strategy] = {
    # Each host keeps serving from its other slot, so all of them may switch at once.
    "blue_green": Strategy(size=("100%",)),
    "canary": Strategy(size=("10%", "50%", "100%"), canaries="1"),
    "rolling": Strategy(size=("25%",), out_of_service=True),
    # This strategy accepts that no request is served for a moment, unless a floor says otherwise.
    "recreate": Strategy(size=("100%",), out_of_service=True),
}

_AMOUNT = re.compile(r"(\d+)|(\d+(?:\.\d+)?)%")


def release_batches(
    hosts: Sequence[str],
    strategy: str = "blue_green",
    domains: Mapping[str, Any] | None = None,
    size: Any = None,
    canaries: Any = None,
    capacity_floor: Any = None,
) -> list[list[str]]:
    """The batches of a deploy, in order.

    :param hosts: host names in the order of the inventory
    :param strategy: one of :data:`STRATEGIES`
    :param domains: the failure domain of each host; one that is empty or not named shares none with others
    :param size: the most hosts of a batch: a number, a share such as ``25%``, or steps of them, the last of
        which repeats
    :param canaries: the most hosts of the first batch; 0 for no canary batch
    :param capacity_floor: how many hosts, or which share of them, must be in service at any time
    :returns: every host once. Either one batch of all, where size and floor allow it, or batches of which none
        holds all hosts of a domain that has several.
    :raises BadInput: something is no amount, or the demands cannot all be met
    """
    chosen = _strategy(strategy)
    names = _names(hosts)
    total = len(names)
    steps = _steps(chosen.size if size is None else size, total)
    first = _amount("canaries", chosen.canaries if canaries is None else canaries, total, least=0)
    most = total - _floor(strategy, capacity_floor, total) if chosen.out_of_service else total
    if not chosen.out_of_service:
        _amount("capacity_floor", capacity_floor or 0, total, least=0)
    sizes = chain([first] if first else [], steps[:-1], repeat(steps[-1]))
    return _fill(names, _labels(names, domains), (min(each, most) for each in sizes))


def _fill(names: Sequence[str], labels: Mapping[str, str], sizes: Iterator[int]) -> list[list[str]]:
    """Take hosts in an order that is spread over the domains, as many at a time as size and domains allow."""
    members = Counter(labels.values())
    left = _spread(names, labels)
    batches: list[list[str]] = []
    while left:
        size = next(sizes)
        batch = left if not batches and size >= len(left) else _some(left, labels, members, size)
        batches.append(batch)
        taken = set(batch)
        left = [name for name in left if name not in taken]
    return batches


def _some(names: Sequence[str], labels: Mapping[str, str], members: Counter[str], size: int) -> list[str]:
    """The first ``size`` of the names that leave a host of each domain out."""
    batch: list[str] = []
    inside: Counter[str] = Counter()
    for name in names:
        label = labels.get(name)
        if len(batch) == size:
            break
        if label is None or members[label] == 1 or inside[label] < members[label] - 1:
            batch.append(name)
            if label is not None:
                inside[label] += 1
    return batch


def _spread(names: Sequence[str], labels: Mapping[str, str]) -> list[str]:
    """The names in an order in which each domain is spread evenly; without domains that of the inventory.

    The largest domain comes first: there a canary is the smallest share.
    """
    members = Counter(labels.get(name) for name in names)
    seen: dict[str | None, Iterator[int]] = {label: count() for label in members}
    place: dict[str, Fraction] = {}
    for name in names:
        label = labels.get(name)
        place[name] = Fraction(2 * next(seen[label]) + 1, 2 * members[label])
    return sorted(names, key=lambda name: place[name])


def _strategy(name: str) -> Strategy:
    if name not in STRATEGIES:
        raise BadInput(
            f"{name!r} is not a strategy", where="strategy", fix=f"Use one of: {', '.join(STRATEGIES)}."
        )
    return STRATEGIES[name]


def _names(hosts: Any) -> list[str]:
    if isinstance(hosts, str) or not isinstance(hosts, Sequence):
        raise BadInput("the hosts are not a list of names", where="input", fix="Give ansible_play_hosts_all.")
    names = [str(host) for host in hosts]
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise BadInput(
            f"{', '.join(twice)} is there twice", where="input", fix="Give each host once: | unique."
        )
    return names


def _labels(names: Sequence[str], domains: Any) -> dict[str, str]:
    """The domain of each host that has one."""
    if domains is not None and not isinstance(domains, Mapping):
        raise BadInput(
            "the failure domains are not a mapping", where="domains", fix="Give {host name: zone label}."
        )
    found = ((name, (domains or {}).get(name)) for name in names)
    return {name: str(label) for name, label in found if label is not None and str(label).strip()}


def _steps(size: Any, total: int) -> list[int]:
    if isinstance(size, str):
        size = size.split(",")
    steps = list(size) if isinstance(size, Sequence) else [size]
    if not steps:
        raise BadInput(
            "there is no step in the list", where="size", fix="Give one at least, or leave it out."
        )
    return [_amount("size", step, total, least=1) for step in steps]


def _floor(strategy: str, floor: Any, total: int) -> int:
    """How many hosts must stay, rounded up: half of three hosts is two."""
    if floor is None or not total:
        return 0
    stay = _amount("capacity_floor", floor, total, least=0, up=True)
    if stay < total:
        return stay
    lower = f"at most {total - 1}" if total > 1 else "0, which accepts that"
    raise BadInput(
        f"a floor of {floor} keeps all hosts in service ({total}), but {strategy} takes a host out of service"
        " while it switches",
        where="capacity_floor",
        fix=f"Set capacity_floor to {lower}, or use the strategy blue_green, which keeps every host in service.",
    )


def _amount(option: str, value: Any, total: int, *, least: int, up: bool = False) -> int:
    """How many of the hosts a number or a share means; a share that is not 0 is one host at least."""
    found = None if isinstance(value, bool) else _AMOUNT.fullmatch(str(value).strip())
    if found and found[1] and int(found[1]) >= least:
        return int(found[1])
    share = Fraction(found[2]) if found and found[2] else Fraction(-1)
    if not 0 <= share <= 100 or (share == 0 and least):
        raise BadInput(
            f"{value!r} is not a number of hosts",
            where=option,
            fix=f'Give a whole number from {least} on, or a share of the hosts from {least}% to 100%, as "25%".',
        )
    exact = share * total / 100
    rounded = -(-exact.numerator // exact.denominator) if up else exact.numerator // exact.denominator
    return max(rounded, 1 if share else 0)
