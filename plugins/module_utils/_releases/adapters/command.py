# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls of the installed code. What is imported here and by :mod:`.call` is paid for in each phase, on each host."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..._core.errors import OpsError

if TYPE_CHECKING:
    from ..._core.outcome import Outcome
    from ..layout import Layout


def main(call: str, words: Sequence[str]) -> int:
    """
    :param call: ``release`` or ``info``: one call, options on the standard input and result on the standard output, both
        JSON. ``auto-rollback APPLICATION``: wait for the confirmation of a release, or take the host back.
        ``slot-up``, ``slot-out`` and ``slot-down APPLICATION SLOT``: the web process of a slot was started, is about to
        be stopped, or has ended.
    :returns: an exit status
    """
    if call == "auto-rollback":
        from . import auto_rollback  # noqa: PLC0415 - the other calls are the ones that have to be quick

        gc.enable()
        return auto_rollback.watch(*words)
    if call in ("slot-up", "slot-out", "slot-down"):
        # A unit waits for it: it must not load what a phase of a release needs.
        from . import slot_hooks  # noqa: PLC0415

        hooks = {"slot-up": slot_hooks.up, "slot-out": slot_hooks.out, "slot-down": slot_hooks.down}
        return hooks[call](*words)
    answer = make(call, sys.stdin.buffer.read())
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(answer)
        sys.stdout.flush()
    return 0


def make(call: str, text: bytes) -> bytes:
    """Make the call ``release`` or ``info``.

    :param text: JSON with ``params`` and ``check_mode``, and maybe ``archive``: an artifact in base64, which then needs
        no connection of its own
    :returns: the result of the module as a line of JSON
    """
    request = json.loads(text)
    with _carried(request) as params:
        return (json.dumps(_answer(call, params, bool(request["check_mode"]))) + "\n").encode()


def release_as_module(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """:func:`.call.release` for code that was sent as a module: it is installed for the next call and the automatic rollback."""

    def leave(layout: Layout) -> None:
        from .installed_code import install  # noqa: PLC0415 - not in check mode

        # A way back must not fail because of a disk that has no room for what only makes it quicker.
        needed = params["state"] in ("staged", "live")
        with contextlib.nullcontext() if needed else contextlib.suppress(OpsError):
            install(layout.code, params["code_digest"])

    from . import call as calls  # noqa: PLC0415 - see main()

    return calls.release(params, check_mode, leave if params["code_digest"] and not check_mode else None)


def _carried(request: dict[str, Any]) -> contextlib.AbstractContextManager[dict[str, Any]]:
    """The options, with the artifact that came along as a file while it is needed."""
    if not request.get("archive"):
        return contextlib.nullcontext(request["params"])
    from .fetch import carried  # noqa: PLC0415 - only one phase of a release brings an artifact

    return carried(request["archive"], request["params"])


def _answer(call: str, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    from ..._core.outcome import error_result  # noqa: PLC0415 - see main()
    from . import call as calls  # noqa: PLC0415

    try:
        if call == "info":
            return {"changed": False, **calls.info(params)}
        return calls.release(params, check_mode).to_result()
    except OpsError as error:
        return {"failed": True, "changed": False, **error_result(error)}
