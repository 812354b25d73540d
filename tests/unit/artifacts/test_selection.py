"""Which files of a source are shipped: what git tracks and what mas.yml names, and nothing that git would run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import ArtifactError, BadInput
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.build import (
    BuildRequest,
    BuildResult,
    build,
)

from .conftest import BUILT, git

MAS = """
name: agents
version: "1.0.0"
processes: {api: {kind: web, command: python3 -m agents.api}}
health: {path: /health}
"""
Ship = Callable[..., BuildResult]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "agents").mkdir(parents=True)
    (root / "mas.yml").write_text(MAS)
    (root / "agents" / "api.py").write_text("print()\n")
    (root / ".gitignore").write_text(".env\n.ssh/\ndist/\nnode_modules/\nvenv/\n*.log\n")
    for name in (
        ".env",
        ".ssh/id_ed25519",
        "dist/app.js",
        "dist/app.js.map",
        "node_modules/a/index.js",
        "x.log",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("ignored by git\n")
    (root / "notes.txt").write_text("not added yet\n")
    git(root, "init", "-q")
    git(root, "add", ".gitignore", "mas.yml", "agents")
    git(root, "commit", "-q", "-m", "x")
    return root


@pytest.fixture
def ship(checkout: Path, tmp_path: Path) -> Ship:
    def ship(more: str = "", source: Path = checkout, **options: Any) -> BuildResult:
        path = source / "mas.yml"
        path.write_text(path.read_text().partition("# more")[0] + f"# more\n{more}\n")
        request = {"source": source, "store": tmp_path / os.urandom(4).hex(), "built": BUILT, "commit": ""}
        return build(BuildRequest(**{**request, **options}))

    return ship


def names(done: BuildResult) -> set[str]:
    return set(done.plan.after["files"]) - {"manifest.json", "mas.yml", ".gitignore"}


def test_what_git_ignores_is_not_shipped(ship: Ship) -> None:
    done = ship()
    assert names(done) == {"agents/api.py"}
    assert done.warnings == (
        "not in the artifact, because git does not track it: notes.txt. Use git add, or include in mas.yml.",
    )


def test_include_names_what_a_build_made(ship: Ship) -> None:
    done = ship('include: [dist/, "/node_modules/", notes.txt]\nexclude: ["*.map"]')
    assert names(done) == {"agents/api.py", "dist/app.js", "node_modules/a/index.js", "notes.txt"}
    assert done.warnings == ()


def test_include_of_what_was_not_built(ship: Ship) -> None:
    with pytest.raises(BadInput, match="include names 'build/', but there is no such file") as caught:
        ship("include: [dist/, build/]")
    assert "before the build" in caught.value.fix
    assert ship('include: ["*.js", dist/, "!dist/app.js.map"]')


def test_exclude_beats_what_git_tracks_and_include(ship: Ship) -> None:
    assert names(ship("exclude: [agents/]")) == set()
    with pytest.raises(BadInput, match="there is no such file"):
        ship("include: [dist/]\nexclude: [dist/]")


def test_a_tracked_file_that_was_removed_is_not_missed(ship: Ship, checkout: Path) -> None:
    (checkout / "agents" / "old.py").write_text("")
    git(checkout, "add", ".")
    (checkout / "agents" / "old.py").unlink()
    assert "agents/old.py" not in names(ship())


def test_a_folder_of_a_checkout(ship: Ship, checkout: Path) -> None:
    inner = checkout / "agents"
    (inner / "mas.yml").write_text(MAS)
    (inner / "secret.log").write_text("")
    git(checkout, "add", "agents")
    assert names(ship(source=inner)) == {"api.py"}


def test_nothing_tracked_yet(ship: Ship, tmp_path: Path, checkout: Path) -> None:
    (checkout / ".git").rename(tmp_path / "gone")
    git(checkout, "init", "-q")
    done = ship()
    assert names(done) == {"agents/api.py", "notes.txt"}
    assert "git tracks nothing" in done.warnings[0]


def test_outside_of_git_everything_is_shipped_and_said(ship: Ship, checkout: Path, tmp_path: Path) -> None:
    (checkout / ".git").rename(tmp_path / "gone")
    done = ship("exclude: [.env, .ssh/]")
    assert names(done) == {
        *("agents/api.py", "dist/app.js", "dist/app.js.map", "node_modules/a/index.js", "notes.txt", "x.log")
    }
    assert "is not a git checkout: all files in it become part" in done.warnings[0]


def test_a_folder_that_git_ignores_was_named_on_purpose(ship: Ship, checkout: Path) -> None:
    out = checkout / "dist"
    (out / "mas.yml").write_text(MAS)
    done = ship(source=out)
    assert names(done) == {"app.js", "app.js.map"}
    assert "git ignores" in done.warnings[0]


def test_submodules(ship: Ship, checkout: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "code.py").write_text("")
    (library / ".gitignore").write_text("*.log\n")
    git(library, "init", "-q")
    git(library, "add", ".")
    git(library, "commit", "-q", "-m", "x")
    git(checkout, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    (checkout / "lib" / "debug.log").write_text("")
    git(checkout, "commit", "-q", "-a", "-m", "x")
    assert names(ship()) == {"agents/api.py", "lib/code.py", "lib/.gitignore", ".gitmodules"}
    git(checkout, "add", "mas.yml", "notes.txt")
    git(checkout, "commit", "-q", "-m", "x")
    assert "-dirty" not in build_commit(ship)
    (checkout / "lib" / "code.py").write_text("changed")
    assert build_commit(ship).endswith("-dirty")
    git(checkout, "submodule", "--quiet", "deinit", "--force", "lib")
    with pytest.raises(BadInput, match="submodule lib is not checked out"):
        ship()
    assert "agents/api.py" in names(ship("exclude: [lib/]"))


def build_commit(ship: Ship) -> str:
    return str(ship(commit=None).facts["manifest"]["commit"])


def test_a_hostile_checkout_runs_nothing(ship: Ship, checkout: Path, tmp_path: Path) -> None:
    """What a .git of another user names as programs: monitors, hooks, filters, signature checks, remotes."""
    trap, mark = tmp_path / "trap", tmp_path / "mark"
    trap.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    trap.chmod(0o755)
    (checkout / ".gitattributes").write_text("*.py filter=trap diff=trap\n")
    git(checkout, "add", ".gitattributes")
    settings = {
        "core.fsmonitor": trap,
        "core.hooksPath": tmp_path,
        "core.pager": trap,
        "core.sshCommand": trap,
        "core.alternateRefsCommand": trap,
        "filter.trap.clean": trap,
        "filter.trap.process": trap,
        "filter.trap.smudge": trap,
        "filter.trap.required": "true",
        "diff.trap.textconv": trap,
        "log.showSignature": "true",
        "gpg.program": trap,
        "pager.status": "true",
        "pager.ls-files": trap,
        "alias.ls-files": f"!{trap}",
        "alias.status": f"!{trap}",
    }
    for name, value in settings.items():
        git(checkout, "config", name, str(value))
    for hook in ("post-index-change", "fsmonitor-watchman"):
        (checkout / ".git" / "hooks" / hook).write_text(trap.read_text())
        (checkout / ".git" / "hooks" / hook).chmod(0o755)
    # The same size and another time: git has to read it, which is when filters run.
    (checkout / "agents" / "api.py").write_text("PRINT()\n")
    mark.unlink(missing_ok=True)
    assert build_commit(ship).endswith("-dirty")
    assert not mark.exists(), mark.read_text()
    # The trap is one: git by itself walks into it.
    subprocess.run(["git", "-C", str(checkout), "status"], capture_output=True, check=False)
    assert mark.exists()


def test_a_filter_whose_name_cannot_be_switched_off(ship: Ship, checkout: Path) -> None:
    git(checkout, "config", "filter.a=b.clean", "cat")
    with pytest.raises(BadInput, match="name is not plain"):
        ship(commit=None)


def test_modes(ship: Ship, checkout: Path) -> None:
    modes = {"open.txt": 0o644, "run": 0o755, "private.json": 0o600, "private.sh": 0o700, "group.txt": 0o640}
    for name, mode in modes.items():
        (checkout / name).write_text("")
        (checkout / name).chmod(mode)
    (checkout / "hidden").mkdir(mode=0o700)
    (checkout / "hidden" / "x").write_text("")
    git(checkout, "add", ".")
    files = ship().plan.after["files"]
    words = {name: files[name].split(" ", 1)[1:] for name in modes}
    assert words == {
        "open.txt": [],
        "run": ["executable"],
        "private.json": ["private"],
        "private.sh": ["executable private"],
        "group.txt": ["private"],
    }


def test_a_strict_umask_says_nothing_about_a_file(ship: Ship, checkout: Path) -> None:
    sha256 = ship().facts["sha256"]
    for path in checkout.rglob("*"):
        if ".git/" not in str(path):
            path.chmod(path.stat().st_mode & 0o700)
    assert ship().facts["sha256"] == sha256


def test_a_virtual_environment(ship: Ship, checkout: Path) -> None:
    binaries = checkout / "venv" / "bin"
    binaries.mkdir(parents=True)
    (checkout / "venv" / "lib").mkdir()
    (checkout / "venv" / "lib" / "x.py").write_text("")
    (checkout / "venv" / "lib64").symlink_to("lib")
    (binaries / "python3").symlink_to("/usr/bin/python3.11")
    (binaries / "python").symlink_to("python3")
    (checkout / "venv" / "inside").symlink_to(checkout / "agents" / "api.py")
    files = ship("include: [venv/]").plan.after["files"]
    assert files["venv/bin/python3"] == "-> /usr/bin/python3.11"
    assert files["venv/lib64"] == "-> lib"
    assert files["venv/inside"] == "-> ../agents/api.py"
    (binaries / "python3").unlink()
    (binaries / "python3").symlink_to("/opt/python/bin/python3")
    with pytest.raises(ArtifactError) as caught:
        ship("include: [venv/]")
    assert "'/opt/python/bin/python3'" in str(caught.value)
    assert "/usr/bin/python3 -m venv" in caught.value.fix


def test_the_link_that_is_wrong_is_named(ship: Ship, checkout: Path) -> None:
    (checkout / "agents" / "a").symlink_to("b")
    (checkout / "agents" / "b").symlink_to("/etc/passwd")
    git(checkout, "add", "agents")
    with pytest.raises(ArtifactError) as caught:
        ship()
    assert "points to 'b' and so through 'agents/b' to '/etc/passwd'" in str(caught.value)


@pytest.mark.parametrize(
    "shared, clash",
    [
        ("[agents/]", "agents is shared and cannot be in the artifact too"),
        ("[agents/api.py]", "agents/api.py is shared and cannot be in the artifact too"),
        ("[agents/api.py/x/]", "agents/api.py must be a folder"),
    ],
)
def test_what_is_shared_is_not_shipped(ship: Ship, shared: str, clash: str) -> None:
    with pytest.raises(ArtifactError, match=clash) as caught:
        ship(f"shared: {shared}")
    assert "shared in mas.yml" in caught.value.fix


def test_links_may_go_into_what_is_shared_but_not_back(ship: Ship, checkout: Path) -> None:
    (checkout / "agents" / "uploads").symlink_to("../uploads/images")
    git(checkout, "add", "agents")
    done = ship("shared: [uploads/, agents/local.json]")
    assert done.facts["manifest"]["shared"] == ["agents/local.json", "uploads/"]
    (checkout / "agents" / "back").symlink_to("../uploads/../mas.yml")
    git(checkout, "add", "agents")
    with pytest.raises(ArtifactError, match="back out of uploads, which is shared"):
        ship("shared: [uploads/]")
    with pytest.raises(BadInput, match=r"shared\[1\] must be"):
        ship("shared: [uploads/, ../other/]")
