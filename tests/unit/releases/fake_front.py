"""The proxy of a host in memory."""

# ruff: noqa: ARG002  (it has the ports of a real one, and less use for their arguments)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mas.ops.plugins.module_utils._core.errors import TrafficError
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import ProxyServer, Split, TrafficFacts


@dataclass
class FakeFront:
    """What a proxy holds. The host that it is part of counts the changes, and says whether a slot is well."""

    proxy_blind: bool = False
    weights: dict[str, int] = field(default_factory=lambda: {"blue": 0, "green": 0})
    split: dict[str, int] = field(default_factory=lambda: {"blue": 0, "green": 0})
    #: Slots that the proxy has not seen up since it was set down, and how each slot is checked.
    proxy_down: set[str] = field(default_factory=set)
    checks: dict[str, Any] = field(default_factory=dict)
    #: Slots that are out of service at the proxy now, and from its next start on; why it would not start.
    aside: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    proxy_unsound: str = ""
    #: A file that releases write is damaged.
    proxy_damaged: bool = False
    stands_in: str | None = None

    def touch(self) -> None:
        """A change is about to happen."""
        raise NotImplementedError

    def watch(self) -> None:
        """A change happened."""
        raise NotImplementedError

    def healthy(self, slot: str) -> bool:
        """Whether the slot answers well."""
        raise NotImplementedError

    def facts(self) -> TrafficFacts:
        servers = {
            slot: ProxyServer(
                weight,
                self.healthy(slot) and slot not in self.aside,
                0,
                0,
                0,
                0,
                "MAINT" if slot in self.aside else "UP",
            )
            for slot, weight in self.weights.items()
        }
        return TrafficFacts(Split(**self.split), servers, aside=frozenset(self.left_out))

    def shift(self, split: Split) -> None:
        self.touch()
        self.split = split.to_dict()
        self.touch()
        self.weights = split.to_dict()
        self.watch()

    def wait_up(self, slot: str, seconds: float) -> None:
        if self.proxy_blind or not self.healthy(slot) or slot in self.aside:
            raise TrafficError(f"the proxy sees {slot} down")
        self.proxy_down.discard(slot)

    def set_backup(self, slot: str | None) -> None:
        self.stands_in = slot

    def set_down(self, slot: str) -> None:
        self.aside.discard(slot)
        self.proxy_down.add(slot)

    def keep_in(self, slot: str) -> None:
        self.left_out.discard(slot)

    def rewrite(self) -> None:
        self.proxy_damaged = False

    def whole(self) -> bool:
        return not self.proxy_damaged

    def unsound(self) -> str:
        return self.proxy_unsound

    def check_with(self, slot: str, check: Any, ports: Mapping[str, int], other: Any = None) -> None:
        if self.checks.get(slot) != check:
            self.touch()
        self.checks[slot] = check

    def drain(self, slot: str, seconds: float) -> int:
        return 0
