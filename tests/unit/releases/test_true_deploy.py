"""What is called live and confirmed is what users get: port, proxy and front door are asked, all with one check."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    HealthError,
    OpsError,
    Refused,
    TrafficError,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.application import (
    Sandbox,
    other,
    parse_application,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.health import (
    Endpoint,
    HealthCheck,
    HttpAnswer,
    slot_endpoint,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.traffic_steps import parse_traffic_steps
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, FakeHost, live, release

STRANGER = "python3 (pid 4242, user mallory, unit session-7.scope)"


@pytest.fixture
def host() -> FakeHost:
    host = FakeHost()
    host.deploy("1.0.0")
    return host


def test_all_checks_are_one(host: FakeHost) -> None:
    """Path and Host header of the slot's own port, of the proxy's check and of the front door."""
    asked: list[tuple[Endpoint, HealthCheck]] = []
    ask = host.ask

    def recorded(endpoint: Endpoint, check: HealthCheck) -> HttpAnswer:
        asked.append((endpoint, check))
        return ask(endpoint, check)

    host.ask = recorded  # type: ignore[method-assign]
    host.do("staged", "2.0.0")
    host.do("live", "2.0.0")
    endpoints = {endpoint for endpoint, _ in asked}
    assert endpoints == {slot_endpoint(8101), slot_endpoint(8102), Endpoint("127.0.0.1", 80)}
    checks = {replace(check, by_whom=False) for _, check in asked}
    assert checks == {host.checks["green"]} == {HealthCheck("/health", "agents", 200)}
    # Through the front door it also matters who answers.
    assert {endpoint.port for endpoint, check in asked if check.by_whom} == {80}


def test_the_proxy_forgets_the_process_before(host: FakeHost) -> None:
    """Its UP is that of a process which is gone; it is set down before the new one starts, and never afterwards."""
    started: list[tuple[str, bool]] = []
    start = host.start

    def recorded(units: list[str]) -> None:
        if "api@green" in units[0]:
            started.append((units[0], "green" in host.proxy_down))
        start(units)

    host.start = recorded  # type: ignore[method-assign, assignment]
    host.do("staged", "2.0.0")
    assert started == [("agents-api@green.service", True)]
    assert not host.proxy_down


def test_a_live_slot_that_runs_is_not_set_down(host: FakeHost) -> None:
    down: list[str] = []
    host.set_down = down.append  # type: ignore[method-assign]
    host.do("staged", "2.0.0")
    host.do("live", "2.0.0")
    host.do("rolled_back")
    assert down == ["green"]


def test_a_front_door_that_answers_otherwise_takes_the_host_back(host: FakeHost) -> None:
    host.do("staged", "2.0.0")
    host.front_status = 400
    with pytest.raises(
        HealthError, match=r"users do not get 2\.0\.0-222222222222: it answered 400"
    ) as caught:
        host.do("live", "2.0.0")
    assert "http://127.0.0.1:80/health with Host agents wants 200" in caught.value.where
    assert live(host) == release("1.0.0")
    assert host.weights == {"blue": 100, "green": 0}


def test_the_same_deploy_again_asks_the_front_door(host: FakeHost) -> None:
    """Nothing is left to be changed, and users get nothing all the same: a green end would be a lie."""
    host.do("staged", "1.0.0")
    host.do("live", "1.0.0")
    host.front_status = 403
    host.do("staged", "1.0.0")
    with pytest.raises(HealthError, match=r"users do not get 1\.0\.0-111111111111: it answered 403"):
        host.do("live", "1.0.0")
    assert live(host) == release("1.0.0")


def test_a_confirmation_asks_the_front_door(host: FakeHost) -> None:
    host.do("staged", "2.0.0")
    host.do("live", "2.0.0", confirm_timeout=60.0)
    host.front_status = 503
    with pytest.raises(HealthError, match="users do not get"):
        host.do("confirmed", "2.0.0")
    assert host.armed_file
    assert not any(entry["action"] == "confirmed" for entry in host.ledger)


def test_a_confirmation_asks_the_proxy(host: FakeHost) -> None:
    host.do("staged", "2.0.0")
    host.do("live", "2.0.0", confirm_timeout=60.0)
    host.proxy_blind = True
    with pytest.raises(TrafficError):
        host.do("confirmed", "2.0.0")
    host.proxy_blind = False
    host.weights = {"blue": 50, "green": 50}
    with pytest.raises(TrafficError, match="does not give all requests to the green slot"):
        host.do("confirmed", "2.0.0")
    assert host.armed_file


def test_the_same_deploy_once_more_looks_as_well(host: FakeHost) -> None:
    """There is nothing to change, and still users get an error."""
    host.do("confirmed", "1.0.0")
    host.front_status = 503
    with pytest.raises(HealthError, match="users do not get"):
        host.do("confirmed", "1.0.0")


@pytest.mark.parametrize("taken", ["staged", "live", "confirmed"])
def test_a_stranger_on_the_port_is_named(host: FakeHost, taken: str) -> None:
    """It answers as the application would: at stage, at the switch and at the confirmation."""
    for state in ("staged", "live", "confirmed"):
        more = {"confirm_timeout": 60.0} if state == "live" else {}
        if state == taken:
            host.strangers[APP.ports["green"]] = STRANGER
            with pytest.raises(OpsError, match="mallory") as caught:
                host.do(state, "2.0.0", **more)
            assert isinstance(caught.value, HealthError | Refused)
            assert STRANGER in str(caught.value)
            break
        host.do(state, "2.0.0", **more)
    assert not any(entry["action"] == "confirmed" for entry in host.ledger)


def test_a_stranger_makes_no_slot_healthy(host: FakeHost) -> None:
    host.strangers[APP.ports["blue"]] = STRANGER
    slots = host.do("staged", "1.0.0", check=True)[1]["slots"]
    assert not slots["blue"]["healthy"]
    assert slots["blue"]["port_taken"]
    assert slots["blue"]["stranger"] == STRANGER
    with pytest.raises(HealthError, match="another program listens"):
        host.do("confirmed", "1.0.0", check=True)


@pytest.fixture
def forgiving() -> FakeHost:
    """A host of an application whose release before answers while the live one is down."""
    assert APP.proxy
    host = FakeHost(layout=Layout(replace(APP, proxy=replace(APP.proxy, fallback=True))))
    host.deploy("1.0.0")
    assert host.stands_in is None
    host.deploy("2.0.0")
    return host


def test_the_warm_release_stands_in(forgiving: FakeHost) -> None:
    assert forgiving.stands_in == "blue"
    forgiving.deploy("3.0.0")
    assert forgiving.stands_in == "green"


def test_what_is_only_staged_or_was_left_never_stands_in(forgiving: FakeHost) -> None:
    forgiving.do("staged", "3.0.0")
    assert forgiving.stands_in is None
    forgiving.do("live", "3.0.0")
    assert forgiving.stands_in == "green"
    forgiving.do("rolled_back")
    assert forgiving.stands_in is None


def test_the_warm_release_stands_in_again_when_a_deploy_was_put_back(forgiving: FakeHost) -> None:
    forgiving.broken.add("3.0.0")
    with pytest.raises(HealthError):
        forgiving.do("staged", "3.0.0")
    assert forgiving.slots["blue"] == release("1.0.0")
    assert forgiving.stands_in == "blue"


def test_the_warm_release_stands_in_again_when_a_switch_was_put_back(forgiving: FakeHost) -> None:
    forgiving.do("staged", "3.0.0")
    forgiving.front_status = 403
    with pytest.raises(HealthError, match="users do not get"):
        forgiving.do("live", "3.0.0")
    assert live(forgiving) == release("2.0.0")
    assert forgiving.slots["blue"] == release("1.0.0")
    assert forgiving.stands_in == "blue"


def test_the_warm_release_stands_in_again_when_a_switch_was_left(forgiving: FakeHost) -> None:
    forgiving.do("staged", "3.0.0")
    forgiving.do("live", "3.0.0", confirm_timeout=60.0)
    forgiving.do("rolled_back", from_version=release("3.0.0"))
    assert live(forgiving) == release("2.0.0")
    assert forgiving.slots["blue"] == release("1.0.0")
    assert forgiving.stands_in == "blue"


def test_nothing_stands_in_unless_it_was_asked_for(host: FakeHost) -> None:
    host.deploy("2.0.0")
    assert host.stands_in is None


SITE = {
    "address": "[::]", "port": 8080, "tls_port": 8443, "certificate": "", "redirect": False, "domains": [],
}  # fmt: skip


@pytest.mark.parametrize(
    "site, answers, url, asked",
    [
        ({}, {}, "http://[::1]:8080", ("/health", "agents", 200)),
        ({"address": "*", "certificate": "/x.pem"}, {}, "http://127.0.0.1:8080", ("/health", "agents", 200)),
        ({"address": "192.0.2.1", "certificate": "/x.pem", "redirect": True}, {"path": "/login", "expected": 401},
         "https://192.0.2.1:8443", ("/login", "agents", 401)),
        # Requests find it by its names only.
        ({"domains": ["a.example", "b.example"]}, {}, "http://[::1]:8080", ("/health", "a.example", 200)),
        ({"domains": ["a.example", "agents"]}, {}, "http://[::1]:8080", ("/health", "agents", 200)),
    ],
)  # fmt: skip
def test_where_the_front_door_is(
    site: dict[str, object], answers: dict[str, object], url: str, asked: tuple[str, str, int]
) -> None:
    """As the proxy was configured last, whoever did it."""
    proxy = {"backend": "agents", "socket": "/s", "split": "/p", "front": answers}
    app = parse_application(described(proxy), "x", {**SITE, **site})
    assert app.proxy
    assert app.proxy.front
    assert app.proxy.front.endpoint.url == url
    check = app.proxy.front_check(HealthCheck("/health", "agents", 200))
    assert (check.path, check.host, check.expected) == asked


def test_the_contract_keeps_how_the_front_door_answers() -> None:
    """The role writes it through this; where the front door is, is not part of it."""
    front = {"path": "/login", "expected": 401}
    proxy = {"backend": "agents", "socket": "/s", "split": "/p", "front": front, "fallback": True}
    for site in (None, SITE):
        app = parse_application(described(proxy), "x", site)
        assert app.to_dict()["proxy"] == proxy


def test_a_proxy_that_the_role_did_not_configure_has_no_front_door() -> None:
    proxy = {"backend": "agents", "socket": "/s", "split": "/p"}
    app = parse_application(described(proxy), "x")
    assert app.proxy
    assert app.proxy.front is None


def described(proxy: dict[str, object]) -> dict[str, object]:
    return {
        "name": "agents", "environment": "test", "user": "agents", "group": "agents", "root": "/srv/agents",
        "web": True, "slots": {"blue": {"port": 1}, "green": {"port": 2}}, "proxy": proxy, "signers": "/x",
        "environment_file": "/x", "sandbox": Sandbox().to_dict(),
    }  # fmt: skip


def test_a_way_back_does_not_need_the_front_door(host: FakeHost) -> None:
    """Whatever is wrong with it: users are better off with the release before than with a way back that stops."""
    host.deploy("2.0.0")
    host.front_status = 503
    host.do("rolled_back")
    assert live(host) == release("1.0.0")


def test_a_deploy_of_what_is_live_says_which_settings_it_does_not_bring(host: FakeHost) -> None:
    host.changed[host.state().live or ""] = ("environment",)
    for check in (True, False):
        (warning,) = host.do("staged", "1.0.0", check=check)[1]["warnings"]
        assert "Changed since then: environment." in warning
        assert "mas.ops.restart" in warning
    assert "warnings" not in host.do("staged", "2.0.0")[1]


def test_a_deploy_to_a_warm_slot_starts_it_with_the_settings_of_today(host: FakeHost) -> None:
    """A secret that was changed since 1.0.0 was live would come back with it."""
    host.deploy("2.0.0")
    warm = other(host.state().live or "")
    assert not host.do("staged", "1.0.0", check=True)[0].changed
    host.changed[warm] = ("environment",)
    plan, dummy = host.do("staged", "1.0.0", check=True)
    assert f"start_web {warm}" in plan.describe()
    assert "assign" in " ".join(plan.describe())


def test_limits_of_a_process_that_the_version_does_not_have_are_named(host: FakeHost) -> None:
    """A process that was renamed would run without bounds, without a warning."""
    bounds = {"api": {"MemoryMax": "1G"}, "mailer": {"MemoryMax": "1G"}, "migration": {"MemoryMax": "1G"}}
    app = replace(host.layout.app, sandbox=replace(host.layout.app.sandbox, limits=bounds))
    host.layout = Layout(app)
    (warning,) = host.do("staged", "2.0.0")[1]["warnings"]
    assert "has no process mailer, so its application_limits have no effect" in warning


@pytest.mark.parametrize("server", ["agents/blue_warm", "shop/green", "agents/green_warm", " "])
def test_an_answer_of_another_program_is_not_that_of_the_release(host: FakeHost, server: str) -> None:
    """The expected status proves little: the frontend may send users to another backend, or answer by itself."""
    host.answers_front = server
    with pytest.raises(HealthError, match=r"users do not get 2.*not that of agents/green, but of") as caught:
        host.deploy("2.0.0")
    assert "mas.ops.provision -e application_name=agents" in str(caught.value)
    assert live(host) == release("1.0.0")
    host.answers_front = ""
    host.deploy("2.0.0")
    host.answers_front = server
    (warning,) = host.do("rolled_back")[1]["warnings"]
    assert "users do not get 1" in warning


def test_new_workers_start_right_before_the_last_step(host: FakeHost) -> None:
    """As long as a release is only tried, queues are worked off by the workers of the live one."""
    host.do("staged", "2.0.0")
    plan, _ = host.do(
        "live", "2.0.0", check=True, traffic_steps=parse_traffic_steps([10, 50], 0.0), confirm_timeout=60.0
    )
    steps = [step for step in plan.describe() if not step.startswith(("arm", "remove"))]
    assert steps == [
        "shift green 10 %",
        "shift green 50 %",
        "start_workers green",
        "await_workers green",
        "shift green",
        "ask_front_door green",
        "stop_workers blue",
        "commit green",
    ]
