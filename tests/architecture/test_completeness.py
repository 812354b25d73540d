"""Nothing is half there, nothing belongs to one machine only, and each rule can fail."""

from __future__ import annotations

import pytest
import yaml

from tests.architecture import completeness
from tests.architecture.source import ROOT, Source, files, names

#: Where such names are the subject: the rules themselves.
RULES = {"tests/architecture/completeness.py", "tests/architecture/test_completeness.py"}


def report(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_no_file_belongs_to_one_machine() -> None:
    everything = [source for source in files("*") if source.path not in RULES]
    report([line for source in everything for line in completeness.of_one_machine(source)])


def test_every_role_is_whole() -> None:
    assert any(name.startswith("roles/") for name in names())
    report(list(completeness.incomplete_roles(names())))


def test_the_tests_of_a_package_are_found_by_its_name() -> None:
    report(list(completeness.untested_packages(names())))
    lost = ["plugins/module_utils/_x/y.py", "plugins/plugin_utils/z.py", "tests/unit/y/test_x.py"]
    assert len(list(completeness.untested_packages(lost))) == 2


def test_the_action_group_is_all_modules() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text("utf-8"))
    report(list(completeness.unnamed_modules(names(), runtime)))


def test_every_filter_that_is_used_is_there() -> None:
    documented = [*files("plugins/filter/*.yml"), *files("plugins/filter/*.py")]
    known = [source.parts[-1].split(".")[0] for source in documented if "DOCUMENTATION" in source.text]
    users = [source for source in files("*.yml", "*.md", "*.j2", "*.py") if source.path not in RULES]
    report(list(completeness.unknown_filters(users, known)))


def test_what_the_built_collection_links_is_in_it() -> None:
    ignored = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))["build_ignore"]
    pages = [source for source in files("*.md") if not completeness.is_ignored(source.path, ignored)]
    assert {"README.md", "docs/operate.md"} <= {source.path for source in pages}
    report([line for page in pages for line in completeness.broken_links(page, names(), ignored)])
    by_path = {page.path: page for page in pages}
    report([line for page in pages for line in completeness.broken_anchors(page, by_path)])


@pytest.mark.parametrize(
    "link, broken",
    [
        ("../README.md", False),
        ("b.md#part", False),
        ("../roles", False),
        ("https://example.org/x", False),
        ("#part", False),
        ("../tests/x.py", True),
        ("c.md", True),
        ("README.md", True),
    ],
)
def test_a_broken_link_is_found(link: str, broken: bool) -> None:
    known = ["README.md", "docs/a.md", "docs/b.md", "roles/x/README.md", "tests/x.py"]
    page = Source("docs/a.md", f"see [this]({link}) and more")
    assert bool(list(completeness.broken_links(page, known, ["tests"]))) == broken


@pytest.mark.parametrize(
    "link, broken",
    [
        ("b.md#7-a-part-of-it", False),
        ("b.md", False),
        ("#here", False),
        ("b.md#part", True),
        ("#there", True),
    ],
)
def test_a_broken_anchor_is_found(link: str, broken: bool) -> None:
    page = Source("docs/a.md", f"# Here\n\nsee [this]({link}) and more")
    pages = {page.path: page, "docs/b.md": Source("docs/b.md", "## 7. A part, of `it`\n")}
    assert bool(list(completeness.broken_anchors(page, pages))) == broken


@pytest.mark.parametrize(
    "bad",
    [
        "cd /work/main",
        "path: '/home/alice/x'",
        "see https://pypi.org/simple",
        "deb https://deb.debian.org/debian trixie main",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "A" * 70,
    ],
)
def test_a_sign_of_one_machine_is_found(bad: str) -> None:
    assert list(completeness.of_one_machine(Source("docs/x.md", bad)))


@pytest.mark.parametrize(
    "good", ["frame/work/flow", "{{ base }}/work/x", "/home/app/x", "~/work/x", "debian.org"]
)
def test_what_holds_everywhere_passes(good: str) -> None:
    assert not list(completeness.of_one_machine(Source("docs/x.md", good)))


ROLE = [
    "roles/x/tasks/main.yml",
    "roles/x/meta/argument_specs.yml",
    "roles/x/README.md",
    "molecule/x/molecule.yml",
]


@pytest.mark.parametrize("lacking", ROLE[1:])
def test_an_incomplete_role_is_found(lacking: str) -> None:
    assert list(completeness.incomplete_roles(name for name in ROLE if name != lacking))
    assert not list(completeness.incomplete_roles(ROLE))


@pytest.mark.parametrize("group", [[], ["a"], ["b", "a"], ["a", "b", "c"]])
def test_a_rotten_action_group_is_found(group: list[str]) -> None:
    modules = ["plugins/modules/a.py", "plugins/modules/b.py", "plugins/modules/__init__.py"]
    assert list(completeness.unnamed_modules(modules, {"action_groups": {"all": group}}))
    assert not list(completeness.unnamed_modules(modules, {"action_groups": {"all": ["a", "b"]}}))


@pytest.mark.parametrize("line", ["{{ 'x' | mas.ops.gone(a=1) }}", "when: x |mas.ops.gone"])
def test_a_filter_that_is_gone_is_found(line: str) -> None:
    assert list(completeness.unknown_filters([Source("playbooks/x.yml", line)], ["there"]))
    assert not list(completeness.unknown_filters([Source("playbooks/x.yml", line)], ["there", "gone"]))
