"""An application leaves its hosts, and another one on them loses no request; killed half-way, kept in part, and brought back."""

from __future__ import annotations

import contextlib
import http.server
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from bed import CHECKOUT
from fleet import Done, Fleet

from .conftest import make_fleet

pytestmark = pytest.mark.containers

SHOP = {
    "slots": {"blue": {"port": 8201}, "green": {"port": 8202}},
    "domains": ["shop.example.org"],
    "environment": {"AGENTS_TOKEN": "shop-own-secret", "AGENTS_WARMUP": "0"},
}
#: All that a host has of an application, without what a process of it or an action changes all the time.
LISTING = """
ls -dl --time-style=full-iso /etc/systemd/system/*shop* /etc/systemd/system/*.wants/*shop* /etc/haproxy/mas/* /etc/haproxy/maps/*
find /etc/mas /etc/haproxy/conf.d /srv/shop/releases /srv/shop/slots /var/lib/mas/shop -printf '%p %i %T@\\n' | grep -v '/lock'
sort /etc/haproxy/conf.d/*.cfg | sha256sum; getent passwd shop; systemctl show -P MainPID haproxy 'shop-*'
"""
#: Kills the process that holds the lock at the moment that the secrets are gone: HAProxy has still to be reloaded then.
KILLER = """
while [ -e /etc/mas/shop/environment ]; do :; done
kill -9 $(python3 -c 'import json; print(json.load(open("/var/lib/mas/shop/lock"))["pid"])')
"""
#: What the account of the application may put into its folder: ways out of it, and more folders than Python nests calls.
HOSTILE = """
mkdir -p /root/precious /srv/shop/shared/data && echo kept > /root/precious/file
ln -sfn /root/precious /srv/shop/shared/out; ln -sfn /etc /srv/shop/shared/data/etc; ln -sfn ../../../../.. /srv/shop/shared/data/up
cd /srv/shop/shared/data && python3 -c '
import os
for number in range(3000):
    os.mkdir("d" * 20)
    os.chdir("d" * 20)
'
chown -Rh shop:shop /srv/shop/shared
"""


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    yield from make_fleet("leaving", 2, "mixed", warmup=0)


@pytest.fixture(scope="module")
def shop(fleet: Fleet) -> Path:
    """The second inventory, of an application that is deployed beside the first one."""
    path = fleet.bed.state / "second/shop.yml"
    values = path.parent / "group_vars/shop.yml"
    values.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"shop": {"hosts": dict.fromkeys(fleet.names, None)}}))
    values.write_text(yaml.safe_dump({"mas_application_shop": SHOP}))
    for version in ("1.0.0", "2.0.0"):
        source = fleet.bed.state / f"source/shop-{version}"
        maker = CHECKOUT / "examples/app/make_version.py"
        subprocess.run([sys.executable, str(maker), version, str(source)], check=True)
        description = yaml.safe_load((source / "mas.yml").read_text())
        (source / "mas.yml").write_text(yaml.safe_dump({**description, "name": "shop"}))
        fleet.play("build", build_source=str(source), build_signing_key=str(fleet.key)).check()
    fleet.build("1.0.0")
    fleet.deploy("1.0.0").check()
    bring(fleet, path)
    # It leaves a lock file, which goes with the rest.
    play(fleet, "command", path, command_line="/bin/true").check()
    return path


@contextlib.contextmanager
def messages() -> Iterator[tuple[str, list[str]]]:
    """The address of a receiver of notifications, and the events that it has got."""
    received: list[str] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["event"])
            self.send_response(204)
            self.end_headers()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", received
        server.shutdown()


def play(fleet: Fleet, playbook: str, shop: Path, *words: str, **extra: Any) -> Done:
    return fleet.play(playbook, "-i", str(shop), *words, application_name="shop", **extra)


def bring(fleet: Fleet, shop: Path) -> None:
    play(fleet, "provision", shop).check()
    play(fleet, "deploy", shop, deploy_version="1.0.0").check()
    assert {answers(fleet, name) for name in fleet.names} == {"shop 200"}


def leave(fleet: Fleet, shop: Path, *words: str, **extra: Any) -> Done:
    return play(fleet, "decommission", shop, *words, **{"decommission_confirm": "shop", **extra})


def on(fleet: Fleet, name: str, script: str) -> str:
    return fleet.bed.exec(name, ["sh", "-c", script])


def answers(fleet: Fleet, name: str) -> str:
    """Which application answers requests for the shop, and with which status."""
    headers = {"Host": "shop.example.org", "X-Mas-Ask-Server": "yes"}
    request = urllib.request.Request(fleet.bed.url(name, 80, "/version"), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return f"{answer.headers.get('X-Mas-Server', '').partition('/')[0]} {answer.status}"
    except urllib.error.HTTPError as error:
        return f"error {error.code}"


def remains(fleet: Fleet, name: str, application: str = "shop") -> list[str]:
    """All files and units of the application, its account and its part of the proxy."""
    files = f"find /etc /srv /var/lib /run/systemd -name '*{application}*' -not -path '*/python3*' 2>/dev/null | sort"
    units = f"systemctl list-units --all --plain --no-legend '{application}-*' | cut -d' ' -f1"
    proxy = (
        f"echo 'show backend' | socat - /run/haproxy/admin.sock | grep -x {application} || true"
        if application == "shop"
        else "true"
    )
    account = f"getent passwd {application} | cut -d: -f1 || true"
    return on(fleet, name, f"{files}; {units}; {account}; {proxy}").split()


def entries(fleet: Fleet, name: str, action: str) -> list[dict[str, Any]]:
    lines = on(fleet, name, "cat /var/lib/mas/ledger.jsonl").splitlines()
    return [entry for line in lines if (entry := json.loads(line)).get("action") == action]


def test_a_wrong_name_is_refused_before_a_host_is_touched(fleet: Fleet, shop: Path) -> None:
    for confirm in ("agents", "", "Shop"):
        done = leave(fleet, shop, decommission_confirm=confirm, ansible_host="192.0.2.1")
        assert done.status != 0
        assert "UNREACHABLE" not in done.output, done.output
        assert "decommission_confirm is" in done.output, done.output


def test_a_dry_run_lists_what_would_go_and_changes_nothing(fleet: Fleet, shop: Path) -> None:
    before = {name: on(fleet, name, LISTING) for name in fleet.names}
    done = leave(fleet, shop, "--check", "--diff").check()
    for path in ("/etc/mas/shop/environment", "/etc/haproxy/conf.d/20-shop.cfg", "shop-api@blue.service"):
        assert path in done.output, done.output
    assert "shop-own-secret" not in done.output
    assert {name: on(fleet, name, LISTING) for name in fleet.names} == before


def test_a_run_that_was_killed_is_continued_and_no_user_of_another_application_sees_it(
    fleet: Fleet, shop: Path
) -> None:
    one, two = fleet.names
    with fleet.load() as load:
        on(fleet, one, f"nohup sh -c '{quoted(KILLER)}' > /dev/null 2>&1 &")
        first = leave(fleet, shop)
        assert first.status != 0, first.output
        assert remains(fleet, two) == ["/srv/shop", "shop"], remains(fleet, two)
        assert "/etc/mas/shop" in remains(fleet, one)
        leave(fleet, shop).check()
    assert load.result.failed == 0, load.result
    assert load.result.sent > 500
    for name in fleet.names:
        assert remains(fleet, name) == ["/srv/shop", "shop"], remains(fleet, name)
        assert on(fleet, name, "ls -A /srv/shop").split() == ["shared"]
        assert answers(fleet, name) == "agents 200"
        (entry,) = entries(fleet, name, "decommissioned")
        assert (entry["from"][:5], entry["to"], entry["application"]) == ("1.0.0", None, "shop")
        assert "mas.ops.provision" in entry["rollback_command"]
        assert "deploy_version=1.0.0" in entry["rollback_command"]
    again = leave(fleet, shop).check()
    assert again.output.count("changed=0") == 2, again.output
    back = play(fleet, "rollback", shop)
    assert back.status != 0
    assert "shop was decommissioned on this host at 20" in back.output, back.output


def quoted(script: str) -> str:
    return script.replace("'", "'\\''")


def test_what_was_brought_back_leaves_one_host_with_its_data_and_no_link_leads_out_of_it(
    fleet: Fleet, shop: Path
) -> None:
    one, two = fleet.names
    bring(fleet, shop)
    on(fleet, one, HOSTILE)
    on(fleet, one, "echo mine > /etc/mas/shop/notes")
    play(fleet, "deploy", shop, deploy_version="2.0.0", deploy_until="staged").check()
    gone = {"decommission_shared": "remove"}
    busy = leave(fleet, shop, "--limit", one, **gone)
    assert busy.status != 0
    assert "the deploy of 2.0.0-" in busy.output, busy.output
    assert "deploy_abort=true" in busy.output
    assert answers(fleet, one) == "shop 200"
    on(fleet, one, f"nohup sh -c '{quoted(KILLER)}' > /dev/null 2>&1 &")
    with messages() as (address, received):
        receivers = [{"name": "chat", "kind": "webhook", "url": address}]
        extra = {"change_force_unlock": True, "change_notifications": receivers, **gone}
        killed = leave(fleet, shop, "--limit", one, **extra)
    assert killed.status == 2, killed.output
    assert f"shop was not removed from {one}." in killed.output, killed.output
    assert received == ["not_decommissioned"]
    done = leave(fleet, shop, "--limit", one, change_force_unlock=True, **gone).check()
    assert "/etc/mas/shop has 'notes', which mas.ops did not write" in done.output, done.output
    assert remains(fleet, one) == ["/etc/mas/shop"], remains(fleet, one)
    assert on(fleet, one, "cat /root/precious/file; ls /etc/passwd /etc/mas").split()[0] == "kept"
    assert answers(fleet, two) == "shop 200"
    assert fleet.live() == dict.fromkeys(fleet.names, "1.0.0")


def test_nothing_is_changed_where_the_proxy_needs_the_application(fleet: Fleet, shop: Path) -> None:
    one, two = fleet.names
    own = "/etc/haproxy/conf.d/50-own.cfg"
    lines = "frontend own\\n    bind 127.0.0.1:8999\\n    default_backend agents\\n"
    on(fleet, two, f"printf '{lines}' > {own} && systemctl reload haproxy")
    leaving = {"application_name": "agents", "decommission_confirm": "agents"}
    refused = fleet.play("decommission", **leaving)
    assert refused.status != 0
    assert "HAProxy refuses the new configuration" in refused.output, refused.output
    assert fleet.live() == dict.fromkeys(fleet.names, "1.0.0")
    on(fleet, two, f"rm {own} && systemctl reload haproxy")
    fleet.play("decommission", decommission_shared="remove", **leaving).check()
    for name in fleet.names:
        assert (
            on(fleet, name, "ls -d /srv/agents /etc/mas/agents /var/lib/mas/agents 2>/dev/null || true") == ""
        )
    # It was the last one of this host, and is the only one that left the other.
    assert on(fleet, one, "ls /etc/haproxy/conf.d /etc/haproxy/mas; systemctl is-active haproxy").split() == [
        "/etc/haproxy/conf.d:", "/etc/haproxy/mas:", "active",
    ]  # fmt: skip
    assert answers(fleet, two) == "shop 200"
    fleet.provision().check()
    fleet.deploy("1.0.0").check()
    assert fleet.live() == dict.fromkeys(fleet.names, "1.0.0")
