# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be a name. It becomes part of paths, units and the proxy's configuration, so it is checked before it does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .errors import BadInput

#: Of an application or a process, and what to say of one that is none.
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
NAME_WORDS = "a small letter, then at most 30 small letters, digits and dashes"


def check_application(value: object) -> str:
    """The name of an application.

    :raises BadInput: it cannot be one
    """
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise BadInput(
            f"no application can be named {value!r}: a name is {NAME_WORDS}",
            where="application",
            fix="Name it as its group is named.",
        )
    return str(value)


def check_options(params: Mapping[str, Any]) -> None:
    """The options of a module, before it makes a path of them. An application need not be named everywhere.

    :raises BadInput: one names what cannot be
    """
    if params.get("application"):
        check_application(params["application"])
