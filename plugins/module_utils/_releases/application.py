# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role ``application`` wrote about one application of a host: ``application.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._core.errors import BadInput
from .._traffic import values
from .._traffic.split import SLOTS
from .health import Door, HealthCheck

CONFIG = "/etc/mas/{name}/application.json"


@dataclass(frozen=True)
class Front:
    """Where users reach an application on this host.

    ``path`` and ``expected`` are set where the front door answers the health path otherwise than the application.
    """

    address: str
    port: int
    tls_port: int | None = None
    redirect: bool = False
    path: str | None = None
    expected: int | None = None

    @property
    def door(self) -> Door:
        """The address that a user's request goes to in the end; a redirect to TLS is not followed but foreseen."""
        address = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address, self.address)
        if self.redirect and self.tls_port:
            return Door(address, self.tls_port, tls=True)
        return Door(address, self.port)

    def check(self, health: HealthCheck) -> HealthCheck:
        return replace(health, path=self.path or health.path, expected=self.expected or health.expected)


@dataclass(frozen=True)
class Proxy:
    """Where the traffic of an application is split. Paths are absolute.

    ``front`` is ``None`` where the proxy is not the one of the role, or of an older one.
    """

    backend: str
    socket: str
    split: str
    front: Front | None = None
    #: The warm release answers while the live one is down.
    fallback: bool = False


@dataclass(frozen=True)
class Application:
    """One application on one host.

    ``processes`` maps names to ``web`` or ``worker``; ``ports`` maps slots to TCP ports of loopback. ``exclusive``: two
    copies of it must never run at once, so a switch takes the host out of service for a start-up.
    """

    name: str
    environment: str
    user: str
    root: str
    processes: Mapping[str, str]
    ports: Mapping[str, int]
    proxy: Proxy | None
    signers: str
    signature_required: bool
    keep_releases: int
    environment_file: str
    exclusive: bool = False
    #: The Host header of health requests.
    host: str = ""

    @property
    def web(self) -> str | None:
        """The name of the one process that serves HTTP, when there is one."""
        return next((name for name, kind in sorted(self.processes.items()) if kind == "web"), None)

    @property
    def workers(self) -> tuple[str, ...]:
        return tuple(name for name, kind in sorted(self.processes.items()) if kind == "worker")


def other(slot: str) -> str:
    """The slot that ``slot`` is not."""
    return SLOTS[1 - SLOTS.index(slot)]


def parse_application(data: Any, path: str) -> Application:
    """Read the parsed ``application.json``.

    :raises BadInput: a field is missing or of the wrong type; ``path`` is named in the error
    """
    try:
        proxy = data.get("proxy")
        return Application(
            name=str(data["name"]),
            environment=str(data.get("environment", "")),
            user=str(data["user"]),
            root=str(data["root"]),
            processes={str(name): str(kind) for name, kind in data["processes"].items()},
            ports={slot: int(data["slots"][slot]["port"]) for slot in SLOTS},
            proxy=_proxy(proxy) if proxy else None,
            signers=str(data["signers"]),
            signature_required=bool(data.get("signature_required", True)),
            keep_releases=max(2, int(data.get("keep_releases", 5))),
            environment_file=str(data["environment_file"]),
            exclusive=bool(data.get("exclusive", False)),
            host=values.host(data.get("host") or data["name"], "application_host"),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"the description of the application is not usable: {error!r}",
            where=path,
            fix="Write it again with mas.ops.provision.",
        ) from error


def _proxy(data: Any) -> Proxy:
    front = data.get("front")
    return Proxy(
        data["backend"],
        data["socket"],
        data["split"],
        front=_front(front) if front is not None else None,
        fallback=bool(data.get("fallback", False)),
    )


def _front(data: Any) -> Front:
    """
    :raises KeyError, TypeError, ValueError: it is not what the role writes
    """
    return Front(
        address=str(data["address"]).strip("[]"),
        port=int(data["port"]),
        tls_port=int(data["tls_port"]) if data.get("tls_port") else None,
        redirect=bool(data.get("redirect", False)),
        path=str(data["path"]) if data.get("path") else None,
        expected=int(data["expected"]) if data.get("expected") else None,
    )
