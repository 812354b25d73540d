# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a use case in plain Python as an Ansible module. No other shared file knows AnsibleModule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from .argspec import ArgumentSpec
from .errors import OpsError, Refused
from .names import check_options
from .outcome import Outcome, error_result


def run_module(spec: ArgumentSpec, use_case: Callable[[Mapping[str, Any], bool], Outcome]) -> None:
    """Parse the options, run ``use_case(params, check_mode)`` and report its outcome or its error.

    :param use_case: returns an :class:`Outcome`; raises :class:`OpsError` for each failure that it knows
    """
    _run(spec, lambda params, check_mode: use_case(params, check_mode).to_result())


def run_info_module(spec: ArgumentSpec, read: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """The same for a module that only reads: never changed, no diff. Its ``warnings`` are Ansible's."""
    _run(spec, lambda params, _check_mode: {"changed": False, **read(params)}, warns=True)


def docs_only(action: str, spec: ArgumentSpec) -> None:
    """For a module that only documents the action of its name: it refuses to run, which happens where the action is bypassed.

    :param action: without the collection
    """

    def refuse(_params: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Refused(
            f"{action} is an action, which runs on the controller", fix=f"Call it as mas.ops.{action}."
        )

    run_info_module(spec, refuse)


def _run(
    spec: ArgumentSpec, work: Callable[[Mapping[str, Any], bool], Mapping[str, Any]], warns: bool = False
) -> None:
    # The controller's actions take the specification out of a module, and have no use for what runs one.
    from ansible.module_utils.basic import AnsibleModule  # noqa: PLC0415

    module = AnsibleModule(supports_check_mode=True, **spec.to_kwargs())
    try:
        check_options(module.params)
        result = dict(work(module.params, module.check_mode))
    except OpsError as error:
        module.fail_json(**error_result(error))
    else:
        for warning in result.pop("warnings", ()) if warns else ():
            module.warn(warning)
        module.exit_json(**result)
