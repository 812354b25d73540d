# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy's configuration as text: one function for each file. All that goes in was checked by :mod:`.values`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import values
from .settings import ASK_SERVER, IN, SERVER, variable
from .sites import Site
from .split import SLOTS

MAPS = "/etc/haproxy/maps"
#: How each file that belongs to the role begins.
MARK = "# Written by the role mas.ops.proxy"
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded")
_TIMEOUTS = ("connect", "client", "server", "queue", "http_request", "http_keep_alive", "tunnel")


@dataclass(frozen=True)
class Main:
    """What all applications of a host share. ``timeouts`` by HAProxy's name for them."""

    socket: str
    log_level: str
    maxconn: int
    hard_stop_after: str
    metrics: str
    timeouts: Mapping[str, str]

    @classmethod
    def parse(cls, data: Mapping[str, Any], socket: str) -> Main:
        """
        :raises BadInput: names the variable that is wrong
        """
        where, port = values.socket(data["metrics_address"], "proxy_metrics_address")
        return cls(
            socket=values.path(socket, "socket"),
            log_level=values.level(data["log_level"], "proxy_log_level"),
            maxconn=values.number(data["maxconn"], "proxy_maxconn", 1, 10**6),
            hard_stop_after=values.time(data["hard_stop_after"], "proxy_hard_stop_after"),
            metrics=f"{where}:{port}",
            timeouts={
                name.replace("_", "-"): values.time(data[f"timeout_{name}"], f"proxy_timeout_{name}")
                for name in _TIMEOUTS
            },
        )

    @property
    def metrics_port(self) -> int:
        return int(self.metrics.rpartition(":")[2])


def render_main(main: Main, folder: str) -> str:
    """The text of haproxy.cfg.

    :param folder: where the applications are
    """
    timeouts = "\n".join(f"    timeout {name} {value}" for name, value in sorted(main.timeouts.items()))
    return f"""\
{MARK}. Applications are in {folder}.
global
    log /dev/log local0 {main.log_level}
    chroot /var/lib/haproxy
    user haproxy
    group haproxy
    daemon
    maxconn {main.maxconn}
    hard-stop-after {main.hard_stop_after}
    # A new process takes the listening sockets over, so that no connection is refused.
    stats socket {main.socket} mode 660 level admin expose-fd listeners
    stats timeout 30s
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
    ssl-default-bind-ciphers {":".join(_CIPHERS)}
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256

defaults
    mode http
    log global
    option httplog
    option dontlognull
    # A connection kept alive ends after an answer, never under a request that is on its way.
    option idle-close-on-response
    # Another slot is asked when one does not take the connection or sends nothing back.
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
{timeouts}

frontend mas_metrics
    bind {main.metrics}
    no log
    http-request use-service prometheus-exporter if {{ path /metrics }}
    http-request return status 404
"""


_CIPHERS = tuple(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)


def render_options(master: str, folder: str) -> str:
    """The text of /etc/default/haproxy."""
    return (
        f'{MARK}: HAProxy reads the applications after its main file.\nEXTRAOPTS="-S {master} -f {folder}"\n'
    )


def render_service(program: str, folder: str, socket: str) -> str:
    """The text of what is added to HAProxy's service. No failure of it keeps HAProxy from its start.

    :param program: see :mod:`.adapters.keep_out`; its arguments are the folder of the applications, and the socket
    """
    run = f"-/usr/bin/python3 -I -S {program}"
    return f"""\
{MARK}: a slot that was taken out while HAProxy read its files is out.
[Service]
ExecStartPost={run} start {folder} {socket}
# After the distribution's own, which sends the signal.
ExecReload={run} reload {folder} {socket}
"""


def render_front(front: Sequence[Site]) -> str:
    """The frontend of one port, for all applications that are behind it."""
    port, address = front[0].port, front[0].address
    certificates = sorted({site.certificate for site in front if site.certificate})
    tls = next((site.tls_port for site in front if site.certificate), 0)
    text = [
        f"{MARK}, for {', '.join(site.name for site in front)}.",
        '# Not the name of a backend: "show stat" and the like take the first proxy of a name.',
        f"frontend mas_in_{port}",
        f"    bind {address}:{port}",
    ]
    if certificates:
        paths = " ".join(f"crt {path}" for path in certificates)
        text.append(f"    bind {address}:{tls} ssl {paths} alpn h2,http/1.1")
    text += [f"    {line}" for line in _routing(front)]
    text += [f"    {line}" for site in front if site.redirect for line in _redirect(site)]
    text += [f"    {line}" for line in _forwarded(front)]
    if any(site.request_id for site in front):
        text.append(
            "    http-request set-header X-Request-ID %[uuid()] unless { req.hdr(X-Request-ID) -m found }"
        )
    text += [
        "    # A request that changes something is sent again only when the first server cannot have seen it.",
        "    http-request disable-l7-retry unless METH_GET or METH_OPTIONS",
        *(f"    {line}" for site in front for line in site.frontend_lines),
        "    http-request return status 404 unless { var(txn.mas_site) -m found }",
        "    use_backend %[var(txn.mas_site)]",
    ]
    return "\n".join(text) + "\n"


def _routing(front: Sequence[Site]) -> list[str]:
    """By host name; the one application without names gets what is left."""
    lines = ["http-request set-var(txn.mas_host) req.hdr(host),field(1,:),lower"]
    for site in front:
        if site.domains:
            names = " ".join(site.domains)
            lines.append(
                f"http-request set-var(txn.mas_site) str({site.name}) if {{ var(txn.mas_host) -m str {names} }}"
            )
    lines += [
        f"http-request set-var(txn.mas_site) str({site.name}) unless {{ var(txn.mas_site) -m found }}"
        for site in front
        if not site.domains
    ]
    return lines


def _redirect(site: Site) -> list[str]:
    port = "" if site.tls_port == 443 else f":{site.tls_port}"
    target = f"https://%[req.hdr(host),field(1,:)]{port}%[pathq]"
    mine = f"{{ var(txn.mas_site) -m str {site.name} }}"
    return [f"http-request redirect code 308 location {target} if {mine} !{{ ssl_fc }}"]


def _forwarded(front: Sequence[Site]) -> list[str]:
    """What a client says about itself is replaced, except by a proxy that is trusted to know better."""
    trusted = sorted({network for site in front for network in site.trusted})
    unless = " unless mas_trusted" if trusted else ""
    lines = [f"acl mas_trusted src {' '.join(trusted)}"] if trusted else []
    lines += [f"http-request del-header {name}{unless}" for name in _FORWARDED]
    new = {
        "X-Forwarded-Proto": "%[ssl_fc,iif(https,http)]",
        "X-Forwarded-Host": "%[req.hdr(host)]",
        "X-Forwarded-Port": "%[dst_port]",
    }
    lines += [
        f"http-request set-header {name} {value} unless {{ req.hdr({name}) -m found }}"
        for name, value in new.items()
    ]
    return [*lines, "option forwardfor"]


def render_backend(site: Site) -> str:
    """The two slots of one application, and the table in which its answers are counted."""
    name = site.name
    lookup = {what: f"%[srv_name,map_str({MAPS}/{name}-{what}.map)]" for what in ("path", "host")}
    extra = "".join(f"    {line}\n" for line in site.backend_lines)
    cookie = any(line.split(" ", 1)[0] == "cookie" for line in site.backend_lines)
    servers = "".join(f"    {line}\n" for line in _servers(site, cookie))
    return f"""\
{MARK}.
# How many answers took how long, by slot: mas.ops.traffic_info returns it, and the verdict of a canary uses it.
backend {name}_latency
    stick-table type string len 32 size 2k store gpc0

backend {name}
    balance roundrobin
    option httpchk
    # What a slot is asked for is what the manifest of its release says.
    http-check send meth GET uri-lf "{lookup["path"]}" ver HTTP/1.1 hdr Host "{lookup["host"]}"
    http-check expect status "{_read(name, "status")}"
    timeout check "{_read(name, "timeout")}"
    # The time until the head of an answer in microseconds, of which the first two digits count: green/31000.
    http-request set-var(txn.mas_begin) date(0,us)
    # A release is live once a request on the way of users was answered by its slot, and not by anybody else.
    http-request set-var(txn.mas_ask) req.hdr({ASK_SERVER})
    http-request del-header {ASK_SERVER}
    http-response set-header {SERVER} {name}/%[srv_name] if {{ var(txn.mas_ask) -m found }}
    http-response set-var(txn.mas_us) date(0,us),sub(txn.mas_begin)
    http-response set-var(txn.mas_digits) "var(txn.mas_us),regsub('^(..).*','\\1')"
    http-response set-var(txn.mas_zeros) "var(txn.mas_us),regsub(^..,),regsub(.,0,g)"
    http-response track-sc2 srv_name,concat(/,txn.mas_digits),concat(,txn.mas_zeros) table {name}_latency
    http-response sc-inc-gpc0(2)
    # Users stay with a version only while there are two.
    ignore-persist if {{ srv_uweight({name}/blue) eq 0 }} || {{ srv_uweight({name}/green) eq 0 }}
    default-server check inter 500ms fastinter 100ms downinter 100ms rise 2 fall 3
{extra}{servers}"""


def _servers(site: Site, cookie: bool) -> list[str]:
    places = {slot: f'"127.0.0.1:{_read(site.name, slot, "port")}"' for slot in SLOTS}
    lines = []
    for slot, place in places.items():
        value = f" cookie {slot}" if cookie else ""
        # Without its file a slot takes part: the checks decide, and HAProxy starts.
        state = f'"${{{variable(site.name, slot, "state")}-{IN}}}"'
        lines.append(f'server {slot} {place} weight "{_read(site.name, slot)}"{value} {state}')
    if site.fallback:
        for slot, place in places.items():
            weight = f'"{_read(site.name, slot, "warm")}"'
            lines.append(
                f"server {slot}_warm {place} no-check backup weight {weight} track {site.name}/{slot}"
            )
    return lines


def _read(application: str, *words: str) -> str:
    """How a line of the configuration reads a setting of an application, within double quotes."""
    return f"${{{variable(application, *words)}}}"
