#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write HAProxy's configuration for the applications of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proxy_config
short_description: Write the configuration of the proxy in front of applications
version_added: 0.1.0
description:
  - What the role P(mas.ops.proxy#role) writes. It checks each value and all applications of the host against one
    another, lets HAProxy check the whole configuration, and only then writes what differs.
  - It neither installs HAProxy nor reloads it.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
options:
  applications:
    description:
      - The applications to configure, each with C(name) and C(slots), and what differs from O(defaults).
      - Applications that earlier runs configured stay as they are.
    type: list
    elements: dict
    required: true
  absent:
    description:
      - Names of applications that are not served any more. All of their files are removed.
      - Refused while a slot of one holds a release with a web process.
    type: list
    elements: str
    default: []
  defaults:
    description: Defaults of each application, as the variables of the role.
    type: dict
    required: true
  settings:
    description: What all applications of the host share, as the variables of the role.
    type: dict
    required: true
  take_over:
    description: Whether to replace main files that neither the distribution nor the role wrote. A copy of each stays beside it.
    type: bool
    default: false
  judge:
    description: Whether HAProxy checks the whole configuration, where it is installed.
    type: bool
    default: true
  certificate:
    description: Where O(certificate_content) is written, once HAProxy takes it together with everything else.
    type: path
  certificate_content:
    description: The certificate, its chain and its key as PEM.
    type: str
seealso:
  - module: mas.ops.traffic
"""

EXAMPLES = r"""
- name: Check whether two applications fit on the host
  mas.ops.proxy_config:
    applications:
      - {name: shop, slots: {blue: {port: 8101}, green: {port: 8102}}, domains: [shop.example.com]}
      - {name: blog, slots: {blue: {port: 8103}, green: {port: 8104}}}
    defaults: "{{ proxy_defaults }}"  # these two are variables of the role: in its tasks, or after it in a play
    settings: "{{ proxy_settings }}"
  check_mode: true
"""

RETURN = r"""
restart:
  description: Whether HAProxy must be restarted, because options of its command line changed.
  type: bool
  returned: success
kept:
  description: The copies of main files that neither the distribution nor the role wrote.
  type: list
  elements: str
  returned: success
  sample: []
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils._core.ansible_module import run_module
from ..module_utils._core.argspec import ArgumentSpec
from ..module_utils._core.outcome import Outcome
from ..module_utils._releases.adapters.proxied import held
from ..module_utils._releases.neighbours import advice
from ..module_utils._traffic.adapters import config_files
from ..module_utils._traffic.config import Main
from ..module_utils._traffic.host_config import (
    OPTIONS,
    SOCKET,
    certified,
    merged,
    plan_config,
    refuse_held,
    texts,
)
from ..module_utils._traffic.sites import Site
from ..module_utils._traffic.values import name

SPEC = ArgumentSpec(
    {
        "applications": {"type": "list", "elements": "dict", "required": True},
        "absent": {"type": "list", "elements": "str", "default": []},
        "defaults": {"type": "dict", "required": True},
        "settings": {"type": "dict", "required": True},
        "take_over": {"type": "bool", "default": False},
        "judge": {"type": "bool", "default": True},
        "certificate": {"type": "path"},
        "certificate_content": {"type": "str", "no_log": True},
    }
)


def proxy_config(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The use case behind the module."""
    main = Main.parse(params["settings"], SOCKET)
    own = [Site.parse(data, params["defaults"]) for data in params["applications"]]
    gone = [name(each, "absent") for each in params["absent"]]
    others = [site for site in config_files.sites() if site.name not in gone]
    sites = merged(own, others, main.metrics_port)
    found = config_files.look(held([*gone, *(site.name for site in sites)]))
    refuse_held(gone, found.slots, advice)
    plan = plan_config(found, main, sites, params["take_over"], gone)
    files = texts(found, main, sites, gone)
    secret = {}
    if params["certificate"] and params["certificate_content"]:
        secret = {params["certificate"]: params["certificate_content"]}
        files |= secret
        plan = certified(plan, secret, config_files.same)
    if params["judge"] and config_files.installed():
        config_files.judge(files, secret)
    kept = [] if check_mode else config_files.apply(plan, files, own, secret)
    restart = any(step.target == OPTIONS and step.action == "write" for step in plan.steps)
    return Outcome(plan, {"restart": restart, "kept": kept})


def main() -> None:
    """Run the module."""
    run_module(SPEC, proxy_config)


if __name__ == "__main__":
    main()
