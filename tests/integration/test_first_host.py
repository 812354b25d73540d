"""What a newcomer meets on the first host: a refusal names the cause and what to do, and secrets stay on the host."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet import TOKEN, Done, Fleet

pytestmark = pytest.mark.containers

PORTS = {"blue": 8101, "green": 8102}


def described(**changes: Any) -> Callable[[Path], None]:
    """Change what the mas.yml of a source says; a process or a migration by its dotted name."""

    def change(source: Path) -> None:
        path = source / "mas.yml"
        description = yaml.safe_load(path.read_text())
        for name, value in changes.items():
            group, _, key = name.partition("__")
            if key:
                description[group][key] = value
            else:
                description[name] = value
        path.write_text(yaml.safe_dump(description))

    return change


def words(done: Done) -> str:
    return " ".join(done.output.split())


def refused(fleet: Fleet, done: Done, *says: str) -> None:
    assert done.status != 0
    for text in says:
        assert text in words(done)
    assert TOKEN not in done.output
    assert fleet.live() == dict.fromkeys(fleet.names, "1.0.0")


def test_a_program_on_a_port_of_the_proxy(pair: Fleet) -> None:
    pair.build("1.0.0")
    pair.deploy("1.0.0").check()
    host = pair.names[0]
    pair.bed.exec(host, ["systemd-run", "--unit=squatter", "python3", "-m", "http.server", "8499"])
    try:
        for check in ([], ["--check"]):
            refused(
                pair,
                pair.play("provision", *check, proxy_metrics_address="127.0.0.1:8499"),
                f"Nothing was changed on {host}. First:",
                "Another program on the host listens on port 8499, where HAProxy should: python3 (pid",
                "unit squatter.service",
            )
    finally:
        pair.bed.exec(host, ["systemctl", "stop", "squatter"])


def test_without_root(pair: Fleet) -> None:
    without = {"ansible_become": True, "ansible_become_user": "nobody", "ansible_pipelining": True}
    refused(pair, pair.play("provision", **without), "needs root. Set ansible_become: true")


def test_a_package_that_is_not_installed(pair: Fleet) -> None:
    pair.build("81.1.0", like="1.0.0", change=described(packages=["python3", "no-such-package"]))
    for check in (["--check"], []):
        refused(
            pair,
            pair.deploy("81.1.0", *check),
            "no-such-package of the packages that 81.1.0-",
            "not installed on this host",
            "Add them to the application's packages and run ansible-playbook mas.ops.provision",
        )


def test_the_cause_of_a_start_that_failed(pair: Fleet) -> None:
    api = {"kind": "web", "command": ["./no-such-gunicorn", "--bind=:$PORT"], "listen": "systemd"}
    pair.build("81.2.0", like="1.0.0", change=described(processes__api=api))
    done = pair.deploy("81.2.0")
    refused(pair, done, "it did not start", "/no-such-gunicorn: No such file or directory")
    assert "ocate executable" in words(done)


def test_what_a_migration_wrote_stays_in_the_journal(pair: Fleet) -> None:
    """An error of a database quotes the data that it is about."""
    command = ["sh", "-c", 'echo "no database for $AGENTS_TOKEN"; exit 3']
    pair.build("81.3.0", like="1.0.0", change=described(migrations__expand=command))
    done = pair.deploy("81.3.0")
    refused(pair, done, "the migration failed with exit status 3", "journalctl -u agents-migration@")
    assert "no database for" not in done.output


def test_the_port_in_a_command(pair: Fleet) -> None:
    said = 'echo "$1 $2 $3" > "$MAS_SHARED/port"; exec python3 -m agents.worker'
    worker = {"kind": "worker", "command": ["sh", "-c", said, "sh", "$PORT", "[::1]:${PORT}/", "$PORTS"]}
    pair.build("81.4.0", like="1.0.0", change=described(processes__worker=worker))
    pair.deploy("81.4.0").check()
    for name in pair.names:
        live = json.loads(pair.bed.exec(name, ["cat", "/var/lib/mas/agents/state.json"]))["live"]
        port = PORTS[live]
        assert (
            pair.bed.exec(name, ["cat", "/srv/agents/shared/port"]).strip() == f"{port} [::1]:{port}/ $PORTS"
        )


def test_the_traffic_in_a_few_lines(pair: Fleet) -> None:
    done = pair.ansible("mas.ops.traffic_info", "-a", "application=agents")
    assert done.output.count("100 %, after a reload too") == len(pair.names)
    assert len(done.output.splitlines()) <= 18 * len(pair.names)
