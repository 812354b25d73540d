# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the user's own tasks. Each is read before any host is touched: a mistake that Ansible finds later ends the whole run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.helpers import load_list_of_blocks
from ansible.playbook.play import Play
from ansible.utils.display import Display

from ....module_utils._core.errors import BadInput
from ..fleet import gate_decision
from ..own_tasks import parse_own_tasks

_BLOCKS = ("block", "rescue", "always")
_KINDS = ("import_tasks", "import_role", "include_tasks", "include_role")
_PREFIXES = ("", "ansible.builtin.", "ansible.legacy.")
_ELSEWHERE = tuple(f"{prefix}{kind}" for prefix in _PREFIXES for kind in _KINDS)
_ROLES = tuple(f"{prefix}{kind}_role" for prefix in _PREFIXES for kind in ("import", "include"))
#: Keywords by which a task takes longer than the time limit of one attempt.
_ENDLESS = frozenset({"until", "retries", "async", "poll", "timeout"})
_FILES = tuple(f"{prefix}{kind}_tasks" for prefix in _PREFIXES for kind in ("import", "include"))


def checked_tasks(variables: Mapping[str, Any]) -> dict[str, str]:
    """The paths of ``deploy_tasks`` by point. A mistake in ``rollback_tasks`` is refused as well: a rollback must not find it.

    :param variables: of the host whose settings count
    :raises BadInput: a point that there is not, or a file that cannot be read as tasks
    """
    found, wrong = _read(variables, "deploy_tasks")
    wrong += _read(variables, "rollback_tasks")[1]
    if wrong:
        raise BadInput(
            "; ".join(wrong), where="the inventory or -e", fix="Correct it. docs/hooks.md shows an example."
        )
    return found


def rollback_tasks(hostvars: Any, hosts: Sequence[str], point: str) -> dict[str, Any]:
    """The hosts on which tasks of the user run before or after a rollback, and their file. No mistake stops a rollback.

    :returns: ``hosts`` and ``path``; a file of ``after`` that cannot be read has an empty path, and its play fails with that
    """
    nothing = {"hosts": [], "path": ""}
    if not hosts or hosts[0] not in hostvars:
        return nothing
    variable = "rollback_tasks"
    try:
        given = {variable: hostvars[hosts[0]].get(variable)}
        wanted = parse_own_tasks(given, variable)[0]
        found, wrong = _read(given, variable)
    except Exception as error:  # noqa: BLE001 - a template in the inventory can fail with anything
        wanted, found, wrong = {}, {}, [f"{variable} cannot be evaluated: {error}"]
    for text in wrong:
        Display().warning(
            f"{text}{'' if text.endswith(('.', '?')) else '.'} The rollback goes on without these tasks."
        )
    if point not in (wanted if point == "after" else found):
        return nothing
    left_out = gate_decision(hostvars, hosts).get("left_out") or ()
    return {"hosts": [name for name in hosts if name not in left_out], "path": found.get(point, "")}


def _read(variables: Mapping[str, Any], variable: str) -> tuple[dict[str, str], list[str]]:
    """As :func:`.own_tasks.parse_own_tasks` with absolute paths, without the files that cannot be read as tasks."""
    given, wrong = parse_own_tasks(variables, variable)
    found = {}
    for point, text in given.items():
        path = Path(text).absolute()
        # There may be no such user, and then there is no such file.
        with contextlib.suppress(RuntimeError):
            path = Path(text).expanduser().absolute()
        problem = _problem(path, strict=point == "before")
        if problem:
            wrong.append(f"{variable}.{point}: {problem}")
        else:
            found[point] = str(path)
    return found, wrong


def _problem(path: Path, strict: bool, seen: frozenset[Path] = frozenset()) -> str:
    """Also of the files that it includes by a name that is known here.

    :param strict: nothing in them may end the run or make it wait, as nothing else could be done then
    """
    if not path.is_file():
        return f"there is no file {path} on the controller"
    loader = DataLoader()
    try:
        tasks = loader.load_from_file(str(path))
        if not isinstance(tasks, list):
            return f"{path} must contain a list of tasks"
        load_list_of_blocks(_without_others(tasks), play=Play(), loader=loader)
    except (AnsibleError, OSError, ValueError, TypeError, AssertionError) as error:
        first = str(error).strip().partition("\n")[0].rstrip(".")
        # What is encrypted can be read by the run only.
        hidden = not strict and "vault" in first.lower() and _is_encrypted(path)
        return "" if hidden else f"{path} cannot be read as tasks: {first}"
    if wrong := next(_refused(tasks, strict), ""):
        return f"{path}: {wrong}"
    seen |= {path}
    included = (path.parent / name for name in _included(tasks) if "{{" not in name)
    return next(
        filter(
            None, (_problem(each, strict, seen) for each in included if each.is_file() and each not in seen)
        ),
        "",
    )


def _is_encrypted(path: Path) -> bool:
    text = path.read_text("utf-8", errors="replace")
    return text.startswith("$ANSIBLE_VAULT;") or "!vault" in text


def _refused(tasks: Sequence[Any], strict: bool) -> Iterator[str]:
    """What ends a run where neither the plays nor a rescue can prevent it."""
    for task in _each(tasks):
        name = task.get("name", "a task")
        if "notify" in task:
            yield f"{name!r} notifies a handler, and there are none here: call what it does as a task"
        if strict:
            yield from (f"{name!r} {what}" for what in _risks(task))


def _risks(task: Mapping[str, Any]) -> Iterator[str]:
    """Why a rollback that has this task before it could end with it, or wait for it."""
    for key in sorted(_ENDLESS.intersection(task)):
        yield f"has {key}: a rollback does not wait for it"
    for key in ("run_once", "throttle"):
        if "{{" in str(task.get(key, "")):
            yield f"has a template as {key}: a mistake in it would end the run"
    if any(f"{prefix}meta" in task for prefix in _PREFIXES):
        yield "is a meta task: it can end the run"
    if set(_ROLES).intersection(task) or any("{{" in each for each in _included([task])):
        yield "is a role, or a file whose name is not known before: it can hold what ends the run"


def _included(tasks: Sequence[Any]) -> Iterator[str]:
    """The files that they include."""
    for task in _each(tasks):
        for key in _FILES:
            value = task.get(key)
            name = value.get("file") if isinstance(value, Mapping) else value
            if isinstance(name, str):
                yield name


def _each(tasks: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    """Each task, also those in blocks, which come after their block."""
    for task in tasks:
        if isinstance(task, Mapping):
            yield task
            for key in _BLOCKS:
                if isinstance(task.get(key), list):
                    yield from _each(task[key])


def _without_others(tasks: list[Any]) -> list[Any]:
    """Which file or role an import means may depend on variables that are not known yet."""
    found = []
    for task in tasks:
        if not isinstance(task, Mapping):
            found.append(task)
        elif others := set(_ELSEWHERE).intersection(task):
            # Its keywords are read all the same.
            found.append({**{key: task[key] for key in task if key not in others}, "meta": "noop"})
        else:
            inner = {key: _without_others(task[key]) for key in _BLOCKS if isinstance(task.get(key), list)}
            found.append({**task, **inner})
    return found
