"""Two applications on one host, in two groups of which Ansible merges the variables: neither gets the settings of the other."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from bed import CHECKOUT
from fleet import Done, Fleet

from .conftest import make_fleet

pytestmark = pytest.mark.containers

OURS, THEIRS = "agents-own-secret", "shop-own-secret"
#: The definition of the second application.
SHOP = {
    "slots": {"blue": {"port": 8201}, "green": {"port": 8202}},
    "domains": ["shop.example.org"],
    "environment": {"AGENTS_TOKEN": THEIRS, "AGENTS_WARMUP": "0"},
}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    yield from make_fleet("newcomer-two", 1, "bookworm", warmup=0)


def grouped(fleet: Fleet, **variables: Any) -> Path:
    """A second inventory, which puts the host into the group ``shop`` as well, with a file for the group's variables."""
    path = fleet.bed.state / "second/shop.yml"
    values = path.parent / "group_vars/shop.yml"
    values.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"shop": {"hosts": dict.fromkeys(fleet.names, None)}}))
    values.write_text(yaml.safe_dump(variables))
    return path


def play(fleet: Fleet, playbook: str, shop: Path, application: str, **extra: Any) -> Done:
    return fleet.play(playbook, "-i", str(shop), application_name=application, **extra)


def environment(fleet: Fleet, application: str) -> str:
    script = f"cat /etc/mas/{application}/environment /etc/mas/{application}/slots/*.env 2>/dev/null || true"
    return fleet.bed.exec(fleet.names[0], ["sh", "-c", script])


def build_shop(fleet: Fleet) -> None:
    """The example under another name."""
    source = fleet.bed.state / "source/shop"
    maker = CHECKOUT / "examples/app/make_version.py"
    subprocess.run([sys.executable, str(maker), "1.0.0", str(source)], check=True)
    description = yaml.safe_load((source / "mas.yml").read_text())
    (source / "mas.yml").write_text(yaml.safe_dump({**description, "name": "shop"}))
    fleet.play("build", build_source=str(source), build_signing_key=str(fleet.key)).check()


def answers(fleet: Fleet, host: str) -> int:
    request = urllib.request.Request(fleet.bed.url(fleet.names[0], 80, "/version"), headers={"Host": host})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return int(answer.status)


def test_neither_application_gets_the_settings_of_the_other(fleet: Fleet) -> None:
    fleet.build("1.0.0")
    build_shop(fleet)
    fleet.deploy("1.0.0").check()
    before = environment(fleet, "agents")
    # The host joins the group of shop: that changes nothing for agents.
    play(fleet, "provision", grouped(fleet, mas_application_shop=SHOP), "agents").check()
    assert environment(fleet, "agents") == before
    assert THEIRS not in before


def test_a_variable_of_the_role_in_the_inventory_is_refused(fleet: Fleet) -> None:
    """It would reach both applications."""
    done = play(fleet, "provision", grouped(fleet, application_web=False), "agents")
    assert done.status != 0
    assert "application_web is for plays with the role alone: the playbooks read web of" in done.output
    assert fleet.live() == {fleet.names[0]: "1.0.0"}


@pytest.mark.parametrize("playbook", ["provision", "deploy", "restart", "contract", "gate"])
def test_an_application_without_a_definition_is_refused(fleet: Fleet, playbook: str) -> None:
    version = {"deploy": {"deploy_version": "1.0.0"}, "contract": {"contract_version": "1.0.0"}}
    done = play(
        fleet, playbook, grouped(fleet, mas_application_shpo=SHOP), "shop", **version.get(playbook, {})
    )
    assert done.status != 0
    assert "mas_application_shop, which defines the application, is not set" in done.output
    assert "mas_application_shpo is set: is that a misspelt" in done.output
    # As extra variables the tests give what the definition would say, so that no other mistake is in the way.
    assert "is not on" not in done.output
    assert (
        fleet.bed.exec(fleet.names[0], ["sh", "-c", "ls -d /etc/mas/shop /srv/shop 2>/dev/null || true"])
        == ""
    )


def test_a_key_that_is_not_known_is_refused(fleet: Fleet) -> None:
    done = play(fleet, "provision", grouped(fleet, mas_application_shop={**SHOP, "domain": "x"}), "shop")
    assert done.status != 0
    assert "domain is not a key of mas_application_shop: did you mean domains?" in done.output


def test_both_run_beside_each_other_with_their_own(fleet: Fleet) -> None:
    same_ports = {**SHOP, "slots": {"blue": {"port": 8101}, "green": {"port": 8202}}}
    done = play(fleet, "provision", grouped(fleet, mas_application_shop=same_ports), "shop")
    assert done.status != 0
    assert "port 8101 is wanted by" in done.output, done.output
    shop = grouped(fleet, mas_application_shop=SHOP)
    play(fleet, "provision", shop, "shop").check()
    play(fleet, "deploy", shop, "shop", deploy_version="1.0.0").check()
    assert answers(fleet, "shop.example.org") == 200
    assert answers(fleet, "anything") == 200
    # A new secret of one reaches that one.
    both = grouped(fleet, mas_application_shop=SHOP, agents_secrets={"AGENTS_TOKEN": OURS})
    for application, mine, other in (("agents", OURS, THEIRS), ("shop", THEIRS, OURS)):
        play(fleet, "provision", both, application).check()
        play(fleet, "restart", both, application).check()
        found = environment(fleet, application)
        assert mine in found
        assert other not in found
    assert answers(fleet, "shop.example.org") == 200


def test_a_way_back_needs_no_definition(fleet: Fleet) -> None:
    """What it needs is on the host."""
    fleet.build("2.0.0")
    fleet.deploy("2.0.0").check()
    # Null, as after a file of the inventory was emptied.
    lost = {"mas_application_agents": None, "application_artifacts": ""}
    done = fleet.rollback(**lost).check()
    assert "mas_application_agents, which defines the application, is not set" in done.output
    assert fleet.live() == {fleet.names[0]: "1.0.0"}
    fleet.deploy("2.0.0", deploy_abort=True, **lost).check()
    assert fleet.live() == {fleet.names[0]: "1.0.0"}
