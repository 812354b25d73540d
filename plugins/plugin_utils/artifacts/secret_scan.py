# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding secrets in the content of a file: private keys everywhere, tokens in what the application's people wrote.

Tokens are what detect-secrets knows by their form. Its guesses by entropy and by words such as ``password`` are not
used: in a tree of ten thousand files they are wrong too often to be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .findings import Finding

# A controller without it can still load the plugins and say what it lacks.
try:
    from detect_secrets.plugins.aws import AWSKeyDetector
    from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
    from detect_secrets.plugins.base import RegexBasedDetector
    from detect_secrets.plugins.basic_auth import BasicAuthDetector
    from detect_secrets.plugins.discord import DiscordBotTokenDetector
    from detect_secrets.plugins.github_token import GitHubTokenDetector
    from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
    from detect_secrets.plugins.jwt import JwtTokenDetector
    from detect_secrets.plugins.npm import NpmDetector
    from detect_secrets.plugins.openai import OpenAIDetector
    from detect_secrets.plugins.pypi_token import PypiTokenDetector
    from detect_secrets.plugins.sendgrid import SendGridDetector
    from detect_secrets.plugins.slack import SlackDetector
    from detect_secrets.plugins.square_oauth import SquareOAuthDetector
    from detect_secrets.plugins.stripe import StripeDetector
    from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
    from detect_secrets.plugins.twilio import TwilioKeyDetector
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = None

#: Bytes of a file that are looked at together, and how many of them again with the next.
CHUNK = 4 * 1024 * 1024
OVERLAP = 16 * 1024
_BINARY = 8192
_MOST = 20

#: The marker alone is in every library that reads keys: what follows must look like the key.
_PEM = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    rb"(?:(?!-----)[\t\n\r -~]){0,400}?[A-Za-z0-9+/]{48}"
)
_PUTTY = re.compile(rb"PuTTY-User-Key-File-[0-9]: [^\n]{1,80}\n(?:[^\n]{0,200}\n){1,60}?Private-Lines:")
_AGE = re.compile(rb"AGE-SECRET-KEY-1[0-9A-Z]{58}")
_KEYS = (
    (b"PRIVATE KEY", _PEM, "a private key"),
    (b"PuTTY-User-Key", _PUTTY, "a private key"),
    (b"AGE-SECRET-KEY-1", _AGE, "a private key"),
)
#: Forms that are younger than the library.
_YOUNG = (
    ("github_pat_", re.compile(r"github_pat_[A-Za-z0-9_]{60,}"), "GitHub Token"),
    ("sk-ant-", re.compile(r"sk-ant-[A-Za-z0-9_-]{40,}"), "Anthropic Token"),
)
_URL = re.compile(r"://([^:/?#\s]*):([^@\s]+)@")
#: Passwords in the URLs of documentation and of a developer's own machine.
_PLACEHOLDERS = frozenset(
    {
        *("password", "passwd", "pass", "pwd", "pw", "secret", "changeme", "example", "token", "key"),
        *("postgres", "test", "user", "username", "foo", "bar", "xxx", "guest", "mypassword"),
    }
)


@dataclass(frozen=True)
class _Detector:
    """One of the library's, and a word without which it finds nothing: most of them are slow to say no."""

    plugin: RegexBasedDetector
    words: tuple[str, ...] = ()

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        if not self.words or any(word in text for word in self.words):
            for pattern in self.plugin.denylist:
                yield from pattern.finditer(text)


def _detectors() -> tuple[_Detector, ...]:
    gitlab = ("glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "GR1348941")
    return (
        _Detector(AWSKeyDetector(), ("A3T", "ABIA", "ACCA", "AKIA", "ASIA", "aws", "AWS", "Aws")),
        _Detector(GitHubTokenDetector(), ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
        _Detector(GitLabTokenDetector(), (*gitlab, "glcbt-", "glimt-", "glptt-", "glagent-", "gloas-")),
        _Detector(PypiTokenDetector(), ("pypi-",)),
        _Detector(SendGridDetector(), ("SG.",)),
        _Detector(SquareOAuthDetector(), ("sq0csp-",)),
        _Detector(TwilioKeyDetector()),
        # Of those that the service gives out; the library's pattern also takes many a time and digest for one.
        _Detector(TelegramBotTokenDetector(), (":AA",)),
        _Detector(DiscordBotTokenDetector()),
        _Detector(SlackDetector(), ("xox", "XOX", "slack.com")),
        _Detector(StripeDetector(), ("k_live_",)),
        _Detector(NpmDetector(), ("_authToken",)),
        _Detector(OpenAIDetector(), ("T3BlbkFJ",)),
        _Detector(AzureStorageKeyDetector(), ("AccountKey",)),
        _Detector(JwtTokenDetector(), ("eyJ",)),
        _Detector(BasicAuthDetector(), ("://",)),
    )


_DETECTORS = () if MISSING else _detectors()


def look(path: str, data: bytes, *, keys_only: bool, line: int = 1) -> list[Finding]:
    """What looks like a secret in a piece of a file.

    :param keys_only: look for private keys alone
    :param line: the number of the piece's first line
    """
    found = {Finding(path, line + data.count(b"\n", 0, at), kind) for at, kind in _private_keys(data)}
    if not keys_only and (text := _text(data)) is not None:
        for at, kind in _tokens(text):
            found.add(Finding(path, line + text.count("\n", 0, at), kind))
            if len(found) >= _MOST:
                break
    return sorted(found)


def _private_keys(data: bytes) -> Iterator[tuple[int, str]]:
    for word, pattern, kind in _KEYS:
        if word in data:
            yield from ((match.start(), kind) for match in pattern.finditer(data))


def _text(data: bytes) -> str | None:
    """One character a byte, so that places agree; ``None`` for what is no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return None if b"\0" in data[:_BINARY] else data.decode("latin-1")


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    for word, pattern, kind in _YOUNG:
        if word in text:
            yield from ((match.start(), kind) for match in pattern.finditer(text))
    for detector in _DETECTORS:
        plugin = detector.plugin
        for match in detector.matches(text):
            # The library judges by the line: a JSON Web Token is decoded, for one.
            if _is_real(plugin, match.group()) and list(plugin.analyze_string(_line(text, match))):
                yield match.start(), plugin.secret_type


def _line(text: str, match: re.Match[str]) -> str:
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    return text[start : end if end >= 0 else len(text)]


def _is_real(plugin: RegexBasedDetector, matched: str) -> bool:
    """Whether a password in a URL is more than the place of one."""
    if not isinstance(plugin, BasicAuthDetector):
        return True
    match = _URL.search(matched)
    if not match:
        return True
    user, password = match[1].lower(), match[2].lower()
    return not (password in _PLACEHOLDERS or password == user or password[0] in "<{%" or "{" in password)
