"""Where things lie, and how systemd reads what is written for it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import (
    Layout,
    absolute,
    literal,
    missing_processes,
    render_drop_in,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import Process
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, manifest
from hypothesis import example, given
from hypothesis import strategies as st

LAYOUT = Layout(APP)
#: What a manifest lets through: no control characters, nothing that UTF-8 cannot write.
WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12) | st.text(
    "\"'\\$%;{}# ~*x", max_size=8
)
PROGRAMS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(
    lambda word: word.strip() and word[0] not in "@-:+!|" and not word.endswith("/")
)


def drop_in(command: tuple[str, ...], **more: Any) -> str:
    process = Process(
        **{"kind": "worker", "command": command, "stop_signal": "SIGTERM", "stop_grace": 10, **more}
    )
    return render_drop_in(LAYOUT, "blue", process)


def unquote(line: str) -> list[str]:
    """Words by the rules of systemd.syntax(7): double quotes with C escapes; as rendered, nothing else."""
    words = []
    rest = line
    while rest:
        assert rest.startswith('"')
        word, at = "", 1
        while rest[at] != '"':
            if rest[at] == "\\":
                at += 1
                assert rest[at] in '\\"', "an escape that means something else"
            word += rest[at]
            at += 1
        words.append(word)
        assert rest[at + 1 : at + 2] in {"", " "}
        rest = rest[at + 2 :]
    return words


def specifiers(word: str) -> str:
    """By systemd.unit(5)."""
    assert "%" not in word.replace("%%", "")
    return word.replace("%%", "%")


def variables(word: str) -> str:
    """By systemd.service(5), for all words but the program."""
    assert "$" not in word.replace("$$", "")
    return word.replace("$$", "$")


def as_systemd_reads(text: str) -> list[str]:
    (line,) = [item for item in text.split("\n") if item.startswith("ExecStart=") and item != "ExecStart="]
    program, *rest = map(specifiers, unquote(line.removeprefix("ExecStart=")))
    return [program, *map(variables, rest)]


@given(PROGRAMS, st.lists(WORDS, max_size=4))
@example(
    "/opt/a$b", ["a b", "it's", 'q"q', "100%", "$HOME", "${HOME}", "$$", "\\", "\\n", ";", "", "#", "tail\\"]
)
@example("%h", ["%%h", "@x", "-x", "~"])
def test_every_word_arrives_as_it_was_written(program: str, rest: list[str]) -> None:
    """What the reader above knows was compared with systemd 252: it says the same of these words."""
    words = as_systemd_reads(drop_in((program, *rest)))
    assert words == absolute((program, *rest), "/srv/agents/slots/blue")


@pytest.mark.parametrize(
    "program, path",
    [
        ("python3", "python3"),
        ("/usr/bin/python3", "/usr/bin/python3"),
        ("./bin/worker", "/srv/agents/slots/blue/bin/worker"),
        ("bin/worker", "/srv/agents/slots/blue/bin/worker"),
        ("bin/../run", "/srv/agents/slots/blue/run"),
    ],
)
def test_a_relative_program_is_one_of_the_release(program: str, path: str) -> None:
    assert as_systemd_reads(drop_in((program,))) == [path]


def test_an_argument_for_systemd_run() -> None:
    assert literal("a$b ${C} $$") == "a$$b $${C} $$$$"


@pytest.mark.parametrize("grace, text", [(10, "10"), (3600, "3600"), (0, "1ms")])
def test_no_grace_is_not_for_ever(grace: int, text: str) -> None:
    """systemd reads 0 as infinity, and a deploy would hang on a process that ignores its signal."""
    assert f"\nTimeoutStopSec={text}\n" in drop_in(("x",), stop_grace=grace)


def test_the_whole_drop_in() -> None:
    assert drop_in(("./x", "y"), stop_signal="SIGQUIT") == (
        "# Written by mas.ops.release from the manifest of what this slot holds.\n"
        "[Service]\n"
        "ExecStart=\n"
        'ExecStart="/srv/agents/slots/blue/x" "y"\n'
        "KillSignal=SIGQUIT\n"
        "TimeoutStopSec=10\n"
    )


def test_paths_and_units() -> None:
    assert LAYOUT.release("1-a") == "/srv/agents/releases/1-a"
    assert LAYOUT.state == "/var/lib/mas/agents/state.json"
    assert LAYOUT.units("green") == ("agents-api@green.service", "agents-worker@green.service")
    assert len(set(LAYOUT.all_units())) == 4
    assert LAYOUT.drop_in("api", "blue") == "/etc/systemd/system/agents-api@blue.service.d/50-release.conf"


def test_processes_that_do_not_match_the_units() -> None:
    process = manifest("1.0.0").to_dict()["processes"]["worker"]
    found = manifest("1.0.0", processes={"api": {**process}, "mailer": process}, health=None)
    assert missing_processes(APP, found) == [
        "api (worker) has no unit on this host",
        "mailer (worker) has no unit on this host",
        "worker (worker) is not in the artifact",
    ]
