"""What the HTTP API does: agents, tasks, messages, the token, and clean refusals."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import metrics
from agents_bed import migrated

TOKEN = "a-token-of-the-tests"


@pytest.fixture
def api(run: Callable[..., Any], tmp_path: Path, client: Callable[..., Any]) -> Any:
    env = {"MAS_SHARED": str(tmp_path), "MAS_SLOT": "blue", "AGENTS_TOKEN": TOKEN, "AGENTS_MAX_BODY": "2000"}
    migrated(env).close()
    process = run("api", **env)
    connected = client(process.port, TOKEN)
    connected.process = process
    return connected


def test_agents_register_and_live(api: Any) -> None:
    assert api.get("/agents").json == {"agents": []}
    first = api.post("/agents", {"name": "planner", "role": "plan"})
    assert first.status == 201
    assert api.post("/agents", {"name": "planner", "role": "think"}).json["role"] == "think"
    beat = api.post("/agents/planner/heartbeat")
    assert beat.status == 200
    assert beat.json["seen"] >= first.json["seen"]
    assert [agent["name"] for agent in api.get("/agents").json["agents"]] == ["planner"]
    assert api.post("/agents/unknown/heartbeat").status == 404


def test_tasks_are_created_listed_and_read(api: Any) -> None:
    created = api.post("/tasks", {"kind": "count", "payload": "one two", "agent": "planner"})
    assert created.status == 201
    task = api.get(created.headers["Location"]).json
    assert (task["state"], task["kind"], task["lane"], task["result"]) == ("queued", "count", "normal", None)
    api.post("/tasks", {"kind": "echo"})
    numbers = [one["id"] for one in api.get("/tasks?state=queued").json["tasks"]]
    assert numbers == [task["id"] + 1, task["id"]]
    assert len(api.get(f"/tasks?limit=1&before={numbers[0]}").json["tasks"]) == 1
    assert api.get("/tasks?state=done").json == {"tasks": []}
    for wrong in ("/tasks/0", "/tasks/x", "/tasks/99999999999999999999999"):
        assert api.get(wrong).status == 404


def test_messages_go_from_agent_to_agent(api: Any) -> None:
    for name in ("a", "b"):
        api.post("/agents", {"name": name})
    sent = api.post("/messages", {"from": "a", "to": "b", "body": "hellö"})
    assert sent.status == 201
    assert [message["body"] for message in api.get("/agents/b/inbox").json["messages"]] == ["hellö"]
    assert api.get(f"/agents/b/inbox?after={sent.json['id']}").json == {"messages": []}
    assert api.get("/agents/a/inbox").json == {"messages": []}
    assert api.post("/messages", {"from": "a", "to": "a", "body": "note"}).status == 201
    begun = time.monotonic()
    assert len(api.get("/agents/b/inbox?wait=30").json["messages"]) == 1
    assert time.monotonic() - begun < 10
    assert api.get(f"/agents/b/inbox?wait=1&after={sent.json['id']}").json == {"messages": []}
    assert time.monotonic() - begun >= 1
    assert api.get("/agents/b/inbox?wait=61").status == 400
    assert api.post("/messages", {"from": "a", "to": "unknown", "body": "x"}).status == 404


REFUSED = [
    ("GET", "/nowhere", None, 404),
    ("GET", "/tasks/1/more", None, 404),
    ("DELETE", "/tasks", None, 405),
    ("PUT", "/health", None, 405),
    ("POST", "/tasks", b"", 400),
    ("POST", "/tasks", b"{", 400),
    ("POST", "/tasks", b"[]", 400),
    ("POST", "/tasks", b"[" * 1900, 400),
    ("POST", "/tasks", b"\xff\xfe", 400),
    ("POST", "/tasks", {"kind": "dance"}, 400),
    ("POST", "/tasks", {"kind": 1}, 400),
    ("POST", "/tasks", {"kind": "echo", "payload": ["x"]}, 400),
    ("POST", "/tasks", {"kind": "echo", "payload": "a\0b"}, 400),
    ("POST", "/tasks", {"kind": "echo", "payload": "\ud800"}, 400),
    ("POST", "/tasks", {"kind": "echo", "lane": "fast"}, 400),
    ("POST", "/tasks", b"x" * 2001, 413),
    ("POST", "/tasks", b"x" * 500_000, 413),
    ("GET", "/tasks?limit=0", None, 400),
    ("GET", "/tasks?limit=many", None, 400),
    ("GET", "/tasks?limit=%C2%B2", None, 400),
    ("GET", "/tasks?state=lost", None, 400),
    ("GET", "/tasks?" + "&".join("abcdefghijklmnopqrstuvwxyz"), None, 400),
    ("GET", "/agents?after=%00", None, 400),
    ("GET", "/agents/%00/inbox", None, 400),
    ("POST", "/agents", {"name": "Not a name"}, 400),
    ("POST", "/agents", {}, 400),
    ("POST", "/messages", {"from": "a", "to": "b", "body": ""}, 400),
]


@pytest.fixture(scope="module")
def shared_port(module_run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> int:
    """One process for the whole table of refusals."""
    env = {"MAS_SHARED": str(tmp_path_factory.mktemp("shared")), "AGENTS_MAX_BODY": "2000"}
    migrated(env).close()
    port: int = module_run("api", **env).port
    return port


@pytest.mark.parametrize("method, path, data, status", REFUSED)
def test_bad_input_is_refused_in_json(
    shared_port: int, client: Callable[..., Any], method: str, path: str, data: object, status: int
) -> None:
    answer = client(shared_port).ask(method, path, data)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["status"] == status
    assert answer.json["error"]
    if status == 405:
        assert answer.headers["Allow"]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
def test_changes_need_the_token(api: Any, authorization: str) -> None:
    refused = api.ask("POST", "/agents", {"name": "x"}, Authorization=authorization)
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert api.ask("POST", "/agents", {"name": "x"}, Authorization=f"bearer {TOKEN}").status == 201


def test_reading_needs_no_token(api: Any, client: Callable[..., Any]) -> None:
    anyone = client(api.port)
    for path in ("/agents", "/tasks", "/agents/x/inbox", "/health", "/version", "/metrics"):
        assert anyone.get(path).status == 200


def test_the_token_stays_out_of_logs_and_answers(
    run: Callable[..., Any], tmp_path: Path, client: Callable[..., Any]
) -> None:
    process = run("api", MAS_SHARED=str(tmp_path), AGENTS_TOKEN=TOKEN, AGENTS_ACCESS_LOG="1")
    asked = client(process.port, TOKEN)
    texts = [asked.post("/agents", {"name": "x"}).text, asked.get(f"/agents?after={TOKEN}").text]
    assert "path=/agents status=503" in process.said("event=request method=POST")
    process.said("event=request method=GET")
    process.signal(15)
    process.ended()
    assert TOKEN not in "".join([*process.lines, *texts])


def test_health_and_version_name_the_release(api: Any) -> None:
    assert api.get("/health").json == {"status": "ok", "version": "1.0.0", "slot": "blue"}
    version = api.get("/version").json
    assert (version["name"], version["version"], version["slot"]) == ("agents", "1.0.0", "blue")
    assert version["started"].endswith("Z")


def test_metrics_count_requests(api: Any) -> None:
    api.post("/tasks", {"kind": "echo"})
    api.get("/tasks/1")
    api.get("/nowhere")
    answer = api.get("/metrics")
    assert answer.headers["Content-Type"] == metrics.CONTENT_TYPE
    lines = answer.text.splitlines()
    assert 'agents_http_requests_total{method="GET",route="/tasks/{id}",status="200"} 1' in lines
    assert 'agents_http_requests_total{method="GET",route="other",status="404"} 1' in lines
    assert 'agents_build_info{version="1.0.0",slot="blue"} 1' in lines
    assert 'agents_tasks{state="queued"} 1' in lines
    assert 'agents_http_request_duration_seconds_bucket{le="+Inf"} 3' in lines
    assert all(line.startswith("#") or len(line.rsplit(" ", 1)) == 2 for line in lines)


def test_not_migrated_is_said_and_not_fatal(
    run: Callable[..., Any], storage: dict[str, str], client: Callable[..., Any]
) -> None:
    """A slot is started before the migration of its release runs."""
    api = client(run("api", **storage).port)
    assert api.get("/health").status == 200
    refused = api.get("/tasks")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert "schema does not suit" in refused.json["error"]
    assert api.get("/metrics").status == 200
    assert run("migrate", "expand", **storage).ended() == 0
    assert api.get("/tasks").json == {"tasks": []}


def test_the_same_answers_from_both_databases(
    run: Callable[..., Any], storage: dict[str, str], client: Callable[..., Any]
) -> None:
    migrated(storage).close()
    api = client(run("api", **storage).port)
    for name in ("a", "b"):
        assert api.post("/agents", {"name": name, "role": "100% ':x {}"}).json["role"] == "100% ':x {}"
    assert api.post("/agents/a/heartbeat").status == 200
    assert api.post("/messages", {"from": "a", "to": "b", "body": "x"}).json["id"] == 1
    assert api.post("/messages", {"from": "a", "to": "c", "body": "x"}).status == 404
    assert len(api.get("/agents/b/inbox?after=0").json["messages"]) == 1
    task = api.post("/tasks", {"kind": "sum", "payload": "1 2", "lane": "express"}).json
    assert (task["id"], task["lane"], task["attempts"], type(task["created"])) == (1, "express", 0, float)
    assert api.get("/tasks?state=queued&before=2").json["tasks"] == [task]
    assert 'agents_tasks{state="queued"} 1' in api.get("/metrics").text


@pytest.mark.parametrize(
    "name, value, reason",
    [
        ("MAS_SHARED", "/nonexistent", "agents.db: unable to open"),
        (
            "AGENTS_DATABASE_URL",
            "postgresql://u:a-password@/db?host=/nonexistent",
            "PostgreSQL: connection to",
        ),
        ("AGENTS_DATABASE_URL", "postgrsql://u:a-password@host/db", "cannot be read as an address"),
    ],
)
def test_unhealthy_while_the_database_is_away(
    run: Callable[..., Any], client: Callable[..., Any], name: str, value: str, reason: str
) -> None:
    if name == "AGENTS_DATABASE_URL":
        pytest.importorskip("psycopg2", reason="NOT TESTED: a PostgreSQL that is away; there is no psycopg2")
    process = run("api", **{name: value})
    api = client(process.port)
    health = api.get("/health")
    assert health.status == 503
    assert reason in health.json["reason"]
    assert "a-password" not in health.text + "".join(process.lines)
    assert api.get("/agents").status == 503
    assert json.loads(api.get("/version").text)["version"] == "1.0.0"


@pytest.mark.parametrize("name, value", [("PORT", "http"), ("AGENTS_WARMUP", "-1"), ("AGENTS_LEASE", "0")])
def test_a_bad_setting_is_named(run: Callable[..., Any], name: str, value: str) -> None:
    process = run("api", **{name: value})
    assert process.ended() == 2
    assert name in process.said("event=bad_setting")


def test_the_missing_driver_is_named(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "psycopg2.py").write_text("raise ImportError('no module named psycopg2')\n")
    process = run("api", AGENTS_DATABASE_URL="postgresql://u:a-password@/db", PYTHONPATH=str(tmp_path))
    assert process.ended() == 2
    assert "install python3-psycopg2" in process.said("event=bad_setting")
    assert "a-password" not in "".join(process.lines)
