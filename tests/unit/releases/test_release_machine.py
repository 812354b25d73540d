"""Any commands in any order, killed anywhere, on a host in memory: users and the way back are always safe."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.mas.ops.plugins.module_utils._core.errors import OpsError, Stopped
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import Split, plan_split
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, FakeHost, Killed, manifest, release
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

VERSIONS = st.sampled_from([f"{number}.0.0" for number in range(1, 8)])


class Stop(int):
    """How often a command may look whether it is to end before it is."""


#: How many changes a command may make before it is killed, or looks before it is stopped; most make fewer than 30.
KILLS = st.none() | st.integers(0, 30) | st.integers(0, 20).map(Stop)
#: Entries of the ledger that say nothing of what is live.
NEUTRAL = ("failed", "left")
SLOTS = ("blue", "green")


def other(slot: str) -> str:
    return "green" if slot == "blue" else "blue"


class Host(FakeHost):
    """Watches from the first release that is live until the last one is taken away on purpose."""

    serving = False
    #: The slot that was live when the journal was lost.
    forgotten: str | None = None

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        #: Of which release the units of each slot are that systemd has read.
        self.known: dict[str, str | None] = dict(self.written)

    def watch(self) -> None:
        if not self.serving:
            return
        served = {slot for slot in SLOTS if self.healthy(slot)}
        asked = {slot for slot in SLOTS if self.weights[slot] and self.layout.app.web}
        if not asked <= served:
            self.lost_requests.append(f"change {self.changes}: traffic at {asked}, healthy {served}")
        if not any("-worker@" in unit for unit in self.running):
            self.lost_requests.append(f"change {self.changes}: no worker works on the queue")

    @property
    def live(self) -> str | None:
        slot = self.live_slot
        return self.slots[slot] if slot else None

    @property
    def live_slot(self) -> str | None:
        return self.state().live if self.state_file else self.forgotten

    def reload(self, units: Sequence[str], changed: bool) -> None:
        super().reload(units, changed)
        self.known = dict(self.written)

    def start(self, units: Sequence[str]) -> None:
        """systemd starts what it has read, with the code that the slot points at: it must be one release."""
        on_disk = self.slots
        self.slots = {slot: held if held == self.known[slot] else None for slot, held in on_disk.items()}
        super().start(units)
        self.slots = on_disk

    def boot(self) -> None:
        """All services stop; those that are enabled come back, with what is on the disk."""
        self.known = dict(self.written)
        for unit in self.running:
            self.running[unit] = self.slots[unit.split("@")[1].split(".")[0]] or ""
        self.weights = dict(self.split)


class WorkerHost(Host):
    """A host of an application without a web process, hence without traffic and health."""

    def __init__(self) -> None:
        super().__init__(layout=Layout(replace(APP, web=False, proxy=None)))

    def fetch(self, release: str) -> None:
        full = manifest(release.split("-", maxsplit=1)[0])
        self.fetched[release] = replace(full, processes={"worker": full.processes["worker"]}, health=None)


class ExclusiveHost(Host):
    """A host of an application of which two copies must never run at once: what counts is that."""

    def __init__(self) -> None:
        super().__init__(layout=Layout(replace(APP, exclusive=True)))

    def watch(self) -> None:
        slots = {unit.split("@")[1] for unit in self.running}
        if len(slots) > 1:
            self.lost_requests.append(f"change {self.changes}: two copies run")


class Releases(RuleBasedStateMachine):
    """Commands, kills and accidents."""

    host_class: type[Host] = Host

    def __init__(self) -> None:
        super().__init__()
        self.host = self.host_class()
        #: Releases that once had all the traffic, by the ledger.
        self.proven: set[str] = set()
        #: The last command did not end, so the journal may be open anywhere.
        self.torn = False
        #: The module ``traffic`` split the traffic, and it was not given back yet.
        self.by_hand = False

    @initialize(broken=st.sets(VERSIONS, max_size=2), stuck=st.sets(VERSIONS, max_size=1))
    def artifacts(self, broken: set[str], stuck: set[str]) -> None:
        self.host.broken = broken
        self.host.migrations_fail = {release(version) for version in stuck}

    # commands

    @rule(version=VERSIONS, kill=KILLS)
    def deploy(self, version: str, kill: int | None) -> None:
        switch = self._check("live", version, assume_staged=True)
        if not self._run("staged", version, kill=kill):
            return
        # What check mode says before both phases is what the second phase does after the first.
        real = self._check("live", version)
        assert switch == real
        if self._run("live", version, kill=kill):
            assert self.host.live == release(version)
            assert self.host.state().operation is None

    @rule(version=VERSIONS, kill=KILLS)
    def stage(self, version: str, kill: int | None) -> None:
        before = self.host.live
        if self._run("staged", version, kill=kill):
            assert self.host.live == before
            assert release(version) in self.host.slots.values()

    @rule(kill=KILLS)
    def roll_back(self, kill: int | None) -> None:
        expected = self._previous()
        clean = not self.torn
        if self._run("rolled_back", kill=kill):
            assert self.host.live in self.proven
            assert not clean or self.host.live == expected

    @rule(to=VERSIONS, kill=KILLS)
    def roll_back_to(self, to: str, kill: int | None) -> None:
        if self._run("rolled_back", kill=kill, to_version=to):
            assert self.host.live == release(to)
            assert self.host.live in self.proven

    @rule(version=VERSIONS, kill=KILLS)
    def leave(self, version: str, kill: int | None) -> None:
        before, previous, clean = self.host.live, self._previous(), not self.torn
        if before == release(version) and previous is None:
            self.host.serving = False
        if self._run("rolled_back", kill=kill, from_version=version):
            assert self.host.live != release(version)
            if clean:
                assert self.host.live == (previous if before == release(version) else before)

    @rule(kill=KILLS)
    def restart(self, kill: int | None) -> None:
        before = self.host.live
        if self._run("restarted", kill=kill):
            assert self.host.live == before

    @precondition(lambda self: self.host.live and not self.torn and self.host.layout.app.web)
    @rule()
    def live_slot_hangs_or_dies(self) -> None:
        """Users see it; what is asked here is that the same deploy repairs it."""
        slot, version = self.host.live_slot or "", (self.host.live or "").split("-")[0]
        self.host.running.pop(f"agents-api@{slot}.service", None)
        self.host.serving, before = False, self.host.live
        if self._run("staged", version):
            assert self._run("live", version)
            assert self.host.live == before

    @rule(version=VERSIONS, kill=KILLS)
    def remove(self, version: str, kill: int | None) -> None:
        before = self.host.live
        if self._run("absent", version, kill=kill):
            assert release(version) not in self.host.releases
            assert self.host.live == before

    # accidents

    @precondition(lambda self: self.host.live and not self.torn)
    @rule(percent=st.integers(1, 99))
    def canary(self, percent: int) -> None:
        """What the module ``traffic`` does."""
        slot = self.host.live_slot or ""
        split = Split(**{slot: 100 - percent, other(slot): percent})
        with contextlib.suppress(OpsError):
            if plan_split(self.host.facts(), APP.name, split).changed:
                self.host.shift(split)
                self.by_hand = True

    @rule()
    def reboot(self) -> None:
        self.host.boot()

    @precondition(lambda self: self.host.live and not self.torn)
    @rule()
    def idle_slot_dies(self) -> None:
        slot = other(self.host.live_slot or "")
        if not self.host.weights[slot]:
            self.host.running.pop(f"agents-api@{slot}.service", None)

    @precondition(lambda self: not self.torn and self._top() == self.host.live)
    @rule()
    def journal_is_lost(self) -> None:
        """What the error about a damaged journal advises."""
        self.host.forgotten = self.host.live_slot
        self.host.state_file = None
        self.torn = True

    # what always holds

    @invariant()
    def no_request_waited_in_vain(self) -> None:
        assert self.host.lost_requests == []

    @invariant()
    def the_disk_does_not_fill(self) -> None:
        assert len(self.host.releases) <= APP.keep_releases + len(SLOTS) + 1

    # helpers

    def _check(self, state: str, version: str | None = None, **more: Any) -> Any:
        changes = self.host.changes
        try:
            plan, _ = self.host.do(state, version, check=True, **more)
            result: Any = (plan.describe(), plan.after)
        except OpsError as error:
            result = str(error)
        assert self.host.changes == changes
        return result

    def _run(self, state: str, version: str | None = None, kill: int | None = None, **more: Any) -> bool:
        """One command; whether it succeeded."""
        predicted = self._check(state, version, **more)
        before, torn = self.host.live, self.torn
        with self._killed(kill):
            try:
                plan, _ = self.host.do(state, version, **more)
            except Stopped:
                self.torn = True
                return False
            except OpsError:
                put_back = self.host.live == before and not (
                    state == "staged" and self.host.state().operation
                )
                assert torn or put_back
                return False
            finally:
                self._learn()
            assert (plan.describe(), plan.after) == predicted
            self._ended(state, plan.changed)
            return True
        return False

    def _ended(self, state: str, changed: bool) -> None:
        """A command that succeeded repairs what was torn, unless it had nothing to do with it."""
        if state in ("live", "restarted") or (state == "rolled_back" and changed):
            self.host.serving = self.host.live is not None
            self.by_hand = False
        self.torn = self.torn and (state == "absent" or not changed)
        if self.host.live is None and not self.torn:
            assert not any((*self.host.weights.values(), *self.host.split.values()))
        if self.host.serving and not self.torn:
            self._settled()

    @contextlib.contextmanager
    def _killed(self, after: int | None) -> Iterator[None]:
        if isinstance(after, Stop):
            self.host.stop_at = self.host.looks + after
        elif after is not None:
            self.host.die_at = self.host.changes + after
        try:
            yield
        except Killed:
            self.torn = True
        finally:
            self.host.die_at = self.host.stop_at = -1

    def _learn(self) -> None:
        self.proven |= {entry["to"] for entry in self.host.ledger if entry["action"] == "live"}

    def _top(self) -> str | None:
        """What the ledger says is live."""
        return next(
            (entry["to"] for entry in reversed(self.host.ledger) if entry["action"] not in NEUTRAL), None
        )

    def _previous(self) -> str | None:
        """The way back by the ledger, computed in another way than the code does."""
        stack: list[str] = []
        entries = [entry for entry in self.host.ledger if entry["action"] not in NEUTRAL]
        for action, to in ((entry["action"], entry["to"]) for entry in entries):
            above = stack[-1:] != [to] if action == "live" else to is not None and to not in stack
            if above:
                stack.append(to)
            # A restart says what is live; a deploy that died on the way may have said otherwise.
            while action in ("rolled_back", "restarted") and stack and stack[-1] != to:
                stack.pop()
        operation = self.host.state().operation
        if operation and operation.kind == "rollback" and stack[-1:] not in ([], [self.host.live]):
            return stack[-1]  # it died after the ledger
        if stack[-2:-1] == [self.host.live]:
            stack.pop()  # a deploy did
        return stack[-2] if len(stack) > 1 else None

    def _settled(self) -> None:
        """After a command that succeeded: traffic and workers are where the journal says."""
        slot = self.host.live_slot
        if slot is None:
            return
        idle = other(slot)
        if self.host.layout.app.web:
            assert self.by_hand or self.host.weights == self.host.split == {slot: 100, idle: 0}
            assert self.host.running[f"agents-api@{slot}.service"] == self.host.live
        assert self.host.running[f"agents-worker@{slot}.service"] == self.host.live
        assert f"agents-worker@{idle}.service" not in self.host.running


class WorkerReleases(Releases):
    """The same for an application that only has workers."""

    host_class = WorkerHost


class ExclusiveReleases(Releases):
    """The same for an application of which only one copy may run."""

    host_class = ExclusiveHost


SETTINGS = settings(
    max_examples=80,
    stateful_step_count=20,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestReleases = Releases.TestCase
TestReleases.settings = SETTINGS
TestWorkerReleases = WorkerReleases.TestCase
TestWorkerReleases.settings = SETTINGS
TestExclusiveReleases = ExclusiveReleases.TestCase
TestExclusiveReleases.settings = SETTINGS
