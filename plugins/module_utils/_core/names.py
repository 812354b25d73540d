# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be a name. It becomes part of paths, units and the proxy's configuration, so it is checked before it does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import BadInput

#: Of an application or a process, and what to say of one that is none.
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
NAME_WORDS = "a small letter, then at most 30 small letters, digits and dashes"
#: It goes into the proxy's configuration, hence no spaces, quotes, dollars or backslashes.
URL_PATH = re.compile(r"/[0-9A-Za-z._~%/?=&+,:@-]{0,255}")
URL_PATH_WORDS = 'a URL path that begins with "/"'
_EXCERPT = 60
#: Options that name a version.
_VERSIONS = ("version", "to_version", "from_version")


def excerpt(value: object) -> str:
    """A wrong value as an error shows it, which may be long."""
    text = repr(value)
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 3] + "..."


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known name that was probably meant; empty where none is alike.

    :param cutoff: from 0 to 1, how much alike it must be, as :func:`difflib.get_close_matches` measures it
    """
    from difflib import get_close_matches  # noqa: PLC0415 - for messages only, and hosts load this module in each call

    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=cutoff)), "")


def key_hint(key: str, known: Iterable[str]) -> str:
    """What a mapping may have instead of a key that it may not have."""
    names = sorted(known)
    near = nearest(key, names)
    return f"did you mean {near}?" if near else f"it may have {', '.join(names)}"


def check_application(value: object) -> str:
    """The name of an application.

    :raises BadInput: it cannot be one
    """
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise BadInput(
            f"no application can be named {value!r}: a name is {NAME_WORDS}",
            where="application",
            fix="Use the name of its group in the inventory.",
        )
    return str(value)


def check_options(params: Mapping[str, Any]) -> None:
    """The options of a module, before it makes a path of them. An application need not be named everywhere.

    :raises BadInput: one names what cannot be
    """
    if params.get("application"):
        check_application(params["application"])


def text(value: Any, option: str = "version") -> str:
    """A version, or another text that looks like a number; empty where nothing was said.

    YAML and JSON make a number of ``1.10``, and what was written cannot be read from it any more.

    :raises BadInput: it is no text
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        kinds = ((bool, "boolean"), ((int, float), "number"), (list, "list"))
        kind = next((word for types, word in kinds if isinstance(value, types)), type(value).__name__)
        raise BadInput(
            f"{option} is the {kind} {value!r} and must be a text: 1.10 without quotes is the number 1.1",
            where=option,
            fix=f'Write it in quotes, as in -e \'{{"{option}": "1.10"}}\', or as -e {option}=1.10.',
        )
    return str(value)


def check_given(given: Mapping[str, Any]) -> None:
    """The options of a task as they were given: Ansible makes a text of each number that is given for one.

    :raises BadInput: there is a number, a boolean or a list where a version belongs
    """
    for option in _VERSIONS:
        text(given.get(option), option)
