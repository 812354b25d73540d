"""The quickstart as it stands, on hosts that nothing was done to but to give a user sudo: Debian 12 and 13, Python and Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bed"))

from bed import CHECKOUT, Bed

pytestmark = pytest.mark.containers

PAGE = (CHECKOUT / "docs/quickstart.md").read_text("utf-8")
#: What the page says a reader has.
USER, DOMAIN = "deploy", "example.org"
TEN_MINUTES = 600


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    """Two hosts without HAProxy and Node, which a user reaches who is not root."""
    bed = Bed.named(f"quickstart-{os.getpid()}")
    try:
        bed.up(2, suite="mixed", ports=(80, 8080), image="systemd")
        for host in bed.hosts:
            script = (
                f"useradd --create-home --shell /bin/sh {USER} && echo '{USER} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{USER} && "
                f"install -d -m 0700 -o {USER} /home/{USER}/.ssh && "
                f"install -m 0600 -o {USER} /root/.ssh/authorized_keys /home/{USER}/.ssh/"
            )
            bed.exec(host.name, ["sh", "-c", script])
            # The user is the only way in.
            bed.exec(host.name, ["rm", "/root/.ssh/authorized_keys"])
        yield bed
    finally:
        bed.down()


@pytest.fixture(scope="module")
def home(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a reader whose ssh and curl reach the hosts by the names of the page."""
    home = tmp_path_factory.mktemp("home")
    config = (bed.state / "ssh_config").read_text().replace("User root", f"User {USER}")
    for host in bed.hosts:
        config = config.replace(f"Host {host.name}\n", f"Host {host.name}.{DOMAIN}\n")
    (home / "ssh_config").write_text(config)
    (home / ".curlrc").write_text(
        "".join(
            f'connect-to = "{host.name}.{DOMAIN}:{port}:{host.endpoint(port)}"\n'
            for host in bed.hosts
            for port in (80, 8080)
        )
    )
    ssh = home / "bin/ssh"
    ssh.parent.mkdir()
    # ssh does not look for its files in $HOME.
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {home}/ssh_config "$@"\n')
    ssh.chmod(0o755)
    return home


def environment(home: Path) -> dict[str, str]:
    """A reader's: nothing of this checkout's environment, nor settings of Ansible and Python."""
    own = str(Path(sys.executable).parent)
    paths = [path for path in os.environ["PATH"].split(os.pathsep) if path != own]
    kept = {
        name: os.environ[name]
        for name in os.environ
        if not name.startswith(("ANSIBLE_", "PYTHON", "VIRTUAL_ENV"))
    }
    # What pip downloaded once on this machine; a reader downloads it.
    kept.setdefault("PIP_CACHE_DIR", str(Path.home() / ".cache/pip"))
    return {
        **kept,
        "HOME": str(home),
        "PATH": os.pathsep.join([str(home / "bin"), *paths]),
        "LANG": "C.UTF-8",
    }


def test_the_page(bed: Bed, home: Path) -> None:
    """Each block of it, in its order, until both applications answer."""
    folder = home / "reader"
    folder.mkdir()
    galaxy = [str(Path(sys.executable).parent / "ansible-galaxy"), "collection", "build"]
    subprocess.run([*galaxy, "--output-path", str(folder), str(CHECKOUT)], check=True)
    done = page.run(PAGE, folder, environment(home))
    commands = [step for step in page.parse(PAGE) if isinstance(step, page.Commands)]
    assert len(done.outputs) == len(commands)
    (first, *_) = [at for at, step in enumerate(commands) if "mas.ops.deploy " in step.script]
    assert done.seconds[first] < TEN_MINUTES
    # No step of a newcomer ends in a warning that the page does not explain.
    for output, step in zip(done.outputs, commands, strict=True):
        assert "[WARNING]" not in output, f"{step.script}\n{output}"
        assert "DEPRECATION" not in output, f"{step.script}\n{output}"
    # Each Python has packages that were compiled for it, where the page has no example that fails without them.
    for host in bed.hosts:
        script = "cd /srv/shop/slots/blue && venv/bin/python3 -c 'import markupsafe._speedups'"
        bed.exec(host.name, ["sh", "-c", script])
