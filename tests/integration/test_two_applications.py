"""Two applications on one host, in two groups of which Ansible merges the variables: neither gets what is the other's."""

from __future__ import annotations

import json
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
#: What the group of the second application says. Its name is the later one, so that it wins where both say something.
SHOP = {
    "application_settings_for": "shop",
    "application_slots": {"blue": {"port": 8201}, "green": {"port": 8202}},
    "application_domains": ["shop.example.org"],
    "application_environment": {"AGENTS_TOKEN": THEIRS, "AGENTS_WARMUP": "0"},
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
    shop = grouped(fleet, **SHOP)
    # The host joined the group of shop: what reaches it is shop's, whichever application is provisioned.
    done = play(fleet, "provision", shop, "agents")
    assert done.status != 0, done.output
    assert "the variables of this host say that they are for shop, not for agents" in done.output
    assert environment(fleet, "agents") == before
    assert THEIRS not in before


def test_a_setting_of_another_is_no_reason_to_remove_releases(fleet: Fleet) -> None:
    """Nothing says whose they are, and what reaches the host would take the live release down."""
    done = play(fleet, "provision", grouped(fleet, application_web=False), "agents")
    assert done.status != 0
    assert "application_web is false, and slot" in done.output
    assert "See whose settings these are" in done.output
    assert "remove no release" in done.output
    assert fleet.live() == {fleet.names[0]: "1.0.0"}


def test_both_run_beside_each_other_with_their_own(fleet: Fleet) -> None:
    settings = json.loads(fleet.settings.read_text())
    shop = grouped(fleet, **SHOP)
    play(fleet, "provision", shop, "shop").check()
    assert THEIRS in environment(fleet, "shop")
    # Now the host has both. A group that says secrets, and not whose they are, is refused; so are ports of the other one.
    silent = grouped(fleet, application_environment=SHOP["application_environment"])
    done = play(fleet, "provision", silent, "agents")
    assert done.status != 0
    assert "this host has shop as well, and the variables do not say which" in done.output, done.output
    done = play(fleet, "provision", silent, "shop")
    assert done.status != 0
    assert "port 8101 is wanted by" in done.output, done.output
    shop = grouped(fleet, **SHOP)
    assert THEIRS not in environment(fleet, "agents")
    play(fleet, "deploy", shop, "shop", deploy_version="1.0.0").check()
    assert answers(fleet, "shop.example.org") == 200
    assert answers(fleet, "anything") == 200
    # What docs/operate.md advises: variables that depend on the application.
    both = {name: f"{{{{ {name}_by[application] }}}}" for name in SHOP if name != "application_settings_for"}
    own = {
        "application_slots": {"blue": {"port": 8101}, "green": {"port": 8102}},
        "application_domains": [],
        "application_environment": {"AGENTS_TOKEN": OURS, "AGENTS_WARMUP": "0"},
    }
    by = {f"{name}_by": {"shop": SHOP[name], "agents": own[name]} for name in both}
    merged = grouped(fleet, **both, **by, application_settings_for="{{ application }}")
    for application, mine, other in (("agents", OURS, THEIRS), ("shop", THEIRS, OURS)):
        play(fleet, "provision", merged, application).check()
        play(fleet, "restart", merged, application).check()
        found = environment(fleet, application)
        assert mine in found
        assert other not in found
    assert answers(fleet, "shop.example.org") == 200
    assert json.loads(fleet.settings.read_text()) == settings
