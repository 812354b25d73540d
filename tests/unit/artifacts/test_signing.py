"""Signing with real keys, of files and of an agent."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    ArtifactError,
    NotFound,
    Refused,
)
from ansible_collections.mas.ops.plugins.module_utils._releases import sidecars

from .conftest import Build, make_key

NAME = "agents-1.0.0.tar.gz"
ALL = [NAME, f"{NAME}.sbom.json", f"{NAME}.sha256", f"{NAME}.sig"]


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_signing_later_and_with_another_key(make: Build, key: Path, tmp_path: Path) -> None:
    assert make()[1]["signature"] == ""
    assert make(signing_key=key)[0].describe() == [f"store {NAME}.sig"]
    assert not make()[0].changed
    other = make_key(tmp_path / "other")
    assert make(signing_key=other)[0].describe() == [f"store {NAME}.sig"]


def test_a_key_that_never_signs_twice_alike(make: Build, tmp_path: Path) -> None:
    key = make_key(tmp_path / "ecdsa", "ecdsa")
    assert make(signing_key=key)[0].changed
    assert not make(signing_key=key)[0].changed


def test_the_key_never_comes_in(make: Build, source: Path) -> None:
    key = make_key(source / "key")
    with pytest.raises(Refused, match="signing key"):
        make(signing_key=key)


def test_keys_that_cannot_sign(make: Build, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such signing key"):
        make(signing_key=tmp_path / "none")
    with pytest.raises(ArtifactError, match="could not sign") as caught:
        make(signing_key=make_key(tmp_path / "locked", passphrase="secret words"))
    assert "secret words" not in str(caught.value)
    (tmp_path / "junk").write_text("junk")
    (tmp_path / "junk").chmod(0o600)
    with pytest.raises(ArtifactError, match="could not sign"):
        make(signing_key=tmp_path / "junk")
    assert listing(tmp_path / "store") == []


def test_a_key_of_the_agent(make: Build, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(address)], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(address))
        while not address.exists():
            assert agent.poll() is None
        subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True)
        public = tmp_path / "only.pub"
        shutil.copyfile(f"{key}.pub", public)
        make(signing_key=public)
        monkeypatch.delenv("SSH_AUTH_SOCK")
        assert not make(signing_key=key)[0].changed
    finally:
        agent.terminate()
        agent.wait()


def test_public_key_of_no_signature() -> None:
    for text in ("", "x", "AAAA", "-----BEGIN SSH SIGNATURE-----\nU1NI\n"):
        assert sidecars.public_key(text) == b""
