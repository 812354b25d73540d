# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command that an operator runs once in the environment of the live release: what runs, what is noted, how it ended."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._core.errors import BadInput, NotFound, Refused
from .._core.names import nearest
from .._core.plan import Plan, Step
from .._core.unit_end import ENDED, End
from .._ledger.history import version_of
from .._ledger.query import FAILED, SUCCEEDED
from .fields import ManifestError
from .manifest import WEB, check_command
from .slot import Slot

#: The kind of its entries in the ledger.
COMMAND = "command"
#: Seconds that a command may be given: a week.
LONGEST = 604800
_SHOWN = 200


@dataclass(frozen=True)
class Wanted:
    """What is to run.

    :param process: whose user, environment and limits it gets; empty for the first worker, else the web process
    :param version: what must be live; empty for whatever is
    """

    words: tuple[str, ...]
    process: str = ""
    version: str = ""
    seconds: int = 600


@dataclass(frozen=True)
class Note:
    """What the host keeps of a command until its end is in the ledger, and whoever runs commands has seen it.

    :param became: of a command whose end is in the ledger and was not seen: what became of it, in words
    """

    words: tuple[str, ...]
    process: str
    slot: str
    release: str
    seconds: int
    host: str
    run: str
    actor: str
    since: str
    gate: Mapping[str, Any] = field(default_factory=dict)
    became: str = ""

    @property
    def text(self) -> str:
        return on_one_line(self.words)

    def __str__(self) -> str:
        return f"`{self.text}` of {self.actor} (since {self.since}, run {self.run})"

    def to_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "words": list(self.words), "gate": dict(self.gate)}


def parse_note(data: Any) -> Note | None:
    """Read the parsed file; ``None`` where there is none, or it is not one."""
    try:
        return Note(**{**data, "words": tuple(map(str, data["words"]))})
    except (KeyError, TypeError):
        return None


def on_one_line(words: Iterable[str]) -> str:
    """A command on one line, as a shell would take it; a long one is cut."""
    text = shlex.join(words)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def parse_wanted(command: Any, process: str | None, version: str | None, seconds: int) -> Wanted:
    """
    :param command: one text, which is split as a shell would, or a list of words
    :raises BadInput: it is no command, or the time cannot be
    """
    fix = 'Write it as in mas.yml: "python3 -m agents.cleanup --dry-run", or a list of words.'
    try:
        words = check_command(shlex.split(command) if isinstance(command, str) else command)
    except ManifestError as error:
        raise BadInput(error.what, where="command", fix=fix) from error
    except ValueError as error:
        raise BadInput(
            f"the command cannot be split into words: {error}", where="command", fix=fix
        ) from error
    if not 1 <= seconds <= LONGEST:
        raise BadInput(
            f"the timeout is {seconds} s, and must be from 1 to {LONGEST}",
            where="timeout",
            fix="Give the seconds that the command may take.",
        )
    return Wanted(words, process or "", version or "", seconds)


def lacking(record: Slot | None, wanted: Wanted) -> str:
    """Why the command has no place on this host, in a sentence; empty where it has one."""
    if record is None or not record.processes:
        return "no release is live"
    if not wanted.process or wanted.process in record.processes:
        return ""
    known = sorted(record.processes)
    near = nearest(wanted.process, known, cutoff=0.5)
    hint = f", did you mean {near}?" if near else f": it runs {', '.join(known)}"
    return f"{record.release} runs no process {wanted.process} here{hint}"


def refuse_missing(reason: str, record: Slot | None) -> None:
    """
    :param reason: of :func:`lacking`
    :raises NotFound: there is one
    """
    if reason:
        where = record.release if record else "this host"
        raise NotFound(reason, where=where, fix="Deploy first, or name another process or host.")


def refuse_other_version(record: Slot, wanted: Wanted) -> None:
    """
    :raises Refused: something else is live than what was named
    """
    if wanted.version not in ("", record.release, version_of(record.release)):
        raise Refused(
            f"{record.release} is live, not {wanted.version}",
            where="this host",
            fix="Name what is live, or no version.",
        )


def refuse_secrets(words: Iterable[str], values: Mapping[str, str]) -> None:
    """The arguments of a process are shown to all users of the host, and the ledger keeps them.

    :param values: the secrets of the release, by name
    :raises BadInput: a word holds one
    """
    found = [name for name, value in sorted(values.items()) if value and any(value in word for word in words)]
    if found:
        raise BadInput(
            f"the command holds the value of {', '.join(found)}, and all users of a host see the words of a command",
            where="command",
            fix="Let the program read it from its environment, where it is.",
        )


def process_of(record: Slot, wanted: Wanted) -> str:
    """Whose environment the command gets: by default that of the first worker, else of the web process."""
    if wanted.process:
        return wanted.process
    workers = [name for name, process in sorted(record.processes.items()) if process.kind != WEB]
    return workers[0] if workers else min(record.processes)


def plan(record: Slot | None, wanted: Wanted) -> Plan:
    """What is done on this host: nothing where the command has no place."""
    before: dict[str, Any] = {"command": None}
    if record is None or lacking(record, wanted):
        return Plan(before, before)
    after = {"command": list(wanted.words), **facts(record, wanted)}
    return Plan(before, after, (Step("run", on_one_line(wanted.words), note=_where(record, wanted)),))


def summary(record: Slot | None, wanted: Wanted) -> str:
    """What would be done, in a sentence."""
    missing = lacking(record, wanted)
    return (
        missing
        if record is None or missing
        else f"Would run `{on_one_line(wanted.words)}` {_where(record, wanted)}."
    )


def _where(record: Slot, wanted: Wanted) -> str:
    process = process_of(record, wanted)
    return f"as {record.user} in {record.folder} ({record.release}), in the environment of {process}"


def result(note: Note, end: End) -> dict[str, Any]:
    """How it ended, as builtins."""
    took = "" if end.seconds is None else f" after {end.seconds:.1f} s"
    return {
        "succeeded": end.succeeded,
        "ended": end.how,
        "exit_status": _exit_status(end),
        "seconds": end.seconds,
        "summary": f"`{note.text}` of {note.release} {end.words(note.seconds)}{took}.",
    }


def _exit_status(end: End) -> int | None:
    return end.status if end.how == ENDED else None


def facts(record: Slot, wanted: Wanted) -> dict[str, Any]:
    """Where the command runs, as builtins."""
    return {
        "release": record.release,
        "slot": record.slot,
        "process": process_of(record, wanted),
        "user": record.user,
        "folder": record.folder,
    }


def entry(note: Note, end: End, application: str, environment: str) -> dict[str, Any]:
    """The entry of the ledger. What the command wrote is never in it."""
    return {
        "kind": COMMAND,
        "action": end.how,
        "outcome": SUCCEEDED if end.succeeded else FAILED,
        "application": application,
        "environment": environment,
        "host": note.host,
        "command": list(note.words),
        "process": note.process,
        "release": note.release,
        "slot": note.slot,
        "exit_status": _exit_status(end),
        "seconds": end.seconds,
        "began": note.since,
        "run": note.run,
        "actor": note.actor,
        **({"gate": dict(note.gate)} if note.gate else {}),
    }


def closed(note: Note, end: End) -> Note:
    """The note of a command that has ended."""
    return replace(note, became=end.words(note.seconds))


def unseen(note: Note) -> str:
    """What to say of a command whose run was killed before its end."""
    return f"{note} was started here, and its run did not see its end: it {note.became}"
