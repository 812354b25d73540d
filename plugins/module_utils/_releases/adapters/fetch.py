# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch an artifact to the host and verify digest and signature before anything reads it."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from ..._core.errors import Absent, ArtifactError, NotFound
from ..._core.files import storage_errors
from ..._core.urls import redact_url
from .receive import USUAL, Bounds, receive

NAMESPACE = "mas.ops.artifact"
#: Bytes that stay free on the disk: the journal and the ledger must go on.
_LEFT = 4 << 20


@contextlib.contextmanager
def carried(archive: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The options of a call with the artifact that came along with it, in base64, as a file while it is needed."""
    # Only root reads it, and nothing of it is believed before its digest was checked.
    with tempfile.NamedTemporaryFile(prefix="mas-artifact-", suffix=".tar.gz") as stream:
        stream.write(base64.b64decode(archive))
        stream.flush()
        yield {**params, "artifact": stream.name}


def fetch(source: str, dest: str, sha256: str, bounds: Bounds = USUAL) -> None:
    """Copy ``source`` (a file of this host or an http(s) URL) to ``dest`` and check its digest.

    What does not match is removed again.

    :raises NotFound: the source is not there, or did not come in time
    :raises ArtifactError: its bytes are not the ones that were asked for, or too many
    :raises StorageError: the disk cannot hold it
    """
    digest = hashlib.sha256()
    with storage_errors(dest), _removed_on_error(dest), open(dest, "wb") as copy:
        os.fchmod(copy.fileno(), 0o600)
        room = _room(dest, bounds)

        def keep(chunk: bytes, total: int) -> None:
            if total > room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            digest.update(chunk)
            copy.write(chunk)

        total = receive(source, bounds, keep)
    with _removed_on_error(dest):
        if bounds.size is not None and total < bounds.size:
            raise NotFound(
                f"the artifact ended after {total} of {bounds.size} bytes",
                where=redact_url(source),
                fix="Run the same command again; if it happens again, compare the file in the store with the one that was "
                "built.",
            )
        if digest.hexdigest() != sha256:
            raise ArtifactError(
                f"the artifact's sha256 is {digest.hexdigest()}, not {sha256}",
                where=redact_url(source),
                fix="It was damaged or replaced on its way: compare the store with what was built, and build again.",
            )


def fetch_text(source: str, limit: int = 65536, seconds: float = 60.0) -> str | None:
    """A small file beside an artifact, or ``None`` when it is not there.

    :param limit: bytes that are read of it
    :raises NotFound: it is not known, because the store does not answer, or not in time
    """
    text = bytearray()
    try:
        receive(source, Bounds(seconds=seconds), lambda chunk, _total: text.extend(chunk), limit)
    except Absent:
        return None
    return text.decode("ascii", "replace")


def _room(dest: str, bounds: Bounds) -> int:
    """Bytes that may be written there.

    :raises OSError: less than the artifact is known to have
    """
    disk = os.statvfs(os.path.dirname(dest) or ".")
    room = max(0, disk.f_bavail * disk.f_frsize - _LEFT)
    if bounds.size is not None and bounds.size > room:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return room


def verify_signature(path: str, signature: str | None, signers: str) -> str:
    """Check the SSH signature of the file and return the principal that signed it.

    :param signature: the text of the ``.sig`` file
    :param signers: an allowed signers file, see ssh-keygen(1)
    :raises ArtifactError: no signature, or not one by an allowed signer over these bytes
    """
    principals = find_principals(signature, signers, path)
    with _signature_file(signature or "") as name:
        options = ("-f", signers, "-n", NAMESPACE, "-s", name)
        for principal in principals:
            if _keygen("verify", "-I", principal, *options, stdin=path).returncode == 0:
                return principal
    raise ArtifactError(
        "the signature does not match the artifact",
        where=os.path.basename(path),
        fix="The artifact or its .sig was replaced, or signed for another purpose: build and sign it again.",
    )


def find_principals(signature: str | None, signers: str, place: str) -> list[str]:
    """Whose key made a signature, which proves nothing of the bytes that it is for.

    :param place: of the artifact, for errors
    :raises ArtifactError: there is no signature, or its key is not allowed here
    """
    if not signature or not signature.strip():
        raise ArtifactError(
            "the artifact is not signed",
            where=os.path.basename(place),
            fix="Build it with signing_key, and put the .sig file beside it in the store.",
        )
    with _signature_file(signature) as name:
        found = _keygen("find-principals", "-s", name, "-f", signers)
    principals = [line.strip() for line in found.stdout.splitlines() if line.strip()]
    if found.returncode or not principals:
        raise ArtifactError(
            "the artifact is signed by a key that is not allowed here",
            where=signers,
            fix="Sign it with a key of this environment, or add the key to application_allowed_signers.",
        )
    return principals


@contextlib.contextmanager
def _signature_file(text: str) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".sig", encoding="ascii", errors="replace") as file:
        file.write(text)
        file.flush()
        yield file.name


def _keygen(action: str, *words: str, stdin: str = os.devnull) -> subprocess.CompletedProcess[str]:
    command = ["ssh-keygen", "-Y", action, *words]
    try:
        with open(stdin, "rb") as stream:
            return subprocess.run(
                command,
                stdin=stream,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=60,
                check=False,
            )
    except FileNotFoundError as error:
        raise NotFound(
            "ssh-keygen is not installed, so no signature can be verified",
            where="this host",
            fix="Install openssh-client.",
        ) from error


@contextlib.contextmanager
def _removed_on_error(path: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        raise
