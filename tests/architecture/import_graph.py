"""Which file of ``plugins/`` imports which, and whether a chain of imports comes back to its start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

from .layers import imports
from .source import Source

_COLLECTION = "ansible_collections.mas.ops."


def import_graph(sources: Iterable[Source]) -> dict[str, frozenset[str]]:
    """The files that each file imports, wherever it does: at its top, in a function, or for types only."""
    by_module = {_module(source.path): source for source in sources}
    return {
        source.path: frozenset(
            by_module[found].path for found in _imported(source, by_module) if by_module[found] is not source
        )
        for source in by_module.values()
    }


def cycle(graph: Mapping[str, frozenset[str]]) -> str:
    """One circle of imports as a chain of paths; empty when there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # The error lists them in the order of loading; here each one imports the next.
        return " -> ".join(reversed(error.args[1]))
    return ""


def _module(path: str) -> str:
    """``plugins.module_utils._core`` for its ``__init__.py``."""
    return ".".join(PurePosixPath(path).with_suffix("").parts).removesuffix(".__init__")


def _imported(source: Source, known: Mapping[str, Source]) -> set[str]:
    package = PurePosixPath(source.path).parent.parts
    found = set()
    for _, level, module, name in imports(source):
        if level:
            start = ".".join(package[: len(package) - level + 1])
            base = f"{start}.{module}" if module else start
        else:
            base = module.removeprefix(_COLLECTION)
        # What is imported may be a module of the package, or a name in it.
        found.add(f"{base}.{name}" if f"{base}.{name}" in known else base)
    return found & known.keys()
