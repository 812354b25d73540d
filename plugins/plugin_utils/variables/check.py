# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the variables of a run, by their names and types. Values in the inventory are parsed where they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import BadInput
from ...module_utils._core.names import nearest
from .catalogue import Catalogue, Playbook, Variable
from .definition import PREFIX, keys, missing, variable_of, wrong_keys
from .own import OF_THE_INVENTORY, OWN
from .renamed import DISTINCT, GONE, HANDED_ON, new_name

#: Where users list variables of their own whose names begin as those of this collection do.
FOREIGN = "mas_foreign_variables"
#: What would take a rollback somewhere else than whoever runs it expects.
_MISLEADING = frozenset({"rollback_version", "rollback_to_time"})
_RUN = "the extra variables, or vars of the import"
_KINDS = {
    "bool": "true or false",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "a text",
}

#: Settings that may be empty: they only allow something, or the gate refuses them whatever they are.
_MAY_BE_EMPTY = frozenset({"change_override", "change_force_unlock", *OF_THE_INVENTORY})
_EMPTY = "an empty extra variable hides what the inventory says, leave it out (in AWX: give the question a default)"

#: Names that a rollback does not pass over: whoever wrote one meant to say where it goes.
_STEERING = ("rollback_",)

#: Converts a value to a type of Ansible's argument specs, or raises TypeError or ValueError.
Convert = Callable[[Any, str], Any]


@dataclass(frozen=True)
class Problem:
    """Something wrong with the variable ``name``; ``about`` is the one that was meant, as far as that is known."""

    name: str
    about: str
    text: str


@dataclass(frozen=True)
class Given:
    """The variables of a run.

    :ivar extra: extra variables with their values
    :ivar other: names of the variables of the play, which an import has from its ``vars``
    """

    extra: Mapping[str, Any]
    other: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """All that was given, and is not an empty answer of a survey."""
        return self.other - set(self.extra) | {
            name for name, value in self.extra.items() if value not in (None, "")
        }


def check_run(catalogue: Catalogue, playbook: Playbook, given: Given, convert: Convert) -> list[str]:
    """Check what a run was given before any host is known.

    Of a rollback, and of a deploy that is aborted, only a mistake about the variables that say where it goes is an error: all
    else is a warning, because no mistake about a window or a canary must keep a fleet from going back.

    :returns: warnings, also of what the run was given and the playbook does not read
    :raises BadInput: a name that is not known, or one of earlier days; a value of the wrong type; one missing
    """
    found = [
        *_renamed(given, playbook),
        *_strangers(given, catalogue),
        *_misspelt(given, catalogue),
        *_values(playbook, given.extra, convert),
        *_missing(playbook, given),
        *_both(playbook, given),
    ]
    goes_back = _goes_back(playbook, given, convert)
    steering = {one.name for one in playbook.variables if one.run}
    # Such as rollback_tasks.
    harmless = {one.name for one in playbook.variables if not one.run}
    wrong = [
        one.text
        for one in found
        if not goes_back
        or one.about in steering
        or (one.name.startswith(_STEERING) and one.about not in harmless)
    ]
    if wrong:
        raise BadInput(
            "; ".join(wrong), where=_RUN, fix=f"docs/variables.md lists what mas.ops.{playbook.name} reads."
        )
    read = {variable.name for variable in playbook.variables}
    known = catalogue.by_name
    unread = sorted(name for name in given.extra if name in known and known[name].run and name not in read)
    return [
        *(f"{one.text}." for one in found),
        *(f"{name} was given, and mas.ops.{playbook.name} does not read it." for name in unread),
    ]


def _goes_back(playbook: Playbook, given: Given, convert: Convert) -> bool:
    if playbook.name == "gate":
        return given.extra.get("gate_change") == "rollback"
    if playbook.name != "deploy":
        return playbook.name.startswith("rollback")
    try:
        return bool(convert(given.extra.get("deploy_abort") or False, "bool"))
    except TypeError:
        # Neither true nor false, which is an error of its own.
        return False


def check_inventory(
    catalogue: Catalogue,
    hosts: Mapping[str, Mapping[str, Any]],
    extra: Mapping[str, Any],
    is_rollback: bool = False,
    application: str = "",
    defined: bool = False,
) -> list[str]:
    """Check the names of the variables that hosts have from their inventory.

    :param hosts: the variables of each host, whose values may be templates
    :param extra: extra variables, which hosts have as well; what they may be was checked
    :param is_rollback: whether only what would mislead a rollback is an error; all else is a warning then
    :param application: whose definition is checked
    :param defined: whether each host must have it
    :returns: warnings
    :raises BadInput: a name is not known, has another name today, or is of a variable that belongs to a run
    """
    found = {
        **_wrong_names(catalogue, hosts, extra),
        **_wrong_definitions(catalogue, hosts, application),
        **(_without_definition(hosts, application) if defined and application else {}),
    }
    barring = [text for name, text in found.items() if not is_rollback or name in _MISLEADING]
    if barring:
        raise BadInput(
            "; ".join(barring),
            where="the inventory",
            fix="Correct it there. docs/variables.md lists all variables.",
        )
    return [f"the inventory: {text}." for text in found.values()]


def _wrong_names(
    catalogue: Catalogue, hosts: Mapping[str, Mapping[str, Any]], extra: Mapping[str, Any]
) -> dict[str, str]:
    """What is wrong with a name, with the hosts that have it."""
    runs = {one.name for one in catalogue.by_name.values() if one.run} - catalogue.of_roles
    runs |= _of_the_role(catalogue)
    found: dict[str, list[str]] = {}
    for host, variables in hosts.items():
        own = [name for name in variables if name not in extra]
        for name in (
            *_strange(own, catalogue, variables),
            *(each for each in own if each in DISTINCT or each in GONE or each in runs),
        ):
            found.setdefault(name, []).append(host)
    return {name: f"{_about(name, catalogue, runs)} (of {_some(hosts)})" for name, hosts in found.items()}


def _of_the_role(catalogue: Catalogue) -> set[str]:
    """Variables of the role ``application``, which the playbooks take from the definition of the application."""
    of_role = {one.name for one in catalogue.roles["application"] if one.name.startswith("application_")}
    return of_role - {"application_name"} | {"application_artifacts"}


def _wrong_definitions(
    catalogue: Catalogue, hosts: Mapping[str, Mapping[str, Any]], application: str
) -> dict[str, str]:
    """What is wrong with the definition of an application, with the hosts that have it so."""
    if not application:
        return {}
    name, known, found = variable_of(application), keys(catalogue), dict[str, list[str]]()
    for host, variables in hosts.items():
        if variables.get(name) is not None:
            for wrong in wrong_keys(variables[name], known, name):
                found.setdefault(wrong, []).append(host)
    return {wrong: f"{wrong} (of {_some(hosts)})" for wrong, hosts in found.items()}


def _without_definition(hosts: Mapping[str, Mapping[str, Any]], application: str) -> dict[str, str]:
    without, text = missing(application, hosts)
    return {variable_of(application): f"{text} (on {_some(without)})"} if without else {}


def _about(name: str, catalogue: Catalogue, runs: set[str]) -> str:
    if name in DISTINCT:
        return f"{name} is called {DISTINCT[name]}"
    if name in GONE:
        return f"{name} is read no more: {GONE[name]}"
    if name in _of_the_role(catalogue):
        key = name.removeprefix("application_")
        return f"{name} is for plays with the role alone: the playbooks read {key} of {PREFIX}<name>"
    if name in runs:
        return f"{name} belongs to one run: say it with -e {name}=..., or -e {name}= to go on without"
    return _unknown(name, catalogue)


def _strange(names: Iterable[str], catalogue: Catalogue, variables: Mapping[str, Any]) -> list[str]:
    """Names that begin as those of the collection do, and are none of them."""
    known = catalogue.names | OWN | _foreign(variables) | frozenset({*DISTINCT, *GONE}) | HANDED_ON
    ours = (name for name in names if name.startswith(catalogue.prefixes) and not name.startswith(PREFIX))
    return sorted(name for name in ours if name not in known)


def _foreign(variables: Mapping[str, Any]) -> frozenset[str]:
    listed = variables.get(FOREIGN) or ()
    return frozenset(map(str, listed if isinstance(listed, list | tuple) else ()))


def _nearest(name: str, catalogue: Catalogue) -> str:
    return nearest(name, catalogue.names, cutoff=0.75)


def _unknown(name: str, catalogue: Catalogue) -> str:
    near = _nearest(name, catalogue)
    hint = f"did you mean {near}?" if near else "there is no such variable."
    return f"{name} is not known: {hint} A variable of your own with such a name is listed in {FOREIGN}"


def _renamed(given: Given, playbook: Playbook) -> Iterator[Problem]:
    for name in sorted(given.extra):
        new = new_name(name, playbook.name)
        if new:
            yield Problem(name, new.partition("=")[0], f"{name} is called {new}")
        if name in GONE:
            yield Problem(name, name, f"{name} is read no more: {GONE[name]}")


def _strangers(given: Given, catalogue: Catalogue) -> Iterator[Problem]:
    for name in _strange(given.other.union(given.extra), catalogue, given.extra):
        yield Problem(name, _nearest(name, catalogue), _unknown(name, catalogue))


def _misspelt(given: Given, catalogue: Catalogue) -> Iterator[Problem]:
    """Extra variables that miss the first word of a name by a letter, so that they do not begin as those of the collection do."""
    for name in sorted(set(given.extra) - _foreign(given.extra)):
        first, *rest = name.split("_", 1)
        meant = (one for one in sorted(catalogue.names) if rest and one.split("_", 1)[1:] == rest)
        slip = next((one for one in meant if _is_slip(first, one.split("_", 1)[0])), "")
        if slip and name not in catalogue.names:
            yield Problem(name, slip, _unknown(name, catalogue))


def _is_slip(written: str, meant: str) -> bool:
    """Whether a word is another one with two letters exchanged, one too many, missing or wrong, or other capitals."""
    if written.lower() == meant or sorted(written) == sorted(meant):
        return written != meant
    return len(meant) > 4 and abs(len(written) - len(meant)) < 2 and bool(nearest(written, [meant], 0.8))


def _values(playbook: Playbook, extra: Mapping[str, Any], convert: Convert) -> Iterator[Problem]:
    for variable in playbook.variables:
        wrong = _value(variable, extra[variable.name], convert) if variable.name in extra else ""
        if wrong:
            yield Problem(variable.name, variable.name, wrong)


def _value(variable: Variable, value: Any, convert: Convert) -> str:
    """What is wrong with a value; a survey gives an empty text for a question without an answer."""
    if value is None or value == "":
        return "" if variable.run or variable.name in _MAY_BE_EMPTY else f"{variable.name} is empty: {_EMPTY}"
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        # Evaluated where it is read, and by then another word for the gate than for the deploy, for example.
        literal = variable.run and (variable.type == "bool" or variable.choices)
        return f"{variable.name} is a template: write the value itself" if literal else ""
    # A mapping or a list may hold secrets, such as the headers of a notification.
    private = variable.secret or variable.type in ("dict", "list") or isinstance(value, dict | list)
    said = f"{variable.name} is {'something else' if private else repr(value)}, and must be"
    if variable.type == "version":
        return "" if isinstance(value, str) else _number(variable.name, value)
    try:
        found = convert(value, variable.type)
    except (TypeError, ValueError):
        return f"{said} {_KINDS[variable.type]}"
    if variable.choices and found not in variable.choices:
        return f"{said} one of {', '.join(variable.choices)}"
    return ""


def _number(name: str, value: Any) -> str:
    return (
        f"{name} is {value!r} and must be a text, because 1.10 without quotes is the number 1.1: write -e {name}=1.10, "
        f'or quote it as in -e \'{{"{name}": "1.10"}}\''
    )


def _missing(playbook: Playbook, given: Given) -> Iterator[Problem]:
    for one in playbook.variables:
        if one.required and one.run and one.name not in given.names:
            yield Problem(one.name, one.name, f"{one.name} is missing: say -e {one.name}=...")


def _both(playbook: Playbook, given: Given) -> Iterator[Problem]:
    for one, other in playbook.exclusive:
        if given.names.issuperset((one, other)):
            yield Problem(one, one, f"{one} and {other} cannot both be given")


def _some(hosts: list[str]) -> str:
    more = f" and {len(hosts) - 3} more" if len(hosts) > 3 else ""
    return ", ".join(hosts[:3]) + more
