"""The action as Ansible sees it, with readings, values, and a Prometheus that answers as the real one does."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible_collections.mas.ops.plugins.action import canary_verdict
from ansible_collections.mas.ops.plugins.modules import canary_verdict as module

from .test_bake import result

QUERIES = {name: name for name in module.QUERIES}
GOOD = {
    "canary_requests": 100.4,
    "canary_errors": 0,
    "baseline_requests": 899.7,
    "baseline_errors": 0.2,
    "canary_latency": 12.5,
    "baseline_latency": 12,
}


def run(**args: Any) -> dict[str, Any]:
    task = SimpleNamespace(
        args=args, check_mode=False, diff=False, async_val=0, action="x", delegate_to=None, get_name=str
    )
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    action = canary_verdict.ActionModule(task, connection, MagicMock(), MagicMock(), MagicMock(), None)
    answer: dict[str, Any] = action.run(None, {})
    json.dumps(answer, allow_nan=False)
    return answer


def test_all_hosts_are_judged_together() -> None:
    """Neither host alone has enough to say anything; the new slot is another one on each."""
    first = [result(1, (0, 0), (0, 0)), result(60, (40, 3), (360, 0)), result(120, (80, 6), (720, 0))]
    second = [result(1, (0, 0), (0, 0)), result(60, (360, 0), (40, 2)), result(120, (720, 0), (80, 5))]
    both = run(readings={"web1": first, "web2": second}, canary={"web1": "green", "web2": "blue"})
    assert (both["verdict"], both["final"], both["changed"]) == ("fail", True, False)
    assert both["numbers"]["canary"]["requests"] == 160
    assert len(both["series"]) == 2


def test_latencies_that_were_not_read_are_called_that() -> None:
    readings = [result(at, (4 * at, 0), (36 * at, 0)) for at in (0, 60)]
    assert "warnings" not in run(readings={"web1": readings}, canary="green")
    for reading in readings:
        for server in reading["servers"].values():
            del server["latency"]
    found = run(readings={"web1": readings}, canary="green")
    assert found["numbers"]["latency"] is None
    (warning,) = found["warnings"]
    assert warning.startswith("latencies are not judged: the readings of web1 have none")


def test_a_series_goes_on() -> None:
    readings = [result(at, (4 * at, 0), (36 * at, 0)) for at in (0, 2, 4, 6)]
    first = run(readings={"web1": readings[:3]}, canary="green")
    assert first["verdict"] == "inconclusive"
    then = run(readings={"web1": readings[2:]}, canary="green", series=first["series"])
    assert then["verdict"] == "pass"
    assert then["numbers"] == run(readings={"web1": readings}, canary="green")["numbers"]


def test_a_host_that_could_not_be_read() -> None:
    good = [result(at, (100 * at, 0), (900 * at, 0)) for at in (0, 2, 4)]
    found = run(readings={"web1": good, "web2": [good[0], {"failed": True, "msg": "no"}]}, canary="green")
    assert found["verdict"] == "inconclusive"
    assert "web2: the proxy could not be read" in found["reasons"][0]
    for nothing in ([], good[:1]):
        assert run(readings={"web1": good, "web2": nothing}, canary="green")["verdict"] == "inconclusive"


def test_held_too_long() -> None:
    found = run(readings={"web1": []}, canary="green", ended=True, held=30, settings={"hold_limit": 30})
    assert (found["verdict"], found["final"]) == ("fail", True)


@pytest.mark.parametrize(
    "args, message",
    [
        ({"readings": {"web1": 5}, "canary": "green"}, "not a list of readings"),
        ({"readings": {"web1": []}, "canary": {"web2": "green"}}, "its new slot was not named"),
        ({"readings": {"web1": [{"servers": {}}]}, "canary": "green"}, "not a reading of a proxy"),
        ({"source": "values", "values": [{"canary": {"requests": -1}}]}, "counts are impossible"),
        ({"source": "values", "values": [], "settings": {"evidence": 0}}, "evidence is 0"),
    ],
)
def test_what_cannot_be(args: dict[str, Any], message: str) -> None:
    found = run(**args)
    assert found["failed"]
    assert found["error"] == "bad_input"
    assert message in found["msg"]


@pytest.mark.parametrize(
    "args", [{}, {"readings": {}}, {"source": "values"}, {"source": "prometheus"}, {"settings": {"x": 1}}]
)
def test_bad_options(args: dict[str, Any]) -> None:
    with pytest.raises(AnsibleError):
        run(**args)


def test_values() -> None:
    window = {"canary": {"requests": 100, "errors": 4}, "baseline": {"requests": 900, "errors": 1}}
    assert run(source="values", values=[window] * 4)["verdict"] == "fail"
    assert run(source="values", values=[])["reasons"][0] == "nothing was observed yet"


class Prometheus:
    """Answers by query; ``None`` is no series, and an integer above 399 an HTTP status."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = dict(GOOD)
        self.headers: list[str] = []
        self.kind = "vector"
        self.drips = 0
        self.url = ""

    def speak(self, query: str) -> tuple[int, dict[str, Any]]:
        answer = self.answers[query]
        if isinstance(answer, str):
            return 400, {"status": "error", "errorType": "bad_data", "error": answer}
        if self.kind == "scalar":
            return 200, {"status": "success", "data": {"resultType": "scalar", "result": [1.5, str(answer)]}}
        series = [] if answer is None else [{"metric": {}, "value": [1.5, str(answer)]}]
        return 200, {"status": "success", "data": {"resultType": self.kind, "result": series}}


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    fake = Prometheus()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.headers.append(self.headers.get("Authorization", ""))
            status, body = fake.speak(parse_qs(urlsplit(self.path).query)["query"][0])
            self.send_response(status)
            self.end_headers()
            with contextlib.suppress(OSError):
                while fake.drips:
                    self.wfile.write(b" " * fake.drips)
                    time.sleep(0.05)
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        fake.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()


def ask(url: str, **more: Any) -> dict[str, Any]:
    return run(source="prometheus", prometheus={"url": url, **QUERIES, **more})


def test_prometheus(prometheus: Prometheus) -> None:
    found = ask(prometheus.url, headers={"Authorization": "Bearer x"})
    assert found["verdict"] == "pass"
    window = found["series"][0]
    assert (window["canary"]["requests"], window["baseline"]["requests"]) == (100, 900)
    assert window["canary"]["values"] == [12.5]
    assert set(prometheus.headers) == {"Bearer x"}
    prometheus.kind = "scalar"
    assert ask(prometheus.url)["series"][0]["canary"] == window["canary"]


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_prometheus_without_a_series(prometheus: Prometheus, nothing: float | None) -> None:
    prometheus.answers["canary_errors"] = nothing
    assert ask(prometheus.url)["verdict"] == "pass"
    prometheus.answers["canary_requests"] = nothing
    found = ask(prometheus.url)
    assert found["verdict"] == "inconclusive"
    assert found["reasons"][0] == "Prometheus has no data for canary_requests"


def test_prometheus_refuses_a_query(prometheus: Prometheus) -> None:
    prometheus.answers["canary_errors"] = "parse error: unexpected end"
    found = ask(prometheus.url)
    assert found["failed"]
    assert "unexpected end" in found["msg"]


def test_a_query_that_gives_no_number(prometheus: Prometheus) -> None:
    prometheus.kind = "matrix"
    assert "returns a matrix" in ask(prometheus.url)["reasons"][0]


@pytest.mark.parametrize("drips", [1, 4 << 20])
def test_prometheus_that_does_not_end(prometheus: Prometheus, drips: int) -> None:
    prometheus.drips, began = drips, time.monotonic()
    found = ask(prometheus.url, timeout=0.6)
    prometheus.drips = 0
    assert found["verdict"] == "inconclusive"
    assert "Prometheus does not answer" in found["reasons"][0]
    assert time.monotonic() - began < 10


def test_prometheus_that_is_not_there(prometheus: Prometheus) -> None:
    found = ask("http://127.0.0.1:1", timeout=1)
    assert (found["verdict"], found["final"]) == ("inconclusive", False)
    assert "Prometheus does not answer (http://127.0.0.1:1): " in found["reasons"][0]
    assert ask("file:///etc/passwd")["error"] == "bad_input"


def test_documentation_is_of_these_options() -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert {name: _shape(option, "suboptions") for name, option in documented.items()} == {
        name: _shape(option, "options") for name, option in module.SPEC.options.items()
    }


def _shape(option: dict[str, Any], nested: str) -> dict[str, Any]:
    kept = {
        key: option[key] for key in ("type", "required", "default", "elements", "choices") if key in option
    }
    return {**kept, "nested": {name: _shape(each, nested) for name, each in option.get(nested, {}).items()}}
