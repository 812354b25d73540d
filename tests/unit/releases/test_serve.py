"""The resident: calls made by a process that has the code loaded, and by the caller where there is none."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import door, move_in

Start = Callable[..., subprocess.Popen[bytes]]
#: A resident whose calls say who makes them, or do what they are told.
RESIDENT = """
import os, signal, socket, sys, time
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import serve

def make(call, text):
    if text == b"fail":
        raise RuntimeError("nobody foresaw this")
    if text == b"die":
        os.kill(os.getpid(), signal.SIGKILL)
    if text.startswith(b"touch "):
        open(text[6:], "w").close()
    if text.startswith(b"sleep"):
        time.sleep(float(text[5:]))
    return b"{%d %s %s}" % (os.getpid(), call.encode(), os.environb.get(b"PROXY", b"none"))

sys.exit(serve.serve(make, "code-1", socket.socket(fileno=int(sys.argv[1])), float(sys.argv[2])))
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "resident.sock")


@pytest.fixture
def start(path: str) -> Iterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def resident(idle: float = 30.0, words: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            handle = listener.fileno()
            command = [sys.executable, *(words or ("-c", RESIDENT, str(handle), str(idle)))]
            running.append(subprocess.Popen(command, pass_fds=[handle], stderr=subprocess.PIPE))
        return running[-1]

    yield resident
    for process in running:
        process.kill()
        process.communicate()


def test_each_call_is_a_process_of_its_own(start: Start, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resident = start()
    monkeypatch.setenv("PROXY", "here")
    answers = [door.ask(path, "info", "code-1", b"") for _ in range(2)]
    pids = [int(answer[1:].split()[0]) for answer in answers if answer]
    assert len({*pids, resident.pid}) == 3
    assert all(answer and answer.endswith(b" info here}") for answer in answers), (
        "with the caller's environment"
    )


def test_nobody_there(path: str) -> None:
    assert door.ask(path, "info", "code-1", b"") is None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
    assert door.ask(path, "info", "code-1", b"") is None


def test_other_code_is_not_run_and_the_resident_makes_room(start: Start, path: str) -> None:
    resident = start()
    assert door.ask(path, "info", "code-2", b"sleep9") is None
    assert resident.wait(timeout=10) == 0


def test_while_it_waits_for_its_last_calls_it_sends_others_away_at_once(start: Start, path: str) -> None:
    resident = start()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(door.ask, path, "info", "code-1", b"sleep3")
        time.sleep(0.5)
        began = time.monotonic()
        assert door.ask(path, "info", "code-2", b"") is None
        while door.ask(path, "info", "code-1", b"") is not None:
            time.sleep(0.1)
        assert door.ask(path, "info", "code-2", b"") is None
        assert time.monotonic() - began < 2.4, "nobody waits for the slow call"
        assert (slow.result() or b"").startswith(b"{")
    assert resident.wait(timeout=10) == 0


def test_who_does_not_take_a_call_in_time_does_not_begin_it(
    start: Start, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident = start()
    os.kill(resident.pid, signal.SIGSTOP)
    monkeypatch.setattr(door, "_PATIENCE", 0.2)
    assert door.ask(path, "info", "code-1", f"touch {tmp_path / 'begun'}".encode()) is None
    os.kill(resident.pid, signal.SIGCONT)
    assert (door.ask(path, "info", "code-1", b"") or b"").startswith(b"{")
    assert not (tmp_path / "begun").exists()
    assert door.ask(path, "info", "code-1", f"touch {tmp_path / 'begun'}".encode())
    assert (tmp_path / "begun").exists()


def test_it_goes_when_nobody_calls_but_not_while_a_call_is_made(start: Start, path: str) -> None:
    resident = start(idle=0.2)
    began = time.monotonic()
    assert (door.ask(path, "info", "code-1", b"sleep1.5") or b"").startswith(b"{")
    assert time.monotonic() - began >= 1.5
    assert resident.wait(timeout=10) == 0


def test_what_nobody_foresaw_is_told_and_ends_only_that_call(start: Start, path: str) -> None:
    start()
    assert b"RuntimeError: nobody foresaw this" in (door.ask(path, "info", "code-1", b"fail") or b"")
    assert door.ask(path, "info", "code-1", b"die") == b"", "begun, and without an answer"
    assert (door.ask(path, "info", "code-1", b"") or b"").startswith(b"{")


def test_who_says_nothing_or_nonsense_does_no_harm(start: Start, path: str) -> None:
    start()
    for said in (b"", b"GET / HTTP/1.0", b"5 a"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(path)
            line.sendall(said)
    assert (door.ask(path, "info", "code-1", b"") or b"").startswith(b"{")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """As on a host: .../APPLICATION/resident/DIGEST."""
    residence = tmp_path / "no-such-application" / "resident"
    move_in.install(str(residence), "code-1")
    return residence / "code-1" / "__main__.py"


def run(installed: Path, call: str = "info") -> subprocess.CompletedProcess[bytes]:
    asked = json.dumps({"params": {"application": "no-such-application"}, "check_mode": False}).encode()
    command = [sys.executable, "-I", "-S", str(installed), call]
    return subprocess.run(command, input=asked, capture_output=True, check=False, timeout=30)


def test_the_caller_does_it_itself_where_there_is_no_resident(installed: Path) -> None:
    done = run(installed)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "this host knows no application" in json.loads(done.stdout)["msg"]


def test_the_installed_code_serves_itself(
    installed: Path, start: Start, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket is where systemd would put it; here it is handed over as file 3."""
    resident = start(words=("-c", HANDED_OVER, str(installed)))
    answer = door.ask(path, "info", "code-1", b'{"params": {"application": "x"}, "check_mode": false}')
    assert json.loads(answer or b"")["failed"]
    assert resident.poll() is None
    code = (installed.parent / "mas_ops/_releases/adapters/door.py").read_text()
    (installed.parent / "mas_ops/_releases/adapters/door.py").write_text(
        code.replace("/run/mas/{application}-resident.sock", path)
    )
    assert "this host knows no application" in json.loads(run(installed).stdout)["msg"]
    os.kill(resident.pid, signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(
            [sys.executable, "-I", "-S", str(installed), "info"], input=b"{}", timeout=1, check=False
        )
    os.kill(resident.pid, signal.SIGCONT)


HANDED_OVER = """
import os, runpy, sys
handle = next(fd for fd in range(3, 64) if os.path.exists(f"/proc/self/fd/{fd}") and "socket" in os.readlink(f"/proc/self/fd/{fd}"))
os.dup2(handle, 3)
sys.argv = [sys.argv[1], "serve"]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
