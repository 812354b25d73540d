# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definition of an application: one mapping in the inventory, ``mas_application_<name>``, which every playbook reads.

Its keys are the variables of the role ``application`` without their prefix, ``artifacts``, and two mappings: ``proxy`` with
what the role ``proxy`` takes for one application, and ``deploy`` with the variables of ``mas.ops.deploy`` that are not of one
run, without their prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...module_utils._core.names import key_hint, nearest
from .catalogue import Catalogue, Variable

PREFIX = "mas_application_"
#: What the name of the definition says, and what it replaces.
_NOT_KEYS = frozenset({"application_name", "application_settings_for"})
#: What the definition says outside of ``proxy``, and what the mas.yml of a release says.
_NOT_OF_PROXY = frozenset({"name", "slots", "domains", "fallback", "health_path", "health_status"})


def variable_of(application: str) -> str:
    """The variable that defines an application; the names of variables have no dashes, and those of applications no underscores."""
    return f"{PREFIX}{application.replace('-', '_')}"


def keys(catalogue: Catalogue) -> tuple[Variable, ...]:
    """The keys of a definition as variables, in the order in which people look for them."""
    artifacts = (one for one in catalogue.shared["application"] if one.name == "application_artifacts")
    own = [one for one in catalogue.roles["application"] if one.name.startswith("application_")]
    return (
        *(_without_prefix(one, "application_") for one in (*artifacts, *own) if one.name not in _NOT_KEYS),
        Variable("proxy", ("How the proxy serves it, where that is not what ``proxy_*`` says for the host.",), "dict",
                 options=proxy_keys(catalogue)),
        Variable("deploy", ("How it is deployed, where that is not what ``deploy_*`` says.",), "dict",
                 options=deploy_keys(catalogue)),
    )  # fmt: skip


def proxy_keys(catalogue: Catalogue) -> tuple[Variable, ...]:
    sites = next(one for one in catalogue.roles["proxy"] if one.name == "proxy_applications")
    return tuple(one for one in sites.options if one.name not in _NOT_OF_PROXY)


def deploy_keys(catalogue: Catalogue) -> tuple[Variable, ...]:
    own = catalogue.playbooks["deploy"].own
    return tuple(_without_prefix(one, "deploy_") for one in own if not one.run)


def wrong_keys(definition: Any, known: Iterable[Variable], where: str) -> list[str]:
    """What is wrong with the keys of a definition, as sentences.

    :param definition: its values may be templates; one that is a template as a whole is checked where it is read
    """
    if not isinstance(definition, Mapping):
        return [] if isinstance(definition, str) and "{{" in definition else [f"{where} is not a mapping"]
    by_name = {one.name: one for one in known}
    found = []
    for key, value in definition.items():
        if key not in by_name:
            found.append(f"{key} is not a key of {where}: {key_hint(str(key), by_name)}")
        elif by_name[key].options and by_name[key].type == "dict" and value is not None:
            found += wrong_keys(value, by_name[key].options, f"{where}.{key}")
    return found


def missing(application: str, hosts: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], str]:
    """The hosts without the definition of an application, and what to say of it.

    :param hosts: the variables of each host
    :returns: no hosts and no text where all of them have it
    """
    name = variable_of(application)
    without = [host for host, variables in hosts.items() if variables.get(name) is None]
    known = {other for host in without for other in hosts[host]}
    return without, undefined(application, known) if without else ""


def undefined(application: str, names: Iterable[str]) -> str:
    """That an application has no definition, with the variable that may have been meant for it.

    :param names: of the variables that are there
    """
    name = variable_of(application)
    # It may be there without a value.
    near = nearest(name, set(names) - {name}, cutoff=0.8)
    hint = (
        f"{near} is set: is that a misspelt {name}?"
        if near
        else f"set it in the vars of the group {application!r}"
    )
    return f"{name}, which defines the application, is not set: {hint}"


def _without_prefix(variable: Variable, prefix: str) -> Variable:
    return replace(variable, name=variable.name.removeprefix(prefix))
