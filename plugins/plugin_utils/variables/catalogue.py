# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of the variables: the argument specs of playbooks and roles as data.

A spec is written as the argument specs of roles are, in playbooks/argument_specs/, with two more keys for a variable:
``run`` for what is said with each run and never in an inventory, and ``version`` as a type, for a text that looks like a
number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Variable:
    """One variable.

    :ivar type: as an argument spec of Ansible has it, or ``version``
    :ivar run: whether it is said with each run (``-e``, a survey, ``vars`` of the import) and never in an inventory
    :ivar default: what it is where nothing is set
    :ivar options: the keys of a mapping, or of each mapping in a list, where the spec names them
    """

    name: str
    description: tuple[str, ...]
    type: str = "str"
    elements: str | None = None
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    run: bool = False
    secret: bool = False
    options: tuple[Variable, ...] = ()

    @classmethod
    def parse(cls, name: str, given: Mapping[str, Any]) -> Variable:
        described = given["description"]
        return cls(
            name,
            (described,) if isinstance(described, str) else tuple(described),
            given.get("type", "str"),
            given.get("elements"),
            tuple(given.get("choices", ())),
            given.get("default"),
            given.get("required", False),
            given.get("run", False),
            given.get("no_log", False),
            parse_variables(given.get("options", {})),
        )


@dataclass(frozen=True)
class Playbook:
    """What one playbook reads: its own variables first, then those that it shares with others.

    :ivar exclusive: pairs of variables of which one may be given at most
    """

    name: str
    summary: str
    own: tuple[Variable, ...]
    shared: tuple[Variable, ...]
    exclusive: tuple[tuple[str, str], ...] = ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        return (*self.own, *self.shared)


@dataclass(frozen=True)
class Catalogue:
    """All variables of the collection.

    :ivar shared: variables that several playbooks read, by group
    :ivar roles: the variables of each role
    """

    playbooks: Mapping[str, Playbook]
    shared: Mapping[str, tuple[Variable, ...]]
    roles: Mapping[str, tuple[Variable, ...]]

    @cached_property
    def by_name(self) -> Mapping[str, Variable]:
        """The variables of playbooks; what several playbooks have under one name is the same in all of them."""
        every = (variable for playbook in self.playbooks.values() for variable in playbook.variables)
        return {variable.name: variable for variable in every}

    @cached_property
    def of_roles(self) -> frozenset[str]:
        return frozenset(variable.name for variables in self.roles.values() for variable in variables)

    @cached_property
    def names(self) -> frozenset[str]:
        return self.of_roles | frozenset(self.by_name)

    @cached_property
    def prefixes(self) -> tuple[str, ...]:
        """``deploy_`` and its like."""
        return tuple(sorted({f"{name.partition('_')[0]}_" for name in self.names}))


def parse_variables(options: Mapping[str, Any]) -> tuple[Variable, ...]:
    return tuple(Variable.parse(name, given) for name, given in options.items())


def parse_catalogue(
    playbooks: Mapping[str, Mapping[str, Any]],
    shared: Mapping[str, Mapping[str, Any]],
    roles: Mapping[str, Mapping[str, Any]],
) -> Catalogue:
    """
    :param playbooks: the spec of each playbook: ``short_description``, ``options``, ``includes`` (names of ``shared``, or
        of a variable of it) and ``mutually_exclusive``
    :param shared: ``options`` by group
    :param roles: the argument specs of the roles, by role
    """
    groups = {name: parse_variables(given["options"]) for name, given in shared.items()}
    single = {variable.name: (variable,) for group in groups.values() for variable in group}
    found = {
        name: Playbook(
            name,
            spec["short_description"],
            parse_variables(spec.get("options", {})),
            tuple(one for group in spec.get("includes", ()) for one in {**single, **groups}[group]),
            tuple((one, other) for one, other in spec.get("mutually_exclusive", ())),
        )
        for name, spec in playbooks.items()
    }
    options = {name: role["argument_specs"]["main"].get("options", {}) for name, role in roles.items()}
    return Catalogue(found, groups, {name: parse_variables(given) for name, given in options.items()})
