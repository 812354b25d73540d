"""Processes of the example application, on ephemeral ports, and a PostgreSQL of our own where there is one."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(APP), str(Path(__file__).parent)]

from agents_bed import Client, Process  # noqa: E402 the path comes first
from agents_postgres import Cluster, what_is_missing  # noqa: E402


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The source folder of a version, made by make_version.py."""
    spec = importlib.util.spec_from_file_location("make_version", APP / "make_version.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("versions")

    def made(version: str, like: str | None = None) -> Path:
        destination = folder / version
        if not destination.exists():
            module.make(version, destination, like)
        return destination

    return made


Run = Callable[..., Process]


def _runner(source: Callable[..., Path]) -> Iterator[Run]:
    """Starts a module of a version; whatever still runs at the end is killed."""
    started: list[Process] = []

    def start(module: str, *arguments: str, version: str = "1.0.0", **env: str) -> Process:
        started.append(Process(source(version), f"agents.{module}", env, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.clear()


run = pytest.fixture(_runner, name="run")
module_run = pytest.fixture(_runner, name="module_run", scope="module")


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    opened: list[Client] = []

    def connect(port: int, token: str = "") -> Client:
        opened.append(Client(port, token))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    missing = what_is_missing()
    if missing:
        reason = f"NOT TESTED, the PostgreSQL adapter of the example: {missing}"
        if os.environ.get("MAS_REQUIRE_POSTGRES"):
            pytest.fail(reason)
        pytest.skip(reason)
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment that points a process to an empty database, once for each kind."""
    if request.param == "sqlite":
        return {"MAS_SHARED": str(tmp_path)}
    return {"AGENTS_DATABASE_URL": request.getfixturevalue("postgres").create()}
