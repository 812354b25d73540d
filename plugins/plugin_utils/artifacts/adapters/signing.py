# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SSH signatures: what ssh-keygen does, without ever asking for a passphrase."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ....module_utils._core.errors import ArtifactError, NotFound
from ....module_utils._releases.adapters.fetch import NAMESPACE

_TIMEOUT = 600
_FIX = "Give a key without a passphrase, or the public key of one that ssh-agent holds."


def sign(path: Path, key: Path) -> str:
    """The detached signature of a file.

    :param key: a private key, or a public key whose private half is in ssh-agent. Only its path is
        on the command line.
    """
    if not key.is_file():
        raise NotFound("there is no such signing key", where=str(key), fix="Make one: ssh-keygen -t ed25519.")
    with path.open("rb") as stream:
        done = _run(["-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE], stream.fileno())
    if done.returncode or not done.stdout.startswith("-----BEGIN SSH SIGNATURE-----"):
        reason = done.stderr.strip().splitlines()[-1:] or ["no signature came back"]
        raise ArtifactError(f"ssh-keygen could not sign: {reason[0]}", where=str(key), fix=_FIX)
    return done.stdout


def belongs(path: Path, signature: Path) -> bool:
    """Whether the signature is one over these bytes, by whomever."""
    with path.open("rb") as stream:
        done = _run(["-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature)], stream.fileno())
    return done.returncode == 0


def _run(arguments: list[str], stdin: int) -> subprocess.CompletedProcess[str]:
    """A session of its own has no terminal, so a passphrase cannot be asked for: it fails instead of hanging."""
    environment = {**os.environ, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments],
            stdin=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
            env=environment,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise NotFound(
            "ssh-keygen is not installed", where="the controller", fix="Install openssh-client."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ArtifactError(f"ssh-keygen did not end within {_TIMEOUT} seconds", fix=_FIX) from error
