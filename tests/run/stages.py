"""Which stages there are, in groups, cheapest first."""

from __future__ import annotations

import sys
from pathlib import Path

from . import ansible_core
from .stage import ROOT, Stage

#: Of the 90 minutes that a continuous integration run may take, what the stages get.
TIME = {"check": 30 * 60.0, "test": 84 * 60.0}

#: How many stages of a group run at a time: those of the other groups use both processors by themselves, or are short.
LANES = {"sanity": 2, "scenarios": 2}

_PYTHON = sys.executable
#: What mypy --strict holds, beside the collection.
TYPED_PROGRAMS = ("tests/run", "tests/architecture", "tests/bed", "tests/bench", "tests/faults")

#: A test that hangs still says where.
_HANGS = ("-o", "faulthandler_timeout=600")

#: A file's tests share their hosts. The slowest are named, because all of them have to fit into an hour.
_BY_FILE = ("--dist=loadfile", "--durations=25")

_LINT = (
    # Without an inventory and without extra variables, as in a checkout of a user who imports the playbooks.
    *("env", "NO_COLOR=1"),
    *("ansible-lint", "--offline", "--profile", "production", "--strict", "-p", "."),
)


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (_PYTHON, "-m", name, *arguments)


def _shipped(name: str) -> tuple[str, ...]:
    return _module("tests.run.shipped", name)


def check() -> list[Stage]:
    """All that needs no containers."""
    return [
        Stage("ruff", "source", ("ruff", "check", "."), ("plugins/module_utils/*/*.py",)),
        Stage("ruff-format", "source", ("ruff", "format", "--check", ".")),
        Stage("yamllint", "source", ("yamllint", "--strict", ".")),
        Stage(
            "architecture",
            "source",
            _module("pytest", "tests/architecture"),
            ("tests/architecture/test_*.py",),
        ),
        Stage("mypy", "source", _module("tests.run.types"), ("plugins/module_utils/*/*.py",)),
        Stage(
            "unit",
            "source",
            _module("pytest", "tests/unit", "examples/app/tests", "--numprocesses=auto"),
            ("tests/unit/**/test_*.py", "examples/app/tests/test_*.py"),
        ),
        Stage("changelog", "source", ("antsibull-changelog", "lint"), ("changelogs/fragments/*.yml",)),
        Stage("build", "collection", _shipped("build"), ("galaxy.yml", "README.md", "CHANGELOG.rst")),
        Stage("documentation", "collection", _shipped("documentation"), ("plugins/modules/*.py",)),
        Stage("playbooks", "collection", _shipped("playbooks"), ("playbooks/deploy.yml",)),
        Stage(
            "antsibull-docs",
            "collection",
            ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "."),
            ("plugins/modules/*.py", "docs/docsite/extra-docs.yml", "docs/docsite/rst/*.rst"),
        ),
        Stage(
            "ansible-lint",
            "collection",
            _LINT,
            ("roles/*/tasks/main.yml",),
        ),
        Stage("galaxy-importer", "collection", _shipped("importer")),
        Stage("sanity", "sanity", _module("tests.run.sanity"), ("plugins/modules/*.py",), limit=1200.0),
        Stage("sanity-oldest", "sanity", _module("tests.run.sanity", "oldest"), ("plugins/modules/*.py",)),
        *(_sanity(release) for release in ansible_core.RELEASES),
    ]


def everything(root: Path = ROOT) -> list[Stage]:
    """All that a change must pass."""
    return [*check(), *containers(root)]


def containers(root: Path = ROOT) -> list[Stage]:
    """The test bed, then every Molecule scenario and the other releases of ansible-core, then what spans several hosts."""
    names = sorted(path.parent.name for path in root.glob("molecule/*/molecule.yml"))
    return [
        Stage("bed", "bed", ("tests/bed/build-images.sh",), ("tests/bed/build-images.sh",), limit=900.0),
        # The longest of its group, so the first.
        Stage(
            "story-ansible-core",
            "scenarios",
            _module("pytest", "tests/ansible_core", *_HANGS),
            ("tests/ansible_core/test_*.py", *_locks(*ansible_core.RELEASES)),
            limit=1500.0,
        ),
        *(_scenario(name) for name in names or ["default"]),
        Stage(
            "integration",
            "hosts",
            # Three files at a time on two processors: their tests wait for hosts part of the time, and each file has hosts
            # of its own.
            _module("pytest", "tests/integration", "--numprocesses=3", *_BY_FILE, *_HANGS),
            ("tests/integration/**/test_*.py",),
            limit=3600.0,
        ),
    ]


def _sanity(release: str) -> Stage:
    name = release.removeprefix("core-")
    return Stage(
        f"sanity-{name}",
        "sanity",
        _module("tests.run.sanity", release),
        ("plugins/modules/*.py", *_locks(release)),
    )


def _locks(*releases: str) -> tuple[str, ...]:
    return tuple(str(ansible_core.lock(release).relative_to(ROOT)) for release in releases)


def _scenario(name: str) -> Stage:
    return Stage(
        f"molecule-{name}",
        "scenarios",
        ("tests/bed/molecule", name, "test"),
        (f"molecule/{name}/molecule.yml",),
        limit=1500.0,
    )
