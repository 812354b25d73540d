"""What the tests of the releases share."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.adapters import systemctl as systemd_module
from ansible_collections.mas.ops.plugins.module_utils._releases import layout as layout_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import lock
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.systemd import Systemd
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.tests.unit.releases.fake_systemctl import Machine
from ansible_collections.mas.ops.tests.unit.releases.samples import APP


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """Whose state is in a folder of the test, for its lock; systemd is not asked."""
    monkeypatch.setattr(layout_module, "STATE", str(tmp_path))
    monkeypatch.setattr(lock.subprocess, "run", lambda *_, **__: None)
    (tmp_path / APP.name).mkdir()
    return Layout(APP)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(systemd_module, "run", machine.run)
    return machine


@pytest.fixture
def systemd(machine: Machine) -> Systemd:  # noqa: ARG001 - nothing is called but what it stands for
    return Systemd(Layout(APP))
