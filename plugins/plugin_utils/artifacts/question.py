# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A question about one artifact, and the shape of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ...module_utils._core.errors import ArtifactError, BadInput
from ...module_utils._releases.manifest import Manifest, archive_name, check_name, check_version, release_id
from . import beside, bill

BUILD = "Build it with mas.ops.build."


def is_url(place: str) -> bool:
    """Whether it is fetched and not read."""
    return place.startswith(("http://", "https://"))


@dataclass(frozen=True)
class Question:
    """Which artifact, and what must hold. Either ``artifact`` or the other three are given."""

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
                "a signature is required, but nobody is allowed to sign",
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
        """Whether a signature can be judged."""
        return bool(self.allowed_signers or self.allowed_signers_file)

    def check_name(self, manifest: Manifest) -> None:
        """What is inside is what the file is called, and what was asked for."""
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
    """Speak of the option that the caller got wrong, not of a manifest that it may never have seen."""
    if not value:
        raise BadInput(f"no {option} was named", where=option, fix=f"Give the option {option}.")
    try:
        check(value)
    except BadInput as error:
        raise BadInput(error.what, where=option, fix=f"Correct the option {option}.") from error


@dataclass(frozen=True)
class Beside:
    """What lies beside the archive."""

    sha256: str
    signature: str
    sbom: str

    @classmethod
    def parse(cls, question: Question, texts: Mapping[str, str | None]) -> Beside:
        """From the texts of the files, by suffix."""
        digest = texts[beside.SHA256]
        if digest is None:
            what = f"the artifact has no {beside.SHA256} file beside it"
            raise ArtifactError(what, where=question.place, fix=BUILD)
        signature = texts[beside.SIGNATURE]
        if signature is not None:
            beside.check_signature(signature, question.place + beside.SIGNATURE)
        return cls(
            sha256=beside.read_digest_line(digest, question.file_name, question.place + beside.SHA256),
            signature=signature or "",
            sbom=texts[beside.SBOM] or "",
        )


def facts(
    question: Question, found: Beside, manifest: Manifest | None, *, size: int = 0, signed_by: str = ""
) -> dict[str, Any]:
    """The answer. Without a manifest, which is not read unverified, the question must have the version."""
    version = manifest.version if manifest else question.version
    if not version:
        raise BadInput(
            "the version is only known from the archive, which is not read unverified",
            where=question.place,
            fix="Give store, application and version, or leave verify on.",
        )
    return {
        "name": manifest.name if manifest else question.application,
        "version": version,
        "release": release_id(version, found.sha256),
        "sha256": found.sha256,
        "path": question.place,
        "size": size,
        "manifest": manifest.to_dict() if manifest else {},
        "signature": found.signature,
        "signed_by": signed_by,
        "sbom": bill.summary(found.sbom),
        "verified": question.verify,
    }
