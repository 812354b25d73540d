"""Nothing has grown too long, and each limit can be passed."""

from __future__ import annotations

from tests.architecture import sizes
from tests.architecture.source import Source, below, files

#: Generated, or words of others.
EXEMPT = {
    "requirements/dev.txt",
    "requirements/newest.txt",
    "LICENSE",
    "CHANGELOG.rst",
    "changelogs/changelog.yaml",
}


def report(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_modules_are_thin() -> None:
    report([line for source in below("plugins/modules", "*.py") for line in sizes.long_modules(source)])


def test_functions_are_short() -> None:
    report(list(sizes.long_functions(below("plugins", "*.py"))))
    report(list(sizes.long_functions(files("*.py"))))


def test_files_are_short() -> None:
    kinds = ("*.py", "*.yml", "*.yaml", "*.sh", "*.j2", "*.tf", "*.md", "Makefile", "run")
    report(
        [line for source in files(*kinds) if source.path not in EXEMPT for line in sizes.long_files(source)]
    )


def sample(lines: int, name: str = "f") -> Source:
    return Source("plugins/modules/x.py", f"def {name}():\n" + "    a = 1\n" * (lines - 1))


def test_a_long_module_is_found() -> None:
    assert list(sizes.long_modules(sample(sizes.MODULE_CODE + 1)))
    assert not list(sizes.long_modules(sample(sizes.MODULE_CODE)))


def test_documentation_is_not_code() -> None:
    text = 'DOCUMENTATION = r"""\n' + "a\n" * 500 + '"""\n\n# comment\n\n' + sample(10).text
    assert sizes.code_lines(Source("plugins/modules/x.py", text)) == 10
    docstring = 'def f():\n    """One\n\n    two.\n    """\n    return 1\n'
    assert sizes.code_lines(Source("x.py", docstring)) == 2


def test_a_long_main_is_found() -> None:
    assert list(sizes.long_modules(sample(sizes.MAIN + 1, "main")))
    assert not list(sizes.long_modules(sample(sizes.MAIN, "main")))


def test_a_long_function_is_found() -> None:
    short = [sample(2) for _ in range(100)]
    assert list(sizes.long_functions([*short, sample(sizes.FUNCTION + 1)]))
    assert not list(sizes.long_functions([*short, sample(sizes.FUNCTION)]))


def test_too_many_longish_functions_are_found() -> None:
    short = [sample(2) for _ in range(94)]
    longish = [sample(sizes.USUAL_FUNCTION + 1) for _ in range(6)]
    assert list(sizes.long_functions([*short, *longish]))
    assert not list(sizes.long_functions([*short, sample(2), *longish[:5]]))


def test_a_long_file_is_found() -> None:
    assert list(sizes.long_files(sample(sizes.FILE + 1)))
    assert not list(sizes.long_files(sample(sizes.FILE)))
