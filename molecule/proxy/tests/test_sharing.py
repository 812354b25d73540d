"""A host with files of its administrator, and with other applications."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

from testinfra.host import Host

Client = Callable[..., Any]
Run = Callable[..., subprocess.CompletedProcess[str]]


def said(run: subprocess.CompletedProcess[str]) -> str:
    return " ".join((run.stdout + run.stderr).split())


def test_somebodys_own_main_file_is_refused_and_stays(host: Host, converge: Run):
    """After the other tests; a copy is made only of what is replaced on request."""
    main = "/etc/haproxy/haproxy.cfg"
    host.check_output(
        f"cp {main} /root/ours && printf '# mine\\n' > /root/mine && cat /root/ours >> /root/mine"
    )
    host.check_output(f"cp /root/mine {main}")
    run = converge()
    assert run.returncode == 2
    assert "proxy_take_over: true" in said(run)
    host.check_output(f"cmp {main} /root/mine")
    run = converge(proxy_take_over=True)
    assert run.returncode == 0, said(run)
    host.check_output("cmp /etc/haproxy/haproxy.cfg.2* /root/mine && rm /etc/haproxy/haproxy.cfg.2*")
    assert host.file(main).contains("Written by the role mas.ops.proxy")


def test_applications_share_a_port_by_host_name(host: Host, client: Client, converge: Run):
    """The other application is configured by a run of its own, as another play would."""
    slots = {"blue": {"port": 8102}, "green": {"port": 8109}}
    taken = converge(proxy_applications=[{"name": "shop", "slots": slots}])
    assert taken.returncode == 2
    assert "port 8102 is wanted by" in said(taken)
    slots["blue"]["port"] = 8108
    both = converge(proxy_applications=[{"name": "shop", "slots": slots}])
    assert "both want all requests of port 80" in said(both)
    named = {"name": "shop", "slots": slots, "domains": ["shop.example.com"]}
    run = converge(proxy_applications=[named])
    assert run.returncode == 0, said(run)
    # Nothing runs in the slots of the shop.
    assert client("status", "/", "Host=SHOP.example.com:80") == 503
    assert client("status", "/", "Host=anything") == 200
    host.check_output(
        "rm /etc/haproxy/mas/shop.json /etc/haproxy/conf.d/*-shop*.cfg && systemctl reload haproxy"
    )
    assert converge().returncode == 0
