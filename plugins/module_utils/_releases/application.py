# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role ``application`` wrote about one application of a host: ``application.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._core.errors import BadInput
from .._traffic.split import SLOTS
from .._traffic.values import host as host_name
from .._traffic.values import status, url_path
from . import unit_file
from .health import Endpoint, HealthCheck
from .instances import parse_selection

SCHEMA = 1
CONFIG = "/etc/mas/{name}/application.json"
#: What the role ``proxy`` configured for an application.
SITE = "/etc/haproxy/mas/{name}.json"
#: Where this host reaches what listens on all of its addresses.
_REACHED = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is connected to

#: Accounts that are root, or as good as root.
_PRIVILEGED = frozenset({"root", "disk", "shadow", "sudo", "kmem"})
#: Folders in which everything belongs to the system, and folders that do.
_BELOW = tuple(
    f"/{name}/"
    for name in ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "usr")
)
_SYSTEM = frozenset(
    {
        *(folder.rstrip("/") for folder in _BELOW),
        *("/home", "/media", "/mnt", "/opt", "/srv", "/var", "/var/lib", "/var/lib/mas", "/var/log"),
    }
)


@dataclass(frozen=True)
class FrontAnswer:
    """What a request through the front door is, and is answered with, where it is not what the slot itself answers."""

    path: str | None = None
    expected: int | None = None


@dataclass(frozen=True)
class Front:
    """Where users reach an application on this host.

    ``domains`` are the host names by which requests find it there, empty where all do.
    """

    address: str
    port: int
    tls_port: int | None = None
    redirect: bool = False
    domains: tuple[str, ...] = ()

    @property
    def endpoint(self) -> Endpoint:
        """The address that a user's request goes to in the end; a redirect to TLS is not followed but foreseen."""
        address = _REACHED.get(self.address, self.address)
        if self.redirect and self.tls_port:
            return Endpoint(address, self.tls_port, tls=True)
        return Endpoint(address, self.port)


@dataclass(frozen=True)
class ProxySettings:
    """Where the traffic of an application is split. Paths are absolute.

    ``front`` is ``None`` where the proxy was not configured by the role. It is not part of the contract: it is what the
    proxy was configured with last. ``fallback``: the warm release answers while the live one is down.
    """

    backend: str
    socket: str
    split: str
    front: Front | None = None
    fallback: bool = False
    answer: FrontAnswer = field(default_factory=FrontAnswer)

    def front_check(self, health: HealthCheck) -> HealthCheck:
        """The health check as it is made through the front door."""
        domains = self.front.domains if self.front else ()
        return replace(
            health,
            # Another status than the slot's own may well be an answer of the frontend itself.
            by_whom=self.answer.expected is None,
            path=self.answer.path or health.path,
            expected=self.answer.expected or health.expected,
            host=domains[0] if domains and health.host not in domains else health.host,
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "backend": self.backend,
            "socket": self.socket,
            "split": self.split,
            "fallback": self.fallback,
            "front": dict(self.answer.__dict__),
        }


@dataclass(frozen=True)
class Sandbox:
    """What the processes may do on the host. ``limits`` are directives of systemd by process."""

    address_families: tuple[str, ...] = ("AF_UNIX", "AF_INET", "AF_INET6")
    system_calls: tuple[str, ...] = ("@system-service",)
    writable_paths: tuple[str, ...] = ()
    start_limit_interval: int = 300
    start_limit_burst: int = 200
    limits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: Any) -> Sandbox:
        """
        :raises BadInput: systemd cannot be given one of these
        """
        found = cls(
            address_families=tuple(map(str, data["address_families"])),
            system_calls=tuple(map(str, data["system_calls"])),
            writable_paths=tuple(map(str, data["writable_paths"])),
            start_limit_interval=int(data["start_limit_interval"]),
            start_limit_burst=int(data["start_limit_burst"]),
            limits={
                str(process): {str(name): str(value) for name, value in values.items()}
                for process, values in data["limits"].items()
            },
        )
        unit_file.names(found.address_families, "application_address_families")
        unit_file.names(found.system_calls, "application_system_calls")
        for path in found.writable_paths:
            unit_file.check_path(path, "application_writable_paths")
        for process, values in found.limits.items():
            unit_file.limits(values, f"application_limits.{process}")
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "address_families": list(self.address_families),
            "system_calls": list(self.system_calls),
            "writable_paths": list(self.writable_paths),
            "start_limit_interval": self.start_limit_interval,
            "start_limit_burst": self.start_limit_burst,
            "limits": {process: dict(values) for process, values in sorted(self.limits.items())},
        }


@dataclass(frozen=True)
class Application:
    """One application on one host: what holds for the host, and for the next release that a slot gets.

    ``web``: the host's proxy serves it. ``ports`` maps slots to TCP ports of loopback. ``exclusive``: two copies of it
    must never run at once, so a switch takes the host out of service for a start-up. ``host``: what a health check
    sends as Host.
    """

    name: str
    environment: str
    user: str
    group: str
    root: str
    web: bool
    ports: Mapping[str, int]
    proxy: ProxySettings | None
    signers: str
    signature_required: bool
    keep_releases: int
    environment_file: str
    host: str
    exclusive: bool = False
    sandbox: Sandbox = field(default_factory=Sandbox)
    #: How many copies of its processes this host runs, where the inventory says it.
    processes: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What :func:`parse_application` reads."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "environment": self.environment,
            "user": self.user,
            "group": self.group,
            "root": self.root,
            "web": self.web,
            "host": self.host,
            "slots": {slot: {"port": port} for slot, port in self.ports.items()},
            "proxy": self.proxy.to_dict() if self.proxy else None,
            "signers": self.signers,
            "signature_required": self.signature_required,
            "exclusive": self.exclusive,
            "keep_releases": self.keep_releases,
            "environment_file": self.environment_file,
            "sandbox": self.sandbox.to_dict(),
            "processes": dict(self.processes),
        }


def other(slot: str) -> str:
    """The slot that ``slot`` is not."""
    return SLOTS[1 - SLOTS.index(slot)]


def claims_too_much(app: Application) -> list[str]:
    """What of the host an application would get that belongs to the host, in words."""
    accounts = {"application_user": app.user, "application_group": app.group}
    wrong = [
        f"{field} is {name}, and an application must not run as a privileged account"
        for field, name in accounts.items()
        if name in _PRIVILEGED
    ]
    if app.root in _SYSTEM or app.root.startswith(_BELOW):
        wrong.append(
            f"application_root is {app.root}, a folder of the system; choose one such as /srv/{app.name}"
        )
    return wrong


def parse_application(data: Any, path: str, site: Any = None) -> Application:
    """Read the parsed ``application.json``.

    :param site: what the role ``proxy`` configured for it, parsed; ``None`` where it did not

    :raises BadInput: a field is missing or of the wrong type; ``path`` is named in the error
    """
    try:
        proxy = data.get("proxy")
        return Application(
            name=str(data["name"]),
            environment=str(data.get("environment", "")),
            user=unit_file.account(str(data["user"]), "application_user"),
            group=unit_file.account(str(data["group"]), "application_group"),
            root=unit_file.check_path(str(data["root"]), "application_root"),
            web=bool(data["web"]),
            ports={slot: int(data["slots"][slot]["port"]) for slot in SLOTS},
            proxy=_proxy(proxy, site) if proxy else None,
            signers=str(data["signers"]),
            signature_required=bool(data.get("signature_required", True)),
            keep_releases=max(2, int(data.get("keep_releases", 5))),
            environment_file=str(data["environment_file"]),
            exclusive=bool(data.get("exclusive", False)),
            host=host_name(data.get("host") or data["name"], "application_host"),
            sandbox=Sandbox.parse(data["sandbox"]),
            processes=parse_selection(data.get("processes") or {}),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"the description of the application is not usable: {error!r}",
            where=path,
            fix="Write it again with mas.ops.provision.",
        ) from error


def _proxy(data: Any, site: Any) -> ProxySettings:
    answer = data.get("front") or {}
    return ProxySettings(
        data["backend"],
        data["socket"],
        data["split"],
        front=_front(site) if site is not None else None,
        fallback=bool(data.get("fallback", False)),
        answer=FrontAnswer(
            path=url_path(answer["path"], "application_front_door.path") if answer.get("path") else None,
            expected=status(answer["expected"], "application_front_door.expected")
            if answer.get("expected")
            else None,
        ),
    )


def _front(site: Any) -> Front:
    """
    :raises KeyError, TypeError, ValueError: it is not what the role writes
    """
    return Front(
        address=str(site["address"]).strip("[]"),
        port=int(site["port"]),
        tls_port=int(site["tls_port"]) if site["certificate"] else None,
        redirect=bool(site["redirect"]),
        domains=tuple(map(str, site["domains"])),
    )
