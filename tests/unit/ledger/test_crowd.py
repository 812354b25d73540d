"""Fifty processes, a thousand lines each, some killed: no acknowledged line is lost, the chain holds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy

from .crowd import crowd

#: What a kill does to a process does not depend on the disk; waiting for the disk 50,000 times would take long.
_MEMORY = Path("/dev/shm")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    if not _MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        yield Path(folder)


@pytest.mark.slow
def test_fifty_writers_of_a_thousand_lines_in_memory(memory: Path) -> None:
    found = crowd(
        FileLedger(str(memory / "ledger.jsonl"), LedgerPolicy(max_bytes=2**20)), memory, 50, 1000, 20
    )
    assert found.chain.entries > 30_000
    assert len(found.files) > 5


def test_writers_on_a_disk_rotating_all_the_time(tmp_path: Path) -> None:
    found = crowd(
        FileLedger(str(tmp_path / "ledger.jsonl"), LedgerPolicy(max_bytes=5000)), tmp_path, 10, 100, 4
    )
    assert len(found.files) > 20
