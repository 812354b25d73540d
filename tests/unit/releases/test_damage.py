"""Files of a host that were lost, truncated or replaced: what they said is read elsewhere, and they are kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, Refused
from ansible_collections.mas.ops.plugins.module_utils._ledger.history import unconfirmed
from ansible_collections.mas.ops.plugins.module_utils._releases import layout as layout_module
from ansible_collections.mas.ops.plugins.module_utils._releases import slot as slot_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.folders import Folders
from ansible_collections.mas.ops.plugins.module_utils._releases.auto_rollback import Armed
from ansible_collections.mas.ops.plugins.module_utils._releases.damage import Damage
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.lease import Deadline
from ansible_collections.mas.ops.plugins.module_utils._releases.state import Operation, State
from ansible_collections.mas.ops.tests.unit.releases.fake_host import (
    APP,
    FakeHost,
    Killed,
    live,
    manifest,
    release,
)
from ansible_collections.mas.ops.tests.unit.releases.samples import no_reload

ONE, TWO = release("1.0.0"), release("2.0.0")
WEB = {"kind": "web", "command": ["x"], "stop_signal": "SIGINT", "stop_grace": 7, "listen": "systemd"}
PROCESSES = {"api": WEB, "worker": {**WEB, "kind": "worker", "listen": "port"}}
ARMED = Armed(TWO, "run-2", "2026-01-01T00:00:00.000Z", Deadline("boot-1", 1.0, 2.0, 3.0))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def become_folder(path: Path) -> None:
    path.unlink()
    (path / "x").mkdir(parents=True)


def become_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def become_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent)


DAMAGES = [
    truncate,
    become_folder,
    become_pipe,
    become_link,
    lambda path: path.write_text("[" * 100_000),
    lambda path: path.write_bytes(b"\xff\0"),
    lambda path: path.write_text("{}"),
]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    for name, folder in (("STATE", "var"), ("UNITS", "units")):
        monkeypatch.setattr(layout_module, name, str(tmp_path / folder))
    monkeypatch.setattr(slot_module, "CONFIG", str(tmp_path / "etc"))
    app = replace(APP, root=str(tmp_path / "srv"), environment_file=str(tmp_path / "environment"))
    for name in ("var/agents", "units", "srv/releases", "srv/slots", "srv/shared"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "environment").write_text('TOKEN="one"\n')
    made = Folders(Layout(app))
    folder = Path(made.layout.release(ONE))
    folder.mkdir()
    (folder / "manifest.json").write_bytes(manifest("1.0.0", processes=PROCESSES).to_json())
    made.assign("blue", ONE, no_reload)
    return made


def again(folders: Folders, **changes: Any) -> Folders:
    """As another run sees the host, whose inventory says something else by now."""
    return Folders(Layout(replace(folders.layout.app, **changes)))


def kept(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.aside-*"))


@pytest.mark.parametrize("damage", [*DAMAGES, Path.unlink])
def test_the_record_of_a_slot_is_made_again_as_it_was(
    folders: Folders, damage: Callable[[Path], None]
) -> None:
    """With the port, the account and the root of the assignment, whatever the inventory says since then."""
    was = folders.record("blue")
    path = Path(folders.layout.record("blue"))
    damage(path)
    later = again(folders, ports={"blue": 9001, "green": 9002}, user="other", group="other")
    assert later.record("blue") == was
    assert [found.path for found in later.damage()] == [str(path)]
    later.mend(State(), None)
    assert later.damage() == ()
    assert "written anew from the units of the slot" in later.mended()[0]
    assert len(kept(path)) == (damage is not Path.unlink)
    assert again(folders).record("blue") == was


def test_without_the_manifest_as_well_the_slot_can_still_be_stopped(folders: Folders) -> None:
    was = folders.record("blue")
    Path(folders.layout.record("blue")).unlink()
    Path(folders.layout.release(ONE), "manifest.json").unlink()
    found = again(folders).record("blue")
    assert was
    assert found
    assert (found.units, found.port, found.user, found.health) == (was.units, was.port, was.user, None)
    for unit in found.units:
        Path(folders.layout.unit_file(unit)).unlink()
    with pytest.raises(BadInput, match="neither the record of the blue slot nor its units nor the manifest"):
        again(folders).record("blue")


def test_what_has_no_grace_is_known_by_its_unit(folders: Folders) -> None:
    path = Path(folders.layout.unit_file("agents-worker@blue.service"))
    text = path.read_text().replace("KillSignal=SIGINT", "KillSignal=SIGKILL")
    path.write_text(text.replace("TimeoutStopSec=7", "TimeoutStopSec=10"))
    Path(folders.layout.record("blue")).unlink()
    Path(folders.layout.release(ONE), "manifest.json").unlink()
    found = again(folders).record("blue")
    assert found
    process = found.processes["worker"]
    assert (process.stop_signal, process.stop_grace) == ("SIGTERM", 0)


def test_a_record_of_something_else_is_none(folders: Folders) -> None:
    path = Path(folders.layout.record("blue"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "release": TWO}))
    later = again(folders)
    found = later.record("blue")
    assert found
    assert found.release == ONE
    assert TWO in later.damage()[0].what


def test_units_that_the_manifest_does_not_know_are_removed_later(folders: Folders) -> None:
    """Those of another application whose name goes on like this one's are not meant."""
    text = Path(folders.layout.unit_file("agents-worker@blue.service")).read_text()
    for name in ("agents-old@blue.service", "agents-migration@blue.service"):
        Path(folders.layout.unit_file(name)).write_text(text)
    foreign = text.replace("/agents/slots/", "/agents-api/slots/")
    Path(folders.layout.unit_file("agents-api-worker@blue.service")).write_text(foreign)
    Path(folders.layout.record("blue")).unlink()
    found = again(folders).record("blue")
    assert found
    assert found.left == ("old",)


@pytest.mark.parametrize("damage", [*DAMAGES, Path.unlink])
def test_the_environment_of_a_slot_is_written_anew(folders: Folders, damage: Callable[[Path], None]) -> None:
    path = Path(folders.layout.environment("blue"))
    was = path.read_bytes()
    damage(path)
    later = again(folders)
    assert later.record("blue")
    later.mend(State(), None)
    assert "written anew from the current settings" in later.mended()[0]
    assert path.read_bytes() == was
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage", [*DAMAGES[:-1], lambda path: path.write_text('{"release": 1, "until": {}}')]
)
@pytest.mark.parametrize("name", ["state", "auto_rollback", "lease"])
def test_what_the_state_folder_says_is_set_aside(
    folders: Folders, name: str, damage: Callable[[Path], None]
) -> None:
    operation = Operation("deploy", TWO, "green", None, "run-2", "now")
    folders.write_state(State("blue", operation))
    folders.write_armed(ARMED)
    folders.write_lease(folders.lease())
    path = Path(getattr(folders.layout, name))
    damage(path)
    later = again(folders)
    assert (later.state().live, later.armed(), later.lease().token) == (
        None if name == "state" else "blue",
        None if name == "auto_rollback" else ARMED,
        0,
    )
    later.write_lease(later.lease())
    later.mend(State("blue"), ARMED)
    third = again(folders)
    assert (third.state().live, third.armed(), third.damage()) == ("blue", ARMED, ())


def test_a_journal_of_wrong_types_is_damaged(folders: Folders) -> None:
    good = {
        "kind": "deploy",
        "release": TWO,
        "slot": "green",
        "before": None,
        "run": "r",
        "since": "s",
        "step": "",
    }
    for bad in ({"slot": "red"}, {"step": 5}, {"release": None}, {"before": ["x"]}, {"more": ""}):
        data = {"schema": 1, "live": "blue", "operation": {**good, **bad}}
        Path(folders.layout.state).write_text(json.dumps(data))
        assert again(folders).state() == State()


# The whole host in memory


def damaged(path: str) -> Damage:
    return Damage(path, "this is not JSON", "ledger and slots")


def begun(host: FakeHost) -> FakeHost:
    """A deploy that was killed with a tenth of the traffic on it, armed; then its journal was lost."""
    host.do("staged", "3.0.0")
    shift = host.shift

    def killed(split: Any) -> None:
        shift(split)
        raise Killed

    host.shift = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        host.do("live", "3.0.0", confirm_timeout=60.0)
    del host.shift  # type: ignore[method-assign]
    host.state_file = None
    host.damaged = [damaged(host.layout.state)]
    return host


@pytest.mark.parametrize("armed", [True, False])
def test_a_deploy_whose_journal_was_lost_is_left_and_no_host_goes_further(armed: bool) -> None:
    host = FakeHost()
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    begun(host)
    if not armed:
        host.armed_file = None
        host.damaged.append(damaged(host.layout.auto_rollback))
    plan, facts = host.do("rolled_back", from_version=release("3.0.0"), run="run-2")
    assert facts["live"] == TWO
    assert live(host) == TWO
    assert host.weights[facts["slot"]] == 100
    assert host.armed_file is None
    assert plan.steps[0].action == "mend"


def test_check_mode_mends_nothing_and_says_it() -> None:
    host = FakeHost()
    host.deploy("1.0.0")
    host.damaged = [damaged(host.layout.state)]
    plan, facts = host.do("staged", "1.0.0", check=True)
    assert plan.changed
    assert "the next change writes it anew from ledger and slots" in facts["damage"][0]
    assert host.damaged


def test_a_host_that_was_only_mended_is_not_taken_back() -> None:
    host = FakeHost()
    host.deploy("1.0.0")
    host.damaged = [damaged(host.layout.state)]
    plan, facts = host.do("staged", "1.0.0")
    assert (plan.changed, facts["repaired"]) == (True, True)


def test_a_damaged_switch_waits_for_what_the_ledger_calls_unconfirmed() -> None:
    host = FakeHost()
    host.deploy("1.0.0")
    host.do("staged", "2.0.0")
    host.do("live", "2.0.0", confirm_timeout=60.0)
    host.armed_file = None
    host.damaged = [damaged(host.layout.auto_rollback)]
    with pytest.raises(Refused, match=f"release {TWO} is live and was not confirmed yet"):
        host.do("staged", "3.0.0", run="run-2", force_unlock=True)
    host.do("confirmed", "2.0.0", run="run-1")
    assert host.armed_file is None


def test_what_was_confirmed_or_taken_back_waits_for_no_confirmation() -> None:
    def entry(action: str, to: str = TWO, application: str = "agents") -> dict[str, str]:
        return {"kind": "release", "application": application, "action": action, "to": to}

    for actions, waits in (
        (["live"], True),
        (["live", "confirmed"], False),
        (["live", "rolled_back"], False),
        (["live", "confirmed", "live", "failed"], True),
    ):
        entries = [*map(entry, actions), entry("live", application="other")]
        assert bool(unconfirmed(entries, "agents")) == waits, actions


def test_what_stands_still_or_is_not_enabled_is_repaired_by_the_same_deploy() -> None:
    host = FakeHost()
    host.deploy("1.0.0")
    slot = host.state().live
    host.standing = {f"agents-worker@{slot}.service"}
    plan, facts = host.do("staged", "1.0.0")
    assert [step.action for step in plan.steps] == ["revive"]
    assert facts["repaired"]
    assert not host.standing
    assert not host.do("staged", "1.0.0")[0].changed
