"""A command that runs once in the environment of the live release. The tests build on one another, in order."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import pytest
from fleet import TOKEN, Done, Fleet

pytestmark = pytest.mark.containers

LOOK = """
import os
print("uid", os.getuid(), "in", os.getcwd(), "as", os.environ["MAS_INSTANCE"], "port", os.environ["PORT"])
print("token", os.environ["AGENTS_TOKEN"])
print([line for line in open("/proc/self/status") if "NoNewPrivs" in line])
try:
    open("/etc/written", "w")
except OSError as error:
    print(error.strerror)
"""
SLEEP = "sleep 300"
#: What holds the lock of one-off commands.
KILL_MODULE = """
for each in /proc/[0-9]*/fd/*; do
  if [ "$(readlink $each)" = /var/lib/mas/agents/one-off.lock ]; then kill -9 $(echo $each | cut -d/ -f3); fi
done
"""


def python(program: str) -> list[str]:
    return ["python3", "-c", f"exec({program!r})"]


def command(fleet: Fleet, line: Any, *words: str, **extra: Any) -> Done:
    return fleet.play("command", *words, command_line=line, **extra)


def entries(fleet: Fleet, host: str) -> list[dict[str, Any]]:
    lines = fleet.bed.exec(host, ["cat", "/var/lib/mas/ledger.jsonl"]).splitlines()
    return [entry for entry in map(json.loads, lines) if entry["kind"] == "command"]


def at_work(fleet: Fleet, host: str) -> str:
    """The slot whose one-off unit runs."""
    script = "systemctl list-units --plain --no-legend --state=active 'agents-one-off@*' | cut -d' ' -f1"
    unit = fleet.bed.exec(host, ["sh", "-c", script]).strip()
    return unit.rpartition("@")[2].partition(".")[0]


def left(fleet: Fleet, host: str) -> str:
    """Files of one-off commands, beside their lock."""
    script = "ls /etc/systemd/system/*one-off* /var/lib/mas/agents/one-off.json* 2>/dev/null || true"
    return fleet.bed.exec(host, ["sh", "-c", script]).strip()


def wait_until(what: Any, seconds: float = 40) -> None:
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds
        time.sleep(0.3)


@pytest.fixture(scope="module")
def first(pair: Fleet) -> str:
    pair.build("71.0.0", "72.0.0", "73.0.0", like="1.0.0")
    pair.deploy("71.0.0").check()
    pair.deploy("72.0.0").check()
    return pair.names[0]


def test_it_has_the_environment_of_a_process_and_shows_no_secret(pair: Fleet, first: str) -> None:
    done = command(pair, python(LOOK), "-vvv", "--diff").check()
    uid = pair.bed.exec(first, ["id", "-u", "agents"]).strip()
    assert f"uid {uid} in " in done.output
    assert " as 1 port 81" in done.output
    assert "token ***" in done.output
    assert "NoNewPrivs:\\\\t1" in done.output or "NoNewPrivs:\\\\\\\\t1" in done.output
    assert "Read-only file system" in done.output
    assert TOKEN not in done.output
    (entry,) = entries(pair, first)
    assert entry["command"] == python(LOOK)
    assert (entry["action"], entry["outcome"], entry["exit_status"]) == ("ended", "succeeded", 0)
    assert entry["host"] == first
    assert entry["release"].startswith("72.0.0-")
    assert entry["process"] == "worker"
    assert 0 < entry["seconds"] < 30
    assert entry["actor"]
    assert TOKEN not in json.dumps(entry)
    assert "NoNewPrivs" not in json.dumps({**entry, "command": ""})
    assert entries(pair, pair.names[1]) == []
    assert left(pair, first) == ""


def test_a_failure_is_one_and_each_host_has_its_own(pair: Fleet, first: str) -> None:
    done = command(pair, python("print('the cause'); raise SystemExit(3)"), command_hosts="all")
    assert done.status == 2
    assert done.output.count("failed with exit status 3") >= 2
    assert "the cause" in done.output
    for host in pair.names:
        assert entries(pair, host)[-1]["exit_status"] == 3
        assert entries(pair, host)[-1]["outcome"] == "failed"
    missing = command(pair, "no-such-program", command_process="api")
    assert missing.status == 2
    assert "its program could not be executed" in missing.output
    assert entries(pair, first)[-1]["process"] == "api"


def test_what_takes_too_long_is_stopped(pair: Fleet, first: str) -> None:
    began = time.monotonic()
    done = command(pair, SLEEP, command_timeout=1)
    assert done.status == 2
    assert time.monotonic() - began < 25
    assert "did not end within 1 s, and was stopped" in done.output
    assert entries(pair, first)[-1]["action"] == "timed_out"
    assert at_work(pair, first) == ""
    assert left(pair, first) == ""


def test_what_cannot_be_is_refused_and_check_mode_runs_nothing(pair: Fleet, first: str) -> None:
    before = entries(pair, first)
    dry = command(pair, "touch /srv/agents/shared/made", "--check", command_hosts="all").check()
    for host in pair.names:
        assert f"changed: [{host}]" in dry.output
        assert pair.bed.exec(host, ["ls", "/srv/agents/shared"]).find("made") < 0
    assert "Would run `touch /srv/agents/shared/made` as agents in /srv/agents/slots/" in dry.output
    other = command(pair, "true", command_version="71.0.0")
    assert other.status == 2
    assert "is live, not 71.0.0" in other.output
    none = command(pair, "true", command_process="wroker")
    assert none.status == 2
    assert "did you mean worker?" in none.output
    secret = command(pair, ["echo", TOKEN])
    assert secret.status == 2
    assert "the command holds the value of AGENTS_TOKEN" in secret.output
    assert entries(pair, first) == before


@pytest.mark.parametrize("module_dies", [False, True])
def test_one_runs_at_a_time_and_no_crash_runs_it_twice(pair: Fleet, first: str, module_dies: bool) -> None:
    count = len(entries(pair, first))
    run = pair.start("command", "-e", json.dumps({"command_line": SLEEP}))
    wait_until(lambda: at_work(pair, first))
    # The controller dies, and then what waits for the command on the host.
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert at_work(pair, first)
    again = command(pair, SLEEP)
    assert again.status == 2
    assert "a one-off command of agents runs on this host: `sleep 300` of " in again.output
    if module_dies:
        pair.bed.exec(first, ["sh", "-c", KILL_MODULE])
    pair.bed.exec(first, ["systemctl", "kill", f"agents-one-off@{at_work(pair, first)}.service"])
    wait_until(lambda: module_dies or len(entries(pair, first)) > count)
    seen = command(pair, "true")
    assert seen.status == 2
    assert (
        "was started here, and its run did not see its end: it was killed (signal, signal 15)" in seen.output
    )
    assert [entry["action"] for entry in entries(pair, first)[count:]] == ["killed"]
    command(pair, "true").check()
    assert len(entries(pair, first)) == count + 2
    assert left(pair, first) == ""


def test_a_way_back_does_not_wait_for_it(pair: Fleet, first: str) -> None:
    run = pair.start("command", "-e", json.dumps({"command_line": SLEEP}))
    wait_until(lambda: at_work(pair, first))
    slot = at_work(pair, first)
    pair.rollback().check()
    assert set(pair.live().values()) == {"71.0.0"}
    assert at_work(pair, first) == slot, "its release is still there"
    # The next deploy needs the slot.
    deploy = pair.deploy("73.0.0").check()
    assert f"A one-off command ran in the {slot} slot" in deploy.output
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 2
    assert "was stopped before its end" in output
    assert entries(pair, first)[-1]["action"] == "stopped"
    assert left(pair, first) == ""
    assert set(pair.live().values()) == {"73.0.0"}
