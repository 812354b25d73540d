"""A dry run refuses what the run would refuse, and reports what it would do; a rollback includes hosts without a record."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fleet import Fleet

from .conftest import make_fleet
from .test_slots import described, everywhere, variant

pytestmark = pytest.mark.containers

TRACE = """
import sys
def connect(host):
    raise ConnectionError("cannot reach the broker at " + host + ": no route, which is a long way to say that the network "
                          "between this host and the broker is not there at all, see THE-CAUSE")
def main():
    connect("broker.example.org")
main()
"""


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    yield from make_fleet("newcomer-check", 2, "mixed", warmup=0)


def now() -> str:
    """After everything so far, to the second."""
    time.sleep(1.1)
    said = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    time.sleep(1.1)
    return said


def refused(fleet: Fleet, version: str, says: str, some: bool = False) -> None:
    """In a dry run as in the run."""
    dry = fleet.deploy(version, "--check")
    assert dry.status != 0, dry.output
    assert says in dry.output, dry.output
    assert "Back on" not in dry.output
    if some:
        # Where all hosts refuse there is nothing to say about the fleet.
        assert "nothing was changed on any host" in dry.output
    real = fleet.deploy(version)
    assert real.status != 0
    assert says in real.output


def test_a_dry_run_refuses_what_the_run_refuses(fleet: Fleet) -> None:
    fleet.build("1.0.0")
    fleet.deploy("1.0.0", "--check").check()
    fleet.deploy("1.0.0").check()
    variant(fleet, "6.0.0", secrets=["AGENTS_TOKEN", "NOT_SET_ANYWHERE"])
    refused(fleet, "6.0.0", "NOT_SET_ANYWHERE not set in")
    variant(fleet, "6.1.0", processes={"worker": described()["processes"]["worker"]}, health=None)
    refused(fleet, "6.1.0", "it has no web process")
    everywhere(fleet, "1.0.0")


def test_a_dry_run_refuses_a_signer_that_a_host_does_not_know(fleet: Fleet) -> None:
    first = fleet.names[0]
    path = "/etc/mas/agents/allowed_signers"
    other = fleet.bed.state / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    line = f"other {other.with_suffix('.pub').read_text()}"
    fleet.build("6.2.0", like="1.0.0")
    known = fleet.bed.exec(first, ["cat", path])
    fleet.bed.exec(first, ["sh", "-c", f"echo '{line.strip()}' > {path}"])
    refused(fleet, "6.2.0", "signed by a key that is not allowed here", some=True)
    fleet.bed.exec(first, ["sh", "-c", f"echo '{known}' > {path}"])
    fleet.deploy("6.2.0", "--check").check()
    everywhere(fleet, "1.0.0")


def test_the_cause_of_a_failed_start_is_in_the_message(fleet: Fleet) -> None:
    processes = described()["processes"]
    broken = {**processes["api"], "command": ["python3", "-c", f"exec({TRACE!r})"]}
    variant(fleet, "6.3.0", processes={**processes, "api": broken})
    done = fleet.deploy("6.3.0")
    assert done.status != 0
    assert "THE-CAUSE" in done.output, done.output
    assert "Traceback (most recent call last)" in done.output


def test_a_refusal_is_said_without_the_source_of_a_template(fleet: Fleet) -> None:
    done = fleet.rollback("", "-e", "rollback_to_time=yesterday")
    assert done.status != 0
    assert "'yesterday' is not a time" in done.output
    assert "filter plugin" not in done.output
    done = fleet.deploy("1.0.0", deploy_steps="often")
    assert "deploy_steps" in done.output
    assert "filter plugin" not in done.output


def test_a_dry_run_of_a_rollback_says_which_host_would_be_fed(fleet: Fleet) -> None:
    fleet.build("1.1.0", "1.2.0", like="1.0.0")
    fleet.play("deploy", "--limit", fleet.names[0], deploy_version="1.1.0", deploy_partial=True).check()
    fleet.deploy("1.2.0").check()
    for target in ("", "1.1.0"):
        dry = fleet.rollback(target, "--check").check().output
        after = dry[dry.index("Fetch, start and switch to 1.1.0-") :]
        assert f"changed: [{fleet.names[1]}]" in after, dry
        everywhere(fleet, "1.2.0")


def set_up_anew(fleet: Fleet, name: str) -> None:
    script = (
        "systemctl stop 'agents-*' || true; chattr -R -a /var/lib/mas 2>/dev/null; "
        "rm -rf /srv/agents /var/lib/mas /etc/mas/agents /etc/systemd/system/agents-* "
        "/etc/systemd/system/*/agents-*; systemctl daemon-reload; systemctl reset-failed"
    )
    fleet.bed.exec(name, ["sh", "-c", script])
    fleet.provision().check()


def test_hosts_without_a_record_follow_the_others(fleet: Fleet) -> None:
    then = now()
    fleet.build("1.3.0", like="1.0.0")
    fleet.deploy("1.3.0").check()
    set_up_anew(fleet, fleet.names[1])
    output = fleet.rollback("", "-e", f"rollback_to_time={then}").check().output
    assert f"{fleet.names[1]} has no record of that moment" in output
    everywhere(fleet, "1.2.0")
    fleet.deploy("1.3.0").check()
    set_up_anew(fleet, fleet.names[1])
    extra = fleet.bed.state / "environment.json"
    extra.write_text(json.dumps({"rollback_to_time": then}))
    settings = json.loads(fleet.settings.read_text())
    settings.pop("application_name")
    fleet.settings.write_text(json.dumps(settings))
    output = fleet.play("rollback_environment", "-e", f"@{extra}").check().output
    assert f"{fleet.names[1]} has no record of that moment" in output
    everywhere(fleet, "1.2.0")
