"""The adapters against real servers and files."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy
from ansible_collections.mas.ops.plugins.plugin_utils.gate.adapters import ledgers, stopfile
from ansible_collections.mas.ops.plugins.plugin_utils.gate.adapters.fact_collector import (
    FactCollector,
    GateHost,
    PlannedChange,
    durations_of_runs,
    read_host,
)
from ansible_collections.mas.ops.plugins.plugin_utils.gate.checks.model import Unknown
from ansible_collections.mas.ops.plugins.plugin_utils.gate.settings import (
    MaxAge,
    Promotion,
)

from ..http_server import Recorder

AT = datetime(2026, 3, 9, 22, 30, tzinfo=UTC)


def test_a_stop_file(tmp_path: Path) -> None:
    place = tmp_path / "stop"
    assert stopfile.stop_reason(str(place), given=True) == ""
    place.write_text("\n  the database is on fire  \nmore\n")
    assert stopfile.stop_reason(str(place), given=True) == f"the database is on fire ({place})"
    place.write_text("")
    assert stopfile.stop_reason(str(place), given=True) == f"no reason was given ({place})"
    place.write_bytes(b"HOME=/root\0TOKEN=hidden")
    assert stopfile.stop_reason(str(place), given=True).startswith("its text is not printable")
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
    found = ledgers.deployments(question, "agents", "a", AT)
    assert not isinstance(found, Unknown)
    assert [(one.host, one.seconds) for one in found] == [("s1", 9000), ("s2", 3600)]
    assert ledgers.deployments(question, "agents", "c", AT) == []


def test_a_gathered_ledger_includes_its_sealed_files(tmp_path: Path) -> None:
    path = tmp_path / "staging/s1.jsonl"
    ledger(path, release("live", "a", 20))
    FileLedger(str(path), LedgerPolicy(max_bytes=1)).append({"kind": "note"}, "2026-03-09T21:00:00.000Z")
    found = ledgers.deployments(Promotion("staging", str(path), timedelta()), "agents", "a", AT)
    assert not isinstance(found, Unknown)
    assert [(one.host, one.seconds) for one in found] == [("s1", 9000)]


def test_one_changed_byte_makes_the_promotion_unknown(tmp_path: Path) -> None:
    path = tmp_path / "staging/s1.jsonl"
    ledger(path, release("live", "a", 20), release("live", "b", 21))
    path.write_bytes(path.read_bytes().replace(b'"to":"a"', b'"to":"x"'))
    found = ledgers.deployments(
        Promotion("staging", f"{tmp_path}/staging/*.jsonl", timedelta()), "agents", "x", AT
    )
    assert isinstance(found, Unknown)
    assert "s1.jsonl" in found.why


def test_no_ledgers_are_not_no_releases(tmp_path: Path) -> None:
    assert isinstance(
        ledgers.deployments(Promotion("s", f"{tmp_path}/*", timedelta()), "a", "b", AT), Unknown
    )


def test_the_newest_good_backup_of_several_hosts(tmp_path: Path) -> None:
    def entry(kind: str, outcome: str, hour: int) -> dict[str, Any]:
        return {"kind": kind, "outcome": outcome, "time": f"2026-03-09T{hour:02}:00:00Z"}

    ledger(tmp_path / "d1.jsonl", entry("backup", "succeeded", 3), entry("backup", "failed", 9))
    ledger(tmp_path / "d2.jsonl", entry("backup", "succeeded", 5), entry("drill", "succeeded", 8))
    question = MaxAge(timedelta(hours=24), f"{tmp_path}/*.jsonl")
    assert ledgers.newest(question, "backup") == datetime(2026, 3, 9, 5, tzinfo=UTC)
    assert ledgers.newest(question, "restore") is None


def host(name: str = "web1", gate_info: Any = None, change: str = "deploy", **variables: Any) -> GateHost:
    return read_host(name, variables, change, None, gate_info)


def test_hosts_that_ask_alike_ask_once(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    collector = FactCollector(PlannedChange("agents"), AT)
    for number in range(20):
        facts = collector.facts(host(f"web{number}", gate_alertmanager=url))
        assert facts.alerts == []
    assert len(recorder.requests) == 1
    collector.facts(host("web99", gate_alertmanager={"url": url, "filter": ["x=y"]}))
    assert len(recorder.requests) == 2


def test_what_is_off_is_not_asked(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    FactCollector(PlannedChange(), AT).facts(host(gate_alertmanager=url, gate_checks={"alerts": False}))
    assert recorder.requests == []


def test_what_only_advises_is_not_waited_for_long(
    server: tuple[Recorder, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, url = server
    recorder.delay = 1.0
    monkeypatch.setattr(
        "ansible_collections.mas.ops.plugins.plugin_utils.gate.adapters.fact_collector._ADVISORY_TIMEOUT", 0.1
    )
    begin = time.monotonic()
    facts = FactCollector(PlannedChange(), AT).facts(host(change="rollback", gate_alertmanager=url))
    assert isinstance(facts.alerts, Unknown)
    assert time.monotonic() - begin < 0.9


GATE_INFO = {"disks": [], "reboot": [], "locked": True, "runs": [], "newest": {}, "ledger_error": ""}


def test_host_facts_count_only_while_a_check_needs_them() -> None:
    """They may be those of an earlier play."""
    assert FactCollector(PlannedChange(), AT).facts(host(gate_info=GATE_INFO)).host_facts is None
    found = (
        FactCollector(PlannedChange(), AT)
        .facts(host(gate_info=GATE_INFO, gate_checks={"lock": True}))
        .host_facts
    )
    assert found is not None
    assert found.locked


def test_host_facts_that_are_none() -> None:
    named = {"gate_checks": {"lock": True}, "gate_backup": "24h"}
    away = FactCollector(PlannedChange(), AT).facts(
        host(gate_info={"unreachable": True, "msg": "no route\nx"}, **named)
    )
    assert (away.unreachable, away.host_facts) == ("no route", None)
    assert isinstance(away.backup, Unknown)
    failed = (
        FactCollector(PlannedChange(), AT).facts(host(gate_info={"msg": "no python"}, **named)).host_facts
    )
    assert failed is not None
    assert isinstance(failed.newest, Unknown)
    broken = FactCollector(PlannedChange(), AT).facts(
        host(gate_info={**GATE_INFO, "ledger_error": "line 3"}, **named)
    )
    assert isinstance(broken.backup, Unknown)


def test_backups_of_the_hosts_own_ledger() -> None:
    gate_info = {**GATE_INFO, "newest": {"backup": "2026-03-09T06:00:00.000Z", "drill": None}}
    facts = FactCollector(PlannedChange(), AT).facts(
        host(gate_info=gate_info, gate_backup="24h", gate_drill="31d")
    )
    assert facts.backup == datetime(2026, 3, 9, 6, tzinfo=UTC)
    assert facts.drill is None


def test_runs_of_all_hosts_together() -> None:
    results = [
        {**GATE_INFO, "runs": [{"run": "1", "kind": "deploy", "seconds": seconds}]} for seconds in (5, 9)
    ]
    assert durations_of_runs([host("a", results[0]), host("b", results[1]), host("c")]) == {"deploy": (9.0,)}


WRONG = {"change_windows": [{"name": "n", "cron": "61 * * * *", "duration": "1h"}]}


def test_a_mistake_in_the_windows() -> None:
    with pytest.raises(BadInput):
        FactCollector(PlannedChange(), AT).facts(host(**WRONG))
    assert isinstance(
        FactCollector(PlannedChange(), AT).facts(host(change="rollback", **WRONG)).opening, Unknown
    )


def test_a_mistake_in_the_settings() -> None:
    with pytest.raises(BadInput, match="not a duration") as caught:
        host(gate_wait_limit="soon")
    assert caught.value.where == "gate_wait_limit of web1"
    found = FactCollector(PlannedChange(), AT).facts(host(change="rollback", gate_wait_limit="soon"))
    assert isinstance(found.opening, Unknown)
    assert "soon" in found.opening.why


def test_a_calendar_that_cannot_be_had_is_a_freeze() -> None:
    facts = FactCollector(PlannedChange(), AT).facts(
        host(change_calendars=[{"source": "http://127.0.0.1:9/freezes.ics", "timeout": 1}])
    )
    assert getattr(facts.opening, "frozen", True)
