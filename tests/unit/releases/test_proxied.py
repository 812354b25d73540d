"""What a proxy that is configured anew gets to know of the slots: users keep what they have, whatever was lost."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import TrafficError
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import proxied
from ansible_collections.mas.ops.plugins.module_utils._releases.state import State
from ansible_collections.mas.ops.tests.unit.releases.samples import APP

HELD = {"blue": "1.0.0-a", "green": "2.0.0-b"}
LIVE = {"kind": "release", "application": APP.name, "action": "live", "to": "2.0.0-b"}


@pytest.mark.parametrize(
    "journal, running, ledger, live",
    [
        ("blue", {"blue": 0, "green": 100}, [LIVE], "blue"),
        (None, {"blue": 0, "green": 100}, [], "green"),
        (None, {"blue": 0, "green": 0}, [LIVE], "green"),
        (None, None, [LIVE], "green"),
        (None, {"blue": 0, "green": 0}, [], None),
        (None, None, [], None),
    ],
    ids=["journal", "both lost", "split lost", "proxy away", "nothing is live", "nothing is known"],
)
def test_the_slot_that_users_have(
    monkeypatch: pytest.MonkeyPatch,
    journal: str | None,
    running: Mapping[str, int] | None,
    ledger: list[dict[str, Any]],
    live: str | None,
) -> None:
    class Proxy:
        def facts(self) -> Any:
            if running is None:
                raise TrafficError("the proxy does not answer")
            return SimpleNamespace(running=running)

    monkeypatch.setattr(proxied, "proxy_of", lambda _: Proxy())
    monkeypatch.setattr(proxied, "host_ledger", lambda: SimpleNamespace(entries=lambda: ledger))
    folders: Any = SimpleNamespace(state=lambda: State(journal), held=HELD.get)
    assert proxied._live(APP, folders) == live
