"""Where things lie."""

from __future__ import annotations

from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP

LAYOUT = Layout(APP)


def test_paths_and_units() -> None:
    assert LAYOUT.release("1-a") == "/srv/agents/releases/1-a"
    assert LAYOUT.state == "/var/lib/mas/agents/state.json"
    assert LAYOUT.record("blue") == "/etc/mas/agents/slots/blue.json"
    assert LAYOUT.environment("green") == "/etc/mas/agents/slots/green.env"
    assert LAYOUT.migration("blue") == "agents-migration@blue.service"
    assert LAYOUT.unit_file("x.service") == "/etc/systemd/system/x.service"
