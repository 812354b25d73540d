"""Run something in a process that is killed at its n-th line of code, for every n."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

#: Where a death is interesting: the code that touches files.
_FILES = (
    "_ledger/adapters/file.py",
    "_ledger/adapters/rotation.py",
    "_ledger/adapters/flags.py",
    "_core/files.py",
)
_KILLED = 99


def kill_at(number: int, action: Callable[[], object]) -> bool:
    """Whether the process was killed: at line ``number`` of what it ran in the files above, counted from 1.

    It dies as by kill -9: no handler, no ``finally``, no buffer is flushed.
    """
    child = os.fork()
    if child == 0:
        _die_at(number)
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, _KILLED}, f"the action failed at line {number}"
    return code == _KILLED


def at_every_line(prepare: Callable[[], Callable[[], object]]) -> Iterator[int]:
    """Prepare afresh, kill at one line more, and let the caller look, until nothing is left to be killed."""
    number = 1
    while kill_at(number, prepare()):
        yield number
        number += 1


def _die_at(number: int) -> None:
    left = number

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(_FILES):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os._exit(_KILLED)
        return trace

    sys.settrace(trace)
