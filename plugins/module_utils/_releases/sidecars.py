# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files beside an archive: their names and their texts."""

from __future__ import annotations

import base64
import binascii
import struct

from .._core.errors import ArtifactError, OpsError
from .manifest import check_sha256

SHA256 = ".sha256"
SIGNATURE = ".sig"
SBOM = ".sbom.json"
#: Bytes that such a file can have.
LIMITS = {SHA256: 4096, SIGNATURE: 64 * 1024, SBOM: 32 * 1024 * 1024}

_SIGNED = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")


def digest_line(sha256: str, archive: str) -> str:
    """As ``sha256sum`` writes it and ``sha256sum --check`` reads it."""
    return f"{sha256}  {archive}\n"


def read_digest_line(text: str, archive: str, where: str) -> str:
    """The digest in a ``.sha256`` file, which must be about this archive. An error never shows what is there."""
    digest, dummy, name = text.strip().partition("  ")
    try:
        check_sha256(digest)
    except OpsError:
        # Without the cause, which shows the value: the file may be a copy of any other.
        raise _damaged("it does not begin with a sha256 digest", where) from None
    if name != archive:
        raise _damaged(f"it is not about {archive}", where)
    return digest


def check_signature(text: str, where: str) -> str:
    """The text of a ``.sig`` file, if it looks like one. An error never shows what is there."""
    lines = text.strip().splitlines()
    if len(lines) < 3 or (lines[0], lines[-1]) != _SIGNED:
        fix = "Sign it again: build the artifact with mas.ops.build."
        raise ArtifactError("the signature file does not hold an SSH signature", where=where, fix=fix)
    return text


def public_key(signature: str) -> bytes:
    """The public key inside an SSH signature; empty when the text is not one.

    Not every kind of key signs the same bytes twice alike, so this shows whether two are by one key.
    """
    body = "".join(line for line in signature.splitlines() if not line.startswith("-----"))
    try:
        blob = base64.b64decode(body, validate=True)
        magic, dummy, length = struct.unpack_from(">6sII", blob)
    except (binascii.Error, ValueError, struct.error):
        return b""
    return blob[14 : 14 + length] if magic == b"SSHSIG" else b""


def _damaged(why: str, where: str) -> ArtifactError:
    fix = "Build the artifact again with mas.ops.build."
    return ArtifactError(f"the digest file is damaged: {why}", where=where, fix=fix)
