# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which artifact is looked up, and what is returned about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ...module_utils._core.errors import ArtifactError, BadInput
from ...module_utils._core.urls import is_url
from ...module_utils._releases import sidecars
from ...module_utils._releases.manifest import Manifest, archive_name, check_name, check_version, release_id
from . import sbom_summary

BUILD = "Build it with mas.ops.build."


@dataclass(frozen=True)
class ArtifactLookup:
    """Which artifact, and what must hold. Either ``artifact`` or ``store``, ``application`` and ``version`` are given."""

    artifact: str = ""
    store: str = ""
    application: str = ""
    version: str = ""
    allowed_signers: Sequence[str] = ()
    allowed_signers_file: PurePath | None = None
    signature_required: bool = True
    verify: bool = True

    def __post_init__(self) -> None:
        if not self.artifact and not self.store:
            fix = "Give artifact, or store with application and version."
            raise BadInput("no artifact was named", where="artifact", fix=fix)
        if not self.artifact:
            _named("application", self.application, check_name)
            _named("version", self.version, check_version)
        if self.verify and self.signature_required and not self.has_signers:
            raise BadInput(
                "a signature is required, but no signer is allowed",
                where="allowed_signers",
                fix="Give allowed_signers or allowed_signers_file, or set signature_required to false.",
            )

    @property
    def place(self) -> str:
        """The path or URL of the archive."""
        if self.artifact:
            return self.artifact
        name = archive_name(self.application, self.version)
        return f"{self.store.rstrip('/')}/{quote(name) if is_url(self.store) else name}"

    @property
    def file_name(self) -> str:
        """The archive's name, as its digest file gives it."""
        path = unquote(urlsplit(self.place).path) if is_url(self.place) else self.place
        return path.rpartition("/")[2]

    @property
    def has_signers(self) -> bool:
        """Whether a signature can be verified."""
        return bool(self.allowed_signers or self.allowed_signers_file)

    def check_name(self, manifest: Manifest) -> None:
        """The manifest is of the application and version in the file name and in the lookup."""
        found = f"{manifest.name} {manifest.version}"
        if archive_name(manifest.name, manifest.version) != self.file_name:
            raise ArtifactError(
                f"the artifact is {found}, which is not what its file name says",
                where=self.place,
                fix="It was renamed or replaced: restore it under its own name.",
            )
        if self.application and (manifest.name, manifest.version) != (self.application, self.version):
            raise ArtifactError(
                f"the artifact is {found}, not {self.application} {self.version}",
                where=self.place,
                fix="Two applications share this file name: give one of them another version.",
            )


def _named(option: str, value: str, check: Callable[[object], str]) -> None:
    """The error names the option, not a field of a manifest, which the caller may never have seen."""
    if not value:
        raise BadInput(f"no {option} was named", where=option, fix=f"Give the option {option}.")
    try:
        check(value)
    except BadInput as error:
        raise BadInput(error.what, where=option, fix=f"Correct the option {option}.") from error


@dataclass(frozen=True)
class Sidecars:
    """What the files beside the archive hold."""

    sha256: str
    signature: str
    sbom: str

    @classmethod
    def parse(cls, lookup: ArtifactLookup, texts: Mapping[str, str | None]) -> Sidecars:
        """From the texts of the files, by suffix."""
        digest = texts[sidecars.SHA256]
        if digest is None:
            what = f"the artifact has no {sidecars.SHA256} file beside it"
            raise ArtifactError(what, where=lookup.place, fix=BUILD)
        signature = texts[sidecars.SIGNATURE]
        if signature is not None:
            sidecars.check_signature(signature, lookup.place + sidecars.SIGNATURE)
        return cls(
            sha256=sidecars.read_digest_line(digest, lookup.file_name, lookup.place + sidecars.SHA256),
            signature=signature or "",
            sbom=texts[sidecars.SBOM] or "",
        )


def facts(
    lookup: ArtifactLookup, found: Sidecars, manifest: Manifest | None, *, size: int = 0, signed_by: str = ""
) -> dict[str, Any]:
    """What is returned. Without a manifest, which is not read before it is verified, the lookup must name the version."""
    version = manifest.version if manifest else lookup.version
    if not version:
        raise BadInput(
            "the version is only known from the archive, which is not read before it is verified",
            where=lookup.place,
            fix="Give store, application and version, or leave verify on.",
        )
    return {
        "name": manifest.name if manifest else lookup.application,
        "version": version,
        "release": release_id(version, found.sha256),
        "sha256": found.sha256,
        "path": lookup.place,
        "size": size,
        "manifest": manifest.to_dict() if manifest else {},
        "signature": found.signature,
        "signed_by": signed_by,
        "sbom": sbom_summary.summary(found.sbom),
        "verified": lookup.verify,
    }
