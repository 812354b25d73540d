# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A canary that is watched for some time: readings in, a verdict out after each of them. Knows no clock."""

from __future__ import annotations

from collections.abc import Sequence

from .counters import Reading, between
from .judge import Verdict, judge
from .sample import SampleWindow
from .settings import CanarySettings

#: Seconds of one window. A burst of errors that is shorter falls into one, or two, and does not decide alone.
WINDOW = 5.0
#: With more windows than this, neighbours are merged: a long bake costs no more memory and time than a short one.
MOST = 240


class Bake:
    """
    :param canary: the slot of the new version
    :param seconds: how long to look when nothing decides earlier
    :param windows: what was seen in earlier steps of the same canary, oldest first
    """

    def __init__(
        self, settings: CanarySettings, canary: str, seconds: float, windows: Sequence[SampleWindow] = ()
    ) -> None:
        self.settings = settings
        self.canary = canary
        self.seconds = seconds
        self._closed = list(windows)
        self._open: SampleWindow | None = None
        self._opened = 0.0
        self._began: float | None = None
        self._last: Reading | None = None

    @property
    def windows(self) -> tuple[SampleWindow, ...]:
        """All that was seen, oldest first."""
        return (*self._closed, self._open) if self._open else tuple(self._closed)

    def step(self, reading: Reading | None, at: float) -> Verdict:
        """The verdict after one more reading.

        :param reading: ``None`` when the proxy could not be read
        :param at: seconds of any clock that only goes forward
        :returns: go on while it is not final. It becomes final at the end at the latest, and where nothing can be
            concluded by then, ``settings.hold_limit`` later.
        """
        began = self._began = at if self._began is None else self._began
        seen = self.windows
        if reading is None:
            seen = (*seen, SampleWindow(at, missing="the proxy could not be read"))
        elif self._last is None:
            self._last = reading
        else:
            window = between(self._last, reading, self.canary)
            if window.missing:
                seen = (*seen, window)
            else:
                self._last = reading
                self._add(window, at)
                seen = self.windows
        held = max(0.0, at - began - self.seconds)
        return judge(seen, self.settings, ended=at - began >= self.seconds, held=held)

    def _add(self, window: SampleWindow, at: float) -> None:
        if self._open is None:
            self._open, self._opened = window, at
        elif at - self._opened < WINDOW:
            self._open += window
        else:
            self._closed.append(self._open)
            self._open, self._opened = window, at
        if len(self._closed) > MOST:
            self._closed = [_merged(self._closed[i : i + 2]) for i in range(0, len(self._closed), 2)]


def _merged(windows: Sequence[SampleWindow]) -> SampleWindow:
    return windows[0] + windows[1] if len(windows) > 1 else windows[0]
