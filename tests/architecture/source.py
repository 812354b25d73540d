"""What the rules read: the files git knows, or would take in, and their syntax trees."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One file; ``path`` is relative to the checkout. Samples in tests are made by hand."""

    path: str
    text: str

    @property
    def parts(self) -> tuple[str, ...]:
        return PurePosixPath(self.path).parts

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()))


def files(*patterns: str) -> Iterator[Source]:
    """The text files whose path matches one of ``patterns``."""
    for name in names():
        if any(PurePosixPath(name).match(pattern) for pattern in patterns):
            raw = (ROOT / name).read_bytes()
            if b"\0" not in raw:
                yield Source(name, raw.decode("utf-8"))


def below(folder: str, *patterns: str) -> list[Source]:
    """The same, below a folder of the checkout."""
    return [source for source in files(*patterns) if source.path.startswith(f"{folder}/")]
