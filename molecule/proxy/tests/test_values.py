"""HAProxy accepts every value that the checks accept, with the intended meaning: generated sites against its own parser."""

from __future__ import annotations

import base64
import json
import os
import re

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._traffic.config import Main, render_main
from ansible_collections.mas.ops.plugins.module_utils._traffic.host_config import FOLDER, Found, texts
from ansible_collections.mas.ops.plugins.module_utils._traffic.sites import Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from testinfra.host import Host

#: As many as a run of the tests has time for; a bench asks for more.
VALUES = int(os.environ.get("MAS_OPS_VALUES", "300"))
ODD = st.text(st.sampled_from("abc09.-_/:*[]{}()$%\\\"' #;,~@+=\n\r\t\0é日"), max_size=12)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
TIME = st.one_of(ODD, st.from_regex(r"[1-9][0-9]{0,3}(ms|s|m|h|d)", fullmatch=True))
SITE = st.fixed_dictionaries(
    {
        "domains": st.lists(
            st.one_of(ODD, st.lists(LABEL, min_size=1, max_size=4).map(".".join)), max_size=3
        ),
        "address": st.one_of(ODD, st.sampled_from(["*", "127.0.0.1", "[::1]", "[::]"])),
        "trusted": st.lists(st.one_of(ODD, st.sampled_from(["10.0.0.0/8", "2001:db8::/32"])), max_size=2),
        "fallback": st.booleans(),
        "request_id": st.booleans(),
    }
)
TIMES = ("connect", "client", "server", "queue", "http_request", "http_keep_alive", "tunnel")


def accepted(number: int, found: dict[str, object]) -> Site | None:
    base = {"port": 20000 + number, "tls_port": 443, "certificate": "", "redirect": False}
    more = {"frontend_lines": [], "backend_lines": [], "name": f"site-{number}"}
    ports = {"blue": 30000 + 2 * number, "green": 30001 + 2 * number}
    try:
        return Site.parse({**base, **more, "ports": ports, **found})
    except BadInput:
        return None


def main_of(times: list[str], level: str) -> Main | None:
    data = {f"timeout_{name}": value for name, value in zip(TIMES, times, strict=True)}
    rest = {"metrics_address": "127.0.0.1:8405", "log_level": level, "maxconn": 100, "hard_stop_after": "1m"}
    try:
        return Main.parse({**data, **rest}, "/run/haproxy/admin.sock")
    except BadInput:
        return None


@pytest.fixture(scope="module")
def generated() -> tuple[list[Site], list[Main]]:
    sites: list[Site] = []
    mains: list[Main] = []

    @settings(max_examples=VALUES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(SITE, TIME)
    def collect(found: dict[str, object], time: str) -> None:
        site = accepted(len(sites), found)
        main = main_of([time] * len(TIMES), "info")
        sites.extend([site] if site else [])
        mains.extend([main] if main else [])

    collect()
    return sites, mains


def test_haproxy_reads_what_was_meant(host: Host, generated: tuple[list[Site], list[Main]]):
    sites, mains = generated
    assert len(sites) > VALUES / 20, "hardly a value passed: nothing was tried"
    main = mains[0] if mains else main_of(["1s"] * len(TIMES), "info")
    assert main
    files = texts(Found(), main, sites)
    folder = "/tmp/values"
    moved = {
        path: text.replace("(/etc/haproxy/maps/", f"({folder}/etc/haproxy/maps/")
        for path, text in files.items()
    }
    write = (
        "import json, os, sys\n"
        "for path, text in json.load(open('/tmp/values.json')).items():\n"
        f"    path = '{folder}' + path\n"
        "    os.makedirs(os.path.dirname(path), exist_ok=True)\n"
        "    open(path, 'w').write(text)\n"
    )
    put(host, "/tmp/values.json", json.dumps(moved))
    put(host, "/tmp/write.py", write)
    host.check_output("python3 /tmp/write.py")
    done = host.run(f"haproxy -c -f {folder}/etc/haproxy/haproxy.cfg -f {folder}{FOLDER}")
    host.check_output(f"rm -rf {folder} /tmp/values.json /tmp/write.py")
    assert done.rc == 0, done.stderr[-3000:]
    # That the metrics are not logged is meant.
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line and "mas_metrics" not in line]
    assert not warnings


def test_each_time_is_one_that_haproxy_takes(host: Host, generated: tuple[list[Site], list[Main]]):
    _, mains = generated
    assert len(mains) > VALUES / 20, "hardly a value passed: nothing was tried"
    text = "".join(
        re.sub(r"(?s)^.*?defaults\n", f"defaults d{number}\n", render_main(main, FOLDER)).partition(
            "\nfrontend"
        )[0]
        + "\n"
        for number, main in enumerate(mains)
    )
    put(host, "/tmp/times.cfg", text + "frontend x\n    mode http\n    bind 127.0.0.1:8999\n")
    done = host.run("haproxy -c -f /tmp/times.cfg")
    assert done.rc == 0, done.stderr[-3000:]


def put(host: Host, path: str, text: str) -> None:
    """In pieces that a command line can hold."""
    host.check_output(f"rm -f {path}")
    data = base64.b64encode(text.encode()).decode()
    for start in range(0, len(data), 60000):
        host.check_output(f"printf %s {data[start : start + 60000]} | base64 -d >> {path}")
