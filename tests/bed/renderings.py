"""Units and environment files of generated values, and what the systemd of a host makes of them."""

from __future__ import annotations

import base64
import io
import json
import random
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._releases import environment_file, units
from ansible_collections.mas.ops.plugins.module_utils._releases.application import Sandbox
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import Process
from ansible_collections.mas.ops.plugins.module_utils._releases.slot import Slot, environment_path
from ansible_collections.mas.ops.plugins.module_utils._releases.unit_file import check_path
from bed import Bed

#: What means something to systemd somewhere: quotes, escapes, specifiers, variables, separators, prefixes, comments.
TRICKS = (
    *(
        ";",
        "+/bin/sh",
        "-c",
        "id > /root/PWNED",
        '"',
        "'",
        "\\",
        "\\;",
        "\\x41",
        "\\n",
        "\\101",
        "%",
        "%%",
        "%h",
    ),
    *("%n", "%S", "$", "$$", "$HOME", "${HOME}", "$1", "#", ";#", "", " ", "  x", "x  ", "\t", "@", "-", ":"),
    *(
        "!!",
        "+",
        "|",
        "~",
        "{",
        "}",
        "\\\\",
        'a"b',
        "a'b",
        "tail\\",
        "=",
        "[Service]",
        "User=root",
        "ExecStart=",
    ),
    *("$PORT", "${PORT}", "--bind=:$PORT", "$PORTS"),
    *("ż", "日本", "\u2028", "\ufeff", "\U0001f600", "\u00a0", "a;b", "; ;", "&&", "`id`", "*", "?"),
)
PROGRAMS = ("/bin/echo", "./bin/run", "python3", "bin/../x", ";", "#x", "/opt/a b/run")
#: First and last code of what a letter is taken from, controls and what is no character among them.
RANGES = ((1, 0x1F), (0x20, 0x7E), (0x7F, 0xFF), (0x100, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))


class Generator:
    """Values at random, the same in each run."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def letter(self) -> str:
        return chr(self.random.randint(*self.random.choices(RANGES, (1, 60, 9, 20, 4, 6))[0]))

    def word(self, parts: int = 4, more: Sequence[str] = ()) -> str:
        tricks = (*TRICKS, *more)
        return "".join(
            self.random.choice(tricks) if self.random.random() < 0.6 else self.letter()
            for _ in range(self.random.randrange(parts + 1))
        )

    def command(self) -> tuple[str, ...]:
        program = self.random.choice(PROGRAMS) if self.random.random() < 0.5 else self.word()
        return (program, *(self.word() for _ in range(self.random.randrange(6))))

    def path(self) -> str:
        return "/" + "/".join(self.word() for _ in range(self.random.randint(1, 3)))


#: The properties of a service that say what it runs, as whom and within which bounds.
SERVICE = (
    *(
        "ExecStartEx",
        "ExecStartPre",
        "ExecStartPost",
        "ExecCondition",
        "ExecReload",
        "ExecStop",
        "User",
        "Group",
    ),
    *(
        "WorkingDirectory",
        "EnvironmentFiles",
        "Environment",
        "ReadWritePaths",
        "KillSignal",
        "TimeoutStopUSec",
    ),
    *(
        "Restart",
        "NoNewPrivileges",
        "ProtectSystem",
        "CapabilityBoundingSet",
        "AmbientCapabilities",
        "MemoryMax",
    ),
)
_ASK = f"""
import json, subprocess, sys
escape = lambda name: "".join(c if c.isalnum() else "_%02x" % ord(c) for c in name)
for name in sys.stdin.read().split():
    path = "/org/freedesktop/systemd1/unit/" + escape(name)
    ask = ["busctl", "--json=short", "get-property", "org.freedesktop.systemd1", path]
    done = subprocess.run([*ask, "org.freedesktop.systemd1.Service", *{SERVICE!r}], capture_output=True, text=True)
    if done.returncode:
        print(json.dumps({{"error": done.stderr}}))
    else:
        print(json.dumps({{n: json.loads(l)["data"] for n, l in zip({SERVICE!r}, done.stdout.split("\\n"))}}))
"""
_DUMP = """
import base64, json, os
print(base64.b64encode(json.dumps(dict(os.environ)).encode()).decode())
"""


@dataclass(frozen=True)
class Case:
    """A record with one process, and what systemd must say of its unit."""

    record: Slot

    @property
    def unit(self) -> str:
        return next(iter(units.render_all(self.record)))

    @property
    def text(self) -> str:
        return units.render_process(self.record, next(iter(self.record.processes)))

    def expected(self) -> dict[str, Any]:
        record = self.record
        process = next(iter(record.processes.values()))
        program, *arguments = units.absolute(process.command, record.folder)
        argv = [program, *(units.with_port(word, record.port) for word in arguments)]
        return {
            "argv": argv,
            "flags": ["no-env-expand"],
            "User": record.user,
            "Group": record.group,
            "WorkingDirectory": record.folder,
            "EnvironmentFiles": [[environment_path(record.application, record.slot), False]],
            "Environment": [f"{units.INSTANCE}=1"],
            "ReadWritePaths": [f"{record.root}/shared", *record.sandbox.writable_paths],
            "MemoryMax": 64 * 2**20,
            "TimeoutStopUSec": (process.stop_grace or 10) * 10**6,
        }


def cases(count: int, seed: int = 0) -> list[Case]:
    """So many that a manifest and a contract let through."""
    generator, found = Generator(seed), list[Case]()
    while len(found) < count:
        command, root = generator.command(), generator.path()
        writable = [generator.path() for _ in range(generator.random.randrange(3))]
        if _allowed(command, root, writable):
            found.append(
                Case(_record(len(found), command, root, writable, generator.random.choice((0, 1, 3600))))
            )
    return found


def values(count: int, seed: int = 0) -> list[str]:
    """So many that an environment file can hold."""
    generator, found = Generator(seed), list[str]()
    while len(found) < count:
        value = generator.word(8, ("\n", "\\\n", '"\n', "A=1\n"))
        try:
            environment_file.render({"A": value})
        except BadInput:
            continue
        found.append(value)
    return found


def wrong_units(bed: Bed, host: str, found: Sequence[Case]) -> list[str]:
    """Where systemd read something else than was meant; all units are loaded at once and removed again."""
    _put(bed, host, {case.unit: case.text for case in found})
    names = " ".join(case.unit for case in found)
    bed.exec(host, ["systemctl", "daemon-reload"])
    answers = bed.exec(host, ["python3", "-c", _ASK], stdin=names, timeout=600).splitlines()
    wrong = [
        f"{case.unit}: {difference}"
        for case, line in zip(found, answers, strict=True)
        for difference in _differences(case, json.loads(line))
    ]
    bed.exec(host, ["sh", "-c", "rm -f /run/systemd/system/fuzz-* && systemctl daemon-reload"])
    return wrong


def wrong_values(bed: Bed, host: str, found: Sequence[str]) -> list[str]:
    """Which values a process did not get letter by letter, or the parser of ours reads otherwise."""
    variables = {f"V{number}": value for number, value in enumerate(found)}
    text = environment_file.render(variables) + "\n"
    unit = (
        "[Service]\nType=oneshot\nEnvironmentFile=/run/fuzz.env\nStandardOutput=truncate:/run/fuzz.out\n"
        "ExecStart=python3 /run/fuzz.py\n"
    )
    _put(bed, host, {"fuzz-environment.service": unit})
    _put(bed, host, {"fuzz.env": text, "fuzz.py": _DUMP}, "/run")
    bed.exec(host, ["sh", "-c", "systemctl daemon-reload && systemctl start fuzz-environment.service"])
    got = json.loads(base64.b64decode(bed.exec(host, ["cat", "/run/fuzz.out"])))
    bed.exec(host, ["sh", "-c", "rm -f /run/systemd/system/fuzz-*"])
    parsed = environment_file.parse(text)
    return [
        f"{name}: meant {value!r}, got {got.get(name)!r}, parsed {parsed.get(name)!r}"
        for name, value in variables.items()
        if got.get(name) != value or parsed.get(name) != value
    ]


def _allowed(command: tuple[str, ...], root: str, writable: Sequence[str]) -> bool:
    data = {"kind": "worker", "command": list(command), "stop_signal": "SIGTERM", "stop_grace": 1}
    try:
        Process.parse(data, "p")
        for path in (root, *writable):
            check_path(path, "path")
    except BadInput:
        return False
    return True


def _record(number: int, command: tuple[str, ...], root: str, writable: list[str], grace: int) -> Slot:
    name = f"p{number}"
    box = Sandbox(writable_paths=tuple(writable), limits={name: {"MemoryMax": "64M", "CPUQuota": "50%"}})
    return Slot(
        application="fuzz",
        slot="blue",
        release="1.0.0-111111111111",
        processes={name: Process("worker", command, "SIGTERM", grace)},
        health=None,
        port=8101,
        host="fuzz",
        user="nobody",
        group="daemon",
        root=root,
        sandbox=box,
    )


def _differences(case: Case, properties: dict[str, Any]) -> Iterator[str]:
    if "error" in properties:
        yield str(properties["error"])
        return
    commands = properties["ExecStartEx"]
    first = commands[0] if commands else [None, None, None]
    seen = {**properties, "argv": first[1], "flags": first[2]}
    for name, value in case.expected().items():
        if seen[name] != value:
            yield f"{name} is {seen[name]!r}, meant {value!r}"
    if len(commands) != 1:
        yield f"{len(commands)} commands"
    for name in ("ExecStartPre", "ExecStartPost", "ExecCondition", "ExecReload", "ExecStop"):
        if properties[name]:
            yield f"{name} is {properties[name]!r}"
    sound = {
        "NoNewPrivileges": True,
        "ProtectSystem": "strict",
        "CapabilityBoundingSet": 0,
        "Restart": "always",
    }
    for name, fixed in sound.items():
        if properties[name] != fixed:
            yield f"{name} is {properties[name]!r}"


def _put(bed: Bed, host: str, files: dict[str, str], folder: str = "/run/systemd/system") -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    script = f"import base64,io,sys,tarfile; tarfile.open(fileobj=io.BytesIO(base64.b64decode(sys.stdin.read()))).extractall({folder!r})"
    bed.exec(host, ["python3", "-c", script], stdin=base64.b64encode(stream.getvalue()).decode())
