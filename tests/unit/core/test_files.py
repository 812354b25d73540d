"""Files that a crash cannot leave half-written, and the lock that dies with its holder."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core import files as module
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, Busy, StorageError
from ansible_collections.mas.ops.plugins.module_utils._core.files import (
    exclusive,
    link_atomic,
    read_json,
    replace_lock,
    storage_errors,
    write_atomic,
    write_json,
)

CALLS = ("open", "fdopen", "fchmod", "fsync", "replace", "symlink", "unlink", "close")


def names(folder: Path | str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


class Power:
    """Goes out before the call to the system with that number."""

    class Cut(BaseException):
        pass

    def __init__(self, at: int) -> None:
        self.left = at

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            if self.left == 0:
                raise self.Cut
            self.left -= 1
            return call(*args, **kwargs)

        return watched


def cut_at_each_call(action: Callable[[], None], check: Callable[[], None]) -> int:
    """Do ``action`` with the power cut before its first call, its second ...; the number of calls."""
    for at in range(1000):
        power = Power(at)
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(module.os, name, power.wrap(getattr(os, name)))
            try:
                action()
            except Power.Cut:
                done = False
            else:
                done = True
        check()
        if done:
            return at
    raise AssertionError("it never ended")


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_write_is_whole_wherever_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")

    def check() -> None:
        assert path.read_bytes() in {b"old", b"new" * 1000}

    calls = cut_at_each_call(lambda: write_atomic(str(path), b"new" * 1000), check)
    assert path.read_bytes() == b"new" * 1000
    assert calls >= 5


def test_a_link_is_whole_wherever_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "blue"
    path.symlink_to("old")

    def check() -> None:
        assert str(path.readlink()) in {"old", "new"}

    assert cut_at_each_call(lambda: link_atomic(str(path), "new"), check) >= 4
    assert str(path.readlink()) == "new"
    assert names(tmp_path) == ["blue"], "what a cut left is used up by the next try"


def test_kill_9_in_the_middle_of_many_writes(tmp_path: Path) -> None:
    """For real: whenever the process dies, the file is one of the two that it kept writing."""
    path = tmp_path / "file"
    program = (
        "import sys\n"
        "from ansible_collections.mas.ops.plugins.module_utils._core.files import write_atomic\n"
        "while True:\n"
        "    for text in (b'a', b'b'):\n"
        "        write_atomic(sys.argv[1], text * 300_000)\n"
    )
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", program, str(path)]) as writer:
            while not path.exists():
                pass
            for _ in range(200):
                assert path.read_bytes() in {b"a" * 300_000, b"b" * 300_000}
            writer.kill()
        assert path.read_bytes() in {b"a" * 300_000, b"b" * 300_000}
        path.unlink()


def test_mode_and_folder(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_atomic(str(path), b"1", mode=0o600)
    write_atomic(str(path), b"2")
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(tmp_path) == ["x"]


def test_a_link_at_the_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"theirs")
    (tmp_path / "x").symlink_to(other)
    write_atomic(str(tmp_path / "x"), b"ours")
    assert other.read_bytes() == b"theirs"


@pytest.mark.parametrize(
    "number, advice",
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-write"),
        (errno.EACCES, "writable"),
    ],
)
def test_a_disk_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module.os, "fsync", fail)
    with pytest.raises(StorageError, match=advice) as caught:
        write_atomic(str(path), b"new")
    assert caught.value.where == str(path)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert read_json(str(path)) is None
    write_json(str(path), {"b": 1, "a": "é"})
    assert read_json(str(path)) == {"a": "é", "b": 1}
    for text in (b"{", b"\xff", b""):
        path.write_bytes(text)
        with pytest.raises(BadInput, match="this is not JSON"):
            read_json(str(path))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    os.mkfifo(path)
    with pytest.raises(BadInput, match="cannot be read: it is not a regular file"):
        read_json(str(path))
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        read_json(str(path))
    path.rmdir()
    path.write_text("[" * 100_000)
    with pytest.raises(BadInput, match="this is not JSON"):
        read_json(str(path))


def test_an_immutable_file_is_called_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(module.os, "geteuid", lambda: 0)
    monkeypatch.setattr(module.os, "replace", refuse)
    path = tmp_path / "x"
    with pytest.raises(StorageError, match=f"chattr -i {path}"):
        write_atomic(str(path), b"x")


def test_who_waits_for_a_lock_that_is_replaced_gets_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    def replaced(_: float) -> None:
        replace_lock(str(path), path.stat().st_ino)

    with exclusive(str(path)):
        with exclusive(str(path), wait=replaced), pytest.raises(Busy), exclusive(str(path)):
            pass
        assert len(names(tmp_path)) == 2


def test_one_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with exclusive(path):
        with pytest.raises(Busy, match=r"another run .*Wait for it to end"), exclusive(path):
            pass
        seen: list[str] = []

        def second() -> None:
            try:
                with exclusive(path):
                    seen.append("in")
            except Busy:
                seen.append("busy")

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert seen == ["busy"]
    with exclusive(path):
        pass
    assert Path(path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("child", [False, True])
def test_kill_9_drops_the_lock_also_while_a_child_goes_on(tmp_path: Path, child: bool) -> None:
    path = str(tmp_path / "lock")
    begin = "p = subprocess.Popen(['sleep', '30'], stdout=subprocess.DEVNULL)" if child else "p = None"
    program = (
        "import subprocess, sys, time\n"
        "from ansible_collections.mas.ops.plugins.module_utils._core.files import exclusive\n"
        "with exclusive(sys.argv[1]):\n"
        f"    {begin}\n"
        "    print(p.pid if p else 0, flush=True)\n"
        "    time.sleep(30)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        pid = int(holder.stdout.readline())
        with pytest.raises(Busy), exclusive(path):
            pass
        holder.kill()
        holder.wait()
        try:
            with exclusive(path):
                pass
        finally:
            if pid:
                os.kill(pid, signal.SIGKILL)


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with pytest.raises(KeyError), exclusive(path):
        raise KeyError
    with exclusive(path):
        pass


def test_no_folder_for_the_lock(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match=r"Check that the folder exists") as raised,
        exclusive(str(tmp_path / "none" / "lock")),
    ):
        pass
    assert raised.value.missing


def test_a_caller_says_what_makes_the_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match=r"Mount the disk\."),
        storage_errors("x", "Mount the disk."),
    ):
        (tmp_path / "none" / "x").touch()


def test_a_caller_says_what_the_lock_is_for(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with (
        exclusive(path),
        pytest.raises(Busy, match="changing the backups right now"),
        exclusive(path, subject="the backups"),
    ):
        pass


def test_a_lock_that_is_let_go_in_time_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    held = threading.Event()

    def hold() -> None:
        with exclusive(path):
            held.set()
            time.sleep(0.3)

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    with pytest.raises(Busy), exclusive(path, patience=0.01):
        pass
    with exclusive(path, patience=10):
        pass
    other.join()


def test_missing_rights_are_called_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that refuses root says something else."""
    for user, says in (
        (1000, r"only root may write this: Permission denied .*Set become: true\."),
        (0, "cannot write"),
    ):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        with pytest.raises(StorageError, match=says), storage_errors(str(tmp_path)):
            raise PermissionError(13, "Permission denied")
