"""Building: the same bytes from everywhere, never other bytes under the same name, never half of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    OpsError,
    Refused,
)
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts import sbom, sbom_summary
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters import pack, store
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from .conftest import MAS, Build, git

NAME = "agents-1.0.0.tar.gz"
ALL = [NAME, f"{NAME}.sbom.json", f"{NAME}.sha256", f"{NAME}.sig"]


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_built(make: Build, key: Path, tmp_path: Path) -> None:
    plan, facts = make(signing_key=key)
    place = tmp_path / "store"
    assert plan.changed
    assert listing(place) == ALL
    assert plan.describe()[-1] == f"store {NAME}"
    assert facts["path"] == str(place / NAME)
    assert facts["release"] == f"1.0.0-{facts['sha256'][:12]}"
    assert facts["size"] == (place / NAME).stat().st_size
    subprocess.run(["sha256sum", "--check", "--quiet", f"{NAME}.sha256"], cwd=place, check=True)
    with tarfile.open(place / NAME) as tar:
        members = {info.name: info for info in tar}
    assert list(members) == [
        "manifest.json",
        "agents",
        "agents/api.py",
        "agents/important.pyc",
        "agents/é 1",
        "current",
        "mas.yml",
        "requirements.txt",
        "run",
    ]
    assert facts["files"] == len(members) - 2
    assert {(info.uid, info.gid, info.uname, info.gname, info.mtime) for info in members.values()} == {
        (0, 0, "", "", 1769860800)
    }
    assert [oct(members[name].mode) for name in ("run", "mas.yml", "agents")] == ["0o750", "0o644", "0o755"]
    assert {oct(path.stat().st_mode & 0o777) for path in place.iterdir()} == {"0o644"}


def test_the_same_from_everywhere(make: Build, source: Path, tmp_path: Path, key: Path) -> None:
    other = tmp_path / "elsewhere" / "copy"
    other.mkdir(parents=True)
    for path in sorted(source.rglob("*"), reverse=True):
        copy = other / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            copy.symlink_to(path.readlink())
        elif path.is_file():
            shutil.copyfile(path, copy)
            copy.chmod(0o700 if path.name == "run" else 0o600)
            os.utime(copy, (1, 1))
    (source / "run").chmod(0o755)
    git(other, "init", "-q")
    git(other, "add", ".")
    previous = os.umask(0o077)
    try:
        make(source=other, store=tmp_path / "b", signing_key=key)
    finally:
        os.umask(previous)
    make(store=tmp_path / "a", signing_key=key)
    for name in ALL:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_again_changes_nothing(make: Build, key: Path, tmp_path: Path) -> None:
    make(signing_key=key)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").iterdir()}
    plan, facts = make(signing_key=key)
    assert not plan.changed
    assert facts["signature"]
    assert plan.before == plan.after
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").iterdir()} == before


def test_other_bytes_are_refused_and_named(make: Build, source: Path, tmp_path: Path, key: Path) -> None:
    _, facts = make(signing_key=key)
    (source / "agents" / "api.py").write_text("print('other')\n")
    (source / "new").write_text("")
    (source / "run").chmod(0o600)
    with pytest.raises(Refused) as caught:
        make(signing_key=key)
    message = str(caught.value)
    assert "agents 1.0.0 is in the store already" in message
    for words in (
        "manifest.json differs in files",
        "agents/api.py differs",
        "new is new",
        "run differs",
        "under a new version",
    ):
        assert words in message
    assert listing(tmp_path / "store") == ALL
    assert (tmp_path / "store" / f"{NAME}.sha256").read_text().startswith(facts["sha256"])
    with pytest.raises(Refused):
        make(check_mode=True)
    make(version="1.0.1")


def test_check_mode_stores_nothing_and_knows_the_digest(make: Build, tmp_path: Path) -> None:
    plan, facts = make(check_mode=True)
    assert plan.changed
    assert not (tmp_path / "store").exists()
    assert plan.after["files"]["run"].endswith(" executable private")
    assert plan.after["files"]["current"] == "-> agents/api.py"
    assert "important.pyc" in str(plan.after["files"])
    assert make()[1] == facts
    assert not make(check_mode=True)[0].changed


def test_a_lost_sidecar_is_made_again(make: Build, key: Path, tmp_path: Path) -> None:
    make(signing_key=key)
    for name in ALL[1:]:
        (tmp_path / "store" / name).unlink()
        plan, _ = make(signing_key=key)
        assert plan.describe() == [f"store {name}"]
        assert listing(tmp_path / "store") == ALL


@pytest.mark.parametrize("killed_at", range(4))
def test_a_killed_build_leaves_no_half(
    make: Build, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    """Killed before the n-th rename: a reader sees no archive, and building again completes it."""
    real, calls = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        if len(calls) == killed_at:
            raise KeyboardInterrupt
        calls.append(self)
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        patch.setattr(store.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            make(signing_key=key)
    assert NAME not in listing(tmp_path / "store")
    assert store.versions(tmp_path / "store", "agents") == ""
    make(signing_key=key)
    assert listing(tmp_path / "store")[1:] == ALL


def test_a_signature_that_a_killed_build_left_is_removed(make: Build, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / f"{NAME}.sig").write_text("old")
    plan, _ = make()
    assert plan.describe()[0] == f"remove {NAME}.sig"
    assert f"{NAME}.sig" not in listing(tmp_path / "store")


def test_old_scratch_is_swept(make: Build, tmp_path: Path) -> None:
    for name, age in ((".build-old", 1_000_000), (".build-new", 0)):
        folder = tmp_path / "store" / name
        folder.mkdir(parents=True)
        if age:
            os.utime(folder, (age, age))
    make()
    assert [name for name in listing(tmp_path / "store") if name.startswith(".")] == [".build-new"]


def test_sbom(make: Build, tmp_path: Path) -> None:
    _, facts = make()
    text = Path(facts["sbom"]).read_text()
    data = json.loads(text)
    assert data["serialNumber"] == f"urn:uuid:{sbom.serial_number(facts['sha256'])}"
    assert data["metadata"]["timestamp"] == "2026-01-31T12:00:00+00:00"
    assert data["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": facts["sha256"]}]
    assert {"name": "mas.ops:files", "value": "7"} in data["metadata"]["component"]["properties"]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert sbom_summary.summary(text) == {
        "serial_number": data["serialNumber"],
        "components": 4,
        "packages": [
            "pkg:deb/debian/postgresql-client@15%2B248",
            "pkg:deb/debian/python3-psycopg",
            "pkg:pypi/flask@3.0.0",
            "pkg:pypi/uvicorn",
        ],
    }
    assert (
        sbom_summary.summary("{")
        == sbom_summary.summary("[]")
        == sbom_summary.summary("1")
        == sbom_summary.summary("")
    )


def test_a_full_disk(make: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pack._Hashing, "write", full)
    with pytest.raises(OpsError, match="No space left"):
        make()
    assert listing(tmp_path / "store") == []


def test_contents_agree(make: Build, tmp_path: Path) -> None:
    plan, facts = make()
    assert pack.contents(Path(facts["path"])) == plan.after["files"]


def test_versions_by_name_alone(make: Build, source: Path, tmp_path: Path) -> None:
    make(version="2")
    make(version="10")
    (source / "mas.yml").write_text(MAS.replace("name: agents", "name: agents-x"))
    make(version="1")
    place = tmp_path / "store"
    for age, name in enumerate(("agents-2.tar.gz", "agents-10.tar.gz")):
        os.utime(place / name, (age, age))
    (place / "agents-7.tar.gz").symlink_to("/etc/passwd")
    os.mkfifo(place / "agents-8.tar.gz")
    (place / "agents-9 9.tar.gz").write_text("")
    assert store.versions(place, "agents") == "2, 10"
    assert store.versions(place, "agents-x") == "1"
    for number in range(20, 40):
        (place / f"agents-{number}.tar.gz").write_text("")
    assert store.versions(place, "agents").startswith("12 older ones, 30, 31")
