"""What is in the way of a host's lock, or holds it and is no run of ours, bars no way back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import Busy
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import lock
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.interruptible_clock import (
    InterruptibleClock,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.lease import Claim
from ansible_collections.mas.ops.tests.unit.releases.test_damage import (
    become_folder,
    become_link,
    become_pipe,
    kept,
)

BACK = Claim("run-2", "bob", "rollback", returns=True)
DEPLOY = Claim("run-3", "eve", "deploy of 3.0.0")


@pytest.mark.parametrize("damage", [become_folder, become_pipe, become_link])
@pytest.mark.parametrize("end", [True, False])
def test_what_is_in_the_way_of_the_lock_is_set_aside(
    layout: Layout, damage: Callable[[Path], None], end: bool
) -> None:
    path = Path(lock.end_request(layout) if end else layout.lock)
    path.touch()
    damage(path)
    folder = sorted(path.parent.iterdir())
    with (
        lock.hold(layout, BACK, InterruptibleClock()) as messages,
        pytest.raises(Busy),
        lock.exclusive(layout.lock),
    ):
        pass
    # A link or a pipe of that name can be removed as it is.
    if not (end and damage is not become_folder):
        assert kept(path)[0].name in messages[0]
    assert Path(layout.lock).is_file()
    assert [entry for entry in folder if entry.name.startswith("x")] == []


def test_a_link_in_place_of_the_lock_leads_nowhere(layout: Layout, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    Path(layout.lock).symlink_to(precious)
    with lock.hold(layout, BACK, InterruptibleClock()):
        pass
    assert precious.read_text() == "x"


@pytest.fixture
def foreign(layout: Layout) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of ours holds the lock, as flock(1) does, and a child of it that would outlive it."""
    program = (
        "import fcntl, os, sys, time\n"
        "handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(handle, fcntl.LOCK_EX)\n"
        "print(os.fork(), flush=True)\n"
        "time.sleep(60)\n"
    )
    with lock.hold(layout, Claim("run-0", "ada", "deploy of 0.1.0"), InterruptibleClock()):
        pass
    data = json.loads(Path(layout.lock).read_text())
    Path(layout.lock).write_text(json.dumps({**data, "pid": 2**22 + 1}))
    command = [sys.executable, "-c", program, layout.lock]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        os.killpg(process.pid, 9)


def test_a_deploy_names_who_really_holds_the_lock(
    layout: Layout, foreign: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    with pytest.raises(Busy) as caught, lock.hold(layout, DEPLOY, InterruptibleClock()):
        pass
    assert "ada" not in str(caught.value)
    assert f"(pid {foreign.pid})" in caught.value.what
    assert f"kill {foreign.pid} " in caught.value.fix


@pytest.mark.parametrize("orphan", [False, True])
def test_a_way_back_waits_for_no_stranger(
    layout: Layout, foreign: subprocess.Popen[bytes], orphan: bool
) -> None:
    """Nor for what is left of one: the kernel then names no process."""
    if orphan:
        foreign.kill()
        foreign.wait()
    before = Path(layout.lock).stat().st_ino
    with lock.hold(layout, BACK, InterruptibleClock()) as messages:
        assert "no run of mas.ops" in messages[0]
        assert Path(layout.lock).stat().st_ino != before
        with pytest.raises(Busy), lock.exclusive(layout.lock):
            pass
    assert orphan or foreign.poll() is None, "it is not ended"
