# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the command line and the variables of this run let a playbook of the collection do all of its work, on all hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible import context
from ansible.module_utils.common.parameters import DEFAULT_TYPE_VALIDATORS
from ansible.module_utils.common.validation import check_type_bool
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from ...module_utils._core.errors import BadInput, NotFound, Refused
from ..variables.adapters.files import catalogue
from ..variables.check import Given, check_run
from ..variables.own import refuse_own

_COLLECTION = "mas.ops."
_PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
_LISTS = ("listhosts", "listtags", "listtasks", "syntax")


def refuse_parts() -> None:
    """Ansible ends with success where it left tasks out, and a change that was made in part must not look like it.

    Only where a playbook of this collection is run itself: in a playbook of the user, tags say what was meant.

    :raises BadInput: tasks would be left out, or what they find out would count for nothing
    """
    given = context.CLIARGS
    refuse_own(extra_variables())
    if any(given.get(name) for name in _LISTS) or not any(map(_is_ours, given.get("args") or ())):
        return
    option = _leaves_out(given)
    if option:
        raise BadInput(
            f"{option} leaves out tasks of this playbook, and Ansible would end with success",
            where="the command line, or the tags of the job template",
            fix="Run it without that option. Completed steps are not repeated.",
        )


def extra_variables() -> Mapping[str, Any]:
    """Those of this run. Ansible keeps what it read of them."""
    found: Mapping[str, Any] = load_extra_vars(DataLoader())
    return found


def refuse_wrong(playbook: str, play: Iterable[str]) -> None:
    """Refuse variables that the playbook cannot work with, and warn of those that it does not read.

    :param playbook: without the name of the collection
    :param play: names of the variables that the play sees
    :raises BadInput: see :func:`.check.check_run`
    """
    if any(context.CLIARGS.get(name) for name in _LISTS):
        return
    known = catalogue()
    given = Given(extra_variables(), frozenset(play))
    for warning in check_run(known, known.playbooks[playbook], given, convert):
        Display().warning(warning)


def convert(value: Any, kind: str) -> Any:
    """A value as a type of Ansible's argument specs; raises TypeError where it cannot be."""
    return DEFAULT_TYPE_VALIDATORS[kind](value)


def only_syntax() -> bool:
    """Whether this is a syntax check, which may have no inventory."""
    return bool(context.CLIARGS.get("syntax"))


def _is_ours(playbook: str) -> bool:
    return str(playbook).startswith(_COLLECTION) or Path(playbook).resolve().parent == _PLAYBOOKS


def _leaves_out(given: Mapping[str, Any]) -> str:
    """The option, as it was written; nothing where all tasks run. No task of this collection's playbooks has a tag."""
    if given.get("start_at_task"):
        return f"--start-at-task {given['start_at_task']!r}"
    tags, skipped = _names(given.get("tags")), _names(given.get("skip_tags"))
    task = Task()
    if not task.evaluate_tags(tags, [], {}):
        return f"--tags {','.join(tags)}"
    return "" if task.evaluate_tags(tags, skipped, {}) else f"--skip-tags {','.join(skipped)}"


def _names(tags: Iterable[Any] | None) -> list[str]:
    return [str(tag) for tag in tags or ()]


def _may_split(variables: Mapping[str, Any]) -> bool:
    """Leaving a version is a way back, and a dry run splits nothing."""
    said = (variables.get(name) for name in ("deploy_partial", "deploy_abort"))
    return bool(context.CLIARGS.get("check")) or any(
        check_type_bool(value) for value in said if value not in (None, "")
    )


def check_limit(variables: Mapping[str, Any], application: str, playbook: str) -> None:
    """Warn of hosts of the application that --limit leaves out, because no task sees them; a deploy needs leave for it.

    :param variables: of the play, which know ``groups`` and the hosts that it can reach
    :raises NotFound: it leaves out all of them, where Ansible would do nothing and end with success
    :raises Refused: a deploy would leave the fleet on two versions, and was not allowed to
    """
    limit, within = context.CLIARGS.get("subset"), variables.get("ansible_play_hosts_all")
    if not limit or within is None:
        return
    hosts: Sequence[str] = variables["groups"][application]
    left_out = [name for name in hosts if name not in set(within)]
    if hosts and len(left_out) == len(hosts):
        raise NotFound(
            f"--limit {limit} leaves out all hosts of {application}",
            where=f"the group {application!r}: {', '.join(hosts)}",
            fix="Name some of them with --limit, or run it without.",
        )
    if left_out and playbook == "deploy" and not _may_split(variables):
        raise Refused(
            f"--limit {limit} leaves out {len(left_out)} of {len(hosts)} hosts of {application}, which keep what "
            "they serve",
            where=f"left out: {', '.join(left_out)}",
            fix="Run it without --limit, or say that the fleet may serve two versions: -e deploy_partial=true.",
        )
    if left_out:
        Display().warning(
            f"--limit {limit} leaves out {len(left_out)} of {len(hosts)} hosts of {application}, which stay as they are: "
            f"{', '.join(left_out)}. The same command without --limit brings them along."
        )
