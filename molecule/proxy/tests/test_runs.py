"""Later runs of the role: what HAProxy would not take never replaces what it has. After the other tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from testinfra.host import Host

Client = Callable[..., Any]
Run = Callable[..., subprocess.CompletedProcess[str]]
APPLICATION = "/etc/haproxy/conf.d/20-agents.cfg"
BAD = {"proxy_backend_lines": ["no-such-word at all"]}


@pytest.fixture(scope="session")
def refused(converge: Run) -> dict[str, str]:
    """What two runs with a bad configuration say, one of them in check mode."""
    runs = {mode: converge(*arguments, **BAD) for mode, arguments in (("check", ["--check"]), ("real", []))}
    assert {mode: run.returncode for mode, run in runs.items()} == {"check": 2, "real": 2}
    return {mode: run.stdout + run.stderr for mode, run in runs.items()}


@pytest.mark.parametrize("mode", ["check", "real"])
def test_bad_configuration_is_refused(host: Host, client: Client, refused: dict[str, str], mode: str):
    assert "unknown keyword 'no-such-word'" in refused[mode]
    assert not host.file(APPLICATION).contains("no-such-word")
    host.check_output("systemctl restart haproxy && sleep 1")
    assert sum(client("count", 10).values()) == 10


@pytest.fixture(scope="session")
def changed(converge: Run) -> str:
    run = converge("--diff", proxy_timeout_server="29s")
    assert run.returncode == 0, run.stdout
    return run.stdout


def test_change_is_reloaded_and_keeps_the_split(host: Host, client: Client, changed: str):
    assert "    timeout server 29s" in changed
    assert "Restart HAProxy" not in changed
    assert host.file("/etc/haproxy/haproxy.cfg").contains("timeout server 29s")
    assert host.file("/etc/haproxy/conf.d/10-agents-split.cfg").contains("MAS_AGENTS_BLUE 50")
    assert client("count", 10) == {"blue": 5, "green": 5}


def test_somebodys_own_main_file_is_refused_and_stays(host: Host, converge: Run):
    """After the other tests; a copy is made only of what is replaced on request."""
    main = "/etc/haproxy/haproxy.cfg"
    host.check_output(
        f"cp {main} /root/ours && printf '# mine\\n' > /root/mine && cat /root/ours >> /root/mine"
    )
    host.check_output(f"cp /root/mine {main}")
    run = converge()
    assert run.returncode == 2
    assert "proxy_take_over: true" in run.stdout
    host.check_output(f"cmp {main} /root/mine")
    run = converge(proxy_take_over=True)
    assert run.returncode == 0, run.stdout
    host.check_output("cmp /etc/haproxy/haproxy.cfg.2* /root/mine && rm /etc/haproxy/haproxy.cfg.2*")
    assert host.file(main).contains("Written by the role mas.ops.proxy")


def test_applications_share_a_port_by_host_name(host: Host, converge: Run):
    """The other application is configured by a run of its own, as another play would."""
    slots = {"blue": {"port": 8102}, "green": {"port": 8109}}
    taken = converge(proxy_applications=[{"name": "shop", "slots": slots}])
    assert taken.returncode == 2
    assert "port 8102 is wanted by" in taken.stdout
    slots["blue"]["port"] = 8108
    both = converge(proxy_applications=[{"name": "shop", "slots": slots}])
    assert "both want all requests of port 80" in both.stdout
    named = {"name": "shop", "slots": slots, "domains": ["shop.example.com"]}
    run = converge(proxy_applications=[named])
    assert run.returncode == 0, run.stdout
    ask = "curl -s -o /dev/null -w '%{http_code}' -H 'Host: {0}' http://127.0.0.1/"
    # Nothing runs in the slots of the shop.
    assert host.check_output(ask.replace("{0}", "SHOP.example.com:80")) == "503"
    assert host.check_output(ask.replace("{0}", "anything")) == "200"
    host.check_output(
        "rm /etc/haproxy/mas/shop.json /etc/haproxy/conf.d/*-shop*.cfg && systemctl reload haproxy"
    )
    assert converge().returncode == 0
