"""Tasks of the user at the points of a deploy and of a rollback. The tests build on one another, in order."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fleet import ENVIRONMENT, Done, Fleet

pytestmark = pytest.mark.containers

POINTS = ("before_stage", "after_stage", "before_switch", "after_switch", "before_confirm", "after_confirm")
LOG = "/var/tmp/points"
OLD, NEW, LATER = "71.0.0", "72.0.0", "73.0.0"

#: What the point is, and what users get at that moment.
RECORD = f"""
- name: Ask what is live
  ansible.builtin.uri:
    url: http://127.0.0.1/version
    return_content: true
  register: answer
- name: Write it down
  ansible.builtin.lineinfile:
    path: {LOG}
    create: true
    mode: "0644"
    line: "{{{{ deploy_point }}}} {{{{ deploy_facts.application }}}} {{{{ deploy_facts.version }}}} \
{{{{ deploy_facts.environment }}}} {{{{ answer.json.version }}}}"
"""
FAIL_ON_ONE = """
- name: Look at the last host
  ansible.builtin.fail:
    msg: it is not ready
  when: inventory_hostname == groups[deploy_facts.application] | last
"""
FAIL_ONCE = """
- name: Look once
  ansible.builtin.fail:
    msg: it is not ready
  run_once: true
"""
LOSE_ONE = """
- name: Look with no answer
  ansible.builtin.command: "true"
  changed_when: false
  vars:
    ansible_port: 1
  when: inventory_hostname == groups[deploy_facts.application] | last
"""


def write(folder: Path, name: str, text: str) -> str:
    place = folder / name
    place.write_text(text)
    return str(place)


def read(fleet: Fleet) -> dict[str, list[str]]:
    """What the tasks wrote on each host since the last time."""
    command = f"cat {LOG} 2>/dev/null; rm -f {LOG}"
    return {name: fleet.bed.exec(name, ["sh", "-c", command]).splitlines() for name in fleet.names}


def everywhere(fleet: Fleet, version: str) -> None:
    assert fleet.live() == dict.fromkeys(fleet.names, version)


def rested(fleet: Fleet) -> None:
    for name in fleet.names:
        state = json.loads(fleet.bed.exec(name, ["cat", "/var/lib/mas/agents/state.json"]))
        assert state["operation"] is None


def untouched(done: Done) -> None:
    assert done.status != 0
    assert "TASK [Stage " not in done.output
    assert "TASK [Evaluate the gate" not in done.output


def test_the_fleet_serves_a_version(pair: Fleet) -> None:
    pair.build(OLD, NEW, LATER, like="1.0.0")
    done = pair.deploy(OLD).check()
    everywhere(pair, OLD)
    # Not even a skipped task.
    assert len(re.findall(r"PLAY \[.*own tasks", done.output, re.IGNORECASE)) == 5
    assert not re.findall(r"TASK \[(?:Run the|Record that|Wait for|Fail because)", done.output)


@pytest.mark.parametrize(
    "own, words",
    [
        (
            {"before_swich": "x.yml"},
            "before_swich is not a point of deploy_tasks: did you mean before_switch?",
        ),
        ({"after_stage": "/nowhere/x.yml"}, "deploy_tasks.after_stage: there is no file /nowhere/x.yml"),
    ],
)
def test_a_mistake_is_refused_before_a_host_is_touched(pair: Fleet, own: Any, words: str) -> None:
    done = pair.deploy(NEW, deploy_tasks=own)
    untouched(done)
    assert words in " ".join(done.output.split())
    everywhere(pair, OLD)


def test_the_deploy_finds_the_mistakes_in_the_tasks_of_a_rollback(pair: Fleet, tmp_path: Path) -> None:
    broken = write(tmp_path, "broken.yml", "- ansible.builtin.no_such_module:\n")
    done = pair.deploy(NEW, rollback_tasks={"before": broken})
    untouched(done)
    assert f"rollback_tasks.before: {broken} cannot be read as tasks" in " ".join(done.output.split())


@pytest.mark.parametrize(
    "point, text, words",
    [
        ("before_switch", FAIL_ON_ONE, "its own tasks at before_switch failed"),
        ("before_confirm", FAIL_ONCE, "its own tasks at before_confirm failed"),
        ("before_confirm", LOSE_ONE, "its own tasks at before_confirm did not come to their end"),
    ],
    ids=["one", "once", "lost"],
)
def test_a_failure_before_the_confirmation_takes_every_host_back(
    pair: Fleet, tmp_path: Path, point: str, text: str, words: str
) -> None:
    own = {point: write(tmp_path, "fail.yml", text), "after_switch": write(tmp_path, "record.yml", RECORD)}
    done = pair.deploy(NEW, deploy_tasks=own, deploy_batch_size=1)
    assert done.status == 2
    assert words in done.output
    everywhere(pair, OLD)
    rested(pair)
    # The first batch had switched, and the second one only where it could.
    line = f"after_switch agents {NEW} {ENVIRONMENT} {NEW}"
    written = {"before_switch": [[line], []], "before_confirm": [[line], [line]]}[point]
    assert list(read(pair).values()) == written


def test_a_failure_where_the_deploy_ends_staged_gives_the_version_up(pair: Fleet, tmp_path: Path) -> None:
    own = {"after_stage": write(tmp_path, "fail.yml", FAIL_ON_ONE)}
    done = pair.deploy(NEW, deploy_tasks=own, deploy_until="staged")
    assert done.status == 2
    assert "its own tasks at after_stage failed" in done.output
    everywhere(pair, OLD)
    rested(pair)


def test_tasks_run_at_each_point_in_order_and_what_fails_at_last_undoes_nothing(
    pair: Fleet, tmp_path: Path
) -> None:
    record = write(tmp_path, "record.yml", RECORD)
    last = write(tmp_path, "last.yml", RECORD + FAIL_ON_ONE)
    done = pair.deploy(NEW, deploy_tasks={**dict.fromkeys(POINTS, record), "after_confirm": last})
    assert done.status == 2
    assert "is live on every host and stays. The own tasks at after_confirm failed on" in " ".join(
        done.output.split()
    )
    everywhere(pair, NEW)
    rested(pair)
    served = [OLD, OLD, OLD, NEW, NEW, NEW]
    lines = [f"{point} agents {NEW} {ENVIRONMENT} {live}" for point, live in zip(POINTS, served, strict=True)]
    assert read(pair) == dict.fromkeys(pair.names, lines)


def test_a_rollback_goes_on_whatever_fails_before_and_after_it(pair: Fleet, tmp_path: Path) -> None:
    own = {
        "before": write(tmp_path, "before.yml", RECORD + FAIL_ONCE),
        "after": write(tmp_path, "after.yml", RECORD + FAIL_ON_ONE),
    }
    done = pair.rollback(rollback_tasks=own)
    assert done.status == 2
    assert done.output.count("The rollback goes on.") >= 1
    assert "agents was rolled back and stays so. The own tasks after it failed on this host" in done.output
    everywhere(pair, OLD)
    rested(pair)
    written = read(pair)
    assert [[line.split()[0] for line in lines] for lines in written.values()] == [["before", "after"]] * 2
    assert {lines[0].split()[-1] for lines in written.values()} == {NEW}
    assert {lines[1].split()[-1] for lines in written.values()} == {OLD}


def test_no_mistake_in_its_tasks_stops_a_rollback(pair: Fleet) -> None:
    pair.deploy(LATER).check()
    own = {"befor": "x.yml", "before": "/nowhere/x.yml"}
    done = pair.rollback(OLD, rollback_tasks=own).check()
    text = " ".join(done.output.split())
    assert "befor is not a point of rollback_tasks: did you mean before?" in text
    assert "rollback_tasks.before: there is no file /nowhere/x.yml" in text
    everywhere(pair, OLD)
