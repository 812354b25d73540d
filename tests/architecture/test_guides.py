"""What the guides for contributors name is there: files, functions and targets of make."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, files

_ROW = re.compile(r"^\| (?P<question>[^|]+\?) \| `(?P<path>[^`]+)` \| (?:`(?P<name>\w+)` )?\|$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_TARGET = re.compile(r"^([a-z][a-z -]*):", re.MULTILINE)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


ROWS = [
    found.groupdict() for found in _ROW.finditer(section(page("architecture.md"), "Where is it decided?"))
]


def test_most_questions_have_an_answer() -> None:
    table = section(page("architecture.md"), "Where is it decided?")
    assert len(ROWS) == sum(line.startswith("| ") for line in table.splitlines()) - 2
    assert len(ROWS) >= 15


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["question"])
def test_it_is_decided_there(row: dict[str, str]) -> None:
    text = (ROOT / row["path"]).read_text("utf-8")
    if row["name"]:
        assert re.search(rf"^\s*(?:def |class )?{row['name']}\b *[(:=]", text, re.MULTILINE), row["name"]


@pytest.mark.parametrize(
    "path", re.findall(r"^\| `([\w/]+)` \|", section(page("architecture.md"), "The layers"), re.MULTILINE)
)
def test_the_folders_of_the_layers_are_there(path: str) -> None:
    assert (ROOT / path).is_dir()


def named(text: str) -> Iterator[str]:
    """What looks like a path, or a target of make with its arguments."""
    for code in _CODE.findall(text):
        if code.startswith("make ") or ("/" in code and " " not in code) or code.endswith((".md", ".yml")):
            yield code


def targets() -> set[str]:
    return {
        name for names in _TARGET.findall((ROOT / "Makefile").read_text("utf-8")) for name in names.split()
    }


CHECKLIST = sorted(set(named(section(page("contributing.md"), "Add a capability"))))


def test_the_checklist_names_something() -> None:
    assert len(CHECKLIST) > 25
    assert {"make faults", "tests/bench", "README.md"} <= set(CHECKLIST)


@pytest.mark.parametrize("what", CHECKLIST)
def test_what_the_checklist_names_is_there(what: str) -> None:
    if what.startswith("make "):
        assert what.split()[1] in targets()
        for scenario in re.findall(r"\bS=(\w+)", what):
            assert (ROOT / "molecule" / scenario / "molecule.yml").is_file()
    else:
        assert (ROOT / what).exists()


@pytest.mark.parametrize(
    "what", sorted(set(re.findall(r"^\| `make ([a-z-]+)", page("contributing.md"), re.MULTILINE)))
)
def test_the_table_of_commands_is_of_today(what: str) -> None:
    assert what in targets()


def test_nothing_refers_to_a_document_that_is_not_here() -> None:
    word = "DESIGN"
    found = [
        source.path for source in files("*.py", "*.md", "*.yml") if re.search(rf"\b{word} \d", source.text)
    ]
    assert found == []
