"""A fleet with a past: three months of two applications in three environments, as ledgers of its hosts."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.mas.ops.plugins.filter.windows import FilterModule
from ansible_collections.mas.ops.plugins.module_utils._ledger import chain

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
AT = "2026-11-24T23:59:59Z"
ATTACK = '<img src="https://evil.example/x.png" onerror="alert(1)"><script>alert(2)</script>'
HOSTS = {
    "production": ("web1", "web2", "web3", "web4"),
    "staging": ("stage1", "stage2"),
    "development": ("dev1",),
}
ACTORS = ("alice", "bob", "ci@runner", "chandra")
CHECKS = ("window", "freeze", "lock", "artifact", "promotion", "backup_age", "alerts", "disk")
UNHEALTHY = {
    "operation": "deploy",
    "step": "await_health",
    "error": "2.0.0 did not become healthy within its start-up budget of 30 s (unit active, 2 restarts)",
}
Entry = dict[str, Any]


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def chained(entries: list[Entry]) -> list[Entry]:
    """With the hashes of a ledger."""
    lines: list[bytes] = []
    for entry in entries:
        previous, sequence = chain.follow(lines[-1] if lines else None)
        lines.append(chain.encode(entry, previous, sequence))
    return [json.loads(line) for line in lines]


def release(environment: str, application: str, action: str, before: str | None, after: str | None) -> Entry:
    rollback = "ansible-playbook mas.ops.rollback"
    return {
        "kind": "release",
        "environment": environment,
        "application": application,
        "action": action,
        "from": before,
        "to": after,
        "rollback_command": f"{rollback} -e application_name={application} -e rollback_version={before.split('-')[0]}"
        if before
        else "",
        "seconds": {"fetch": 1.2, "unpack": 0.8, "await_health": 5.1, "shift": 0.2},
    }


def gate(lucky: random.Random, moment: datetime) -> Entry:
    found: Entry = {"at": moment.isoformat(), "decision": "go", "checks": dict.fromkeys(CHECKS, "pass")}
    if lucky.random() < 0.18:
        reason = lucky.choice(("backup host is being replaced, copy on tape", "storage migration tonight"))
        found["checks"]["backup_age"] = "fail"
        found["notes"] = {"backup_age": "the newest good backup is 3 days old, 1 day is allowed"}
        found["override"] = {
            "checks": ["backup_age"],
            "by": lucky.choice(ACTORS),
            "reason": reason,
            "until": (moment + timedelta(hours=12)).isoformat(),
            "granted": True,
            "used": ["backup_age"],
        }
    return found


def verdict(lucky: random.Random, good: bool) -> Entry:
    requests = lucky.randrange(1000, 2000)
    slow = 20 if good else 310
    numbers = {
        "canary": {"requests": requests, "errors": 1 if good else 47, "p50": 11, "p99": 80 + slow},
        "baseline": {"requests": requests * 9, "errors": 8, "p50": 11, "p99": 94},
    }
    return {
        "verdict": "pass" if good else "fail",
        "reasons": []
        if good
        else ["errors: Bayes factor 212, 50 is enough", "p99 is 3.4 times the baseline's"],
        "numbers": numbers,
        "steps": [],
    }


def written(environment: str, application: str, every: float, seed: int) -> Iterator[tuple[str, Entry]]:
    """What each host writes, host by host and change by change."""
    lucky = random.Random(seed)
    moment, version, live = NOW - timedelta(days=88), 0, None
    while True:
        moment += timedelta(days=every * lucky.uniform(0.5, 1.5), hours=lucky.uniform(-3, 3))
        if moment > NOW:
            return
        version += 1
        wanted = f"{1 + version // 10}.{version % 10}.0-{lucky.getrandbits(48):012x}"
        built = moment - timedelta(hours=lucky.uniform(1, 60))
        facts = {
            "run": f"awx-{seed}{version:03d}",
            "actor": lucky.choice(ACTORS),
            "gate": gate(lucky, moment),
            "commit": f"{lucky.getrandbits(80):020x}",
            "built": built.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        bad, never = lucky.random() < 0.13, lucky.random() < 0.07
        for index, host in enumerate(HOSTS[environment]):
            entry = {**facts, "time": text(moment + timedelta(seconds=7 * index))}
            if never:
                entry |= release(environment, application, "failed", live, wanted) | UNHEALTHY
            else:
                entry |= release(environment, application, "live", live, wanted)
            if environment == "production" and not never:
                entry["verdict"] = verdict(lucky, not bad)
            yield host, entry
        if bad and not never and live:
            minutes = lucky.uniform(3, 50)
            for index, host in enumerate(HOSTS[environment]):
                at = {"time": text(moment + timedelta(minutes=minutes, seconds=3 * index))}
                run = {"run": f"awx-{seed}{version:03d}-back", "actor": "alice"}
                yield host, {**release(environment, application, "rolled_back", wanted, live), **run, **at}
        elif not never:
            live = wanted


def drill(days: int, outcome: str, rto: float) -> Entry:
    return {
        "kind": "drill",
        "drill": "restore",
        "application": "agents",
        "environment": "production",
        "outcome": outcome,
        "rto_seconds": rto,
        "rpo_seconds": 42,
        "time": text(NOW - timedelta(days=days)),
        "actor": "timer",
        "engine": "pgbackrest",
    }


def extras() -> Iterator[tuple[str, Entry]]:
    yield "web1", drill(66, "pass", 204.0)
    yield "web1", drill(33, "fail", 910.0)
    yield "web1", drill(5, "pass", 187.5)
    yield (
        "web2",
        {"kind": "ledger", "action": "repaired", "bytes": 117, "time": text(NOW - timedelta(days=20))},
    )
    yield (
        "web3",
        {
            "kind": "event",
            "action": "kernel updated",
            "actor": "bob",
            "time": text(NOW - timedelta(days=9)),
            "note": ATTACK,
        },
    )
    override = {"checks": ["alerts"], "by": "bob", "reason": ATTACK, "until": text(NOW + timedelta(hours=20))}
    last = release("production", "agents", "live", "1.9.0-000000000000", "9.0.0-0123456789ab")
    for index, host in enumerate(HOSTS["production"][:3]):
        moment = NOW - timedelta(hours=2, seconds=-5 * index)
        run = {"run": "awx-999", "actor": "bob", "built": "2026-11-24T09:12:00Z", "commit": "4f0c2ab"}
        yield (
            host,
            {
                **last,
                **run,
                "time": text(moment),
                "gate": {"checks": {"alerts": "fail"}, "override": override},
            },
        )


def ledgers() -> dict[str, Any]:
    """What ``ledger_info`` returned by host; one was not reached, and the chain of one is broken."""
    found: dict[str, list[Entry]] = {host: [] for hosts in HOSTS.values() for host in hosts}
    for environment, application, every, seed in (
        ("production", "agents", 6, 1),
        ("production", "billing", 9, 2),
        ("staging", "agents", 4, 3),
        ("development", "agents", 2, 4),
    ):
        for host, entry in written(environment, application, every, seed):
            found[host].append(entry)
    for host, entry in extras():
        found[host].append(entry)
    known = {
        host: ledger(sorted(entries, key=lambda entry: entry["time"])) for host, entries in found.items()
    }
    known["web5"] = {
        "unreachable": True,
        "msg": "Failed to connect to the host via ssh: connection timed out",
    }
    return known


def ledger(entries: list[Entry], broken: Entry | None = None) -> dict[str, Any]:
    written = chained(entries)
    head = written[-1]["hash"] if written else None
    facts = {"intact": broken is None, "entries": len(written), "head": head, "break": broken}
    return {"entries": written, "chain": facts}


POLICY = {
    "change_windows": [
        {
            "name": "nights",
            "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH",
            "start": "22:00",
            "end": "04:00",
            "environments": ["production"],
            "owner": "operations",
        }
    ],
    "change_freezes": [
        {
            "name": "black friday",
            "start": "2026-11-27 00:00",
            "end": "2026-12-01 00:00",
            "environments": ["production"],
            "reason": "the busiest days of the year",
            "owner": "sales",
        }
    ],
}


def _asked(name: str, at: str) -> dict[str, Any]:
    ask = FilterModule().filters()[name]
    return {
        host: ask({**POLICY, "inventory_hostname": host, "mas_environment": environment}, at=at)
        for environment, hosts in HOSTS.items()
        for host in hosts
    }


def window_states() -> dict[str, Any]:
    """What the inventory's windows say at three in the afternoon."""
    return _asked("window_state", NOW.isoformat())


def window_calendars() -> dict[str, Any]:
    return _asked("window_calendar", "2026-11-24T00:00:00Z")
