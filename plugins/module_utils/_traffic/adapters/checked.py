# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy's own check of its configuration."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Collection

from ..._core.errors import StorageError
from ..._core.files import read_regular, write_json

PROGRAM = "/usr/sbin/haproxy"
#: It takes some hundredths of a second. What waits for it holds the lock of the host.
_SECONDS = 30.0
#: What was found to be sound, until the next boot.
REMEMBERED = "/run/mas-ops-proxy.json"
#: Seconds after which HAProxy checks again although no file has changed. The configuration does not name every file that
#: HAProxy reads, and accounts and host names change without a file.
_FRESH = 60.0
#: What may be a path in a configuration. One too many costs a look at nothing.
_PATH = re.compile(r"/[^\s\"'(),;=]+")
#: The words of a configuration: in quotes, a character that is escaped, a comment, or any other.
_WORD = re.compile(r"""\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|\\.|#[^\n]*|[^\s\"'\\#]+""")
#: Words for files that name others, or beside which HAProxy looks for more.
_LEADS = re.compile(r"(?:crt|ca|crl|lua)-|crt$|default-path$")


def complaints(main: str, folder: str, seconds: float = _SECONDS) -> str:
    """Why HAProxy would not start with a main file and a folder of further ones; empty when it would."""
    # What preloads itself into this program is not loaded by HAProxy when systemd starts it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LD_")}
    command = [PROGRAM, "-c", "-f", main, "-f", folder]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)} did not end within {seconds:g} s, so the result is not known"
    except OSError as error:
        return f"{PROGRAM} cannot be run: {error.strerror}"
    alerts = [line for line in done.stderr.splitlines() if "ALERT" in line] or [done.stderr.strip()]
    return "; ".join(alerts) if done.returncode else ""


def complaints_again(main: str, folder: str, besides: Collection[str] = ()) -> str:
    """:func:`complaints`, without asking HAProxy when it found nothing a moment ago and no file has changed since.

    Two phases of one deploy ask within seconds.

    :param besides: names in ``folder`` of files that may have changed all the same
    """
    # Before the answer: what changes meanwhile is seen the next time.
    files = _files(main, folder, besides)
    if files and _remembers(files):
        return ""
    found = complaints(main, folder)
    # If the result cannot be stored, HAProxy checks each time.
    with contextlib.suppress(OSError, StorageError):
        if found or not files:
            os.unlink(REMEMBERED)
        else:
            write_json(REMEMBERED, {"files": files, "at": time.monotonic()}, 0o600)
    return found


def _remembers(files: str) -> bool:
    try:
        kept = json.loads(read_regular(REMEMBERED))
        return bool(kept["files"] == files and 0 <= time.monotonic() - kept["at"] < _FRESH)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _files(main: str, folder: str, besides: Collection[str]) -> str:
    """A digest of the state of the files that HAProxy reads; empty where it is not known which they are.

    No program can set the time of the last change of an inode, which any change makes a new one.
    """
    own = {os.path.join(folder, name) for name in besides}
    read = {main, *_in(folder)} - own
    texts = [_text(path) for path in read]
    if not all(map(_names_all, texts)):
        return ""
    named = {path for text in texts for path in _PATH.findall(text)} - {folder}
    within = {inner for path in named for inner in _in(path)} - own
    lines = [f"{path} {_identity(path)}" for path in sorted(read | named | within | {PROGRAM})]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def _names_all(text: str) -> bool:
    """Whether the configuration names in full all files that HAProxy reads for it."""
    for word in _WORD.findall(text):
        if word[0] == "#":
            continue
        spaced = any(map(str.isspace, word))
        if _LEADS.match(word) or (spaced and word[0] == "\\") or ("/" in word and ("$" in word or spaced)):
            return False
    return True


def _text(path: str) -> str:
    try:
        return read_regular(path).decode(errors="surrogateescape")
    except OSError:
        return ""


def _in(folder: str) -> list[str]:
    """What is in it, when it is a folder."""
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return []


def _identity(path: str) -> str:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return "-"
    return f"{found.st_dev} {found.st_ino} {found.st_mode} {found.st_uid} {found.st_size} {found.st_ctime_ns}"
