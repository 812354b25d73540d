"""What a deploy calls live is what users get, and only the application answers for it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest
from fleet import Done, Fleet
from picky import build

pytestmark = pytest.mark.containers

WARM = "cat /etc/haproxy/conf.d/10-agents-warm.cfg"

#: A program that wants a port for as long as it takes, and answers everything with 200.
GREEDY = """
import http.server, sys, time
class Mallory(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"version": "mallory"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
while True:
    try:
        http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Mallory).serve_forever()
    except OSError:
        time.sleep(0.002)
"""


SETTINGS = {"application_fallback": True, "proxy_backend_lines": ["cookie SRV insert indirect nocache"]}


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def fresh(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """A provisioned host that never had a release, whose users keep their version during a canary."""
    run = f"true-{request.param}-{os.getpid()}"
    try:
        fleet = Fleet.up(run, 1, suite=request.param, **SETTINGS)
        fleet.provision().check()
        yield fleet
    finally:
        Fleet.remove(run)


@pytest.fixture(scope="module")
def one(fresh: Fleet) -> Fleet:
    """The host with two releases."""
    for version in ("1.0.0", "1.1.0"):
        build(fresh, version)
        fresh.deploy(version).check()
    return fresh


def on(fleet: Fleet, command: str) -> str:
    return str(fleet.bed.exec(fleet.names[0], ["sh", "-c", command]))


def live(fleet: Fleet) -> str:
    return fleet.live()[fleet.names[0]]


def slot(fleet: Fleet) -> tuple[str, int]:
    """The live slot and its port."""
    held = json.loads(on(fleet, "cat /var/lib/mas/agents/state.json"))["live"]
    return str(held), {"blue": 8101, "green": 8102}[held]


def refused(done: Done, *words: str) -> None:
    assert done.status, done.output
    flat = " ".join(done.output.split())
    for word in words:
        assert word in flat, done.output


def test_the_account_of_an_operator_stays_as_it_is(fresh: Fleet) -> None:
    """It may be the way in to the host."""
    on(fresh, "useradd --create-home --shell /bin/bash ops")
    before = on(fresh, "getent passwd ops")
    fresh.set(**SETTINGS, application_user="ops", application_group="ops")
    fresh.provision().check()
    assert on(fresh, "getent passwd ops") == before
    assert on(fresh, "stat -c %U /srv/agents/shared").strip() == "ops"
    fresh.set(**SETTINGS)
    fresh.provision().check()


def test_users_get_nothing_where_nothing_is_live(fresh: Fleet) -> None:
    """Neither from whoever listens on the port of an empty slot, nor from what is only staged."""
    with greedy(fresh, 8101, "nobody"), greedy(fresh, 8102, "nobody", "mallory-2"):
        time.sleep(2)
        assert "503" in live(fresh)
        on(fresh, "systemctl restart haproxy && sleep 1")
        assert "503" in live(fresh)
    build(fresh, "0.9.0")
    fresh.deploy("0.9.0", deploy_until="staged").check()
    assert ":8101" in on(fresh, "ss -ltn")
    for change in ("true", "systemctl reload haproxy && sleep 1", "systemctl restart haproxy && sleep 1"):
        on(fresh, change)
        assert "503" in live(fresh)
    fresh.deploy("0.9.0", deploy_abort=True).check()
    fresh.deploy("0.9.0").check()
    assert live(fresh) == "0.9.0"
    fresh.deploy("0.9.0", deploy_abort=True).check()
    assert "503" in live(fresh)


def test_a_release_that_refuses_the_proxys_host_is_refused(one: Fleet) -> None:
    """As Django's ALLOWED_HOSTS does: 200 for 127.0.0.1, 400 for users."""
    build(one, "2.0.0", hosts=("127.0.0.1", "localhost"))
    refused(one.deploy("2.0.0"), "2.0.0-", "it answered 400", "with Host agents wants 200")
    assert live(one) == "1.1.0"


def test_a_program_that_is_not_there_is_named(one: Fleet) -> None:
    build(one, "2.0.1", command="gunicorn picky:app")
    refused(one.deploy("2.0.1"), "gunicorn")
    assert live(one) == "1.1.0"


def test_the_proxy_checks_what_the_release_says(one: Fleet) -> None:
    """Another path, another status: nothing of the inventory has to be changed for it, also on the way back."""
    build(one, "2.1.0", health="/ready/now?a=1&b=2", status=201)
    one.deploy("2.1.0").check()
    assert live(one) == "2.1.0"
    one.rollback().check()
    assert live(one) == "1.1.0"


@pytest.mark.parametrize("user", ["root", "agents"])
def test_a_stranger_in_the_idle_slot_is_named(one: Fleet, user: str) -> None:
    """Also an old process of the application itself: only the unit's own answer for it."""
    port = {8101: 8102, 8102: 8101}[slot(one)[1]]
    with greedy(one, port, user):
        on(one, f"systemctl kill --signal KILL 'agents-api@*' && sleep 1 && ss -ltn | grep -c :{port}")
        build(one, "2.2.0")
        refused(one.deploy("2.2.0"), f"port {port}", f"user {user}, unit mallory.service")
    time.sleep(3)
    assert live(one) == "1.1.0"


class greedy:  # noqa: N801 - a context
    """Mallory at work on a port."""

    def __init__(self, fleet: Fleet, port: int, user: str = "root", unit: str = "mallory") -> None:
        self.fleet, self.port, self.user, self.unit = fleet, port, user, unit

    def __enter__(self) -> None:
        run = f"systemd-run --quiet --unit={self.unit} --uid={self.user} python3 /opt/greedy.py {self.port}"
        text = GREEDY.replace("'", "'\\''")
        on(self.fleet, f"printf %s '{text}' > /opt/greedy.py && {run}")

    def __exit__(self, *_: object) -> None:
        on(self.fleet, f"systemctl stop {self.unit}; systemctl reset-failed {self.unit} 2>/dev/null; true")


def test_the_next_version(one: Fleet) -> None:
    """What was gone back from never stands in for the live release; the version before the next one does."""
    assert "_WARM 1" not in on(one, WARM)
    build(one, "2.3.0")
    one.deploy("2.3.0").check()
    assert "_WARM 1" in on(one, WARM)


def test_a_stranger_never_gets_requests_after_a_crash(one: Fleet) -> None:
    """It waits for the port of the live slot, gets it, and answers the health check as the application does."""
    name, port = slot(one)
    url = one.urls()[0]
    ask = f"for i in $(seq 150); do curl -s -m 2 {url.replace(url.split('/')[2], '127.0.0.1')}; echo; sleep 0.02; done"
    with greedy(one, port):
        said = on(
            one,
            f"({ask}) > /tmp/said & sleep 0.5; kill -9 $(systemctl show -P MainPID agents-api@{name}); wait; cat /tmp/said",
        )
        assert f":{port}" in on(one, "ss -ltnp | grep greedy || ss -ltn")
    assert '"1.1.0"' in said, "the release before should have answered"
    # Until the unit has taken the slot out of the proxy, nothing holds the port; only listen: systemd closes that gap.
    answers = [line for line in said.split("\n") if line.startswith("{")]
    strange = [number for number, line in enumerate(answers) if "mallory" in line]
    assert len(strange) <= 40, "for longer than a second"
    assert not strange or strange[-1] - strange[0] < len(strange), "again, after it had been set aside"
    for _ in range(100):
        if live(one) == "2.3.0":
            break
        time.sleep(0.2)
    assert live(one) == "2.3.0"


def test_the_release_before_answers_while_the_live_one_is_down(one: Fleet) -> None:
    name, _ = slot(one)
    with one.load(rate=50) as load:
        time.sleep(1)
        on(one, f"kill -9 $(systemctl show -P MainPID agents-api@{name})")
        time.sleep(5)
    assert load.result.failed == 0, load.result
    last = json.loads(on(one, "tail -n 1 /var/lib/mas/ledger.jsonl"))
    assert (last["action"], last["result"]) == ("fallback", "signal")
    assert live(one) == "2.3.0"


def test_users_keep_their_version_only_while_there_are_two(one: Fleet) -> None:
    name, _ = slot(one)
    other = {"blue": "green", "green": "blue"}[name]

    def split(percent: int) -> None:
        words = f'application=agents split={{"{name}":{100 - percent},"{other}":{percent}}}'
        one.ansible("mas.ops.traffic", "-a", words, "--become").check()

    def who(cookie: str) -> set[str]:
        command = f"for i in $(seq 12); do curl -s -b SRV={cookie} http://127.0.0.1/version; echo; done"
        return {json.loads(line)["version"] for line in on(one, command).split("\n") if line.strip()}

    split(50)
    assert who(name) == {"2.3.0"}
    assert who(other) == {"1.1.0"}
    split(0)
    assert who(other) == {"2.3.0"}


def test_the_front_door_is_asked(one: Fleet) -> None:
    """Slot and proxy are content, and users are not: a rule of the frontend denies the path."""
    one.set(
        application_fallback=True,
        proxy_frontend_lines=["http-request deny if { path /health }"],
    )
    one.provision().check()
    build(one, "3.0.0")
    refused(one.deploy("3.0.0"), "users do not get 3.0.0-", "it answered 403")
    assert live(one) == "2.3.0"
    one.set(
        application_fallback=True,
        proxy_frontend_lines=["http-request deny if { path /health }"],
        application_front_door={"path": "/version"},
    )
    one.provision().check()
    one.deploy("3.0.0").check()
    assert live(one) == "3.0.0"
