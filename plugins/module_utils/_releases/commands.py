# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands as people run them, in messages and in the ledger: each works as it stands in a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from .._ledger.history import version_of

#: What a message says of a playbook before it is known which inventory the run was given.
_PLAYBOOK = re.compile(r"ansible-playbook mas\.ops\.[a-z_]+\b(?! -i )")
_LONGEST = 1000


def command(playbook: str, inventory: Sequence[str] = (), *, limit: str = "", **variables: str) -> str:
    """The command line that runs a playbook of the collection.

    :param inventory: what ``-i`` said on the command line of the run, absolute; empty where that came from a
        configuration, which then says it again
    :param limit: the hosts, where a change had only some of those of the application; without it the command would change
        the others as well
    """
    if limit and playbook == "deploy":
        variables = {**variables, "deploy_partial": "true"}
    options = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    hosts = ["--limit", limit] if limit else []
    words = ["ansible-playbook", f"mas.ops.{playbook}", *_places(inventory), *hosts, *options]
    return " ".join(map(shlex.quote, words))


def located(text: str, inventory: Sequence[str]) -> str:
    """A message with the inventory in each command that it advises."""
    words = " ".join(map(shlex.quote, _places(inventory)))
    return _PLAYBOOK.sub(lambda found: f"{found[0]} {words}", text) if words else text


def rollback_command(
    application: str, release: str | None, inventory: Sequence[str] = (), limit: str = ""
) -> str:
    """The command that brings ``release`` back, or an empty string when there is nothing to go back to."""
    return (
        command("rollback", inventory, limit=limit, application_name=application, rollback_version=release)
        if release
        else ""
    )


def undone(
    action: str,
    application: str,
    before: str | None,
    after: str | None,
    inventory: Sequence[str] = (),
    limit: str = "",
) -> str:
    """The command that takes back a change of the ledger; empty if no command can.

    :param action: as the ledger calls it; no rollback goes to what was rolled back, only a deploy brings it again
    :param before: the release that was live; ``after`` is the one that is live now
    """
    if before is None or before == after:
        return ""
    if action == "rolled_back":
        version = version_of(before)
        return command("deploy", inventory, limit=limit, application_name=application, deploy_version=version)
    return rollback_command(application, before, inventory, limit)


def restored(application: str, release: str | None, inventory: Sequence[str] = (), limit: str = "") -> str:
    """The commands that bring an application back to hosts that it was removed from.

    :param release: what was live there; without one only the first command is needed
    """
    first = command("provision", inventory, limit=limit, application_name=application)
    if not release:
        return first
    version = version_of(release)
    then = command("deploy", inventory, limit=limit, application_name=application, deploy_version=version)
    return f"{first} && {then}"


def _places(inventory: Sequence[str]) -> list[str]:
    """Without what no command line can hold on one line."""
    fit = all(place.isprintable() and len(place) <= _LONGEST for place in inventory)
    return [word for place in inventory for word in ("-i", place)] if fit else []
