# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code of this package as it stays on a host.

The dead-man's switch needs it there when nobody is left to send it. And a phase that finds it there starts in a
third of the time that a module takes to be sent, unpacked and compiled.

It is a folder that Python runs, named after a digest of the collection's code, so that it is never an old one. What
is imported here and by :mod:`.call` is paid for in each phase, on each host.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
from typing import Any

from ..._core.errors import OpsError
from ..._core.outcome import error_result

#: A link beside the folders, for units that cannot know the digest.
CURRENT = "current"


def at_home(residence: str, digest: str) -> bool:
    """Whether the code of this digest is in ``residence`` and is the one that units run."""
    place = os.path.join(residence, digest)
    return os.path.isdir(place) and os.path.realpath(os.path.join(residence, CURRENT)) == place


def main() -> int:
    """``release`` or ``info``: one call, options on the standard input and result on the standard output, both JSON.
    ``dead-man APPLICATION``: wait for the confirmation of a release, or take the host back.

    The options may hold ``archive``, an artifact in base64, which then needs no connection of its own.

    :returns: an exit status; 2 stays Python's own word for "there is no such folder"
    """
    if sys.argv[1] == "dead-man":
        gc.enable()
        from . import dead_man  # noqa: PLC0415 - the other call is the one that has to be quick

        return dead_man.watch(sys.argv[2])
    asked = json.load(sys.stdin)
    with _carried(asked) as params:
        result = _answer(sys.argv[1], params, bool(asked["check_mode"]))
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
    return 0


def _carried(asked: dict[str, Any]) -> contextlib.AbstractContextManager[dict[str, Any]]:
    """The options, with the artifact that came along as a file while it is needed."""
    if not asked.get("archive"):
        return contextlib.nullcontext(asked["params"])
    from .fetch import carried  # noqa: PLC0415 - only one phase of a release brings an artifact

    return carried(asked["archive"], asked["params"])


def _answer(call: str, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    from .call import info, release  # noqa: PLC0415 - it imports this file

    try:
        if call == "info":
            return {"changed": False, **info(params)}
        return release(params, check_mode).to_result()
    except OpsError as error:
        return {"failed": True, "changed": False, **error_result(error)}
