"""Several copies of a process, and processes that do not run on a host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._releases import damage, units
from ansible_collections.mas.ops.plugins.module_utils._releases.fields import ManifestError
from ansible_collections.mas.ops.plugins.module_utils._releases.instances import (
    copy_name,
    counts,
    of_copy,
    parse_selection,
    selected,
    unknown,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.neighbours import footprint, forbidden
from ansible_collections.mas.ops.plugins.module_utils._releases.slot import (
    Slot,
    as_run,
    assigned,
    parse_slot,
    pending,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.sockets import slice_of
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, FakeHost, live, manifest, release

ONE = release("1.0.0")
PROCESS = {"kind": "worker", "command": ["run"], "stop_signal": "SIGTERM", "stop_grace": 10}
WEB = {**PROCESS, "kind": "web", "listen": "systemd"}


def record(selection: dict[str, int] | None = None, **processes: dict[str, Any]) -> Slot:
    app = replace(APP, processes=selection or {})
    return assigned(app, "blue", ONE, manifest("1.0.0", processes=processes))


def host_with(**selection: int) -> FakeHost:
    return FakeHost(layout=Layout(replace(APP, processes=selection)))


@pytest.mark.parametrize(
    "process, says",
    [
        ({**PROCESS, "instances": 0}, "a whole number from 1 to 64"),
        ({**PROCESS, "instances": 65}, "a whole number from 1 to 64"),
        ({**PROCESS, "instances": True}, "a whole number from 1 to 64"),
        ({**PROCESS, "instances": "2"}, "a whole number from 1 to 64"),
        ({**WEB, "listen": "port", "instances": 2}, r"listen: systemd.*gunicorn --workers"),
    ],
)
def test_what_a_manifest_cannot_say(process: dict[str, Any], says: str) -> None:
    with pytest.raises(ManifestError, match=says):
        manifest("1.0.0", processes={"api": process})


def test_one_copy_is_written_as_before_there_was_a_choice() -> None:
    found = manifest("1.0.0", processes={"api": WEB, "mailer": {**PROCESS, "instances": 3}})
    assert "instances" not in found.to_dict()["processes"]["api"]
    assert found.to_dict()["processes"]["mailer"]["instances"] == 3


def test_names_of_copies_are_names_of_no_process() -> None:
    assert [copy_name("a", number) for number in (1, 2)] == ["a", "a.2"]
    assert (of_copy("a-b"), of_copy("a-b.12")) == (("a-b", 1), ("a-b", 12))
    assert counts(["a", "a.3", "b"]) == {"a": 3, "b": 1}
    assert slice_of("agents-a.2@blue.service") == "system.slice/system-agents\\x2da.2.slice"


def test_the_inventory_says_how_many_and_where() -> None:
    processes = manifest("1.0.0", processes={"api": WEB, "mailer": PROCESS}).processes
    found = selected(processes, {"api": 0, "mailer": 4, "other": 2})
    assert {name: process.instances for name, process in found.items()} == {"mailer": 4}
    assert unknown({"mailr": 1}, processes) == [
        "processes.mailr of the inventory is no process of the release: did you mean mailer?"
    ]
    with pytest.raises(ManifestError, match="listen: systemd"):
        selected(manifest("1.0.0").processes, {"api": 2})


@pytest.mark.parametrize("data", [[], {"a": -1}, {"a": 65}, {"a": True}, {"a.b": 1}, {"a": "1"}])
def test_a_selection_is_hostile_until_it_was_read(data: Any) -> None:
    with pytest.raises(BadInput):
        parse_selection(data)


def test_each_copy_has_a_unit_with_its_number() -> None:
    slot = record(api={**WEB, "instances": 2}, mailer={**PROCESS, "instances": 2})
    assert slot.web == ("agents-api@blue.service", "agents-api.2@blue.service", "agents-api@blue.socket")
    assert slot.workers == ("agents-mailer@blue.service", "agents-mailer.2@blue.service")
    texts = units.render_all(slot)
    assert set(texts) == set(slot.units)
    first, second = (texts[unit].splitlines() for unit in slot.web_services)
    assert "Environment=MAS_INSTANCE=1" in first
    assert "Environment=MAS_INSTANCE=2" in second
    assert "SyslogIdentifier=agents-api.2-blue" in second
    assert "Sockets=agents-api@blue.socket" in second
    assert not [line for line in first if line.startswith("Sockets=")]
    assert "Requires=agents-api@blue.socket" in second
    assert parse_slot(slot.to_dict(), "x") == slot


def test_a_new_number_waits_for_the_next_assignment() -> None:
    slot = record(mailer=PROCESS)
    assert pending(slot, APP) == []
    assert pending(slot, replace(APP, processes={"mailer": 2})) == ["processes"]


def test_a_record_that_was_lost_has_as_many_copies_as_there_are_units() -> None:
    slot = record({"mailer": 3}, api=WEB, mailer=PROCESS)
    texts = {unit.partition("@")[0].removeprefix("agents-"): text for unit, text in units.render_all(slot).items()
             if unit.endswith(".service")}  # fmt: skip
    found = manifest("1.0.0", processes={"api": WEB, "mailer": PROCESS})
    for known in (found, None):
        again = damage.rebuilt(APP, "blue", ONE, known, damage.Remains(texts, {"api": "x"}))
        assert set(again.units) == set(slot.units)
        assert again.left == ()


def test_copies_are_units_of_their_process_for_other_applications() -> None:
    names = footprint(APP, [record(mailer={**PROCESS, "instances": 3})]).units
    assert {name for name in names if "mailer" in name} == {"agents-mailer"}


def test_a_host_whose_web_process_runs_elsewhere_is_not_behind_the_proxy() -> None:
    elsewhere = record({"api": 0}, api=WEB, mailer=PROCESS)
    assert not as_run(APP, [elsewhere]).web
    assert elsewhere.health is None
    assert forbidden(APP, [elsewhere]) == []
    assert as_run(APP, []).web
    assert as_run(APP, [record(api=WEB)]).web
    # Not so one of which it is not known: requests are not taken from users because a file was lost.
    assert as_run(APP, [replace(record(mailer=PROCESS), selection={})]).web


def test_workers_in_several_copies_through_a_switch_and_back() -> None:
    host = host_with(worker=3)
    host.deploy("1.0.0")
    workers = {f"agents-worker{copy}@blue.service" for copy in ("", ".2", ".3")}
    assert workers <= set(host.running)
    dummy, facts = host.do("restarted")
    assert facts["slots"]["green"]["processes"]["worker"] == {"instances": 3, "running": 3}
    assert not workers & set(host.running)
    host.layout = Layout(replace(APP, processes={"worker": 1}))
    host.deploy("2.0.0")
    assert {unit for unit in host.running if "worker" in unit} == {"agents-worker@blue.service"}
    host.do("rolled_back")
    assert {unit for unit in host.running if "worker" in unit} == {
        unit.replace("blue", "green") for unit in workers
    }
    assert not host.lost_requests


def test_a_fresh_host_without_a_web_process() -> None:
    host = host_with(api=0)
    host.do("staged", "1.0.0")
    host.layout = Layout(as_run(host.layout.app, host.records.values()))
    host.do("live", "1.0.0")
    assert live(host) == ONE
    assert set(host.running) == {"agents-worker@blue.service"}


def test_a_host_that_serves_does_not_lose_its_web_process() -> None:
    host = host_with()
    host.deploy("1.0.0")
    host.layout = Layout(replace(APP, processes={"api": 0}))
    with pytest.raises(BadInput, match="this host serves users"):
        host.do("staged", "2.0.0")
    assert live(host) == ONE


def test_a_wrong_name_stops_a_deploy_and_no_way_back() -> None:
    host = host_with()
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    host.layout = Layout(replace(APP, processes={"wroker": 2}))
    with pytest.raises(BadInput, match="did you mean worker"):
        host.do("staged", "3.0.0")
    host.do("rolled_back")
    assert live(host) == ONE


def test_a_host_that_would_run_nothing() -> None:
    with pytest.raises(BadInput, match="none of its processes run here"):
        host_with(api=0, worker=0).do("staged", "1.0.0")
