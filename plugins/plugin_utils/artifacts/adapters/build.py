# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Building one artifact: from a source folder to four files in a store."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....module_utils._core.errors import ArtifactError, BadInput, NotFound, Refused
from ....module_utils._core.plan import Plan
from ....module_utils._releases import sidecars
from ....module_utils._releases.adapters.archive import read_manifest, sha256_of
from ....module_utils._releases.adapters.sidecars import read_sidecar
from ....module_utils._releases.manifest import Manifest, archive_name, check_version
from .. import masfile, packages, provenance, sbom, secret_scan, selection
from ..content import Tree, contents_of
from ..publish import Built, Stored, different_bytes, plan
from . import signing, store
from .checkout import revision
from .pack import contents, pack
from .scanning import refuse_secrets
from .tree import collect

#: The library that a build would miss, if there is one.
MISSING = sbom.MISSING or selection.MISSING or secret_scan.MISSING


@dataclass(frozen=True)
class BuildRequest:
    """What to build. An option that is ``None`` is found out from mas.yml or git."""

    source: Path
    store: Path
    version: str | None = None
    signing_key: Path | None = None
    built: str | None = None
    commit: str | None = None
    #: The environment variable SOURCE_DATE_EPOCH, see reproducible-builds.org.
    source_date_epoch: str | None = None


@dataclass(frozen=True)
class BuildResult:
    """What was planned and done, what is known about the artifact, and what the user should know about the source."""

    plan: Plan
    facts: dict[str, Any]
    warnings: tuple[str, ...]


def build(request: BuildRequest, *, check_mode: bool = False) -> BuildResult:
    """Build the artifact and store it, unless the store holds these very bytes already.

    In check mode all is built beside the store, for only then is the digest known, and thrown away.

    :raises Refused: the store holds this version with other bytes, or the source something like a secret
    """
    if MISSING:
        # Without the scanner nothing would be found, and that is not the same as nothing being there.
        raise MISSING
    description = _describe(request.source)
    collected = collect(request.source, description, request.store)
    tree = collected.tree
    _keep_key_out(tree, request.signing_key)
    warnings = (*collected.warnings, *refuse_secrets(tree, description.waivers))
    manifest = _manifest(request, description, tree)
    with store.scratch(None if check_mode else request.store) as folder:
        built = _make(manifest, tree, description.packages, request.signing_key, folder)
        with store.locked(request.store) if request.store.is_dir() else contextlib.nullcontext():
            stored = _look(built, request.store)
            planned = plan(built, stored)
            if not check_mode:
                store.apply(planned, request.store, folder)
    signed = bool(built.signature or (stored.archive and stored.signature))
    return BuildResult(planned, built.facts(request.store, signed=signed), warnings)


def _describe(source: Path) -> masfile.Description:
    path = source / masfile.FILE_NAME
    try:
        return masfile.parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        fix = f"Give the folder that holds {masfile.FILE_NAME}."
        raise NotFound(
            f"there is no {masfile.FILE_NAME} in the source folder", where=str(source), fix=fix
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        fix = "Correct that and build again."
        raise BadInput(f"{masfile.FILE_NAME} cannot be read: {error}", where=str(path), fix=fix) from error


def _manifest(request: BuildRequest, description: masfile.Description, tree: Tree) -> Manifest:
    """Git is needed only for what is not given."""
    if request.version is not None:
        check_version(request.version)
    dated = request.built or request.source_date_epoch
    found = None if dated and request.commit is not None else revision(request.source)
    commit = request.commit if request.commit is not None else found.commit if found else ""
    built = provenance.built(request.built, request.source_date_epoch, found)
    return description.manifest(request.version, commit, built, tree.files)


def _keep_key_out(tree: Tree, key: Path | None) -> None:
    if key is None or key.suffix == ".pub":
        return
    root, secret = Path(tree.root).resolve(), key.resolve()
    inside = secret.relative_to(root).as_posix() if secret.is_relative_to(root) else None
    if any(member.name == inside for member in tree.members):
        raise Refused(
            "the signing key would become part of the artifact",
            where=str(key),
            fix="Move it out of the source, and make a new key if an artifact with it was ever published.",
        )


def _make(manifest: Manifest, tree: Tree, debian: tuple[str, ...], key: Path | None, folder: Path) -> Built:
    path = folder / archive_name(manifest.name, manifest.version)
    packed = pack(tree, manifest, path)
    found = packages.find(_texts(tree), debian)
    signature = signing.sign(path, key) if key else ""
    store.write(store.sidecar(path, sidecars.SHA256), sidecars.digest_line(packed.sha256, path.name))
    store.write(store.sidecar(path, sidecars.SBOM), sbom.document(manifest, packed, found))
    if signature:
        store.write(store.sidecar(path, sidecars.SIGNATURE), signature)
    digest = hashlib.sha256(manifest.to_json()).hexdigest()
    return Built(manifest, packed, signature, contents_of(tree, manifest, packed, digest))


def _texts(tree: Tree) -> dict[str, str]:
    """The files that list packages. They are regular ones: that was checked."""
    return {
        name: Path(tree.root, name).read_text("utf-8", errors="replace")
        for name in packages.package_files(tree)
    }


def _look(built: Built, place: Path) -> Stored:
    """What the store has under this name."""
    path = place / built.archive
    signed = store.sidecar(path, sidecars.SIGNATURE).exists()
    if not os.path.lexists(path):
        return Stored(signature=signed)
    if not path.is_file():
        raise Refused(
            "what the store has under the artifact's name is not a file",
            where=str(path),
            fix="Remove it.",
        )
    sha256 = sha256_of(str(path))
    if sha256 != built.packed.sha256:
        # What is in an archive is only looked at when it is known whose it is.
        known = bool(built.signature) and _is_good(built, path, sidecars.SIGNATURE)
        raise different_bytes(built, str(path), (read_manifest(str(path)), contents(path)) if known else None)
    good = frozenset(suffix for suffix in built.wanted if _is_good(built, path, suffix))
    return Stored(archive=True, good=good, signature=signed)


def _is_good(built: Built, path: Path, suffix: str) -> bool:
    """Whether the file beside a stored archive is as good as the one built now."""
    try:
        text = read_sidecar(str(path), suffix)
    except ArtifactError:
        return False
    if text is None:
        return False
    if suffix == sidecars.SHA256:
        return text == sidecars.digest_line(built.packed.sha256, built.archive)
    if suffix == sidecars.SBOM:
        return str(sbom.serial_number(built.packed.sha256)) in text
    same_key = sidecars.public_key(text) == sidecars.public_key(built.signature)
    return same_key and signing.belongs(path, store.sidecar(path, suffix))
