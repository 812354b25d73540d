# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring an artifact onto the host and prove that it is the one that was meant, before anything reads it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

from ..._core.errors import ArtifactError, NotFound
from ..._core.files import storage_errors

NAMESPACE = "mas.ops.artifact"
_CHUNK = 1 << 20
#: All that a server, a network or a disk can do to a reader.
_BROKEN = (OSError, ValueError)


@contextlib.contextmanager
def carried(archive: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The options of a call with the artifact that came along with it, in base64, as a file while it is needed."""
    # Only root reads it, and nothing of it is believed before its digest was checked.
    with tempfile.NamedTemporaryFile(prefix="mas-artifact-", suffix=".tar.gz") as stream:
        stream.write(base64.b64decode(archive))
        stream.flush()
        yield {**params, "artifact": stream.name}


def fetch(source: str, dest: str, sha256: str) -> None:
    """Copy ``source`` (a file of this host or an http(s) URL) to ``dest`` and check its digest.

    What does not match is removed again.

    :raises NotFound: the source is not there
    :raises ArtifactError: its bytes are not the ones that were asked for
    """
    digest = hashlib.sha256()
    with contextlib.closing(_open(source)) as stream, storage_errors(dest), _removed_on_error(dest):
        with open(dest, "wb") as copy:
            while chunk := _read(stream, source, _CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        if digest.hexdigest() != sha256:
            raise ArtifactError(
                f"the artifact's sha256 is {digest.hexdigest()}, not {sha256}",
                where=shown(source),
                fix="It was damaged or replaced on its way: compare the store with what was built, and build again.",
            )


def fetch_text(source: str, limit: int = 65536) -> str | None:
    """A small file beside an artifact, or ``None`` when it is not there.

    :raises NotFound: nobody can tell, because the store does not answer
    """
    try:
        with contextlib.closing(_open(source)) as stream:
            return _read(stream, source, limit).decode("ascii", "replace")
    except Missing:
        return None


def shown(source: str) -> str:
    """A source without what may be secret in a URL: name, password, query."""
    return re.sub(r"^(https?://)[^/]*@", r"\1", source).partition("?")[0] if _is_url(source) else source


def verify_signature(path: str, signature: str | None, signers: str) -> str:
    """Check the SSH signature of the file and return the principal that signed it.

    :param signature: the text of the ``.sig`` file
    :param signers: an allowed signers file, see ssh-keygen(1)
    :raises ArtifactError: no signature, or not one by an allowed signer over these bytes
    """
    if not signature or not signature.strip():
        raise ArtifactError(
            "the artifact is not signed",
            where=os.path.basename(path),
            fix="Build it with signing_key, and put the .sig file beside it in the store.",
        )
    with tempfile.NamedTemporaryFile("w", suffix=".sig", encoding="ascii", errors="replace") as file:
        file.write(signature)
        file.flush()
        found = _keygen("find-principals", "-s", file.name, "-f", signers)
        principals = [line.strip() for line in found.stdout.splitlines() if line.strip()]
        if found.returncode or not principals:
            raise ArtifactError(
                "the artifact is signed by a key that is not allowed here",
                where=signers,
                fix="Sign it with a key of this environment, or add the key to application_allowed_signers.",
            )
        options = ("-f", signers, "-n", NAMESPACE, "-s", file.name)
        for principal in principals:
            if _keygen("verify", "-I", principal, *options, stdin=path).returncode == 0:
                return principal
    raise ArtifactError(
        "the signature does not belong to these bytes",
        where=os.path.basename(path),
        fix="The artifact or its .sig was replaced, or signed for another purpose: build and sign it again.",
    )


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


class Missing(NotFound):
    """The source is surely not there."""


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _open(source: str) -> IO[bytes]:
    missing = f"there is no {os.path.basename(shown(source))}"
    try:
        if not _is_url(source):
            return os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
        from .download import open_url  # noqa: PLC0415 - it loads the mail package and TLS, and most are files

        return open_url(source, missing)
    except FileNotFoundError as error:
        raise Missing(missing, where=source, fix="Build or publish this version first.") from error
    except _BROKEN as error:
        reason = getattr(error, "reason", error)
        raise NotFound(
            f"the artifact cannot be reached: {reason}",
            where=shown(source),
            fix="See that its store runs and try again.",
        ) from error


def _read(stream: IO[bytes], source: str, size: int) -> bytes:
    try:
        return stream.read(size)
    except _BROKEN as error:
        raise NotFound(
            f"reading the artifact failed: {error}", where=shown(source), fix="Run the same command again."
        ) from error


@contextlib.contextmanager
def _removed_on_error(path: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        raise
