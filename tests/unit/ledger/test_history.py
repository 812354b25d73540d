"""Which releases a host went through: the fold against a model that knows less."""

from __future__ import annotations

from typing import Any

from ansible_collections.mas.ops.plugins.module_utils._ledger.history import (
    Ended,
    History,
    fold,
    parse_history,
    unconfirmed,
    version_of,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

RELEASES = st.sampled_from([f"{number}.0.0-{letter * 12}" for number in "123" for letter in "ab"])


class Histories(RuleBasedStateMachine):
    """``stack`` is what a careful operator would write on paper."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[dict[str, Any]] = []
        self.stack: list[str] = []

    def _write(self, action: str, to: str | None, times: int) -> None:
        """More than once is what a crash between ledger and journal leaves."""
        entry = {"kind": "release", "application": "agents", "action": action, "to": to}
        self.entries += [dict(entry) for _ in range(times)]

    @rule(release=RELEASES, times=st.integers(1, 3))
    def deploy(self, release: str, times: int) -> None:
        self._write("live", release, times)
        if self.stack[-1:] != [release]:
            self.stack.append(release)

    @precondition(lambda self: len(self.stack) > 1)
    @rule(times=st.integers(1, 3))
    def roll_back(self, times: int) -> None:
        """One step, to what the fold itself says: twice is two steps, a repeated entry is none."""
        previous = fold(self.entries, "agents").previous
        assert previous == self.stack[-2]
        self._write("rolled_back", previous, times)
        self.stack.pop()

    @precondition(lambda self: len(self.stack) > 1)
    @rule(data=st.data(), times=st.integers(1, 2))
    def roll_back_to_a_version(self, data: st.DataObject, times: int) -> None:
        version = version_of(data.draw(st.sampled_from(self.stack[:-1])))
        found = fold(self.entries, "agents").find(version)
        at = max(index for index, item in enumerate(self.stack[:-1]) if version_of(item) == version)
        assert found == self.stack[at]
        self._write("rolled_back", found, times)
        # The newest of that very release stays on top, also where it is what was live.
        top = max(index for index, item in enumerate(self.stack) if item == found)
        del self.stack[top + 1 :]

    @rule()
    def leave_everything(self) -> None:
        self._write("rolled_back", None, 1)
        self.stack.clear()

    @rule(release=RELEASES, action=st.sampled_from(["failed", "staged", "checked"]))
    def fail(self, release: str, action: str) -> None:
        self._write(action, release, 1)

    @rule(release=RELEASES)
    def something_else(self, release: str) -> None:
        other = {"kind": "release", "application": "other", "action": "live", "to": release}
        self.entries += [other, {"kind": "ledger", "action": "repaired"}, {"kind": "drill", "to": release}]

    @invariant()
    def the_fold_says_the_same(self) -> None:
        history = fold(self.entries, "agents")
        assert list(history.stack) == self.stack
        assert history.live == (self.stack[-1] if self.stack else None)
        assert history.find("9.9.9") is None
        recent = history.recent(2)
        assert len(set(recent)) == len(recent) == min(2, len(set(self.stack)))
        assert recent[:1] == tuple(self.stack[-1:])


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


def test_a_rollback_to_what_the_ledger_never_saw_counts_as_going_live() -> None:
    """The start of the ledger may have been lost; what is live is still known."""
    assert History(("2.0.0-a",)).with_rollback("1.0.0-b").live == "1.0.0-b"


def test_a_restart_says_what_is_live() -> None:
    """A deploy that died between ledger and journal was never live for good, and is nothing to go back to later."""
    said = [("live", "1.0.0-a"), ("live", "2.0.0-b"), ("restarted", "1.0.0-a"), ("live", "3.0.0-c")]
    entries = [
        {"kind": "release", "application": "agents", "action": action, "to": to} for action, to in said
    ]
    assert fold(entries[:3], "agents").live == "1.0.0-a"
    assert fold(entries, "agents").previous == "1.0.0-a"


def test_no_rollback_goes_to_what_was_before_the_application_was_decommissioned() -> None:
    said = [
        ("live", "1.0.0-a"),
        ("live", "2.0.0-b"),
        ("decommissioned", None),
        ("live", "2.0.0-b"),
        ("live", "3.0.0-c"),
    ]
    entries = [
        {
            "kind": "release",
            "application": "agents",
            "action": action,
            "to": to,
            "run": "run-1",
            "from": "2.0.0-b",
            "time": f"2026-01-0{day}T00:00:00.000Z",
        }
        for day, (action, to) in enumerate(said, start=1)
    ]
    ended = fold(entries[:3], "agents")
    assert (ended.stack, ended.live, ended.previous, ended.served("1.0.0")) == ((), None, None, None)
    assert ended.ended == Ended("2026-01-03T00:00:00.000Z", "run-1", "2.0.0-b")
    assert ended.moments[-1] == ("2026-01-03T00:00:00.000Z", None)
    assert parse_history(ended.to_dict()) == ended
    assert unconfirmed(entries[:3], "agents") is None
    again = fold(entries, "agents")
    assert (again.stack, again.find("1.0.0"), again.served("1.0.0")) == (("2.0.0-b", "3.0.0-c"), None, None)
    assert again.served("2.0.0") == "2.0.0-b"
    assert again.with_rollback(None).ended == ended.ended


def test_a_version_may_hold_dashes() -> None:
    assert version_of("1.0.0-rc-1-0123456789ab") == "1.0.0-rc-1"
