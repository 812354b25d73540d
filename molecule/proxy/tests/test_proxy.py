"""Requests reach the slots by the split, and none is lost when the proxy or a slot changes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from testinfra.host import Host

Client = Callable[..., Any]
Split = Callable[[int], None]
#: A server that passes its checks; the others are words for one of weight 0.
UP = re.compile(",(UP|NOLB|DRAIN),")


@pytest.fixture(autouse=True)
def both_slots_up(host: Host, client: Client):
    for _ in range(50):
        state = client("order", "show stat agents 4 -1")
        if len(UP.findall(state)) == 2:
            return
        time.sleep(0.2)
    pytest.fail(state)


def test_no_slot_answers_before_one_is_live(client: Client):
    """Both slots are up here; whoever listens on the port of a slot is not the application for that."""
    assert client("count", 20) == {"503": 20}


def test_split_by_weight_survives_reload_and_restart(host: Host, client: Client, split: Split):
    split(70)
    assert client("count", 100) == {"blue": 70, "green": 30}
    for change in ("reload", "restart"):
        host.check_output(f"systemctl {change} haproxy && sleep 1")
        assert client("count", 100) == {"blue": 70, "green": 30}


def test_reload_loses_no_request(client: Client, split: Split):
    split(50)
    seen = client("reloads", 5)
    assert seen["wrong"] == []
    assert seen["new"] > 100
    assert seen["kept"] > 100


def test_upgraded_connection_outlives_a_reload(client: Client):
    assert client("tunnel") == ["before", "after"]


def test_slot_that_dies_costs_no_request(host: Host, client: Client, split: Split):
    split(50)
    host.check_output("systemctl kill --signal KILL slot-green")
    assert client("count", 50) == {"blue": 50}
    host.check_output(
        "systemctl reset-failed slot-green;"
        "systemd-run -q --unit=slot-green python3 /opt/test/slot.py green 8102"
    )


def test_get_without_answer_goes_to_the_other_slot(client: Client, split: Split):
    split(50)
    assert client("count", 10, "/drop") == {"green": 10}


def test_post_without_answer_is_not_sent_twice(host: Host, client: Client, split: Split):
    split(50)
    host.run("rm -f /run/slot-*.hits")
    assert client("post") == 502
    assert host.check_output("cat /run/slot-*.hits") == "POST"


def test_headers_for_the_application(client: Client):
    headers = client("headers")
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert len(headers["x-request-id"]) == 36


def test_what_a_client_says_of_itself_is_replaced(client: Client):
    """Else it could claim any address, and an application that trusts its proxy would believe it."""
    claims = ["For=6.6.6.6", "Proto=https", "Host=evil", "Port=1"]
    headers = client("headers", *(f"X-Forwarded-{claim}" for claim in claims), "Forwarded=for=6.6.6.6")
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == "127.0.0.1"
    assert headers["x-forwarded-port"] == "80"
    assert "forwarded" not in headers


def test_metrics_on_loopback_only(host: Host):
    read = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8404/metrics').read().decode())"
    metrics = host.check_output(f'python3 -c "{read}"')
    assert 'haproxy_server_http_responses_total{proxy="agents",server="blue",code="2xx"}' in metrics
    assert [socket for socket in host.socket.get_listening_sockets() if socket.endswith(":8404")] == [
        "tcp://127.0.0.1:8404"
    ]


def test_sockets_of_operators(host: Host):
    assert host.file("/run/haproxy/admin.sock").mode == 0o660
    assert host.file("/run/haproxy-master.sock").exists
    assert host.service("haproxy").is_enabled
