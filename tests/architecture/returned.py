"""What plugins return: nothing under a key that Ansible gives a meaning of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from .source import Source

#: Keys of a result that Ansible reads or writes itself, as the task result of ansible-core 2.19 and 2.21, the callbacks and
#: the strategies do, and those of commands. A list under ``skipped`` is a host that was skipped, from 2.21 on.
OWNED = frozenset(
    {
        *("changed", "failed", "unreachable", "skipped", "skip_reason", "skipped_reason", "false_condition"),
        *("rc", "msg", "diff", "results", "invocation", "exception", "warnings", "deprecations", "finished", "censored"),
        *("stdout", "stdout_lines", "stderr", "stderr_lines", "module_stdout", "module_stderr", "cmd", "start", "end", "delta"),
        *("attempts", "retries", "notify", "item", "async_result", "include", "include_args", "add_host", "add_group"),
        *("changed_when_result", "failed_when_result", "break_when_result"),
        *("ansible_facts", "ansible_stats", "ansible_job_id", "ansible_loop", "ansible_loop_var", "ansible_index_var"),
    }
)  # fmt: skip
#: Those that a plugin may document, because it means just what Ansible means.
_DOCUMENTED = {"msg": "str", "ansible_stats": "dict", "diff": "dict", "warnings": "list"}
#: Those that a plugin sets by what Ansible means.
_MEANT = frozenset({"changed", "failed", "msg", "diff", "warnings", "ansible_stats"})


def documented(source: Source) -> Iterator[str]:
    """Keys at the top of what a module says that it returns."""
    for name, value in _returned(source).items():
        if name.startswith("_") or (name in OWNED and _DOCUMENTED.get(name) != value.get("type")):
            yield f"{source.path}: RETURN has {name} ({value.get('type')}), which belongs to Ansible"


def set_by_hand(source: Source) -> Iterator[str]:
    """Keys of dictionaries in an action, or in what makes a module's result."""
    for node in ast.walk(source.tree()):
        keys = [key for key in node.keys if key] if isinstance(node, ast.Dict) else []
        for key in keys:
            if isinstance(key, ast.Constant) and key.value in OWNED - _MEANT:
                yield f"{source.path}:{key.lineno}: {key.value!r} belongs to Ansible"


def _returned(source: Source) -> Mapping[str, Any]:
    for node in source.tree().body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RETURN":
            return dict(yaml.safe_load(ast.literal_eval(node.value)) or {})
    return {}
