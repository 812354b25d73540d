"""The cost of a build grows with the number of files and packages, counted in calls and not in seconds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts import sbom, sbom_summary
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.build import BuildRequest, build
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.packages import find
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from .conftest import BUILT, MAS


def calls(work: Callable[[], object]) -> int:
    """How many functions, of Python and of C, were called."""
    count = 0

    def hook(_: FrameType, event: str, __: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    previous = sys.getprofile()
    sys.setprofile(hook)
    try:
        work()
    finally:
        sys.setprofile(previous)
    return count


def tree(root: Path, count: int) -> Path:
    """Half of the files are packages of node_modules, and one in ten is a link."""
    (root / "src").mkdir(parents=True)
    (root / "mas.yml").write_text(MAS)
    for number in range(count // 2):
        folder = root / "node_modules" / f"p{number}"
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"name": folder.name, "version": "1.0.0"}))
        name = root / "src" / f"f{number}.js"
        if number % 5:
            name.write_text(f"token({number})\n")
        else:
            name.symlink_to("f1.js")
    return root


def test_twice_the_files_take_twice_the_calls(tmp_path: Path) -> None:
    def make(count: int) -> Callable[[], object]:
        source = tree(tmp_path / str(count), count)
        return lambda: build(
            BuildRequest(source=source, store=tmp_path / f"store{count}", built=BUILT, commit="")
        )

    make(20)()
    small, middle, large = (calls(make(count)) for count in (400, 800, 1600))
    growth = (large - middle) / (middle - small)
    assert 1.8 < growth < 2.2, (small, middle, large)
    assert large / 1600 < 2000


def test_what_is_there_is_what_is_listed(tmp_path: Path) -> None:
    done = build(
        BuildRequest(source=tree(tmp_path / "s", 60), store=tmp_path / "store", built=BUILT, commit="")
    )
    text = Path(str(done.facts["sbom"])).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert (
        len([name for name in sbom_summary.summary(text)["packages"] if name.startswith("pkg:npm/p")]) == 30
    )


METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n\nName: not this\n"
TEXTS = {
    "requirements.txt": "flask==3.0.0\nuvicorn>=0.2\nNot_Pinned\n",
    "sub/requirements.txt": "elsewhere==1\n",
    "venv/lib/python3.11/site-packages/flask-3.0.1.dist-info/METADATA": METADATA.format("Flask", "3.0.1"),
    "vendor/old.egg-info/PKG-INFO": METADATA.format("old", "0.1"),
    "node_modules/a/package.json": '{"name": "a", "version": "1.0.0"}',
    "node_modules/a/node_modules/@x/b/package.json": '{"name": "@x/b", "version": "2.0.0"}',
    "node_modules/c/test/package.json": '{"name": "test", "version": "0"}',
    "node_modules/d/package.json": "[" * 10_000,
    "node_modules/e/package.json": '{"name": 5}',
    "package-lock.json": '{"packages": {"": {}, "node_modules/f": {"version": "1"}}}',
}
FOUND = [
    "deb debian/curl 8",
    "npm /a 1.0.0",
    "npm @x/b 2.0.0",
    "pypi /flask 3.0.1",
    "pypi /not-pinned ",
    "pypi /old 0.1",
    "pypi /uvicorn ",
]


def test_packages() -> None:
    found = [f"{one.kind} {one.namespace}/{one.name} {one.version}" for one in find(TEXTS, ["curl=8"])]
    assert found == FOUND


def test_a_lock_stands_in_for_node_modules() -> None:
    lock = {
        "packages": {
            "": {"name": "shop"},
            "node_modules/a": {"version": "1"},
            "node_modules/a/node_modules/@x/b": {"version": "2"},
            "node_modules/tool": {"version": "3", "dev": True},
            "packages/own": {"version": "4"},
        }
    }
    found = find({"package-lock.json": json.dumps(lock)}, [])
    assert [(one.namespace, one.name, one.version) for one in found] == [("", "a", "1"), ("@x", "b", "2")]


@pytest.mark.parametrize("version", ["", "1.0.0", "1:2.3-4+deb12u1"])
def test_a_package_is_written_by_the_library(version: str) -> None:
    package = find({}, [f"curl={version}" if version else "curl"])[0]
    component = sbom._library(package)
    assert component.version == (version or None)
