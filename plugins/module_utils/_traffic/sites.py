# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sites of a host: which application is served where, checked against one another. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import BadInput
from . import values
from .split import SLOTS

#: What was a variable once; the manifest of each release says it now.
_GONE = {"health_path": "path", "health_status": "expected"}


@dataclass(frozen=True)
class Site:
    """One application behind the proxy.

    ``ports`` are those of its slots. Without ``domains`` it gets all requests of its port that no other one claims.
    ``certificate`` is a path, empty without TLS. ``fallback``: the warm release answers while the live one is down.
    """

    name: str
    ports: Mapping[str, int]
    port: int
    tls_port: int
    address: str
    domains: tuple[str, ...]
    certificate: str
    redirect: bool
    request_id: bool
    trusted: tuple[str, ...]
    frontend_lines: tuple[str, ...]
    backend_lines: tuple[str, ...]
    fallback: bool

    @classmethod
    def parse(cls, data: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Site:
        """
        :param defaults: what holds for an application that does not say otherwise
        :raises BadInput: names the variable that is wrong
        """
        application = values.name(data.get("name"), "proxy_applications: name")
        for gone, field in _GONE.items():
            if data.get(gone) is not None:
                raise BadInput(
                    f"{gone} is no longer a variable of the proxy",
                    where=application,
                    fix=f"Remove it: health.{field} in mas.yml sets it for each release.",
                )
        given = {name: value for name, value in data.items() if value is not None}
        merged = {**(defaults or {}), **given}

        def of(name: str) -> str:
            return f"{name} of {application}"

        certificate = merged["certificate"] and values.path(merged["certificate"], of("proxy_certificate"))
        if merged["redirect"] and not certificate:
            raise BadInput(
                "proxy_redirect_https is set, and proxy_certificate is not",
                where=application,
                fix="Set proxy_certificate to the path of the certificate on the host.",
            )
        return cls(
            name=application,
            ports=_ports(merged.get("ports") or merged.get("slots"), of("application_slots")),
            port=values.port(merged["port"], of("proxy_port")),
            tls_port=values.port(merged["tls_port"], of("proxy_tls_port")),
            address=values.address(merged["address"], of("proxy_address")),
            domains=tuple(values.host(item, of("application_domains")) for item in merged["domains"]),
            certificate=certificate or "",
            redirect=bool(merged["redirect"]),
            request_id=bool(merged["request_id"]),
            trusted=tuple(values.network(item, of("proxy_trusted_forwarders")) for item in merged["trusted"]),
            frontend_lines=values.lines(merged["frontend_lines"], of("proxy_frontend_lines")),
            backend_lines=values.lines(merged["backend_lines"], of("proxy_backend_lines")),
            fallback=bool(merged["fallback"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data again, as :meth:`parse` takes it."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in {**self.__dict__, "ports": dict(self.ports)}.items()
        }

    @property
    def binds(self) -> tuple[int, ...]:
        """The ports that its users come to."""
        return (self.port, self.tls_port) if self.certificate else (self.port,)


def _ports(data: Any, field: str) -> dict[str, int]:
    if not isinstance(data, Mapping) or sorted(data) != sorted(SLOTS):
        raise BadInput(
            f"{field} must give a port to each of the two slots, blue and green",
            where=field,
            fix="Say for example {blue: {port: 8101}, green: {port: 8102}}.",
        )
    plain = {slot: value["port"] if isinstance(value, Mapping) else value for slot, value in data.items()}
    return {slot: values.port(plain[slot], f"{field}.{slot}") for slot in SLOTS}


def check_together(sites: Sequence[Site], metrics: int) -> None:
    """Whether all of these can be served by one host.

    :raises BadInput: two of them want the same name, port or domain
    """
    names = [site.name for site in sites]
    for name in names:
        if names.count(name) > 1:
            raise _clash(f"two applications are called {name}", name, "Give each a name of its own.")
    _check_ports(sites, metrics)
    for front in fronts(sites):
        _check_front(front)


def _check_ports(sites: Sequence[Site], metrics: int) -> None:
    """One port has one meaning: a slot's, the metrics, or a frontend's with or without TLS."""
    users: dict[int, set[str]] = {metrics: {"the metrics of the proxy"}}
    for site in sites:
        for slot in SLOTS:
            users.setdefault(site.ports[slot], set()).add(f"the {slot} slot of {site.name}")
        users.setdefault(site.port, set()).add(f"the frontend of port {site.port}")
        if site.certificate:
            users.setdefault(site.tls_port, set()).add(f"TLS of the frontend of port {site.port}")
        if site.ports[SLOTS[0]] == site.ports[SLOTS[1]]:
            raise _clash(f"both slots of {site.name} have one port", site.name, "Give each slot its own.")
    for port, claims in sorted(users.items()):
        if len(claims) > 1:
            raise _clash(
                f"port {port} is wanted by {' and by '.join(sorted(claims))}",
                "this host",
                "Give each its own: application_slots, proxy_port, proxy_tls_port, proxy_metrics_address. Where the groups of "
                "two applications set one of them and a host is in both, Ansible takes one value for both applications: "
                "let it depend on the variable application (docs/operate.md, Change the inventory).",
            )


def _check_front(front: Sequence[Site]) -> None:
    port, names = front[0].port, [site.name for site in front]
    both = " and ".join(names)
    unnamed = [site.name for site in front if not site.domains]
    if len(unnamed) > 1:
        raise _clash(
            f"{' and '.join(unnamed)} both want all requests of port {port}",
            f"port {port}",
            "Say which host names each of them serves in application_domains, or give them different ports.",
        )
    claimed: dict[str, str] = {}
    for site in front:
        for domain in site.domains:
            if claimed.setdefault(domain, site.name) != site.name:
                raise _clash(
                    f"{claimed[domain]} and {site.name} both want the requests for {domain}",
                    f"port {port}",
                    "Each host name belongs to one application (application_domains).",
                )
    if len({site.address for site in front}) > 1 or len({s.tls_port for s in front if s.certificate}) > 1:
        raise _clash(
            f"{both} share the frontend of port {port}, and disagree about its address or TLS port",
            f"port {port}",
            "Give both the same proxy_address and proxy_tls_port, in one run with both in proxy_applications.",
        )
    if len(front) > 1 and any(site.frontend_lines for site in front):
        raise _clash(
            f"{both} share the frontend of port {port}, so lines for it would be for both",
            f"port {port}",
            "Put them in proxy_backend_lines of the application that they are for.",
        )


def fronts(sites: Iterable[Site]) -> list[list[Site]]:
    """The sites by frontend, in an order that does not depend on who came first."""
    found: dict[int, list[Site]] = {}
    for site in sorted(sites, key=lambda site: site.name):
        found.setdefault(site.port, []).append(site)
    return [found[port] for port in sorted(found)]


def _clash(what: str, where: str, fix: str) -> BadInput:
    return BadInput(what, where=where, fix=fix)
