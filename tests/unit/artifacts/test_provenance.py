"""Version, commit and build time: asked for, or found out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    BadInput,
)

from .conftest import BUILT, MAS, Build, git


@pytest.mark.parametrize(
    "options,built",
    [
        ({"built": "2026-01-31 13:00:00+01:00"}, BUILT),
        ({"built": None, "source_date_epoch": "1769860800"}, BUILT),
        ({"built": None}, "1980-01-01T00:00:00Z"),
    ],
)
def test_build_time(make: Build, options: dict[str, Any], built: str) -> None:
    assert make(**options)[1]["manifest"]["built"] == built


@pytest.mark.parametrize(
    "options",
    [
        {"built": "yesterday"},
        {"built": "2026-01-31T12:00:00"},
        {"built": None, "source_date_epoch": "now"},
        {"built": None, "source_date_epoch": "9" * 30},
        {"built": None, "source_date_epoch": "0"},
        {"version": "../1"},
        {"commit": "a b"},
    ],
)
def test_bad_options(make: Build, options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        make(**options)
    assert caught.value.fix
    assert not (tmp_path / "store").exists()


def test_no_version_anywhere(make: Build, source: Path) -> None:
    (source / "mas.yml").write_text(MAS.replace('version: "1.0.0"', ""))
    with pytest.raises(BadInput, match="version is missing"):
        make()
    assert make(version="3")[1]["version"] == "3"


def test_commit_and_time_from_git(make: Build, source: Path, tmp_path: Path) -> None:
    def manifest(**options: Any) -> tuple[str, str]:
        found = make(store=tmp_path / os.urandom(4).hex(), **{"built": None, "commit": None, **options})[1][
            "manifest"
        ]
        return found["commit"], found["built"]

    git(tmp_path, "init", "-q")
    assert manifest() == ("", "1980-01-01T00:00:00Z")
    (tmp_path / "elsewhere").write_text("")
    git(tmp_path, "add", "elsewhere")
    git(tmp_path, "commit", "-q", "-m", "elsewhere")
    assert manifest() == ("", "1980-01-01T00:00:00Z")
    git(tmp_path, "add", "source")
    git(tmp_path, "commit", "-q", "-m", "x")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert manifest() == (head, BUILT)
    (tmp_path / "elsewhere").write_text("dirt that is not ours")
    assert manifest() == (head, BUILT)
    (source / "new").write_text("")
    assert manifest() == (f"{head}-dirty", BUILT)
    assert manifest(commit="r7") == ("r7", BUILT)
    (tmp_path / ".git" / "HEAD").write_text("broken")
    with pytest.raises(BadInput, match="git cannot read the source"):
        manifest()
    with pytest.raises(BadInput, match="git cannot read the source"):
        manifest(built=BUILT, commit="r7")
