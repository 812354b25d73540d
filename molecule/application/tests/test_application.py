"""A host that the role made ready holds a release: in its slot, as its user, and within its bounds."""

from __future__ import annotations

import base64
import io
import json
import shlex
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

SCENARIO = Path(__file__).parent.parent
VARIABLES = yaml.safe_load((SCENARIO / "vars" / "main.yml").read_text())
PUT = """
set -eu
mkdir -p /srv/agents/releases/1.0.0-aaaaaaaaaaaa "/var/lib/agents data"
cd /srv/agents/releases/1.0.0-aaaaaaaaaaaa
rm -f /srv/agents/shared/seen.json
printf %s "$MANIFEST" > manifest.json
cat > probe.py
chmod -R go+rX .
"""
#: What the module release does when it assigns a release to a slot, in place of the whole of a deploy.
ASSIGN = """
import sys
sys.path.insert(0, "/run/mas-code")
from mas_ops._releases.adapters.folders import Folders, load_application
from mas_ops._releases.layout import Layout
Folders(Layout(load_application("agents"))).assign("blue", "1.0.0-aaaaaaaaaaaa", lambda changed: None)
"""
START = """
set -eu
systemctl daemon-reload
systemctl restart agents-api@blue
for i in $(seq 100); do grep -q . /srv/agents/shared/seen.json 2>/dev/null && break; sleep 0.1; done
"""
PROCESS = {"command": ["/usr/bin/python3", "probe.py"], "stop_signal": "SIGTERM", "stop_grace": 5}
MANIFEST = {
    "schema": 1,
    "name": "agents",
    "version": "1.0.0",
    "commit": "",
    "built": "2026-01-01T00:00:00Z",
    "processes": {"api": {"kind": "web", **PROCESS}, "worker": {"kind": "worker", **PROCESS}},
    "health": {"path": "/", "expected": 200, "startup_budget": 5},
    "migrations": {"expand": None, "contract": None},
    "secrets": [],
    "files": {"count": 1, "bytes": 1},
}
#: A number of bytes that base64 writes without a remainder.
PIECE = 4 * 16384
UTILS = SCENARIO.parents[1] / "plugins" / "module_utils"


@pytest.fixture(scope="module")
def seen(host: Host) -> dict[str, Any]:
    """The output of the probe, started in the slot blue the way the module ``release`` does it."""
    probe = (SCENARIO / "files" / "probe.py").read_text()
    script, put, manifest = (shlex.quote(text) for text in (probe, PUT, json.dumps(MANIFEST)))
    host.check_output(f"export MANIFEST={manifest}; printf %s {script} | sh -c {put}")
    put_code(host)
    host.check_output(f"python3 -c {shlex.quote(ASSIGN)}")
    host.check_output(f"sh -c {shlex.quote(START)}")
    return json.loads(host.file("/srv/agents/shared/seen.json").content_string)


def put_code(host: Host) -> None:
    """In pieces: all of it is more than one word of a command line may be."""
    text = code()
    host.check_output("rm -rf /run/mas-code /run/mas-code.tgz && mkdir /run/mas-code")
    for start in range(0, len(text), PIECE):
        host.check_output(f"echo {text[start : start + PIECE]} | base64 -d >> /run/mas-code.tgz")
    host.check_output("tar -xz -C /run/mas-code -f /run/mas-code.tgz")


def code() -> str:
    """The collection's own code for hosts, as an archive in base64."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for path in sorted(UTILS.rglob("*.py")):
            archive.add(path, f"mas_ops/{path.relative_to(UTILS)}")
        archive.addfile(tarfile.TarInfo("mas_ops/__init__.py"))
    return base64.b64encode(stream.getvalue()).decode()


def test_nothing_is_started_or_enabled_by_the_role(host: Host):
    assert host.run("ls /etc/systemd/system").stdout.count("agents-worker@") == 0
    assert host.run("systemctl is-active agents-worker@blue").stdout.strip() == "inactive"


def test_the_automatic_rollback_looks_at_each_boot_and_finds_nothing(host: Host):
    unit = "agents-auto-rollback.service"
    assert host.run(f"systemctl is-enabled {unit}").stdout.strip() == "enabled"
    assert host.run(f"systemd-analyze verify {unit}").stderr.strip() == ""
    host.check_output(f"systemctl start {unit}")
    assert host.run(f"systemctl show -p ConditionResult --value {unit}").stdout.strip() == "no"


def test_contract(host: Host):
    contract = json.loads(host.file("/etc/mas/agents/application.json").content_string)
    assert contract == {
        "schema": 1,
        "name": "agents",
        "exclusive": False,
        "environment": "development",
        "user": "agents",
        "group": "agents",
        "root": "/srv/agents",
        "web": True,
        "host": "agents",
        "slots": {"blue": {"port": 8101}, "green": {"port": 8102}},
        "proxy": {
            "backend": "agents",
            "socket": "/run/haproxy/admin.sock",
            "split": "/etc/haproxy/conf.d/10-agents-split.cfg",
            "fallback": False,
            "front": {"path": None, "expected": None},
        },
        "signers": "/etc/mas/agents/allowed_signers",
        "signature_required": True,
        "keep_releases": 5,
        "processes": {},
        "environment_file": "/etc/mas/agents/environment",
        "sandbox": {
            "address_families": ["AF_UNIX", "AF_INET", "AF_INET6"],
            "system_calls": ["@system-service"],
            "writable_paths": ["/var/lib/agents data"],
            "start_limit_interval": 300,
            "start_limit_burst": 200,
            "limits": {"api": {"MemoryMax": "256M"}},
        },
    }


def test_signers_are_readable_for_ssh_keygen(host: Host):
    match = "ssh-keygen -Y match-principals -f /etc/mas/agents/allowed_signers -I"
    assert host.run(f"{match} ci@example.org").stdout.strip() == "ci@example.org"
    assert host.run(f"{match} mallory@example.org").rc != 0


def test_account_cannot_log_in(host: Host):
    user = host.user("agents")
    assert user.uid < 1000
    assert user.shell == "/usr/sbin/nologin"
    assert host.run("getent shadow agents").stdout.split(":")[1].startswith("!")


def test_secrets_are_for_root_alone(host: Host):
    file = host.file("/etc/mas/agents/environment")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o640)
    assert (
        host.run("setpriv --reuid agents --regid agents --clear-groups cat /etc/mas/agents/environment").rc
        != 0
    )


def test_process_gets_its_environment_letter_by_letter(seen: dict[str, Any]):
    wanted = {**VARIABLES["application_environment"], "NUMBER": "7", "FLAG": "true"}
    assert {name: seen["environment"].get(name) for name in wanted} == wanted
    slot = {"PORT": "8101", "MAS_SLOT": "blue", "MAS_SHARED": "/srv/agents/shared"}
    assert {name: seen["environment"][name] for name in slot} == slot


def test_process_runs_as_its_user_in_its_slot(host: Host, seen: dict[str, Any]):
    assert seen["uid"] == host.user("agents").uid
    assert seen["folder"] == "/srv/agents/releases/1.0.0-aaaaaaaaaaaa"
    assert host.socket("tcp://127.0.0.1:8101").is_listening


def test_process_writes_to_its_shared_folder_only(host: Host, seen: dict[str, Any]):
    allowed = {path for path, answer in seen["writes"].items() if answer == "yes"}
    assert allowed == {"/srv/agents/shared/kept", "/tmp/private"}
    assert not host.file("/tmp/private").exists


def test_process_reads_no_secret_of_the_host(seen: dict[str, Any]):
    assert "yes" not in seen["reads"].values()


def test_process_has_no_powers(seen: dict[str, Any]):
    assert int(seen["capabilities"], 16) == 0
    assert seen["no_new_privileges"] == "1"
    assert seen["seccomp"] == "2"
    assert seen["packets"] != "yes"


def test_limits_of_a_process(host: Host, seen: dict[str, Any]):
    assert host.check_output("systemctl show -P MemoryMax agents-api@blue") == str(256 * 2**20)
    assert host.check_output("systemctl show -P MemoryMax agents-worker@blue") == "infinity"


def test_unit_is_sound(host: Host, seen: dict[str, Any]):
    verdict = host.run("systemd-analyze verify agents-api@blue.service")
    assert (verdict.rc, verdict.stdout, verdict.stderr) == (0, "", "")
    exposure = host.check_output("systemd-analyze security --no-pager agents-api@blue.service | tail -n 1")
    assert float(exposure.split(":")[1].split()[0]) < 3, exposure


def test_log_names_the_slot(host: Host, seen: dict[str, Any]):
    assert "serving" in host.check_output("journalctl -q -o cat -t agents-api-blue")


def test_killed_process_comes_back(host: Host, seen: dict[str, Any]):
    show = "systemctl show --value -p ActiveState -p MainPID agents-api@blue"
    before = set(host.check_output(show).split())
    host.check_output("systemctl kill --signal KILL agents-api@blue")
    for _ in range(50):
        after = set(host.check_output(show).split())
        if "active" in after and after != before:
            return
        time.sleep(0.2)
    pytest.fail(f"before it was killed the unit was {before}, and now it is {after}")
