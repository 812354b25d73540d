"""What `make new-module` and its like write passes the checks as it is, in a copy of the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run import skeleton, tables
from tests.run.skeleton import Unusable
from tests.run.stage import ROOT

MADE = (
    ("module", "sample_info"),
    ("module", "sample_text"),
    ("role", "sample_role"),
    ("playbook", "sample_play"),
)
PLUGINS = "ansible_collections.mas.ops.plugins"


class Copy:
    """A checkout with one of each, which Python sees as the collection."""

    def __init__(self, place: Path) -> None:
        self.root = place / "ansible_collections/mas/ops"
        self.environment = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
        self.environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment["ANSIBLE_COLLECTIONS_PATH"] = str(place)
        for name in _known():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.root / name)
        self.run("git", "init", "--quiet")
        self.written: dict[str, list[str]] = {}

    def run(self, *argv: str) -> str:
        done = subprocess.run(
            argv, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def python(self, *words: str) -> str:
        return self.run(sys.executable, "-m", *words)

    def files(self, *suffixes: str) -> list[str]:
        return [path for paths in self.written.values() for path in paths if path.endswith(suffixes)]


def _known() -> list[str]:
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("copy"))
    for kind, name in MADE:
        said = made.python("tests.run.skeleton", kind, name)
        made.written[name] = [line.strip() for line in said.partition("\n\n")[0].splitlines()[1:]]
    return made


def test_the_copy_is_what_python_sees(copy: Copy) -> None:
    """Or all that follows would look at the checkout itself."""
    said = copy.run(sys.executable, "-c", f"import {PLUGINS}.modules.sample_info as m; print(m.__file__)")
    assert said.strip() == str(copy.root / "plugins/modules/sample_info.py")


def test_what_is_written(copy: Copy) -> None:
    assert {
        "plugins/modules/sample_info.py",
        "plugins/module_utils/_sample/settings.py",
        "tests/unit/sample/test_sample_info.py",
        "changelogs/fragments/sample_info.yml",
        "meta/runtime.yml",
        "roles/sample_role/tasks/main.yml",
        "molecule/sample_role/tests/test_sample_role.py",
        "playbooks/sample_play.yml",
        "playbooks/argument_specs/sample_play.yml",
        "tests/integration/test_sample_play.py",
        "docs/variables.md",
    } <= set(copy.files(""))
    assert all((copy.root / path).is_file() for path in copy.files(""))
    assert "mas.ops.sample_play" in (copy.root / "docs/variables.md").read_text("utf-8")


@pytest.mark.parametrize(
    "argv",
    [("ruff", "check"), ("ruff", "format", "--check")],
    ids=" ".join,
)
def test_the_linters_find_nothing(copy: Copy, argv: tuple[str, ...]) -> None:
    copy.run(*argv, *copy.files(".py"))


def test_their_yaml_is_laid_out_as_elsewhere(copy: Copy) -> None:
    copy.run("yamllint", "--strict", *copy.files(".yml"))
    copy.run(
        "antsibull-changelog",
        "lint",
        *(path for path in copy.files(".yml") if path.startswith("changelogs/")),
    )


def test_the_rules_of_the_architecture_hold(copy: Copy) -> None:
    copy.python("pytest", "-q", rules())


def rules() -> str:
    """Where the rules are, whatever their folder is called."""
    (found,) = ROOT.glob("tests/*/test_layers.py")
    return found.parent.relative_to(ROOT).as_posix()


def test_their_own_tests_pass(copy: Copy) -> None:
    copy.python("pytest", "-q", "tests/unit/sample", "tests/unit/sample_text")


def test_types_are_right(copy: Copy) -> None:
    modules = [
        f"--module={PLUGINS}.{path.removeprefix('plugins/').removesuffix('.py').replace('/', '.')}"
        for path in copy.files(".py")
        if path.startswith("plugins/") and not path.endswith("__init__.py")
    ]
    assert len(modules) == 6
    # As tests/run/types.py does it.
    link = copy.root / ".cache/collections/ansible_collections/mas/ops"
    link.parent.mkdir(parents=True)
    link.symlink_to(copy.root)
    copy.python("mypy", "--follow-imports=silent", *modules)


@pytest.mark.parametrize(
    "kind, name", [("module", "sample_info"), ("module", "sample_text"), ("role", "sample_role")]
)
def test_ansible_shows_their_documentation(copy: Copy, kind: str, name: str) -> None:
    assert f"mas.ops.{name}" in copy.run("ansible-doc", "--type", kind, "--json", f"mas.ops.{name}")


def test_ansible_reads_the_playbook_and_the_role(copy: Copy) -> None:
    for path in ("playbooks/sample_play.yml", "molecule/sample_role/converge.yml"):
        copy.run("ansible-playbook", "--syntax-check", "-i", os.devnull, path)


@pytest.mark.parametrize(
    "name", ["", "Disk", "disk-info", "disk info", "../disk", "disk__info", "_disk", "class", "1disk", "a\n"]
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    for kind in skeleton.KINDS:
        with pytest.raises(Unusable, match="is no name"):
            skeleton.check_name(kind, name, ROOT)


@pytest.mark.parametrize(
    "kind, name", [("module", "release"), ("module", "gate_info"), ("role", "proxy"), ("playbook", "deploy")]
)
def test_a_name_that_is_there_is_refused(kind: str, name: str) -> None:
    before = tables.page()
    with pytest.raises(Unusable, match="exists"):
        skeleton.write(kind, name)
    assert tables.page() == before


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert skeleton.main(["module", "release"]) == 1
    assert "exists" in capsys.readouterr().err
    assert skeleton.main(["plugin", "x"]) == 2


def test_the_action_group_stays_in_order() -> None:
    text = "---\nrequires: x\naction_groups:\n  all:\n    - a\n    - c\n"
    assert skeleton.in_action_group(text, "b") == text.replace("    - c", "    - b\n    - c")
