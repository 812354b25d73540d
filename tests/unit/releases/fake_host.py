"""One host in memory, with the ports of a release, that can die before any step that changes it."""

# ruff: noqa: ARG002  (a host in memory has the ports of a real one, and less use for their arguments)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    HealthError,
    MigrationError,
    NotFound,
    Preempted,
    Stopped,
    StorageError,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.auto_rollback import Armed, parse_armed
from ansible_collections.mas.ops.plugins.module_utils._releases.damage import Damage
from ansible_collections.mas.ops.plugins.module_utils._releases.health import (
    Endpoint,
    HealthCheck,
    HttpAnswer,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.lease import Lease, Moment, parse_lease
from ansible_collections.mas.ops.plugins.module_utils._releases.manage import ReleaseRequest, change
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import Manifest
from ansible_collections.mas.ops.plugins.module_utils._releases.neighbours import Footprint
from ansible_collections.mas.ops.plugins.module_utils._releases.ports import Limits, Ports
from ansible_collections.mas.ops.plugins.module_utils._releases.slot import Slot, assigned
from ansible_collections.mas.ops.plugins.module_utils._releases.sockets import Ownership
from ansible_collections.mas.ops.plugins.module_utils._releases.state import State, parse_state
from ansible_collections.mas.ops.tests.unit.releases.fake_front import FakeFront
from ansible_collections.mas.ops.tests.unit.releases.samples import APP, manifest, release

#: When the clock of every host in memory begins.
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Killed(BaseException):
    """kill -9: nothing of the program runs after it, not even its error handling."""


@dataclass
class FakeHost(FakeFront):
    """Disk, systemd, proxy and ledger of one host.

    ``die_at`` counts changes: the process is killed just before that one. ``broken`` versions never
    get healthy. All that is kept in attributes survives a kill, as disk and services do.
    """

    broken: set[str] = field(default_factory=set)
    migrations_fail: set[str] = field(default_factory=set)
    disk_full: bool = False
    die_at: int = -1
    #: Looks whether the run is to end, counted as changes are; ``stopped_by`` is raised at that one.
    stop_at: int = -1
    looks: int = 0
    stopped_by: type[Stopped] = Preempted
    #: What the environment file sets.
    set_variables: frozenset[str] = frozenset({"AGENTS_TOKEN"})
    installed: frozenset[str] = frozenset({"python3"})
    heartbeat: Callable[[], None] | None = None
    #: How long each stop could take.
    graces: list[float] = field(default_factory=list)
    state_file: Any = None
    lease_file: Any = None
    armed_file: Any = None
    boot_id: str = "boot-1"
    releases: dict[str, Manifest] = field(default_factory=dict)
    fetched: dict[str, Manifest] = field(default_factory=dict)
    slots: dict[str, str | None] = field(default_factory=lambda: {"blue": None, "green": None})
    #: Of which release the units of each slot are that are on the disk.
    written: dict[str, str | None] = field(default_factory=lambda: {"blue": None, "green": None})
    records: dict[str, Slot] = field(default_factory=dict)
    running: dict[str, str] = field(default_factory=dict)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    migrated: list[str] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    #: Who else listens on a port, in words.
    strangers: dict[int, str] = field(default_factory=dict)
    #: What the front door answers; ``None`` for what the slot with the traffic does.
    front_status: int | None = None
    #: Who answers there, where it is not the slot with the traffic.
    answers_front: str = ""
    #: Settings that changed since a slot was assigned, by slot.
    changed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: The manifest that the controller says an artifact has, in check mode.
    promised_manifest: Manifest | None = None
    #: Units that stand still, or would not run after a boot.
    standing: set[str] = field(default_factory=set)
    #: Slots in which a one-off command runs.
    one_offs: set[str] = field(default_factory=set)
    damaged: list[Damage] = field(default_factory=list)
    now: float = 0.0
    changes: int = 0
    lost_requests: list[str] = field(default_factory=list)
    layout: Layout = field(default_factory=lambda: Layout(APP))

    def do(self, state: str, version: str | None = None, check: bool = False, **more: Any) -> Any:
        """One module call."""
        wanted = release(version) if version else None
        limits = replace(Limits(), lease=more.pop("lease", Limits().lease))
        run, actor = more.pop("run", "run-1"), more.pop("actor", "tester")
        request = ReleaseRequest(state, release=wanted, run=run, actor=actor, **more)
        ports = Ports(self, self, self, self, self, self, self, self)  # type: ignore[arg-type]
        self.heartbeat = None
        return change(ports, self.layout, limits, request, check)

    def deploy(self, version: str) -> Any:
        self.do("staged", version)
        return self.do("live", version)

    def touch(self) -> None:
        """A change is about to happen; the users watch."""
        if self.changes == self.die_at:
            raise Killed
        self.changes += 1

    def watch(self) -> None:
        """After each change: would a request have failed?"""
        live = [slot for slot, weight in self.weights.items() if weight]
        served = [slot for slot in live if self.healthy(slot)]
        if any(entry["action"] == "live" for entry in self.ledger) and live != served:
            self.lost_requests.append(f"change {self.changes}: traffic at {live}, healthy {served}")

    # systemd

    def show(self, units: Sequence[str]) -> Mapping[str, Any]:
        def facts(unit: str) -> SimpleNamespace:
            up = unit in self.running
            return SimpleNamespace(
                up=up,
                stopped=not up,
                active="active" if up else "inactive",
                hopeless=False,
                restarts=0,
                since=self.now,
            )

        return {unit: facts(unit) for unit in units}

    def look(self, units: Sequence[str]) -> Mapping[str, Any]:
        return self.show(units)

    recall = look

    def forget_seen(self) -> None:
        pass

    def start(self, units: Sequence[str]) -> None:
        self.touch()
        for unit in units:
            slot = unit.split("@")[1].split(".")[0]
            self.running.setdefault(unit, self.slots[slot] or "")
        self.watch()

    def stop(self, units: Sequence[str], seconds: float = 3700.0) -> None:
        self.graces.append(seconds)
        self.touch()
        for unit in units:
            self.running.pop(unit, None)
        self.watch()

    def asleep(self, units: Sequence[str]) -> Sequence[str]:
        return [unit for unit in units if unit in self.standing]

    neglected = asleep

    def revive(self, units: Sequence[str]) -> None:
        self.touch()
        self.standing -= set(units)

    def reload(self, units: Sequence[str], changed: bool) -> None:
        self.touch()

    def run_once(self, unit: str, seconds: int) -> None:
        self.touch()
        release = self.slots[unit.split("@")[1].split(".", maxsplit=1)[0]] or ""
        if release in self.migrations_fail:
            raise MigrationError("the migration failed")
        self.migrated.append(release)

    def end_once(self, unit: str, seconds: float) -> bool:
        self.graces.append(seconds)
        self.touch()
        return True

    # files

    def state(self) -> State:
        return parse_state(self.state_file)

    def write_state(self, state: State) -> None:
        if self.disk_full:
            raise StorageError("cannot write: No space left on device")
        self.touch()
        self.state_file = state.to_dict()

    def on_disk(self) -> frozenset[str]:
        return frozenset(self.releases)

    def held(self, slot: str) -> str | None:
        return self.slots[slot] if self.slots[slot] in self.releases else None

    def record(self, slot: str) -> Slot | None:
        return self.records.get(slot)

    def pending(self, slot: str) -> Sequence[str]:
        return self.changed.get(slot, ())

    def neighbours(self) -> Sequence[Footprint]:
        return ()

    def write_migration(self, slot: str, command: Sequence[str], seconds: int) -> str:
        return self.layout.migration(slot)

    def forget_migration(self, slot: str) -> None:
        pass

    def one_off(self, slot: str) -> str | None:
        return self.layout.one_off(slot) if slot in self.one_offs else None

    def forget_one_off(self, slot: str) -> None:
        self.one_offs.discard(slot)

    def manifest(self, release: str) -> Manifest:
        return self.releases[release] if release in self.releases else self.fetched[release]

    def variables(self) -> frozenset[str]:
        return self.set_variables

    def missing(self, names: Sequence[str]) -> Sequence[str]:
        return [name for name in names if name not in self.installed]

    def unpack(self, release: str) -> None:
        self.touch()
        self.releases[release] = self.fetched.pop(release)

    def remove(self, release: str) -> None:
        self.touch()
        self.releases.pop(release, None)

    def assign(self, slot: str, release: str, read: Callable[[bool], None]) -> None:
        """Empty for a moment, so that units and link never speak of different releases."""
        self.touch()
        self.slots[slot] = None
        self.touch()
        self.records[slot] = assigned(self.layout.app, slot, release, self.manifest(release))
        self.written[slot] = release
        read(True)
        self.touch()
        self.slots[slot] = release

    def unassign(self, slot: str) -> bool:
        self.touch()
        self.slots[slot] = self.written[slot] = None
        self.records.pop(slot, None)
        return True

    # source

    def fetch(self, release: str) -> None:
        if release.startswith("9"):
            raise NotFound("there is no such artifact")
        self.fetched[release] = manifest(release.split("-", maxsplit=1)[0])

    def promised(self, release: str, freed: int) -> Manifest | None:
        return self.promised_manifest

    def try_assign(self, slot: str, release: str, manifest: Manifest) -> None:
        assigned(self.layout.app, slot, release, manifest)

    def forget(self, release: str) -> None:
        self.fetched.pop(release, None)

    # ledger

    def entries(self) -> list[dict[str, Any]]:
        return self.ledger

    def append(self, entry: Mapping[str, Any], time: str) -> None:
        self.touch()
        self.ledger.append({**entry, "time": time})

    # lock and automatic rollback

    def lease(self) -> Lease:
        return parse_lease(self.lease_file)

    def write_lease(self, lease: Lease) -> None:
        self.lease_file = lease.to_dict()

    def armed(self) -> Armed | None:
        return parse_armed(self.armed_file)

    def write_armed(self, armed: Armed) -> None:
        if not self.armed():
            self.touch()
        self.armed_file = armed.to_dict()

    def forget_armed(self) -> None:
        self.touch()
        self.armed_file = None

    def damage(self) -> tuple[Damage, ...]:
        return tuple(self.damaged)

    def mend(self, state: State, armed: Armed | None) -> None:
        self.damaged.clear()
        self.state_file = state.to_dict()
        self.armed_file = armed.to_dict() if armed else None

    def mended(self) -> list[str]:
        return []

    def wake(self, seconds: float) -> None:
        self.touch()

    # clock

    def moment(self) -> Moment:
        return Moment(self.text(), BEGIN.timestamp() + self.now, self.boot_id, self.now)

    def text(self) -> str:
        return f"{BEGIN:%Y-%m-%dT%H:%M:%S}.000Z"

    def seconds(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.check()
        self.now += seconds
        if self.heartbeat:
            self.heartbeat()

    def check(self) -> None:
        self.looks += 1
        if self.looks - 1 == self.stop_at:
            raise self.stopped_by("this run was ended")

    def meanwhile(self, call: Callable[[], None] | None) -> None:
        self.heartbeat = call

    def go_on_alone(self) -> None:
        if self.stopped_by is not Preempted:
            self.stop_at = -1

    # the network

    def ask(self, endpoint: Endpoint, check: HealthCheck) -> HttpAnswer:
        if endpoint.port in APP.ports.values():
            slot = "blue" if endpoint.port == APP.ports["blue"] else "green"
        else:
            slot = max(self.weights, key=lambda name: self.weights[name])
            if self.front_status:
                return HttpAnswer(self.front_status)
        server = self.answers_front or f"agents/{slot}"
        return (
            HttpAnswer(check.expected, server=server) if self.healthy(slot) else HttpAnswer(503, body="Busy")
        )

    def ownership(self, port: int, unit: str, by_systemd: bool = False) -> Ownership:
        return Ownership(unit in self.running, self.strangers.get(port, ""))

    def last_words(self, unit: str) -> str:
        return ""

    def secrets(self, slot: str) -> frozenset[str]:
        return frozenset()

    def healthy(self, slot: str) -> bool:
        running = self.running.get(f"agents-api@{slot}.service")
        return bool(running) and running.split("-")[0] not in self.broken

    def port_taken(self, port: int) -> bool:
        return port in self.taken


def live(host: FakeHost) -> str | None:
    """The release that is live by intent."""
    slot = host.state().live
    return host.slots[slot] if slot else None


__all__ = ["APP", "FakeHost", "HealthError", "Killed", "live", "manifest", "release"]
