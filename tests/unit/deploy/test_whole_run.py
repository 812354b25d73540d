"""A command line that leaves out tasks or hosts is no quiet success."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.cli.playbook import PlaybookCLI
from ansible.utils.context_objects import GlobalCLIArgs
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.plugin_utils.adapters.whole_run import refuse_parts

PLAYBOOKS = sorted((Path(__file__).resolve().parents[3] / "playbooks").glob("*.yml"))
NAMES = [path.stem for path in PLAYBOOKS]


def refused(*argv: str) -> str:
    """Why Ansible's command line is refused; empty where it is not."""
    GlobalCLIArgs._Singleton__instance = None  # type: ignore[attr-defined]
    PlaybookCLI(["ansible-playbook", *argv]).parse()
    try:
        refuse_parts()
    except BadInput as error:
        return str(error)
    finally:
        GlobalCLIArgs._Singleton__instance = None  # type: ignore[attr-defined]
    return ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "options",
    [
        ("--tags", "nosuch"),
        ("--tags", "tagged"),
        ("--skip-tags", "all"),
        ("--skip-tags", "untagged"),
        ("--start-at-task", "no such"),
    ],
)
def test_what_leaves_tasks_out_is_refused(name: str, options: tuple[str, str]) -> None:
    for playbook in (f"mas.ops.{name}", str(PLAYBOOKS[0].parent / f"{name}.yml")):
        assert f"{options[0]} " in refused(playbook, *options)


@pytest.mark.parametrize(
    "argv",
    [
        ("mas.ops.deploy",),
        ("mas.ops.deploy", "--tags", "all"),
        ("mas.ops.deploy", "--tags", "untagged,more"),
        ("mas.ops.deploy", "--skip-tags", "slow"),
        ("mas.ops.deploy", "--tags", "nosuch", "--list-tasks"),
        ("/srv/site.yml", "--tags", "nosuch"),
        ("/srv/site.yml", "--skip-tags", "all"),
        ("/srv/site.yml", "--start-at-task", "mine"),
    ],
)
def test_what_leaves_nothing_out_is_not(argv: tuple[str, ...]) -> None:
    assert refused(*argv) == ""


@pytest.mark.parametrize("path", PLAYBOOKS, ids=NAMES)
def test_every_playbook_looks_in_its_first_play(path: Path) -> None:
    first = yaml.safe_load(path.read_text("utf-8"))[0]
    if "hosts" not in first:
        first = yaml.safe_load((path.parent / first["ansible.builtin.import_playbook"]).read_text("utf-8"))[0]
    assert "mas.ops.application_hosts" in first["hosts"] or "mas.ops.whole_run" in first["hosts"]


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    defined = {"mas_application_agents": {"artifacts": "/srv/artifacts"}}
    path = tmp_path_factory.mktemp("inventory") / "inventory.yml"
    hosts = {name: {} for name in ("web1", "web2", "web3")}
    path.write_text(
        yaml.safe_dump(
            {
                "all": {
                    "children": {
                        "agents": {"hosts": hosts, "vars": defined},
                        "others": {"hosts": {"db1": {}}},
                    }
                }
            }
        ),
        "utf-8",
    )
    return path


def ran(inventory: Path, *options: str, playbook: str = "gate") -> subprocess.CompletedProcess[str]:
    """Ansible itself, with a playbook that connects to no host."""
    argv = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        str(inventory),
        f"mas.ops.{playbook}",
        "-e",
        "application_name=agents",
        *options,
    ]
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "1000"},
    )


def test_ansible_ends_with_an_error(inventory: Path) -> None:
    done = ran(inventory, "--tags", "nosuch")
    assert done.returncode != 0
    assert "--tags nosuch leaves out tasks" in done.stderr + done.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("-e", '{"gate_decision": {"ask": [], "refused": false, "left_out": [], "hosts": {}}}'),
        ("-e", "gate_for=rollback"),
        ("-e", "inventory_hostname=web1"),
    ],
)
def test_a_gate_decision_as_an_extra_variable_is_refused(inventory: Path, options: tuple[str, str]) -> None:
    """An extra variable beats what a task registers, and the variables of a play."""
    done = ran(inventory, *options)
    assert done.returncode != 0
    assert (
        "cannot be given: Ansible and the playbooks keep there what they find out"
        in done.stderr + done.stdout
    )


def test_what_decides_which_change_it_is_cannot_be_a_template(inventory: Path) -> None:
    """The gate would read another word than the deploy."""
    extra = '{"deploy_version": "1.0.0", "deploy_abort": "{{ gate_host_facts is defined and 1 }}"}'
    done = ran(inventory, "-e", extra, playbook="deploy")
    assert done.returncode != 0
    assert "deploy_abort is a template: write the value itself" in done.stderr + done.stdout


def test_a_stop_file_as_an_extra_variable_is_refused(inventory: Path) -> None:
    done = ran(inventory, "-e", "change_stop_file=/nonexistent")
    assert done.returncode == 2
    assert "the stop file is the same one for everybody" in done.stderr + done.stdout
    assert ran(inventory, "-e", "change_stop_file=", "-e", "gate_change=rollback").returncode == 0


def test_the_stop_stops(inventory: Path) -> None:
    """The negative control of the test above."""
    done = ran(inventory, "-e", "change_stop=fire")
    assert done.returncode == 2
    assert "The gate is closed" in done.stderr + done.stdout
    assert ran(inventory).returncode == 0


def test_hosts_that_limit_leaves_out_are_named(inventory: Path) -> None:
    stderr = ran(inventory, "--limit", "web2").stderr
    assert "--limit web2 leaves out 2 of 3 hosts of agents, which stay as they are: web1, web3" in stderr
    assert stderr.count("leaves out 2 of 3") == 1
    assert "leaves out" not in ran(inventory).stderr
    assert "leaves out" not in ran(inventory, "--limit", "agents").stderr


def test_leaving_out_all_of_them_is_an_error(inventory: Path) -> None:
    done = ran(inventory, "--limit", "db1")
    assert done.returncode != 0
    assert "--limit db1 leaves out all hosts of agents" in done.stderr + done.stdout


def test_a_deploy_does_not_split_a_fleet_unless_it_is_meant(inventory: Path) -> None:
    def deploy(*options: str) -> str:
        done = ran(inventory, "-e", "deploy_version=1.0.0", "--limit", "web2", *options, playbook="deploy")
        return done.stderr + done.stdout

    assert "which keep what they serve (left out: web1, web3)" in deploy()
    for option in ("deploy_partial=true", "deploy_abort=true"):
        assert "may serve two versions" not in deploy("-e", option)
    assert "may serve two versions" not in deploy("--check")


def test_a_playbook_of_the_user_that_imports_ours_passes_a_syntax_check(tmp_path: Path) -> None:
    """Without an inventory and without extra variables: ansible-lint checks it like this."""
    imports = [{"name": name, "ansible.builtin.import_playbook": f"mas.ops.{name}"} for name in NAMES]
    site = tmp_path / "site.yml"
    site.write_text(yaml.safe_dump(imports), "utf-8")
    argv = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "--syntax-check",
        "-i",
        os.devnull,
        str(site),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
