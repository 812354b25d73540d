"""The most telling of the faults of tests/faults; all of them are `make faults`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

from fault_run import FaultRun, prepared
from fleet import Fleet
from points import AGAIN, BOTH, END, POINTS, WAIT

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def fault_run() -> Iterator[FaultRun]:
    run = f"faults-{os.getpid()}"
    try:
        fault_run = FaultRun(prepared(run))
        yield fault_run
        fault_run.close()
    finally:
        Fleet.remove(run)


@pytest.mark.parametrize(
    "number, mode",
    [
        (5, BOTH),  # the controller dies while hosts stage
        (8, WAIT),  # it dies within the switch, and no operator reacts
        (10, AGAIN),  # it dies between ledger and journal, and the same command is run again
        (18, END),  # a module dies between ledger and journal
        (32, END),  # the network of one host is cut within its switch
    ],
)
def test_a_fault_costs_no_request_and_leaves_no_fleet_on_two_versions(
    fault_run: FaultRun, number: int, mode: str
) -> None:
    point = next(point for point in POINTS if point.number == number)
    assert mode in point.modes
    row = fault_run.run(point, mode)
    assert not row.broken, row
    assert row.sent > 0
