"""The action: files on the controller, written only when they differ."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible_collections.mas.ops.plugins.action import report
from ansible_collections.mas.ops.plugins.module_utils._ledger import chain
from ansible_collections.mas.ops.plugins.modules import report as module
from ansible_collections.mas.ops.tests.unit.report import samples


def run(path: Path, *, check_mode: bool = False, diff: bool = False, **args: Any) -> dict[str, Any]:
    given = {"ledgers": samples.ledgers(), "path": str(path), "at": samples.AT, **args}
    task = SimpleNamespace(
        args=given, check_mode=check_mode, diff=diff, async_val=0, action="x", delegate_to=None, get_name=str
    )
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    action = report.ActionModule(task, connection, MagicMock(), MagicMock(), MagicMock(), None)
    return action.run(None, {})


def test_the_same_input_changes_nothing(tmp_path: Path) -> None:
    page, archive = tmp_path / "new/index.html", tmp_path / "ledgers"
    planned = run(page, archive=str(archive), check_mode=True, diff=True)
    assert planned["changed"]
    assert str(page) in planned["diff"]["after"]
    assert not list(tmp_path.iterdir())
    first = run(page, archive=str(archive))
    assert first["changed"]
    assert "diff" not in first
    assert first["sha256"] == planned["sha256"]
    assert not run(page, archive=str(archive))["changed"]
    assert first["silent"] == ["web5"]
    json.dumps(first)


def test_what_is_no_report_is_not_replaced(tmp_path: Path) -> None:
    """The path is an extra variable, and the controller has files that matter more."""
    other = tmp_path / "hosts.yml"
    other.write_text("all: {}\n")
    for check in (True, False):
        assert "the file there is not a report" in run(other, check_mode=check)["msg"]
    assert other.read_text() == "all: {}\n"
    other.write_text("")
    assert run(other)["changed"]


def test_a_new_process_makes_the_same_bytes(tmp_path: Path) -> None:
    """No address, no hash seed and no clock is in the page."""
    code = (
        "import sys; from pathlib import Path\n"
        "from ansible_collections.mas.ops.plugins.plugin_utils.report.adapters.build import Request, build\n"
        "from ansible_collections.mas.ops.tests.unit.report import samples as s\n"
        "build(Request(s.ledgers(), s.window_states(), s.window_calendars(), Path(sys.argv[1]), None, '', 'x',"
        " s.AT, 90, s.NOW, 'UTC'), False)"
    )
    pages = [tmp_path / name for name in ("a.html", "b.html")]
    for seed, page in enumerate(pages):
        subprocess.run(
            [sys.executable, "-c", code, str(page)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed + 1)},
        )
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_the_archive_holds_the_ledgers(tmp_path: Path) -> None:
    ledgers = samples.ledgers()
    run(tmp_path / "index.html", ledgers=ledgers, archive=str(tmp_path / "a"))
    copy = tmp_path / "a/production/web1.jsonl"
    entries, broken = chain.verify(copy.read_bytes().split(b"\n")[:-1])
    assert broken is None
    assert entries == ledgers["web1"]["entries"]
    assert copy.stat().st_mode & 0o777 == 0o640
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"production", "staging", "development"}


def test_a_ledger_that_was_cut_off_is_broken_and_its_copy_stays(tmp_path: Path) -> None:
    ledgers = samples.ledgers()
    page, archive = tmp_path / "index.html", tmp_path / "a"
    run(page, ledgers=ledgers, archive=str(archive))
    copy = archive / "production/web1.jsonl"
    before = copy.read_bytes()
    del ledgers["web1"]["entries"][-2:]
    done = run(page, ledgers=ledgers, archive=str(archive))
    assert done["broken"] == ["web1"]
    assert copy.read_bytes() == before
    assert "its archived copy at" in page.read_text("utf-8")


def test_a_ledger_that_was_emptied_is_broken_and_its_copy_stays(tmp_path: Path) -> None:
    ledgers = samples.ledgers()
    page, archive = tmp_path / "index.html", tmp_path / "a"
    run(page, ledgers=ledgers, archive=str(archive))
    copy = archive / "production/web1.jsonl"
    before = copy.read_bytes()
    ledgers |= {"web1": samples.ledger([]), "new1": samples.ledger([])}
    # Nothing can be said about who did not answer.
    ledgers["web2"] = {"unreachable": True, "msg": ""}
    done = run(page, ledgers=ledgers, archive=str(archive))
    assert done["broken"] == ["web1"]
    assert copy.read_bytes() == before
    last = before.count(b"\n")
    assert f"its ledger is empty, its archived copy ends at {last}" in page.read_text("utf-8")


def test_another_environment_is_no_way_around_the_copy(tmp_path: Path) -> None:
    ledgers = samples.ledgers()
    page, archive = tmp_path / "index.html", tmp_path / "a"
    run(page, ledgers=ledgers, archive=str(archive))
    before = sorted(archive.rglob("*"))
    ledgers["web1"] = samples.ledger([samples.release("new", "agents", "live", None, "1.0.0-abc")])
    done = run(page, ledgers=ledgers, archive=str(archive))
    assert done["broken"] == ["web1"]
    assert sorted(archive.rglob("*")) == before
    assert "names the environment new, its archived copy is of production" in page.read_text("utf-8")


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda copy: copy.write_bytes(copy.read_bytes().replace(b"a", b"b", 1)), "was changed after"),
        (lambda _copy: None, "its ledger has no chain"),
    ],
)
def test_entries_that_have_no_chain_any_more(
    tmp_path: Path, spoil: Callable[[Path], Any], words: str
) -> None:
    page, archive = tmp_path / "index.html", tmp_path / "a"
    ledgers = {"web1": samples.ledger([{"kind": "event", "environment": "production"}])}
    run(page, ledgers=ledgers, archive=str(archive))
    spoil(archive / "production/web1.jsonl")
    ledgers["web1"]["entries"] = [{"kind": "event", "environment": "production"}]
    assert run(page, ledgers=ledgers, archive=str(archive))["broken"] == ["web1"]
    assert words in page.read_text("utf-8")


def test_one_application(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    done = run(page, application="billing", archive=str(tmp_path / "a"))
    assert {measures["application"] for measures in done["dora"]["measures"]} == {"billing"}
    assert b'"application":"agents"' in (tmp_path / "a/production/web1.jsonl").read_bytes()


def test_no_entries_at_all(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    silent = {"web1": {"unreachable": True, "msg": ""}, "web2": samples.ledger([])}
    done = run(page, ledgers=silent, at="")
    assert done["at"] is None
    assert "Nothing is live." in page.read_text("utf-8")
    assert run(page, ledgers={})["hosts"] == 0


@pytest.mark.parametrize(
    "args, words",
    [
        ({"ledgers": {"web1": 7}}, "ledgers.web1"),
        ({"ledgers": {"web1": {"entries": "x"}}}, "ledgers.web1.entries"),
        ({"at": "yesterday"}, "not a time with its zone"),
        ({"period_days": 0}, "not a number of days"),
        ({"zone": "Mars"}, "there is no time zone 'Mars'"),
        ({"window_states": {"web1": 7}}, "window_states.web1"),
        ({"window_calendars": {"web1": {"spans": [7]}}}, "window_calendars.web1.spans"),
    ],
)
def test_what_cannot_be_right(tmp_path: Path, args: dict[str, Any], words: str) -> None:
    page = tmp_path / "index.html"
    done = run(page, **args)
    assert done["failed"]
    assert words in done["msg"]
    assert not page.exists()


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done["failed"], done["error"]) == (True, "storage")
    with pytest.raises(AnsibleError):
        run(tmp_path / "x", surprise=1)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(report.ActionModule, "missing", ImportError("no", name="matplotlib"))
    assert "the Python library matplotlib is not installed" in run(tmp_path / "x")["msg"]


def test_documentation_and_spec_agree() -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    spec = module.SPEC.options
    assert set(documented) == set(spec)
    for name, option in spec.items():
        assert documented[name]["type"] == option["type"], name
        assert documented[name].get("default") == option.get("default"), name


def test_a_page_of_a_past_day_has_nothing_newer(tmp_path: Path) -> None:
    day, path = "2026-10-15", tmp_path / "page.html"
    run(path, at=f"{day}T23:59:59Z", period_days=30)
    times = set(re.findall(r"2026-1[0-2]-\d\d \d\d:\d\d", path.read_text()))
    assert times
    assert max(times)[:10] <= day
    run(path)
    assert max(re.findall(r"2026-1[0-2]-\d\d \d\d:\d\d", path.read_text()))[:10] > day
