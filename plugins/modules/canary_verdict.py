#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action; see plugins/action/canary_verdict.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: canary_verdict
short_description: Judge a canary against its baseline
version_added: 0.1.0
description:
  - Says whether a new version that already gets a part of the traffic fails more often, is slower or went down,
    compared with the previous version in the same time windows.
  - May be called as often as you like. Further calls do not make a false alarm more likely than the settings allow.
  - Runs on the controller and judges all hosts together. It does not connect to the host that the task is for.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
  - mas.ops.attributes.info
attributes:
  platform:
    details: The platform of the controller.
options:
  source:
    description:
      - Where the numbers come from. V(haproxy) takes O(readings), V(prometheus) asks O(prometheus), V(values) takes
        O(values).
    type: str
    choices: [haproxy, prometheus, values]
    default: haproxy
  readings:
    description:
      - By host, a list of what M(mas.ops.traffic_info) returned, oldest first. Two readings make one window.
      - With O(mas.ops.traffic_info#module:latency=true), or latencies are not judged, which is a warning.
      - The result of a task that failed counts as "could not be read".
    type: dict
  canary:
    description: The slot of the new version, or a dictionary of host to slot.
    type: raw
  prometheus:
    description:
      - A Prometheus, and queries that each return one number for the time since the last call.
      - When it does not answer, the verdict is C(inconclusive) and says why.
    type: dict
    suboptions:
      url:
        description: Its address, without C(/api/v1).
        type: str
        required: true
      timeout:
        description: Seconds to wait for each answer.
        type: float
        default: 10.0
      headers:
        description: Headers of each request, such as C(Authorization).
        type: dict
      canary_requests:
        description: Requests to the new version.
        type: str
        required: true
      baseline_requests:
        description: Requests to the version before it.
        type: str
        required: true
      canary_errors:
        description: How many of them failed. No series means none.
        type: str
        required: true
      baseline_errors:
        description: The same of the version before it.
        type: str
        required: true
      canary_latency:
        description: A latency in milliseconds, such as the 99th percentile.
        type: str
      baseline_latency:
        description: The same of the version before it.
        type: str
  values:
    description:
      - Windows from anywhere else, oldest first.
      - Each is a dictionary with C(canary) and C(baseline), and each of these has C(requests) and C(errors), and
        optionally C(downs), C(values) (latencies in milliseconds) or C(histogram) (pairs of a bucket's lower edge in
        milliseconds and its count, empty buckets too).
      - A window may say in C(missing) why there is nothing to see in it.
    type: list
    elements: dict
  series:
    description: RV(series) of an earlier call for the same canary, which is judged together with the new windows.
    type: list
    elements: dict
  ended:
    description:
      - Whether the bake is over. Then a canary without evidence against it passes for good.
    type: bool
    default: false
  held:
    description:
      - For how many seconds since then the canary has been held because the verdict was inconclusive.
    type: float
    default: 0.0
  settings:
    description: The thresholds of the verdict.
    type: dict
    suboptions:
      min_requests:
        description: Requests of each arm below which nothing is concluded.
        type: int
        default: 20
      evidence:
        description:
          - The Bayes factor at which worse counts as shown. At most one in so many healthy canaries fails by chance.
        type: float
        default: 50.0
      spread:
        description:
          - The Bayes factor that must remain without the most unfavourable window. So one burst of errors does not
            decide.
        type: float
        default: 3.0
      error_ratio:
        description: Times the baseline's error rate that are tolerated.
        type: float
        default: 1.25
      error_floor:
        description: An error rate of the canary up to which nothing fails; 0.001 is 0.1 %.
        type: float
        default: 0.001
      hard_rate:
        description: The error rate that fails at once, whatever the baseline does.
        type: float
        default: 0.25
      hard_requests:
        description: The latest requests of the canary over which that rate is taken.
        type: int
        default: 30
      margin:
        description: Passes early when the error rate is shown to be higher by less than this.
        type: float
        default: 0.005
      confidence:
        description: How sure that must be.
        type: float
        default: 0.999
      latency_ratio:
        description: Times the baseline's latency that are tolerated.
        type: float
        default: 1.25
      latency_floor:
        description: Milliseconds more that are tolerated.
        type: float
        default: 5.0
      latency_share:
        description: The part of the requests that may be slower than tolerated; 0.01 watches the 99th percentile.
        type: float
        default: 0.01
      latency_p:
        description: Where there are only values, the p of the Mann-Whitney test at which slower counts as shown.
        type: float
        default: 0.001
      latency_delta:
        description: And the least Cliff's delta.
        type: float
        default: 0.474
      min_values:
        description: And the least number of values of each arm.
        type: int
        default: 8
      hold_limit:
        description: Seconds of O(held) after which an inconclusive canary fails.
        type: float
        default: 300.0
seealso:
  - module: mas.ops.traffic_info
  - module: mas.ops.traffic
"""

EXAMPLES = r"""
- name: Read the proxies twice, a minute apart
  mas.ops.traffic_info:
    application: agents
    latency: true
  register: readings
  loop: [before, after]
  loop_control:
    pause: 60

- name: Judge the new version in the green slot
  mas.ops.canary_verdict:
    canary: green
    readings: >-
      {{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, ['readings', 'results']))) }}
    series: "{{ canary.series | default([]) }}"
  register: canary
  run_once: true

- name: Stop where it is worse
  ansible.builtin.assert:
    that: canary.verdict != 'fail'
    fail_msg: "{{ canary.reasons | join('; ') }}"

- name: Ask Prometheus instead
  mas.ops.canary_verdict:
    source: prometheus
    prometheus:
      url: https://prometheus.example.com
      canary_requests: sum(increase(http_requests_total{slot="green"}[1m]))
      canary_errors: sum(increase(http_requests_total{slot="green",code=~"5.."}[1m]))
      baseline_requests: sum(increase(http_requests_total{slot="blue"}[1m]))
      baseline_errors: sum(increase(http_requests_total{slot="blue",code=~"5.."}[1m]))
    series: "{{ canary.series | default([]) }}"
  register: canary
  run_once: true
"""

RETURN = r"""
verdict:
  description:
    - V(pass), V(fail) or V(inconclusive). V(pass) that is not RV(final) means that there is no evidence against it so far.
  type: str
  returned: success
  sample: fail
final:
  description: Whether further readings cannot change it.
  type: bool
  returned: success
reasons:
  description: Why, in sentences.
  type: list
  elements: str
  returned: success
  sample: ["it fails more often: 23 of 459 requests, its baseline 0 of 4138; evidence 1340, the limit is 50"]
numbers:
  description: What the verdict is based on.
  type: dict
  returned: success
  contains:
    canary:
      description: Of the new version, C(requests), C(errors), C(rate), C(downs), and C(p50) and C(p99) in milliseconds.
      type: dict
      returned: always
    baseline:
      description: The same of the version before it.
      type: dict
      returned: always
    evidence:
      description: The Bayes factor for "it fails more often".
      type: float
      returned: always
    spread:
      description: The same without the most unfavourable window.
      type: float
      returned: always
    ratio:
      description: How many times the baseline's error rate the canary's is; none when only the canary has errors.
      type: float
      returned: always
    difference:
      description: By how much its error rate is higher.
      type: float
      returned: always
    worst_difference:
      description: By how much it may be higher at worst, with the confidence of the settings.
      type: float
      returned: always
    latency:
      description:
        - What was compared. With a histogram C(edge), C(allowed), C(difference) and C(evidence), the Bayes factor to
          compare with the setting. With values C(p), C(delta) and C(ratio). None where latencies are not known.
      type: dict
      returned: always
series:
  description: All windows, oldest first, to pass to the next call and to draw.
  type: list
  elements: dict
  returned: success
  contains:
    at:
      description: When the window ended, in seconds.
      type: float
      returned: always
    canary:
      description: C(requests), C(errors), C(downs), C(histogram) and C(values) in it.
      type: dict
      returned: always
    baseline:
      description: The same of the version before it.
      type: dict
      returned: always
    missing:
      description: Why there is nothing to see in it, empty when there is.
      type: str
      returned: always
error:
  description: The kind of failure, for machines.
  type: str
  returned: failure
  sample: bad_input
"""

from ..module_utils._canary.settings import CanarySettings
from ..module_utils._core.ansible_module import docs_only
from ..module_utils._core.argspec import ArgumentSpec

_NEEDED = ("canary_requests", "baseline_requests", "canary_errors", "baseline_errors")
_LATENCIES = ("canary_latency", "baseline_latency")
#: The queries to Prometheus; the action takes them and the specification from here, beside their documentation.
QUERIES = (*_NEEDED, *_LATENCIES)

SPEC = ArgumentSpec(
    {
        "source": {"type": "str", "choices": ["haproxy", "prometheus", "values"], "default": "haproxy"},
        "readings": {"type": "dict"},
        "canary": {"type": "raw"},
        "prometheus": {
            "type": "dict",
            "options": {
                "url": {"type": "str", "required": True},
                "timeout": {"type": "float", "default": 10.0},
                "headers": {"type": "dict", "no_log": True},
                **{name: {"type": "str", "required": True} for name in _NEEDED},
                **{name: {"type": "str"} for name in _LATENCIES},
            },
        },
        "values": {"type": "list", "elements": "dict"},
        "series": {"type": "list", "elements": "dict"},
        "ended": {"type": "bool", "default": False},
        "held": {"type": "float", "default": 0.0},
        "settings": {
            "type": "dict",
            "options": {
                name: {"type": type(value).__name__, "default": value}
                for name, value in vars(CanarySettings()).items()
            },
        },
    },
    required_if=[
        ("source", "haproxy", ["readings", "canary"]),
        ("source", "prometheus", ["prometheus"]),
        ("source", "values", ["values"]),
    ],
)


def main() -> None:
    docs_only("canary_verdict", SPEC)


if __name__ == "__main__":
    main()
