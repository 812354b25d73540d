"""The project's prose uses plain words, its code the names of the glossary, and each rule can fail."""

from __future__ import annotations

import re

import pytest

from tests.architecture import words
from tests.architecture.source import ROOT, Source, below, files

#: Files that may hold such a word, and why.
ALLOWED = {
    "LICENSE": "the text of the licence",
    "tests/architecture/words.py": "the rule",
    "tests/architecture/test_words.py": "the rule",
    "plugins/module_utils/_releases/adapters/bounded.py": "tell() of a file",
    "tests/unit/artifacts/test_bounded.py": "tell() of a file",
    "molecule/preflight/tests/test_preflight.py": "nobody is an account of the system",
    "tests/bed/renderings.py": "nobody is an account of the system",
    "tests/integration/test_first_host.py": "nobody is an account of the system",
    "tests/integration/test_shared.py": "nobody is an account of the system",
    "tests/integration/test_true_deploy.py": "nobody is an account of the system",
    "examples/app/tests/agents_postgres.py": "nobody is an account of the system",
}
#: Where such names are the subject.
RULES = {"tests/architecture/words.py", "tests/architecture/test_words.py"}
CODE = ("plugins", "playbooks", "roles", "tests")


def report(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_no_vague_word_is_left() -> None:
    report(
        [line for source in files("*") if source.path not in ALLOWED for line in words.vague_words(source)]
    )


def test_no_vague_name_is_left() -> None:
    sources = [source for source in files("*.py") if source.path not in ALLOWED]
    report([line for source in sources for line in words.vague_names(source)])


def test_every_exception_is_needed() -> None:
    assert [path for path in ALLOWED if not any(words.vague_words(source_of(path)))] == []


def test_no_renamed_identifier_is_left() -> None:
    sources = [source for folder in CODE for source in below(folder, "*.py") if source.path not in RULES]
    assert len(sources) > 100
    report([line for source in sources for line in words.renamed_identifiers(source)])


def test_no_renamed_key_is_left() -> None:
    sources = [source for folder in CODE for source in below(folder, "*.yml", "*.yaml")]
    assert len(sources) > 20
    report([line for source in sources for line in words.renamed_keys(source)])


@pytest.mark.parametrize(
    "bad",
    [
        "# Nobody waits for it.",
        "- name: Tell that it is back",
        'raise OpsError("the host is told so")',
        "| `traffic_info` | tells how often |",
        'AGENT = "somebody\'s"',
    ],
)
def test_a_vague_word_is_found(bad: str) -> None:
    assert list(words.vague_words(Source("docs/x.md", f"first\n{bad}\n")))


@pytest.mark.parametrize("good", ["tellers fortold", "nobodys", "the host reports it", "foretells"])
def test_other_words_pass(good: str) -> None:
    assert not list(words.vague_words(Source("docs/x.md", good)))


@pytest.mark.parametrize(
    "bad",
    [
        "def test_nobody_waits(): ...",
        "def f(told): ...",
        "told = 1",
        "NOBODY = 1",
        "for told in []: ...",
        "class TellLine: ...",
        "self.deploy_tells = 1",
    ],
)
def test_a_vague_name_is_found(bad: str) -> None:
    assert list(words.vague_names(Source("tests/x.py", bad)))
    assert not list(words.vague_names(Source("tests/x.py", "def test_a_teller(hello): stream.tell()")))


@pytest.mark.parametrize("name", sorted(words.RENAMED))
def test_a_renamed_identifier_is_found(name: str) -> None:
    for code in (
        f"def {name}(): ...",
        f"class {name}: ...",
        f"def f(*, {name}=1): ...",
        f"_{name} = 1",
        f"import x as {name}",
        f"with f() as {name}: ...",
    ):
        assert list(words.renamed_identifiers(Source("plugins/x.py", code))), code
    assert list(words.renamed_identifiers(Source(f"plugins/{name}.py", "")))
    assert list(words.renamed_keys(Source("tests/x.yml", f"- {name}: 1")))
    assert not list(words.renamed_identifiers(Source("plugins/x.py", f"'{name} {name}'; {name}_1 = 2")))


@pytest.mark.parametrize(
    "path, code",
    [
        ("plugins/survey.py", ""),
        ("plugins/x.py", "def survey(): ..."),
        ("plugins/x.py", "{'way_back': 1}"),
        ("plugins/x.py", "entry['dead_man']"),
        ("plugins/x.py", "def f(way_back): ..."),
    ],
)
def test_a_renamed_definition_or_key_is_found(path: str, code: str) -> None:
    assert list(words.renamed_identifiers(Source(path, code)))


def test_prose_may_use_the_words_of_old_identifiers() -> None:
    for text in ("# a door beside the origin", "msg: the page that is shown", "'a survey of AWX'"):
        assert not list(words.renamed_keys(Source("playbooks/x.yml", text)))
    assert not list(words.renamed_identifiers(Source("plugins/x.py", "'''A way back, beside the origin.'''")))


def test_the_glossary_is_one_line_a_term() -> None:
    """In the order of the alphabet, each term once, and linked from where a reader begins."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", source_of("docs/glossary.md").text, re.MULTILINE)[2:]
    terms = [term.casefold() for term in rows]
    assert len(terms) > 50
    assert terms == sorted(set(terms))
    assert "(docs/glossary.md)" in source_of("README.md").text
    assert "(glossary.md)" in source_of("docs/README.md").text


def source_of(path: str) -> Source:
    return Source(path, (ROOT / path).read_text("utf-8"))
