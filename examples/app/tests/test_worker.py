"""The queue and its workers: each task once, whatever happens to a worker."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import tasks
from agents.storage import Database, StorageError
from agents.work import KINDS, perform
from agents_bed import migrated, until
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def database(storage: dict[str, str]) -> Any:
    database = migrated(storage)
    yield database
    database.close()


def add(database: Database, number: int, payload: str = "x") -> list[int]:
    return [tasks.create(database, "echo", f"{payload} {n}", "", "normal")["id"] for n in range(number)]


def everything(database: Database) -> list[dict[str, Any]]:
    return database.rows("SELECT id, state, attempts, result, worker FROM tasks ORDER BY id")


def all_done(database: Database) -> bool:
    return {row["state"] for row in everything(database)} == {"done"}


def test_a_claim_goes_to_one_and_in_order(database: Database) -> None:
    normal = add(database, 2)
    express = tasks.create(database, "echo", "", "", "express")["id"]
    claims = [tasks.claim(database, f"w{n}", 60) for n in range(4)]
    assert [claim and claim.id for claim in claims] == [express, *normal, None]


def test_only_the_newest_claim_can_finish(database: Database) -> None:
    add(database, 1)
    late = tasks.claim(database, "late", -1)  # a lease that has run out
    new = tasks.claim(database, "new", 60)
    assert late
    assert new
    assert (late.id, late.attempt, new.attempt) == (new.id, 1, 2)
    assert not tasks.renew(database, late, 60)
    assert not tasks.hand_back(database, late)
    assert not tasks.finish(database, late, "done", '"late"')
    assert tasks.renew(database, new, 60)
    assert tasks.finish(database, new, "done", '"new"')
    assert not tasks.finish(database, new, "done", '"again"')
    assert everything(database)[0]["result"] == '"new"'


def test_a_task_that_kills_its_workers_fails_in_the_end(database: Database) -> None:
    [number] = add(database, 1)
    assert all(tasks.claim(database, "w", -1) for _ in range(tasks.ATTEMPTS))
    assert tasks.claim(database, "w", -1) is None
    assert tasks.give_up(database) == [number]
    assert tasks.give_up(database) == []
    assert everything(database)[0]["state"] == "failed"


def test_two_workers_do_each_task_once(
    run: Callable[..., Any], storage: dict[str, str], database: Database
) -> None:
    """Of two versions, on the schema of the newer one, as during a switch."""
    assert run("migrate", "expand", version="2.0.0", **storage).ended() == 0
    add(database, 60)
    workers = [
        run("worker", version=version, AGENTS_POLL="0.02", **storage) for version in ("1.0.0", "2.0.0")
    ]
    for worker in workers:
        worker.said("event=working")
    add(database, 60)
    until(lambda: all_done(database))
    rows = everything(database)
    assert len(rows) == 120
    assert {row["attempts"] for row in rows} == {1}
    assert {row["worker"].rpartition(":")[2] for row in rows} == {"1.0.0", "2.0.0"}
    for worker in workers:
        worker.signal(signal.SIGTERM)
        assert worker.ended() == 0


def test_the_task_of_a_killed_worker_goes_to_another(
    run: Callable[..., Any], tmp_path: Path, sqlite: Database
) -> None:
    add(sqlite, 3)
    env = {"MAS_SHARED": str(tmp_path), "AGENTS_LEASE": "1.5", "AGENTS_POLL": "0.05"}
    doomed = run("worker", AGENTS_TASK_SECONDS="60", **env)
    until(lambda: everything(sqlite)[0]["state"] == "running")
    time.sleep(1.8)  # longer than the lease: it is alive and renews
    healthy = run("worker", **env)
    until(lambda: [row["state"] for row in everything(sqlite)] == ["running", "done", "done"])
    doomed.signal(signal.SIGKILL)
    until(lambda: all_done(sqlite))
    assert [row["attempts"] for row in everything(sqlite)] == [2, 1, 1]
    healthy.signal(signal.SIGTERM)
    assert healthy.ended() == 0


def test_a_stop_finishes_the_task_in_hand(run: Callable[..., Any], tmp_path: Path, sqlite: Database) -> None:
    add(sqlite, 2)
    worker = run("worker", MAS_SHARED=str(tmp_path), AGENTS_TASK_SECONDS="1")
    until(lambda: everything(sqlite)[0]["state"] == "running")
    worker.signal(signal.SIGTERM)
    assert worker.ended() == 0
    assert [row["state"] for row in everything(sqlite)] == ["done", "queued"]


def test_a_task_longer_than_the_grace_is_handed_back(
    run: Callable[..., Any], tmp_path: Path, sqlite: Database
) -> None:
    add(sqlite, 1)
    worker = run("worker", MAS_SHARED=str(tmp_path), AGENTS_TASK_SECONDS="60", AGENTS_WORKER_GRACE="0.3")
    until(lambda: everything(sqlite)[0]["state"] == "running")
    worker.signal(signal.SIGTERM)
    assert worker.ended() == 1
    assert "done=True" in worker.said("event=handed_back")
    assert everything(sqlite)[0]["state"] == "queued"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_worker_stops(run: Callable[..., Any], tmp_path: Path, number: int) -> None:
    """Also one that waits for its schema, and complains about it."""
    worker = run("worker", MAS_SHARED=str(tmp_path))
    worker.said("schema does not suit")
    worker.signal(number)
    assert worker.ended() == 0


def test_a_worker_that_has_nothing_to_do_stops_at_once(
    run: Callable[..., Any], tmp_path: Path, sqlite: Database
) -> None:
    worker = run("worker", MAS_SHARED=str(tmp_path), AGENTS_POLL="600")
    worker.said("event=working")
    worker.signal(signal.SIGTERM)
    assert worker.ended() == 0


def test_a_worker_waits_for_the_migration(run: Callable[..., Any], tmp_path: Path) -> None:
    """A slot of version 2 is started before its release migrates."""
    env = {"MAS_SHARED": str(tmp_path)}
    database = migrated(env)
    worker = run("worker", version="2.0.0", **env)
    worker.said("schema does not suit")
    run("migrate", "expand", version="2.0.0", **env).ended()
    add(database, 1)
    until(lambda: all_done(database))
    database.close()


def test_a_task_with_a_bad_payload_fails_alone(
    run: Callable[..., Any], tmp_path: Path, sqlite: Database
) -> None:
    for kind, payload in (("sum", "1 two"), ("dance", ""), ("sum", "9" * 5000), ("sum", "40 2")):
        tasks.create(sqlite, kind, payload, "", "normal")
    run("worker", MAS_SHARED=str(tmp_path))
    until(lambda: everything(sqlite)[-1]["state"] == "done")
    rows = everything(sqlite)
    assert [row["state"] for row in rows] == ["failed", "failed", "failed", "done"]
    assert all(json.loads(row["result"])["error"] for row in rows[:3])
    assert json.loads(rows[3]["result"]) == {"sum": 42}


def test_the_interface_refuses_a_broken_statement(database: Database) -> None:
    with pytest.raises(StorageError, match="the schema does not suit"):
        database.rows("SELECT one FROM nowhere")
    with pytest.raises(StorageError):
        database.change("INSERT INTO agents (name) VALUES (:name)", name="x")
    assert database.rows("SELECT :a AS a, :b AS b", a="%s :x", b=1) == [{"a": "%s :x", "b": 1}]


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=200))
def test_work_is_deterministic(kind: str, payload: str) -> None:
    def outcome() -> str:
        try:
            return perform(kind, payload)
        except ValueError as problem:
            return repr(problem)

    assert outcome() == outcome()


def test_work() -> None:
    assert json.loads(perform("count", "b a\tB\na c a")) == {
        "words": 6,
        "different": 3,
        "most": [["a", 3], ["b", 2], ["c", 1]],
    }
    assert json.loads(perform("echo", " x ")) == {"text": " x "}
    assert json.loads(perform("sum", "1 -2 30")) == {"sum": 29}


@pytest.fixture
def sqlite(tmp_path: Path) -> Any:
    database = migrated({"MAS_SHARED": str(tmp_path)})
    yield database
    database.close()
