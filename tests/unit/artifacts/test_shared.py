"""What releases share: links to one copy, made by root in a folder that belongs to the application."""

from __future__ import annotations

import grp
import os
import pwd
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import ArtifactError, StorageError
from ansible_collections.mas.ops.plugins.module_utils._releases import shared
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import (
    archive,
    private_files,
    shared_links,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import Manifest
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP

from .test_unpack import TREE, make, manifest_of

OWNER = (65534, 65534)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("releases/.partial-1", "shared"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def link(home: Path, *paths: str) -> Path:
    release = home / "releases" / ".partial-1"
    shared_links.link_shared(str(release), paths, str(home / "shared"), OWNER)
    return release.rename(home / "releases" / "1")


def test_links_and_folders(home: Path) -> None:
    (home / "releases" / ".partial-1" / "config").mkdir()
    release = link(home, "uploads/", "config/local.json", "var/cache/pages/")
    assert (release / "uploads").readlink() == Path("../../shared/uploads")
    assert (release / "uploads").resolve() == home / "shared" / "uploads"
    assert (release / "var/cache/pages").resolve() == home / "shared/var/cache/pages"
    assert (home / "shared/var/cache/pages").is_dir()
    assert (release / "config/local.json").is_symlink()
    assert (home / "shared/config").is_dir()
    assert not (home / "shared/config/local.json").exists()
    (release / "config/local.json").write_text("{}")
    assert (home / "shared/config/local.json").read_text() == "{}"


def test_what_is_there_is_kept(home: Path) -> None:
    (home / "shared" / "uploads").mkdir(mode=0o711)
    (home / "shared" / "uploads" / "a").write_text("a")
    before = (home / "shared" / "uploads").stat()
    release = link(home, "uploads/")
    assert (release / "uploads" / "a").read_text() == "a"
    after = (home / "shared" / "uploads").stat()
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)


@root_only
def test_new_folders_belong_to_the_application(home: Path) -> None:
    release = link(home, "a/b/", "c/file")
    for name in ("a", "a/b", "c"):
        found = (home / "shared" / name).stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (*OWNER, 0o750)
    assert (release / "a").stat().st_uid == 0


@pytest.mark.parametrize("path", ["a/", "a/b/", "a/file"])
def test_root_follows_no_link_of_the_application(home: Path, path: str) -> None:
    """Else a compromised application would have a folder of its own anywhere: below /etc, for one."""
    (home / "etc").mkdir()
    (home / "shared" / "a").symlink_to(home / "etc")
    with pytest.raises(StorageError, match="'a' is shared by all releases and must be a folder"):
        link(home, path)
    assert list((home / "etc").iterdir()) == []


def test_a_file_where_a_folder_is_to_be(home: Path) -> None:
    (home / "shared" / "a").write_text("")
    with pytest.raises(StorageError, match="must be a folder"):
        link(home, "a/")


def test_the_account() -> None:
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    assert private_files.account(replace(APP, user=user, group=group)) == (os.getuid(), os.getgid())
    assert private_files.account(replace(APP, user="no-such", group="no-such")) == (0, 0)


@root_only
def test_a_release_follows_the_group_of_the_application(tmp_path: Path) -> None:
    """Provision may give the application another group; an older release is gone back to after that."""
    (tmp_path / "d").mkdir(mode=0o750)
    for name, mode in (("d/key", 0o640), ("open", 0o644)):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.write_text("")
    outside.chmod(0o600)
    (tmp_path / "link").symlink_to(outside)
    private_files.give_to(str(tmp_path), OWNER[1])
    groups = {name: (tmp_path / name).stat().st_gid for name in ("d", "d/key", "open", "link", ".")}
    assert groups == {"d": OWNER[1], "d/key": OWNER[1], "open": 0, "link": 0, ".": OWNER[1]}
    private_files.give_to(str(tmp_path / "none"), OWNER[1])


@pytest.mark.parametrize(
    "path, name", [("agents/", "agents"), ("agents/api.py", "agents/api.py"), ("run/x", "run")]
)
def test_an_archive_that_ships_what_it_shares(tmp_path: Path, path: str, name: str) -> None:
    """A host judges by itself, whoever signed it."""
    data = Manifest.from_json(manifest_of(TREE)).to_dict()
    forged = Manifest.parse({**data, "shared": [path]}).to_json()
    with pytest.raises(ArtifactError, match=f"not safe to unpack: .*{name}"):
        archive.inspect(make(tmp_path / "a.tar.gz", TREE, manifest=forged))


def test_an_artifact_from_before_there_was_shared(tmp_path: Path) -> None:
    data = Manifest.from_json(manifest_of(TREE)).to_dict()
    assert "shared" not in data
    assert Manifest.parse(data).shared == ()
    assert shared.clash((), {"a": True}) == ""


@root_only
def test_private_files_are_the_groups_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    modes = {"d": 0o750, "d/key": 0o640, "d/run": 0o750, "open": 0o644, "tight": 0o600}
    entries = [
        (name, tarfile.DIRTYPE if name == "d" else tarfile.REGTYPE, b"" if name != "d" else "")
        for name in modes
    ]
    make(path, entries)
    rewritten = tmp_path / "b.tar.gz"
    with tarfile.open(path) as old, tarfile.open(rewritten, "w:gz") as new:
        for info in old:
            info.mode = modes.get(info.name, 0o644)
            new.addfile(info, old.extractfile(info) if info.isreg() else None)
    dest = tmp_path / "release"
    dest.mkdir()
    archive.unpack(str(rewritten), str(dest), group=OWNER[1])
    found = {name: (dest / name).stat() for name in modes}
    assert {name: (oct(one.st_mode & 0o777), one.st_uid, one.st_gid) for name, one in found.items()} == {
        "d": ("0o750", 0, OWNER[1]),
        "d/key": ("0o640", 0, OWNER[1]),
        "d/run": ("0o750", 0, OWNER[1]),
        "open": ("0o644", 0, 0),
        "tight": ("0o640", 0, OWNER[1]),
    }


def test_a_virtual_environments_interpreter_is_unpacked(tmp_path: Path) -> None:
    tree = [
        *TREE,
        ("python3", tarfile.SYMTYPE, "/usr/bin/python3"),
        # As venv makes them: Python's own filter follows the links that are on the disk already.
        ("python3.11", tarfile.SYMTYPE, "python3"),
    ]
    dest = tmp_path / "release"
    dest.mkdir()
    archive.unpack(make(tmp_path / "a.tar.gz", tree), str(dest))
    assert (dest / "python3").readlink() == Path("/usr/bin/python3")
    assert (dest / "python3.11").readlink() == Path("python3")
    for target in (
        "/usr/bin/python3/..",
        "/usr/bin/python3.11/x",
        "/usr/bin/python2",
        "/usr/bin/../x",
        "/bin/sh",
    ):
        with pytest.raises(ArtifactError, match="not a relative path"):
            archive.inspect(make(tmp_path / "b.tar.gz", [*TREE, ("python3", tarfile.SYMTYPE, target)]))
    through = [*TREE, ("p", tarfile.SYMTYPE, "/usr/bin/python3"), ("q", tarfile.SYMTYPE, "p/../../x")]
    with pytest.raises(ArtifactError, match="not a relative path"):
        archive.inspect(make(tmp_path / "c.tar.gz", through))
