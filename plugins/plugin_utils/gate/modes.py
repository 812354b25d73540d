# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which checks are on, advisory or off: by default for each kind of change, and as the variables say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._core.errors import BadInput
from .checks import model as of
from .checks.model import NAMES, Mode
from .values import mapping

DEPLOY = "deploy"
ROLLBACK = "rollback"

#: Made when a variable says where to ask, or how old is too old.
_CONFIGURED = {
    of.PROMOTION: "gate_promotion",
    of.ALERTS: "gate_alertmanager",
    of.ERROR_BUDGET: "gate_error_budget",
    of.BACKUP_AGE: "gate_backup",
    of.DRILL_AGE: "gate_drill",
}
_ALWAYS = (of.STOP, of.OVERRIDE, of.FREEZE, of.WINDOW)
_DEPLOY = (*_ALWAYS, of.ROOM, of.ARTIFACT, of.REACHABLE, of.LOCK, of.DISK, *_CONFIGURED)


def parse_modes(
    change: str, given: Mapping[str, Any], checks: Any = None
) -> tuple[dict[str, Mode], frozenset[str]]:
    """The mode of each check, and the checks that were named.

    :raises BadInput: a check or a mode that does not exist, or the stop is to stop nothing
    """
    variable = "gate_rollback_checks" if change == ROLLBACK else "gate_checks"
    named = {**_parsed(given.get(variable), variable), **_parsed(checks, "checks")}
    if change != ROLLBACK and named.get(of.STOP, Mode.ON) is not Mode.ON:
        raise BadInput(
            f"the check stop cannot be {named[of.STOP].value}: a stop holds for every change except a rollback",
            where=variable,
            fix="Leave it out. To let changes start again, remove the stop file and change_stop.",
        )
    modes = {**_defaults(change), **named}
    for name, source in _CONFIGURED.items():
        if not given.get(source) and name not in named:
            modes[name] = Mode.OFF
    return modes, frozenset(named)


def _defaults(change: str) -> dict[str, Mode]:
    if change == ROLLBACK:
        # A rollback is the way out of an outage: everything is checked and recorded, nothing stops it.
        return dict.fromkeys(NAMES, Mode.ADVISORY)
    names = _DEPLOY if change == DEPLOY else _ALWAYS
    reboot = {of.REBOOT: Mode.ADVISORY} if change == DEPLOY else {}
    return {**dict.fromkeys(NAMES, Mode.OFF), **dict.fromkeys(names, Mode.ON), **reboot}


def lowered(change: str, modes: Mapping[str, Mode], named: Iterable[str]) -> dict[str, str]:
    """The checks that would stop a change by default and were made advisory or off, with their mode, for the ledger."""
    usual = _defaults(change)
    return {
        name: modes[name].value for name in named if usual[name] is Mode.ON and modes[name] is not Mode.ON
    }


def _parsed(value: Any, where: str) -> dict[str, Mode]:
    return {name: _mode(mode, f"{where} {name}") for name, mode in mapping(value, where, NAMES).items()}


def _mode(value: Any, where: str) -> Mode:
    # YAML reads a bare on or off as a boolean.
    if isinstance(value, bool):
        return Mode.ON if value else Mode.OFF
    try:
        return Mode(str(value))
    except ValueError as error:
        raise BadInput(
            f"{value!r} is not one of on, off, advisory", where=where, fix="Choose one of them."
        ) from error
