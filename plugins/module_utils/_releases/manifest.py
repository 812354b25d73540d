# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of an artifact: what it is, how it runs, how its health is checked.

Everything that a host will do with an artifact is written here, so everything is checked here:
a Manifest that exists is a Manifest that is right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .._core.names import NAME, NAME_WORDS, URL_PATH, URL_PATH_WORDS
from . import unit_file
from .fields import ManifestError, bad, choice, integer, mapping, matching
from .shared import shared_paths

SCHEMA = 1
MEMBER = "manifest.json"
#: Far above any honest manifest, far below what would hurt a host that reads one.
MAX_BYTES = 1024 * 1024

WEB = "web"
WORKER = "worker"

#: Signals that can end a process. SIGSTOP, SIGCHLD and the like would leave it running.
STOP_SIGNALS = frozenset(
    f"SIG{name}"
    for name in ("ABRT", "ALRM", "HUP", "INT", "KILL", "PIPE", "PWR", "QUIT", "TERM", "USR1", "USR2", "WINCH")
)
#: Where a web process has its socket from: it listens on PORT itself, or systemd holds it (LISTEN_FDS).
PORT, SYSTEMD = "port", "systemd"
#: Copies of one process on one host.
MAX_INSTANCES = 64
#: Other units of an application have these names.
RESERVED = frozenset({"auto-rollback", "migration", "one-off"})

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")
_COMMIT = re.compile(r"(?:[0-9A-Za-z][0-9A-Za-z._-]{0,79})?")
_BUILT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
#: As dpkg names packages.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BUILT_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def check_name(value: object, field: str = "name") -> str:
    """An application's or a process's name."""
    return matching(NAME, value, field, NAME_WORDS)


def check_version(value: object, field: str = "version") -> str:
    """A version: it becomes part of file and folder names."""
    return matching(
        _VERSION,
        value,
        field,
        'a letter or a digit, then at most 63 letters, digits, ".", "+" and "-", in quotes',
    )


def check_commit(value: object, field: str = "commit") -> str:
    """A revision of the source, or an empty string."""
    return matching(_COMMIT, value, field, "a revision such as a git hash, or an empty string")


def check_sha256(value: object, field: str = "sha256") -> str:
    """A sha256 digest in small hexadecimal letters."""
    return matching(_SHA256, value, field, "64 hexadecimal digits")


def check_shared(value: object) -> tuple[str, ...]:
    """The paths that releases share, see :mod:`.shared`."""
    return shared_paths(value, "shared", (MEMBER,))


def check_packages(value: object) -> tuple[str, ...]:
    """The Debian packages without which the application does not run."""
    return _names(value, "packages", _PACKAGE, "the name of a Debian package")


def refuse_port_for_many(kind: str, listen: str, instances: int, field: str) -> None:
    """
    :raises ManifestError: several copies would listen on the one port of their slot
    """
    if kind == WEB and listen == PORT and instances > 1:
        raise ManifestError(
            f"{field}.instances is {instances}, but a slot has one port and one process can listen on it: let systemd hold "
            "the socket for all copies (listen: systemd), or let one process start its own workers, such as gunicorn "
            "--workers",
            f"{field}.instances",
        )


def parse_built(value: object, field: str = "built") -> datetime:
    """The build time, an RFC 3339 time in UTC."""
    expected = "a time in UTC such as 2026-01-31T12:00:00Z"
    text = matching(_BUILT, value, field, expected)
    try:
        # Python 3.9 does not read the Z by itself.
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise bad(field, expected, value) from None
    if not 1980 <= moment.year <= 2200:
        raise bad(field, "a year between 1980 and 2200", value)
    return moment


def format_built(moment: datetime) -> str:
    """The same time as the manifest writes it."""
    return moment.astimezone(timezone.utc).strftime(_BUILT_FORMAT)


def release_id(version: str, sha256: str) -> str:
    """The name of the release that an archive with this digest becomes on a host."""
    return f"{check_version(version)}-{check_sha256(sha256)[:12]}"


def archive_name(name: str, version: str) -> str:
    """The file name of an artifact in its store."""
    return f"{check_name(name)}-{check_version(version)}.tar.gz"


@dataclass(frozen=True)
class Process:
    """One process of an application, the same in each slot."""

    kind: str
    command: tuple[str, ...]
    stop_signal: str
    stop_grace: int
    listen: str = PORT
    instances: int = 1

    @classmethod
    def parse(cls, data: object, field: str) -> Process:
        required, optional = ("kind", "command", "stop_signal", "stop_grace"), ("listen", "instances")
        values = mapping(data, field, required, optional)
        kind = choice(values["kind"], f"{field}.kind", (WEB, WORKER))
        listen = choice(values.get("listen", PORT), f"{field}.listen", (PORT, SYSTEMD))
        if listen == SYSTEMD and kind != WEB:
            raise ManifestError(
                f"{field}.listen is systemd, but only a {WEB} process has a socket", f"{field}.listen"
            )
        instances = integer(values.get("instances", 1), f"{field}.instances", 1, MAX_INSTANCES)
        refuse_port_for_many(kind, listen, instances, field)
        return cls(
            kind=kind,
            command=check_command(values["command"], f"{field}.command"),
            stop_signal=choice(values["stop_signal"], f"{field}.stop_signal", sorted(STOP_SIGNALS)),
            stop_grace=integer(values["stop_grace"], f"{field}.stop_grace", 0, 3600),
            listen=listen,
            instances=instances,
        )

    @property
    def socket_activated(self) -> bool:
        return self.listen == SYSTEMD

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "command": list(self.command),
            "stop_signal": self.stop_signal,
            "stop_grace": self.stop_grace,
            # Artifacts from before there was a choice keep their bytes.
            **({"listen": self.listen} if self.listen != PORT else {}),
            **({"instances": self.instances} if self.instances != 1 else {}),
        }


@dataclass(frozen=True)
class Health:
    """The health check of the web process. Start-up budget and time-out of one request in seconds."""

    path: str
    expected: int
    startup_budget: int
    timeout: int = 2

    @classmethod
    def parse(cls, data: object, field: str = "health") -> Health:
        values = mapping(data, field, ("path", "expected", "startup_budget"), ("timeout",))
        return cls(
            path=matching(URL_PATH, values["path"], f"{field}.path", URL_PATH_WORDS),
            expected=integer(values["expected"], f"{field}.expected", 200, 499),
            startup_budget=integer(values["startup_budget"], f"{field}.startup_budget", 1, 3600),
            timeout=integer(values.get("timeout", cls.timeout), f"{field}.timeout", 1, 60),
        )

    def to_dict(self) -> dict[str, Any]:
        """Without what it had when there was no such field: the same source still gives the same bytes."""
        timeout = {} if self.timeout == Health.timeout else {"timeout": self.timeout}
        return {
            "path": self.path,
            "expected": self.expected,
            "startup_budget": self.startup_budget,
            **timeout,
        }


@dataclass(frozen=True)
class Migrations:
    """The commands that widen the schema before a switch and narrow it after the soak."""

    expand: tuple[str, ...] | None = None
    contract: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, data: object, field: str = "migrations") -> Migrations:
        values = mapping(data, field, ("expand", "contract"))
        return cls(
            expand=_optional_command(values["expand"], f"{field}.expand"),
            contract=_optional_command(values["contract"], f"{field}.contract"),
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "expand": list(self.expand) if self.expand else None,
            "contract": list(self.contract) if self.contract else None,
        }


@dataclass(frozen=True)
class Files:
    """What the archive holds beside the manifest: everything but folders, and its bytes."""

    count: int
    bytes: int

    @classmethod
    def parse(cls, data: object, field: str = "files") -> Files:
        values = mapping(data, field, ("count", "bytes"))
        return cls(
            count=integer(values["count"], f"{field}.count", 0, 10**7),
            bytes=integer(values["bytes"], f"{field}.bytes", 0, 2**50),
        )

    def to_dict(self) -> dict[str, Any]:
        return {"count": self.count, "bytes": self.bytes}


@dataclass(frozen=True)
class Manifest:
    """All that a host needs to know about one version of an application."""

    name: str
    version: str
    commit: str
    built: str
    processes: Mapping[str, Process]
    health: Health | None
    migrations: Migrations
    secrets: tuple[str, ...]
    files: Files
    shared: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: object) -> Manifest:
        """Check plain data; raise :class:`ManifestError` that names the field, never guess."""
        # An artifact from before there were `shared` and `packages` lacks them.
        optional = ("health", "shared", "packages")
        keys = ("schema", "name", "version", "commit", "built", "processes", "migrations", "secrets", "files")
        values = mapping(data, "", keys, optional)
        if values["schema"] is True or values["schema"] != SCHEMA:
            raise bad(
                "schema", f"{SCHEMA}, the only one that this release of mas.ops knows", values["schema"]
            )
        health = values.get("health")
        processes = _processes(values["processes"])
        manifest = cls(
            name=check_name(values["name"]),
            version=check_version(values["version"]),
            commit=check_commit(values["commit"]),
            built=format_built(parse_built(values["built"])),
            processes=processes,
            health=None if health is None else Health.parse(health),
            migrations=Migrations.parse(values["migrations"]),
            secrets=_names(values["secrets"], "secrets", _SECRET, "the name of an environment variable"),
            files=Files.parse(values["files"]),
            shared=check_shared(values.get("shared", ())),
            packages=check_packages(values.get("packages", ())),
        )
        if manifest.web and not manifest.health:
            raise ManifestError(f"health is missing: the process {manifest.web} serves requests", "health")
        return manifest

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """Parse the bytes of ``manifest.json``."""
        if len(text) > MAX_BYTES:
            raise ManifestError(f"the manifest has {len(text)} bytes, more than {MAX_BYTES}")
        try:
            data = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise ManifestError(f"the manifest is not JSON: {error}") from error
        return cls.parse(data)

    @property
    def web(self) -> str | None:
        """The name of the web process, if there is one."""
        return next((name for name, process in self.processes.items() if process.kind == WEB), None)

    @property
    def workers(self) -> tuple[str, ...]:
        """The names of the workers, sorted."""
        return tuple(name for name, process in sorted(self.processes.items()) if process.kind == WORKER)

    def to_dict(self) -> dict[str, Any]:
        """Plain data again, as :meth:`parse` takes it."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "version": self.version,
            "commit": self.commit,
            "built": self.built,
            "processes": {name: process.to_dict() for name, process in sorted(self.processes.items())},
            "health": self.health.to_dict() if self.health else None,
            "migrations": self.migrations.to_dict(),
            "secrets": list(self.secrets),
            "files": self.files.to_dict(),
            # Without them the bytes are those of a manifest from before there were any.
            **({"shared": list(self.shared)} if self.shared else {}),
            **({"packages": list(self.packages)} if self.packages else {}),
        }

    def to_json(self) -> bytes:
        """The canonical bytes of ``manifest.json``: the same manifest always gives the same bytes."""
        return (json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n").encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice")
    return result


def check_command(value: object, field: str = "command") -> tuple[str, ...]:
    """A program and its arguments. Control characters would break out of a unit file's line."""
    if not isinstance(value, (list, tuple)) or not value:
        raise bad(field, "a program and its arguments", value)
    for word in value:
        if not isinstance(word, str) or not unit_file.writable(word):
            raise bad(field, "words without line breaks, NUL or other control characters", value)
    if not value[0] or not unit_file.runnable(value[0]):
        raise bad(
            f"{field}[0]",
            f"a program without quotes and backslashes that does not begin with one of {unit_file.PREFIXES}",
            value[0],
        )
    if sum(len(word) for word in value) > 65536:
        raise bad(field, "shorter than 65,536 characters", value)
    return tuple(str(word) for word in value)


def _optional_command(value: object, field: str) -> tuple[str, ...] | None:
    return None if value is None else check_command(value, field)


def _processes(value: object) -> Mapping[str, Process]:
    if not isinstance(value, Mapping) or not 1 <= len(value) <= 50:
        raise bad("processes", "a mapping of 1 to 50 named processes", value)
    processes = {}
    for key in sorted(value, key=str):
        name = check_name(key, f"processes.{key}")
        if name in RESERVED:
            raise bad(f"processes.{name}", f"a name other than {', '.join(sorted(RESERVED))}", name)
        processes[name] = Process.parse(value[key], f"processes.{name}")
    web = [name for name, process in processes.items() if process.kind == WEB]
    if len(web) > 1:
        raise ManifestError(
            f"processes: {' and '.join(web)} are both of kind web, but a slot has one port", "processes"
        )
    return processes


def _names(value: object, field: str, pattern: re.Pattern[str], expected: str) -> tuple[str, ...]:
    """A list of names, each once."""
    if not isinstance(value, (list, tuple)):
        raise bad(field, "a list of names", value)
    names = tuple(matching(pattern, name, f"{field}[{index}]", expected) for index, name in enumerate(value))
    if len(set(names)) != len(names):
        raise bad(field, "a list without repetition", value)
    return names
