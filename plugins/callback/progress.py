# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The screen output ``progress``. What it shows is made in plugins/plugin_utils/progress."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Shows a deploy as hosts by phases, and the time that is left
version_added: 0.1.0
author: the mas.ops authors (@mas-ops)
description:
  - On a terminal it keeps a table of hosts by phases (gate, stage, switch, verdict, confirm, back) at the bottom, with
    seconds and with what each host does now. Failures, warnings, diffs and messages of C(debug) scroll by above it.
  - Where the output is no terminal, or E(NO_COLOR) or E(CI) is set, it writes one line for each host and phase.
  - A failure is shown in full in either case.
  - The time that is left comes from earlier runs of the same playbook for the same application that ended well. It is
    shown once there is one.
  - Playbooks that use no module of mas.ops get the same table without phases.
  - With C(-v) and more it is the callback P(ansible.builtin.default#callback).
  - AWX and ansible-runner bring a screen output of their own, which takes the place of this one.
options:
  history_file:
    description:
      - The file of earlier runs. It holds durations only.
      - By default C(mas.ops/progress.json) below E(XDG_STATE_HOME), which is C(~/.local/state) when it is not set.
    type: path
    env:
      - name: MAS_OPS_PROGRESS_HISTORY
    ini:
      - section: callback_mas_ops_progress
        key: history_file
requirements:
  - Set as C(stdout_callback) in the configuration.
extends_documentation_fragment:
  - ansible.builtin.default_callback
  - ansible.builtin.result_format_callback
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# stdout_callback = mas.ops.progress
"""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback.default import CallbackModule as Default

from ..plugin_utils.progress.adapters.history import default_path
from ..plugin_utils.progress.adapters.reporter import Reporter, Title
from ..plugin_utils.progress.adapters.terminal import is_live
from ..plugin_utils.progress.phases import phase_of

# A result's host, task and content have only these names in ansible-core 2.18.
# ruff: noqa: SLF001


class CallbackModule(Default):
    """Translates Ansible's events. Without a reporter (``-v``, an ad-hoc command) it is the default output."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "mas.ops.progress"

    def __init__(self) -> None:
        super().__init__()
        self._playbook = ""
        self._reporter: Reporter | None = None
        self._plain_display = self._display.display

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._playbook = Path(str(playbook._file_name)).stem
        super().v2_playbook_on_start(playbook)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        if self._display.verbosity or not self._playbook:
            super().v2_playbook_on_play_start(play)
            return
        self._play = play
        manager = play.get_variable_manager()
        if self._reporter is None:
            self._reporter = self._report(manager.extra_vars)
        hosts = manager.get_vars(play=play).get("ansible_play_hosts_all", [])
        self._reporter.play(play.get_name().strip(), [str(host) for host in hosts])

    def _report(self, extra: Mapping[str, Any]) -> Reporter:
        checked = bool(context.CLIARGS.get("check"))
        key = " ".join(filter(None, [self._playbook, str(extra.get("application_name") or "")]))
        words = [key, str(extra.get(f"{self._playbook}_version") or ""), "(check mode)" if checked else ""]
        title = Title(" ".join(filter(None, words)), key, kept=not checked)
        path = self.get_option("history_file")
        lock = getattr(self._display, "_lock", None) or threading.RLock()
        live = lock if is_live(os.environ) else None
        reporter = Reporter(title, self._plain_display, Path(path or default_path(os.environ)), live)
        # All output, a worker's warning too, goes through this method.
        self._display.display = reporter.display
        return reporter

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if self._reporter is None:
            super().v2_playbook_on_task_start(task, is_conditional)
        else:
            self._reporter.task(_name(task), _phase(task))

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        if self._reporter is None:
            super().v2_playbook_on_handler_task_start(task)
        else:
            self._reporter.task(_name(task), _phase(task))

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if self._reporter is None:
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        if self._reporter is None:
            super().v2_runner_on_start(host, task)
        else:
            self._reporter.began(host.get_name(), _name(task), _phase(task), bool(task.run_once))

    def v2_runner_retry(self, result: Any) -> None:
        if self._reporter is None:
            super().v2_runner_retry(result)
        else:
            tried = f"{result._result.get('attempts')} of {result._result.get('retries')}"
            self._reporter.retried(result._host.get_name(), f"{_name(result._task)} (tried {tried} times)")

    def v2_runner_on_ok(self, result: Any) -> None:
        if self._reporter is None:
            super().v2_runner_on_ok(result)
            return
        self._handle_warnings(result._result)
        if self._run_is_verbose(result) and "msg" in result._result:
            self._display.display(f"{self.host_label(result)}: {result._result['msg']}")
        elif self._run_is_verbose(result):
            super().v2_runner_on_ok(result)
        self._ended(result, "ok")

    def v2_runner_on_skipped(self, result: Any) -> None:
        if self._reporter is None:
            super().v2_runner_on_skipped(result)
        else:
            self._handle_warnings(result._result)
            self._ended(result, "skipped")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if self._reporter is None:
            super().v2_runner_on_failed(result, ignore_errors)
        else:
            self._failed(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        if self._reporter is None:
            super().v2_runner_on_unreachable(result)
        else:
            self._failed(result, "ignored" if result._task.ignore_unreachable else "unreachable")

    def v2_runner_item_on_ok(self, result: Any) -> None:
        if self._reporter is None or self._run_is_verbose(result):
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Shown with the task, which ends when all items are through."""
        if self._reporter is None:
            super().v2_runner_item_on_failed(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        if self._reporter is None:
            super().v2_runner_item_on_skipped(result)

    def v2_on_file_diff(self, result: Any) -> None:
        if self._reporter is None:
            super().v2_on_file_diff(result)
            return
        rounds = result._result.get("results") if result._task.loop else None
        for each in rounds or [result._result]:
            if each.get("changed") and each.get("diff") and (text := self._get_diff(each["diff"])):
                self._display.display(f"{self.host_label(result)}: {_name(result._task)}\n{text}")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._reporter is None:
            super().v2_playbook_on_stats(stats)
            return
        totals = {str(host): stats.summarize(host) for host in stats.processed}
        problem = self._reporter.close(
            [host for host, total in totals.items() if total["failures"]],
            [host for host, total in totals.items() if total["unreachable"]],
        )
        self._display.display = self._plain_display
        if problem:
            self._display.warning(f"The duration of this run was not kept: {problem}")
        if stats.custom and self.get_option("show_custom_stats"):
            super().v2_playbook_on_stats(stats)

    def _ended(self, result: Any, outcome: str) -> None:
        if self._reporter is not None:
            task = result._task
            self._reporter.ended(result._host.get_name(), _phase(task), outcome, bool(task.run_once))

    def _failed(self, result: Any, outcome: str) -> None:
        if self._reporter is not None:
            self._handle_warnings(result._result)
            self._reporter.failed(self.host_label(result), _name(result._task), result._result, outcome)
            self._ended(result, outcome)


def _name(task: Any) -> str:
    return str(task.get_name()).strip()


def _phase(task: Any) -> str:
    return phase_of(str(task.resolved_action or task.action), task.args)
