# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send the messages of one event. The documentation is in plugins/modules/notify.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError

from ..modules.notify import SPEC
from ..plugin_utils.adapters.action import ControllerAction, Facts
from ..plugin_utils.adapters.run import actor, run_id
from ..plugin_utils.notifications import NotifyRequest, requests, text_of


class ActionModule(ControllerAction):
    """Calls other people's modules, each for one message, and survives whatever becomes of them."""

    spec = SPEC
    _requires_connection = True

    def answer(self, params: Mapping[str, Any]) -> Facts:
        facts = {"actor": actor(self.variables), "run": run_id(self.variables), **params["facts"]}
        sent, not_sent = [], []
        for request in requests(params["notifications"], params["event"], facts, params["timeout"]):
            problem = request.problem or self._send(request)
            if problem:
                not_sent.append({"name": request.name, "problem": request.redact(problem)})
            else:
                sent.append(request.name)
        return {
            "changed": False,
            "sent": sent,
            "not_sent": not_sent,
            "text": text_of(params["event"], facts),
            "warnings": [
                f"The notification {each['name']!r} was not sent: {each['problem']}." for each in not_sent
            ],
        }

    def _send(self, request: NotifyRequest) -> str:
        """:returns: why it was not sent, or nothing"""
        if self._task.check_mode:
            return ""
        try:
            result = self._call(request)
        # A message that cannot be sent must not stop a deploy: the module may be missing, or anything else.
        except AnsibleError as error:
            return str(error).strip().rstrip(".")
        if not result.get("failed"):
            return ""
        return str(result.get("msg") or _crash(result)).strip().rstrip(".")

    def _call(self, request: NotifyRequest) -> Mapping[str, Any]:
        """Run one module as a task of its own, which logs nothing: its arguments are secret."""
        task = self._task.copy()
        task.action, task.args, task.no_log = request.module, dict(request.args), True
        loader = self._shared_loader_obj
        has_action = loader.action_loader.has_plugin(request.module)
        action = loader.action_loader.get(
            request.module if has_action else "ansible.builtin.normal",
            task=task, connection=self._connection, play_context=self._play_context, loader=self._loader,
            templar=self._templar, shared_loader_obj=loader,
        )  # fmt: skip
        result: Mapping[str, Any] = action.run(task_vars=self.variables)
        return result


def _crash(result: Mapping[str, Any]) -> str:
    """What a module says that did not end by itself; ansible-core 2.19 keeps it in an object."""
    event = getattr(result.get("exception"), "event", None)
    return str(getattr(event, "msg", "") or result.get("module_stderr") or "the module gave no reason")
