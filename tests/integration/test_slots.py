"""A slot keeps what it was assigned: changes of the inventory, a version or a manifest never stop the live slot."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from bed import CHECKOUT
from fleet import Fleet

pytestmark = pytest.mark.containers

SECRET = "AGENTS_TOKEN"
LOOK = """
import json, os, pathlib
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
def can(path):
    try:
        pathlib.Path(path).write_text("x")
    except OSError as error:
        return error.strerror
    return "yes"
seen = {name: status[name].strip() for name in ("CapBnd", "Seccomp", "NoNewPrivs", "Uid")}
seen["writes"] = {path: can(path) for path in ("/var/lib/agents-data/x", "/etc/x", "/home/x", "/tmp/from-migration")}
pathlib.Path(os.environ["MAS_SHARED"], "migration.json").write_text(json.dumps(seen))
"""


def variant(fleet: Fleet, version: str, **changes: Any) -> None:
    """Build a version that is 1.0.0 but for what its mas.yml says."""
    source = fleet.bed.state / "source" / version
    maker = CHECKOUT / "examples/app/make_version.py"
    subprocess.run([sys.executable, str(maker), version, str(source), "--like", "1.0.0"], check=True)
    path = Path(source, "mas.yml")
    description = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**description, **changes}))
    fleet.play("build", build_source=str(source), build_signing_key=str(fleet.key)).check()


def described() -> dict[str, Any]:
    return dict(yaml.safe_load((CHECKOUT / "examples/app/mas.yml").read_text()))


def running(fleet: Fleet, name: str) -> set[str]:
    """The processes of the application that run on a host, without their slot."""
    words = ["systemctl", "list-units", "--plain", "--no-legend", "--state=active", "agents-*.service"]
    return {line.split("@")[0] for line in fleet.bed.exec(name, words).splitlines() if "@" in line}


def everywhere(fleet: Fleet, version: str) -> None:
    assert fleet.live() == dict.fromkeys(fleet.names, version)


def live_slot(fleet: Fleet, name: str) -> str:
    state = json.loads(fleet.bed.exec(name, ["cat", "/var/lib/mas/agents/state.json"]))
    return str(state["live"])


def test_first_deploy(pair: Fleet) -> None:
    pair.build("1.0.0")
    pair.deploy("1.0.0").check()
    everywhere(pair, "1.0.0")
    for name in pair.names:
        assert running(pair, name) == {"agents-api", "agents-worker"}


def test_a_command_that_looks_like_root_is_none(pair: Fleet) -> None:
    processes = described()["processes"]
    evil = [";", "+/bin/sh", "-c", "id > /root/PWNED"]
    variant(pair, "6.6.6", processes={**processes, "worker": {**processes["worker"], "command": evil}})
    assert pair.deploy("6.6.6").status != 0
    everywhere(pair, "1.0.0")
    for name in pair.names:
        assert "PWNED" not in pair.bed.exec(name, ["ls", "/root"])


def test_processes_travel_with_the_version(pair: Fleet) -> None:
    """Added, removed and renamed, with the way back and forth again."""
    found = described()["processes"]
    variant(pair, "1.1.0", processes={"web": found["api"], "mailer": found["worker"]})
    for version, names in (("1.1.0", {"web", "mailer"}), ("1.0.0", {"api", "worker"})):
        with pair.load(50) as load:
            (pair.deploy if version == "1.1.0" else pair.rollback)(version).check()
        assert load.result.failed == 0, load.result
        everywhere(pair, version)
        wanted = {f"agents-{name}" for name in names}
        for name in pair.names:
            warm = {"agents-web", "agents-api"}
            assert running(pair, name) - warm == wanted - warm, "workers of the live version only"
            assert wanted <= running(pair, name)
    pair.build("1.2.0", like="1.0.0")
    pair.deploy("1.2.0").check()
    for name in pair.names:
        files = pair.bed.exec(name, ["ls", "/etc/systemd/system"]).split()
        assert not [file for file in files if "mailer" in file or "agents-web" in file], (
            "no unit is left behind"
        )


def test_a_crash_loses_no_request_where_systemd_holds_the_socket(pair: Fleet) -> None:
    with pair.load(100) as load:
        for _ in range(3):
            time.sleep(1.5)
            for name in pair.names:
                unit = f"agents-api@{live_slot(pair, name)}.service"
                pair.bed.exec(name, ["systemctl", "kill", "--signal=KILL", unit])
        time.sleep(3)
    print(load.result)
    assert load.result.failed == 0, load.result


def test_provision_changes_nothing_that_runs_and_says_what_waits(pair: Fleet) -> None:
    show = ["systemctl", "show", "-P", "MemoryMax"]
    before = pair.settings.read_text()
    pair.set(agents_settings={"AGENTS_WARMUP": "0"}, application_limits={"api": {"MemoryMax": "300M"}})
    with pair.load(50) as load:
        output = pair.provision().check().output
        time.sleep(1)
    assert load.result.failed == 0, load.result
    assert "Changed since then: limits" in output
    for name in pair.names:
        unit = f"agents-api@{live_slot(pair, name)}"
        assert pair.bed.exec(name, [*show, unit]) != str(300 * 2**20)
    with pair.load(50) as load:
        pair.play("restart").check()
    assert load.result.failed == 0, load.result
    for name in pair.names:
        unit = f"agents-api@{live_slot(pair, name)}"
        assert pair.bed.exec(name, [*show, unit]) == str(300 * 2**20)
    pair.settings.write_text(before)
    pair.provision().check()
    everywhere(pair, "1.2.0")


def test_what_would_take_the_live_release_down_is_refused(pair: Fleet) -> None:
    for extra, says in (
        ({"application_user": "other"}, "would no longer be its own"),
        ({"application_root": "/opt/agents"}, "would no longer be its own"),
        ({"application_web": False}, "application_web is false, and slot"),
        (
            {"application_limits": {"api": {"ExecStartPre": "+/bin/sh"}}},
            "ExecStartPre is not a resource limit",
        ),
        ({"application_processes": {"api": "web"}}, "comes from its mas.yml"),
        ({"application_slots": {"blue": {"port": 8102}, "green": {"port": 8101}}}, "is the one that slot"),
    ):
        done = pair.play("provision", **extra)
        assert done.status != 0
        assert says in re.sub(r"\s+", " ", done.output), done.output
    everywhere(pair, "1.2.0")
    for name in pair.names:
        assert "other" not in pair.bed.exec(name, ["cat", "/etc/passwd"])


def test_new_secrets_reach_what_runs_without_a_new_version(pair: Fleet) -> None:
    output = (
        pair.play("provision", application_environment={SECRET: "new", "AGENTS_EXTRA": "1"}).check().output
    )
    assert re.search(r"Changed since then: \S*,? ?environment", output), output
    assert environment(pair) == {None}
    with pair.load(100) as load:
        pair.play("restart").check()
    assert load.result.failed == 0, load.result
    everywhere(pair, "1.2.0")
    assert environment(pair) == {"1"}


def test_a_warm_slot_with_old_secrets_says_so_after_a_rollback(pair: Fleet) -> None:
    pair.rollback().check()
    pair.provision().check()
    output = pair.ansible("mas.ops.release_info", "-b", "-a", "application=agents").check().output
    assert '"environment"' in output, (
        "the settings of today are others than what the live slot was started with"
    )
    pair.play("restart").check()


def environment(fleet: Fleet) -> set[str | None]:
    """What the live web process of each host has of AGENTS_EXTRA."""
    found: set[str | None] = set()
    for name in fleet.names:
        unit = f"agents-api@{live_slot(fleet, name)}"
        pid = fleet.bed.exec(name, ["systemctl", "show", "-P", "MainPID", unit])
        text = fleet.bed.exec(name, ["cat", f"/proc/{pid}/environ"])
        found.add(next((w.split("=")[1] for w in text.split("\0") if w.startswith("AGENTS_EXTRA=")), None))
    return found


def test_the_same_deploy_repairs_what_hangs_or_is_stopped(pair: Fleet) -> None:
    version = pair.live()[pair.names[0]]
    hung, stopped = pair.names
    pair.bed.exec(hung, ["systemctl", "kill", "--signal=STOP", f"agents-api@{live_slot(pair, hung)}.service"])
    for kind in ("service", "socket"):
        unit = f"agents-api@{live_slot(pair, stopped)}.{kind}"
        pair.bed.exec(stopped, ["systemctl", "stop", unit])
    pair.deploy(version).check()
    everywhere(pair, version)


def test_a_migration_has_the_bounds_of_its_process(pair: Fleet) -> None:
    for name in pair.names:
        script = "mkdir -p /var/lib/agents-data && chown agents: /var/lib/agents-data"
        pair.bed.exec(name, ["sh", "-c", script])
    before = pair.settings.read_text()
    pair.set(
        agents_settings={"AGENTS_WARMUP": "0"},
        application_writable_paths=["/var/lib/agents-data"],
    )
    pair.provision().check()
    variant(pair, "1.3.0", migrations={"expand": ["python3", "-c", f"exec({LOOK!r})"]})
    pair.deploy("1.3.0").check()
    for name in pair.names:
        seen = json.loads(pair.bed.exec(name, ["cat", "/srv/agents/shared/migration.json"]))
        assert int(seen["CapBnd"], 16) == 0
        assert (seen["Seccomp"], seen["NoNewPrivs"]) == ("2", "1")
        assert not seen["Uid"].startswith("0")
        allowed = {path for path, answer in seen["writes"].items() if answer == "yes"}
        assert allowed == {"/var/lib/agents-data/x", "/tmp/from-migration"}
        assert "from-migration" not in pair.bed.exec(name, ["ls", "/tmp"]), "its own /tmp"
    pair.settings.write_text(before)


def test_a_migration_that_does_not_end_says_so(pair: Fleet) -> None:
    variant(pair, "1.4.0", migrations={"expand": ["sleep", "60"]})
    begin = time.monotonic()
    done = pair.deploy("1.4.0", change_migration_timeout=2)
    assert done.status != 0
    assert "the migration did not end within 2 s, and was stopped" in done.output
    assert time.monotonic() - begin < 40
    everywhere(pair, "1.3.0")
    for name in pair.names:
        files = pair.bed.exec(name, ["ls", "/etc/systemd/system"]).split()
        assert not [file for file in files if "migration" in file]
