"""Commands in messages: each works in a shell as it stands."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.adapters.waited import run
from ansible_collections.mas.ops.plugins.module_utils._core.errors import Preempted
from ansible_collections.mas.ops.plugins.module_utils._releases.commands import (
    command,
    located,
    restored,
    rollback_command,
    undone,
)
from hypothesis import given
from hypothesis import strategies as st

RELEASE = "2.0.0-0123456789ab"


def test_the_way_back_names_release_and_inventory() -> None:
    assert rollback_command("agents", RELEASE, ["/srv/inv"]) == (
        f"ansible-playbook mas.ops.rollback -i /srv/inv -e application_name=agents -e rollback_version={RELEASE}"
    )
    assert rollback_command("agents", RELEASE) == (
        f"ansible-playbook mas.ops.rollback -e application_name=agents -e rollback_version={RELEASE}"
    )
    assert rollback_command("agents", None, ["/srv/inv"]) == ""


def test_a_change_of_some_hosts_is_taken_back_on_these() -> None:
    """Without the limit the others would be changed as well, forward even."""
    back = rollback_command("agents", RELEASE, limit="agents,!web2")
    assert back == (
        "ansible-playbook mas.ops.rollback --limit 'agents,!web2' -e application_name=agents "
        f"-e rollback_version={RELEASE}"
    )
    again = "--limit web1 -e application_name=agents -e deploy_version=2.0.0 -e deploy_partial=true"
    assert undone("rolled_back", "agents", RELEASE, None, limit="web1").endswith(f"mas.ops.deploy {again}")
    assert restored("agents", RELEASE, limit="web1") == (
        "ansible-playbook mas.ops.provision --limit web1 -e application_name=agents && "
        f"ansible-playbook mas.ops.deploy {again}"
    )


@given(
    st.lists(
        st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30), max_size=3
    )
)
def test_a_shell_reads_back_every_inventory(places: list[str]) -> None:
    words = shlex.split(command("deploy", places, application="agents"))
    found = [words[at + 1] for at, word in enumerate(words[:-2]) if word == "-i" and at % 2 == 0]
    assert found == ([*places] if all(map(str.isprintable, places)) else [])
    assert words[:2] == ["ansible-playbook", "mas.ops.deploy"]
    assert words[-2:] == ["-e", "application=agents"]


@pytest.mark.parametrize("place", ["/srv/a\nb", "/srv/\x1b[31m", "x" * 1001])
def test_what_no_line_can_hold_is_left_out(place: str) -> None:
    assert "-i" not in command("deploy", [place])


def test_each_command_of_a_message_gets_the_inventory() -> None:
    text = "Run ansible-playbook mas.ops.provision -e application_name=a, or mas.ops.deploy; then ansible-playbook mas.ops.gate"
    assert located(text, ["/srv/my inv", "b,"]) == (
        "Run ansible-playbook mas.ops.provision -i '/srv/my inv' -i b, -e application_name=a, or mas.ops.deploy; "
        "then ansible-playbook mas.ops.gate -i '/srv/my inv' -i b,"
    )
    assert located(text, []) == text
    given_already = rollback_command("agents", RELEASE, ["/srv/inv"])
    assert located(given_already, ["/srv/inv"]) == given_already


def calls(
    *words: str, timeout: float = 10, pause: object = lambda _: None
) -> subprocess.CompletedProcess[str]:
    return run(words, timeout=timeout, pause=pause, env={"PATH": "/usr/bin:/bin"})  # type: ignore[arg-type]


def test_a_command_that_is_waited_for() -> None:
    done = calls("sh", "-c", "echo out; echo wrong >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "wrong\n")
    pauses: list[float] = []
    calls("sleep", "0.7", pause=pauses.append)
    assert len(pauses) >= 2
    with pytest.raises(subprocess.TimeoutExpired):
        calls("sleep", "9", timeout=0.3)
    with pytest.raises(FileNotFoundError):
        calls("no-such-program")


def test_a_command_is_left_when_the_run_is_to_end() -> None:
    def end(_seconds: float) -> None:
        raise Preempted("ended")

    with pytest.raises(Preempted):
        calls("sleep", "60", pause=end)
