"""What unpacks is bounded by what the manifest promises and the disk holds, before anything is written."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import ArtifactError, StorageError
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import archive, bounded
from ansible_collections.mas.ops.tests.unit.artifacts.test_unpack import TREE, make, manifest_of

HUGE = 7 << 30
Read = list[int]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """How far archives are unpacked."""
    furthest: Read = [0]
    real = bounded.Unpacked.tell

    def note(self: bounded.Unpacked, *args: Any) -> Any:
        furthest[0] = max(furthest[0], real(self))
        return originals[0](self, *args)

    originals = [bounded.Unpacked.read]
    monkeypatch.setattr(bounded.Unpacked, "read", note)
    return furthest


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    folder = tmp_path / "release"
    folder.mkdir()
    return folder


def promising(size: int, count: int = 1) -> bytes:
    """The manifest of an archive that says it holds so much."""
    return (
        manifest_of([])
        .replace(b'"bytes": 0', b'"bytes": %d' % size)
        .replace(b'"count": 0', b'"count": %d' % count)
    )


def gnu_tar(folder: Path, size: int, *options: str) -> str:
    """An archive with a file that is one hole, as GNU tar writes it."""
    (folder / "in").mkdir()
    (folder / "in/manifest.json").write_bytes(promising(size))
    with (folder / "in/hole").open("wb") as stream:
        stream.truncate(size)
    command = ["tar", "-C", str(folder / "in"), "-S", *options, "-czf", str(folder / "a.tar.gz")]
    subprocess.run([*command, "manifest.json", "hole"], check=True)
    return str(folder / "a.tar.gz")


@pytest.mark.parametrize(
    "options",
    [
        ("--format=gnu",),
        *[("--format=pax", f"--sparse-version={number}") for number in ("0.0", "0.1", "1.0")],
    ],
)
def test_a_sparse_file_is_refused(
    tmp_path: Path, dest: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few KiB become gigabytes, however honest the manifest is about it."""
    path = gnu_tar(tmp_path, HUGE, *options)
    assert Path(path).stat().st_size < 4096
    monkeypatch.setattr(archive, "_check_space", lambda *_: None)
    with pytest.raises(ArtifactError, match="it is a sparse file"):
        archive.inspect(path)
    with pytest.raises(ArtifactError, match="it is a sparse file"):
        archive.unpack(path, str(dest))
    assert not dest.exists()


def test_a_size_beside_the_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (("manifest.json", promising(5)), ("file", b"12345")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.pax_headers = {"size": str(len(data))} if name == "file" else {}
            tar.addfile(info, io.BytesIO(data))
    with pytest.raises(ArtifactError, match="it is a sparse file"):
        archive.inspect(str(path))


def zeros(path: Path, first: bytes, size: int, header: Callable[[tarfile.TarInfo], None]) -> str:
    """An archive with a manifest, and a member of so many zeros that ``header`` describes."""
    manifest = tarfile.TarInfo("manifest.json")
    manifest.size = len(first)
    info = tarfile.TarInfo("x")
    info.size = size
    header(info)
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(manifest.tobuf() + first.ljust(-(-len(first) // 512) * 512, b"\0"))
        stream.write(info.tobuf())
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    return str(path)


def plain(info: tarfile.TarInfo) -> None:
    """A file."""


def of_type(kind: bytes) -> Callable[[tarfile.TarInfo], None]:
    def change(info: tarfile.TarInfo) -> None:
        info.type = kind

    return change


@pytest.mark.parametrize(
    "header", [plain, of_type(tarfile.XHDTYPE), of_type(tarfile.XGLTYPE), of_type(tarfile.GNUTYPE_LONGNAME)]
)
@pytest.mark.parametrize("promise", [0, 1000])
def test_unpacking_stops_where_the_manifest_ends(
    tmp_path: Path, dest: Path, read: Read, header: Callable[[tarfile.TarInfo], None], promise: int
) -> None:
    """A header of 512 bytes says how much follows, and tarfile would keep that in memory."""
    path = zeros(tmp_path / "a.tar.gz", promising(promise), 40 << 20, header)
    for look in (archive.inspect, lambda archived: archive.unpack(archived, str(dest))):
        with pytest.raises(ArtifactError, match=r"not safe to unpack|the manifest promises"):
            look(path)
    assert read[0] < 8 << 20
    assert not dest.exists()


def test_a_manifest_that_is_no_manifest_is_not_read_on(tmp_path: Path, read: Read) -> None:
    big = tmp_path / "b.tar.gz"
    with gzip.open(big, "wb", compresslevel=1) as stream:
        info = tarfile.TarInfo("x")
        info.type, info.size = tarfile.XHDTYPE, 40 << 20
        stream.write(info.tobuf())
        for _ in range(40):
            stream.write(bytes(1 << 20))
    with pytest.raises(ArtifactError):
        archive.read_manifest(str(big))
    assert read[0] < 8 << 20


Disk = namedtuple("Disk", "f_bavail f_frsize f_files f_favail")


def test_a_disk_without_the_room_is_known_before_the_archive_is_read(
    tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch, read: Read
) -> None:
    path = zeros(tmp_path / "a.tar.gz", promising(100 << 20), 100 << 20, plain)
    monkeypatch.setattr(archive.os, "statvfs", lambda _: Disk(50 << 20, 1, 10**6, 10**6))
    with pytest.raises(StorageError, match="the release needs 164 MiB, 50 MiB are free"):
        archive.unpack(path, str(dest))
    assert read[0] < 1 << 20
    assert not dest.exists()


def test_as_many_folders_and_long_names_as_anybody_has(tmp_path: Path) -> None:
    content = [(f"{'d' * 200}{number}", tarfile.DIRTYPE, "") for number in range(2000)]
    content += [(f"{name}/{'f' * 200}", tarfile.REGTYPE, b"") for name, *_ in content[:500]]
    assert len(archive.inspect(make(tmp_path / "a.tar.gz", [*TREE, *content]))[1]) == 2505
