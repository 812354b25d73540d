"""YAML stays data: rules for task files and playbooks, as docs/contributing.md says them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jinja2
import yaml

from .source import Source

LINES = 80
TASKS = 20
FILTERS = 3

_BLOCKS = ("block", "rescue", "always")
_SECTIONS = ("tasks", "pre_tasks", "post_tasks", "handlers")
_SHELLS = {
    f"{prefix}{name}" for prefix in ("", "ansible.builtin.", "ansible.legacy.") for name in ("shell", "raw")
}
#: Keywords whose value is an expression without braces.
_CONDITIONS = {"when", "that", "until", "failed_when", "changed_when", "break_when"}

_JINJA = jinja2.Environment(autoescape=True)


class _Loader(yaml.SafeLoader):
    """Takes ``!vault`` and ``!unsafe`` for what they hold."""


def _plain(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else None


_Loader.add_multi_constructor("!", _plain)


def load(source: Source) -> Any:
    return yaml.load(source.text, _Loader)  # a SafeLoader of our own


def tasks(content: Any) -> Iterator[dict[str, Any]]:
    """Every task, those in blocks and plays too."""
    for item in content if isinstance(content, list) else []:
        if not isinstance(item, dict):
            continue
        inner = [key for key in (*_BLOCKS, *_SECTIONS) if key in item]
        if "hosts" not in item and not set(inner) & set(_BLOCKS) and "import_playbook" not in item:
            yield item
        for key in inner:
            yield from tasks(item[key])


def problems(source: Source) -> Iterator[str]:
    if len(source.lines) > LINES:
        yield f"{source.path}: {len(source.lines)} lines, at most {LINES}: split it by meaning"
    content = load(source)
    found = list(tasks(content))
    if len(found) > TASKS:
        yield f"{source.path}: {len(found)} tasks, at most {TASKS}"
    if "{%" in source.text:
        yield f"{source.path}: a statement of Jinja: move the logic to a filter or a module"
    if "ignore_errors" in set(_keywords(content)):
        yield f"{source.path}: ignore_errors: say with failed_when what is no failure"
    for task in found:
        yield from (f"{source.path}: {task.get('name')}: {name}" for name in sorted(_SHELLS & set(task)))
    for expression in expressions(content):
        if (count := filters(expression)) > FILTERS:
            yield f"{source.path}: {count} filters, at most {FILTERS}: {expression.strip()}"


def _keywords(content: Any) -> Iterator[str]:
    """All keys at any depth: a play and a block can have it as well as a task."""
    if isinstance(content, dict):
        yield from (str(key) for key in content)
        for value in content.values():
            yield from _keywords(value)
    elif isinstance(content, list):
        for value in content:
            yield from _keywords(value)


def expressions(content: Any, keyword: str = "") -> Iterator[str]:
    """Every string with a template in it; those of conditions get their braces."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from expressions(value, str(key))
    elif isinstance(content, list):
        for value in content:
            yield from expressions(value, keyword)
    elif isinstance(content, str):
        if keyword in _CONDITIONS and "{{" not in content:
            yield "{{ " + content + " }}"
        elif "{{" in content:
            yield content


def filters(text: str) -> int:
    """The most filters in one of the text's expressions."""
    most = now = 0
    for _line, kind, value in _JINJA.lex(text):
        if kind == "variable_begin":
            now = 0
        elif kind == "operator" and value == "|":
            now += 1
            most = max(most, now)
    return most
