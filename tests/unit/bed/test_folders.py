"""Folders below one that others can write to, and what is said of what stays."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from bed import CHECKOUT, BedError, own_folder
from leftovers import describe


def _link(path: Path) -> None:
    (path.parent / "elsewhere").mkdir(mode=0o700)
    path.symlink_to("elsewhere")


def _dangling(path: Path) -> None:
    path.symlink_to("nothing")


def _file(path: Path) -> None:
    path.touch(0o600)


def _open(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


PREPARED = [_link, _dangling, _file, _open]


@pytest.mark.parametrize("prepared", PREPARED)
def test_what_another_user_prepared_is_not_used(tmp_path: Path, prepared: Callable[[Path], None]) -> None:
    prepared(tmp_path / "control")
    with pytest.raises(BedError, match="not a folder of your own"):
        own_folder(tmp_path / "control")


def test_ours_is_made_and_used_again(tmp_path: Path) -> None:
    for _ in range(2):
        own_folder(tmp_path / "control")
    assert (tmp_path / "control").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("prepared", PREPARED)
def test_a_scenario_does_not_use_it_either(tmp_path: Path, prepared: Callable[[Path], None]) -> None:
    prepared(tmp_path / f"mas-ops-{os.getuid()}")
    command = [str(CHECKOUT / "tests/bed/molecule"), "proxy", "list"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "MAS_OPS_IN_ENV": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert (
        sorted(path.name for path in tmp_path.rglob("*") if path.is_dir() and path.parent != tmp_path) == []
    )


def test_nothing_is_kept_where_others_can_write() -> None:
    script = (CHECKOUT / "tests/bed/build-images.sh").read_text()
    locks = next(line for line in script.splitlines() if line.startswith("locks="))
    assert "/tmp" not in locks
    assert "TMPDIR" not in locks


def test_what_stays_is_said_with_the_way_to_remove_it() -> None:
    text = describe(
        [("localhost/a:latest", 3 << 20), ("localhost/b:latest", 1 << 20)], ["crun", "podman"], ["demo"], True
    )
    for words in (
        "tests/bed/bed.py down --run demo",
        "2 images, 4 MiB at most: tests/bed/env.sh podman image rm localhost/a:latest localhost/b:latest",
        "apt-get purge --autoremove crun podman",
        "tests/bed/env.sh --down",
        "make clean",
    ):
        assert words in text
    assert "had to install none" in describe([], [], [], False)
