# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge a canary on the controller. The documentation is in plugins/modules/canary_verdict.py."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._canary.judge import judge
from ..module_utils._canary.sample import SampleWindow
from ..module_utils._canary.settings import CanarySettings
from ..module_utils._core.errors import NoResponse
from ..module_utils._core.urls import redact_url
from ..modules.canary_verdict import QUERIES, SPEC
from ..plugin_utils.adapters.action import ControllerAction, Facts
from ..plugin_utils.canary.observe import fleet_windows, prometheus_window, total, unread_latencies
from ..plugin_utils.http.adapters.prometheus import instant_query
from ..plugin_utils.http.model import HttpEndpoint


class ActionModule(ControllerAction):
    spec = SPEC

    def answer(self, params: Mapping[str, Any]) -> Facts:
        settings = CanarySettings.parse(params["settings"] or {})
        before = [SampleWindow.parse(each) for each in params["series"] or ()]
        windows = (*before, *_SOURCES[params["source"]](params))
        verdict = judge(windows, settings, ended=params["ended"], held=params["held"])
        result = {"changed": False, **verdict.to_dict(), "series": [window.to_dict() for window in windows]}
        unread = unread_latencies(params["readings"] or {}) if params["source"] == "haproxy" else []
        return {**result, "warnings": [_UNREAD.format(", ".join(unread))]} if unread else result


def _haproxy(params: Mapping[str, Any]) -> Sequence[SampleWindow]:
    return fleet_windows(params["readings"], params["canary"])


def _values(params: Mapping[str, Any]) -> Sequence[SampleWindow]:
    return [SampleWindow.parse(each) for each in params["values"]]


def _prometheus(params: Mapping[str, Any]) -> Sequence[SampleWindow]:
    options = params["prometheus"]
    headers = options["headers"] or {}
    endpoint = HttpEndpoint(
        url=str(options["url"]),
        headers=tuple((str(name), str(value)) for name, value in headers.items()),
        timeout=options["timeout"],
    )
    expressions = {name: str(options[name]) for name in QUERIES if options[name]}
    try:
        answers = {name: total(instant_query(endpoint, each)) for name, each in expressions.items()}
    except NoResponse as error:
        why = f"Prometheus does not answer ({redact_url(endpoint.url)}): {error.what}"
        return (SampleWindow(time.time(), missing=why),)
    return (prometheus_window(answers, time.time()),)


_UNREAD = (
    "latencies are not judged: the readings of {} have none. Set latency: true for mas.ops.traffic_info."
)
_SOURCES = {"haproxy": _haproxy, "prometheus": _prometheus, "values": _values}
