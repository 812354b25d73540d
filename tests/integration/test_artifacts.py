"""Artifacts across machines: the same bytes wherever they are built, and a store behind HTTP."""

from __future__ import annotations

import functools
import hashlib
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from bed import podman
from fleet import CHECKOUT, Fleet
from packaging.requirements import Requirement

pytestmark = pytest.mark.containers

BUILD = """
import os, sys
os.umask(0o077)
sys.path.insert(0, "/root/build/libraries")
from pathlib import Path
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.build import BuildRequest, build
build(BuildRequest(source=Path("/root/build/source"), store=Path("/root/build/store")))
"""


def test_two_machines_build_the_same_bytes(pair: Fleet, tmp_path: Path) -> None:
    """Debian 12 and 13, and the controller: other Pythons, other zlibs, another umask."""
    pair.build("1.0.0")
    assert {host.suite for host in pair.bed.hosts} == {"bookworm", "trixie"}
    names = ["agents-1.0.0.tar.gz", "agents-1.0.0.tar.gz.sbom.json"]
    ours = {name: hashlib.sha256((pair.store / name).read_bytes()).hexdigest() for name in names}
    (tmp_path / "store").mkdir()
    shutil.copytree(pair.bed.state / "source/1.0.0", tmp_path / "source")
    libraries(tmp_path / "libraries")
    for host in pair.bed.hosts:
        podman("cp", f"{tmp_path}/.", f"{host.container}:/root/build")
        pair.bed.exec(host.name, ["python3", "-c", BUILD])
        said = pair.bed.exec(host.name, ["sh", "-c", f"cd /root/build/store && sha256sum {' '.join(names)}"])
        theirs = {line.split()[1]: line.split()[0] for line in said.splitlines()}
        assert theirs == ours, host.suite


def libraries(folder: Path) -> None:
    """What a build imports: the collection's plugins, and the libraries of the controller with all that they need."""
    code = folder / "ansible_collections/mas/ops/plugins"
    for part in ("module_utils", "plugin_utils"):
        shutil.copytree(
            CHECKOUT / "plugins" / part, code / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    done: set[str] = set()
    wanted = [
        "pathspec",
        "detect-secrets",
        "cyclonedx-python-lib",
        "packageurl-python",
        "packaging",
        "PyYAML",
    ]
    while wanted:
        name = wanted.pop()
        if name in done:
            continue
        done.add(name)
        found = metadata.distribution(name)
        required = [Requirement(text) for text in found.requires or ()]
        wanted += [one.name for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
        for file in found.files or ():
            # Compiled parts are made for the controller's Python; the libraries do without.
            if file.suffix == ".py":
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.locate(), target)


def test_the_built_collection_deploys(pair: Fleet, tmp_path: Path) -> None:
    """What a user installs is enough: built, installed into an empty path, run from there."""
    built = tool(pair, "ansible-galaxy", "collection", "build", str(CHECKOUT), "--output-path", str(tmp_path))
    archive = next(tmp_path.glob("mas-ops-*.tar.gz"))
    path = tmp_path / "collections"
    tool(
        pair, "ansible-galaxy", "collection", "install", str(archive), "-p", str(path), "--offline", "--force"
    )
    # Only what is installed there can be found: the link of the checkout is not looked at for this playbook.
    playbook = path / "ansible_collections/mas/ops/playbooks/deploy.yml"
    assert playbook.is_file(), built
    pair.build("1.0.0")
    words = ["-i", str(pair.bed.inventory), "-e", f"@{pair.settings}", "-e", "deploy_version=1.0.0", "-vv"]
    output = tool(pair, "ansible-playbook", "mas.ops.deploy", *words, ANSIBLE_COLLECTIONS_PATH=str(path))
    assert str(playbook) in output
    assert pair.live() == dict.fromkeys(pair.names, "1.0.0")


def tool(fleet: Fleet, name: str, *words: str, **environment: str) -> str:
    process = fleet.command(name, *words, **environment)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


@contextmanager
def served(folder: Path, address: str) -> Iterator[str]:
    """The folder behind HTTP at an address of this machine that the hosts reach."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer((address, 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{address}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_hosts_fetch_from_an_http_store(pair: Fleet) -> None:
    pair.build("8.0.0", like="2.0.0")
    gateway = str(next(IPv4Network(f"{pair.bed.host(pair.names[0]).address}/24", strict=False).hosts()))
    with served(pair.store, gateway) as url:
        pair.deploy("8.0.0", application_artifacts=url).check()
        missing = pair.deploy("8.8.8", application_artifacts=url)
    assert pair.live() == dict.fromkeys(pair.names, "8.0.0")
    assert missing.status != 0
    assert "8.8.8" in missing.output
    gone = pair.deploy("8.0.0", application_artifacts="http://127.0.0.1:9/store")
    assert gone.status != 0
    assert "cannot be reached" in " ".join(gone.output.split())
