"""Bad input must change nothing: a clear error, a non-zero status, the same state afterwards."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fleet import APPLICATION, Done, Fleet

pytestmark = pytest.mark.containers

STATE = (
    "cd / && cat /var/lib/mas/agents/state.json && ls /srv/agents/releases && readlink /srv/agents/slots/*"
)
UNITS = "systemctl show -p ActiveState,SubState,MainPID,DropInPaths 'agents-*' --all"
SPLIT = "cat /etc/haproxy/conf.d/* /etc/mas/agents/*.env /etc/mas/agents/application.json"


@pytest.fixture(scope="module", autouse=True)
def live(pair: Fleet) -> None:
    pair.build("1.0.0", "2.0.0")
    pair.deploy("1.0.0").check()
    pair.deploy("2.0.0").check()


def snapshot(fleet: Fleet) -> dict[str, str]:
    """Everything of the application on each host, down to the process ids."""
    script = f"{STATE}; {UNITS}; {SPLIT}; ls /var/lib/mas/agents/incoming /tmp"
    return {name: fleet.bed.exec(name, ["sh", "-c", script]) for name in fleet.names}


def artifact(fleet: Fleet, version: str, suffix: str = "") -> Path:
    return fleet.store / f"{APPLICATION}-{version}.tar.gz{suffix}"


def refused(fleet: Fleet, command: Callable[[], Done], *words: str, same: bool = True) -> str:
    """The command fails, says all of ``words``, and the hosts are exactly as before."""
    before = snapshot(fleet)
    done = command()
    assert done.status != 0, done.output
    text = " ".join(done.output.split())
    for word in words:
        assert word in text, f"{word!r} is not in:\n{done.output}"
    assert "Traceback" not in done.output
    if same:
        assert snapshot(fleet) == before
    assert fleet.live() == dict.fromkeys(fleet.names, "2.0.0")
    return done.output


def resign(fleet: Fleet, version: str, key: Path | None = None) -> None:
    """Give a forged archive a digest and a signature, as an attacker with a key could."""
    path = artifact(fleet, version)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    artifact(fleet, version, ".sha256").write_text(f"{digest}  {path.name}\n")
    artifact(fleet, version, ".sig").unlink(missing_ok=True)
    words = [
        "ssh-keygen",
        "-q",
        "-Y",
        "sign",
        "-f",
        str(key or fleet.key),
        "-n",
        "mas.ops.artifact",
        str(path),
    ]
    subprocess.run(words, check=True, capture_output=True)


@pytest.fixture
def copy(pair: Fleet) -> Iterator[str]:
    """A separate artifact that a test may damage."""
    pair.build("7.0.0", like="2.0.0")
    yield "7.0.0"
    for path in pair.store.glob(f"{APPLICATION}-7.0.0*"):
        path.unlink()
    shutil.rmtree(pair.bed.state / "source/7.0.0")


def rewrite(path: Path, change: Callable[[tarfile.TarFile, list[tarfile.TarInfo]], None]) -> None:
    """Write an archive again with ``change`` adding what it likes at the end."""
    with tarfile.open(path) as old:
        members = [(info, old.extractfile(info)) for info in old.getmembers()]
        contents = [(info, stream.read() if stream else b"") for info, stream in members]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as new:
        for info, content in contents:
            new.addfile(info, io.BytesIO(content) if info.isfile() else None)
        change(new, [info for info, _ in contents])
    path.write_bytes(gzip.compress(buffer.getvalue()))


def test_no_version(pair: Fleet) -> None:
    refused(pair, lambda: pair.play("deploy"), "deploy_version is missing", "-e deploy_version=")


def test_a_version_that_is_not_in_the_store(pair: Fleet) -> None:
    refused(
        pair,
        lambda: pair.deploy("9.9.9"),
        "agents 9.9.9 is not in",
        "it holds 1.0.0",
        "2.0.0",
        "mas.ops.build",
    )


def test_wrong_digest(pair: Fleet, copy: str) -> None:
    with artifact(pair, copy).open("ab") as stream:
        stream.write(b"more")
    refused(pair, lambda: pair.deploy(copy), "sha256")


def test_no_signature(pair: Fleet, copy: str) -> None:
    artifact(pair, copy, ".sig").unlink()
    refused(pair, lambda: pair.deploy(copy), "not signed", "signing_key")


def test_signature_by_a_stranger(pair: Fleet, copy: str) -> None:
    stranger = pair.bed.state / "stranger"
    if not stranger.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    resign(pair, copy, stranger)
    refused(pair, lambda: pair.deploy(copy), "signed by a key that is not allowed here")


def test_signature_of_other_bytes(pair: Fleet, copy: str) -> None:
    shutil.copy(artifact(pair, "1.0.0", ".sig"), artifact(pair, copy, ".sig"))
    refused(pair, lambda: pair.deploy(copy), "signature does not match the artifact")


@pytest.mark.parametrize("who", ["controller", "host"])
def test_an_archive_that_climbs_out(pair: Fleet, copy: str, who: str) -> None:
    def climb(tar: tarfile.TarFile, _: list[tarfile.TarInfo]) -> None:
        info = tarfile.TarInfo("../../../etc/cron.d/evil")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))

    rewrite(artifact(pair, copy), climb)
    resign(pair, copy)
    if who == "controller":
        refused(pair, lambda: pair.deploy(copy), "etc/cron.d/evil")
    else:
        refused(pair, lambda: stage_past_the_controller(pair, copy), "etc/cron.d/evil")
    for name in pair.names:
        assert "evil" not in pair.bed.exec(name, ["ls", "/etc/cron.d"])


def stage_past_the_controller(fleet: Fleet, version: str) -> Done:
    """The module alone: what a host checks when the controller did not."""
    arguments = {
        "application": APPLICATION,
        "version": version,
        "state": "staged",
        "artifact": str(artifact(fleet, version)),
    }
    return fleet.ansible("mas.ops.release", "-a", json.dumps(arguments))


@pytest.mark.parametrize("trick", ["wrong digest", "no signature"])
def test_the_host_does_not_trust_the_controller(pair: Fleet, copy: str, trick: str) -> None:
    if trick == "wrong digest":
        artifact(pair, copy, ".sha256").write_text(f"{'0' * 64}  {artifact(pair, copy).name}\n")
    else:
        artifact(pair, copy, ".sig").unlink()
    said = "artifact's sha256 is" if trick == "wrong digest" else "the artifact is not signed"
    refused(pair, lambda: stage_past_the_controller(pair, copy), said)


def test_a_full_disk(pair: Fleet, copy: str) -> None:
    with full_disk(pair, "/srv/agents/releases"):
        refused(pair, lambda: pair.deploy(copy), "no space left", same=False)
    assert copy not in pair.bed.exec(pair.names[0], ["ls", "-a", "/srv/agents/releases"])


@contextmanager
def full_disk(fleet: Fleet, folder: str) -> Iterator[None]:
    """A small file system over a folder of the first host, with what was there in it, and full."""
    host = fleet.names[0]
    mount = (
        f"cp -a {folder} /root/kept && mount -t tmpfs -o size=3m none {folder} && cp -a /root/kept/. {folder}"
    )
    fleet.bed.exec(host, ["sh", "-c", f"{mount} && (head -c 4M /dev/zero > {folder}/.fill || true)"])
    try:
        yield
    finally:
        fleet.bed.exec(host, ["sh", "-c", f"umount -l {folder} && rm -rf /root/kept"])


def test_a_taken_port(pair: Fleet, copy: str) -> None:
    host = pair.names[0]
    # The idle slot is warm; without its processes, and the socket that systemd holds for them, anybody can have its port.
    idle = (
        "blue"
        if '"live": "green"' in pair.bed.exec(host, ["cat", "/var/lib/mas/agents/state.json"])
        else "green"
    )
    port = {"blue": 8101, "green": 8102}[idle]
    pair.bed.exec(host, ["systemctl", "stop", f"agents-api@{idle}.socket", f"agents-api@{idle}.service"])
    pair.bed.exec(host, ["systemd-run", "--unit=squatter", "python3", "-m", "http.server", str(port)])
    try:
        refused(
            pair,
            lambda: pair.deploy(copy),
            f"port {port} of the {idle} slot is taken",
            "ss -ltnp",
            same=False,
        )
    finally:
        pair.bed.exec(host, ["systemctl", "stop", "squatter"])


def spoil(fleet: Fleet, version: str, **changes: object) -> None:
    """Change the manifest of an artifact and sign it again."""
    path = artifact(fleet, version)
    with tarfile.open(path) as old:
        entries = [(info, old.extractfile(info)) for info in old.getmembers()]
        contents = [(info, stream.read() if stream else b"") for info, stream in entries]
    manifest = json.loads(contents[0][1])
    for field, value in changes.items():
        manifest[field] = {**manifest[field], **value} if isinstance(value, dict) else value
    first = (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode()
    contents[0][0].size = len(first)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as new:
        for number, (info, content) in enumerate(contents):
            new.addfile(info, io.BytesIO(content if number else first) if info.isfile() else None)
    path.write_bytes(gzip.compress(buffer.getvalue()))
    resign(fleet, version)


API = {"kind": "web", "stop_signal": "SIGTERM", "stop_grace": 10}


def test_a_unit_that_never_starts(pair: Fleet, copy: str) -> None:
    spoil(pair, copy, processes={"api": {**API, "command": ["/nowhere/at/all"]}})
    output = refused(
        pair, lambda: pair.deploy(copy), "journalctl -u agents-api@", "serves what it served", same=False
    )
    assert "agents-api@" in output


def test_a_version_that_never_gets_healthy(pair: Fleet, copy: str) -> None:
    spoil(pair, copy, health={"path": "/nothing-here", "startup_budget": 3})
    words = ("did not become healthy within its start-up budget of 3 s", "/nothing-here", "journalctl -u")
    refused(pair, lambda: pair.deploy(copy), *words, same=False)


def test_a_secret_that_is_not_set(pair: Fleet, copy: str) -> None:
    spoil(pair, copy, secrets=["AGENTS_TOKEN", "NOBODY_SET_THIS"])
    refused(
        pair, lambda: pair.deploy(copy), "NOBODY_SET_THIS not set in /etc/mas/agents/environment", same=False
    )


def test_an_unknown_application(pair: Fleet) -> None:
    refused(
        pair, lambda: pair.deploy("1.0.0", "-e", "application_name=missing"), "no group 'missing'", "agents"
    )


def test_no_application(pair: Fleet) -> None:
    refused(
        pair,
        lambda: pair.deploy("1.0.0", "-e", "application_name="),
        "application_name is missing",
        "-e application_name=",
    )


@pytest.mark.parametrize("playbook", ["deploy", "rollback", "provision"])
def test_no_hosts(pair: Fleet, playbook: str) -> None:
    inventory = pair.bed.state / "empty.yml"
    inventory.write_text("all:\n  children:\n    agents: {hosts: {}}\n")
    pair_inventory = ["-i", str(inventory)]
    words = [
        "ansible-playbook",
        f"mas.ops.{playbook}",
        *pair_inventory,
        "-e",
        f"@{pair.settings}",
        "-e",
        "deploy_version=1.0.0",
    ]
    process = pair.command(*words)
    output, _ = process.communicate()
    assert process.returncode != 0
    assert "the group 'agents' has no hosts" in " ".join(output.split())


def test_a_host_without_python(pair: Fleet) -> None:
    host = pair.names[0]
    pair.bed.exec(host, ["mv", "/usr/bin/python3", "/usr/bin/python3.gone"])
    try:
        done = pair.deploy("1.0.0")
        assert done.status != 0
        assert "/usr/bin/python3" in done.output
        assert f"it failed on {host}" in " ".join(done.output.split())
    finally:
        pair.bed.exec(host, ["mv", "/usr/bin/python3.gone", "/usr/bin/python3"])
    assert pair.live() == dict.fromkeys(pair.names, "2.0.0")


@pytest.mark.parametrize("playbook", ["deploy", "provision"])
def test_an_unsupported_distribution(pair: Fleet, playbook: str) -> None:
    host = pair.names[0]
    change = "cp /etc/os-release /root/os-release; cp --remove-destination /root/os-release /etc/os-release; "
    change += 'sed -i \'s/^ID=.*/ID=fedora/; s/^VERSION_ID=.*/VERSION_ID=42/; s/^PRETTY_NAME=.*/PRETTY_NAME="Fedora 42"/'
    change += "; s/^NAME=.*/NAME=Fedora/' /etc/os-release"
    pair.bed.exec(host, ["sh", "-c", change])
    try:
        words = ("supported",) if playbook == "deploy" else ("mas.ops supports Debian 12",)
        refused(pair, lambda: pair.play(playbook, deploy_version="1.0.0"), *words, same=False)
    finally:
        pair.bed.exec(host, ["cp", "/root/os-release", "/etc/os-release"])


def test_nothing_secret_was_said(pair: Fleet) -> None:
    """The token is on the hosts, but in no output, ledger or journal of what ran above."""
    token = "not-a-secret-outside-the-test-bed"
    for name in pair.names:
        assert token in pair.bed.exec(name, ["cat", "/etc/mas/agents/environment"])
        assert token not in pair.bed.exec(
            name, ["cat", "/var/lib/mas/ledger.jsonl", "/var/lib/mas/agents/state.json"]
        )
        assert token not in pair.bed.exec(name, ["journalctl", "--no-pager", "-q"])
    assert token not in pair.deploy("1.0.0", "--check", "--diff", "-vvv").output
    assert token not in pair.provision().output
