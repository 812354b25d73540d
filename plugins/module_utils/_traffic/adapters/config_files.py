# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy's files on this host: read them, let HAProxy check the new ones, and write."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
import stat
import subprocess
import tempfile
import time
from collections.abc import Container, Iterable, Mapping
from typing import Any

from ..._core.errors import BadInput, Refused
from ..._core.files import read_json, storage_errors, sync_folder, write_atomic, write_json
from ..._core.plan import Plan
from ..config import MAPS, MARK
from ..host_config import BOOT, FOLDER, HAPROXY, KEEP_OUT, MAIN, OPTIONS, SERVICE, SITES, Found, Held
from ..sites import Site
from . import keep_out
from .checked import PROGRAM, complaints

_DAMAGED = "Restore the file or run mas.ops.provision."


def installed() -> bool:
    return os.path.exists(PROGRAM)


def sites() -> list[Site]:
    """What earlier runs configured."""
    return [_site(path) for path in sorted(glob.glob(f"{SITES}/*.json"))]


def _site(path: str) -> Site:
    try:
        return Site.parse(read_json(path, _DAMAGED))
    except (AttributeError, KeyError, TypeError) as error:
        raise BadInput(
            f"what is known of an application is not usable: {error!r}",
            where=path,
            fix="Remove the file and provision that application again.",
        ) from error


def look(slots: Mapping[str, Mapping[str, Held]]) -> Found:
    """The files that are there, and whose they are."""
    known = glob.glob(f"{SITES}/*.json")
    paths = [
        *glob.glob(f"{FOLDER}/*.cfg"),
        *glob.glob(f"{MAPS}/*.map"),
        *glob.glob(BOOT.format("*")),
        *known,
        MAIN,
        OPTIONS,
        KEEP_OUT,
        SERVICE,
    ]
    files = {}
    for path in paths:
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as stream:
            files[path] = stream.read()
    return Found(files, _foreign(files), slots, _text(keep_out))


def _text(module: Any) -> str:
    """Of a module that was sent together with this one."""
    text: str = module.__spec__.loader.get_source(module.__name__)
    return text


def _foreign(files: Mapping[str, str]) -> list[str]:
    """The main files that are neither the role's nor as the distribution shipped them."""
    doubtful = [path for path in (MAIN, OPTIONS) if path in files and not files[path].startswith(MARK)]
    if not doubtful:
        return []
    try:
        done = subprocess.run(
            ["dpkg", "--verify", "haproxy"], capture_output=True, text=True, errors="replace", check=False
        )
    except OSError:
        return doubtful
    # It lists what differs, and fails where the package is not there.
    differing = {line.split()[-1] for line in done.stdout.splitlines() if line.split()}
    return [path for path in doubtful if path in differing or (done.returncode and not done.stdout)]


def same(path: str, text: str) -> bool:
    """Whether a file holds a text that only its owner may read, who runs this."""
    try:
        with open(path, "rb") as stream:
            found = os.fstat(stream.fileno())
            private = not stat.S_IMODE(found.st_mode) & 0o077 and found.st_uid == os.geteuid()
            return private and stream.read() == text.encode()
    except OSError:
        return False


def judge(files: Mapping[str, str], certificates: Iterable[str] = ()) -> None:
    """
    :param files: all that HAProxy would read, by path
    :param certificates: those of them that are certificates
    :raises Refused: it would not take them
    """
    named = "|".join(re.escape(path) for path in certificates)
    with tempfile.TemporaryDirectory(prefix="mas-haproxy-") as folder:

        def here(text: str) -> str:
            # The maps of a new application are not there yet, and neither is a new certificate.
            text = text.replace(f"({MAPS}/", f"({folder}{MAPS}/")
            return re.sub(rf" crt ({named})(?=\s)", rf" crt {folder}\1", text) if named else text

        # There are none of them where the only application is served no more.
        os.makedirs(folder + FOLDER)
        for path, text in files.items():
            copy = folder + path
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            with open(copy, "w", encoding="utf-8") as stream:
                stream.write(here(text) if path.endswith(".cfg") else text)
        said = complaints(folder + MAIN, folder + FOLDER).replace(folder, "")
    if said:
        raise Refused(
            f"HAProxy refuses the new configuration, and this host keeps the one it has: {said}",
            where=HAPROXY,
            fix="Correct the file that it names, where that is one of yours, or the variables of the role that these lines come from.",
        )


def apply(
    plan: Plan, files: Mapping[str, str], known: Iterable[Site], secret: Container[str] = ()
) -> list[str]:
    """Carry the plan out; the copies that were made of files that were not of this role.

    :param secret: the files that only root may read
    """
    kept = []
    for folder in (FOLDER, MAPS, SITES, os.path.dirname(SERVICE)):
        with storage_errors(folder):
            os.makedirs(folder, mode=0o755, exist_ok=True)
    # First what configuration refers to: HAProxy may be restarted by anybody at any moment.
    order = sorted(
        plan.steps,
        key=lambda step: (
            step.action != "keep",
            not (step.target.startswith(MAPS) or step.target in secret),
        ),
    )
    for step in order:
        if step.action == "keep":
            kept.append(_copy(step.target))
        elif step.action == "write":
            mode = 0o600 if step.target in secret else 0o644
            write_atomic(step.target, files[step.target].encode(), mode)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(step.target)
            sync_folder(os.path.dirname(step.target))
    for site in known:
        path = os.path.join(SITES, f"{site.name}.json")
        with contextlib.suppress(BadInput):
            if read_json(path, _DAMAGED) == json.loads(json.dumps(site.to_dict())):
                continue
        write_json(path, site.to_dict())
    return kept


def _copy(path: str) -> str:
    """A copy beside a file, which is not overwritten by the next one."""
    copy = f"{path}.{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}"
    with open(path, "rb") as stream:
        write_atomic(copy, stream.read(), mode=0o600)
    return copy
