#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action; see plugins/action/notify.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: notify
short_description: Notify people and programs of what happened to a deploy
version_added: 0.1.0
description:
  - Sends one message to each of O(notifications) whose C(when) includes O(event), by M(ansible.builtin.uri) or
    M(community.general.mail), as the host that the task is delegated to.
  - Never fails because of a message that could not be sent. It warns, so that a deploy continues.
  - Shows no URL, header or password, not even in what a module returned.
  - Sends nothing in check mode.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
attributes:
  diff_mode:
    support: none
  platform:
    details: The platform of the host that the task is delegated to.
options:
  event:
    description: What happened.
    type: str
    choices: [started, approval_needed, succeeded, failed, rolled_back, refused, decommissioned, not_decommissioned]
    required: true
  notifications:
    description:
      - Who is notified, and how. A list of dictionaries.
      - C(kind) is V(webhook), V(slack), V(mattermost) or V(mail). C(name) is how warnings call it. C(when) is a list of
        events, by default all. C(timeout) replaces O(timeout).
      - All but V(mail) need C(url), and take C(headers), C(validate_certs) and C(ca_path). V(slack) and V(mattermost)
        get the text at an incoming webhook, and take C(channel). V(webhook) gets a JSON object with C(event), C(text)
        and all of O(facts).
      - V(mail) needs C(to), and takes C(from), C(host), C(port), C(username), C(password) and C(secure) as
        M(community.general.mail) does. It needs the collection community.general on the controller.
    type: raw
    default: []
  facts:
    description:
      - What is known about it. C(application), C(version), C(environment), C(message) and C(rollback_command) become part of the
        text. No secrets.
      - C(actor) and C(run) are added, unless they are given.
    type: dict
    default: {}
  timeout:
    description: How many seconds one message may take.
    type: int
    default: 10
seealso:
  - module: ansible.builtin.uri
  - module: community.general.mail
"""

EXAMPLES = r"""
- name: Notify that it is live
  mas.ops.notify:
    event: succeeded
    notifications: "{{ notifications | default([]) }}"
    facts:
      application: agents
      version: 2.0.0
      environment: production
  run_once: true
  delegate_to: localhost
  become: false
  vars:
    notifications:
      - name: operators
        kind: mattermost
        url: "{{ vault_chat_hook }}"
        when: [approval_needed, failed, rolled_back]
      - name: change log
        kind: webhook
        url: https://changes.example.org/api/events
        headers:
          Authorization: "Bearer {{ vault_changes_token }}"
      - kind: mail
        to: [operators@example.org]
        from: deploy@example.org
        host: mail.example.org
        when: [failed]
"""

RETURN = r"""
sent:
  description: The names of the messages that were sent, or would be in check mode.
  type: list
  elements: str
  returned: success
not_sent:
  description: What could not be sent, and why. There is a warning for each.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The name of the message.
      type: str
      returned: always
    problem:
      description: Why it was not sent.
      type: str
      returned: always
text:
  description: The sentence that is sent.
  type: str
  returned: success
  sample: agents 2.0.0 in production is live (by ada, run awx-7).
"""

from ..module_utils._core.ansible_module import docs_only
from ..module_utils._core.argspec import ArgumentSpec

#: The action imports it from here, where it is documented.
SPEC = ArgumentSpec(
    {
        "event": {
            "type": "str",
            "required": True,
            "choices": [
                *("started", "approval_needed", "succeeded", "failed", "rolled_back", "refused"),
                *("decommissioned", "not_decommissioned"),
            ],
        },
        "notifications": {"type": "raw", "default": []},
        "facts": {"type": "dict", "default": {}},
        "timeout": {"type": "int", "default": 10},
    },
)


def main() -> None:
    docs_only("notify", SPEC)


if __name__ == "__main__":
    main()
