# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a mapping as a systemd environment file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: systemd_environment
author:
  - the mas.ops authors (@mas-ops)
version_added: 0.1.0
short_description: Write a mapping as a systemd environment file
description:
  - Returns the lines of a file for C(EnvironmentFile=), sorted by name, each value quoted so that the process
    gets it letter by letter, with quotes, backslashes, dollar signs, percent signs, spaces and line breaks.
  - Control characters beside tabs and line breaks are refused, because systemd drops a variable that holds one.
  - Variables that the dynamic loader, the C library or OpenSSL obey in each program (all that begins with C(LD_), and such as
    C(GCONV_PATH) and C(OPENSSL_CONF)) are refused, because they would reach what a unit runs as root.
  - An error names the variable and never shows its value.
options:
  _input:
    description:
      - Names and values. Numbers are written as they are, booleans as V(true) and V(false).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the secrets of a service
  ansible.builtin.copy:
    content: "{{ {'GREETING': 'it''s \"quoted\"', 'PORT': 8101} | mas.ops.systemd_environment }}\n"
    dest: /etc/example/environment
    mode: "0640"
  no_log: true
"""

RETURN = r"""
_value:
  description: The lines, without a line break at the end.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._core.errors import BadInput
from ..module_utils._releases.environment_file import refuse_obeyed, render


def systemd_environment(variables: Any) -> str:
    """Lines for EnvironmentFile=, sorted by name."""
    if not isinstance(variables, Mapping):
        raise AnsibleFilterError("the environment must be a mapping of names to values")
    try:
        refuse_obeyed(variables)
        return render(variables)
    except BadInput as error:
        raise AnsibleFilterError(str(error)) from error


def environment_problem(variables: Any) -> str:
    """Why there is no such file; empty where there is one. For a task that fails with it."""
    try:
        systemd_environment(variables)
    except AnsibleFilterError as error:
        return str(error)
    return ""


class FilterModule:
    """Ansible looks filters up here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"systemd_environment": systemd_environment, "environment_problem": environment_problem}
