# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Common code of the actions: options in, builtins out, errors turned into a failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.errors import BadInput, OpsError
from ...module_utils._core.names import check_given, check_options
from ...module_utils._core.outcome import error_result, plan_result
from ...module_utils._core.plan import Plan
from .run import actor, run_id

Facts = dict[str, Any]


class ControllerAction(ActionBase):
    """An action that works on the controller alone and never connects to the host it runs for."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_async = False
    _supports_check_mode = True

    spec = ArgumentSpec()
    #: What could not be imported: the libraries live on the controller, but not by themselves.
    missing: ImportError | None = None
    #: The variables of the task, from the moment that it runs.
    variables: Mapping[str, Any]

    def answer(self, params: Mapping[str, Any]) -> Facts:
        """What the plugin does, with checked options."""
        raise NotImplementedError

    def planned(self, plan: Plan, facts: Mapping[str, Any]) -> Facts:
        """The result of a plan. Its diff may name thousands of files: only who asks for it gets it."""
        result = plan_result(plan)
        if not self._task.diff:
            result.pop("diff")
        return {**result, **facts}

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Facts:
        result: Facts = super().run(tmp, task_vars)
        self.variables = task_vars or {}
        params = self.validate_argument_spec(**self.spec.to_kwargs())[1]
        try:
            check_given(self._task.args)
            _check_libraries(self.missing)
            check_options(params)
            return {**result, **self.answer(params)}
        except OpsError as error:
            return {**result, "failed": True, "changed": False, **error_result(error)}


class HostAction(ActionBase):
    """An action whose module works on the host, and gets from the controller what only that knows."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    #: The module of the collection, without the collection's name.
    module = ""
    #: The variables of the task, from the moment that it runs.
    variables: Mapping[str, Any]

    def known(self) -> Facts:
        """Options that the controller fills in, unless the task says them."""
        return {"run": run_id(self.variables), "actor": actor(self.variables)}

    def options(self) -> Facts:
        """What the task says."""
        return dict(self._task.args)

    def answer(self, args: Facts) -> Facts:
        """What the plugin does, with what the task says on top of what is known here."""
        return self.run_module(args)

    def run_module(self, args: Mapping[str, Any]) -> Facts:
        """The result of the module on the host, sent there as Ansible sends modules."""
        done: Facts = self._execute_module(
            module_name=f"mas.ops.{self.module}", module_args=dict(args), task_vars=self.variables
        )
        return done

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Facts:
        result: Facts = super().run(tmp, task_vars)
        self.variables = task_vars or {}
        try:
            given = self.options()
            check_given(given)
            return {**result, **self.answer({**self.known(), **given})}
        except OpsError as error:
            return {**result, "failed": True, **error_result(error)}


def _check_libraries(missing: ImportError | None) -> None:
    if missing:
        raise BadInput(
            f"the Python library {missing.name} is not installed on the controller",
            where="the Python of ansible-core",
            fix="Install what meta/ee-requirements.txt of the collection mas.ops lists.",
        )
