"""What a change says at its end."""

from __future__ import annotations

from typing import Any

from ansible_collections.mas.ops.plugins.plugin_utils.deploy.summary import summarize

ONE, TWO = "1.0.0-111111111111", "2.0.0-222222222222"
BACK = f"ansible-playbook mas.ops.rollback -e application_name=agents -e rollback_version={ONE}"


def result(live: str | None = TWO, previous: str | None = ONE, command: str = BACK) -> dict[str, Any]:
    return {"live": live, "previous": previous, "rollback_command": command}


def test_a_deploy_says_what_is_live_and_how_to_go_back() -> None:
    summary = summarize("agents", "deploy", {"web1": result(), "web2": result()})
    assert summary.lines() == [f"agents {TWO} is live on 2 hosts web1, web2.", f"To go back to {ONE}: {BACK}"]
    assert summary.to_dict() == {
        "application_name": "agents",
        "until": "live",
        "hosts": {"web1": TWO, "web2": TWO},
        "not_seen": [],
        "left_out": [],
        "rollback_command": BACK,
    }


def test_hosts_that_were_no_part_of_it_are_named() -> None:
    summary = summarize("agents", "deploy", {"web1": result(), "web2": None}, left_out=["web2", "web3"])
    assert summary.lines() == [
        f"agents {TWO} is live on host web1.",
        "Left out, by --limit or the gate: 2 hosts web2, web3.",
        f"To go back to {ONE}: {BACK}",
    ]
    assert (summary.to_dict()["not_seen"], summary.to_dict()["left_out"]) == ([], ["web2", "web3"])


def test_the_first_one_has_nothing_to_go_back_to() -> None:
    lines = summarize("agents", "deploy", {"web1": result(previous=None, command="")}).lines()
    assert lines == [
        f"agents {TWO} is live on host web1.",
        "Nothing was live before, so there is nothing to go back to.",
    ]


def test_hosts_that_differ_and_one_that_is_not_seen() -> None:
    hosts = {
        "web1": result(),
        "web2": result(live=ONE, previous=None, command=""),
        "web3": None,
        "web4": {"failed": True},
    }
    summary = summarize("agents", "rollback", hosts)
    assert summary.lines() == [
        f"agents {ONE} is live on host web2.",
        f"agents {TWO} is live on host web1.",
        "Not known: 2 hosts web3, web4.",
        "The hosts do not agree on what was live before: mas.ops.rollback says what each can go back to.",
    ]
    assert summary.to_dict()["rollback_command"] == ""


def test_what_is_only_staged_and_many_hosts() -> None:
    hosts = {f"web{number}": result(live=ONE) for number in range(9)}
    assert summarize("agents", "deploy", hosts, "staged", TWO).lines() == [
        f"agents {TWO} is staged on 9 hosts."
    ]
    further = summarize("agents", "rollback", {"web1": result()}).lines()[-1]
    assert further == f"To go further back to {ONE}: {BACK}"
