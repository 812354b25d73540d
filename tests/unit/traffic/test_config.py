"""HAProxy's configuration: every value is checked where it enters, and all applications of a host fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, Refused
from ansible_collections.mas.ops.plugins.module_utils._releases.neighbours import advice
from ansible_collections.mas.ops.plugins.module_utils._traffic import values
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters import config_files
from ansible_collections.mas.ops.plugins.module_utils._traffic.config import (
    Main,
    render_backend,
    render_front,
)
from ansible_collections.mas.ops.plugins.module_utils._traffic.host_config import (
    FOLDER,
    KEEP_OUT,
    MAIN,
    OPTIONS,
    SERVICE,
    Found,
    Held,
    merged,
    plan_config,
    refuse_held,
    texts,
)
from ansible_collections.mas.ops.plugins.module_utils._traffic.sites import Site, check_together
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import Split, parse
from hypothesis import given
from hypothesis import strategies as st

DEFAULTS: dict[str, Any] = {
    "port": 80, "tls_port": 443, "address": "*", "domains": [], "certificate": "", "redirect": False,
    "request_id": True, "trusted": [], "frontend_lines": [], "backend_lines": [], "fallback": False,
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    "metrics_address": "127.0.0.1:8404", "log_level": "info", "maxconn": 4000, "hard_stop_after": "15m",
    "timeout_connect": "2s", "timeout_client": "30s", "timeout_server": "30s", "timeout_queue": "10s",
    "timeout_http_request": "10s", "timeout_http_keep_alive": "10s", "timeout_tunnel": "1h",
}  # fmt: skip
MAIN_SETTINGS = Main.parse(SETTINGS, "/run/haproxy/admin.sock")


def site(name: str, first: int = 8101, **more: Any) -> Site:
    return Site.parse({"name": name, "ports": {"blue": first, "green": first + 1}, **more}, DEFAULTS)


NAMED = {"domains": ["shop.example.com"]}


@pytest.mark.parametrize(
    "sites, says",
    [
        ([site("shop"), site("blog", 8103)], "blog and shop both want all requests of port 80"),
        ([site("shop", **NAMED), site("blog", 8103, **NAMED)], "both want the requests for shop.example.com"),
        ([site("shop"), site("blog", 8102, **NAMED)], "port 8102 is wanted by the blue slot of blog"),
        ([site("shop"), site("blog", **NAMED)], "takes one value for both applications"),
        ([site("shop", 80)], "port 80 is wanted by"),
        ([site("shop", port=8404)], "the metrics of the proxy"),
        ([site("shop"), site("shop", 8103)], "two applications are called shop"),
        ([site("shop"), site("blog", 8103, **NAMED, address="192.0.2.1")], "disagree about its address"),
        ([site("shop", frontend_lines=["http-request deny"]), site("blog", 8103, **NAMED)], "lines for it"),
        ([site("shop", certificate="/a.pem"), site("blog", 8103, port=443)], "port 443 is wanted by"),
    ],
)
def test_what_does_not_fit_on_one_host(sites: list[Site], says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        check_together(sites, 8404)
    assert caught.value.fix


def test_applications_behind_one_port() -> None:
    sites = [site("shop", **NAMED), site("blog", 8103, domains=["blog.example.com", "www.example.com"])]
    check_together(sites, 8404)
    text = render_front(sorted(sites, key=lambda found: found.name))
    assert text.count("frontend ") == 1
    assert "set-var(txn.mas_site) str(shop) if { var(txn.mas_host) -m str shop.example.com }" in text
    assert "str(blog) if { var(txn.mas_host) -m str blog.example.com www.example.com }" in text
    assert "return status 404 unless { var(txn.mas_site) -m found }" in text


def test_the_other_applications_of_the_host_stay() -> None:
    before = [site("blog", 8103, **NAMED)]
    assert [found.name for found in merged([site("shop")], before, 8404)] == ["shop", "blog"]
    with pytest.raises(BadInput, match="both want the requests"):
        merged([site("shop", **NAMED)], before, 8404)


def test_variables_that_are_no_more() -> None:
    for gone in ("health_path", "health_status"):
        with pytest.raises(BadInput, match=rf"{gone} is no longer a variable .*in mas\.yml"):
            site("shop", **{gone: "/ping"})


@pytest.mark.parametrize(
    "line",
    [
        "backend other",
        " frontend x",
        "global",
        '"backend" x',
        "list\\en x",
        "a\nb",
        "a\0",
        ".if x",
        "${X} y",
        "\ud800",
    ],
)
def test_lines_stay_in_their_section(line: str) -> None:
    with pytest.raises(BadInput):
        site("shop", backend_lines=[line])


@pytest.mark.parametrize(
    "check, good, bad",
    [
        (values.time, ["1ms", "30s", "24d"], ["30", "0s", "1us", "25d", "1.5s", "1s\n", "9999999999ms", 30, None]),
        (values.host, ["a", "shop.example.com", "SHOP.example.com"],
         ["", "a b", "a_b.c", "-a", "a-", "a..b", "a.", "a:80", "é.com", "a\n", "x" * 64, "%[src]", "a;b", None]),
        (values.path, ["/etc/haproxy/a.pem"], ["", "a.pem", "/a b", "/a'", '/a"', "/a$B", "/a\n", "/a;b", "/"]),
        (values.address, ["*", "192.0.2.1", "[::]", "[2001:db8::1]"],
         ["", "::", "192.0.2.1:80", "a", "[192.0.2.1]", "*:80", "0", "[::%eth0]", "192.0.2.1 x"]),
        (values.network, ["192.0.2.0/24", "10.0.0.1", "2001:db8::/32"], ["", "a", "10.0.0.0/33", "1 2", "::%x"]),
        (values.name, ["shop", "a-b"], ["", "Shop", "a_b", "1a", "a" * 32, "a\n", None]),
        (values.socket, ["127.0.0.1:8404", "*:1", "[::1]:8404"], ["8404", ":8404", "127.0.0.1", "a:1", "*:0", "*:1x"]),
    ],
)  # fmt: skip
def test_values(check: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        check(value, "field")
    for value in bad:
        with pytest.raises(BadInput, match=r"^field must be"):
            check(value, "field")


@given(st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text(), max_size=2)))
def test_whatever_is_given_is_one_word_or_refused(value: Any) -> None:
    for check in (values.time, values.host, values.path, values.address, values.network, values.name):
        try:
            word = str(check(value, "field"))
        except BadInput:
            continue
        assert word.isascii()
        assert word.isprintable()
        assert not set(word) & set(" \"'\\$#;{}%()")


def test_client_headers_are_replaced() -> None:
    text = render_front([site("shop")])
    for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded"):
        assert f"    http-request del-header {name}\n" in text
    trusting = render_front([site("shop", trusted=["10.0.0.0/8"])])
    assert "acl mas_trusted src 10.0.0.0/8\n" in trusting
    assert "http-request del-header X-Forwarded-For unless mas_trusted\n" in trusting


def test_affinity_ends_with_the_other_version() -> None:
    text = render_backend(site("shop", backend_lines=["cookie SRV insert indirect nocache"]))
    assert "ignore-persist if { srv_uweight(shop/blue) eq 0 } || { srv_uweight(shop/green) eq 0 }" in text
    assert 'server blue "127.0.0.1:${MAS_SHOP_BLUE_PORT}" weight "${MAS_SHOP_BLUE}" cookie blue' in text


def test_first_files_come_from_what_the_slots_hold() -> None:
    """A host that ran before the role wrote such files must not be checked with something else."""
    held = {"shop": {"blue": Held("/ping", "shop.example.com", 204, 5.0, 9101)}}
    files = texts(Found(slots=held), MAIN_SETTINGS, [site("shop")])
    assert files["/etc/haproxy/maps/shop-path.map"] == "blue /ping\ngreen /\n"
    assert files["/etc/haproxy/maps/shop-host.map"] == "blue shop.example.com\ngreen localhost\n"
    assert "MAS_SHOP_STATUS 204\n" in files[f"{FOLDER}/10-shop-slots.cfg"]
    assert "MAS_SHOP_BLUE_PORT 9101\n" in files[f"{FOLDER}/10-shop-slots.cfg"]
    assert "MAS_SHOP_GREEN_PORT 8102\n" in files[f"{FOLDER}/10-shop-slots.cfg"]


def test_what_the_modules_wrote_stays() -> None:
    first = texts(Found(), MAIN_SETTINGS, [site("shop")])
    changed = {**first, f"{FOLDER}/10-shop-split.cfg": "theirs", "/etc/haproxy/maps/shop-path.map": "theirs"}
    assert not plan_config(Found(changed), MAIN_SETTINGS, [site("shop", 9101)]).changed
    stale = {**changed, f"{FOLDER}/30-mas-81.cfg": "old"}
    assert plan_config(Found(stale), MAIN_SETTINGS, [site("shop")]).describe() == [
        f"remove {FOLDER}/30-mas-81.cfg"
    ]


def test_somebodys_own_main_file_is_not_replaced_unasked() -> None:
    found = Found({MAIN: "global\n    # mine\n"}, (MAIN,))
    with pytest.raises(Refused, match=r"haproxy\.cfg is .*not of this role.*proxy_take_over"):
        plan_config(found, MAIN_SETTINGS, [site("shop")])
    plan = plan_config(found, MAIN_SETTINGS, [site("shop")], take_over=True)
    assert plan.describe()[0] == f"keep {MAIN}"
    assert f"write {OPTIONS}" in plan.describe()


def test_a_port_that_another_file_listens_on() -> None:
    found = Found({f"{FOLDER}/admin.cfg": "frontend x\n    bind 192.0.2.1:81,*:80 ssl\n"})
    with pytest.raises(Refused, match="listens on port 80 already"):
        plan_config(found, MAIN_SETTINGS, [site("shop")])
    plan_config(found, MAIN_SETTINGS, [site("shop", port=8080)])


def test_a_boot_begins_without_the_slots() -> None:
    """Each unit takes its own slot in; those of an application that no release is made of stay as they are."""
    files = texts(Found(slots={"shop": {}}), MAIN_SETTINGS, [site("shop"), site("blog", 8103, **NAMED)])
    assert "/etc/tmpfiles.d/mas-blog.conf" not in files
    for slot in ("blue", "green"):
        line = next(line for line in files["/etc/tmpfiles.d/mas-shop.conf"].splitlines() if slot in line)
        assert line.startswith(
            f"f+! {FOLDER}/10-shop-{slot}-state.cfg 0644 root root - # Written by mas.ops: "
        )
        assert line.endswith(f"\\nglobal\\n    setenv MAS_SHOP_{slot.upper()}_STATE disabled\\n")
    assert '"${MAS_SHOP_BLUE_STATE-enabled}"' in files[f"{FOLDER}/20-shop.cfg"]


def test_a_slot_that_is_down_when_its_file_is_first_written_stays_out() -> None:
    held = {"shop": {"blue": Held("/", "shop", 200, 1.0, 8101, serves=False)}}
    files = texts(Found(slots=held), MAIN_SETTINGS, [site("shop")])
    assert "_BLUE_STATE disabled\n" in files[f"{FOLDER}/10-shop-blue-state.cfg"]
    assert "_GREEN_STATE enabled\n" in files[f"{FOLDER}/10-shop-green-state.cfg"]


@pytest.mark.parametrize(
    "live, split",
    [((), (0, 0)), (("blue",), (100, 0)), (("green",), (0, 100))],
    ids=["none", "blue", "green"],
)
def test_users_first_get_what_is_live_or_nothing(live: tuple[str, ...], split: tuple[int, int]) -> None:
    """What is only staged, or whoever listens on the port of an empty slot, is nothing for users."""
    held = {slot: Held("/", "shop", 200, 1.0, 8101, live=slot in live) for slot in ("blue", "green")}
    files = texts(Found(slots={"shop": held}), MAIN_SETTINGS, [site("shop")])
    assert parse("shop", files[f"{FOLDER}/10-shop-split.cfg"]) == Split(*split)


@pytest.mark.parametrize("mode, kept", [(0o600, True), (0o400, True), (0o644, False), (0o640, False)])
def test_a_certificate_that_others_read_is_written_again(tmp_path: Path, mode: int, kept: bool) -> None:
    path = tmp_path / "x.pem"
    path.write_text("key")
    path.chmod(mode)
    assert config_files.same(str(path), "key") == kept
    assert not config_files.same(str(path), "other")
    assert not config_files.same(str(tmp_path / "none"), "key")


def test_what_is_not_served_any_more_leaves_nothing_behind() -> None:
    sites = [site("shop"), site("shop-two", 8103, **NAMED)]
    released: dict[str, Any] = {"shop": {}, "shop-two": {}}
    records = {f"/etc/haproxy/mas/{found.name}.json": "{}" for found in sites}
    files = {**texts(Found(slots=released), MAIN_SETTINGS, sites), **records}
    others, gone = [sites[1]], ["shop"]
    plan = plan_config(Found(files, (), released), MAIN_SETTINGS, others, gone=gone)
    removed = {step.target for step in plan.steps if step.action == "remove"}
    left = {path for path in files if "shop" in path and "shop-two" not in path}
    assert removed == left
    assert len(removed) == 10
    assert [step.target for step in plan.steps if step.action == "write"] == [f"{FOLDER}/30-mas-80.cfg"]
    found = Found({path: text for path, text in files.items() if path not in left}, (), released)
    after = Found({**found.files, **texts(found, MAIN_SETTINGS, others, gone)}, (), released)
    assert not set(after.files) & left
    assert not plan_config(after, MAIN_SETTINGS, others, gone=gone).changed


def test_what_a_start_of_the_proxy_runs() -> None:
    """It is there with the first application and goes with the last one, and no failure of it bars the start."""
    shop = [site("shop")]
    files = texts(Found(keep_out="program"), MAIN_SETTINGS, shop)
    assert files[KEEP_OUT] == "program"
    lines = [line for line in files[SERVICE].splitlines() if not line.startswith("#")]
    run = "-/usr/bin/python3 -I -S /etc/haproxy/mas/keep_out.py"
    where = "/etc/haproxy/conf.d /run/haproxy/admin.sock"
    assert lines == ["[Service]", f"ExecStartPost={run} start {where}", f"ExecReload={run} reload {where}"]
    found = Found(files, keep_out="newer")
    plan = plan_config(found, MAIN_SETTINGS, shop)
    assert [(step.action, step.target) for step in plan.steps] == [("write", KEEP_OUT)]
    removed = {
        step.target
        for step in plan_config(found, MAIN_SETTINGS, [], gone=["shop"]).steps
        if step.action == "remove"
    }
    assert {KEEP_OUT, SERVICE} <= removed
    assert not {KEEP_OUT, SERVICE} & set(texts(found, MAIN_SETTINGS, [], ["shop"]))


def test_what_runs_is_served() -> None:
    with pytest.raises(
        Refused, match="application_web is false, and slot blue of shop still serves requests"
    ):
        refuse_held(["shop"], {"shop": {"blue": Held("/", "shop", 200, 1.0, 8101)}}, advice)
    refuse_held(["shop", "blog"], {"shop": {}}, advice)
