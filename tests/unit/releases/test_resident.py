"""The code that stays on a host: installed whole, renewed, and able to run by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import move_in


@pytest.fixture
def residence(tmp_path: Path) -> Path:
    move_in.install(str(tmp_path), "one")
    return tmp_path


def test_it_runs_without_ansible_and_answers_in_json(residence: Path) -> None:
    asked = json.dumps({"params": {"application": "nothing-of-this-name"}, "check_mode": False})
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(residence / "current"), "info"],
        input=asked, capture_output=True, text=True, check=True,
    )  # fmt: skip
    result = json.loads(done.stdout)
    assert result["failed"]
    assert "this host knows no application" in result["msg"]


def test_packages_are_packages(residence: Path) -> None:
    names = {path.relative_to(residence / "one").as_posix() for path in (residence / "one").rglob("*.py")}
    assert {"__main__.py", "mas_ops/__init__.py", "mas_ops/_releases/adapters/__init__.py"} <= names
    assert not any(name.endswith("edge.py") for name in names)


def test_new_code_takes_the_place_of_old_and_a_scratch_that_was_left(residence: Path) -> None:
    (residence / ".left").mkdir()
    move_in.install(str(residence), "two")
    assert sorted(path.name for path in residence.iterdir()) == ["current", "two"]
    assert (residence / "current").readlink() == Path("two")


def test_what_is_there_is_left_alone(residence: Path) -> None:
    before = (residence / "one" / "__main__.py").stat()
    move_in.install(str(residence), "one")
    assert (residence / "one" / "__main__.py").stat() == before
