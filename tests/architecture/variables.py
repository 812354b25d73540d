"""Which variables the playbooks and roles set themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .source import Source
from .tasks import load

_FACTS = ("ansible.builtin.set_fact", "set_fact")


def set_in(source: Source) -> set[str]:
    """What is registered, set as a fact, or a variable of a play, a block, a task, or of a role's ``vars``."""
    content = load(source)
    whole = set(content) if "/vars/" in source.path and isinstance(content, dict) else set()
    return whole | set(_within(content))


def _within(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _within(each)
    if isinstance(node, dict):
        if isinstance(node.get("register"), str):
            yield node["register"]
        for key in ("vars", *_FACTS):
            if isinstance(node.get(key), dict):
                yield from node[key]
        for each in node.values():
            yield from _within(each)
