# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The notifications of an event of a deploy: which modules are called, with which arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..module_utils._core.errors import BadInput

#: What can happen, in words that go on after the name of the release.
EVENTS: Mapping[str, str] = {
    "started": "is being deployed",
    "approval_needed": "waits for an approval",
    "succeeded": "is live",
    "failed": "was not deployed",
    "rolled_back": "was rolled back",
    "refused": "was refused",
    "decommissioned": "was decommissioned",
    "not_decommissioned": "was not decommissioned on all hosts",
}
HTTP = "ansible.builtin.uri"
MAIL = "community.general.mail"

_COMMON = frozenset({"name", "kind", "when", "timeout"})
_HTTP = frozenset({"url", "headers", "validate_certs", "ca_path"})
_MAIL = frozenset({"to", "from", "host", "port", "username", "password", "secure"})
#: The keys of each kind, and those of them that it cannot do without.
KINDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "webhook": (_HTTP, frozenset({"url"})),
    "slack": (_HTTP | {"channel"}, frozenset({"url"})),
    "mattermost": (_HTTP | {"channel"}, frozenset({"url"})),
    "mail": (_MAIL, frozenset({"to"})),
}
_SENT = (200, 201, 202, 204)
_HIDDEN = "********"


@dataclass(frozen=True)
class NotifyRequest:
    """One message to be sent: the module and its arguments, or why it cannot be sent."""

    name: str
    module: str = ""
    args: Mapping[str, Any] = field(default_factory=dict, repr=False)
    problem: str = ""

    def redact(self, text: str) -> str:
        """A text without the secrets of the request; the address of a hook is one, too."""
        for secret in sorted(_secrets(self.args), key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return text


def requests(
    targets: Any, event: str, facts: Mapping[str, Any], seconds: float = 10.0
) -> tuple[NotifyRequest, ...]:
    """The messages of one event. What is wrong with one target does not stop the others.

    :param targets: the list in the variable ``notifications``
    :param event: one of :data:`EVENTS`
    :param facts: ``application``, ``version`` and what else is known; it all goes into the body of a webhook
    :param seconds: how long one message may take, where its target does not say
    """
    if event not in EVENTS:
        raise BadInput(f"{event!r} is not an event", where="event", fix=f"Use one of: {', '.join(EVENTS)}.")
    if isinstance(targets, str) or not isinstance(targets, Sequence):
        return (NotifyRequest("notifications", problem="the variable is not a list"),)
    made = (_request(number, target, event, facts, seconds) for number, target in enumerate(targets, start=1))
    return tuple(each for each in made if each is not None)


def _request(
    number: int, target: Any, event: str, facts: Mapping[str, Any], seconds: float
) -> NotifyRequest | None:
    if not isinstance(target, Mapping):
        return NotifyRequest(f"notification {number}", problem="it is not a mapping")
    kind = str(target.get("kind", ""))
    name = str(target.get("name") or f"{kind or 'notification'} {number}")
    problem = ". ".join(_problems(target, kind))
    if problem:
        return NotifyRequest(name, problem=problem)
    if event not in target.get("when", EVENTS):
        return None
    limit = max(1, int(target.get("timeout", seconds)))
    if kind == "mail":
        return NotifyRequest(name, MAIL, {**_mail(target, event, facts), "timeout": limit})
    return NotifyRequest(name, HTTP, {**_http(target, kind, event, facts), "timeout": limit})


def _problems(target: Mapping[str, Any], kind: str) -> Iterator[str]:
    """What is wrong with a target, without a value of it: values may be secret."""
    if kind not in KINDS:
        yield f"its kind must be one of {', '.join(KINDS)}"
        return
    known, needed = KINDS[kind]
    if unknown := sorted(str(key) for key in set(target) - known - _COMMON):
        yield f"{', '.join(unknown)} is not a key of the kind {kind}; it has {', '.join(sorted(known | _COMMON))}"
    yield from (f"{key} is missing" for key in sorted(needed) if not target.get(key))
    if target.get("url") and not str(target["url"]).startswith(("http://", "https://")):
        yield "its url does not begin with http:// or https://"
    when = target.get("when", [])
    if isinstance(when, str) or not isinstance(when, Sequence) or not set(when) <= set(EVENTS):
        yield f"when must be a list of some of {', '.join(EVENTS)}"
    if not str(target.get("timeout", 1)).isdigit():
        yield "timeout must be a whole number of seconds"


def text_of(event: str, facts: Mapping[str, Any]) -> str:
    """One sentence, or two: ``agents 2.0.0 in production is live. By ada, run awx-7.``"""
    release = " ".join(str(facts[name]) for name in ("application", "version") if facts.get(name))
    place = f" in {facts['environment']}" if facts.get("environment") else ""
    who = [f"by {facts['actor']}"] if facts.get("actor") else []
    who += [f"run {facts['run']}"] if facts.get("run") else []
    more = [str(facts["message"]).strip()] if facts.get("message") else []
    more += [f"Rollback command: {facts['rollback_command']}"] if facts.get("rollback_command") else []
    by = f" ({', '.join(who)})" if who else ""
    return " ".join([f"{release or 'A release'}{place} {EVENTS[event]}{by}.", *more])


def _http(target: Mapping[str, Any], kind: str, event: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    text = text_of(event, facts)
    if kind == "webhook":
        body = {"event": event, "text": text, **facts}
    else:
        body = {"text": text, **({"channel": target["channel"]} if target.get("channel") else {})}
    kept = {key: target[key] for key in ("headers", "validate_certs", "ca_path") if key in target}
    return {
        "url": target["url"], "method": "POST", "body": body, "body_format": "json",
        "status_code": list(_SENT), "follow_redirects": "none", **kept,
    }  # fmt: skip


def _mail(target: Mapping[str, Any], event: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    text = text_of(event, facts)
    release = " ".join(str(facts[name]) for name in ("application", "version") if facts.get(name))
    subject = f"{release or 'A release'}{_place(facts)} {EVENTS[event]}"
    names = {"from": "sender"}
    given = {names.get(key, key): target[key] for key in _MAIL if key in target}
    # A line break in a header would begin another one.
    return {"subject": " ".join(subject.split()), "body": f"{text}\n", **given}


def _place(facts: Mapping[str, Any]) -> str:
    return f" in {facts['environment']}" if facts.get("environment") else ""


def _secrets(args: Mapping[str, Any]) -> set[str]:
    headers = args.get("headers")
    url = str(args.get("url", ""))
    # Of an incoming webhook the path alone is what opens it; a short one is none, and would blot out half the text.
    path = url.partition("://")[2].partition("/")[2]
    values = [url, path if len(path) >= 8 else "", args.get("password")]
    values += list(headers.values()) if isinstance(headers, Mapping) else []
    return {str(value) for value in values if value}
