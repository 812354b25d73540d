"""The adapters against real servers and files."""

from __future__ import annotations

import http.server
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy
from ansible_collections.mas.ops.plugins.plugin_utils.gate.adapters import ledgers, stopfile, web
from ansible_collections.mas.ops.plugins.plugin_utils.gate.adapters.asking import (
    Asker,
    Host,
    Subject,
    all_runs,
    read_host,
)
from ansible_collections.mas.ops.plugins.plugin_utils.gate.check import Unknown
from ansible_collections.mas.ops.plugins.plugin_utils.gate.settings import (
    Age,
    AlertQuestion,
    BudgetQuestion,
    Promotion,
    Server,
)

ANSWERS = yaml.safe_load((Path(__file__).parents[2] / "cases/gate/answers.yml").read_text())
AT = datetime(2026, 3, 9, 22, 30, tzinfo=UTC)


class Recorder:
    """A server that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.delay = 200, b"[]", 0.0
        self.location = ""
        #: How many bytes more are announced than sent, and how long to wait after each byte.
        self.missing, self.drip = 0, 0.0
        self.asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []

    def answer(self, body: Any, status: int = 200) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


def parts_of(body: bytes, length: int) -> list[bytes]:
    return [body[begin : begin + length] for begin in range(0, len(body), max(length, 1))]


@contextmanager
def serving() -> Iterator[tuple[Recorder, str]]:
    recorder = Recorder()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            recorder.asked.append((parts.path, parse_qs(parts.query), dict(self.headers)))
            time.sleep(recorder.delay)
            self.send_response(recorder.status)
            if recorder.location:
                self.send_header("Location", recorder.location)
            self.send_header("Content-Length", str(len(recorder.body) + recorder.missing))
            self.end_headers()
            # Whoever asked may have given up.
            with suppress(OSError):
                for part in parts_of(recorder.body, 1 if recorder.drip else len(recorder.body)):
                    self.wfile.write(part)
                    time.sleep(recorder.drip)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield recorder, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server() -> Iterator[tuple[Recorder, str]]:
    with serving() as both:
        yield both


def test_alertmanager_is_asked_for_what_fires_and_matches(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    recorder.answer(ANSWERS["alertmanager"]["two"]["answer"])
    question = AlertQuestion(
        Server(f"{url}/am", (("Authorization", "Bearer x"),)), ('severity="page"', "a!=b")
    )
    assert web.alerts(question) == ANSWERS["alertmanager"]["two"]["labels"]
    path, words, headers = recorder.asked[0]
    assert path == "/am/api/v2/alerts"
    assert words == {
        "active": ["true"], "silenced": ["false"], "inhibited": ["false"], "filter": ['severity="page"', "a!=b"],
    }  # fmt: skip
    assert headers["Authorization"] == "Bearer x"


@pytest.mark.parametrize("name", ["empty", "suppressed"])
def test_alerts_that_do_not_count(server: tuple[Recorder, str], name: str) -> None:
    recorder, url = server
    recorder.answer(ANSWERS["alertmanager"][name]["answer"])
    assert web.alerts(AlertQuestion(Server(url))) == []


@pytest.mark.parametrize("state", ["active", "unprocessed"])
def test_alerts_that_count(server: tuple[Recorder, str], state: str) -> None:
    recorder, url = server
    recorder.answer([{"labels": {"alertname": "Down"}, "status": {"state": state}}])
    assert web.alerts(AlertQuestion(Server(url))) == [{"alertname": "Down"}]


@pytest.mark.parametrize("case", ANSWERS["prometheus"], ids=lambda case: case["name"])
def test_prometheus(server: tuple[Recorder, str], case: dict[str, Any]) -> None:
    recorder, url = server
    recorder.answer(case["answer"], case.get("status", 200))
    found = web.budget(BudgetQuestion(Server(url), "1 - errors / budget", minimum=0))
    if "unknown" in case:
        assert isinstance(found, Unknown)
        assert case["unknown"] in found.why
    else:
        assert found == [tuple(one) for one in case["values"]]
    assert recorder.asked[0][:2] == ("/api/v1/query", {"query": ["1 - errors / budget"]})


@pytest.mark.parametrize(
    "body, status, said",
    [
        (b"not json", 200, "is not JSON"),
        ({"status": "success"}, 200, "not a list of alerts"),
        ({}, 200, "not a list of alerts"),
        (b'""', 200, "not a list of alerts"),
        (b"[" * 200_000, 200, "is not JSON"),
        (b"null", 200, "not a list of alerts"),
        (b"bad matcher", 400, "answered 400: bad matcher"),
        (b"", 503, "answered 503"),
    ],
)
def test_an_answer_that_is_none(server: tuple[Recorder, str], body: Any, status: int, said: str) -> None:
    recorder, url = server
    recorder.answer(body, status)
    found = web.alerts(AlertQuestion(Server(url)))
    assert isinstance(found, Unknown)
    assert said in found.why


def test_a_secret_header_is_not_taken_elsewhere(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    with serving() as (other, elsewhere):
        recorder.answer(b"", 302)
        recorder.location = f"{elsewhere}/login"
        found = web.alerts(AlertQuestion(Server(url, (("Authorization", "Bearer x"),))))
        assert isinstance(found, Unknown)
        assert "answered 302" in found.why
        assert other.asked == []


def test_nobody_there_and_secrets_are_not_told() -> None:
    found = web.alerts(AlertQuestion(Server("http://user:secret@127.0.0.1:9")))
    assert isinstance(found, Unknown)
    assert "did not answer" in found.why
    assert "secret" not in found.why


def test_a_server_that_hangs(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    recorder.delay = 1.0
    found = web.alerts(AlertQuestion(Server(url, timeout=0.2)))
    assert isinstance(found, Unknown)
    assert "timed out" in found.why


@pytest.mark.parametrize("status", [200, 500])
def test_a_server_that_sends_a_byte_now_and_then(server: tuple[Recorder, str], status: int) -> None:
    recorder, url = server
    recorder.answer(b" " * 30 + b"[]", status)
    recorder.drip = 0.1
    begin = time.monotonic()
    found = web.alerts(AlertQuestion(Server(url, timeout=0.5)))
    assert time.monotonic() - begin < 2
    assert isinstance(found, Unknown)
    assert "timed out" in found.why


def test_an_answer_that_ends_early(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    recorder.missing = 5
    found = web.alerts(AlertQuestion(Server(url)))
    assert isinstance(found, Unknown)
    assert "5 more expected" in found.why


def test_a_stop_file(tmp_path: Path) -> None:
    place = tmp_path / "stop"
    assert stopfile.stop_reason(str(place), given=True) == ""
    place.write_text("\n  the database is on fire  \nmore\n")
    assert stopfile.stop_reason(str(place), given=True) == f"the database is on fire ({place})"
    place.write_text("")
    assert stopfile.stop_reason(str(place), given=True) == f"no reason was given ({place})"
    place.write_bytes(b"HOME=/root\0TOKEN=hidden")
    assert stopfile.stop_reason(str(place), given=True).startswith("its text is no reason")
    away = str(tmp_path / "mount/stop")
    assert stopfile.stop_reason(away, given=False) == ""
    assert isinstance(stopfile.stop_reason(away, given=True), Unknown)
    assert isinstance(stopfile.stop_reason(str(tmp_path), given=True), Unknown)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_stop_file_that_may_not_be_read(tmp_path: Path) -> None:
    place = tmp_path / "stop"
    place.touch(mode=0)
    assert isinstance(stopfile.stop_reason(str(place), given=True), Unknown)


@pytest.mark.parametrize(
    "status, reason", [(200, "fire"), (404, ""), (410, ""), (403, None), (500, None), (204, None)]
)
def test_a_stop_url(server: tuple[Recorder, str], status: int, reason: str | None) -> None:
    recorder, url = server
    recorder.answer(b"fire" if status != 204 else b"", status)
    found = stopfile.stop_reason(f"{url}/stop", given=True)
    if reason is None:
        assert isinstance(found, Unknown)
    else:
        assert found == (f"{reason} ({url}/stop)" if reason else "")


def ledger(path: Path, *entries: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = FileLedger(str(path))
    for entry in entries:
        time_ = entry.pop("time")
        book.append(entry, time_)


def release(action: str, to: str, hour: int, environment: str = "staging") -> dict[str, Any]:
    return {
        "kind": "release", "application": "agents", "environment": environment, "action": action,
        "from": None, "to": to, "time": f"2026-03-09T{hour:02}:00:00.000Z",
    }  # fmt: skip


def test_gathered_ledgers(tmp_path: Path) -> None:
    ledger(tmp_path / "staging/s1.jsonl", release("live", "a", 20))
    ledger(tmp_path / "staging/s2.jsonl", release("live", "a", 21), release("live", "b", 22))
    ledger(tmp_path / "staging/p1.jsonl", release("live", "c", 2, "production"))
    question = Promotion("staging", f"{tmp_path}/staging/*.jsonl", timedelta())
    found = ledgers.lives(question, "agents", "a", AT)
    assert not isinstance(found, Unknown)
    assert [(one.host, one.seconds) for one in found] == [("s1", 9000), ("s2", 3600)]
    assert ledgers.lives(question, "agents", "c", AT) == []


def test_a_gathered_ledger_tells_of_its_sealed_files(tmp_path: Path) -> None:
    path = tmp_path / "staging/s1.jsonl"
    ledger(path, release("live", "a", 20))
    FileLedger(str(path), LedgerPolicy(max_bytes=1)).append({"kind": "note"}, "2026-03-09T21:00:00.000Z")
    found = ledgers.lives(Promotion("staging", str(path), timedelta()), "agents", "a", AT)
    assert not isinstance(found, Unknown)
    assert [(one.host, one.seconds) for one in found] == [("s1", 9000)]


def test_one_changed_byte_makes_the_promotion_unknown(tmp_path: Path) -> None:
    path = tmp_path / "staging/s1.jsonl"
    ledger(path, release("live", "a", 20), release("live", "b", 21))
    path.write_bytes(path.read_bytes().replace(b'"to":"a"', b'"to":"x"'))
    found = ledgers.lives(Promotion("staging", f"{tmp_path}/staging/*.jsonl", timedelta()), "agents", "x", AT)
    assert isinstance(found, Unknown)
    assert "s1.jsonl" in found.why


def test_no_ledgers_are_not_no_releases(tmp_path: Path) -> None:
    assert isinstance(ledgers.lives(Promotion("s", f"{tmp_path}/*", timedelta()), "a", "b", AT), Unknown)


def test_the_newest_good_backup_of_several_hosts(tmp_path: Path) -> None:
    def entry(kind: str, outcome: str, hour: int) -> dict[str, Any]:
        return {"kind": kind, "outcome": outcome, "time": f"2026-03-09T{hour:02}:00:00Z"}

    ledger(tmp_path / "d1.jsonl", entry("backup", "succeeded", 3), entry("backup", "failed", 9))
    ledger(tmp_path / "d2.jsonl", entry("backup", "succeeded", 5), entry("drill", "succeeded", 8))
    question = Age(timedelta(hours=24), f"{tmp_path}/*.jsonl")
    assert ledgers.newest(question, "backup") == datetime(2026, 3, 9, 5, tzinfo=UTC)
    assert ledgers.newest(question, "restore") is None


def host(name: str = "web1", asked: Any = None, change: str = "deploy", **variables: Any) -> Host:
    return read_host(name, variables, change, None, asked)


def test_hosts_that_ask_alike_ask_once(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    asker = Asker(Subject("agents"), AT)
    for number in range(20):
        facts = asker.facts(host(f"web{number}", gate_alertmanager=url))
        assert facts.alerts == []
    assert len(recorder.asked) == 1
    asker.facts(host("web99", gate_alertmanager={"url": url, "filter": ["x=y"]}))
    assert len(recorder.asked) == 2


def test_what_is_off_is_not_asked(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    Asker(Subject(), AT).facts(host(gate_alertmanager=url, gate_checks={"alerts": False}))
    assert recorder.asked == []


def test_what_only_advises_is_not_waited_for_long(
    server: tuple[Recorder, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, url = server
    recorder.delay = 1.0
    monkeypatch.setattr(
        "ansible_collections.mas.ops.plugins.plugin_utils.gate.adapters.asking._PATIENCE", 0.1
    )
    begin = time.monotonic()
    facts = Asker(Subject(), AT).facts(host(change="rollback", gate_alertmanager=url))
    assert isinstance(facts.alerts, Unknown)
    assert time.monotonic() - begin < 0.9


ASKED = {"disks": [], "reboot": [], "locked": True, "runs": [], "newest": {}, "ledger_error": ""}


def test_answers_count_only_while_somebody_asks() -> None:
    """They may be those of an earlier play."""
    assert Asker(Subject(), AT).facts(host(asked=ASKED)).answers is None
    found = Asker(Subject(), AT).facts(host(asked=ASKED, gate_checks={"lock": True})).answers
    assert found is not None
    assert found.locked


def test_answers_that_are_none() -> None:
    named = {"gate_checks": {"lock": True}, "gate_backup": "24h"}
    away = Asker(Subject(), AT).facts(host(asked={"unreachable": True, "msg": "no route\nx"}, **named))
    assert (away.unreachable, away.answers) == ("no route", None)
    assert isinstance(away.backup, Unknown)
    failed = Asker(Subject(), AT).facts(host(asked={"msg": "no python"}, **named)).answers
    assert failed is not None
    assert isinstance(failed.newest, Unknown)
    broken = Asker(Subject(), AT).facts(host(asked={**ASKED, "ledger_error": "line 3"}, **named))
    assert isinstance(broken.backup, Unknown)


def test_backups_of_the_hosts_own_ledger() -> None:
    told = {**ASKED, "newest": {"backup": "2026-03-09T06:00:00.000Z", "drill": None}}
    facts = Asker(Subject(), AT).facts(host(asked=told, gate_backup="24h", gate_drill="31d"))
    assert facts.backup == datetime(2026, 3, 9, 6, tzinfo=UTC)
    assert facts.drill is None


def test_runs_of_all_hosts_together() -> None:
    told = [{**ASKED, "runs": [{"run": "1", "kind": "deploy", "seconds": seconds}]} for seconds in (5, 9)]
    assert all_runs([host("a", told[0]), host("b", told[1]), host("c")]) == {"deploy": (9.0,)}


WRONG = {"windows": [{"name": "n", "cron": "61 * * * *", "duration": "1h"}]}


def test_a_mistake_in_the_windows() -> None:
    with pytest.raises(BadInput):
        Asker(Subject(), AT).facts(host(**WRONG))
    assert isinstance(Asker(Subject(), AT).facts(host(change="rollback", **WRONG)).opening, Unknown)


def test_a_mistake_in_the_settings() -> None:
    with pytest.raises(BadInput, match="not a duration") as caught:
        host(gate_wait_limit="soon")
    assert caught.value.where == "gate_wait_limit of web1"
    found = Asker(Subject(), AT).facts(host(change="rollback", gate_wait_limit="soon"))
    assert isinstance(found.opening, Unknown)
    assert "soon" in found.opening.why


def test_a_calendar_that_cannot_be_had_is_a_freeze() -> None:
    facts = Asker(Subject(), AT).facts(
        host(windows_calendars=[{"source": "http://127.0.0.1:9/freezes.ics", "timeout": 1}])
    )
    assert getattr(facts.opening, "frozen", True)
