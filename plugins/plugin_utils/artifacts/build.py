# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Building one artifact: from a source folder to four files in a store."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...module_utils._core.errors import BadInput, Refused
from ...module_utils._core.files import storage_errors
from ...module_utils._core.plan import Plan, Step
from ...module_utils._releases.adapters.archive import sha256_of
from ...module_utils._releases.manifest import Manifest, archive_name, check_version, format_built, release_id
from . import masfile, sbom, signing, store
from .pack import Packed, contents, contents_of, pack
from .revision import revision
from .tree import Tree, collect

#: The build time of a source that has no history: the same on every machine, and plainly not real.
_NO_TIME = "1980-01-01T00:00:00Z"
_SHOWN = 5


@dataclass(frozen=True)
class Request:
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
class Built:
    """An artifact that lies in a scratch folder, complete."""

    manifest: Manifest
    packed: Packed
    folder: Path
    signature: str
    files: Mapping[str, str]

    @property
    def archive(self) -> str:
        return archive_name(self.manifest.name, self.manifest.version)

    def facts(self, place: Path) -> dict[str, Any]:
        """What the action returns about it."""
        path = place / self.archive
        signature = store.sidecar(path, store.SIGNATURE)
        return {
            "name": self.manifest.name,
            "version": self.manifest.version,
            "release": release_id(self.manifest.version, self.packed.sha256),
            "sha256": self.packed.sha256,
            "path": str(path),
            "size": self.packed.size,
            "files": self.manifest.files.count,
            "manifest": self.manifest.to_dict(),
            "signature": str(signature) if self.signature or signature.exists() else "",
            "sbom": str(store.sidecar(path, store.SBOM)),
        }


def build(request: Request, *, check_mode: bool = False) -> tuple[Plan, dict[str, Any]]:
    """Build the artifact and store it, unless the store holds these very bytes already.

    In check mode all is built beside the store, for only then is the digest known, and thrown away.

    :raises Refused: the store holds this version with other bytes
    """
    description = masfile.read(request.source)
    tree = collect(request.source, description.exclude, request.store)
    _keep_key_out(tree, request.signing_key)
    if request.version is not None:
        check_version(request.version)
    elif description.values.get("version") is None:
        raise description.error("version is missing: write it here, or give the option version", "name")
    commit, built = _origin(request)
    manifest = description.manifest(request.version, commit, built, tree.files)
    with store.scratch(None if check_mode else request.store) as folder:
        result = _make(manifest, tree, description.packages, request.signing_key, folder)
        lock = store.locked(request.store) if request.store.is_dir() else contextlib.nullcontext()
        with lock:
            plan = _plan(result, request.store)
            if not check_mode:
                _apply(plan, request.store, folder)
        return plan, result.facts(request.store)


def _origin(request: Request) -> tuple[str, str]:
    """The commit and the build time. Git is only asked for what is not given."""
    known = request.built or request.source_date_epoch
    found = None if known and request.commit is not None else revision(request.source)
    commit = request.commit if request.commit is not None else found.commit if found else ""
    if request.built:
        return commit, _moment(request.built)
    if request.source_date_epoch:
        return commit, _epoch(request.source_date_epoch)
    return commit, format_built(found.time) if found else _NO_TIME


def _moment(text: str) -> str:
    """Any ISO 8601 time with a zone; YAML rewrites an unquoted one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadInput(
            f"built must be a time with its zone, not {text!r}",
            where="built",
            fix="Write it as 2026-01-31T12:00:00Z.",
        )
    return format_built(moment)


def _epoch(text: str) -> str:
    try:
        return format_built(datetime.fromtimestamp(int(text), UTC))
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput(
            f"SOURCE_DATE_EPOCH must be seconds since 1970, not {text!r}",
            where="the environment",
            fix="Correct it, unset it, or give the option built.",
        ) from error


def _keep_key_out(tree: Tree, key: Path | None) -> None:
    if key is None or key.suffix == ".pub":
        return
    secret = key.resolve()
    for member in tree.members:
        if (tree.root / member.name).resolve() == secret:
            raise Refused(
                "the signing key would become part of the artifact",
                where=str(key),
                fix="Move it out of the source, and make a new key if an artifact with it was ever published.",
            )


def _make(manifest: Manifest, tree: Tree, packages: tuple[str, ...], key: Path | None, folder: Path) -> Built:
    name = archive_name(manifest.name, manifest.version)
    path = folder / name
    packed = pack(tree, manifest, path)
    store.write(store.sidecar(path, store.SHA256), store.digest_line(packed.sha256, name))
    store.write(store.sidecar(path, store.SBOM), sbom.document(manifest, packed, tree, packages))
    signature = signing.sign(path, key) if key else ""
    if signature:
        store.write(store.sidecar(path, store.SIGNATURE), signature)
    return Built(manifest, packed, folder, signature, contents_of(tree, manifest, packed))


def _plan(built: Built, place: Path) -> Plan:
    """What the store lacks. Files beside the archive come first, the archive last."""
    path = place / built.archive
    stored = path.exists()
    if stored and sha256_of(str(path)) != built.packed.sha256:
        raise _other_bytes(built, path)
    after = _state(built, dict.fromkeys(_wanted(built), True))
    missing = [suffix for suffix in _wanted(built) if not _holds(built, path, suffix)]
    steps = [Step("store", f"{built.archive}{suffix}") for suffix in missing]
    if stored:
        before = _state(built, {suffix: suffix not in missing for suffix in _wanted(built)})
        return Plan(before, after, tuple(steps))
    stale = store.sidecar(path, store.SIGNATURE)
    if not built.signature and stale.exists():
        # Left by a build that was killed: it would make the new archive look forged.
        steps.insert(0, Step("remove", stale.name))
    return Plan({}, after, (*steps, Step("store", built.archive)))


def _wanted(built: Built) -> list[str]:
    return [store.SHA256, store.SBOM, *([store.SIGNATURE] if built.signature else [])]


def _state(built: Built, beside: Mapping[str, bool]) -> dict[str, Any]:
    return {
        "artifact": built.archive,
        "sha256": built.packed.sha256,
        "beside": [suffix for suffix, there in beside.items() if there],
        "files": dict(built.files),
    }


def _holds(built: Built, path: Path, suffix: str) -> bool:
    """Whether the file beside a stored archive is already as good as the one built now."""
    there = store.sidecar(path, suffix)
    if not path.exists() or not there.exists():
        return False
    text = there.read_text(encoding="utf-8", errors="replace")
    if suffix == store.SHA256:
        return text == store.digest_line(built.packed.sha256, built.archive)
    if suffix == store.SBOM:
        return str(sbom.serial_number(built.packed.sha256)) in text
    # Not every kind of key signs the same bytes twice alike, hence no comparison of the texts.
    return signing.public_key(text) == signing.public_key(built.signature) and signing.belongs(path, there)


def _apply(plan: Plan, place: Path, folder: Path) -> None:
    for step in plan.steps:
        if step.action == "remove":
            with storage_errors(str(place)):
                (place / step.target).unlink()
    store.publish(place, folder, [step.target for step in plan.steps if step.action == "store"])


def _other_bytes(built: Built, path: Path) -> Refused:
    differences = store.changes(contents(path), built.files)
    more = f" and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
    shown = (
        ", ".join(differences[:_SHOWN]) + more
        if differences
        else "the content is the same, its packing is not"
    )
    return Refused(
        f"{built.manifest.name} {built.manifest.version} is in the store already, with other bytes: {shown}",
        where=str(path),
        fix="An artifact never changes: build under a new version.",
    )
