"""What a slot was assigned, on the disk, and what is left of it when a run is killed anywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    BadInput,
    NotFound,
    Refused,
    StorageError,
)
from ansible_collections.mas.ops.plugins.module_utils._releases import layout as layout_module
from ansible_collections.mas.ops.plugins.module_utils._releases import slot as slot_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import folders as folders_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import provision as provision_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import slots
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.folders import Folders
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.provision import application
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, Killed, manifest, release
from ansible_collections.mas.ops.tests.unit.releases.samples import no_reload

ONE, TWO = release("1.0.0"), release("2.0.0")
PROCESS = {"kind": "worker", "command": ["x"], "stop_signal": "SIGTERM", "stop_grace": 1}
PROCESSES = {
    ONE: {"api": {**PROCESS, "kind": "web"}, "worker": PROCESS},
    TWO: {
        "web": {**PROCESS, "kind": "web", "listen": "systemd", "instances": 2},
        "mailer": {**PROCESS, "instances": 2},
    },
}
UNITS = {
    ONE: ["agents-api@blue.service", "agents-worker@blue.service"],
    TWO: [
        "agents-mailer.2@blue.service",
        "agents-mailer@blue.service",
        "agents-web.2@blue.service",
        "agents-web@blue.service",
        "agents-web@blue.socket",
    ],
}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    for name, folder in (("STATE", "var"), ("UNITS", "units")):
        monkeypatch.setattr(layout_module, name, str(tmp_path / folder))
    monkeypatch.setattr(slot_module, "CONFIG", str(tmp_path / "etc"))
    app = replace(APP, root=str(tmp_path / "srv"), environment_file=str(tmp_path / "environment"))
    for name in ("var/agents", "units", "srv/releases", "srv/slots", "srv/shared"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "environment").write_text('TOKEN="one"\nPORT="1"\n')
    made = Folders(Layout(app))
    for name in (ONE, TWO):
        folder = Path(made.layout.release(name))
        folder.mkdir()
        version = name.split("-", maxsplit=1)[0]
        (folder / "manifest.json").write_bytes(manifest(version, processes=PROCESSES[name]).to_json())
    return made


def files(folders: Folders) -> list[str]:
    return sorted(path.name for path in Path(layout_module.UNITS).iterdir())


def assigned(folders: Folders, name: str) -> bool:
    """Whether systemd was ordered to read units again, while the slot was empty and its units were those of the release."""
    calls = []

    def read(changed: bool) -> None:
        assert folders.held("blue") is None
        assert files(folders) == UNITS[name]
        calls.append(changed)

    folders.assign("blue", name, read)
    assert folders.held("blue") == name
    return calls == [True]


def test_units_are_those_of_the_release(folders: Folders) -> None:
    for name in (ONE, TWO, ONE):
        assert assigned(folders, name)
        assert files(folders) == UNITS[name]
        record = folders.record("blue")
        assert record
        assert (record.release, sorted(record.units)) == (name, UNITS[name])
    assert not assigned(folders, ONE), "nothing for systemd to read"
    assert folders.unassign("blue")
    assert files(folders) == []
    assert folders.record("blue") is None
    assert list(Path(folders.layout.record("blue")).parent.iterdir()) == []


def test_the_environment_is_the_one_of_the_assignment(folders: Folders) -> None:
    folders.assign("blue", ONE, no_reload)
    path = Path(folders.layout.environment("blue"))
    root = folders.layout.app.root
    assert path.read_text() == f'MAS_SHARED="{root}/shared"\nMAS_SLOT="blue"\nPORT="8101"\nTOKEN="one"\n'
    assert path.stat().st_mode & 0o777 == 0o600
    assert folders.pending("blue") == ()
    Path(folders.layout.app.environment_file).write_text('TOKEN="two"\n')
    assert folders.pending("blue") == ("environment",)
    assert "one" in path.read_text()
    assert "one" not in json.dumps(json.loads(Path(folders.layout.record("blue")).read_text()))


def test_what_a_loader_obeys_reaches_no_slot(folders: Folders) -> None:
    """Written by hand, past the role. The hooks of the unit run as root with the same environment."""
    Path(folders.layout.app.environment_file).write_text(
        "LD_PRELOAD=/x.so\nLD_NEW=1\nGCONV_PATH=/x\nMINE=1\n"
    )
    folders.assign("blue", ONE, no_reload)
    text = Path(folders.layout.environment("blue")).read_text()
    assert "MINE" in text
    assert not any(word in text for word in ("LD_", "GCONV"))


def test_an_environment_that_systemd_could_not_read_is_refused_before_a_unit_is_written(
    folders: Folders,
) -> None:
    folders.assign("blue", ONE, no_reload)
    Path(folders.layout.app.environment_file).write_bytes(b'TOKEN="a\xff"\n')
    with pytest.raises(BadInput, match="TOKEN"):
        folders.assign("blue", TWO, no_reload)
    assert files(folders) == UNITS[ONE]
    assert folders.held("blue") == ONE


def test_a_record_that_was_lost_is_made_again(folders: Folders) -> None:
    folders.assign("blue", TWO, no_reload)
    before = folders.record("blue")
    Path(folders.layout.record("blue")).unlink()
    assert folders.record("blue") == before


def killed_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die before the change of that number to the disk."""
    left = [count]

    def deadly(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return real(*arguments, **more)

        return call

    for name in ("write_atomic", "write_json", "link_atomic", "_remove"):
        monkeypatch.setattr(slots, name, deadly(getattr(slots, name)))


@pytest.mark.parametrize("count", range(14))
@pytest.mark.parametrize("then", [ONE, TWO, None])
def test_killed_anywhere(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, count: int, then: str | None
) -> None:
    """Each unit that a record names can be stopped, and what comes next leaves no unit of anything else."""
    folders.assign("blue", ONE, no_reload)
    with monkeypatch.context() as patch:
        killed_after(count, patch)
        try:
            folders.assign("blue", TWO, no_reload)
        except Killed:
            assert folders.held("blue") is None
    record = folders.record("blue")
    assert record
    assert set(record.units) <= set(files(folders))
    if then:
        folders.assign("blue", then, no_reload)
    else:
        folders.unassign("blue")
    assert files(folders) == (UNITS[then] if then else [])


def test_a_slot_that_systemd_did_not_read_holds_nothing(folders: Folders) -> None:
    """Else the next way back would start the release with the units of the one before."""

    def killed(_changed: bool) -> None:
        raise Killed

    folders.assign("blue", ONE, no_reload)
    with pytest.raises(Killed):
        folders.assign("blue", TWO, killed)
    assert folders.held("blue") is None


@pytest.mark.parametrize("count", range(8))
def test_killed_while_it_is_emptied(folders: Folders, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    folders.assign("blue", TWO, no_reload)
    with monkeypatch.context() as patch:
        killed_after(count, patch)
        try:
            folders.unassign("blue")
        except Killed:
            assert folders.held("blue") is None
    record = folders.record("blue")
    assert record is None or set(record.units) <= set(files(folders))
    folders.unassign("blue")
    assert files(folders) == []
    assert folders.record("blue") is None


def test_a_migration_is_there_as_long_as_it_runs(folders: Folders) -> None:
    folders.assign("blue", ONE, no_reload)
    assert folders.write_migration("blue", ["./migrate"], 5) in files(folders)
    folders.forget_migration("blue")
    assert files(folders) == UNITS[ONE]
    with pytest.raises(NotFound, match="the green slot holds nothing"):
        folders.write_migration("green", ["./migrate"], 5)


def test_a_one_off_command_is_there_until_it_is_forgotten(folders: Folders) -> None:
    folders.assign("blue", ONE, no_reload)
    assert folders.one_off("blue") is None
    unit = folders.write_one_off("blue", "api", ["./clean"], 5)
    assert unit == folders.one_off("blue") == "agents-one-off@blue.service"
    assert unit in files(folders)
    folders.forget_one_off("blue")
    assert files(folders) == UNITS[ONE]
    with pytest.raises(NotFound, match="the green slot holds nothing"):
        folders.write_one_off("green", "api", ["./clean"], 5)


# The module that writes the contract.


@pytest.fixture
def host(tmp_path: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = str(tmp_path / "etc/{name}/application.json")
    monkeypatch.setattr(folders_module, "CONFIG", path)
    monkeypatch.setattr(provision_module, "CONFIG", path)
    return tmp_path


def provision(contract: dict[str, Any], check: bool = False, settings_for: str = "") -> Any:
    return application({"contract": contract, "settings_for": settings_for, "patience": 0.0}, check)


def test_a_contract_is_written_once(host: Path, folders: Folders) -> None:
    wanted = folders.layout.app.to_dict()
    assert provision(wanted, check=True).plan.changed
    assert not (host / "etc/agents/application.json").exists()
    assert provision(wanted).plan.changed
    assert not provision(wanted).plan.changed
    assert json.loads((host / "etc/agents/application.json").read_text()) == wanted


def test_without_become_it_says_so(host: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/etc/mas/agents/slots/blue.env")

    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(Folders, "record", refuse)
    with pytest.raises(StorageError, match=r"only root may .* Set become: true"):
        provision(folders.layout.app.to_dict(), check=True)


def test_what_waits_is_said_by_the_live_slot(host: Path, folders: Folders) -> None:
    wanted = folders.layout.app.to_dict()
    provision(wanted)
    folders.assign("blue", ONE, no_reload)
    folders.write_state(replace(folders.state(), live="blue"))
    changed = {**wanted, "slots": {"blue": {"port": 9001}, "green": {"port": 9002}}}
    assert provision(changed).facts["pending"] == ["port"]
    assert provision(wanted).facts == {"pending": [], "pending_by_slot": {"blue": []}}


@pytest.mark.parametrize(
    "changed, says",
    [
        ({"user": "root"}, "application_user is root"),
        ({"group": "shadow"}, "application_group is shadow"),
        ({"root": "/etc"}, "application_root is /etc, a folder of the system"),
        ({"root": "/usr/share/agents"}, "a folder of the system"),
        ({"root": "/var/lib/mas"}, "a folder of the system"),
    ],
)
def test_what_belongs_to_the_host_is_no_applications(
    host: Path, folders: Folders, changed: dict[str, str], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        provision({**folders.layout.app.to_dict(), **changed}, check=True)
    assert not list(host.rglob("application.json"))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd says what it reads")
def test_a_limit_that_systemd_would_ignore_is_refused(host: Path, folders: Folders) -> None:
    """It would be one line in the journal of systemd, and a process without a bound."""
    wanted = folders.layout.app.to_dict()
    limited = {**wanted["sandbox"], "limits": {"api": {"CPUQuota": "50%", "MemoryMax": "lots"}}}
    with pytest.raises(
        BadInput, match=r"would ignore a resource limit.*MemoryMax=lots \(Invalid memory limit"
    ) as caught:
        provision({**wanted, "sandbox": limited}, check=True)
    assert caught.value.where == "application_limits.api"
    limited["limits"] = {
        "api": {"CPUQuota": "50%", "MemoryMax": "1G", "LimitNOFILE": "1024:4096", "Nice": "5"}
    }
    assert provision({**wanted, "sandbox": limited}).plan.changed


def test_what_cannot_be_is_refused_and_nothing_is_written(host: Path, folders: Folders) -> None:
    wanted = folders.layout.app.to_dict()
    provision(wanted)
    folders.assign("blue", ONE, no_reload)
    with pytest.raises(Refused, match="application_user is other"):
        provision({**wanted, "user": "other"})
    other = {**wanted, "name": "blog", "user": "blog", "root": "/srv/blog"}
    with pytest.raises(Refused, match="this host has agents as well"):
        provision(other)
    with pytest.raises(Refused, match="port 8101 is for slot blue of blog, and for slot blue of agents"):
        provision(other, settings_for="blog")
    assert not (host / "etc/blog").exists()


@pytest.mark.parametrize("name", [None, "../x", "A", ""])
def test_a_name_that_is_none(host: Path, folders: Folders, name: Any) -> None:
    with pytest.raises(BadInput, match="application_name"):
        provision({**folders.layout.app.to_dict(), "name": name})
