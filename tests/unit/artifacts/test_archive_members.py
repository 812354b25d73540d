"""What may be in an archive: tables of attacks, then machines that invent more of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.mas.ops.plugins.module_utils._core.errors import ArtifactError
from ansible_collections.mas.ops.plugins.module_utils._releases.archive import (
    FILE,
    FOLDER,
    SYMLINK,
    ArchiveLimits,
    Member,
    check_members,
    escape,
)
from hypothesis import given
from hypothesis import strategies as st

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "artifacts" / "members.yml").read_text())
MANIFEST = Member("manifest.json", FILE, size=10)


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["name"])
def test_refused(case: dict) -> None:
    members = [Member(**member) for member in case["members"]]
    with pytest.raises(ArtifactError, match=case["error"]):
        check_members(members if case.get("whole") else [MANIFEST, *members])


@pytest.mark.parametrize("case", CASES["accepted"], ids=lambda case: case["name"])
def test_accepted(case: dict) -> None:
    check_members([MANIFEST, *(Member(**member) for member in case["members"])])


def test_a_bomb_is_refused_before_the_next_member_is_read() -> None:
    def members():
        yield MANIFEST
        yield Member("bomb", FILE, size=2**60)
        pytest.fail("the generator was asked for more")

    with pytest.raises(ArtifactError, match="larger than"):
        check_members(members())


def test_limit_of_members() -> None:
    with pytest.raises(ArtifactError, match="limit of 2 members"):
        check_members([MANIFEST, Member("a", FILE), Member("b", FILE)], ArchiveLimits(members=2))


PARTS = st.lists(st.sampled_from(["a", "b", "c", "..", ".", ""]), min_size=1, max_size=5).map("/".join)


@given(
    links=st.dictionaries(st.sampled_from(["a", "b", "d/a", "d/b", "d/e/c"]), PARTS, min_size=1),
    probe=st.sampled_from(["a", "b", "d/a", "d/b", "d/e/c"]),
)
def test_escape_agrees_with_the_kernel(links: dict[str, str], probe: str) -> None:
    """What stays inside for ``escape`` stays inside for realpath on a real disk."""
    links = {name: target for name, target in links.items() if target}
    if probe not in links:
        return
    reason = escape(probe, links)
    with tempfile.TemporaryDirectory() as base:
        root = Path(base).resolve() / "x/y/z/root"
        (root / "d/e").mkdir(parents=True)
        for name, target in links.items():
            (root / name).symlink_to(target)
        if not reason:
            assert Path(os.path.realpath(root / probe)).is_relative_to(root)


NAMES = st.lists(
    st.sampled_from(["a", "b", "..", ".", "", "c\n", "é", "d" * 256]), min_size=1, max_size=3
).map("/".join)
MEMBERS = st.builds(
    Member,
    name=NAMES,
    type=st.sampled_from([FILE, FOLDER, SYMLINK, "hard link", "special file"]),
    linkname=PARTS,
    size=st.sampled_from([0, 0, 1, -1, 2**60]),
    mode=st.sampled_from([0o644, 0o755, 0o4755, 0o2755, 0o1777]),
)


@given(st.lists(MEMBERS, max_size=6))
def test_what_passes_is_plain(members: list[Member]) -> None:
    try:
        check_members([MANIFEST, *members])
    except ArtifactError:
        return
    folders = {member.name for member in members if member.type == FOLDER}
    for member in members:
        assert not member.name.startswith("/")
        assert not {"..", ".", ""} & set(member.name.split("/"))
        assert member.type in (FILE, FOLDER, SYMLINK)
        assert member.mode in (0o644, 0o755)
        parent = member.name.rpartition("/")[0]
        assert not parent or parent in folders
