"""After 1.0.0, 2.0.0 and the way back: what runs, what is written down, and what stays secret."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._ledger import chain, history
from testinfra.host import Host

SPLIT = "/etc/haproxy/conf.d/10-agents-split.cfg"
#: The slot that is live, and the one that holds the version which was left.
LIVE, IDLE = "blue", "green"


def version(host: Host) -> str:
    return str(json.loads(host.check_output("curl -fsS http://127.0.0.1/version"))["version"])


def releases(lines: list[bytes]) -> list[dict[str, Any]]:
    entries, broken = chain.verify(lines)
    assert broken is None
    return [entry for entry in entries if entry["kind"] == history.RELEASE]


def changed(output: str) -> list[str]:
    return re.findall(r"changed=(\d+)", output)


def test_first_version_serves(host: Host):
    assert {version(host) for _ in range(20)} == {"1.0.0"}


def test_split_is_persisted(host: Host):
    lines = host.file(SPLIT).content_string.split("\n")
    assert "    setenv MAS_AGENTS_BLUE 100" in lines
    assert "    setenv MAS_AGENTS_GREEN 0" in lines


@pytest.mark.parametrize("action", ["reload", "restart"])
def test_split_outlives_the_proxy(host: Host, action: str):
    host.check_output(f"systemctl {action} haproxy")
    deadline = time.monotonic() + 15
    while host.run("curl -fsS http://127.0.0.1/version").rc and time.monotonic() < deadline:
        time.sleep(0.3)
    assert {version(host) for _ in range(20)} == {"1.0.0"}


def test_live_processes_come_back_at_boot(host: Host):
    for process in ("api", "worker"):
        service = host.service(f"agents-{process}@{LIVE}")
        assert service.is_running
        assert service.is_enabled


def test_version_that_was_left_is_warm_and_has_no_workers(host: Host):
    assert host.service(f"agents-api@{IDLE}").is_running
    assert host.service(f"agents-api@{IDLE}").is_enabled
    assert not host.service(f"agents-worker@{IDLE}").is_running
    assert not host.service(f"agents-worker@{IDLE}").is_enabled
    assert json.loads(host.check_output("curl -fsS http://127.0.0.1:8102/version"))["version"] == "2.0.0"


def test_nothing_failed(host: Host):
    assert (
        host.check_output("systemctl list-units --state=failed --plain --no-legend 'agents*' 'haproxy*'")
        == ""
    )


def test_processes_are_confined(host: Host):
    wanted = {
        "User": "agents",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
        "MemoryMax": str(512 * 2**20),
        "TasksMax": "256",
    }
    for process in ("api", "worker"):
        unit = f"agents-{process}@{LIVE}"
        shown = host.check_output(f"systemctl show {unit} {' '.join(f'-p {name}' for name in wanted)}")
        assert dict(line.split("=", 1) for line in shown.splitlines()) == wanted
        grade = host.check_output(f"systemd-analyze security --no-pager {unit} | tail -n 1")
        exposure = re.search(r"(\d+\.\d+) ", grade)
        assert exposure
        assert float(exposure[1]) <= 2.5, grade


def test_releases_cannot_be_changed_by_their_processes(host: Host):
    assert host.run("find /srv/agents/releases ! -user root -o -perm /022 ! -type l | grep .").rc != 0
    assert host.run("setpriv --reuid agents --clear-groups touch /srv/agents/releases/x").rc != 0


def test_the_ledger_records_the_story(ledger: list[bytes]):
    actions = [(entry["action"], history.version_of(entry["to"])) for entry in releases(ledger)]
    assert actions == [("live", "1.0.0"), ("live", "2.0.0"), ("confirmed", "2.0.0"), ("rolled_back", "1.0.0")]
    assert history.fold(releases(ledger), "agents").stack == (releases(ledger)[0]["to"],)


def test_ledger_names_who_and_the_way_back(ledger: list[bytes]):
    first, second, confirmed, third = entries = releases(ledger)
    assert {entry["environment"] for entry in entries} == {"staging"}
    assert all(entry["actor"] and entry["run"] and entry["time"] for entry in entries)
    assert first["rollback_command"] == ""
    for entry in (second, confirmed):
        assert entry["rollback_command"].startswith("ansible-playbook mas.ops.rollback -i ")
        # The very release: another build of the same version is another one.
        assert entry["rollback_command"].endswith(
            f" -e application_name=agents -e rollback_version={first['to']}"
        )
    assert first["run"] != second["run"] == confirmed["run"] == third["run"]


def test_ledger_gives_tampering_away(ledger: list[bytes]):
    for number, line in enumerate(ledger[:-1]):
        forged = [*ledger]
        forged[number] = line.replace(b"1.0.0", b"6.6.6")
        assert forged == ledger or chain.verify(forged)[1] is not None
    assert chain.verify(ledger[1:])[1] is not None


def test_secret_reaches_the_processes_alone(host: Host, secret: str, ledger: list[bytes]):
    process = host.check_output(f"systemctl show --value -p MainPID agents-api@{LIVE}")
    assert f"AGENTS_TOKEN={secret}" in host.file(f"/proc/{process}/environ").content_string.split("\0")
    assert host.file("/etc/mas/agents/environment").mode == 0o640
    assert secret.encode() not in b"\n".join(ledger)
    assert secret not in host.check_output("journalctl --no-pager --output=json")
    # Its value is where settings are kept, and with each slot as it was assigned. The brackets keep this very command
    # from being found.
    found = host.run(f"grep -rls '{secret[:-1]}[{secret[-1]}]' /etc /var/lib /var/log /srv /tmp /root").stdout
    slots = [f"/etc/mas/agents/slots/{slot}.env" for slot in ("blue", "green")]
    assert sorted(found.split()) == ["/etc/mas/agents/environment", *slots]
    assert [host.file(path).mode for path in slots] == [0o600, 0o600]


def test_check_mode_reports_and_changes_nothing(
    host: Host, play: Callable[..., str], secret: str, ledger: list[bytes]
):
    state = host.file("/var/lib/mas/agents/state.json").content
    output = play("deploy", "--check", "--diff", "-vvv", deploy_version="2.0.0")
    assert re.search(r'^\+  "live": "2\.0\.0-', output, re.MULTILINE)
    assert secret not in output
    assert host.file("/var/lib/mas/agents/state.json").content == state
    assert bytes(host.file("/var/lib/mas/ledger.jsonl").content).splitlines() == ledger
    assert version(host) == "1.0.0"


def test_check_mode_promises_nothing_where_nothing_is_to_do(play: Callable[..., str]):
    assert set(changed(play("provision", "--check", "--diff"))) == {"0"}
    assert set(changed(play("deploy", "--check", "--diff", deploy_version="1.0.0"))) == {"0"}
