"""The story of a release with each ansible-core that is supported, on a controller of its own: Debian 13, with its Python.

The checkout's own environment has one of them (requirements/dev.in), with which all other tests run. One host and one
controller serve all releases.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bed"))

from bed import podman
from fleet import ADVISED, CHECKOUT, ENVIRONMENT, TOKEN, Done, Fleet

from tests.run import ansible_core, shipped

pytestmark = pytest.mark.containers

SITES, COLLECTIONS = "/opt/ansible-core", "/opt/collections"
HOST, CONTROLLER = "web1", "controller1"


class Controller:
    """The machine that commands a fleet of one host, with one ansible-core at a time."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.release = ""

    def prepare(self) -> None:
        """Put the built collection and the files of the fleet into the controller."""
        shipped.build()
        state, variables = self.fleet.bed.state, CHECKOUT / "inventories" / ENVIRONMENT / "group_vars"
        self.sh(f"mkdir -p {COLLECTIONS} {state} {variables}; install -d -m 0700 {self.fleet.bed.control}")
        self.copy(shipped.COLLECTIONS, COLLECTIONS)
        self.copy(variables, str(variables))
        for name in (
            "inventory.yml",
            "settings.json",
            "ssh_config",
            "known_hosts",
            "id_ed25519",
            "group_vars",
        ):
            podman("cp", str(state / name), f"{self.container}:{state / name}")

    def use(self, release: str) -> None:
        """Put an ansible-core into the controller, beside the others."""
        site = self.fleet.bed.state / release
        ansible_core.install(release, "--target", str(site), "--only-binary", ":all:")
        self.release = release
        self.sh(f"mkdir -p {self.site}")
        self.copy(site, self.site)

    @property
    def site(self) -> str:
        return f"{SITES}/{self.release}"

    def copy(self, folder: Path, to: str) -> None:
        podman("cp", f"{folder}/.", f"{self.container}:{to}")

    @property
    def container(self) -> str:
        return self.fleet.bed.host(CONTROLLER).container

    def sh(self, script: str) -> str:
        return podman("exec", self.container, "sh", "-c", script)

    def ansible(self, *words: str, **extra: str) -> Done:
        """A command of ansible-core's, as ``python3 -m ansible`` names it."""
        state = self.fleet.bed.state
        settings = {
            "PYTHONPATH": self.site,
            "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
            "ANSIBLE_NOCOLOR": "1",
            **ADVISED,
            f"AGENTS_{ENVIRONMENT.upper()}_TOKEN": TOKEN,
        }
        environment = [f"--env={name}={value}" for name, value in settings.items()]
        command = [str(CHECKOUT / "tests/bed/env.sh"), "podman", "exec", *environment, self.container]
        command += ["python3", "-m", "ansible", *words]
        if words[0] != "--version":
            command += ["-i", str(state / "inventory.yml"), "-e", f"@{state}/settings.json"]
        command += ["-e", json.dumps(extra)] if extra else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return Done(" ".join(words), done.returncode, done.stdout + done.stderr, 0.0)

    def play(self, playbook: str, **extra: str) -> Done:
        done = self.ansible("playbook", f"mas.ops.{playbook}", **extra).check()
        # What it says about a key that it reads in its own way.
        assert "result key" not in done.output, done.output
        # A later release refuses what this one deprecates.
        assert "DEPRECATION" not in done.output, done.output
        return done

    def live(self) -> str:
        return self.fleet.bed.exec(HOST, ["curl", "-fsS", "http://127.0.0.1/version"])


@pytest.fixture(scope="module")
def controller() -> Iterator[Controller]:
    with pytest.MonkeyPatch.context() as patch:
        # uv and ansible-galaxy lie beside the Python that runs this.
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield from _up()


def _up() -> Iterator[Controller]:
    run = f"core-{os.getpid()}"
    try:
        fleet = Fleet.up(run, 1, agents_settings={"AGENTS_WARMUP": "0"})
        fleet.bed.up(1, suite="trixie", prefix="controller", group="controllers")
        fleet.build("1.0.0", "2.0.0")
        controller = Controller(fleet)
        controller.prepare()
        controller.copy(fleet.store, str(fleet.store))
        yield controller
    finally:
        Fleet.remove(run)


@pytest.mark.parametrize("release", ansible_core.RELEASES)
def test_provision_deploy_and_roll_back(controller: Controller, release: str) -> None:
    """The host keeps what the release before it did, as it does when a user updates ansible-core."""
    controller.use(release)
    said = controller.sh(f"PYTHONPATH={controller.site} python3 -m ansible adhoc --version")
    assert ansible_core.version(release) in said
    controller.play("provision")
    controller.play("deploy", deploy_version="1.0.0")
    controller.play("deploy", deploy_version="2.0.0")
    assert '"2.0.0"' in controller.live()
    controller.play("rollback")
    assert '"1.0.0"' in controller.live()
    controller.play("provision")
    answer = controller.ansible(
        "adhoc", "agents", "-m", "mas.ops.release_info", "-a", "application=agents"
    ).check()
    assert "1.0.0-" in answer.output
