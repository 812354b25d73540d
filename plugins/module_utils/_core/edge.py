# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge: where Ansible ends and plain Python begins. No other shared file knows AnsibleModule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from .argspec import ArgumentSpec
from .errors import OpsError
from .outcome import Outcome, error_result


def run_module(spec: ArgumentSpec, use_case: Callable[[Mapping[str, Any], bool], Outcome]) -> None:
    """Parse the options, run ``use_case(params, check_mode)`` and report its outcome or its error.

    :param use_case: returns an :class:`Outcome`; raises :class:`OpsError` for all that it foresees
    """
    module = AnsibleModule(supports_check_mode=True, **spec.to_kwargs())
    try:
        outcome = use_case(module.params, module.check_mode)
    except OpsError as error:
        module.fail_json(**error_result(error))
    else:
        module.exit_json(**outcome.to_result())


def run_query(spec: ArgumentSpec, question: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """The same for a module that only asks: never changed, no diff."""
    module = AnsibleModule(supports_check_mode=True, **spec.to_kwargs())
    try:
        facts = question(module.params)
    except OpsError as error:
        module.fail_json(**error_result(error))
    else:
        module.exit_json(changed=False, **facts)
