"""A small application, a key and the two questions that every test asks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.build import BuildRequest, build

BUILT = "2026-01-31T12:00:00Z"
MAS = """
name: agents
version: "1.0.0"
processes:
  api: {kind: web, command: python3 -m agents.api}
health: {path: /health}
exclude: ["*.pyc", "tests/", "!important.pyc"]
packages: [python3-psycopg, postgresql-client=15+248]
"""

Build = Callable[..., tuple[Any, dict[str, Any]]]


def keygen(*arguments: str | Path) -> None:
    subprocess.run(["ssh-keygen", "-q", *map(str, arguments)], check=True, capture_output=True)


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    keygen("-t", kind, "-N", passphrase, "-C", "ci", "-f", path)
    return path


def git(folder: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "GIT_COMMITTER_DATE": "@1769860800 +0100",
        **{f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No agent, no settings of the user who runs the tests."""
    for name in ("SSH_AUTH_SOCK", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "agents" / "__pycache__").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "empty" / "below").mkdir(parents=True)
    (folder / "mas.yml").write_text(MAS)
    (folder / "agents" / "api.py").write_text("print('api')\n")
    (folder / "agents" / "__pycache__" / "api.cpython.pyc").write_bytes(b"x")
    (folder / "agents" / "old.pyc").write_bytes(b"x")
    (folder / "agents" / "important.pyc").write_bytes(b"x")
    (folder / "agents" / "é 1").write_text("é\n")
    (folder / "current").symlink_to("agents/api.py")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o700)
    (folder / "tests" / "test_api.py").write_text("")
    (folder / "requirements.txt").write_text(
        "# pinned\nflask==3.0.0 \\\n  --hash=sha256:00\nUvicorn[standard]>=0.20 ; python_version > '3.8'\n-r other.txt\n"
    )
    return folder


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("key") / "ci")


@pytest.fixture
def make(source: Path, tmp_path: Path) -> Build:
    def make(*, check_mode: bool = False, **options: Any) -> tuple[Any, dict[str, Any]]:
        request = BuildRequest(
            **{"source": source, "store": tmp_path / "store", "built": BUILT, "commit": "", **options}
        )
        done = build(request, check_mode=check_mode)
        return done.plan, done.facts

    return make
