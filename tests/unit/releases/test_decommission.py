"""An application is removed from a host, on a real disk: by a run that is killed at any change, and continued."""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, Busy, NotFound, Refused
from ansible_collections.mas.ops.plugins.module_utils._ledger.history import fold
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import folders as folders_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import rest
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.folders import Folders
from ansible_collections.mas.ops.plugins.module_utils._releases.auto_rollback import Armed
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.lease import Deadline, Lease
from ansible_collections.mas.ops.plugins.module_utils._releases.state import Operation, State
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, Killed
from ansible_collections.mas.ops.tests.unit.releases.leaving_host import ONE, TWO, Host, fill


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    (tmp_path / "host").mkdir()
    return fill(Host(tmp_path / "host", monkeypatch))


EMPTY = ["etc", "units/multi-user.target.wants", "units/sockets.target.wants", "var"]


def cleared(host: Host, data: bool = False) -> None:
    """Nothing is left but, maybe, the data, and the ledger says it once."""
    kept = ["srv/shared/data/file"] if data else []
    assert [name for name in host.left if name not in EMPTY] == kept
    assert (host.running, host.site.files, host.site.answers) == (set(), False, False)
    assert host.account == ("agents" if data else None)
    (entry,) = host.ledger[1:]
    assert (entry["action"], entry["from"], entry["to"]) == ("decommissioned", ONE, None)
    assert entry["gate"] == {"result": "open"}
    assert entry["rollback_command"].endswith("-e deploy_version=1.0.0")


def test_all_goes_in_an_order_in_which_nothing_is_missed(host: Host) -> None:
    outcome = host.call(shared="remove")
    cleared(host)
    assert outcome.facts["was"] == ONE
    assert outcome.facts["kept"] == []
    first = [
        what for what in host.done if what in ("withdraw", "stop", "unserve", "reload haproxy", "record")
    ]
    assert first == ["withdraw", "stop", "stop", "unserve", "reload haproxy", "record"]
    assert host.done.index("drain blue") < host.done.index("stop")
    assert host.done.index("record") < host.done.index("userdel --")


def test_a_second_run_finds_nothing(host: Host) -> None:
    assert host.call().plan.changed
    cleared(host, data=True)
    again = host.call()
    assert not again.plan.changed
    assert len(host.ledger) == 2


def test_check_mode_lists_it_all_and_changes_nothing(host: Host) -> None:
    before = host.left
    outcome = host.call(check=True, shared="remove")
    assert (host.left, host.done) == (before, [])
    listed = outcome.plan.before["files"]
    for name in before:
        path = str(host.path / name)
        known = "/lock" in path or path.endswith("application.json")
        folder = any(path.startswith(f"{each}/") for each in listed)
        assert known or folder or path in listed or f"/etc/systemd/system/{Path(name).name}" in listed, name
    assert outcome.plan.after["files"] == []


@pytest.mark.parametrize("shared", ["keep", "remove"])
def test_a_run_that_is_killed_anywhere_is_continued_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    deaths = 0
    while True:
        with monkeypatch.context() as patch:
            folder = tmp_path / str(deaths)
            folder.mkdir()
            host = Host(folder, patch)
            host.die_at = deaths
            fill(host)
            try:
                host.call(shared=shared)
            except Killed:
                # The process that held the lock is gone, and its open file with it.
                host.die_at = -1
                host.call(run="run-2", shared=shared)
            else:
                break
            cleared(host, data=shared == "keep")
            assert not host.call(shared=shared).plan.changed
            deaths += 1
    assert deaths > 50


@pytest.mark.parametrize(
    "name", ["srv/notes", "srv/releases/mine", "srv/slots/mine", "etc/agents/mine", "var/agents/mine"]
)
def test_what_others_have_put_there_stays_and_is_named(host: Host, name: str) -> None:
    (host.path / name).write_text("mine")
    outcome = host.call(shared="remove")
    assert (host.path / name).read_text() == "mine"
    assert any(f"'{Path(name).name}', which mas.ops did not write" in said for said in outcome.facts["kept"])
    assert host.account == ("agents" if name.startswith("srv") else None)


def test_an_account_that_is_not_of_the_role_stays(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    person = ("agents", "x", 1000, 1000, "Ada", "/home/ada", "/bin/bash")
    monkeypatch.setattr(rest.pwd, "getpwnam", lambda _name: pwd.struct_passwd(person))
    outcome = host.call(shared="remove")
    assert outcome.facts["kept"] == ["The account agents stays: mas.ops did not make it."]
    assert "userdel --" not in host.done


def test_a_command_that_runs_is_not_ended_without_a_word(host: Host) -> None:
    unit = "agents-one-off@blue.service"
    (host.path / "units" / unit).write_text("")
    host.running.add(unit)
    with pytest.raises(
        Refused, match=r"a one-off command runs \(agents-one-off@blue\.service\).*systemctl stop"
    ):
        host.call()
    assert host.done == []
    # It has ended.
    host.running.remove(unit)
    host.call(shared="remove")
    cleared(host, data=False)


def test_an_account_that_may_have_files_elsewhere_stays(host: Host) -> None:
    """Whoever has the folder itself: the next account could get its numbers, and so the files."""
    path = host.path / "etc/agents/application.json"
    app = json.loads(path.read_text())
    app["sandbox"]["writable_paths"] = [str(host.path / "data"), str(host.path / "none")]
    path.write_text(json.dumps(app))
    (host.path / "data").mkdir()
    outcome = host.call(shared="remove")
    said = f"The account agents stays: there may be files of it in {host.path / 'data'}."
    assert outcome.facts["kept"] == [said]
    assert host.account == "agents"


def test_a_host_of_another_environment_is_refused(host: Host) -> None:
    with pytest.raises(Refused, match=f"has agents of {APP.environment}, and the inventory says production"):
        host.call(environment="production")
    assert host.done == []
    host.call(environment=APP.environment, shared="remove")


def test_what_is_under_way_is_refused_and_can_be_given_up(host: Host) -> None:
    app = json.loads((host.path / "etc/agents/application.json").read_text())
    folders = Folders(Layout(replace(APP, root=app["root"])))
    for refusal in ("release 2.0.0-.* was not confirmed yet", "the deploy of 2.0.0-.* has not ended"):
        if "confirmed" in refusal:
            folders.write_armed(Armed(TWO, "run-0", "2026", Deadline("boot", 1.0, 1.0, 1.0)))
        else:
            folders.forget_armed()
            folders.write_state(State("blue", Operation("deploy", TWO, "green", None, "run-0", "2026")))
        with pytest.raises(Refused, match=refusal) as caught:
            host.call()
        for words in ("-i /srv/inv", "deploy_version=2.0.0", "deploy_abort=true", "change_force_unlock=true"):
            assert words in caught.value.fix
        assert host.done == []
    host.call(shared="remove", force_unlock=True)
    cleared(host)


def test_a_run_of_another_person_is_waited_for(host: Host) -> None:
    lease = Lease(3, "run-0", "eve", "deploy of 2.0.0", "2026", Deadline("", 1e12, 1e12, 900.0))
    (host.path / "var/agents/lease.json").write_text(json.dumps(lease.to_dict()))
    with pytest.raises(Busy, match=r"held by deploy of 2\.0\.0 by eve"):
        host.call()
    assert host.done == []
    host.call(shared="remove", force_unlock=True)
    cleared(host)


def test_nothing_is_changed_where_the_proxy_would_not_start(host: Host) -> None:
    before = [name for name in host.left if "lease" not in name]
    host.site.refusal = Refused("HAProxy refuses the new configuration")
    with pytest.raises(Refused, match="HAProxy refuses"):
        host.call()
    assert [name for name in host.left if "lease" not in name] == before
    assert host.done == []


@pytest.mark.parametrize("root", ["/", "/srv", "/etc", "/var/lib/mas", "/usr/share/x"])
def test_a_root_of_the_system_is_refused(host: Host, root: str) -> None:
    path = host.path / "etc/agents/application.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "root": root}))
    with pytest.raises((BadInput, Refused), match="application_root"):
        host.call(shared="remove")
    assert host.done == []


@pytest.mark.parametrize("inner", ["", "inner", "up", "link"])
def test_a_root_that_is_not_apart_from_that_of_another_application_is_refused(host: Host, inner: str) -> None:
    other = {"": host.path / "srv", "inner": host.path / "srv/shared/shop", "up": host.path}.get(inner)
    if inner == "link":
        other = host.path / "elsewhere"
        other.symlink_to("srv/shared")
    own = json.loads((host.path / "etc/agents/application.json").read_text())
    (host.path / "etc/shop").mkdir()
    (host.path / "etc/shop/application.json").write_text(
        json.dumps({**own, "name": "shop", "user": "shop", "root": str(other)})
    )
    with pytest.raises(Refused, match=r"that of shop, .*, are not apart"):
        host.call(shared="remove")
    assert host.done == []


def test_a_link_of_the_account_on_the_way_is_refused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    (host.path / "moved").mkdir()
    (host.path / "srv").rename(host.path / "moved/srv")
    (host.path / "srv").symlink_to("moved/srv")
    monkeypatch.setattr(rest.os, "geteuid", lambda: 12345)
    real = os.lstat

    def lstat(path: str) -> os.stat_result:
        fields = list(real(path))
        fields[4] = 990
        return os.stat_result(fields)

    monkeypatch.setattr(rest.os, "lstat", lstat)
    with pytest.raises(Refused, match="a link that is not root's"):
        host.call(shared="remove")


def test_data_behind_a_link_or_a_mount_is_refused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = str(host.path / "srv/shared/data")
    monkeypatch.setattr(rest.trees, "mounts_in", lambda _path: [mount])
    with pytest.raises(Refused, match=f"mounted at {mount}"):
        host.call(shared="remove")
    monkeypatch.setattr(rest.trees, "mounts_in", lambda _path: [])
    (host.path / "srv/shared").rename(host.path / "data")
    (host.path / "srv/shared").symlink_to("../data")
    with pytest.raises(Refused, match="no link is followed"):
        host.call(shared="remove")
    assert host.done == []
    host.call()
    assert (host.path / "data/data/file").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": "shop"}'])
def test_a_description_that_cannot_be_read_is_a_clear_error(host: Host, text: str) -> None:
    (host.path / "etc/agents/application.json").write_text(text)
    with pytest.raises(BadInput, match=r"application.json.*mas.ops.provision"):
        host.call()
    assert host.done == []


def test_files_without_a_description_are_a_clear_error(host: Host) -> None:
    (host.path / "etc/agents/application.json").unlink()
    with pytest.raises(Refused, match="what describes it is missing") as caught:
        host.call()
    assert "mas.ops.provision -i /srv/inv" in caught.value.fix


def test_slots_that_are_damaged_are_emptied_all_the_same(host: Host) -> None:
    (host.path / "etc/agents/slots/blue.json").write_text("{")
    (host.path / "etc/agents/slots/green.env").unlink()
    (host.path / "etc/agents/slots/green.env").mkdir()
    (host.path / "srv/slots/green").unlink()
    (host.path / f"srv/releases/{ONE}/manifest.json").unlink()
    (host.path / "var/agents/state.json").write_text("{")
    host.call(shared="remove")
    cleared(host)


def test_an_application_that_was_never_deployed(host: Host) -> None:
    host.ledger.clear()
    folders = Folders(Layout(replace(APP, root=str(host.path / "srv"))))
    for slot in ("blue", "green"):
        folders.unassign(slot)
    (host.path / "var/agents/state.json").unlink()
    host.running.clear()
    host.call(shared="remove")
    (entry,) = host.ledger
    assert entry["from"] is None
    assert (
        entry["rollback_command"]
        == "ansible-playbook mas.ops.provision -i /srv/inv -e application_name=agents"
    )


def test_other_modules_say_that_it_was_decommissioned(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.call()
    ledger = "ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.host.host_ledger"
    monkeypatch.setattr(ledger, lambda: host)
    with pytest.raises(NotFound, match=r"agents was decommissioned on this host at 20") as caught:
        folders_module.load_application("agents")
    assert caught.value.fix.endswith("-e deploy_version=1.0.0")
    history = fold(host.ledger, "agents")
    assert (history.stack, history.previous, history.served("1.0.0")) == ((), None, None)
