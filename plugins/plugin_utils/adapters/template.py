# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where filters and tests meet Ansible's templates."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError

from ...module_utils._core.errors import OpsError


def template_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Raise the errors of this collection as those of a template."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except OpsError as error:
            raise AnsibleFilterError(str(error)) from error

    return wrapped
