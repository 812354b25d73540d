"""Many processes that append to one ledger, some of which are killed; and what must be true afterwards."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger, LedgerContent

WRITER = "ansible_collections.mas.ops.tests.unit.ledger.writer"


def crowd(ledger: FileLedger, folder: Path, writers: int, lines: int, kills: int) -> LedgerContent:
    """Let them write, kill some at random moments, and check that no acknowledged line is missing.

    :returns: what is in the ledger, verified
    """
    chance = random.Random(7)
    logs = [folder / f"writer-{number}" for number in range(writers)]
    running = [_start(ledger, log, str(number), str(lines)) for number, log in enumerate(logs)]
    for number in chance.sample(range(writers), kills):
        _wait_for(running[number], logs[number], chance.randrange(1, max(2, lines // 2)))
        running[number].kill()
    for writer in running:
        writer.wait(600)
    found = ledger.read()
    assert found.chain.broken is None
    assert found.chain.entries == found.chain.last
    assert found.chain.first == 1
    _compare(
        found, {(str(number), int(line)) for number, log in enumerate(logs) for line in _whole(log)}, kills
    )
    assert sum(writer.returncode == 0 for writer in running) >= writers - kills
    assert sum(writer.returncode != 0 for writer in running) > kills // 2, "the kills came too late"
    return found


def _start(ledger: FileLedger, log: Path, name: str, lines: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        command = [sys.executable, "-m", WRITER, ledger.path, name, lines, str(ledger.policy.max_bytes)]
        return subprocess.Popen(command, stdout=out)


def _wait_for(writer: subprocess.Popen[bytes], log: Path, lines: int) -> None:
    while writer.poll() is None and log.read_bytes().count(b"\n") < lines:
        time.sleep(0.005)


def _whole(log: Path) -> list[bytes]:
    """What was acknowledged; a killed writer may have torn its last word off."""
    return log.read_bytes().split(b"\n")[:-1]


def _compare(found: LedgerContent, promised: set[tuple[str, int]], kills: int) -> None:
    lines = [(entry["by"], entry["number"]) for entry in found.entries if entry["kind"] == "test"]
    assert len(lines) == len(set(lines)), "a line was written twice"
    assert promised <= set(lines), "an acknowledged line was lost"
    assert len(set(lines) - promised) <= kills, "at most the one line a killed writer did not live to report"
