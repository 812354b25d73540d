"""The gate before real deploys: the controller's clock is set, on two hosts. The tests build on one another, in order.

faketime(1) sets the clock of the whole playbook run, ssh apart: the product has no option that a test could use
and an impatient person could too. A moment without ``@`` stands still, so a run is judged at exactly this second.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet import Done, Fleet

from .conftest import make_fleet

pytestmark = pytest.mark.containers

DAY = "2031-03-11"
#: A window of one hour a night, and nothing else.
NIGHT = [{"name": "night", "cron": "0 22 * * *", "duration": "1h", "zone": "UTC"}]
FREEZE = {
    "name": "year end",
    "start": f"{DAY}T00:00:00Z",
    "end": f"{DAY}T23:59:59Z",
    "reason": "stock taking",
}
OVERRIDE = {
    "checks": ["window"],
    "by": "ada@example.org",
    "reason": "Stop the outage of tonight",
    "until": f"{DAY}T13:00:00Z",
}


ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{}END:VCALENDAR\r\n"
EVENT = (
    "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:The database moves\r\n"
    "DTSTART:20200101T000000Z\r\nDTEND:20400101T000000Z\r\nEND:VEVENT\r\n"
)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    for fleet in make_fleet("gate", 2, "mixed", warmup=0):
        fleet.build("1.0.0")
        fleet.build("2.0.0", "3.0.0", "4.0.0", "5.0.0", like="2.0.0")
        yield fleet


def run_at(fleet: Fleet, moment: str, playbook: str, *words: str, **extra: Any) -> Done:
    """A playbook at a moment of the controller's clock."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    clock = {
        "LD_PRELOAD": str(library),
        "FAKETIME": moment,
        "FAKETIME_SKIP_CMDS": "ssh",
        "TZ": "UTC",
    }
    options = ["-i", str(fleet.bed.inventory), "-e", f"@{fleet.settings}", "-e", json.dumps(extra)]
    begin = time.monotonic()
    process = fleet.command("ansible-playbook", playbook, *options, *words, **clock)
    output, _ = process.communicate(timeout=300)
    return Done(f"{playbook} at {moment}", process.returncode, output, time.monotonic() - begin)


def deploy_at(fleet: Fleet, clock: str, version: str, **extra: Any) -> Done:
    return run_at(fleet, f"{DAY} {clock}", "mas.ops.deploy", deploy_version=version, **extra)


def entries(fleet: Fleet, name: str) -> list[dict[str, Any]]:
    text = fleet.bed.exec(name, ["cat", "/var/lib/mas/ledger.jsonl"])
    return [json.loads(line) for line in text.splitlines()]


def last(fleet: Fleet, kind: str) -> list[dict[str, Any]]:
    """The newest entry of a kind on each host."""
    return [[one for one in entries(fleet, name) if one["kind"] == kind][-1] for name in fleet.names]


def everywhere(fleet: Fleet, version: str) -> None:
    assert fleet.live() == dict.fromkeys(fleet.names, version)


def refused(done: Done, *words: str) -> str:
    text = " ".join(done.output.split())
    assert done.status != 0, done.output
    for word in ("The gate is closed", *words):
        assert word in text, f"{word!r} is not in:\n{done.output}"
    assert "Traceback" not in done.output
    assert "Stage agents" not in done.output
    return done.output


def test_without_windows_the_gate_is_open_and_says_so_in_the_ledger(fleet: Fleet) -> None:
    done = fleet.deploy("1.0.0").check()
    everywhere(fleet, "1.0.0")
    assert "Ask each host for disks" not in done.output
    for entry in last(fleet, "release"):
        assert entry["gate"]["decision"] == "go"
        assert entry["gate"]["checks"] == dict.fromkeys(
            ("stop", "freeze", "window", "room", "artifact"), "pass"
        )
        assert entry["began"] < entry["time"]


def test_refused_one_second_before_the_window(fleet: Fleet) -> None:
    early = deploy_at(fleet, "21:59:59", "2.0.0", change_windows=NIGHT)
    refused(
        early,
        "all 2 window fail",
        "opens next at Tue 2031-03-11 22:00:00 UTC, in 1 s",
        '"checks": ["window"]',
    )
    everywhere(fleet, "1.0.0")
    for entry in last(fleet, "gate"):
        assert (entry["action"], entry["outcome"], entry["change"]) == ("refused", "failed", "deploy")
        assert entry["gate"]["checks"]["window"] == "fail"
        assert "@" in entry["actor"]


def test_started_when_the_window_opens(fleet: Fleet) -> None:
    done = deploy_at(fleet, "22:00:00", "2.0.0", change_windows=NIGHT).check()
    # For the history one host is asked.
    asked = done.output[done.output.index("TASK [Ask each host for disks") :].split("\n\n")[0]
    assert [name for name in fleet.names if f"[{name}]" in asked] == fleet.names[-1:]
    everywhere(fleet, "2.0.0")
    assert {one["gate"]["at"] for one in last(fleet, "release")} == {f"{DAY}T22:00:00+00:00"}


def test_refused_when_too_little_room_is_left(fleet: Fleet) -> None:
    """Deploys of this fleet take seconds, so the floor of a minute counts; no rollback is known: five minutes."""
    late = deploy_at(fleet, "22:54:01", "3.0.0", change_windows=NIGHT)
    refused(late, "too little room: 5 min 59 s until", "takes 6 min (p95 of", "in 23 h 5 min")
    everywhere(fleet, "2.0.0")
    deploy_at(fleet, "22:54:00", "3.0.0", change_windows=NIGHT).check()
    everywhere(fleet, "3.0.0")


def test_check_mode_reports_and_refuses_nothing(fleet: Fleet) -> None:
    result = run_at(
        fleet, f"{DAY} 12:00:00", "mas.ops.deploy", "--check", deploy_version="2.0.0", change_windows=NIGHT
    ).check()
    assert "The gate is closed for the deploy of agents" in result.output
    everywhere(fleet, "3.0.0")


def test_a_host_outside_of_its_window_is_skipped(fleet: Fleet) -> None:
    first, second = fleet.names
    freeze = {**FREEZE, "hosts": [second]}
    deploy_at(fleet, "12:00:00", "4.0.0", change_freezes=[freeze], gate_outside_window="skip").check()
    assert fleet.live() == {first: "4.0.0", second: "3.0.0"}
    deploy_at(fleet, "12:00:00", "4.0.0").check()
    everywhere(fleet, "4.0.0")


def test_leaving_out_every_host_is_no_success(fleet: Fleet) -> None:
    done = deploy_at(fleet, "12:00:00", "5.0.0", change_freezes=[FREEZE], gate_outside_window="skip")
    refused(done, "The gate is closed for the deploy of agents")
    everywhere(fleet, "4.0.0")


def test_an_override_is_granted_and_kept(fleet: Fleet) -> None:
    deploy_at(fleet, "12:00:00", "5.0.0", change_windows=NIGHT, change_override=OVERRIDE).check()
    everywhere(fleet, "5.0.0")
    for entry in last(fleet, "release"):
        kept = entry["gate"]["override"]
        assert kept == {**OVERRIDE, "until": f"{DAY}T13:00:00+00:00", "granted": True, "used": ["window"]}
        assert entry["gate"]["checks"]["window"] == "fail"


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"gate_never_override": ["window"]}, "window must never be overridden here"),
        ({"change_override": {**OVERRIDE, "until": f"{DAY}T12:00:00Z"}}, "it ended at"),
        ({"change_override": {**OVERRIDE, "reason": "because"}}, "at least 3 words"),
        ({"change_stop": "the database is on fire"}, "changes are stopped: the database is on fire"),
    ],
)
def test_an_override_that_is_refused(fleet: Fleet, settings: dict[str, Any], words: str) -> None:
    given = {"change_windows": NIGHT, "change_override": OVERRIDE, **settings}
    refused(deploy_at(fleet, "12:00:00", "4.0.0", **given), words)
    everywhere(fleet, "5.0.0")
    assert last(fleet, "gate")[0]["gate"]["override"]["by"] == "ada@example.org"


def test_the_stop_file_beats_the_override(fleet: Fleet) -> None:
    cord = fleet.bed.state / "stop"
    cord.write_text("the database is on fire\n")
    inventory = fleet.bed.state / "stop.yml"
    inventory.write_text(json.dumps({"all": {"vars": {"change_stop_file": str(cord)}}}))
    more = ("-i", str(inventory))
    deploy = (fleet, f"{DAY} 12:00:00", "mas.ops.deploy", *more)
    given = {"deploy_version": "4.0.0", "change_windows": NIGHT, "change_override": OVERRIDE}
    refused(run_at(*deploy, **given), "the database is on fire", "No override is possible for stop")
    # Who may give extra variables has no stop file of his own.
    other = run_at(*deploy, **given, change_stop_file="")
    assert other.status == 2
    assert "the stop file is the same one for everybody" in " ".join(other.output.split())
    for environment in ("", "development"):
        other = run_at(*deploy, **given, mas_environment=environment)
        assert other.status == 2
        assert "windows and freezes of another environment" in " ".join(other.output.split())
    everywhere(fleet, "5.0.0")
    # Neither it nor a freeze blocks a rollback, and both are reported.
    run_at(fleet, f"{DAY} 03:00:00", "mas.ops.rollback", *more, change_freezes=[FREEZE]).check()
    cord.unlink()
    everywhere(fleet, "4.0.0")
    for entry in last(fleet, "release"):
        assert entry["action"] == "rolled_back"
        assert entry["gate"]["checks"]["stop"] == entry["gate"]["checks"]["freeze"] == "fail"


def test_a_mistake_in_the_inventory_stops_a_deploy_and_no_rollback(fleet: Fleet) -> None:
    wrong = {
        "change_windows": [{"name": "night", "cron": "61 * * * *", "duration": "1h"}],
        "gate_wait_limit": "soon",
    }
    done = fleet.deploy("5.0.0", **wrong)
    assert done.status != 0
    assert "'soon' is not a duration (gate_wait_limit of web1)" in " ".join(done.output.split())
    everywhere(fleet, "4.0.0")
    fleet.rollback(**wrong).check()
    everywhere(fleet, "3.0.0")


def test_waiting_for_the_window(fleet: Fleet) -> None:
    """The clock goes on here: the run starts fifteen seconds early."""
    given = {"change_windows": NIGHT, "gate_outside_window": "wait", "deploy_version": "5.0.0"}
    done = run_at(fleet, f"@{DAY} 21:59:45", "mas.ops.deploy", **given).check()
    assert "The gate waits for Tue 2031-03-11 22:00:00 UTC" in done.output
    everywhere(fleet, "5.0.0")
    assert last(fleet, "release")[0]["gate"]["at"].startswith(f"{DAY}T22:00:0")
    far = deploy_at(fleet, "12:00:00", "4.0.0", change_windows=NIGHT, gate_outside_window="wait")
    refused(far, "in 10 h")


def test_a_freeze_that_is_declared_between_batches_takes_the_first_one_back(fleet: Fleet) -> None:
    """Its calendar holds nothing until the first batch switches, which takes some seconds under watch."""
    fleet.deploy("5.0.0").check()
    calendar = fleet.bed.state / "freezes.ics"
    calendar.write_text(ICS.format(""))
    slowly = {"deploy_batch_size": 1, "deploy_steps": [50], "deploy_bake": 12}
    given = {"change_calendars": [{"source": str(calendar)}], **slowly, "deploy_version": "4.0.0"}
    with fleet.load(60) as load:
        process = fleet.start("deploy", **given)
        assert process.stdout
        output = ""
        with process.stdout as lines:
            for line in lines:
                output += line
                if line.startswith("TASK [Switch to agents 4.0.0]"):
                    calendar.write_text(ICS.format(EVENT))
        process.wait(timeout=300)
    assert process.returncode != 0, output
    assert output.count("TASK [Switch to agents 4.0.0]") == 1
    assert "The gate closed before the next batch" in output
    assert "the freeze 'The database moves'" in output
    everywhere(fleet, "5.0.0")
    assert load.result.failed == 0, load.result
    first, second = fleet.names
    assert [one["action"] for one in entries(fleet, first) if one["kind"] == "release"][-2:] == [
        "live",
        "rolled_back",
    ]
    refusal = [one for one in entries(fleet, second) if one["kind"] == "gate"][-1]
    assert refusal["gate"]["checks"]["freeze"] == "fail"


BATCHES = """
- hosts: agents
  gather_facts: false
  serial: 1
  tasks:
    - name: Ask again before this batch
      mas.ops.gate:
        application: agents
        recheck: true
        left: "{{ 1 - ansible_play_hosts_all.index(inventory_hostname) / ansible_play_hosts_all | length }}"
      run_once: true
    - name: Change
      ansible.builtin.file:
        path: /root/changed
        state: touch
        mode: "0600"
    # The second batch asks after the freeze has begun, the first one well before.
    - name: Take a while
      ansible.builtin.wait_for:
        timeout: 25
      delegate_to: localhost
      become: false
"""


def test_a_freeze_that_begins_between_batches_stops_the_next_one(fleet: Fleet, tmp_path: Path) -> None:
    playbook = tmp_path / "batches.yml"
    playbook.write_text(BATCHES)
    freeze = {**FREEZE, "start": f"{DAY}T22:00:20Z"}
    rooms = {"gate_room": {"deploy": 1, "rollback": 1, "floor": 1}}
    done = run_at(fleet, f"@{DAY} 22:00:00", str(playbook), change_freezes=[freeze], **rooms)
    assert done.status != 0, done.output
    assert "Nothing more is changed" in done.output
    assert "the freeze 'year end' (stock taking)" in done.output
    changed = [fleet.bed.exec(name, ["find", "/root", "-name", "changed"]).strip() for name in fleet.names]
    assert changed == ["/root/changed", ""]


def test_a_host_that_is_away_is_a_finding_when_it_was_asked_for(fleet: Fleet) -> None:
    second = fleet.names[1]
    fleet.bed.pause(second)
    try:
        done = fleet.play(
            "gate", "-T", "5", gate_checks={"reachable": True, "reboot": "advisory", "disk": True}
        )
    finally:
        fleet.bed.unpause(second)
    text = refused(done, "the host did not answer")
    assert f"{second} reachable fail" in " ".join(text.split())
    fleet.play("gate", gate_checks={"reachable": True, "lock": True, "disk": True}).check()
    full = fleet.play("gate", gate_disk={"free": "900T"}, gate_checks={"disk": True})
    refused(full, "all 2 disk fail")
