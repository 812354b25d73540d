"""The attribute of chattr +a on a real file system: what it forbids, and that no file is left without it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import StorageError
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters import flags
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters import host as module
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy

from .killed import at_every_line

NOW = "2026-01-01T00:00:00.000Z"
PROTECTED = LedgerPolicy(max_bytes=1500, append_only=True)


def supports(folder: Path) -> bool:
    probe = folder / "probe"
    handle = os.open(probe, os.O_RDWR | os.O_CREAT)
    try:
        if not flags.set_append_only(handle, True):
            return False
        flags.set_append_only(handle, False)
        return True
    finally:
        os.close(handle)
        probe.unlink()


def unprotect(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            flags.set_append_only(handle, False)
            os.close(handle)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose files can be append-only; afterwards none is, so that pytest can remove it."""
    if not supports(tmp_path):
        pytest.skip(f"chattr +a cannot be tried: no such attribute, or no right to set it, in {tmp_path}")
    yield tmp_path
    unprotect(tmp_path)


def fill(ledger: FileLedger, count: int) -> None:
    for number in range(count):
        ledger.append({"kind": "test", "number": number}, NOW)


def attributes(ledger: FileLedger) -> set[bool | None]:
    return {file.append_only for file in ledger.read().files}


def test_nothing_can_be_changed_or_removed(folder: Path) -> None:
    ledger = FileLedger(str(folder / "ledger.jsonl"), PROTECTED)
    fill(ledger, 20)
    files = [Path(file.path) for file in ledger.read().files]
    assert len(files) > 2
    assert attributes(ledger) == {True}
    for path in files:
        for change in (
            path.unlink,
            lambda path=path: path.write_text("x"),
            lambda path=path: path.rename("x"),
        ):
            with pytest.raises(PermissionError):
                change()
    with files[-1].open("ab") as stream:
        stream.write(b"x")


def test_what_must_lift_it_does_and_sets_it_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repair of a torn line, truncation on a full disk, rotation, retention."""
    ledger = FileLedger(
        str(folder / "ledger.jsonl"), LedgerPolicy(max_bytes=1500, append_only=True, keep_segments=1)
    )
    fill(ledger, 2)
    with Path(ledger.path).open("ab") as stream:
        stream.write(b'{"torn')
    fill(ledger, 1)
    assert [entry["action"] for entry in ledger.entries() if entry["kind"] == "ledger"] == ["repaired"]
    assert attributes(ledger) == {True}

    whole = Path(ledger.path).read_bytes()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError):
            fill(ledger, 1)
    assert Path(ledger.path).read_bytes() == whole
    assert attributes(ledger) == {True}

    fill(ledger, 40)
    found = ledger.read()
    assert len(found.files) == 2
    assert found.chain.intact
    assert found.chain.truncated
    assert attributes(ledger) == {True}


@pytest.mark.slow
def test_death_at_every_line_heals_at_the_next_append(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a process dies here, not the machine
    ledger = FileLedger(str(folder / "one/ledger.jsonl"), PROTECTED)
    template = folder / "template"
    template.mkdir()
    source = FileLedger(str(template / "ledger.jsonl"), LedgerPolicy(max_bytes=1500))
    fill(source, 12)
    while Path(source.path).stat().st_size < 1500:
        fill(source, 1)
    with Path(source.path).open("ab") as stream:
        stream.write(b'{"torn')

    def prepare() -> Any:
        unprotect(folder)
        shutil.rmtree(folder / "one", ignore_errors=True)
        shutil.copytree(template, folder / "one")
        for path in (folder / "one").iterdir():
            handle = os.open(path, os.O_RDONLY)
            flags.set_append_only(handle, True)
            os.close(handle)
        return lambda: fill(ledger, 1)

    deaths = 0
    for deaths in at_every_line(prepare):
        assert ledger.read().chain.broken is None, deaths
        fill(ledger, 1)
        assert ledger.read().chain.broken is None, deaths
        assert attributes(ledger) == {True}, deaths
    assert deaths > 100


def test_a_file_system_without_attributes_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(25, "Inappropriate ioctl for device")

    monkeypatch.setattr(flags.fcntl, "ioctl", refuse)
    ledger = FileLedger(str(tmp_path / "ledger.jsonl"), PROTECTED)
    fill(ledger, 20)
    assert ledger.read().chain.intact
    assert attributes(ledger) == {None}


def test_by_default_only_where_no_one_removes_the_files_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign, policy = tmp_path / "container", tmp_path / "ledger.json"
    monkeypatch.setattr(module, "_CONTAINER", (str(sign),))
    monkeypatch.setattr(module, "POLICY", str(policy))
    assert module.host_ledger("x").policy == LedgerPolicy(append_only=True)
    sign.touch()
    assert module.host_ledger("x").policy == LedgerPolicy(append_only=False)
    policy.write_text('{"append_only": true, "keep_segments": 3}')
    assert module.host_ledger("x").policy == LedgerPolicy(append_only=True, keep_segments=3)
