# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code of this package as it stays on a host.

The dead-man's switch needs it there when nobody is left to send it. And a phase that finds it there starts in a
third of the time that a module takes to be sent, unpacked and compiled.

It is a folder that Python runs, named after a digest of the collection's code, so that it is never an old one. What
is imported here and by :mod:`.call` is paid for in each phase, on each host on which no resident runs (:mod:`.serve`).
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


def main(call: str, text: bytes = b"") -> int:
    """
    :param call: ``release`` or ``info``: one call, options in ``text`` and result on the standard output, both JSON.
        ``dead-man``, with the application as the next word of the command: wait for the confirmation of a release, or
        take the host back. ``serve``: make calls for others.
    :returns: an exit status; 2 stays Python's own word for "there is no such file"
    """
    if call == "dead-man":
        from . import dead_man  # noqa: PLC0415 - the other calls are the ones that have to be quick

        gc.enable()
        return dead_man.watch(sys.argv[2])
    if call == "serve":
        from . import call as loaded  # noqa: F401, PLC0415 - each call finds it
        from . import move_in, serve, source  # noqa: F401, PLC0415

        # From where this very code was loaded: the link to it may have been moved meanwhile.
        return serve.serve(make, os.path.basename(sys.path[0]))
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(make(call, text))
        sys.stdout.flush()
    return 0


def make(call: str, text: bytes) -> bytes:
    """Make the call ``release`` or ``info``.

    :param text: JSON with ``params`` and ``check_mode``, and maybe ``archive``: an artifact in base64, which then needs
        no connection of its own
    :returns: the result of the module as a line of JSON
    """
    asked = json.loads(text)
    with _carried(asked) as params:
        return (json.dumps(_answer(call, params, bool(asked["check_mode"]))) + "\n").encode()


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
