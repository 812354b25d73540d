# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring an artifact onto the host and prove that it is the one that was meant, before anything reads it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import IO

from ..._core.errors import ArtifactError, NotFound
from ..._core.files import storage_errors

NAMESPACE = "mas.ops.artifact"
_TIMEOUT = 30.0
_CHUNK = 1 << 20
#: It follows redirects and the host's proxy settings, and knows http(s) only because the caller checks.
_BROWSER = urllib.request.build_opener()


def fetch(source: str, dest: str, sha256: str) -> None:
    """Copy ``source`` (a file of this host or an http(s) URL) to ``dest`` and check its digest.

    What does not match is removed again.

    :raises NotFound: the source is not there
    :raises ArtifactError: its bytes are not the ones that were asked for
    """
    digest = hashlib.sha256()
    with _open(source) as stream, storage_errors(dest), _removed_on_error(dest), open(dest, "wb") as copy:
        while chunk := _read(stream, source):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        if digest.hexdigest() != sha256:
            raise ArtifactError(
                f"the artifact's sha256 is {digest.hexdigest()}, not {sha256}",
                where=source,
                fix="It was damaged or replaced on its way: compare the store with what was built, and build again.",
            )


def fetch_text(source: str, limit: int = 65536) -> str | None:
    """A small file beside an artifact, or ``None`` when it is not there."""
    try:
        with _open(source) as stream:
            return stream.read(limit).decode("ascii", "replace")
    except NotFound:
        return None


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
        principal = (
            found.stdout.splitlines()[0].strip() if found.returncode == 0 and found.stdout.strip() else ""
        )
        if not principal:
            raise ArtifactError(
                "the artifact is signed by a key that is not allowed here",
                where=signers,
                fix="Sign it with a key of this environment, or add the key to application_allowed_signers.",
            )
        checked = _keygen(
            "verify", "-f", signers, "-I", principal, "-n", NAMESPACE, "-s", file.name, stdin=path
        )
    if checked.returncode:
        raise ArtifactError(
            "the signature does not belong to these bytes",
            where=os.path.basename(path),
            fix="The artifact or its .sig was replaced: build and sign it again.",
        )
    return principal


def _keygen(action: str, *words: str, stdin: str = os.devnull) -> subprocess.CompletedProcess[str]:
    command = ["ssh-keygen", "-Y", action, *words]
    try:
        with open(stdin, "rb") as stream:
            return subprocess.run(
                command, stdin=stream, capture_output=True, text=True, timeout=60, check=False
            )
    except FileNotFoundError as error:
        raise NotFound(
            "ssh-keygen is not installed, so no signature can be verified",
            where="this host",
            fix="Install openssh-client (mas.ops.provision does).",
        ) from error


@contextlib.contextmanager
def _open(source: str) -> Iterator[IO[bytes]]:
    missing = f"there is no {os.path.basename(source)}"
    try:
        if source.startswith(("http://", "https://")):
            with _BROWSER.open(source, timeout=_TIMEOUT) as stream:
                yield stream
        else:
            handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as stream:
                yield stream
    except urllib.error.HTTPError as error:
        raise NotFound(
            f"{missing}: HTTP {error.code}", where=source, fix="See that this version was published."
        ) from error
    except urllib.error.URLError as error:
        raise NotFound(
            f"the artifact store cannot be reached: {error.reason}",
            where=source,
            fix="See that it runs and try again.",
        ) from error
    except FileNotFoundError as error:
        raise NotFound(missing, where=source, fix="Build or publish this version first.") from error


def _read(stream: IO[bytes], source: str) -> bytes:
    try:
        return stream.read(_CHUNK)
    except (OSError, ValueError) as error:
        raise NotFound(
            f"reading the artifact failed: {error}", where=source, fix="Run the same command again."
        ) from error


@contextlib.contextmanager
def _removed_on_error(path: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        raise
