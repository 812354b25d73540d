"""What HAProxy's service runs after each start: whoever read the files too early hears what they say now."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters import config_files, keep_out
from ansible_collections.mas.ops.plugins.module_utils._traffic.settings import (
    IN,
    OUT,
    render_state,
    state_file,
)
from ansible_collections.mas.ops.tests.unit.traffic.fake_proxy import Proxy, listening

ASK = "show info"


def order(slot: str, application: str = "agents") -> str:
    return f"{ASK}; set server {application}/{slot} state maint"


class Place:
    """The files of a host, and its proxy."""

    def __init__(self, folder: Path) -> None:
        self.proxy = Proxy()
        self.proxy.process = os.getpid()
        self.folder, self.socket = str(folder / "conf.d"), str(folder / "s")
        Path(self.folder).mkdir()

    def say(self, slot: str, state: str, application: str = "agents") -> None:
        path = state_file(f"{self.folder}/10-x-split.cfg", application, slot)
        Path(path).write_text(render_state(application, slot, state))

    def orders(self) -> set[str]:
        return {asked for asked in self.proxy.asked if asked != ASK}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    with listening(tmp_path / "s", found.proxy):
        yield found


def test_what_is_out_is_ordered_out_and_nothing_else(place: Place) -> None:
    """Slots come in by their own units only."""
    place.say("blue", OUT)
    place.say("green", IN)
    place.say("green", OUT, "my-shop")
    assert keep_out.keep_out(place.folder, place.socket, 0.0)
    assert place.orders() == {order("blue"), order("green", "my-shop")}


@pytest.mark.parametrize(
    "text", ["", "rubbish", "global\n    setenv\n", "setenv MAS_OTHERS_BLUE_STATE disabled", "\0\xff"]
)
def test_a_damaged_file_says_nothing(place: Place, text: str) -> None:
    Path(place.folder, "10-agents-blue-state.cfg").write_text(text)
    for name in ("10-agents-state.cfg", "10-agents-red-state.cfg", "10-blue-state.cfg", "20-agents.cfg"):
        Path(place.folder, name).write_text(render_state("agents", "blue", OUT))
    Path(place.folder, "10-shop-blue-state.cfg").symlink_to("/none")
    Path(place.folder, "10-shop-green-state.cfg").mkdir()
    assert keep_out.keep_out(place.folder, place.socket, 0.0)
    assert place.orders() == set()


def test_a_process_that_does_not_know_the_slot_hears_of_the_others(place: Place) -> None:
    place.say("blue", OUT, "gone")
    place.say("green", OUT)
    assert keep_out.keep_out(place.folder, place.socket, 0.0)
    assert order("green") in place.orders()


def test_the_process_before_is_not_taken_for_the_new_one(place: Place) -> None:
    """The slot goes out while that one answers: its hook ordered it, and not the one that read the files before."""
    place.say("blue", IN)
    before, heard = os.getpid(), list[tuple[int, str]]()
    with subprocess.Popen(["sleep", "60"]) as new:
        speak = place.proxy.speak

        def switching(command: str) -> bytes:
            if len(heard) == 3:
                place.say("blue", OUT)
            # Both have the socket for a moment.
            place.proxy.process = new.pid if len(heard) in (5, 7) or len(heard) > 8 else before
            heard.append((place.proxy.process, command))
            return speak(command)

        place.proxy.speak = switching  # type: ignore[method-assign]
        since = keep_out._started(str(new.pid))
        assert keep_out.keep_out(place.folder, place.socket, since)
        new.kill()
    assert heard[-1] == (new.pid, order("blue"))


def test_what_is_written_while_both_answer_reaches_the_new_one(place: Place) -> None:
    """It was ordered, and the process before took the order."""
    place.say("blue", IN)
    speak = place.proxy.speak

    def late(command: str) -> bytes:
        place.say("blue", OUT)
        return speak(command)

    place.proxy.speak = late  # type: ignore[method-assign]
    assert keep_out.keep_out(place.folder, place.socket, 0.0)
    assert place.proxy.asked == [ASK, order("blue")]


@pytest.mark.parametrize("answer", [b"", b"Pid: 0\n", b"Pid: x\n", b"Permission denied\n"])
def test_a_proxy_that_does_not_say_who_it_is_is_waited_for_in_bounds(place: Place, answer: bytes) -> None:
    place.say("blue", OUT)
    place.proxy.answer = answer
    begin = time.monotonic()
    assert not keep_out.keep_out(place.folder, place.socket, 0.0, wait=0.2)
    assert time.monotonic() - begin < 2


def test_a_proxy_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    """systemd starts it again only then."""
    place = Place(tmp_path)
    place.say("blue", OUT)
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    begin = time.monotonic()
    assert not keep_out.keep_out(place.folder, place.socket, 0.0, master=str(gone.pid))
    assert time.monotonic() - begin < 1


def test_the_program_as_the_host_has_it(place: Place, tmp_path: Path) -> None:
    """Alone, without the collection, and quick."""
    text = config_files.look({}).keep_out
    program = tmp_path / "keep_out.py"
    program.write_text(text)
    place.say("blue", OUT)
    words = [sys.executable, "-I", "-S", str(program), "start", place.folder]
    assert subprocess.run([*words, place.socket], check=False).returncode == 0
    assert place.orders() == {order("blue")}
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import keep_out; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"re", "socket", "subprocess", "typing", "json"} & set(loaded)
