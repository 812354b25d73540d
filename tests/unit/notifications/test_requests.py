"""Which messages an event sends, and what they hold."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.modules.notify import SPEC
from ansible_collections.mas.ops.plugins.plugin_utils.notifications import (
    EVENTS,
    NotifyRequest,
    requests,
    text_of,
)

FACTS = {"application": "agents", "version": "2.0.0", "environment": "production", "hosts": ["web1"]}
HOOK = {"kind": "webhook", "url": "https://h.example/x"}


def only(target: Any, event: str = "failed") -> NotifyRequest:
    (found,) = requests([target], event, FACTS)
    return found


def test_a_webhook_gets_everything() -> None:
    request = only({**HOOK, "headers": {"X-Token": "t"}, "ca_path": "/ca.pem", "timeout": "3"})
    assert request.name == "webhook 1"
    assert request.module == "ansible.builtin.uri"
    assert request.args == {
        "url": "https://h.example/x", "method": "POST", "body_format": "json", "follow_redirects": "none",
        "status_code": [200, 201, 202, 204], "timeout": 3, "headers": {"X-Token": "t"}, "ca_path": "/ca.pem",
        "body": {"event": "failed", "text": "agents 2.0.0 in production was not deployed.", **FACTS},
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["slack", "mattermost"])
def test_a_chat_gets_the_text(kind: str) -> None:
    target = {"kind": kind, "url": "https://h.example/x", "channel": "#ops", "name": "chat"}
    request = only(target)
    assert request.name == "chat"
    assert request.args["body"] == {"text": "agents 2.0.0 in production was not deployed.", "channel": "#ops"}


def test_a_mail() -> None:
    target = {
        "kind": "mail",
        "to": ["a@b.c"],
        "from": "d@e.f",
        "host": "mx",
        "port": 587,
        "secure": "starttls",
    }
    request = only(target)
    assert request.module == "community.general.mail"
    assert request.args == {
        "subject": "agents 2.0.0 in production was not deployed", "sender": "d@e.f", "to": ["a@b.c"], "host": "mx",
        "body": "agents 2.0.0 in production was not deployed.\n", "port": 587, "secure": "starttls", "timeout": 10,
    }  # fmt: skip


def test_a_subject_is_one_line() -> None:
    (request,) = requests([{"kind": "mail", "to": "a"}], "failed", {"application": "x\nBcc: all@b.c"})
    assert "\n" not in request.args["subject"]


def test_who_wants_to_hear_what() -> None:
    targets = [
        HOOK,
        {**HOOK, "name": "alarm", "when": ["failed", "rolled_back"]},
        {**HOOK, "name": "none", "when": []},
    ]
    heard = {event: [each.name for each in requests(targets, event, FACTS)] for event in EVENTS}
    assert heard.pop("failed") == heard.pop("rolled_back") == ["webhook 1", "alarm"]
    assert set(map(tuple, heard.values())) == {("webhook 1",)}


@pytest.mark.parametrize(
    "target, problem",
    [
        ("https://h.example", "not a mapping"),
        ({}, "kind must be one of webhook, slack, mattermost, mail"),
        ({"kind": "sms"}, "kind must be one of"),
        ({"kind": "webhook"}, "url is missing"),
        ({"kind": "webhook", "url": "hunter2://x"}, "url does not begin with http"),
        ({"kind": "mail", "host": "mx"}, "to is missing"),
        ({**HOOK, "to": "a"}, "to is not a key of the kind webhook"),
        ({**HOOK, "when": "failed"}, "when must be a list"),
        ({**HOOK, "when": ["exploded"]}, "when must be a list"),
        ({**HOOK, "timeout": "soon"}, "timeout must be"),
        ({**HOOK, "password": "hunter2"}, "password is not a key"),
    ],
)
def test_a_bad_target_does_not_stop_the_others(target: Any, problem: str) -> None:
    bad, good = requests([target, HOOK], "started", FACTS)
    assert problem in bad.problem
    assert "hunter2" not in bad.problem
    assert not good.problem


def test_what_is_no_list() -> None:
    assert requests({"kind": "webhook"}, "started", FACTS)[0].problem == "the variable is not a list"
    with pytest.raises(BadInput, match="'done' is not an event"):
        requests([], "done", FACTS)


def test_texts() -> None:
    assert text_of("started", {}) == "A release is being deployed."
    facts = {
        **FACTS,
        "actor": "ada",
        "run": "awx-7",
        "message": "web2 failed.",
        "rollback_command": "ansible-playbook x",
    }
    assert text_of("rolled_back", facts) == (
        "agents 2.0.0 in production was rolled back (by ada, run awx-7). web2 failed. Rollback command: ansible-playbook x"
    )


def test_secrets_are_not_shown() -> None:
    request = only({**HOOK, "headers": {"Authorization": "Bearer abc", "Empty": ""}})
    redacted = request.redact("POST https://h.example/x with Bearer abc failed")
    assert redacted == "POST ******** with ******** failed"
    hook = only({"kind": "slack", "url": "https://h.example/services/T0/B0/x"})
    assert hook.redact("no answer at /services/T0/B0/x") == "no answer at /********"
    assert "abc" not in repr(request)
    assert "pa55" not in only({"kind": "mail", "to": "a", "password": "pa55"}).redact("login with pa55")


def test_the_documented_events_are_the_events() -> None:
    assert SPEC.options["event"]["choices"] == list(EVENTS)
