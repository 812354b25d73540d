"""How long things may be: docs/contributing.md has the numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .source import Source

MODULE_CODE = 120
MAIN = 20
FUNCTION = 60
USUAL_FUNCTION = 35
USUAL_SHARE = 0.95
FILE = 400

_DOCUMENTS = {"DOCUMENTATION", "EXAMPLES", "RETURN"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Length:
    where: str
    name: str
    lines: int


def code_lines(source: Source) -> int:
    """Lines that are neither blank, nor comments, nor documentation."""
    tree = source.tree()
    documented: set[int] = set()
    for node in ast.walk(tree):
        text = _document(node) or _docstring(node)
        if text is not None:
            documented.update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return sum(
        1
        for number, line in enumerate(source.lines, start=1)
        if number not in documented and line.strip() and not line.lstrip().startswith("#")
    )


def _document(node: ast.AST) -> ast.stmt | None:
    if isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id in _DOCUMENTS for target in node.targets
    ):
        return node
    return None


def _docstring(node: ast.AST) -> ast.stmt | None:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    if isinstance(node, holders) and ast.get_docstring(node, clean=False) is not None:
        return node.body[0]
    return None


def functions(source: Source) -> Iterator[Length]:
    """Every function with its length; its docstring does not count, what is nested in it does."""
    for node in ast.walk(source.tree()):
        if isinstance(node, Function):
            docstring = _docstring(node)
            spared = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
            lines = (node.end_lineno or node.lineno) - node.lineno + 1 - spared
            yield Length(f"{source.path}:{node.lineno}", node.name, lines)


def long_modules(source: Source) -> Iterator[str]:
    """For a file of plugins/modules."""
    if (lines := code_lines(source)) > MODULE_CODE:
        yield f"{source.path}: {lines} lines of code, at most {MODULE_CODE}: move the work to module_utils"
    for each in functions(source):
        if each.name == "main" and each.lines > MAIN:
            yield f"{each.where}: main() has {each.lines} lines, at most {MAIN}"


def long_functions(sources: Iterable[Source]) -> Iterator[str]:
    found = [each for source in sources for each in functions(source)]
    for each in found:
        if each.lines > FUNCTION:
            yield f"{each.where}: {each.name}() has {each.lines} lines, at most {FUNCTION}"
    long = sorted((each for each in found if each.lines > USUAL_FUNCTION), key=lambda each: -each.lines)
    if found and len(long) / len(found) > 1 - USUAL_SHARE:
        names = ", ".join(f"{each.where} {each.name} ({each.lines})" for each in long[:10])
        yield f"{len(long)} of {len(found)} functions have more than {USUAL_FUNCTION} lines: {names}"


def long_files(source: Source) -> Iterator[str]:
    if len(source.lines) > FILE:
        yield f"{source.path}: {len(source.lines)} lines, at most {FILE}"
