# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A typed argument spec that modules compose instead of copying."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ArgumentSpec:
    """Options and the rules between them; ``+`` merges two into one."""

    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    required_if: Sequence[tuple[str, Any, Sequence[str]]] = ()
    mutually_exclusive: Sequence[Sequence[str]] = ()
    required_together: Sequence[Sequence[str]] = ()

    def __add__(self, other: ArgumentSpec) -> ArgumentSpec:
        clash = sorted(set(self.options) & set(other.options))
        if clash:
            raise ValueError(f"two argument specs both define {', '.join(clash)}")
        return ArgumentSpec(
            options={**self.options, **other.options},
            required_if=(*self.required_if, *other.required_if),
            mutually_exclusive=(*self.mutually_exclusive, *other.mutually_exclusive),
            required_together=(*self.required_together, *other.required_together),
        )

    def to_kwargs(self) -> dict[str, Any]:
        """The keyword arguments of ``AnsibleModule`` and ``ArgumentSpecValidator``."""
        return {
            "argument_spec": {name: dict(option) for name, option in self.options.items()},
            "required_if": [tuple(rule) for rule in self.required_if],
            "mutually_exclusive": [tuple(rule) for rule in self.mutually_exclusive],
            "required_together": [tuple(rule) for rule in self.required_together],
        }


#: Every module that works on one application of a host.
APPLICATION = ArgumentSpec({"application": {"type": "str", "required": True}})

#: Every module that works on a ledger of a host.
LEDGER_PATH = ArgumentSpec({"path": {"type": "path", "default": "/var/lib/mas/ledger.jsonl"}})

#: Every module that writes down who did what. Their actions fill it in, unless the task does.
WHO = ArgumentSpec({"run": {"type": "str", "default": ""}, "actor": {"type": "str", "default": ""}})
