"""A page that is run: what counts as a step, and that none is left out in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.page import Commands, File, PageError, parse, run

ROOT = Path(__file__).resolve().parents[3]


def fenced(info: str, *lines: str) -> str:
    return "\n".join([f"```{info}", *lines, "```", ""])


def ran(tmp_path: Path, text: str, limit: float = 10) -> list[str]:
    folder = tmp_path / "reader"
    folder.mkdir()
    return run(text, folder, {"PATH": os.environ["PATH"]}, limit).outputs


def test_files_and_commands_in_their_order() -> None:
    text = "\n".join(
        [
            "`a/b.yml`:",
            "",
            fenced("yaml", "x: 1"),
            "Then",
            fenced("sh", "cat a/b.yml"),
            "which prints",
            fenced("text", "x: 1"),
        ]
    )
    (file, commands) = parse(text)
    assert file == File("a/b.yml", "x: 1\n")
    assert isinstance(commands, Commands)
    assert commands.script == "cat a/b.yml\n"
    assert commands.output
    assert commands.output.lines == ("x: 1",)


@pytest.mark.parametrize(
    "text, says",
    [
        (fenced("sh", "true") + fenced("yaml", "x: 1"), "a block of yaml without a name"),
        (fenced("sh", "true") + fenced("", "true"), "a block of nothing without a name"),
        (fenced("sh", "true") + fenced("bash", "true"), "a block of bash"),
        (fenced("sh", "true") + "\n    indented\n", "a block by indentation"),
        (fenced("text", "x"), "an output without commands"),
        (fenced("sh", "true") + fenced("text", "x") + fenced("text", "y"), "an output without commands"),
        ("`a.yml`:\n\n" + fenced("yaml", "x: 1"), "no commands"),
    ],
)
def test_what_is_no_page(text: str, says: str) -> None:
    with pytest.raises(PageError, match=says):
        parse(text)


def test_it_runs_as_in_one_shell(tmp_path: Path) -> None:
    text = "`in/a.txt`:\n\n" + fenced("text", "1") + fenced("sh", "cd in", "x='a b'", "export x")
    assert ran(tmp_path, text + fenced("sh", 'echo "$x"', "cat a.txt") + fenced("text", "1", "a …")) == [
        "",
        "a b\n1\n",
    ]


@pytest.mark.parametrize(
    "script, output, says",
    [
        ("false\ntrue", "", "status 1"),
        ("false | true", "", "status 1"),
        ('echo "$unset"', "", "status 1"),
        ("echo b", "a", "'a' is not in the output"),
        ("echo a", "a\na", "'a' is not in the output"),
        ("sleep 9", "", "no end after 1 s"),
    ],
)
def test_a_page_that_does_not_do_what_it_says(tmp_path: Path, script: str, output: str, says: str) -> None:
    text = fenced("sh", script) + (fenced("text", output) if output else "")
    with pytest.raises(PageError, match=says):
        ran(tmp_path, text, limit=1)


def test_the_quickstart_is_complete() -> None:
    """Every fence of the page is a step: counted here without the library that finds them."""
    text = (ROOT / "docs/quickstart.md").read_text("utf-8")
    steps = parse(text)
    outputs = sum(isinstance(step, Commands) and step.output is not None for step in steps)
    fences = sum(line.startswith("```") for line in text.splitlines())
    assert 2 * (len(steps) + outputs) == fences
    scripts = "".join(step.script for step in steps if isinstance(step, Commands))
    for playbook in ("build", "provision", "deploy", "rollback", "report"):
        assert f"mas.ops.{playbook} " in scripts
