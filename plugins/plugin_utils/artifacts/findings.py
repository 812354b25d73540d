# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Suspected secrets in a source, and the waivers for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ...module_utils._core.errors import Refused

_MOST_NAMED = 10
#: Code of others, which holds the keys of its own tests and much that looks like a token.
_DEPENDENCIES = frozenset({"node_modules", "site-packages", "dist-packages", "bower_components", "vendor"})

_NAMES = {
    ".envrc": "a file of environment variables",
    **dict.fromkeys(
        ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"), "an SSH private key"
    ),
    **dict.fromkeys(
        (".netrc", ".pgpass", ".git-credentials", ".htpasswd", ".vault_pass", ".vault_pass.txt"),
        "a file of passwords",
    ),
}
_SUFFIXES = {
    **dict.fromkeys((".p12", ".pfx", ".jks", ".keystore", ".ppk"), "a store of private keys"),
    ".kdbx": "a store of passwords",
}
_PATHS = {".aws/credentials": "AWS credentials", ".kube/config": "Kubernetes credentials"}
_EXAMPLES = (".example", ".sample", ".template", ".dist", ".defaults")


@dataclass(frozen=True, order=True)
class Finding:
    """One place that looks like a secret. Never the secret itself; line 0 is the whole file."""

    path: str
    line: int
    kind: str

    def __str__(self) -> str:
        place = f"{self.path} line {self.line}" if self.line else self.path
        return f"{place}: {self.kind}"


@dataclass(frozen=True)
class Waiver:
    """A file, or a folder with a slash at its end, in which nothing is a secret, and why."""

    path: str
    reason: str

    def covers(self, path: str) -> bool:
        return path.startswith(self.path) if self.path.endswith("/") else path == self.path


def is_dependency(path: str) -> bool:
    """Whether a file belongs to a package of others."""
    return not _DEPENDENCIES.isdisjoint(path.split("/")[:-1])


def by_name(path: str) -> str:
    """What the name alone says that a file is; empty when it says nothing."""
    name = PurePosixPath(path).name.lower()
    if name == ".env" or (name.startswith(".env.") and not name.endswith(_EXAMPLES)):
        return "a file of environment variables"
    ends = (kind for end, kind in _PATHS.items() if path == end or path.endswith(f"/{end}"))
    return _NAMES.get(name) or _SUFFIXES.get(PurePosixPath(name).suffix) or next(ends, "")


def judge(findings: Iterable[Finding], waivers: Sequence[Waiver], where: str) -> tuple[str, ...]:
    """Warnings about waivers that waive nothing any more.

    :raises Refused: something looks like a secret, and no waiver is about its file
    """
    found = sorted(set(findings))
    open_ones = [one for one in found if not any(waiver.covers(one.path) for waiver in waivers)]
    if open_ones:
        more = f"; and {len(open_ones) - _MOST_NAMED} more" if len(open_ones) > _MOST_NAMED else ""
        first_findings = "; ".join(map(str, open_ones[:_MOST_NAMED]))
        raise Refused(
            f"the artifact would hold what looks like a secret: {first_findings}{more}",
            where=where,
            fix="Take it out of the source and give it to hosts in application_environment, out of a vault, and replace a real"
            " secret that git or anyone else has seen. If it is none, add its path and a reason to secret_waivers"
            " in mas.yml.",
        )
    return tuple(
        f"secret_waivers in mas.yml names {waiver.path}, where nothing looks like a secret: remove it"
        for waiver in waivers
        if not any(waiver.covers(one.path) for one in found)
    )
