"""What of a source folder may become an artifact, and what may not."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    ArtifactError,
    BadInput,
)
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters import build as building

from .conftest import MAS, Build

BAD_SOURCES: dict[str, tuple[Any, str]] = {
    "link out": (lambda root: (root / "x").symlink_to("../secret"), "outside the tree"),
    "absolute link": (lambda root: (root / "x").symlink_to("/etc"), "not a relative path"),
    "link through a link": (
        lambda root: ((root / "x").symlink_to("."), (root / "y").symlink_to("x/..")),
        "outside the tree",
    ),
    "fifo": (lambda root: os.mkfifo(root / "x"), "a special file"),
    "socket": (lambda root: socket.socket(socket.AF_UNIX).bind(str(root / "x")), "a special file"),
    "manifest": (
        lambda root: (root / "manifest.json").write_text("{}"),
        "name of the artifact's own manifest",
    ),
    "not UTF-8": (lambda root: open(os.fsencode(root) + b"/\xff", "wb").close(), "not UTF-8"),  # noqa: PTH123
    "line break": (lambda root: (root / "a\nb").write_text(""), "control characters"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", BAD_SOURCES)
def test_bad_sources(make: Build, source: Path, tmp_path: Path, name: str) -> None:
    spoil, message = BAD_SOURCES[name]
    spoil(source)
    with pytest.raises(ArtifactError, match=message) as caught:
        make()
    assert caught.value.fix
    assert not (tmp_path / "store").exists()


def test_what_is_excluded_may_be_bad(make: Build, source: Path) -> None:
    (source / "tests" / "x").symlink_to("/etc")
    assert make()[0].changed


def test_exclude_of_the_defaults_can_be_taken_back(make: Build, source: Path) -> None:
    (source / "mas.yml").write_text(MAS.replace('"*.pyc", "tests/"', '"!__pycache__/"'))
    assert "agents/__pycache__/api.cpython.pyc" in make()[0].after["files"]


def test_a_bad_pattern(make: Build, source: Path) -> None:
    (source / "mas.yml").write_text(MAS.replace("tests/", "!"))
    with pytest.raises(BadInput, match="pattern"):
        make()


def test_store_inside_the_source(make: Build, source: Path) -> None:
    _, first = make(store=source / "dist")
    plan, second = make(store=source / "dist")
    assert not plan.changed
    assert first == second
    with pytest.raises(BadInput, match="source folder itself"):
        make(store=source)


def test_a_file_that_changes_meanwhile(make: Build, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = building.collect
    for content in ("longer than it was before\n", ""):

        def collect(*arguments: Any, content: str = content) -> Any:
            tree = real(*arguments)
            (source / "agents" / "api.py").write_text(content)
            return tree

        (source / "agents" / "api.py").write_text("print()\n")
        monkeypatch.setattr(building, "collect", collect)
        with pytest.raises(ArtifactError, match="changed while it was packed"):
            make()
