"""Unpacking on a real disk: all of it or nothing, and nothing that a forged archive could use."""

from __future__ import annotations

import errno
import gzip
import io
import os
import tarfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    ArtifactError,
    OpsError,
    StorageError,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import archive
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import Manifest

Entry = tuple[str, bytes, Any]


def manifest_of(content: list[Entry]) -> bytes:
    files = [entry for entry in content if entry[1] != tarfile.DIRTYPE]
    return Manifest.parse(
        {
            "schema": 1,
            "name": "agents",
            "version": "1.0.0",
            "commit": "",
            "built": "2026-01-01T00:00:00Z",
            "processes": {
                "w": {"kind": "worker", "command": ["true"], "stop_signal": "SIGTERM", "stop_grace": 1}
            },
            "migrations": {"expand": None, "contract": None},
            "secrets": [],
            "files": {
                "count": len(files),
                "bytes": sum(len(entry[2]) for entry in files if entry[1] == tarfile.REGTYPE),
            },
        }
    ).to_json()


def make(path: Path, content: list[Entry], manifest: bytes | None = None) -> str:
    """An archive whose entries are (name, type, bytes or link name)."""
    first = ("manifest.json", tarfile.REGTYPE, manifest_of(content) if manifest is None else manifest)
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, data in [first, *content]:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.uid, info.gid = kind, 0o666 if name != "run" else 0o777, 1234, 1234
            if kind == tarfile.REGTYPE:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            else:
                info.linkname = data
                tar.addfile(info)
    return str(path)


TREE: list[Entry] = [
    ("agents", tarfile.DIRTYPE, ""),
    ("agents/api.py", tarfile.REGTYPE, b"print()\n"),
    ("agents/current", tarfile.SYMTYPE, "api.py"),
    ("run", tarfile.REGTYPE, b"#!/bin/sh\n"),
]


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    folder = tmp_path / "release"
    folder.mkdir()
    return folder


def test_modes_owner_and_content(tmp_path: Path, dest: Path) -> None:
    previous = os.umask(0o077)
    try:
        manifest = archive.unpack(make(tmp_path / "a.tar.gz", TREE), str(dest))
    finally:
        os.umask(previous)
    assert (manifest.name, manifest.version) == ("agents", "1.0.0")
    found = {str(path.relative_to(dest)): path.lstat() for path in dest.rglob("*")}
    modes = {name: oct(entry.st_mode & 0o777) for name, entry in found.items() if name != "agents/current"}
    assert modes == {"agents": "0o755", "agents/api.py": "0o644", "manifest.json": "0o644", "run": "0o755"}
    assert {entry.st_uid for entry in found.values()} == {os.geteuid()}
    assert (dest / "agents/current").readlink() == Path("api.py")
    assert (dest / "agents/api.py").read_bytes() == b"print()\n"


ATTACKS = {
    "link out": [("x", tarfile.SYMTYPE, "../../etc")],
    "write through a link": [("x", tarfile.SYMTYPE, "."), ("x/y", tarfile.REGTYPE, b"")],
    "hard link": [("x", tarfile.LNKTYPE, "/etc/shadow")],
    "fifo": [("x", tarfile.FIFOTYPE, "")],
    "device": [("x", tarfile.CHRTYPE, "")],
    "parent": [("../x", tarfile.REGTYPE, b"")],
    "absolute": [("/tmp/x", tarfile.REGTYPE, b"")],
    "late": [("a", tarfile.REGTYPE, b"1"), ("../x", tarfile.REGTYPE, b"")],
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_writes_nothing(
    tmp_path: Path, dest: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_write", lambda *_: pytest.fail("something was written"))
    path = make(tmp_path / "a.tar.gz", ATTACKS[name])
    with pytest.raises(ArtifactError, match="not safe") as caught:
        archive.unpack(path, str(dest))
    assert path in caught.value.where
    assert not dest.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


def test_every_truncation_is_an_error(tmp_path: Path, dest: Path) -> None:
    whole = Path(make(tmp_path / "a.tar.gz", TREE)).read_bytes()
    for length in range(0, len(whole) - 1, 7):
        dest.mkdir(exist_ok=True)
        cut = tmp_path / "cut.tar.gz"
        cut.write_bytes(whole[:length])
        with pytest.raises(OpsError):
            archive.unpack(str(cut), str(dest))
        assert not dest.exists()


def test_a_flipped_byte_is_an_error(tmp_path: Path, dest: Path) -> None:
    whole = bytearray(Path(make(tmp_path / "a.tar.gz", TREE)).read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    (tmp_path / "bad.tar.gz").write_bytes(whole)
    with pytest.raises(OpsError):
        archive.unpack(str(tmp_path / "bad.tar.gz"), str(dest))
    assert not dest.exists()


def test_an_archive_that_lost_a_file_at_its_end(tmp_path: Path) -> None:
    path = make(tmp_path / "a.tar.gz", TREE[:-1], manifest=manifest_of(TREE))
    with pytest.raises(ArtifactError, match="promises 3 files"):
        archive.inspect(path)


@pytest.mark.parametrize(
    "junk", [b"", b"not gzip", gzip.compress(b"not tar" * 200, mtime=0), gzip.compress(b"", mtime=0)]
)
def test_junk(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "junk").write_bytes(junk)
    with pytest.raises(ArtifactError):
        archive.inspect(str(tmp_path / "junk"))


def test_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="No such file"):
        archive.read_manifest(str(tmp_path / "none.tar.gz"))


def test_read_manifest_reads_the_beginning_only(tmp_path: Path) -> None:
    big = [("big", tarfile.REGTYPE, os.urandom(300_000))]
    whole = Path(make(tmp_path / "a.tar.gz", big)).read_bytes()
    (tmp_path / "cut").write_bytes(whole[:100_000])
    assert archive.read_manifest(str(tmp_path / "cut")).name == "agents"


def test_too_little_space_is_found_before_writing(
    tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = namedtuple("disk", "f_bavail f_frsize f_files f_favail")(100, 4096, 0, 0)
    monkeypatch.setattr(archive.os, "statvfs", lambda _: disk)
    monkeypatch.setattr(archive, "_write", lambda *_: pytest.fail("something was written"))
    with pytest.raises(StorageError, match="needs 2 MiB, 0 MiB are free"):
        archive.unpack(make(tmp_path / "a.tar.gz", TREE), str(dest), margin=1024 * 1024)
    assert not dest.exists()


def test_a_disk_that_fills_meanwhile(tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = archive._write_file

    def full(*arguments: Any) -> None:
        real(*arguments)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive, "_write_file", full)
    with pytest.raises(StorageError, match="no space left"):
        archive.unpack(make(tmp_path / "a.tar.gz", TREE), str(dest))
    assert not dest.exists()


def test_without_pythons_filter(tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    archive.unpack(make(tmp_path / "a.tar.gz", TREE), str(dest))
    assert (dest / "run").exists()
