# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in the way of mas.ops on a host, all at once. Pure text and numbers.

It is read by every Python that Ansible itself can use, so that an old one is a line of the list and not a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

#: Distributions by the ID and VERSION_ID of their os-release: what the tests run on, and what shares its code path. A version
#: joins the first when a scenario under molecule/ runs on it, or on what it is made from.
TESTED: Mapping[str, Sequence[str]] = {"debian": ("12", "13")}
UNTESTED: Mapping[str, Sequence[str]] = {"ubuntu": ("22.04", "24.04")}
PYTHON = (3, 9)
#: ProtectProc= is the newest directive of the units, see ``units.py``; Debian 12 has 252.
SYSTEMD = 247
_NEWEST = "ProtectProc="


@dataclass(frozen=True)
class System:
    """A distribution, as ``/etc/os-release`` describes it."""

    id: str
    version: str
    name: str

    @property
    def tested(self) -> bool:
        return self.version in TESTED.get(self.id, ())

    @property
    def supported(self) -> bool:
        return self.tested or self.version in UNTESTED.get(self.id, ())


@dataclass(frozen=True)
class Holder:
    """A program that listens on a port. ``pid`` is 0 where the host does not show it."""

    port: int
    program: str
    pid: int
    user: str
    unit: str

    def __str__(self) -> str:
        if not self.pid:
            return "a program that the host does not show"
        parts = [f"pid {self.pid}", f"user {self.user}", f"unit {self.unit}" if self.unit else ""]
        return f"{self.program} ({', '.join(part for part in parts if part)})"


@dataclass(frozen=True)
class Wanted:
    """Ports, what they are for, and who may listen there already: programs by name, units by patterns."""

    numbers: Sequence[int]
    purpose: str = ""
    programs: Sequence[str] = ()
    units: Sequence[str] = ()
    fix: str = ""

    def allows(self, holder: Holder) -> bool:
        return holder.program in self.programs or any(fnmatchcase(holder.unit, unit) for unit in self.units)


@dataclass(frozen=True)
class HostFacts:
    """What was read of a host.

    ``init`` is the program with the process id 1; ``systemd`` its version, 0 where it is not systemd. ``unwritable`` says by
    folder why root cannot write there.
    """

    user: str
    root: bool
    python: tuple[int, int]
    interpreter: str
    init: str
    systemd: int
    system: System
    holders: Sequence[Holder] = ()
    unwritable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """What is wrong, and what to do about it."""

    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.what}. {self.fix}."

    def to_dict(self) -> dict[str, str]:
        return {"what": self.what, "fix": self.fix}


def problems(facts: HostFacts, ports: Iterable[Wanted] = ()) -> list[Problem]:
    """All that has to be mended before anything is changed, in the order in which to do it."""
    found = [*_access(facts), *_system(facts)]
    if facts.root:
        # Another user sees neither who listens nor what root can write to.
        found += [*_folders(facts), *_ports(facts, ports)]
    return found


def warnings(facts: HostFacts) -> list[str]:
    """What does not stop anything."""
    system = facts.system
    if system.supported and not system.tested:
        return [f"{system.name} is untested with mas.ops: it shares the code path of {_names(TESTED)}"]
    return []


def supported() -> str:
    """The names of all supported distributions."""
    return f"{_names(TESTED)}, {_names(UNTESTED)}"


def system_of(os_release: str) -> System:
    """From the text of ``/etc/os-release``."""
    pairs = (line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    values = {name: value.strip().strip("\"'") for name, value in pairs}
    name = values.get("ID", "unknown")
    return System(name, values.get("VERSION_ID", ""), values.get("PRETTY_NAME", "") or name)


def systemd_version(text: str) -> int:
    """From what ``systemctl --version`` prints, 0 where that is something else."""
    words = text.split(None, 2)
    return int(words[1]) if len(words) > 1 and words[0] == "systemd" and words[1].isdigit() else 0


def socket_unit(text: str, port: int) -> str:
    """The unit for which systemd holds a port, from the lines of ``systemctl list-sockets``, or an empty string."""
    lines = (line.split() for line in text.splitlines())
    return next((words[1] for words in lines if len(words) > 1 and words[0].endswith(f":{port}")), "")


def _access(facts: HostFacts) -> Iterable[Problem]:
    if not facts.root:
        yield Problem(
            f"Tasks run as the user {facts.user}, and mas.ops needs root",
            "Set ansible_become: true for the host, and its password where sudo asks for one (-K, or ansible_become_password)",
        )
    if facts.python < PYTHON:
        yield Problem(
            f"Modules run in Python {_dotted(facts.python)} ({facts.interpreter}), and mas.ops needs {_dotted(PYTHON)} or newer",
            "Install one on the host, and set ansible_python_interpreter to its path",
        )


def _system(facts: HostFacts) -> Iterable[Problem]:
    if not facts.system.supported:
        yield Problem(
            f"The host runs {facts.system.name}, and mas.ops supports {supported()}",
            "Take it out of the group, or reinstall it with one of these",
        )
    if not facts.systemd:
        yield Problem(
            f"The first process of the host is {facts.init}, and mas.ops needs systemd there",
            "Boot it with systemd; in a container start /sbin/init, where systemd-sysv is installed",
        )
    elif facts.systemd < SYSTEMD:
        yield Problem(
            f"The host has systemd {facts.systemd}, and the units need {SYSTEMD} or newer ({_NEWEST})",
            f"Use {supported()}",
        )


def _folders(facts: HostFacts) -> Iterable[Problem]:
    for path, why in sorted(facts.unwritable.items()):
        yield Problem(
            f"{path} cannot be written to: {why}",
            "Mount its file system with rw, and see `lsattr -d` for a flag",
        )


def _ports(facts: HostFacts, ports: Iterable[Wanted]) -> Iterable[Problem]:
    for wanted in ports:
        where = f", where {wanted.purpose} should" if wanted.purpose else ""
        for port in wanted.numbers:
            strangers = [str(one) for one in facts.holders if one.port == port and not wanted.allows(one)]
            if strangers:
                yield Problem(
                    f"Another program on the host listens on port {port}{where}: {', '.join(strangers)}",
                    wanted.fix or "Stop it, or choose another port",
                )


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _names(systems: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{name.capitalize()} {version}" for name, some in systems.items() for version in some)
