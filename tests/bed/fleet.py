"""The example application on the hosts of a bed, handled with the commands that an operator uses.

with Fleet.up("demo", hosts=3) as fleet:
    fleet.provision()
    fleet.build("1.0.0")
    fleet.deploy("1.0.0").check()
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bed import CHECKOUT, Bed
from load import Load

APPLICATION = "agents"
ENVIRONMENT = "staging"
TOKEN = "not-a-secret-outside-the-test-bed"
#: Ansible's settings that docs/automate.md advises; a fleet may have others.
ADVISED = {"ANSIBLE_FORKS": "10", "ANSIBLE_PIPELINING": "1"}
#: What would make Ansible compile itself anew in each command, which no user's setup does.
_UNUSUAL = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")


class CommandFailed(Exception):
    """A command of the story failed; the message holds its output."""


@dataclass(frozen=True)
class Done:
    """A command that ended: its exit status, all that it printed, and how long it took in seconds."""

    command: str
    status: int
    output: str
    seconds: float

    def check(self) -> Done:
        if self.status:
            raise CommandFailed(f"{self.command} ended with status {self.status}:\n{self.output}")
        return self


class Fleet:
    """Hosts of one environment, a store of artifacts, a signing key, and the settings for all of them."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.store = bed.state / "artifacts"
        self.key = bed.state / "signer"
        self.settings = bed.state / "settings.json"
        self.ansible_settings: Mapping[str, str] = ADVISED

    @classmethod
    def up(cls, run: str, hosts: int, *, suite: str = "bookworm", **settings: Any) -> Fleet:
        """Start the hosts. ``settings`` are variables that override those of the example inventory."""
        fleet = cls(Bed.named(run))
        fleet.bed.up(hosts, suite=suite, group=APPLICATION, environment=ENVIRONMENT, ports=(80,))
        group_vars = fleet.bed.state / "group_vars"
        if not group_vars.is_symlink():
            group_vars.symlink_to(CHECKOUT / "inventories" / ENVIRONMENT / "group_vars")
        fleet.store.mkdir(exist_ok=True)
        kind = ["-q", "-t", "ed25519", "-N", "", "-C", "builder"]
        subprocess.run(["ssh-keygen", *kind, "-f", str(fleet.key)], check=True)
        fleet.set(**settings)
        return fleet

    def set(self, **settings: Any) -> None:
        """Say what differs from the example inventory: where artifacts are, who signs them, and the rest."""
        public = self.key.with_suffix(".pub").read_text().split()
        values = {
            "application_name": APPLICATION,
            "application_artifacts": str(self.store),
            # Hosts of a test are all or none of them right: one after the other costs minutes.
            "provision_batch_size": "100%",
            "application_allowed_signers": [f"builder {public[0]} {public[1]}"],
            **settings,
        }
        self.settings.touch(mode=0o600)
        self.settings.write_text(json.dumps(values, indent=2))

    @staticmethod
    def remove(run: str) -> None:
        """Remove what an earlier run of this name may have left."""
        Bed.named(run).down()

    def down(self) -> None:
        self.bed.down()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    @property
    def names(self) -> list[str]:
        return [host.name for host in self.bed.hosts]

    def urls(self, path: str = "/version") -> list[str]:
        return [self.bed.url(name, 80, path) for name in self.names]

    def load(self, rate: float = 100, path: str = "/version", timeout: float = 5) -> Load:
        """A user's load on all hosts in turn."""
        return Load(self.urls(path), rate=rate, timeout=timeout)

    def live(self) -> dict[str, str]:
        """The version that each host answers with, or what went wrong."""
        return {name: _version(self.bed.url(name, 80, "/version")) for name in self.names}

    def by(self, person: str) -> Fleet:
        """The same fleet, in the hands of another person."""
        other = copy.copy(self)
        other.ansible_settings = {**self.ansible_settings, "LOGNAME": person}
        return other

    def build(self, *versions: str, like: str = "", change: Callable[[Path], None] | None = None) -> None:
        """Make the source of each version and build its artifact with the playbook.

        :param like: the version of the example whose code all of them have, under their own numbers
        :param change: what is done to the source first
        """
        maker = CHECKOUT / "examples/app/make_version.py"
        more = ["--like", like] if like else []
        for version in versions:
            source = self.bed.state / "source" / version
            shutil.rmtree(source, ignore_errors=True)
            subprocess.run([sys.executable, str(maker), version, str(source), *more], check=True)
            if change:
                change(source)
            self.play("build", build_source=str(source), build_signing_key=str(self.key)).check()

    def provision(self) -> Done:
        return self.play("provision")

    def deploy(self, version: str, *words: str, **extra: Any) -> Done:
        return self.play("deploy", *words, deploy_version=version, **extra)

    def rollback(self, version: str = "", *words: str, **extra: Any) -> Done:
        return self.play("rollback", *words, **({"rollback_version": version} if version else {}), **extra)

    def play(self, playbook: str, *words: str, **extra: Any) -> Done:
        """Run ``mas.ops.PLAYBOOK`` to its end."""
        process = self.start(playbook, *words, **extra)
        begin = time.monotonic()
        output, _ = process.communicate()
        return Done(f"mas.ops.{playbook}", process.returncode, output, time.monotonic() - begin)

    def start(self, playbook: str, *words: str, **extra: Any) -> subprocess.Popen[str]:
        """The same in the background, in a session of its own so that it can be killed whole."""
        return self.command("ansible-playbook", f"mas.ops.{playbook}", *self._options(extra), *words)

    def ansible(self, module: str, *words: str) -> Done:
        """One module on all hosts, as ``ansible -m`` does."""
        begin = time.monotonic()
        process = self.command("ansible", "-i", str(self.bed.inventory), "all", "-m", module, *words)
        output, _ = process.communicate()
        return Done(f"ansible -m {module}", process.returncode, output, time.monotonic() - begin)

    def command(self, name: str, *words: str, **environment: str) -> subprocess.Popen[str]:
        """A tool of the controller's, in the background; ``environment`` is added to what it sees."""
        tool = Path(sys.executable).parent / name
        return subprocess.Popen(
            [str(tool), *words],
            cwd=self.bed.state,
            env={**_environment(), **self.ansible_settings, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _options(self, extra: Mapping[str, Any]) -> list[str]:
        more = ["-e", json.dumps(extra)] if extra else []
        return ["-i", str(self.bed.inventory), "-e", f"@{self.settings}", *more]


def _version(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(json.load(answer)["version"])
    except (OSError, ValueError, KeyError) as error:
        return f"no answer: {error}"


def _environment() -> dict[str, str]:
    """None of the caller's Ansible settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ANSIBLE_") and name not in _UNUSUAL
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    secrets = {f"AGENTS_{ENVIRONMENT.upper()}_TOKEN": TOKEN}
    return {**kept, **secrets, "PATH": path, "ANSIBLE_NOCOLOR": "1"}
