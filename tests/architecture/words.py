"""Words that the project does not use: the glossary (docs/glossary.md) has a standard term for each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from .source import Source

#: They hide who does what. Write the actor and the verb: prints, reports, notifies, returns, records.
_VAGUE = re.compile(r"\b(?:told|tells?|nobody|somebody)\b", re.IGNORECASE)
#: What stands between underscores or begins with a capital is a word of an identifier too.
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: Identifiers that were renamed, because their name needed an explanation.
RENAMED = frozenset(
    (
        *(
            "door",
            "move_in",
            "at_home",
            "Wish",
            "Keeper",
            "Asker",
            "Answers",
            "timely",
            "observed",
            "Life",
            "Story",
        ),
        *(
            "unfold",
            "Book",
            "Web",
            "Balancer",
            "beside",
            "bill",
            "storing",
            "origin",
            "run_query",
            "stand_in",
            "shown",
        ),
        *("wholeness", "deadman", "dead_man"),
    )
)
#: Modules and functions of these names were renamed; AWX calls the form of a job template a survey.
_RENAMED_DEFINITIONS = frozenset({"survey"})
#: An option or key of this name was renamed to rollback_command. In prose a way back is a rollback or an abort.
_RENAMED_KEYS = frozenset({"way_back", "dead_man"})
_YAML_KEY = re.compile(r"^\s*(?:- )?[\"']?([A-Za-z_]\w*)[\"']?:(?:\s|$)")


def vague_words(source: Source) -> Iterator[str]:
    """The words in a text of any kind: prose, comments, messages, names of tasks and tests."""
    for number, line in enumerate(source.lines, start=1):
        if found := _VAGUE.search(line):
            yield f"{source.path}:{number}: {found.group()!r}: {line.strip()[:80]}"


def vague_names(source: Source) -> Iterator[str]:
    """The words as a part of the name of a function, class, argument or variable of Python."""
    for node, name in _defined(source.tree()):
        if any(_VAGUE.fullmatch(part) for part in _PART.findall(name)):
            yield source.at(node, f"the name {name}")


def renamed_identifiers(source: Source) -> Iterator[str]:
    """What defines one of the old names in Python: a module, function, class, argument, variable, option or key."""
    stem = PurePosixPath(source.path).stem.strip("_")
    if stem in RENAMED | _RENAMED_DEFINITIONS:
        yield f"{source.path}: a module named {stem}"
    tree = source.tree()
    for node, name in _defined(tree):
        bare = name.strip("_")
        if bare in RENAMED | _RENAMED_KEYS or (_defines(node) and bare in _RENAMED_DEFINITIONS):
            yield source.at(node, f"the name {name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in _RENAMED_KEYS:
            yield source.at(node, f"the key {node.value}")


def renamed_keys(source: Source) -> Iterator[str]:
    """The same for keys of YAML: options, variables, fields of a case."""
    for number, line in enumerate(source.lines, start=1):
        found = _YAML_KEY.match(line)
        if found and found.group(1) in RENAMED | _RENAMED_KEYS:
            yield f"{source.path}:{number}: the key {found.group(1)}"


def _defined(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        if _defines(node):
            yield node, node.name  # type: ignore[attr-defined]
        elif isinstance(node, ast.arg):
            yield node, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node, node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node, node.asname


def _defines(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
