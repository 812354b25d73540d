# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading and unpacking an artifact's archive on a host."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import stat
import tarfile
import zlib
from collections.abc import Iterator

from ..._core.errors import ArtifactError, OpsError, StorageError
from ..._core.files import sync_folder
from .. import archive
from ..archive import USUAL, ArchiveLimits
from ..manifest import Manifest
from .bounded import allow, opened

#: What stays free beside the release itself: logs and the database must go on.
MARGIN = 64 * 1024**2
_CHUNK = 1024 * 1024
_FOLDER_MODE = 0o755
#: An archive ends with zeros, up to the next 10 KiB or so.
_PADDING = 64 * 1024
_TYPES = {
    tarfile.REGTYPE: archive.FILE,
    tarfile.AREGTYPE: archive.FILE,
    tarfile.DIRTYPE: archive.FOLDER,
    tarfile.SYMTYPE: archive.SYMLINK,
    tarfile.LNKTYPE: archive.HARDLINK,
}


def sha256_of(path: str) -> str:
    """The digest of a file, read in pieces."""
    digest = hashlib.sha256()
    with reading(path), open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def members_from_tar(tar: tarfile.TarFile) -> Iterator[archive.Member]:
    """The members as plain records, read as they are asked for."""
    for info in tar:
        yield _member(info)


def read_manifest(path: str) -> Manifest:
    """The manifest: the first member, so only the beginning of the archive is read."""
    with reading(path), opened(path) as (tar, dummy):
        first = tar.next()
        archive.check_members([] if first is None else [_member(first)])
        return _manifest(tar, first)


def inspect(path: str, limits: ArchiveLimits = USUAL) -> tuple[Manifest, list[archive.Member]]:
    """Read the whole archive without writing anything; raise when it is damaged or not safe."""
    members: list[archive.Member] = []
    with reading(path), opened(path) as (tar, unpacked):
        first = tar.next()
        archive.check_members([] if first is None else [_member(first)])
        parsed = _manifest(tar, first)
        allow(unpacked, parsed)
        archive.check_members(_collect(members_from_tar(tar), members, parsed), limits)
        _check_end(tar)
        archive.check_shared(parsed.shared, members)
    _check_totals(parsed, members)
    return parsed, members


def unpack(
    path: str, dest: str, *, group: int = 0, margin: int = MARGIN, limits: ArchiveLimits = USUAL
) -> Manifest:
    """Unpack ``path`` into the empty folder ``dest``, durably, as root's and read-only to all others.

    What others could not read where it was built, only ``group`` can read here.

    Nothing is written before every member was checked and the space was found to be enough. On any
    failure ``dest`` is removed and an :class:`OpsError` raised. The caller renames ``dest``.

    :param group: the id of the application's group
    :param margin: bytes that must stay free on the file system
    """
    try:
        promised = read_manifest(path).files
        with _disk(dest, promised.bytes + margin):
            _check_space(dest, promised.bytes + margin, promised.count)
        parsed, members = inspect(path, limits)
        need = _need(members, dest)
        with _disk(dest, need + margin):
            _check_space(dest, need + margin, len(members))
            _write_all(path, dest, parsed, members, group)
            _sync(dest, members)
    except BaseException:
        shutil.rmtree(dest, ignore_errors=True)
        raise
    return parsed


@contextlib.contextmanager
def reading(path: str) -> Iterator[None]:
    """Say which archive cannot be read, and why."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        raise _damaged(path, error) from error
    except OSError as error:
        # gzip.BadGzipFile is an OSError without a number; what the disk says has one.
        if error.errno is None:
            raise _damaged(path, error) from error
        if error.filename == path:
            raise ArtifactError(f"cannot read the archive: {error.strerror}", where=path) from error
        raise
    except OpsError as error:
        if error.where != path:
            error.where = f"{path}, {error.where}" if error.where else path
        raise


def _damaged(path: str, error: Exception) -> ArtifactError:
    return ArtifactError(f"the archive is damaged: {error}", where=path, fix="Fetch or build it again.")


def _member(info: tarfile.TarInfo) -> archive.Member:
    return archive.Member(
        name=info.name,
        type=archive.SPARSE if _is_sparse(info) else _TYPES.get(info.type, archive.SPECIAL),
        linkname=info.linkname,
        size=info.size,
        mode=info.mode & 0o7777,
    )


def _is_sparse(info: tarfile.TarInfo) -> bool:
    """Whether it may become larger than the bytes that the archive holds of it; a size elsewhere than in its header is for that."""
    return info.issparse() or any(key == "size" or key.startswith("GNU.sparse") for key in info.pax_headers)


def _collect(
    members: Iterator[archive.Member], into: list[archive.Member], parsed: Manifest
) -> Iterator[archive.Member]:
    """The members, noted down; no further than the manifest promises.

    Whoever takes them judges their names first: an attack is called that, and not a wrong sum. A member's bytes are read
    only when the next one is wanted.
    """
    total = 0
    for member in members:
        into.append(member)
        yield member
        total += member.size if len(into) > 1 else 0
        if total > parsed.files.bytes:
            _check_totals(parsed, into)


def _manifest_bytes(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    archive.check_members([_member(info)])
    stream = tar.extractfile(info)
    return stream.read() if stream else b""


def _manifest(tar: tarfile.TarFile, info: tarfile.TarInfo | None) -> Manifest:
    return Manifest.from_json(b"" if info is None else _manifest_bytes(tar, info))


def _check_end(tar: tarfile.TarFile) -> None:
    """Read to the very end, where gzip keeps its checksum; tarfile alone stops before it."""
    stream = tar.fileobj
    rest = b""
    if stream is not None:
        stream.seek(tar.offset)
        rest = stream.read(_PADDING + 1)
    if len(rest) > _PADDING or rest.strip(b"\0"):
        raise ArtifactError("the archive has data after its end", fix="Fetch or build it again.")


def _check_totals(parsed: Manifest, members: list[archive.Member]) -> None:
    """The manifest counts its files, so one that lost some on the way is found without a digest."""
    content = [member for member in members[1:] if member.type != archive.FOLDER]
    found = (len(content), sum(member.size for member in content))
    if found != (parsed.files.count, parsed.files.bytes):
        raise ArtifactError(
            f"the manifest promises {parsed.files.count} files of {parsed.files.bytes} bytes, "
            f"the archive holds {found[0]} of {found[1]}",
            fix="Build the artifact again with mas.ops.build.",
        )


def _need(members: list[archive.Member], dest: str) -> int:
    """Bytes on the disk: each file, folder and link takes whole blocks."""
    block = os.statvfs(dest).f_frsize or 4096
    return sum(-(-max(member.size, 1) // block) * block for member in members)


def check_room(folder: str, need: int) -> None:
    """
    :param folder: which need not be there yet
    :raises StorageError: its disk has less than ``need`` bytes left
    """
    _check_space(_nearest(folder), need, 0)


def disk_of(folder: str) -> int:
    """The device number of the file system that a folder is on, or will be."""
    return os.stat(_nearest(folder)).st_dev


def _nearest(folder: str) -> str:
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def _check_space(dest: str, need: int, names: int) -> None:
    disk = os.statvfs(dest)
    if disk.f_bavail * disk.f_frsize < need:
        raise _full(dest, need)
    if disk.f_files and disk.f_favail < names:
        raise StorageError(
            f"no inodes left: the release needs {names}, {disk.f_favail} are free",
            where=dest,
            fix="Remove small files there and run the same command again.",
        )


def _full(dest: str, need: int) -> StorageError:
    free = 0
    with contextlib.suppress(OSError):
        disk = os.statvfs(dest)
        free = disk.f_bavail * disk.f_frsize
    return StorageError(
        f"no space left: the release needs {-(-need >> 20)} MiB, {free >> 20} MiB are free",
        where=dest,
        fix="Free some space there (fewer kept releases, old logs) and run the same command again.",
    )


@contextlib.contextmanager
def _disk(dest: str, need: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(dest, need) from error
        raise StorageError(
            f"cannot unpack: {error.strerror}", where=error.filename or dest, fix="Check the disk."
        ) from error


def _write_all(path: str, dest: str, parsed: Manifest, members: list[archive.Member], group: int) -> None:
    known = archive.system_links(members)
    with reading(path), opened(path, parsed) as (tar, dummy):
        for info, checked in itertools.zip_longest(tar, members):
            if info is None or _member(info) != checked:
                raise ArtifactError("the archive changed while it was unpacked", fix="Fetch it again.")
            # Python's own filter gives a second opinion, but knows of no link that may leave the tree.
            if info.name not in known:
                _second_opinion(info, dest)
            _write(tar, info, dest, group)


def _second_opinion(info: tarfile.TarInfo, dest: str) -> None:
    judge = getattr(tarfile, "data_filter", None)
    if judge is not None:
        judge(info, dest)


def _write(tar: tarfile.TarFile, info: tarfile.TarInfo, dest: str, group: int) -> None:
    """One checked member."""
    path = os.path.join(dest, info.name)
    member = _member(info)
    hidden = 0o007 if member.private else 0
    # The folder that it is in may have given it another group.
    owner = -1 if os.geteuid() else group if member.private else 0
    if member.type == archive.FOLDER:
        os.mkdir(path, 0o700)
        os.chown(path, -1, owner)
        os.chmod(path, _FOLDER_MODE & ~hidden)
    elif member.type == archive.SYMLINK:
        os.symlink(info.linkname, path)
        os.chown(path, -1, owner, follow_symlinks=False)
    else:
        _write_file(tar, info, path, hidden, owner)


def _write_file(tar: tarfile.TarFile, info: tarfile.TarInfo, path: str, hidden: int, group: int) -> None:
    source = tar.extractfile(info)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        if source is not None:
            shutil.copyfileobj(source, stream, _CHUNK)
        os.fchown(stream.fileno(), -1, group)
        os.fchmod(stream.fileno(), (0o755 if info.mode & stat.S_IXUSR else 0o644) & ~hidden)


def _sync(dest: str, members: list[archive.Member]) -> None:
    """Flush files, then folders. After all are written, so that the kernel can do it in large pieces."""
    for member in members:
        if member.type == archive.FILE:
            handle = os.open(os.path.join(dest, member.name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    for member in reversed(members):
        if member.type == archive.FOLDER:
            sync_folder(os.path.join(dest, member.name))
    os.chmod(dest, _FOLDER_MODE)
    sync_folder(dest)
