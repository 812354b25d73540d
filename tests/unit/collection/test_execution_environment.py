"""ansible-builder understands both files: what the collection needs, and the definition to begin with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
#: Which Python and system packages the collection names; comments are no packages.
LISTS = {"python": "meta/ee-requirements.txt", "system": "meta/ee-bindep.txt"}


def builder(*arguments: str) -> str:
    argv = [str(Path(sys.executable).with_name("ansible-builder")), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_definition_makes_a_build_context(tmp_path: Path) -> None:
    builder("create", "-f", str(ROOT / "execution-environment.yml"), "-c", str(tmp_path))
    made = yaml.safe_load((tmp_path / "_build/requirements.yml").read_text("utf-8"))
    assert made == {"collections": ["mas.ops"]}
    assert "introspect" in (tmp_path / "Containerfile").read_text("utf-8")


@pytest.mark.parametrize("kind", LISTS)
def test_a_build_finds_what_the_collection_needs(tmp_path: Path, kind: str) -> None:
    """As it does within the image: paths are from the root of the collection."""
    place = tmp_path / "ansible_collections/mas/ops"
    place.parent.mkdir(parents=True)
    place.symlink_to(ROOT)
    found = yaml.safe_load(builder("introspect", str(tmp_path)))
    lines = (ROOT / LISTS[kind]).read_text("utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert wanted
    # PyYAML is part of every execution environment, and left out.
    for each in wanted:
        assert each in str(found) or each.startswith("PyYAML"), found
