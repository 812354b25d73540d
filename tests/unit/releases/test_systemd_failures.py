"""A start that failed says its cause, of the unit that it is about."""

from __future__ import annotations

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import ServiceError
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import systemd as own_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.systemd import Systemd
from ansible_collections.mas.ops.tests.unit.releases.fake_systemctl import Machine, block


def test_a_unit_that_does_not_start(systemd: Systemd, machine: Machine) -> None:
    machine.answers["enable"] = (1, "", "Unit x has a bad unit file setting.\n")
    with pytest.raises(ServiceError, match="it did not start \\(Unit x has a bad") as caught:
        systemd.start(["x.service"])
    assert caught.value.where == "x.service"
    assert "journalctl -u x.service" in caught.value.fix


def test_links_that_were_made_without_a_reload_are_no_cause(systemd: Systemd, machine: Machine) -> None:
    """systemd 254 and newer says it of every unit then, and it is meant."""
    note = (
        "Warning: The unit file, source configuration file or drop-ins of a.service changed on disk. "
        "Run 'systemctl daemon-reload' to reload units.\n"
    )
    machine.answers["enable"] = (1, "", note)
    with pytest.raises(ServiceError, match=r"it did not start \(exit status 1\)"):
        systemd.start(["a"])
    machine.answers["enable"] = (1, "", f"{note}Job for a.service failed.\n")
    with pytest.raises(ServiceError, match=r"it did not start \(Job for a\.service failed\.\)"):
        systemd.start(["a"])


def test_missing_rights_are_called_that(systemd: Systemd, machine: Machine) -> None:
    machine.answers["disable"] = (1, "", "Failed to disable unit: Interactive authentication required.")
    with pytest.raises(ServiceError, match=r"only root may do this: systemctl disable .*Set become: true\."):
        systemd.stop(["a.service"])


def test_a_unit_that_does_not_start_is_reported_with_its_last_words(
    systemd: Systemd, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.answers["enable"] = (1, "", "Job for a.service failed.")
    monkeypatch.setattr(
        own_module, "last_words", lambda unit, _files: f"{unit}: Failed to locate executable gunicorn"
    )
    with pytest.raises(
        ServiceError, match=r"ends with:\n  \| a\.service: Failed to locate executable gunicorn"
    ):
        systemd.start(["a.service"])


def test_only_the_unit_that_did_not_start_is_shown(
    systemd: Systemd, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket of a web process listens although the process does not run, and comes last."""
    machine.answers["enable"] = (1, "", "")
    states = [block(Id=unit, ActiveState=state) for unit, state in [("a", "activating"), ("b", "active")]]
    machine.answers["show"] = (0, "\n".join(states), "")
    monkeypatch.setattr(own_module, "last_words", lambda unit, _files: f"the words of {unit}")
    with pytest.raises(ServiceError) as caught:
        systemd.start(["a.service", "a.socket"])
    assert str(caught.value).splitlines() == [
        "it did not start (exit status 1) (a.service). See `journalctl -u a.service -n 50`, which ends with:",
        "  | the words of a.service",
    ]


def test_a_failure_of_no_unit_names_none(systemd: Systemd, machine: Machine) -> None:
    machine.answers["daemon-reload"] = (1, "", "Failed to reload daemon: Connection timed out")
    with pytest.raises(ServiceError, match=r"daemon-reload failed: Failed to reload .*journalctl -b -n 50"):
        systemd.reload(["a.service"], changed=True)
