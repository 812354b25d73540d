# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look up one artifact: whether it exists, is intact, who signed it, and its manifest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ....module_utils._core.errors import ArtifactError, NotFound
from ....module_utils._core.urls import is_url
from ....module_utils._releases.adapters.archive import inspect, sha256_of
from ....module_utils._releases.adapters.fetch import fetch, verify_signature
from ....module_utils._releases.adapters.sidecars import read_sidecar
from ....module_utils._releases.sidecars import SBOM, SHA256, SIGNATURE
from ..lookup import BUILD, ArtifactLookup, Sidecars, facts
from . import store

_SUFFIXES = (SHA256, SIGNATURE, SBOM)


def info(lookup: ArtifactLookup) -> dict[str, Any]:
    """All that is known about the artifact, after it was verified.

    :raises NotFound: it is not there; the message says what is
    :raises ArtifactError: the digest, the signature, the archive or the manifest is wrong
    """
    if not is_url(lookup.place):
        return _local(lookup)
    with tempfile.TemporaryDirectory(prefix="mas-artifact-") as scratch:
        return _remote(lookup, Path(scratch))


def _local(lookup: ArtifactLookup) -> dict[str, Any]:
    path = Path(lookup.place)
    if not path.is_file():
        raise _not_in_folder(lookup, path)
    found = Sidecars.parse(lookup, _texts(lookup.place))
    if not lookup.verify:
        return facts(lookup, found, None, size=path.stat().st_size)
    sha256 = sha256_of(str(path))
    if sha256 != found.sha256:
        raise ArtifactError(
            f"the artifact's sha256 is {sha256}, but its {SHA256} file says {found.sha256}",
            where=lookup.place,
            fix="It was damaged or replaced: restore it, or build this version again elsewhere and compare.",
        )
    return _verified(lookup, found, path)


def _remote(lookup: ArtifactLookup, scratch: Path) -> dict[str, Any]:
    url = lookup.place
    texts = _texts(url)
    if texts[SHA256] is None:
        raise _not_at_url(lookup, url, scratch)
    found = Sidecars.parse(lookup, texts)
    if not lookup.verify:
        return facts(lookup, found, None)
    copy = scratch / "artifact.tar.gz"
    fetch(url, str(copy), found.sha256)
    return _verified(lookup, found, copy)


def _verified(lookup: ArtifactLookup, found: Sidecars, path: Path) -> dict[str, Any]:
    """The digest is right; now the signature and the manifest."""
    signed_by = ""
    if lookup.has_signers and (found.signature or lookup.signature_required):
        with _signers(lookup) as signers:
            signed_by = verify_signature(str(path), found.signature, str(signers))
    manifest = inspect(str(path))[0]
    lookup.check_name(manifest)
    return facts(lookup, found, manifest, size=path.stat().st_size, signed_by=signed_by)


def _texts(place: str) -> dict[str, str | None]:
    return {suffix: read_sidecar(place, suffix) for suffix in _SUFFIXES}


@contextmanager
def _signers(lookup: ArtifactLookup) -> Iterator[Path]:
    if lookup.allowed_signers_file:
        path = Path(lookup.allowed_signers_file)
        if not path.is_file():
            fix = "Correct allowed_signers_file."
            raise NotFound("there is no such file of allowed signers", where=str(path), fix=fix)
        yield path
        return
    with tempfile.NamedTemporaryFile("w", prefix="mas-signers-", encoding="utf-8") as file:
        file.write("".join(f"{line.strip()}\n" for line in lookup.allowed_signers))
        file.flush()
        yield Path(file.name)


def _not_in_folder(lookup: ArtifactLookup, path: Path) -> NotFound:
    if lookup.artifact:
        return NotFound("there is no such artifact", where=lookup.artifact, fix=BUILD)
    if not path.parent.is_dir():
        return NotFound("there is no such store", where=lookup.store, fix="Correct it or build into it.")
    there = store.versions(path.parent, lookup.application) or f"no {lookup.application} at all"
    return NotFound(
        f"{lookup.application} {lookup.version} is not in {lookup.store}: it holds {there}", fix=BUILD
    )


def _not_at_url(lookup: ArtifactLookup, url: str, scratch: Path) -> NotFound:
    """Fetch it once more, to get the reason."""
    what = f"{lookup.application} {lookup.version}" if lookup.application else "the artifact"
    reason = "there is no digest file"
    try:
        fetch(f"{url}{SHA256}", str(scratch / "digest"), "")
    except (NotFound, ArtifactError) as error:
        reason = error.what
    return NotFound(f"{what} cannot be read from the store: {reason}", where=url, fix=BUILD)
