"""The story of a release with the newest released ansible-core, on a controller of its own: Debian 13, with its Python.

The checkout's own environment has an ansible-core that is a release or two older (requirements/dev.in).
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

from tests.run import shipped

pytestmark = pytest.mark.containers

LOCK = CHECKOUT / "requirements/newest.txt"
SITE, COLLECTIONS = "/opt/newest", "/opt/collections"
PYTHON = "3.13"
HOST, CONTROLLER = "web1", "controller1"


class Newest:
    """A fleet of one host, and the controller that commands it."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def prepare(self) -> None:
        """Put ansible-core, the built collection and the files of the fleet into the controller."""
        site = self.fleet.bed.state / "site"
        command = ["uv", "pip", "install", "--quiet", "--target", str(site), "--python-version", PYTHON]
        command += ["--only-binary", ":all:", "--no-compile", "--require-hashes", "--requirement", str(LOCK)]
        subprocess.run(command, check=True)
        shipped.build()
        state, variables = self.fleet.bed.state, CHECKOUT / "inventories" / ENVIRONMENT / "group_vars"
        self.sh(f"mkdir -p {COLLECTIONS} {state} {variables}; install -d -m 0700 {self.fleet.bed.control}")
        self.copy(site, SITE)
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
            "PYTHONPATH": SITE,
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
        return done

    def live(self) -> str:
        return self.fleet.bed.exec(HOST, ["curl", "-fsS", "http://127.0.0.1/version"])


@pytest.fixture(scope="module")
def newest() -> Iterator[Newest]:
    with pytest.MonkeyPatch.context() as patch:
        # uv and ansible-galaxy lie beside the Python that runs this.
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield from _up()


def _up() -> Iterator[Newest]:
    run = f"newest-{os.getpid()}"
    try:
        fleet = Fleet.up(run, 1, agents_settings={"AGENTS_WARMUP": "0"})
        fleet.bed.up(1, suite="trixie", prefix="controller", group="controllers")
        fleet.build("1.0.0", "2.0.0")
        controller = Newest(fleet)
        controller.prepare()
        controller.copy(fleet.store, str(fleet.store))
        yield controller
    finally:
        Fleet.remove(run)


def test_provision_deploy_and_roll_back(newest: Newest) -> None:
    pinned = next(line for line in LOCK.read_text().splitlines() if line.startswith("ansible-core=="))
    assert pinned.split()[0].removeprefix("ansible-core==") in newest.sh(
        f"PYTHONPATH={SITE} python3 -m ansible adhoc --version"
    )
    newest.play("provision")
    newest.play("deploy", deploy_version="1.0.0")
    newest.play("deploy", deploy_version="2.0.0")
    assert '"2.0.0"' in newest.live()
    newest.play("rollback")
    assert '"1.0.0"' in newest.live()
    newest.play("provision")
    result = newest.ansible(
        "adhoc", "agents", "-m", "mas.ops.release_info", "-a", "application=agents"
    ).check()
    assert "1.0.0-" in result.output
