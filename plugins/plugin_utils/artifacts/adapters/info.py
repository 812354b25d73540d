# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking about one artifact: is it there, is it whole, who signed it, what is in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ....module_utils._core.errors import ArtifactError, NotFound
from ....module_utils._releases.adapters.archive import inspect, sha256_of
from ....module_utils._releases.adapters.fetch import fetch, verify_signature
from ...adapters.sidecars import read_sidecar
from ..beside import SBOM, SHA256, SIGNATURE
from ..question import BUILD, Beside, Question, facts, is_url
from . import store

_SUFFIXES = (SHA256, SIGNATURE, SBOM)


def info(question: Question) -> dict[str, Any]:
    """All that is known about the artifact, after it was verified.

    :raises NotFound: it is not there; the message says what is
    :raises ArtifactError: the digest, the signature, the archive or the manifest is wrong
    """
    if not is_url(question.place):
        return _local(question)
    with tempfile.TemporaryDirectory(prefix="mas-artifact-") as scratch:
        return _remote(question, Path(scratch))


def _local(question: Question) -> dict[str, Any]:
    path = Path(question.place)
    if not path.is_file():
        raise _not_in_folder(question, path)
    found = Beside.parse(question, _texts(question.place))
    if not question.verify:
        return facts(question, found, None, size=path.stat().st_size)
    sha256 = sha256_of(str(path))
    if sha256 != found.sha256:
        raise ArtifactError(
            f"the artifact's sha256 is {sha256}, but its {SHA256} file says {found.sha256}",
            where=question.place,
            fix="It was damaged or replaced: restore it, or build this version again elsewhere and compare.",
        )
    return _verified(question, found, path)


def _remote(question: Question, scratch: Path) -> dict[str, Any]:
    url = question.place
    texts = _texts(url)
    if texts[SHA256] is None:
        raise _not_at_url(question, url, scratch)
    found = Beside.parse(question, texts)
    if not question.verify:
        return facts(question, found, None)
    copy = scratch / "artifact.tar.gz"
    fetch(url, str(copy), found.sha256)
    return _verified(question, found, copy)


def _verified(question: Question, found: Beside, path: Path) -> dict[str, Any]:
    """The bytes are the promised ones; now who promised, and what they are."""
    signed_by = ""
    if question.has_signers and (found.signature or question.signature_required):
        with _signers(question) as signers:
            signed_by = verify_signature(str(path), found.signature, str(signers))
    manifest = inspect(str(path))[0]
    question.check_name(manifest)
    return facts(question, found, manifest, size=path.stat().st_size, signed_by=signed_by)


def _texts(place: str) -> dict[str, str | None]:
    return {suffix: read_sidecar(place, suffix) for suffix in _SUFFIXES}


@contextmanager
def _signers(question: Question) -> Iterator[Path]:
    if question.allowed_signers_file:
        path = Path(question.allowed_signers_file)
        if not path.is_file():
            fix = "Correct allowed_signers_file."
            raise NotFound("there is no such file of allowed signers", where=str(path), fix=fix)
        yield path
        return
    with tempfile.NamedTemporaryFile("w", prefix="mas-signers-", encoding="utf-8") as file:
        file.write("".join(f"{line.strip()}\n" for line in question.allowed_signers))
        file.flush()
        yield Path(file.name)


def _not_in_folder(question: Question, path: Path) -> NotFound:
    if question.artifact:
        return NotFound("there is no such artifact", where=question.artifact, fix=BUILD)
    if not path.parent.is_dir():
        return NotFound("there is no such store", where=question.store, fix="Correct it or build into it.")
    there = store.versions(path.parent, question.application) or f"no {question.application} at all"
    return NotFound(
        f"{question.application} {question.version} is not in {question.store}: it holds {there}", fix=BUILD
    )


def _not_at_url(question: Question, url: str, scratch: Path) -> NotFound:
    """Ask again in a way that tells the reason."""
    what = f"{question.application} {question.version}" if question.application else "the artifact"
    reason = "there is no digest file"
    try:
        fetch(f"{url}{SHA256}", str(scratch / "digest"), "")
    except (NotFound, ArtifactError) as error:
        reason = error.what
    return NotFound(f"{what} cannot be had from the store: {reason}", where=url, fix=BUILD)
