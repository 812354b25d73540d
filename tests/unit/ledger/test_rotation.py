"""One chain over many files: rotation, death at every line of it, retention, and what tampering looks like."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import LedgerError
from ansible_collections.mas.ops.plugins.module_utils._ledger import chain
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters import rotation
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger
from ansible_collections.mas.ops.plugins.module_utils._ledger.history import CARRIED, fold
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy
from ansible_collections.mas.ops.plugins.module_utils._ledger.segments import audit
from ansible_collections.mas.ops.plugins.module_utils._ledger.summary import summarize
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .killed import at_every_line

NOW = "2026-01-01T00:00:00.000Z"
#: A file of a few lines is full.
SMALL = LedgerPolicy(max_bytes=1500)


@pytest.fixture
def ledger(tmp_path: Path) -> FileLedger:
    return FileLedger(str(tmp_path / "ledger.jsonl"), SMALL)


def fill(ledger: FileLedger, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        ledger.append({"kind": "test", "number": number}, NOW)


def numbers(ledger: FileLedger) -> list[int]:
    return [entry["number"] for entry in ledger.read().entries if "number" in entry]


def sealed(ledger: FileLedger) -> list[Path]:
    return [Path(segment.path) for segment in rotation.segments(ledger.path)]


def everything(ledger: FileLedger) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(ledger.path).parent.iterdir()}


def test_the_chain_goes_on_in_the_next_file(ledger: FileLedger) -> None:
    fill(ledger, 40)
    found = ledger.read()
    assert numbers(ledger) == list(range(40))
    assert len(found.files) > 3
    assert found.chain.to_dict().items() >= {
        "intact": True, "first": 1, "entries": found.chain.last, "truncated": False, "break": None
    }.items()  # fmt: skip
    assert [file.path for file in found.files][-1] == ledger.path
    first = ledger.entries()[0]
    assert (first["action"], first["file"]) == ("rotated", sealed(ledger)[-1].name)


def test_files_are_named_after_what_they_hold_and_no_larger_than_one_entry_more(ledger: FileLedger) -> None:
    fill(ledger, 40)
    following = 1
    for path in sealed(ledger):
        first, last = (int(part) for part in path.name.rpartition(".")[2].split("-"))
        assert first == following
        assert path.read_bytes().count(b"\n") == last - first + 1
        assert SMALL.max_bytes <= path.stat().st_size < SMALL.max_bytes + 400
        following = last + 1


def test_owner_and_mode_are_kept(ledger: FileLedger) -> None:
    fill(ledger, 1)
    Path(ledger.path).chmod(0o600)
    fill(ledger, 20)
    assert sealed(ledger)
    assert {path.stat().st_mode & 0o777 for path in [*sealed(ledger), Path(ledger.path)]} == {0o600}


RELEASES = st.sampled_from([f"{number}.0.0-{letter * 12}" for number in "123" for letter in "ab"])
CHANGES = st.lists(
    st.tuples(st.sampled_from(["live", "rolled_back", "failed", "decommissioned"]), RELEASES | st.none()),
    max_size=40,
)


def release_entry(action: str, to: str | None, application: str = "agents") -> dict[str, Any]:
    return {
        "kind": "release", "application": application, "action": action, "to": to or "1.0.0-cccccccccccc",
        "slot": "blue", "environment": "test", "seconds": {"shift": 0.5},
    }  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, size=st.integers(600, 5000))
def test_history_is_the_same_with_and_without_rotations(
    tmp_path: Path, changes: list[tuple[str, str | None]], size: int
) -> None:
    shutil.rmtree(tmp_path / "some", ignore_errors=True)
    (tmp_path / "some").mkdir()
    rotated = FileLedger(str(tmp_path / "some/ledger.jsonl"), LedgerPolicy(max_bytes=size))
    plain = []
    for number, (action, to) in enumerate(changes):
        entry = release_entry(action, to, "agents" if number % 3 else "other")
        plain.append({**entry, "time": NOW})
        rotated.append(entry, NOW)
    for application in ("agents", "other", "none"):
        assert fold(rotated.entries(), application) == fold(plain, application)
        assert fold(rotated.read().entries, application) == fold(plain, application)
    assert summarize(rotated.entries()) == summarize(rotated.read().entries) == summarize(plain)


def test_what_is_carried_over_is_bounded(ledger: FileLedger) -> None:
    for number in range(3 * CARRIED):
        FileLedger(ledger.path, LedgerPolicy(max_bytes=20_000)).append(
            release_entry("live", f"{number}.0.0-{'a' * 12}"), NOW
        )
    carried = ledger.entries()[0]["carried"]["agents"]
    assert len(carried["releases"]) <= CARRIED
    assert fold(ledger.entries(), "agents").live == f"{3 * CARRIED - 1}.0.0-{'a' * 12}"


@pytest.mark.slow
def test_death_at_every_line_of_an_append_that_rotates_and_prunes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was there stays, the chain holds, and the next append puts everything right."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a process dies here, not the machine
    folder = tmp_path / "one"
    ledger = FileLedger(str(folder / "ledger.jsonl"), LedgerPolicy(max_bytes=1500, keep_segments=2))
    template = tmp_path / "template"
    template.mkdir()
    fill(FileLedger(str(template / "ledger.jsonl"), ledger.policy), 50)
    while (template / "ledger.jsonl").stat().st_size < 1500:
        fill(FileLedger(str(template / "ledger.jsonl"), ledger.policy), 1, 50)
    before = numbers(FileLedger(str(template / "ledger.jsonl")))

    def prepare() -> Any:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        return lambda: ledger.append({"kind": "test", "number": 100}, NOW)

    deaths = 0
    for deaths in at_every_line(prepare):
        found = ledger.read()
        assert found.chain.broken is None, deaths
        kept = [entry["number"] for entry in found.entries if "number" in entry]
        assert [number for number in kept if number < 100] == before[-len([n for n in kept if n < 100]) :]
        assert len(kept) > 5
        assert ledger.entries()
        ledger.append({"kind": "test", "number": 101}, NOW)
        after = ledger.read()
        assert after.chain.broken is None, deaths
        assert after.entries[-1]["number"] == 101
        assert 2 <= len(sealed(ledger)) <= 3
        assert after.files[0].path == str(sealed(ledger)[0])
        assert Path(ledger.path).stat().st_nlink == 1
        assert set(everything(ledger)) == {Path(file.path).name for file in after.files}
        if deaths % 10 == 0:
            fill(ledger, 10)
            assert len(sealed(ledger)) == 2, "the next rotation removes what a death left to be removed"
    assert deaths > 100, "so few lines are no rotation"


def test_a_rotation_that_has_no_room_goes_on_in_the_old_file(
    ledger: FileLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ledger, 7)
    while Path(ledger.path).stat().st_size < 1500:
        fill(ledger, 1)
    for name in ("link", "replace", "fchmod"):

        def fail(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(rotation.os, name, fail)
            fill(ledger, 1)
        assert sealed(ledger) == []
        assert list(everything(ledger)) == ["ledger.jsonl"]
    assert ledger.read().chain.intact
    fill(ledger, 1)
    assert len(sealed(ledger)) == 1


def test_a_broken_file_is_not_sealed(ledger: FileLedger) -> None:
    """It stays where it is, as evidence, and where it was broken."""
    fill(ledger, 3)
    path = Path(ledger.path)
    path.write_bytes(path.read_bytes().replace(b'"number":1', b'"number":8'))
    fill(ledger, 20)
    assert sealed(ledger) == []
    assert ledger.read().chain.to_dict()["break"] == {
        "file": ledger.path, "line": 2, "sequence": 2, "reason": "it was changed after it was written"
    }  # fmt: skip


def test_retention_by_count_says_what_was_removed(tmp_path: Path) -> None:
    ledger = FileLedger(str(tmp_path / "ledger.jsonl"), LedgerPolicy(max_bytes=1500, keep_segments=2))
    fill(ledger, 60)
    found = ledger.read()
    assert len(sealed(ledger)) == 2
    assert found.chain.intact
    assert found.chain.truncated
    pruned = [entry for entry in found.entries if entry.get("action") == "pruned"][-1]
    assert pruned["through"] == found.chain.first - 1
    assert numbers(ledger) == list(range(60))[-len(numbers(ledger)) :]


def test_retention_by_age(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.jsonl")
    fill(FileLedger(path, SMALL), 60)
    old = sealed(FileLedger(path))
    assert len(old) > 3
    for number, segment in enumerate(old):
        os.utime(segment, times=(0, 1_700_000_000 + number * 86400))
    while Path(path).stat().st_size < 1500:
        fill(FileLedger(path, LedgerPolicy(max_bytes=10**6)), 1)
    policy = LedgerPolicy(max_bytes=1500, keep_days=10)
    day = f"2023-11-{14 + 10 + 2:02d}T12:00:00Z"  # the first two files are older than ten days then
    FileLedger(path, policy).append({"kind": "test", "number": 99}, day)
    left = sealed(FileLedger(path))
    assert left[:-1] == old[2:]
    assert FileLedger(path).read().chain.intact


def test_what_went_missing_without_a_word_is_a_break(ledger: FileLedger) -> None:
    fill(ledger, 60)
    files = everything(ledger)
    first, second, *_ = sealed(ledger)
    second.unlink()
    assert ledger.read().chain.broken is not None
    second.write_bytes(files[second.name])
    assert ledger.read().chain.intact
    first.unlink()
    broken = ledger.read().chain.broken
    assert broken is not None
    assert "no entry says that they were pruned" in broken.reason
    assert broken.file == str(second)
    assert ledger.entries(), "a release goes on with what it needs"


def test_what_is_kept_must_follow_what_was_pruned(tmp_path: Path) -> None:
    """An attacker hashed all that is left anew, after another beginning, and forgot the entry that knows its end."""
    ledger = FileLedger(str(tmp_path / "ledger.jsonl"), LedgerPolicy(max_bytes=1500, keep_segments=1))
    fill(ledger, 60)
    found = ledger.read()
    assert found.chain.first is not None
    previous, lines = "f" * 64, []
    for sequence, entry in enumerate(found.entries, start=found.chain.first):
        lines.append(chain.encode(entry, previous, sequence))
        previous = chain.line_hash(lines[-1])
    assert audit([("x", lines)], whole=False)[1].intact
    broken = audit([("x", lines)])[1].broken
    assert broken is not None
    assert "does not follow what was pruned" in broken.reason


def test_who_waited_for_the_lock_of_a_sealed_file_writes_to_the_new_one(ledger: FileLedger) -> None:
    fill(ledger, 5)
    with Path(ledger.path).open("r+b", buffering=0) as stream:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
        writer = threading.Thread(target=fill, args=(ledger, 1, 5))
        reader = threading.Thread(target=lambda: seen.extend(numbers(ledger)))
        seen: list[int] = []
        writer.start()
        reader.start()
        time.sleep(0.2)
        fresh = rotation.rotate(stream, ledger.path, NOW)
        assert fresh is not None
        with Path(ledger.path).open("rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(
                other.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB
            )  # no process writes before the one that rotated
        fresh.close()
    writer.join(5)
    reader.join(5)
    assert ledger.read().chain.intact
    assert numbers(ledger) == list(range(6))
    assert sealed(ledger)[0].read_bytes().count(b"\n") == 5
    assert seen[:5] == list(range(5))


def test_the_file_that_is_written_is_missed(ledger: FileLedger) -> None:
    fill(ledger, 30)
    Path(ledger.path).unlink()
    broken = ledger.read().chain.broken
    assert broken is not None
    assert broken.reason == "the current file of the ledger is missing"
    for _ in range(2):  # the second time there is an empty file
        with pytest.raises(LedgerError, match="older ones are there"):
            ledger.append({"number": 1}, NOW)
        with pytest.raises(LedgerError, match="older ones are there"):
            ledger.check()
        with pytest.raises(LedgerError, match="older ones are there"):
            ledger.entries()
        assert ledger.read().chain.broken is not None


def test_a_name_that_is_almost_one_of_ours_is_left_alone(ledger: FileLedger) -> None:
    fill(ledger, 20)
    count = len(sealed(ledger))
    for name in (".000000001-000000009.gz", ".1-9", ".bak", "", ".000000001-00000000x"):
        Path(f"{ledger.path}{name}").touch()
    os.link(ledger.path, f"{ledger.path}.backup")
    fill(ledger, 1)
    assert len(sealed(ledger)) >= count
    assert Path(f"{ledger.path}.backup").exists()


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> FileLedger:
    ledger = FileLedger(str(tmp_path_factory.mktemp("samples") / "ledger.jsonl"), SMALL)
    fill(ledger, 25)
    return ledger


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_one_changed_byte_in_any_file_is_found(samples: FileLedger, data: st.DataObject) -> None:
    """The line feed at the very end is the one exception: what is after it is a torn line, and is reported."""
    path = Path(data.draw(st.sampled_from([file.path for file in samples.read().files]), label="file"))
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1), label="byte")
    flip = data.draw(st.integers(1, 255), label="flip")
    changed = bytearray(whole)
    changed[at] ^= flip
    try:
        path.write_bytes(bytes(changed))
        found = samples.read()
    finally:
        path.write_bytes(whole)
    if str(path) == samples.path and at == len(whole) - 1:
        assert found.files[-1].torn > 0
    else:
        assert found.chain.broken is not None
        assert found.chain.intact is False
    assert samples.read().chain.intact


@pytest.mark.parametrize("more", [b"x", b"\n", b"x\n"])
def test_what_was_added_to_a_sealed_file_is_found(ledger: FileLedger, more: bytes) -> None:
    fill(ledger, 30)
    for path in sealed(ledger):
        whole = path.read_bytes()
        path.write_bytes(whole + more)
        broken = ledger.read().chain.broken
        assert broken is not None
        assert broken.file == str(path)
        path.write_bytes(whole)
    assert ledger.read().chain.intact


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_one_byte_more_or_less_in_any_file_is_found(samples: FileLedger, data: st.DataObject) -> None:
    path = Path(data.draw(st.sampled_from([file.path for file in samples.read().files]), label="file"))
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole)), label="byte")
    more = data.draw(st.binary(max_size=1), label="inserted")
    changed = whole[:at] + more + whole[at + (not more) :]
    try:
        path.write_bytes(changed)
        found = samples.read()
    finally:
        path.write_bytes(whole)
    end = str(path) == samples.path and at >= len(whole) - 1
    assert changed == whole or found.chain.broken is not None or (end and (found.files[-1].torn or not more))
