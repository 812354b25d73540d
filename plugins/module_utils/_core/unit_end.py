# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a unit that runs once ended, by what systemd says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ENDED = "ended"
TIMED_OUT = "timed_out"
KILLED = "killed"
STOPPED = "stopped"
UNKNOWN = "unknown"
#: What :func:`parse_end` and :func:`runs` read.
END_PROPERTIES = (
    "ActiveState,SubState,Result,ExecMainCode,ExecMainStatus,InvocationID,ExecMainStartTimestampMonotonic,"
    "ExecMainExitTimestampMonotonic"
)
_SIGNALS = ("signal", "core-dump", "oom-kill")
#: ``ExecMainCode`` of what a signal ended, by number and by name.
_BY_SIGNAL = ("2", "3", "killed", "dumped")
#: Exit statuses of systemd's own.
_NOT_BEGUN = {
    200: "its folder is not there",
    203: "its program could not be executed",
    217: "its user does not exist",
}


@dataclass(frozen=True)
class End:
    """How it ended.

    :param status: the exit status, or the number of the signal that killed it
    :param seconds: how long it took; ``None`` where systemd does not know
    :param result: the word of systemd
    """

    how: str
    status: int = 0
    seconds: float | None = None
    result: str = ""

    @property
    def succeeded(self) -> bool:
        return self.how == ENDED and self.status == 0

    def words(self, limit: int, said: str = "") -> str:
        """What became of it, without its subject.

        :param limit: seconds that it had
        :param said: what systemctl said
        """
        if self.how == TIMED_OUT:
            return f"did not end within {limit} s, and was stopped"
        if self.how == KILLED:
            return f"was killed ({self.result}, signal {self.status})"
        if self.how == UNKNOWN:
            return "ended, and it is not known how: the host was restarted, or it was stopped, before its end was seen"
        if self.how == STOPPED:
            return f"was stopped before its end ({said or self.result or 'no reason was given'})"
        why = f": {_NOT_BEGUN[self.status]}" if self.status in _NOT_BEGUN else ""
        return f"{'failed' if self.status else 'ended'} with exit status {self.status}{why}"


def parse_end(properties: Mapping[str, str]) -> End:
    """How a unit ended that does not run any more."""
    result, status = properties.get("Result", ""), int(properties.get("ExecMainStatus") or 0)
    seconds = _seconds(properties)
    if result == "timeout":
        return End(TIMED_OUT, 0, seconds, result)
    if result == "exit-code":
        return End(ENDED, status, seconds, result)
    if result in _SIGNALS:
        return End(KILLED, status, seconds, result)
    if (properties.get("ActiveState"), properties.get("SubState")) != ("active", "exited"):
        return End(STOPPED, 0, seconds, "" if result == "success" else result)
    if properties.get("ExecMainCode") in _BY_SIGNAL:
        # For systemd a service that SIGTERM ends did what it should.
        return End(KILLED, status, seconds, "signal")
    return End(ENDED, status, seconds, result)


def parse_unseen(properties: Mapping[str, str]) -> End:
    """The same where nothing has looked since it ran. systemd forgets how a unit ended at a restart of the host, and soon
    after it was stopped; what it then says looks like a unit that never ran.
    """
    end = parse_end(properties)
    return End(UNKNOWN) if end.how == STOPPED and not properties.get("InvocationID") else end


def runs(properties: Mapping[str, str]) -> bool:
    """Whether it has not ended. What has, and is not stopped, is called active by systemd."""
    active, sub = properties.get("ActiveState", "inactive"), properties.get("SubState", "")
    return active not in ("inactive", "failed") and sub != "exited"


def _seconds(properties: Mapping[str, str]) -> float | None:
    began, ended = (
        int(properties.get(f"ExecMain{name}TimestampMonotonic") or 0) for name in ("Start", "Exit")
    )
    return round((ended - began) / 1e6, 3) if 0 < began <= ended else None
