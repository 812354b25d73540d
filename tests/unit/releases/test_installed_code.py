"""The code that stays on a host: installed whole, verified before each use, renewed when anything about it is wrong."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import OpsError, StorageError
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import (
    call,
    command,
    installed_code,
    launch,
)

DIGEST = "0123456789abcdef"
PARAMS = {"application": "no-such-application", "inventory": [], "run_age": 0.0}
REQUEST = json.dumps({"params": PARAMS, "check_mode": False})
ANSWER = "this host knows no application"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "state" / "code"
    installed_code.install(str(place), DIGEST)
    return place


def sent(folder: Path, digest: str = DIGEST) -> subprocess.CompletedProcess[str]:
    """A call as a controller makes it: with the launcher in front of the request."""
    launcher = Path(launch.__file__).read_text()
    program = f"import sys; exec(sys.stdin.buffer.read({len(launcher.encode())}))"
    command = [sys.executable, "-I", "-S", "-c", program, "info", str(folder), digest]
    return subprocess.run(command, input=launcher + REQUEST, capture_output=True, text=True, check=False)


def kept(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A call as a unit of the host makes it."""
    command = [sys.executable, "-I", "-S", str(folder / "launch.py"), *words]
    return subprocess.run(command, input=REQUEST, capture_output=True, text=True, check=False)


def test_it_runs_without_ansible_and_answers_in_json(folder: Path) -> None:
    done = sent(folder)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["failed"]
    assert ANSWER in result["msg"]


def test_units_run_the_copy_of_the_launcher_whatever_version_it_is(folder: Path) -> None:
    assert ANSWER in json.loads(kept(folder, "info", str(folder), "any").stdout)["msg"]
    done = kept(folder, "auto-rollback", str(folder), "any", "no-such-application")
    assert done.returncode == 1
    assert ANSWER in done.stderr


def test_only_root_reads_or_writes_it(folder: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes == {"code": 0o700, "modules": 0o600, "sources": 0o600, "launch.py": 0o600}


def test_what_needs_ansible_does_not_stay(folder: Path) -> None:
    names = set(launch.load(str(folder), DIGEST)[0])
    calls = "mas_ops._releases.adapters"
    assert {"mas_ops", f"{calls}.command", f"{calls}.auto_rollback", f"{calls}.call"} <= names
    assert not any(name.endswith("ansible_module") for name in names)


def test_what_is_there_is_left_alone(folder: Path) -> None:
    before = (folder / "modules").stat()
    installed_code.install(str(folder), DIGEST)
    assert (folder / "modules").stat() == before


def _truncated(folder: Path) -> None:
    os.truncate(folder / "modules", (folder / "modules").stat().st_size - 1)


def _emptied(folder: Path) -> None:
    os.truncate(folder / "modules", 0)


def _one_bit(folder: Path) -> None:
    data = bytearray((folder / "modules").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "modules").write_bytes(data)


def _modules_gone(folder: Path) -> None:
    (folder / "modules").unlink()


def _launcher_gone(folder: Path) -> None:
    (folder / "launch.py").unlink()


def _launcher_changed(folder: Path) -> None:
    with (folder / "launch.py").open("a") as stream:
        stream.write("# more\n")


def _all_gone(folder: Path) -> None:
    shutil.rmtree(folder)


def _file_for_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file")


def _folder_for_file(folder: Path) -> None:
    (folder / "modules").unlink()
    (folder / "modules" / "in").mkdir(parents=True)


def _pipe_for_file(folder: Path) -> None:
    (folder / "modules").unlink()
    os.mkfifo(folder / "modules")


def _link_for_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")


def _link_into_nothing(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to("none")


def _link_for_file(folder: Path) -> None:
    (folder / "modules").rename(folder.parent / "modules")
    (folder / "modules").symlink_to("../modules")


def _open_folder(folder: Path) -> None:
    folder.chmod(0o770)


def _open_file(folder: Path) -> None:
    (folder / "modules").chmod(0o622)


def _others_folder(folder: Path) -> None:
    os.chown(folder, 1, 1)


def _others_file(folder: Path) -> None:
    os.chown(folder / "modules", 1, 1)


def _other_version(folder: Path) -> None:
    data = launch.pack(launch.load(str(folder), DIGEST), (folder / "launch.py").read_bytes(), "f" * 16)
    (folder / "modules").write_bytes(data)


def _other_python(folder: Path) -> None:
    data = (folder / "modules").read_bytes().partition(b"\n")[2]
    data = data.replace(importlib.util.MAGIC_NUMBER.hex().encode(), b"03f30d0a", 1)
    seal = launch.hashlib.sha256(data).hexdigest().encode()
    (folder / "modules").write_bytes(seal + b"\n" + data)


DAMAGE = [
    *(_truncated, _emptied, _one_bit, _modules_gone, _launcher_gone, _launcher_changed, _all_gone),
    *(
        _file_for_folder,
        _folder_for_file,
        _pipe_for_file,
        _link_for_folder,
        _link_into_nothing,
        _link_for_file,
    ),
    *(_open_folder, _open_file, _other_version, _other_python),
]
OWNERS = [_others_folder, _others_file]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize("damage", [*DAMAGE, *(pytest.param(each, marks=needs_root) for each in OWNERS)])
def test_damaged_code_is_not_run_and_replaced(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder)
    done = sent(folder)
    assert (done.returncode, done.stdout) == (launch.NOT_INSTALLED, "")
    assert "no code on this host can be run" in done.stderr
    installed_code.install(str(folder), DIGEST)
    assert sorted(path.name for path in folder.iterdir()) == ["launch.py", "modules", "sources"]
    assert ANSWER in sent(folder).stdout
    assert ANSWER in kept(folder, "info", str(folder), "any").stdout


def test_units_go_on_after_an_upgrade_of_python(folder: Path) -> None:
    """Without its units a slot stays out of the proxy from the next boot on."""
    _other_python(folder)
    assert sent(folder).returncode == launch.NOT_INSTALLED
    assert ANSWER in json.loads(kept(folder, "info", str(folder), "any").stdout)["msg"]
    done = kept(folder, "slot-down", str(folder), "any", "no-such-application", "blue")
    assert "no-such-application, slot blue, ended" in done.stderr
    data = (folder / "sources").read_bytes()
    (folder / "sources").write_bytes(data.replace(b"mas_ops", b"mas-ops", 1))
    done = kept(folder, "info", str(folder), "any")
    assert (done.returncode, done.stdout) == (launch.NOT_INSTALLED, "")
    assert "sources is damaged" in done.stderr


def test_an_update_of_the_same_python_changes_nothing(folder: Path) -> None:
    label = (folder / "modules").read_bytes().split(b"\n")[1]
    assert label == f"{DIGEST} {importlib.util.MAGIC_NUMBER.hex()}".encode()


def test_text_that_is_lost_is_written_anew(folder: Path) -> None:
    (folder / "sources").unlink()
    installed_code.install(str(folder), DIGEST)
    assert (folder / "sources").is_file()


@pytest.mark.parametrize("damage", [_truncated, _one_bit, _modules_gone])
def test_the_automatic_rollback_runs_no_damaged_code_and_says_so(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder)
    done = kept(folder, "auto-rollback", str(folder), "any", "no-such-application")
    assert done.returncode == launch.NOT_INSTALLED
    assert "no code on this host can be run" in done.stderr
    assert str(folder) in done.stderr


def test_other_versions_and_what_was_left_half_written_go(folder: Path) -> None:
    (folder / "1111").mkdir()
    (folder / ".modules.abc").write_text("half")
    installed_code.install(str(folder), "f" * 16)
    assert sorted(path.name for path in folder.iterdir()) == ["launch.py", "modules", "sources"]
    assert sent(folder).returncode == launch.NOT_INSTALLED
    assert ANSWER in sent(folder, "f" * 16).stdout


def test_a_folder_above_that_others_write_to_is_an_error_that_says_which(folder: Path) -> None:
    folder.parent.chmod(0o777)
    assert sent(folder).returncode == launch.NOT_INSTALLED
    with pytest.raises(StorageError, match=f"users other than root can write to {folder.parent}"):
        installed_code.install(str(folder), DIGEST)


@pytest.mark.parametrize("state, needed", [("staged", True), ("live", True), ("rolled_back", False)])
def test_a_way_back_does_not_need_the_room(monkeypatch: pytest.MonkeyPatch, state: str, needed: bool) -> None:
    """What it leaves on the host only makes the next call quicker."""

    class Layout:
        code = "/proc/none"

    def release(_params: object, _check: bool, before: Callable[[Layout], None]) -> str:
        before(Layout())
        return "went on"

    monkeypatch.setattr(call, "release", release)
    params = {"state": state, "code_digest": DIGEST}
    if not needed:
        assert command.release_as_module(params, False) == "went on"  # type: ignore[comparison-overlap]
        return
    with pytest.raises(OpsError):
        command.release_as_module(params, False)


_COUNT = """
import sys
call, launcher, folder, digest = sys.argv
code = {"__name__": "launch"}
exec(compile(open(launcher).read(), launcher, "exec"), code)
modules, generated = code["load"](folder, digest)
if sys.stdin.read():
    code["hasten"](generated)
sys.meta_path.insert(0, code["Importer"](modules))
compiled = []
sys.addaudithook(lambda event, args: event == "compile" and "__create_fn__" in str(args[0]) and compiled.append(args))
import mas_ops._releases.adapters.call
from mas_ops._releases.sockets import Ownership
print(len(compiled), Ownership(True, "x") == Ownership(True, "x"), repr(Ownership(own=True)))
"""


def test_a_call_compiles_nothing_that_was_generated_before(folder: Path) -> None:
    def compiled(hastened: str) -> str:
        command = [sys.executable, "-I", "-S", "-c", _COUNT, launch.__file__, str(folder), DIGEST]
        return subprocess.run(command, input=hastened, capture_output=True, text=True, check=True).stdout

    assert compiled("yes") == "0 True Ownership(own=True, stranger='')\n"
    assert int(compiled("").split()[0]) > 100


def test_what_is_not_known_is_compiled_as_ever() -> None:
    """By another version of the same Python, for example. And the recording leaves nothing behind."""
    script = (
        "import marshal, sys\n"
        "code = {'__name__': 'launch'}\n"
        "exec(open(sys.argv[1]).read(), code)\n"
        "code['hasten'](marshal.dumps({'def other(): pass': None}))\n"
        "import dataclasses\n"
        "One = dataclasses.make_dataclass('One', ['a'], frozen=True)\n"
        "print(One(1) == One(1), One(2))\n"
    )
    command = [sys.executable, "-I", "-S", "-c", script, launch.__file__]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True One(a=2)\n"


@pytest.mark.usefixtures("folder")
def test_an_installation_leaves_the_process_as_it_was() -> None:
    assert "exec" not in vars(dataclasses)
    assert not [name for name in sys.modules if name.startswith(launch.ROOT)]
    assert not [found for found in sys.meta_path if isinstance(found, launch.Importer)]
