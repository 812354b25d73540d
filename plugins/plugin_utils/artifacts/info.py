# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking about one artifact: is it there, is it whole, who signed it, what is in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ...module_utils._core.errors import ArtifactError, BadInput, NotFound
from ...module_utils._releases.adapters.archive import inspect, read_manifest, sha256_of
from ...module_utils._releases.adapters.fetch import fetch, fetch_text, verify_signature
from ...module_utils._releases.manifest import Manifest, archive_name, release_id
from ..adapters.sidecars import is_url
from . import sbom, store

_BUILD = "Build it with mas.ops.build."
_SBOM_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Question:
    """Which artifact, and what must hold. Either ``artifact`` or the other three are given."""

    artifact: str = ""
    store: str = ""
    application: str = ""
    version: str = ""
    allowed_signers: Sequence[str] = ()
    allowed_signers_file: Path | None = None
    signature_required: bool = True
    verify: bool = True

    @property
    def place(self) -> str:
        """The path or URL of the archive."""
        if self.artifact:
            return self.artifact
        name = archive_name(self.application, self.version)
        return (
            f"{self.store.rstrip('/')}/{quote(name)}" if is_url(self.store) else str(Path(self.store) / name)
        )

    @property
    def has_signers(self) -> bool:
        return bool(self.allowed_signers or self.allowed_signers_file)


@dataclass(frozen=True)
class Beside:
    """What lies beside the archive."""

    sha256: str
    signature: str
    sbom: str


def info(question: Question) -> dict[str, Any]:
    """All that is known about the artifact, after it was verified.

    :raises NotFound: it is not there; the message says what is
    :raises ArtifactError: the digest, the signature, the archive or the manifest is wrong
    """
    if question.verify and question.signature_required and not question.has_signers:
        raise BadInput(
            "a signature is required, but nobody is allowed to sign",
            where="allowed_signers",
            fix="Give allowed_signers or allowed_signers_file, or set signature_required to false.",
        )
    name = (
        unquote(urlsplit(question.place).path).rpartition("/")[2]
        if is_url(question.place)
        else Path(question.place).name
    )
    with tempfile.TemporaryDirectory(prefix="mas-artifact-") as scratch:
        if is_url(question.place):
            return _remote(question, name, Path(scratch))
        return _local(question, name)


def _local(question: Question, name: str) -> dict[str, Any]:
    path = Path(question.place)
    if not path.is_file():
        raise _not_in_folder(question, path)
    beside = _beside(question.place, name, {suffix: _read(path, suffix) for suffix in _SUFFIXES})
    if not question.verify:
        manifest = read_manifest(str(path))
        _check_name(manifest, name, question.place)
        return _facts(question, beside, manifest, manifest.version, path.stat().st_size, "")
    sha256 = sha256_of(str(path))
    if sha256 != beside.sha256:
        raise ArtifactError(
            f"the artifact's sha256 is {sha256}, but its {store.SHA256} file says {beside.sha256}",
            where=question.place,
            fix="It was damaged or replaced: restore it, or build this version again elsewhere and compare.",
        )
    return _verified(question, beside, path, name)


def _remote(question: Question, name: str, scratch: Path) -> dict[str, Any]:
    url = question.place
    texts = {suffix: fetch_text(f"{url}{suffix}", _SBOM_BYTES) for suffix in _SUFFIXES}
    if texts[store.SHA256] is None:
        raise _not_at_url(question, url, scratch)
    beside = _beside(url, name, texts)
    if not question.verify:
        return _facts(question, beside, None, _version_unverified(question), 0, "")
    copy = scratch / "artifact.tar.gz"
    fetch(url, str(copy), beside.sha256)
    return _verified(question, beside, copy, name)


def _verified(question: Question, beside: Beside, path: Path, name: str) -> dict[str, Any]:
    """The bytes are the promised ones; now who promised, and what they are."""
    signed_by = ""
    if question.has_signers and (beside.signature or question.signature_required):
        with _signers(question) as signers:
            signed_by = verify_signature(str(path), beside.signature, str(signers))
    manifest, _ = inspect(str(path))
    _check_name(manifest, name, question.place)
    return _facts(question, beside, manifest, manifest.version, path.stat().st_size, signed_by)


def _facts(
    question: Question, beside: Beside, manifest: Manifest | None, version: str, size: int, signed_by: str
) -> dict[str, Any]:
    return {
        "name": manifest.name if manifest else question.application,
        "version": version,
        "release": release_id(version, beside.sha256),
        "sha256": beside.sha256,
        "path": question.place,
        "size": size,
        "manifest": manifest.to_dict() if manifest else {},
        "signature": beside.signature,
        "signed_by": signed_by,
        "sbom": sbom.summary(beside.sbom),
        "verified": question.verify,
    }


_SUFFIXES = (store.SHA256, store.SIGNATURE, store.SBOM)


def _beside(place: str, name: str, texts: dict[str, str | None]) -> Beside:
    digest = texts[store.SHA256]
    if digest is None:
        raise ArtifactError(f"the artifact has no {store.SHA256} file beside it", where=place, fix=_BUILD)
    return Beside(
        sha256=store.read_digest_line(digest, name, f"{place}{store.SHA256}"),
        signature=texts[store.SIGNATURE] or "",
        sbom=texts[store.SBOM] or "",
    )


def _read(path: Path, suffix: str) -> str | None:
    try:
        return store.sidecar(path, suffix).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _check_name(manifest: Manifest, name: str, place: str) -> None:
    if archive_name(manifest.name, manifest.version) != name:
        raise ArtifactError(
            f"the artifact is {manifest.name} {manifest.version}, which is not what its file name says",
            where=place,
            fix="It was renamed or replaced: restore it under its own name.",
        )


def _version_unverified(question: Question) -> str:
    if question.version:
        return question.version
    raise BadInput(
        "the version of a URL is only known from its archive",
        where=question.place,
        fix="Give store, application and version, or leave verify on.",
    )


@contextmanager
def _signers(question: Question) -> Iterator[Path]:
    if question.allowed_signers_file:
        if not question.allowed_signers_file.is_file():
            raise NotFound(
                "there is no such file of allowed signers", where=str(question.allowed_signers_file)
            )
        yield question.allowed_signers_file
        return
    with tempfile.NamedTemporaryFile("w", prefix="mas-signers-", encoding="utf-8") as file:
        file.write("".join(f"{line.strip()}\n" for line in question.allowed_signers))
        file.flush()
        yield Path(file.name)


def _not_in_folder(question: Question, path: Path) -> NotFound:
    if question.artifact:
        return NotFound("there is no such artifact", where=question.artifact, fix=_BUILD)
    folder = path.parent
    if not folder.is_dir():
        return NotFound("there is no such store", where=question.store, fix="Correct it or build into it.")
    there = (
        ", ".join(store.versions(folder, question.application)) or f"no artifact of {question.application}"
    )
    return NotFound(
        f"{question.application} {question.version} is not in {question.store}: it holds {there}", fix=_BUILD
    )


def _not_at_url(question: Question, url: str, scratch: Path) -> NotFound:
    what = f"{question.application} {question.version}" if question.application else "the artifact"
    reason = "there is no digest file"
    try:
        fetch(f"{url}{store.SHA256}", str(scratch / "digest"), "")
    except (NotFound, ArtifactError) as error:
        reason = error.what
    return NotFound(f"{what} cannot be had from the store: {reason}", where=url, fix=_BUILD)
