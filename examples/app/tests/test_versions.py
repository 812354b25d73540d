"""Each version does what the README says, and its sources are the same every time."""

from __future__ import annotations

import hashlib
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

VERSIONS = ("1.0.0", "2.0.0", "3.0.0-broken", "4.0.0-errors", "5.0.0-slow", "6.0.0-leaky")
TOOL = Path(__file__).resolve().parents[1] / "make_version.py"


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(f"{file.relative_to(folder)} {file.stat().st_mode:o}\n".encode() + file.read_bytes())
    return whole.hexdigest()


def make(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in arguments]
    return subprocess.run([sys.executable, TOOL, *words], check=False, capture_output=True, text=True)


@pytest.fixture
def serve(run: Callable[..., Any], tmp_path: Path, client: Callable[..., Any]) -> Callable[..., Any]:
    def served(version: str, **env: str) -> Any:
        run("migrate", "expand", version=version, MAS_SHARED=str(tmp_path)).ended()
        process = run("api", version=version, MAS_SHARED=str(tmp_path), **env)
        connected = client(process.port)
        connected.process = process
        return connected

    return served


@pytest.mark.parametrize("version", VERSIONS)
def test_sources_are_complete_and_the_same_every_time(version: str, tmp_path: Path) -> None:
    assert make(version, tmp_path / "one").returncode == 0
    assert make(version, tmp_path / "two").returncode == 0
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    described = yaml.safe_load((tmp_path / "one" / "mas.yml").read_text())
    assert (described["name"], described["version"]) == ("agents", version)
    assert f'__version__ = "{version}"' in (tmp_path / "one" / "agents" / "__init__.py").read_text()
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"agents", "mas.yml"}


def test_the_tool_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    assert "is not a version here" in make("7.7.7", tmp_path / "x").stderr
    assert "cannot be a version" in make("../7", tmp_path / "x", "--like", "1.0.0").stderr
    assert not (tmp_path / "x").exists()
    (tmp_path / "file").write_text("")
    assert "is not empty" in make("1.0.0", tmp_path).stderr


def test_another_number_for_the_same_code(tmp_path: Path) -> None:
    assert make("2.7.0", tmp_path / "app", "--like", "2.0.0").returncode == 0
    assert yaml.safe_load((tmp_path / "app" / "mas.yml").read_text())["version"] == "2.7.0"
    assert (tmp_path / "app" / "agents" / "resources" / "stats.py").exists()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_starts_and_says_which_it_is(serve: Callable[..., Any], version: str) -> None:
    api = serve(version)
    assert api.get("/version").json["version"] == version
    assert api.get("/tasks").status == 200
    assert api.get("/stats").status == (404 if version == "1.0.0" else 200)
    assert api.get("/health").status == (503 if version == "3.0.0-broken" else 200)


def test_version_2_has_priorities_and_statistics(serve: Callable[..., Any]) -> None:
    api = serve("2.0.0")
    assert api.post("/tasks", {"kind": "echo", "priority": 7}).json["priority"] == 7
    assert api.post("/tasks", {"kind": "echo", "priority": 1000}).status == 400
    api.post("/agents", {"name": "a"})
    wanted = {"agents": 1, "messages": 0, "tasks": {"queued": 1}, "waiting_by_priority": {"7": 1}}
    assert api.get("/stats").json == wanted


def test_broken_says_why(serve: Callable[..., Any]) -> None:
    health = serve("3.0.0-broken").get("/health")
    assert health.json["status"] == "unhealthy"
    assert "cannot be loaded" in health.json["reason"]


def test_errors_come_in_every_20th_request(serve: Callable[..., Any]) -> None:
    api = serve("4.0.0-errors")
    paths = ["/tasks", "/agents", "/stats", "/agents/x/inbox"]
    statuses = []
    for number in range(100):
        assert api.get("/health").status == 200  # not counted
        statuses.append(api.get(paths[number % len(paths)]).status)
    assert statuses == ([200] * 19 + [500]) * 5


def test_slow_moves_the_tail_and_not_the_median(serve: Callable[..., Any]) -> None:
    api = serve("5.0.0-slow", AGENTS_SLOW_SECONDS="0.2")
    taken = []
    for _ in range(80):
        begun = time.perf_counter()
        assert api.get("/tasks").status == 200
        taken.append(time.perf_counter() - begun)
    assert min(taken[39], taken[79]) > 0.2
    assert statistics.median(taken) < 0.1


def test_leaky_dies_of_it(serve: Callable[..., Any]) -> None:
    api = serve("6.0.0-leaky", AGENTS_LEAK_AFTER="0.7")
    assert api.get("/health").status == 200
    assert api.process.ended() == 1
    api.process.said("event=out_of_memory")


def test_start_up_is_quick(run: Callable[..., Any], tmp_path: Path) -> None:
    """Processor time, as the clock on the wall depends on who else is at work here."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = run("api", MAS_SHARED=str(tmp_path))
    process.said("event=listening")
    process.clear()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.4
