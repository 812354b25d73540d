"""The files of an application, on a real disk."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    BadInput,
    Busy,
    NotFound,
    Refused,
    StorageError,
)
from ansible_collections.mas.ops.plugins.module_utils._core.files import exclusive
from ansible_collections.mas.ops.plugins.module_utils._releases import layout as layout_module
from ansible_collections.mas.ops.plugins.module_utils._releases import slot as slot_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import call, lock, slots
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import folders as module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import source as source_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.folders import (
    Folders,
    load_application,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.host import NoArtifact
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.host import pushed as pushed_file
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.source import Artifact
from ansible_collections.mas.ops.plugins.module_utils._releases.application import Sandbox
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.lease import Lease
from ansible_collections.mas.ops.plugins.module_utils._releases.state import Operation, State
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, manifest, release
from ansible_collections.mas.ops.tests.unit.releases.samples import no_reload

ONE, TWO = release("1.0.0"), release("2.0.0")


def names(folder: Path | str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    monkeypatch.setattr(layout_module, "STATE", str(tmp_path / "var"))
    monkeypatch.setattr(layout_module, "UNITS", str(tmp_path / "units"))
    monkeypatch.setattr(slot_module, "CONFIG", str(tmp_path / "etc"))
    monkeypatch.setattr(source_module, "PUSHED", str(tmp_path / "tmp"))
    app = replace(APP, root=str(tmp_path / "srv"), environment_file=str(tmp_path / "environment"))
    for name in ("var/agents", "units", "srv/releases", "srv/slots", "srv/shared", "tmp"):
        (tmp_path / name).mkdir(parents=True)
    return Folders(Layout(app))


def unpacked(folders: Folders, *names: str) -> None:
    for name in names:
        folder = Path(folders.layout.release(name))
        folder.mkdir()
        (folder / "manifest.json").write_bytes(manifest(name.split("-", maxsplit=1)[0]).to_json())


def test_the_journal(folders: Folders) -> None:
    assert folders.state() == State()
    state = State("blue", Operation("deploy", ONE, "green", None, "run", "now", "shift"))
    folders.write_state(state)
    assert folders.state() == state
    assert Path(folders.layout.state).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null ",
        "[]",
        "{}",
        "\0" * 512,
        '{"schema": 2, "live": null, "operation": null}',
        '{"schema": 1, "live": "red", "operation": null}',
        '{"schema": 1, "live": null, "operation": {"kind": 1}}',
    ],
)
def test_a_damaged_journal_is_noted_and_bars_nothing(folders: Folders, text: str) -> None:
    Path(folders.layout.state).write_text(text, encoding="ascii")
    assert folders.state() == State()
    damaged = [] if text == "null " else [folders.layout.state]
    assert [found.path for found in folders.damage()] == damaged


@pytest.mark.parametrize("text", ["", "{", "[]", '{"token": "x"}'])
def test_a_damaged_lease_is_nobodys(folders: Folders, text: str) -> None:
    Path(folders.layout.lease).write_text(text)
    assert folders.lease() == Lease()


def test_only_releases_count_as_releases(folders: Folders) -> None:
    """What is on the disk and in no history is removed: so what is no release must not look like one."""
    unpacked(folders, ONE)
    for name in (
        "lost+found",
        ".partial-x",
        "backup",
        "1.0.0",
        "1.0.0-XYZ",
        "1.0.0-0123456789abc",
        "-111111111111",
    ):
        Path(folders.layout.release(name)).mkdir()
    assert folders.on_disk() == {ONE}


def test_slots(folders: Folders) -> None:
    unpacked(folders, ONE, TWO)
    assert folders.held("blue") is None
    folders.assign("blue", ONE, no_reload)
    folders.assign("blue", TWO, no_reload)
    assert folders.held("blue") == TWO
    unit = Path(folders.layout.unit_file("agents-api@blue.service"))
    written = unit.stat().st_mtime_ns
    folders.assign("blue", TWO, no_reload)
    assert unit.stat().st_mtime_ns == written, "systemd reloads what was written, so only a change is"
    folders.remove(TWO)
    assert folders.held("blue") is None, "a link to nothing"
    folders.unassign("blue")
    folders.unassign("blue")
    assert not unit.exists()
    assert names(Path(folders.layout.slot("blue")).parent) == []


def test_a_slot_is_empty_while_it_is_filled(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that dies there leaves no slot that holds one release and starts the other."""
    unpacked(folders, ONE, TWO)
    processes = manifest("2.0.0").to_dict()["processes"]
    other = {name: {**process, "stop_grace": 11} for name, process in processes.items()}
    text = manifest("2.0.0", processes=other).to_json()
    Path(folders.layout.release(TWO), "manifest.json").write_bytes(text)
    folders.assign("blue", ONE, no_reload)
    real = slots.link_atomic

    def link(path: str, target: str) -> None:
        assert folders.held("blue") is None
        real(path, target)

    monkeypatch.setattr(slots, "link_atomic", link)
    folders.assign("blue", TWO, no_reload)
    assert folders.held("blue") == TWO


def test_remove_is_whole_and_can_be_repeated(folders: Folders) -> None:
    unpacked(folders, ONE)
    left = Path(folders.layout.release(f".partial-{ONE}"))
    left.mkdir()
    (left / "file").touch()  # a run died while it removed the same release once before
    folders.remove(ONE)
    folders.remove(ONE)
    assert names(folders.layout.releases) == []


def test_what_killed_runs_left_is_swept_before_the_next_fetch(folders: Folders, tmp_path: Path) -> None:
    """Else each killed deploy would cost the disk a release and an archive, for ever."""
    half = Path(folders.layout.release(f".partial-{TWO}"))
    half.mkdir()
    (half / "file").touch()
    Path(folders.archive(TWO)).write_bytes(b"half")
    source = tmp_path / "artifact"
    source.write_bytes(b"x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    app = replace(folders.layout.app, signature_required=False)
    Artifact(app, folders, str(source), digest).fetch(ONE)
    assert names(folders.layout.releases) == []
    assert names(folders.layout.incoming) == [f"{ONE}.tar.gz"]
    assert Path(folders.layout.incoming).stat().st_mode & 0o777 == 0o700


def test_what_runs_that_died_have_pushed_is_swept_and_nothing_else(folders: Folders, tmp_path: Path) -> None:
    pushed, old = tmp_path / "tmp", time.time() - 7200
    made = {
        "mas-artifact-old": ["artifact.tar.gz"], "mas-artifact-empty": [], "mas-artifact-fresh": ["artifact.tar.gz"],
        "mas-artifact-arriving": ["artifact.tar.gz"], "mas-artifact-strange": ["a", "b"], "other": ["artifact.tar.gz"],
    }  # fmt: skip
    for name, files in made.items():
        (pushed / name).mkdir()
        for file in files:
            (pushed / name / file).write_bytes(b"x")
            os.utime(pushed / name / file, (old, old))
        os.utime(pushed / name, (old, old))
    (pushed / "mas-artifact-file.tar.gz").write_bytes(b"x")
    os.utime(pushed / "mas-artifact-file.tar.gz", (old, old))
    (pushed / "mas-artifact-deep/x/y").mkdir(parents=True)
    for path in (pushed / "mas-artifact-deep/x", pushed / "mas-artifact-deep"):
        os.utime(path, (old, old))
    (pushed / "mas-artifact-link").symlink_to(tmp_path / "srv")
    (pushed / "mas-artifact-fresh").touch()
    (pushed / "mas-artifact-arriving/artifact.tar.gz").write_bytes(b"more")
    own = pushed / "mas-artifact-own"
    own.mkdir()
    (own / "artifact.tar.gz").write_bytes(b"x")
    for path in (own / "artifact.tar.gz", own):
        os.utime(path, (old, old))
    with pushed_file(str(own / "artifact.tar.gz")):
        app = replace(folders.layout.app, signature_required=False)
        digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
        Artifact(app, folders, str(own / "artifact.tar.gz"), digest).fetch(ONE)
    left = {
        # Folders in it may be deeper than Python can call itself, which ended every deploy.
        "mas-artifact-deep",
        "mas-artifact-fresh",
        "mas-artifact-arriving",
        "mas-artifact-strange",
        "mas-artifact-link",
        "other",
    }
    assert set(names(pushed)) == left
    assert (tmp_path / "srv/releases").is_dir()


def test_undoing_forgets_what_a_killed_run_had_fetched(folders: Folders) -> None:
    archive = Path(folders.archive(ONE))
    archive.write_bytes(b"half")
    NoArtifact(folders).forget(ONE)
    assert not archive.exists()


def test_an_unsigned_artifact_does_not_stay(folders: Folders, tmp_path: Path) -> None:
    source = tmp_path / "artifact"
    source.write_bytes(b"x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    with pytest.raises(Exception, match="not signed"):
        Artifact(folders.layout.app, folders, str(source), digest).fetch(ONE)
    assert names(folders.layout.incoming) == []


def test_a_release_without_a_manifest(folders: Folders) -> None:
    Path(folders.layout.release(ONE)).mkdir()
    with pytest.raises(StorageError, match=r"manifest of 1\.0\.0.* cannot be read: No such file"):
        folders.manifest(ONE)


def test_names_of_variables_never_their_values(folders: Folders) -> None:
    assert folders.variables() == frozenset()
    Path(folders.layout.app.environment_file).write_bytes(b'# X=1\nA="b\xff=c"\n  B_2=\nexport C=1\n;D=2\n')
    assert folders.variables() == {"A", "B_2"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "CONFIG", str(tmp_path / "{name}.json"))
    return tmp_path


def description(**changes: Any) -> str:
    slots = {"blue": {"port": 8101}, "green": {"port": 8102}}
    data = {"name": "agents", "user": "a", "group": "a", "root": "/srv/agents", "web": False, "slots": slots}
    data["sandbox"] = Sandbox().to_dict()
    return json.dumps({**data, "signers": "/s", "environment_file": "/e", **changes})


@pytest.mark.parametrize("name", ["", "../agents", "a/b", "Agents", "a" * 40, "agents\n"])
def test_an_application_is_no_path(config: Path, name: str) -> None:
    with pytest.raises(BadInput, match="no application can be named"):
        load_application(name)


def test_the_description_of_an_application(config: Path) -> None:
    with pytest.raises(NotFound, match="knows no application 'agents'"):
        load_application("agents")
    (config / "agents.json").write_text(description())
    app = load_application("agents")
    assert (app.keep_releases, app.signature_required, app.proxy) == (5, True, None)
    (config / "agents.json").write_text(description(name="other"))
    with pytest.raises(BadInput, match="describes other"):
        load_application("agents")
    for broken in (description(slots={}), description(slots={"blue": 1, "green": 2}), "[]", "1"):
        (config / "agents.json").write_text(broken)
        with pytest.raises(BadInput, match="description of the application is not usable"):
            load_application("agents")


def test_a_file_that_only_root_may_read(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", denied)
    with pytest.raises(Refused, match="become: true"):
        load_application("agents")


PARAMS = {
    "application": "agents", "state": "staged", "version": "1.0.0", "sha256": "1" * 64, "signature": None,
    "artifact_pushed": True, "drain_timeout": 1.0, "migration_timeout": 1, "to_version": None, "from_version": None,
    "assume_staged": False, "run": "", "actor": "", "steps": [], "bake": 0.0, "confirm_timeout": 0.0, "lease": 60.0,
    "token": None, "force_unlock": False, "code_digest": "", "size": None, "size_limit": 1, "fetch_timeout": 1.0, "soak": 0.0, "canary": {}, "gate": {}, "inventory": [], "limit": "",
    "report_missing": False, "forward": False,
}  # fmt: skip


@pytest.mark.parametrize("failure", ["busy", "platform", "unknown"])
def test_a_pushed_artifact_never_stays_behind(
    folders: Folders, config: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """Each try of a host that is busy would else leave one in the folder of temporary files."""
    copy = config / "pushed.tar.gz"
    copy.write_bytes(b"x")

    def unsupported() -> None:
        raise Refused("not supported")

    monkeypatch.setattr(lock, "patience", lambda *_: 0.0)
    monkeypatch.setattr(call, "check_platform", unsupported if failure == "platform" else lambda: None)
    if failure != "unknown":
        (config / "agents.json").write_text(description(root=folders.layout.app.root))
    errors: dict[str, type[Exception]] = {"busy": Busy, "platform": Refused, "unknown": NotFound}
    with exclusive(folders.layout.lock), pytest.raises(errors[failure]):
        call.release({**PARAMS, "artifact": str(copy)}, False)
    assert not copy.exists()


def test_what_was_not_pushed_is_not_removed(tmp_path: Path) -> None:
    with pushed_file(None):
        pass
    with pushed_file(str(tmp_path / "none")):
        pass
