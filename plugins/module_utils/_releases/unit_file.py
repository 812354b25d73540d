# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd's unit files: the one place where a value becomes text that systemd reads.

What each function returns was compared with what systemd 252 and 257 make of it, see ``tests/bench/rendering.py``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

from .._core.errors import BadInput

Section = tuple[str, Sequence[tuple[str, str]]]

#: systemd gives these a meaning of their own before a program ("+" even means: as root).
PREFIXES = "@-:+!|"
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_SET_WORD = re.compile(r"~?@?[A-Za-z0-9_:-]{1,64}")
#: No line break, no quote, no backslash: such a value can neither end its line nor go on in the next one.
_LIMIT = re.compile(r"[0-9A-Za-z/][0-9A-Za-z_%.:/, +-]{0,200}")
_FIX = "Correct it and run mas.ops.provision."

#: What application_limits may say: how much of the host a process may use, and nothing else of ``[Service]``.
LIMITS = frozenset(
    {
        *("CPUQuota", "CPUQuotaPeriodSec", "CPUWeight", "StartupCPUWeight", "CPUAffinity", "AllowedCPUs"),
        *("Nice", "CPUSchedulingPolicy", "CPUSchedulingPriority"),
        *("MemoryMin", "MemoryLow", "MemoryHigh", "MemoryMax", "MemorySwapMax", "TasksMax"),
        *("IOWeight", "StartupIOWeight", "IODeviceWeight", "IOSchedulingClass", "IOSchedulingPriority"),
        *("IOReadBandwidthMax", "IOWriteBandwidthMax", "IOReadIOPSMax", "IOWriteIOPSMax"),
        *("OOMScoreAdjust", "OOMPolicy", "ManagedOOMSwap", "ManagedOOMMemoryPressure"),
        *("LimitAS", "LimitCORE", "LimitCPU", "LimitDATA", "LimitFSIZE", "LimitLOCKS", "LimitMEMLOCK"),
        *("LimitMSGQUEUE", "LimitNICE", "LimitNOFILE", "LimitNPROC", "LimitRSS", "LimitRTPRIO"),
        *("LimitRTTIME", "LimitSIGPENDING", "LimitSTACK", "CPUAccounting", "IOAccounting"),
        *("MemoryAccounting", "TasksAccounting", "IPAccounting"),
    }
)


def render(sections: Iterable[Section], comment: str) -> str:
    """A unit file. Values are written as they are: each comes out of a function of this file, or is a word of ours."""
    blocks = [f"# {comment}\n"]
    for name, settings in sections:
        lines = "".join(f"{key}={value}\n" for key, value in settings)
        blocks.append(f"[{name}]\n{lines}")
    return "\n".join(blocks)


def exec_start(command: Sequence[str]) -> str:
    """One command for ``ExecStart=``: systemd runs exactly these words, none is a variable, a prefix or a separator.

    :raises BadInput: systemd cannot be given such a program
    """
    program, *rest = command
    _check_program(program)
    for word in rest:
        check_text(word, "an argument of a command")
    # The colon is systemd's own prefix for "no variables": then a dollar is a dollar. It also makes a lone ";" a name.
    return " ".join([_quoted(":" + program), *map(_quoted, rest)])


def paths(values: Iterable[str]) -> str:
    """A list of paths, as ``ReadWritePaths=`` has it."""
    return " ".join(_quoted(check_path(value, "a path")) for value in values)


def text(value: str) -> str:
    """A value that systemd takes as one text up to the end of its line, in which it knows specifiers only.

    :raises BadInput: the line would not hold it
    """
    check_text(value, "a setting")
    if value != value.strip(" \t") or "\\" in value:
        raise BadInput(
            f"{value!r} cannot be written to a unit file: no spaces around it, no backslash",
            where="",
            fix=_FIX,
        )
    return value.replace("%", "%%")


def path(value: str) -> str:
    """One path, as ``WorkingDirectory=`` has it."""
    return text(check_path(value, "a path"))


def account(value: str, field: str) -> str:
    """The name of a user or a group.

    :raises BadInput: it cannot be one
    """
    if not _ACCOUNT.fullmatch(value):
        raise BadInput(
            f"{field} must be the name of an account (small letters, digits, _ and -), not {value!r}",
            where=field,
            fix=_FIX,
        )
    return value


def names(values: Iterable[str], field: str) -> str:
    """A list of names that systemd knows, such as system calls or families of addresses.

    :raises BadInput: one cannot be such a name
    """
    found = list(values)
    for value in found:
        if not _SET_WORD.fullmatch(value):
            raise BadInput(f"{field} holds {value!r}, which is not a valid name", where=field, fix=_FIX)
    return " ".join(found)


def limits(values: Mapping[str, str], field: str) -> list[tuple[str, str]]:
    """The directives that bound what a process may use of the host.

    :raises BadInput: another directive than such a one, or a value of more than one line
    """
    for name, value in values.items():
        if name not in LIMITS:
            raise BadInput(
                f"{name} is not a resource limit",
                where=field,
                fix="There are " + ", ".join(sorted(LIMITS)) + ".",
            )
        if not _LIMIT.fullmatch(value):
            raise BadInput(f"{name} cannot be {value!r}: one line of plain text", where=field, fix=_FIX)
    return sorted(values.items())


def check_path(value: str, field: str) -> str:
    """An absolute path in its shortest form.

    :raises BadInput: it is none, or no unit file can hold it
    """
    check_text(value, field)
    short = value.startswith("/") and not value.startswith("//") and posixpath.normpath(value) == value
    if not short or any(char in "\\\"'" for char in value) or value == "/":
        raise BadInput(
            f"{field} must be an absolute path without quotes, backslashes and .., not {value!r}",
            where=field,
            fix=_FIX,
        )
    return value


def check_text(value: str, field: str) -> str:
    """
    :raises BadInput: control characters, or what is no character: systemd would ignore the line that holds one
    """
    if not writable(value):
        raise BadInput(f"{field} holds a character that no unit file can hold", where=field, fix=_FIX)
    return value


def writable(value: str) -> bool:
    """Whether each character can stand in a line of a unit file."""
    return all(map(_writable, map(ord, value)))


def runnable(program: str) -> bool:
    """Whether systemd can be given such a program."""
    name = program.rsplit("/", 1)[-1]
    sound = writable(program) and not any(char in "\\\"'" for char in program)
    return sound and name not in ("", ".", "..") and program[0] not in PREFIXES and program.strip() != ""


def _check_program(program: str) -> None:
    if not runnable(program):
        raise BadInput(
            f"systemd cannot run a program with the name {program!r}",
            where="command",
            fix=f"Name one without quotes and backslashes that does not begin with one of {PREFIXES}.",
        )


def _writable(code: int) -> bool:
    if code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000:
        return False
    return not (0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE)


def _quoted(word: str) -> str:
    """One word by systemd.syntax(7), with no specifier in it."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
