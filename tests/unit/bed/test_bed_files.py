"""What bed.py writes for Ansible and ssh."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import bed_files
import pytest
import yaml
from bed_files import Host

STATE = Path("/srv/check out/.bed/demo")
CONTROL = Path("/tmp/mas-bed-0/demo")


def make_host(name: str = "web1", **changes: Any) -> Host:
    defaults: dict[str, Any] = {
        "container": f"demo-{name}",
        "suite": "bookworm",
        "group": "agents",
        "environment": "staging",
        "address": "10.89.0.10",
        "keys": ("ssh-ed25519 AAAA root@web1", "ssh-rsa BBBB root@web1"),
    }
    return Host(name=name, **(defaults | changes))


def plan(count: int, existing: list[Host], **changes: str) -> list[Host]:
    options = {"prefix": "web", "suite": "bookworm", "group": "agents", "environment": ""} | changes
    return bed_files.plan_hosts("demo", count, existing=existing, **options)


def test_hosts_are_numbered_from_one_and_carry_the_run() -> None:
    assert [(h.name, h.container) for h in plan(2, [])] == [("web1", "demo-web1"), ("web2", "demo-web2")]


def test_more_hosts_go_on_after_those_of_the_same_prefix() -> None:
    existing = [make_host("web1"), make_host("web7"), make_host("db9"), make_host("web2a")]
    assert [h.name for h in plan(2, existing)] == ["web8", "web9"]
    assert [h.name for h in plan(1, existing, prefix="db")] == ["db10"]


def test_mixed_takes_the_suites_in_turn() -> None:
    assert [h.suite for h in plan(3, [], suite="mixed")] == ["bookworm", "trixie", "bookworm"]


def test_addresses_skip_the_taken_ones() -> None:
    existing = [make_host(address="10.89.0.11")]
    assert bed_files.free_addresses("10.89.0.0/24", 3, existing) == ["10.89.0.10", "10.89.0.12", "10.89.0.13"]


def test_a_full_network_is_refused() -> None:
    with pytest.raises(ValueError, match="no room for 7"):
        bed_files.free_addresses("10.89.0.0/28", 7, [])


def test_inventory_puts_groups_below_their_environment() -> None:
    hosts = [make_host(), make_host("db1", group="databases", environment="", port=2201)]
    everything = yaml.safe_load(bed_files.inventory(hosts, STATE, CONTROL))["all"]
    assert everything["children"] == {
        "staging": {"children": {"agents": {"hosts": {"web1": {"ansible_host": "10.89.0.10"}}}}},
        "databases": {"hosts": {"db1": {"ansible_host": "10.89.0.10", "ansible_port": 2201}}},
    }


def test_inventory_survives_a_checkout_with_spaces() -> None:
    settings = yaml.safe_load(bed_files.inventory([make_host()], STATE, CONTROL))["all"]["vars"]
    assert settings["ansible_ssh_private_key_file"] == str(STATE / "id_ed25519")
    arguments = shlex.split(settings["ansible_ssh_common_args"])
    assert arguments[:2] == ["-F", str(STATE / "ssh_config")]
    assert f"ControlPath={CONTROL}/%h-%p" in arguments


def test_ssh_config_names_hosts_and_checks_their_keys() -> None:
    text = bed_files.ssh_config([make_host(port=2201)], STATE, CONTROL)
    assert text.startswith("Host web1\n  HostName 10.89.0.10\n  Port 2201\n")
    assert "StrictHostKeyChecking yes" in text
    assert f'UserKnownHostsFile "{STATE}/known_hosts"' in text


def test_known_hosts_has_a_line_a_key_without_comments() -> None:
    assert bed_files.known_hosts([make_host()]) == "10.89.0.10 ssh-ed25519 AAAA\n10.89.0.10 ssh-rsa BBBB\n"


def test_known_hosts_names_another_port() -> None:
    text = bed_files.known_hosts([make_host(address="127.0.0.1", port=40022, keys=("ssh-ed25519 A",))])
    assert text == "[127.0.0.1]:40022 ssh-ed25519 A\n"


def test_hosts_survive_being_written_down() -> None:
    hosts = [make_host(), make_host("web2", published={"22": 40022, "80": 40080})]
    assert bed_files.load_hosts(bed_files.dump_hosts(hosts)) == hosts


def test_endpoint_is_the_address_or_what_is_published() -> None:
    assert make_host().endpoint(80) == "10.89.0.10:80"
    rootless = make_host(address="127.0.0.1", published={"22": 40022, "80": 40080})
    assert rootless.endpoint(80) == "127.0.0.1:40080"
    with pytest.raises(KeyError, match="--port 8080"):
        rootless.endpoint(8080)


@pytest.mark.parametrize("run", ["", "-a", "A", "a_b", "a/b", "a" * 25, "../x"])
def test_run_ids_that_would_make_bad_names_are_refused(run: str) -> None:
    assert not bed_files.RUN.fullmatch(run)


def test_a_host_keeps_its_card_and_no_two_share_one() -> None:
    cards = {bed_files.mac_address(f"demo-web{number}") for number in range(1, 100)}
    assert len(cards) == 99
    assert bed_files.mac_address("demo-web1") == bed_files.mac_address("demo-web1")
    assert all(int(card[:2], 16) & 0b11 == 0b10 for card in cards)
