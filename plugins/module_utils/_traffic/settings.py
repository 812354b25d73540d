# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of variables that HAProxy reads before its backends. Light: what a unit waits for loads it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_SETTING = re.compile(r"^\s*setenv\s+(\S+)\s+(\S+)\s*$", re.MULTILINE)
#: Whether a server takes part from the proxy's start on, in HAProxy's words.
IN, OUT = "enabled", "disabled"
#: A request with the one header is answered with the other: APPLICATION/SLOT, who answered it.
ASK_SERVER, SERVER = "X-Mas-Ask-Server", "X-Mas-Server"


def variable(application: str, *words: str) -> str:
    """The name by which the proxy's configuration reads a setting; of a slot alone, that is the slot's weight."""
    return "_".join(["MAS", application.replace("-", "_"), *words]).upper()


def render_settings(comment: str, settings: Mapping[str, object]) -> str:
    """The text of a file of variables, which the proxy reads before its backends."""
    lines = "".join(f"    setenv {name} {value}\n" for name, value in settings.items())
    return f"# Written by mas.ops{comment}\nglobal\n{lines}"


def parse_settings(text: str) -> dict[str, str]:
    """The variables of such a file by name."""
    return dict(_SETTING.findall(text))


def state_file(split_file: str, application: str, slot: str) -> str:
    """Where it is kept whether a slot takes part: a file for each slot, so that no two writers share one."""
    return os.path.join(os.path.dirname(split_file), f"10-{application}-{slot}-state.cfg")


def render_state(application: str, slot: str, state: str) -> str:
    """The text of that file."""
    comment = f": whether {slot} of {application} takes part when the proxy starts."
    return render_settings(comment, {variable(application, slot, "state"): state})


def parse_state(application: str, slot: str, text: str) -> str:
    """What such a file says. The proxy takes a slot in of which nothing is said."""
    return parse_settings(text).get(variable(application, slot, "state"), IN)
