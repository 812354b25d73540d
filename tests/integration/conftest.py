"""Fleets of real hosts for the tests of this folder. They run in order, because hosts are expensive."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bed"))

from fleet import Fleet

#: Seconds until a slot of the example answers, as of applications that fill caches.
WARMUP = 5


def make_fleet(name: str, hosts: int, suite: str, warmup: float = WARMUP) -> Iterator[Fleet]:
    """A provisioned fleet under a name of this run; it is removed in any case."""
    run = f"{name}-{os.getpid()}"
    try:
        fleet = Fleet.up(run, hosts, suite=suite, agents_settings={"AGENTS_WARMUP": str(warmup)})
        fleet.provision().check()
        yield fleet
    finally:
        Fleet.remove(run)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Three hosts, on both distributions, with a warm-up."""
    yield from make_fleet("story", 3, "mixed")


@pytest.fixture(scope="session")
def pair() -> Iterator[Fleet]:
    """Two hosts whose application starts at once, for faults that must not affect it."""
    yield from make_fleet("pair", 2, "mixed", warmup=0)
