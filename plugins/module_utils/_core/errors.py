# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error tree. An error has what is wrong, where, and what to do next."""

from __future__ import annotations

#: What was quoted in several lines ends with one; what follows is no part of it.
_LINE = "\n"


class OpsError(Exception):
    """Base of every error that mas.ops raises on purpose.

    :param what: what is wrong, one sentence without a full stop
    :param where: the file, host part, unit or option it is about
    :param fix: what to do next, as an imperative sentence
    """

    #: A stable word for machines, returned as ``error`` beside the message.
    kind = "error"

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        advice = f" {self.fix}" if self.fix else ""
        return f"{self.what}{place}.{advice}"

    def advise(self, more: str) -> None:
        """Add a sentence to what the reader should know or do."""
        self.fix = f"{self.fix}{_LINE if _LINE in self.fix else ' '}{more}".strip()

    def to_dict(self) -> dict[str, str]:
        """What a module returns about the error beside ``msg``."""
        return {"error": self.kind, "where": self.where, "fix": self.fix}


class BadInput(OpsError):
    """An option, a file or a manifest that cannot be right. Nothing was changed."""

    kind = "bad_input"


class QueryRefused(BadInput):
    """A server responded that the query itself is wrong; ``what`` is its reason."""


class NoResponse(OpsError):
    """A server did not respond, or not in time, or with something else than HTTP; ``what`` is the reason."""

    kind = "no_response"


class NotFound(OpsError):
    """Something that was named is not there."""

    kind = "not_found"


class Absent(NotFound):
    """A source answered that it does not have it, other than one that did not answer."""


class NotHere(NotFound):
    """The target of a rollback is not on this host; the store may have it.

    :param release: its id, where this host served it once
    """

    kind = "missing"

    def __init__(self, what: str, *, where: str = "", fix: str = "", release: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.release = release


class Refused(OpsError):
    """A precondition does not hold, so nothing was started."""

    kind = "refused"


class Busy(OpsError):
    """Another run is changing the same thing now."""

    kind = "busy"


class Overtaken(Busy):
    """Another run took the lock from this one, so this one changes nothing any more."""

    kind = "overtaken"


class Stopped(OpsError):
    """A run that was stopped within a step. The journal records what it began, for the run that continues."""

    kind = "stopped"


class Preempted(Stopped):
    """A way back, or a run with more right, ended this one."""

    kind = "preempted"


class Abandoned(Stopped):
    """The controller of this run is gone."""

    kind = "abandoned"


class ArtifactError(OpsError):
    """An artifact that is damaged, unsigned, forged or unsafe to unpack."""

    kind = "artifact"


class HealthError(OpsError):
    """A slot that did not become healthy within its start-up budget."""

    kind = "health"


class ServiceError(OpsError):
    """systemd refused a unit or the unit failed."""

    kind = "service"


class TrafficError(OpsError):
    """The proxy did not answer, or did not carry out an order."""

    kind = "traffic"


class VerdictError(OpsError):
    """A release that is worse than the one before it."""

    kind = "verdict"


class MigrationError(OpsError):
    """A database migration command failed."""

    kind = "migration"


class StorageError(OpsError):
    """The disk is full, read-only or otherwise refuses.

    :param missing: a folder on the way is not there
    """

    kind = "storage"

    def __init__(self, what: str, *, where: str = "", fix: str = "", missing: bool = False) -> None:
        super().__init__(what, where=where, fix=fix)
        self.missing = missing


class LedgerError(OpsError):
    """The ledger is damaged or cannot be written."""

    kind = "ledger"
