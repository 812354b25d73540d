"""Signatures, by the real ssh-keygen: only an allowed key, over these bytes, for this purpose."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    ArtifactError,
    NotFound,
    StorageError,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import fetch as module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.fetch import (
    NAMESPACE,
    verify_signature,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.source import Artifact
from ansible_collections.mas.ops.plugins.module_utils._releases.ports import Transfer
from ansible_collections.mas.ops.tests.unit.releases.samples import APP, manifest

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="needs ssh-keygen")


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@dataclass(frozen=True)
class Bench:
    """An artifact, two keys, and a file of signers."""

    folder: Path

    @property
    def artifact(self) -> Path:
        return self.folder / "agents-1.0.0.tar.gz"

    def public(self, key: str = "good") -> str:
        return " ".join((self.folder / f"{key}.pub").read_text().split()[:2])

    def sign(self, key: str = "good", namespace: str = NAMESPACE) -> str:
        place = Path(f"{self.artifact}.sig")
        place.unlink(missing_ok=True)
        run("ssh-keygen", "-Y", "sign", "-f", str(self.folder / key), "-n", namespace, str(self.artifact))
        return place.read_text()

    def verify(self, signature: str | None, *lines: str) -> str:
        signers = self.folder / "signers"
        signers.write_text("".join(f"{line}\n" for line in lines or (f"ci@example.org {self.public()}",)))
        return verify_signature(str(self.artifact), signature, str(signers))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("good", "wrong"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name))
    return folder


@pytest.fixture
def bench(keys: Path, tmp_path: Path) -> Bench:
    for file in keys.iterdir():
        shutil.copy(file, tmp_path)
    bench = Bench(tmp_path)
    bench.artifact.write_bytes(b"the artifact")
    return bench


def test_good(bench: Bench) -> None:
    assert bench.verify(bench.sign()) == "ci@example.org"


def test_the_principal_is_the_one_whose_key_it_is(bench: Bench) -> None:
    lines = (
        f"other@example.org {bench.public('wrong')}",
        "# a remark",
        "",
        f"ci@example.org {bench.public()}",
    )
    assert bench.verify(bench.sign(), *lines) == "ci@example.org"


@pytest.mark.parametrize("signature", [None, "", " \n"])
def test_none(bench: Bench, signature: str | None) -> None:
    with pytest.raises(ArtifactError, match="is not signed"):
        bench.verify(signature)


def test_wrong_key(bench: Bench) -> None:
    with pytest.raises(ArtifactError, match="a key that is not allowed here"):
        bench.verify(bench.sign("wrong"))


def test_no_signers(bench: Bench) -> None:
    signature = bench.sign()
    with pytest.raises(ArtifactError, match="a key that is not allowed here"):
        bench.verify(signature, "# no signers")
    with pytest.raises(ArtifactError, match="a key that is not allowed here"):
        verify_signature(str(bench.artifact), signature, str(bench.folder / "none"))


def test_other_namespace(bench: Bench) -> None:
    """A signature that the same key made over the same bytes for git, say, is none for us."""
    with pytest.raises(ArtifactError, match="signed for another purpose"):
        bench.verify(bench.sign(namespace="git"))


def test_other_bytes(bench: Bench) -> None:
    signature = bench.sign()
    bench.artifact.write_bytes(b"the Artifact")
    with pytest.raises(ArtifactError, match="does not match the artifact"):
        bench.verify(signature)


@pytest.mark.parametrize(
    "text", ["garbage", "-----BEGIN SSH SIGNATURE-----", "\x00\ufffdé", "-f /etc/passwd"]
)
def test_garbage(bench: Bench, text: str) -> None:
    with pytest.raises(ArtifactError):
        bench.verify(text)


def test_damaged(bench: Bench) -> None:
    lines = bench.sign().splitlines()
    lines[2] = lines[2][::-1]
    with pytest.raises(ArtifactError):
        bench.verify("\n".join(lines))


@pytest.mark.parametrize(
    "options, valid",
    [
        ('valid-before="20200101"', False),
        ('valid-after="20990101"', False),
        ('valid-after="20200101",valid-before="20990101"', True),
        ('namespaces="mas.ops.artifact"', True),
        ('namespaces="git,file"', False),
        ('namespaces="git,mas.ops.*"', True),
    ],
)
def test_limits_of_a_signer(bench: Bench, options: str, valid: bool) -> None:
    line = f"ci@example.org {options} {bench.public()}"
    if valid:
        assert bench.verify(bench.sign(), line) == "ci@example.org"
        return
    with pytest.raises(ArtifactError):
        bench.verify(bench.sign(), line)


def test_a_line_for_several_people(bench: Bench) -> None:
    assert bench.verify(bench.sign(), f"a@example.org,b@example.org {bench.public()}") == "a@example.org"


def test_no_ssh_keygen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = bench.sign()
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NotFound, match="ssh-keygen is not installed"):
        bench.verify(signature)


def test_the_signature_is_asked_for_and_only_the_signature(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words of a signers file never become options of ssh-keygen."""
    seen: list[list[str]] = []
    real = subprocess.run

    def watched(command: list[str], **options: object) -> object:
        seen.append(command)
        return real(command, **options)  # type: ignore[call-overload]

    signature = bench.sign()
    monkeypatch.setattr(module.subprocess, "run", watched)
    assert bench.verify(signature, f"-n {bench.public()}") == "-n"
    assert seen[-1][seen[-1].index("-I") + 1] == "-n"


def test_check_mode_knows_the_signer_and_the_room_without_the_artifact(bench: Bench) -> None:
    """Its path is one of the controller's: nothing of it is on the host."""
    signers = bench.folder / "signers"
    signers.write_text(f"ci@example.org {bench.public()}\n")
    app = replace(APP, signers=str(signers))
    layout = SimpleNamespace(incoming=str(bench.folder / "incoming"), releases=str(bench.folder / "releases"))
    folders: Any = SimpleNamespace(layout=layout)

    def promised(signature: str | None, size: int = 1000, freed: int = 0, **manifest: Any) -> Any:
        return Artifact(
            app, folders, "/nowhere.tar.gz", "", signature, Transfer(size, manifest=manifest)
        ).promised("x", freed)

    assert promised(bench.sign()) is None
    with pytest.raises(ArtifactError, match="the artifact is not signed"):
        promised(None)
    with pytest.raises(ArtifactError, match="signed by a key that is not allowed here"):
        promised(bench.sign("wrong"))
    with pytest.raises(StorageError, match="no space left"):
        promised(bench.sign(), 1 << 60)
    assert promised(bench.sign(), 1 << 60, freed=1 << 60) is None
    files = {"count": 1, "bytes": 1 << 49}
    with pytest.raises(StorageError, match="no space left"):
        promised(bench.sign(), **_manifest(files))
    assert promised(bench.sign(), **_manifest({"count": 1, "bytes": 1})).version == "1.0.0"


def _manifest(files: dict[str, int]) -> dict[str, Any]:
    """A manifest as the controller says it."""
    return dict(json.loads(manifest("1.0.0", files=files).to_json()))
