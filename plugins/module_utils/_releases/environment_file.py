# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files for ``EnvironmentFile=``: written so that a process gets each value letter by letter, and read as systemd does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._core.errors import BadInput

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Inside double quotes systemd reads a backslash before one of these, and only these, as an escape.
_SPECIAL = re.compile(r'(["$`\\])')
_ESCAPED = frozenset('"$`\\')
#: What makes a program load code or read and write files that another person chose: the dynamic loader, the C library and
#: OpenSSL obey these in each program, also in those that a unit runs as root when its process starts and ends. A program
#: with the rights of its file would ignore them all (``secure_getenv``).
OBEYED_BY_ALL = frozenset(
    {
        *("LD_AUDIT", "LD_DEBUG", "LD_DEBUG_OUTPUT", "LD_LIBRARY_PATH", "LD_ORIGIN_PATH", "LD_PRELOAD"),
        *("LD_PROFILE", "LD_PROFILE_OUTPUT", "GCONV_PATH", "GETCONF_DIR", "LOCPATH", "NLSPATH"),
        *("OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_ENGINES", "OPENSSL_MODULES", "RESOLV_HOST_CONF"),
    }
)
#: What glibc's loader reads begins like this, also what a later version adds.
_LOADER = "LD_"
_NEWLINE, _SPACE = "\n\r", " \t\n\r"


def refuse_obeyed(variables: Mapping[Any, Any]) -> None:
    """
    :raises BadInput: a variable that would reach more programs than the application's own
    """
    found = sorted(name for name in variables if is_obeyed(name))
    if found:
        raise BadInput(
            f"{', '.join(found)} cannot be in the environment of an application: commands that run as root beside its "
            "processes would use it as well",
            where="application_environment",
            fix=f"Set it in mas.yml for the one program that needs it: command: env {found[0]}=... PROGRAM",
        )


def is_obeyed(name: Any) -> bool:
    """Whether more programs than the application's own would obey a variable."""
    return name in OBEYED_BY_ALL or str(name).startswith(_LOADER)


def render(variables: Mapping[Any, Any]) -> str:
    """Lines sorted by name. Numbers are written as they are, booleans as ``true`` and ``false``.

    :raises BadInput: a name or a value that no process can be given; the message shows no value
    """
    return "\n".join(_line(name, variables[name]) for name in sorted(variables, key=str))


def parse(text: str) -> dict[str, str]:
    """What systemd makes of such a file, whoever wrote it: later lines win, odd names are left out."""
    return {name: value for name, value in _Reader(text).pairs() if _NAME.fullmatch(name)}


def _line(name: Any, value: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot name an environment variable: use letters, digits and _, and no digit first"
        )
    escaped = _SPECIAL.sub(r"\\\1", _value(name, value))
    return f'{name}="{escaped}"'


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise BadInput(f"the environment variable {name} needs a string, a number or a boolean")
    if not all(map(_fits, map(ord, value))):
        raise BadInput(
            f"the environment variable {name} holds a control character (such as NUL or a carriage return), "
            "and systemd would leave the variable out",
            where="application_environment",
            fix="Encode the value, with base64 for example, or remove the character.",
        )
    return str(value)


def _fits(code: int) -> bool:
    """systemd drops a variable without a word, or refuses the file, where this says no."""
    if code in (9, 10):
        return True
    if code < 32 or code == 127 or 0xD800 <= code < 0xE000:
        return False
    return not (0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE)


class _Reader:
    """The grammar of systemd's env-file.c, one rule a method."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def pairs(self) -> list[tuple[str, str]]:
        found = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in "#;":
                self._comment()
            elif char in _SPACE:
                self.at += 1
            else:
                name = self._name()
                if name is not None:
                    found.append((name, self._value()))
        return found

    def _comment(self) -> None:
        while self.at < len(self.text) and self.text[self.at] not in _NEWLINE:
            self.at += 2 if self.text[self.at] == "\\" else 1

    def _name(self) -> str | None:
        """``None`` for a line that assigns nothing."""
        begin = self.at
        while self.at < len(self.text) and self.text[self.at] not in "=" + _NEWLINE:
            self.at += 1
        name = self.text[begin : self.at].rstrip(_SPACE)
        assigns = self.text[self.at : self.at + 1] == "="
        self.at += 1
        return name if assigns else None

    def _value(self) -> str:
        parts: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in _NEWLINE:
                break
            if char in _SPACE:
                self.at += 1
            elif char in "'\"":
                parts.append(self._quoted(char))
            else:
                parts.append(self._plain())
                break
        return "".join(parts)

    def _quoted(self, quote: str) -> str:
        value = ""
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != quote:
            char = self.text[self.at]
            if char == "\\" and quote == '"':
                self.at += 1
                follows = self.text[self.at : self.at + 1]
                char = follows if follows in _ESCAPED else "" if follows == "\n" else "\\" + follows
            value += char
            self.at += 1
        self.at += 1
        return value

    def _plain(self) -> str:
        value, kept = "", 0
        while self.at < len(self.text) and self.text[self.at] not in _NEWLINE:
            char = self.text[self.at]
            if char == "\\":
                self.at += 1
                follows = self.text[self.at : self.at + 1]
                value += "" if follows in _NEWLINE else follows
                kept = len(value)
            else:
                value += char
                kept = kept if char in _SPACE else len(value)
            self.at += 1
        return value[:kept]
