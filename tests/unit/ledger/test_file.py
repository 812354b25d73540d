"""The ledger as a file, for real: torn lines, long lines, many writers, kill -9, a full disk."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import LedgerError, StorageError
from ansible_collections.mas.ops.plugins.module_utils._ledger import chain
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters import file as module
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy

NOW = "2026-01-01T00:00:00.000Z"
WRITER = "ansible_collections.mas.ops.tests.unit.ledger.writer"


@pytest.fixture
def ledger(tmp_path: Path) -> FileLedger:
    return FileLedger(str(tmp_path / "ledger.jsonl"))


def numbers(ledger: FileLedger) -> list[int]:
    return [entry["number"] for entry in ledger.entries() if "number" in entry]


def fill(ledger: FileLedger, count: int) -> bytes:
    for number in range(count):
        ledger.append({"number": number}, NOW)
    return Path(ledger.path).read_bytes()


def test_no_file_is_an_empty_ledger(ledger: FileLedger) -> None:
    assert ledger.entries() == []
    assert not Path(ledger.path).exists()


def test_entries_come_back_in_order_with_their_time(ledger: FileLedger) -> None:
    fill(ledger, 3)
    assert numbers(ledger) == [0, 1, 2]
    assert {entry["time"] for entry in ledger.entries()} == {NOW}
    assert Path(ledger.path).stat().st_mode & 0o777 == 0o640


def test_a_torn_last_line_is_repaired_and_noted_wherever_it_was_torn(ledger: FileLedger) -> None:
    whole = fill(ledger, 2)
    first = whole.index(b"\n") + 1
    for cut in range(first + 1, len(whole)):
        Path(ledger.path).write_bytes(whole[:cut])
        assert numbers(ledger) == [0]
        ledger.append({"number": 9}, NOW)
        assert numbers(ledger) == [0, 9]
        repair = ledger.entries()[1]
        assert (repair["action"], repair["bytes"]) == ("repaired", cut - first)


def test_a_torn_first_line_is_repaired_too(ledger: FileLedger) -> None:
    whole = fill(ledger, 1)
    for cut in range(1, len(whole)):
        Path(ledger.path).write_bytes(whole[:cut])
        assert ledger.entries() == []
        ledger.append({"number": 9}, NOW)
        assert [entry.get("action") for entry in ledger.entries()] == ["repaired", None]


def test_what_was_proven_is_not_proven_again(ledger: FileLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(ledger, 3)
    assert numbers(ledger) == [0, 1, 2]
    proven: list[bytes] = []
    check = chain.check
    monkeypatch.setattr(chain, "check", lambda line, *rest: proven.append(line) or check(line, *rest))
    assert numbers(ledger) == [0, 1, 2]
    assert proven == []
    ledger.append({"number": 3}, NOW)
    assert numbers(ledger) == [0, 1, 2, 3]
    assert len(proven) == 1


def test_what_was_changed_since_is_proven_again(ledger: FileLedger) -> None:
    """By its bytes, and not by its length: they are what was proven."""
    whole = fill(ledger, 3)
    assert numbers(ledger) == [0, 1, 2]
    Path(ledger.path).write_bytes(whole.replace(b'"number":0', b'"number":7'))
    with pytest.raises(LedgerError, match="broken at line 1"):
        ledger.entries()
    Path(ledger.path).write_bytes(whole)
    ledger.append({"number": 3}, NOW)
    ledger.entries()
    grown = Path(ledger.path).read_bytes()
    ledger.append({"number": 4}, NOW)
    Path(ledger.path).write_bytes(grown + b"{}\n")
    with pytest.raises(LedgerError, match="broken at line 5"):
        ledger.entries()


@pytest.mark.parametrize("size", [65535 - 300, 65536, 65537, 200_000])
def test_lines_longer_than_a_block(ledger: FileLedger, size: int) -> None:
    ledger = FileLedger(ledger.path, LedgerPolicy(max_bytes=2**20))
    for number in range(3):
        ledger.append({"number": number, "text": "é" * (size // 2)}, NOW)
    assert numbers(ledger) == [0, 1, 2]
    with Path(ledger.path).open("ab") as stream:
        stream.write(b"x" * size)
    ledger.append({"number": 3}, NOW)
    assert numbers(ledger) == [0, 1, 2, 3]
    assert ledger.entries()[3]["bytes"] == size


def test_lines_that_end_at_a_block(ledger: FileLedger) -> None:
    """The line feed before the last line is at the seam between two reads from the end."""
    for size in range(65536 - 4, 65536 + 4):
        Path(ledger.path).unlink(missing_ok=True)
        ledger.append({"number": 0}, NOW)
        empty = len(chain.encode({"number": 1, "text": "", "time": NOW}, "0" * 64, 2)) + 1
        ledger.append({"number": 1, "text": "x" * (size - empty)}, NOW)
        ledger.append({"number": 2}, NOW)
        assert numbers(ledger) == [0, 1, 2]


def test_odd_text_is_kept(ledger: FileLedger) -> None:
    text = "naïve \u2028 \x00 \U0001f600 " + os.fsdecode(b"\xff")
    ledger.append({"number": 0, "text": text}, NOW)
    assert ledger.entries()[0]["text"] == text


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_changed_line_is_an_error_that_says_which(ledger: FileLedger, line: int) -> None:
    lines = fill(ledger, 3).splitlines(keepends=True)
    lines[line] = lines[line].replace(b'"number":', b'"number":5')
    Path(ledger.path).write_bytes(b"".join(lines))
    with pytest.raises(LedgerError, match=rf"broken at line {line + 1}: it was changed") as caught:
        ledger.entries()
    assert caught.value.where == ledger.path
    assert "evidence" in caught.value.fix


def test_nothing_is_written_after_a_last_line_that_was_changed(ledger: FileLedger) -> None:
    changed = fill(ledger, 2).replace(b'"number":1', b'"number":7')
    Path(ledger.path).write_bytes(changed)
    with pytest.raises(LedgerError, match="last line of the ledger is not an entry") as caught:
        ledger.append({"number": 2}, NOW)
    assert caught.value.where == ledger.path
    assert Path(ledger.path).read_bytes() == changed


@pytest.mark.parametrize("rubbish", [b"\n", b"hello\n", b"[]\n", b"{}\n", b'{"sequence":"x"}\n'])
def test_a_file_of_something_else_is_refused_and_kept(ledger: FileLedger, rubbish: bytes) -> None:
    Path(ledger.path).write_bytes(rubbish)
    with pytest.raises(LedgerError):
        ledger.entries()
    with pytest.raises(LedgerError):
        ledger.append({"number": 0}, NOW)
    assert Path(ledger.path).read_bytes() == rubbish


def test_a_full_disk_leaves_nothing_behind(ledger: FileLedger, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the write stops in the middle of the line."""
    whole = fill(ledger, 2)
    program = (
        "import resource, signal, sys\n"
        "from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(whole) + 40}, {len(whole) + 40}))\n"
        "FileLedger(sys.argv[1]).append({'number': 2}, 'now')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, ledger.path], capture_output=True, text=True, check=False
    )
    assert "StorageError: cannot write: File too large" in done.stderr
    assert Path(ledger.path).read_bytes() == whole


def test_what_could_not_be_flushed_is_not_there(ledger: FileLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fill(ledger, 1)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "fsync", fail)
        with pytest.raises(StorageError, match="Input/output error"):
            ledger.append({"number": 1}, NOW)
    assert Path(ledger.path).read_bytes() == whole
    ledger.append({"number": 2}, NOW)
    assert numbers(ledger) == [0, 2]


def test_the_name_of_a_new_ledger_is_on_the_disk_before_its_first_line(
    ledger: FileLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sizes: list[int] = []

    def sync(folder: str) -> None:
        synced.append(folder)
        sizes.append(Path(ledger.path).stat().st_size)

    monkeypatch.setattr(module, "sync_folder", sync)
    fill(ledger, 2)
    assert synced == [str(Path(ledger.path).parent)]
    assert sizes == [0]


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"mas\.ops\.provision"):
        FileLedger(str(tmp_path / "none" / "ledger.jsonl")).append({}, NOW)


def test_a_reader_waits_for_a_repair(ledger: FileLedger) -> None:
    """The repair cuts and writes at the same place, so a reader in between would see a mixture."""
    fill(ledger, 2)
    with Path(ledger.path).open("rb") as writer:
        fcntl.flock(writer.fileno(), fcntl.LOCK_EX)
        seen: list[Any] = []
        reader = threading.Thread(target=lambda: seen.append(numbers(ledger)))
        reader.start()
        reader.join(0.2)
        assert seen == []
    reader.join(5)
    assert seen == [[0, 1]]


def test_many_writers_and_kill_9_lose_no_line_that_was_promised(ledger: FileLedger, tmp_path: Path) -> None:
    chance = random.Random(7)
    logs = [tmp_path / f"writer-{number}" for number in range(8)]
    writers = []
    for number, log in enumerate(logs):
        with log.open("wb") as out:
            command = [sys.executable, "-m", WRITER, ledger.path, str(number), "200"]
            writers.append(subprocess.Popen(command, stdout=out))
    for writer in chance.sample(writers, 5):
        size = Path(ledger.path).stat().st_size if Path(ledger.path).exists() else 0
        while writer.poll() is None and Path(ledger.path).exists() is False:
            time.sleep(0.005)
        while writer.poll() is None and Path(ledger.path).stat().st_size < size + chance.randrange(20_000):
            time.sleep(0.001)
        writer.kill()
    for writer in writers:
        writer.wait(30)
    entries = ledger.entries()  # the chain holds, or this raises
    found = {(entry["by"], entry["number"]) for entry in entries if entry["kind"] == "test"}
    promised = {
        (str(number), int(line)) for number, log in enumerate(logs) for line in log.read_text().split()
    }
    assert promised <= found
    assert len(found - promised) <= 5, "at most the one line a killed writer did not live to report"
    assert sum(writer.returncode == 0 for writer in writers) >= 3
    assert any(writer.returncode != 0 for writer in writers)
