"""What a running bed looks like on disk: pure renderings of its hosts, no podman and no clock."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

RUN = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
SUITES = ("bookworm", "trixie")
FIRST_ADDRESS = 10  # .1 is the bridge and the name server; the rest below is for whatever a test adds


@dataclass(frozen=True)
class Host:
    """One container that plays a host."""

    name: str
    container: str
    suite: str
    group: str
    environment: str = ""
    address: str = ""
    port: int = 22
    published: Mapping[str, int] = field(default_factory=dict)  # rootless only: port inside -> on loopback
    keys: tuple[str, ...] = ()

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Host:
        return cls(**{**data, "keys": tuple(data["keys"])})

    def endpoint(self, port: int) -> str:
        """`address:port` at which the controller reaches a port of this host."""
        if not self.published:
            return f"{self.address}:{port}"
        if str(port) not in self.published:
            raise KeyError(f"{self.name}: port {port} is not published; bring it up with --port {port}")
        return f"{self.address}:{self.published[str(port)]}"


def plan_hosts(
    run: str, count: int, *, prefix: str, suite: str, group: str, environment: str, existing: Iterable[Host]
) -> list[Host]:
    """Name `count` more hosts; numbers go on from those of the run that have the same prefix."""
    taken = [int(match[1]) for h in existing if (match := re.fullmatch(rf"{re.escape(prefix)}(\d+)", h.name))]
    first = max(taken, default=0) + 1
    return [
        Host(
            name=f"{prefix}{number}",
            container=f"{run}-{prefix}{number}",
            suite=SUITES[(number - 1) % 2] if suite == "mixed" else suite,
            group=group,
            environment=environment,
        )
        for number in range(first, first + count)
    ]


def free_addresses(subnet: str, count: int, existing: Iterable[Host]) -> list[str]:
    """Fixed addresses, so that a host that is killed and started again is where the inventory says."""
    taken = {host.address for host in existing}
    network = IPv4Network(subnet)
    free = [str(a) for a in list(network.hosts())[FIRST_ADDRESS - 1 :] if str(a) not in taken]
    if len(free) < count:
        raise ValueError(f"{subnet} has no room for {count} more hosts")
    return free[:count]


def mac_address(container: str) -> str:
    """The one that a host keeps over its reboots, as a card of its own would.

    With a new one at each start, the machine around it goes on sending to the old one for half a minute.
    """
    digits = hashlib.sha256(container.encode()).hexdigest()[:10]
    # Locally administered, unicast.
    return ":".join(["02", *(digits[at : at + 2] for at in range(0, 10, 2))])


def inventory(hosts: Iterable[Host], state: Path, control: Path) -> str:
    """The Ansible inventory: groups, below an environment's group when the hosts have one."""
    children: dict[str, Any] = {}
    for host in hosts:
        parent = children
        if host.environment:
            parent = children.setdefault(host.environment, {"children": {}})["children"]
        entry: dict[str, Any] = {"ansible_host": host.address}
        if host.port != 22:
            entry["ansible_port"] = host.port
        parent.setdefault(host.group, {"hosts": {}})["hosts"][host.name] = entry
    options = {"ControlMaster": "auto", "ControlPersist": "60s", "ControlPath": f"{control}/%h-%p"}
    common = ["-F", str(state / "ssh_config")]
    common += [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    settings = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(state / "id_ed25519"),
        "ansible_ssh_common_args": shlex.join(common),
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    return "---\n" + to_yaml({"all": {"vars": settings, "children": children}})


def to_yaml(value: Mapping[str, Any], indent: int = 0) -> str:
    """Nested mappings of plain values as YAML. A quoted JSON string is a YAML string."""
    lines = []
    for key, item in value.items():
        start = f"{'  ' * indent}{key}:"
        if isinstance(item, Mapping) and item:
            lines.append(f"{start}\n{to_yaml(item, indent + 1)}")
        else:
            lines.append(f"{start} {json.dumps(item)}\n")
    return "".join(lines)


def ssh_config(hosts: Iterable[Host], state: Path, control: Path) -> str:
    """For `ssh -F`: every host by its name, and what all of them have in common."""
    blocks = [f"Host {h.name}\n  HostName {h.address}\n  Port {h.port}\n" for h in hosts]
    blocks.append(
        "Host *\n"
        "  User root\n"
        f'  IdentityFile "{state}/id_ed25519"\n'
        "  IdentitiesOnly yes\n"
        f'  UserKnownHostsFile "{state}/known_hosts"\n'
        "  StrictHostKeyChecking yes\n"
        "  ConnectTimeout 10\n"
        "  ServerAliveInterval 5\n"
        "  ServerAliveCountMax 3\n"
        "  ControlMaster auto\n"
        "  ControlPersist 60s\n"
        f'  ControlPath "{control}/%h-%p"\n'
    )
    return "\n".join(blocks)


def known_hosts(hosts: Iterable[Host]) -> str:
    lines = []
    for host in hosts:
        place = host.address if host.port == 22 else f"[{host.address}]:{host.port}"
        lines += [f"{place} {' '.join(key.split()[:2])}\n" for key in host.keys]
    return "".join(lines)


def dump_hosts(hosts: Iterable[Host]) -> str:
    return json.dumps([asdict(host) for host in hosts], indent=2) + "\n"


def load_hosts(text: str) -> list[Host]:
    return [Host.load(entry) for entry in json.loads(text)]
