"""What an account puts into its own folder leads its removal nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import Refused, StorageError
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import trees


def look() -> None:
    """Nothing ends the run."""


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    (outside / "deeper").mkdir(parents=True)
    (outside / "file").write_text("kept")
    (tree / "data").mkdir(parents=True)
    (tree / "out").symlink_to(outside)
    (tree / "data/up").symlink_to("../../outside", target_is_directory=True)
    (tree / "data/file").symlink_to(outside / "file")
    (tree / "data/lost").symlink_to("nowhere")
    os.mkfifo(tree / "data/pipe")
    os.link(outside / "file", tree / "data/hard")
    trees.remove_tree(str(tree), look)
    assert not tree.exists()
    assert (outside / "file").read_text() == "kept"
    assert (outside / "deeper").is_dir()
    trees.remove_tree(str(tree), look)


def test_a_tree_that_is_deeper_than_calls_nest(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    above = os.open(tree, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("d" * 50, dir_fd=above)
        inner = os.open("d" * 50, os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = inner
    os.close(above)
    trees.remove_tree(str(tree), look)
    assert not tree.exists()


def test_what_became_a_link_meanwhile_is_refused(tmp_path: Path) -> None:
    """The tree itself, and a folder on the way to it."""
    (tmp_path / "outside/tree").mkdir(parents=True)
    (tmp_path / "outside/tree/file").write_text("kept")
    (tmp_path / "tree").symlink_to("outside/tree")
    (tmp_path / "way").symlink_to("outside")
    for path in ("tree", "way/tree"):
        with pytest.raises(StorageError):
            trees.remove_tree(str(tmp_path / path), look)
    with pytest.raises(StorageError):
        trees.remove_file(str(tmp_path / "way/tree/file"))
    assert (tmp_path / "outside/tree/file").read_text() == "kept"


def test_a_folder_that_becomes_a_link_between_two_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    (tree / "data").mkdir(parents=True)
    outside.mkdir()
    (outside / "file").write_text("kept")
    real = os.open

    def swap(path: str, flags: int, *more: int, **where: int) -> int:
        if path == "data" and (tree / "data").is_dir():
            (tree / "data").rmdir()
            (tree / "data").symlink_to(outside)
        return real(path, flags, *more, **where)

    monkeypatch.setattr(os, "open", swap)
    trees.remove_tree(str(tree), look)
    assert not tree.exists()
    assert (outside / "file").read_text() == "kept"


def test_a_run_that_is_to_end_leaves_the_rest(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(5):
        (tree / str(number)).write_text("x")
    seen: list[int] = []

    def end() -> None:
        seen.append(1)
        if len(seen) > 3:
            raise InterruptedError

    with pytest.raises((InterruptedError, StorageError)):
        trees.remove_tree(str(tree), end)
    assert len(list(tree.iterdir())) == 2


def test_folders_that_are_not_empty_stay(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    assert not trees.remove_folder(str(tmp_path / "full"))
    assert not trees.remove_folder(str(tmp_path / "link"))
    assert trees.remove_folder(str(tmp_path / "empty"))
    assert trees.remove_folder(str(tmp_path / "empty"))
    assert trees.remove_folder(str(tmp_path / "not/there"))
    trees.remove_file(str(tmp_path / "not/there"))


def test_mounts(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    lines = ("/", "/srv", "/srv/shop", "/srv/shop/shared/my\\040data", "/srv/shop2/shared")
    table.write_text("".join(f"36 35 98:0 / {point} rw - ext4 /dev/x rw\n" for point in lines))
    assert trees.mounts_in("/srv/shop", str(table)) == ["/srv/shop", "/srv/shop/shared/my data"]
    assert trees.mounts_in("/srv/blog", str(table)) == []


def test_another_file_system_is_not_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tree/mounted").mkdir(parents=True)
    (tmp_path / "tree/mounted/file").write_text("kept")
    real, inner = os.fstat, (tmp_path / "tree/mounted").stat().st_ino

    def fstat(handle: int) -> os.stat_result:
        found = real(handle)
        fields = list(found)
        fields[2] = found.st_dev + (found.st_ino == inner)
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", fstat)
    with pytest.raises(Refused, match=r"another file system is mounted at .*tree/mounted"):
        trees.remove_tree(str(tmp_path / "tree"), look)
    assert (tmp_path / "tree/mounted/file").exists()
