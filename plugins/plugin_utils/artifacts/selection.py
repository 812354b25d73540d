# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of a source become part of its artifact.

In a checkout: what git tracks. Elsewhere: everything. Then what ``include`` names, and never what ``exclude`` names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...module_utils._core.errors import BadInput

# A controller without it can still load the plugins and say what it lacks.
try:
    from pathspec import GitIgnoreSpec
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = None

#: Left out unless mas.yml takes it back in with "!__pycache__/". What is `.git` never comes in.
_DEFAULT_EXCLUDE = ("__pycache__/",)
_GIT = ".git"
_MOST_NAMED = 3


class Selection:
    """The choice, by name alone.

    :param tracked: what git tracks; ``None`` where all files count
    :param where: mas.yml, for errors
    """

    def __init__(
        self, tracked: Iterable[str] | None, include: Sequence[str], exclude: Sequence[str], where: str
    ) -> None:
        self.tracked = None if tracked is None else frozenset(tracked)
        self._include_patterns = list(include)
        self._include = _spec("include", include, where)
        self._exclude = _spec("exclude", [*_DEFAULT_EXCLUDE, *exclude], where)
        self._where = where
        self._used: set[int] = set()
        self._folders = {
            name[:index] for name in self.tracked or () for index, char in enumerate(name) if char == "/"
        }

    def excluded(self, name: str, *, folder: bool = False) -> bool:
        return name.rpartition("/")[2] == _GIT or self._exclude.match_file(f"{name}/" if folder else name)

    def enters(self, folder: str) -> bool:
        """Whether a folder that is not excluded may hold something; all are looked into for ``include``."""
        return self.tracked is None or bool(self._include_patterns) or folder in self._folders

    def takes(self, name: str) -> bool:
        """Whether a file or link that is not excluded comes in."""
        if self._included(name):
            return True
        return self.tracked is None or name in self.tracked

    def check_used(self, found: Sequence[str]) -> None:
        """A pattern that names nothing is a build step that did not run.

        :param found: all names that came in
        """
        for index, pattern in enumerate(self._include_patterns):
            # Another pattern may have had the last word about all that it matches.
            if index in self._used or pattern.startswith(("!", "#")) or not pattern.strip():
                continue
            if not any(GitIgnoreSpec.from_lines([pattern]).match_file(name) for name in found):
                raise BadInput(
                    f"include names {pattern!r}, but there is no such file",
                    where=self._where,
                    fix="Run the step that makes it before the build, or take it out of include.",
                )

    def left_out(self, untracked: Iterable[str]) -> list[str]:
        """Files that git neither tracks nor ignores, and nothing in mas.yml names: forgotten, maybe."""
        return [name for name in untracked if not self._included(name) and not self._is_below_excluded(name)]

    def _included(self, name: str) -> bool:
        if not self._include_patterns:
            return False
        found = self._include.check_file(name)
        if found.include and found.index is not None:
            self._used.add(found.index)
        return bool(found.include)

    def _is_below_excluded(self, name: str) -> bool:
        parts = name.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return self.excluded(name) or any(self.excluded(folder, folder=True) for folder in above)


def forgotten(names: Sequence[str]) -> str:
    """The warning about files that git does not know yet; empty when there are none."""
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    first_names = ", ".join(names[:_MOST_NAMED])
    return f"not in the artifact, because git does not track it: {first_names}{more}. Use git add, or include in mas.yml."


def _spec(key: str, patterns: Sequence[str], where: str) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise BadInput(
            f"{key} has a pattern that cannot be read: {error}",
            where=where,
            fix="Write it as in .gitignore.",
        ) from error
