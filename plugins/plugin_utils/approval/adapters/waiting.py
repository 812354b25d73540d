# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Poll for a decision until there is one or the time is over."""

from __future__ import annotations

import os
import pwd
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ....module_utils._core.errors import NoResponse, OpsError
from ....module_utils._core.urls import is_url, redact_url
from ...http.adapters.client import get
from ...http.model import HttpEndpoint
from ..decision import ApprovalAnswer, ApprovalDecision, ApprovalRequest, judge

#: A decision is a few lines.
_BYTES = 64 * 1024
#: Seconds for one look over HTTP.
_LOOK = 10.0
#: Seconds between two lines that say that it still waits.
PROGRESS_INTERVAL = 60.0


@dataclass(frozen=True)
class DecisionSource:
    """Where the decision is: a path of the controller, or an http(s) URL."""

    place: str

    def __str__(self) -> str:
        return redact_url(self.place)

    def read(self) -> tuple[str | None, str]:
        """The text, and who owns the file.

        :raises OpsError: it cannot be read, or every user may write it
        """
        if is_url(self.place):
            return _text_at(self.place), ""
        try:
            with Path(self.place).open("rb") as stream:
                status = os.fstat(stream.fileno())
                if status.st_mode & stat.S_IWOTH:
                    raise OpsError("every user may write it, so it proves nothing")
                return stream.read(_BYTES).decode("utf-8", "replace"), _owner(status.st_uid)
        except FileNotFoundError:
            return None, ""
        except OSError as error:
            raise OpsError(f"it cannot be read: {error.strerror}") from error


def _text_at(url: str) -> str | None:
    try:
        response = get(HttpEndpoint(url, timeout=_LOOK), _BYTES, redirects=True)
    except NoResponse as error:
        raise OpsError(f"it did not answer: {error.what}") from error
    if response.is_absent:
        return None
    if response.status != 200:
        raise OpsError(f"it answered HTTP {response.status}")
    return response.text


def _owner(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


@dataclass(frozen=True)
class Polling:
    """Seconds to wait at most, and between two looks."""

    limit: float
    interval: float


@dataclass(frozen=True)
class WaitResult:
    """``owner`` is who owns the file, which says more than the name in it."""

    answer: ApprovalAnswer
    owner: str
    waited: float


@dataclass
class ApprovalWait:
    """Waits for one decision. Time comes from outside, so that tests need none."""

    source: DecisionSource
    request: ApprovalRequest
    show: Callable[[str], object]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _shown_at: float | None = field(default=None, init=False)

    def look(self) -> tuple[ApprovalAnswer, str]:
        """Once. What cannot be read is no decision."""
        try:
            text, owner = self.source.read()
        except OpsError as error:
            return ApprovalAnswer(ApprovalDecision.PENDING, why=error.what), ""
        return judge(text, self.request, datetime.now(UTC)), owner

    def wait(self, polling: Polling) -> WaitResult:
        """Until there is a decision or the time is over."""
        begun = self.clock()
        while True:
            answer, owner = self.look()
            waited = self.clock() - begun
            left = polling.limit - waited
            if answer.decision is not ApprovalDecision.PENDING or left <= 0:
                return WaitResult(answer, owner, waited)
            self._show_progress(answer.why, waited, left)
            self.sleep(min(polling.interval, left))

    def _show_progress(self, why: str, waited: float, left: float) -> None:
        """First what is to be done, then once a minute that it still waits."""
        if self._shown_at is None:
            form = f"\nWrite this there, or the same with denied:\n{self.request.form()}"
        elif waited - self._shown_at >= PROGRESS_INTERVAL:
            form = ""
        else:
            return
        self._shown_at = waited
        minutes = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
        self.show(f"{self.request} waits for an approval in {self.source} ({why}), {minutes} are left.{form}")
