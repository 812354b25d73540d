"""The callback in real runs of ansible-playbook: on a terminal, and into a file."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.mas.ops.plugins.plugin_utils.progress.adapters import terminal

from tests.unit.progress.terminal import Terminal

PLAYBOOK = Path(__file__).with_name("site.yml")
WIDTH, HEIGHT = 110, 24


class Runs:
    """Runs of the playbook on two hosts that are this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history = folder / "state/mas.ops/progress.json"
        (folder / "inventory").write_text("web1\nweb2\n")

    def command(self, *options: str, fails: str = "[]", moment: int = 0) -> list[str]:
        extra = f'{{"folder": "{self.folder}", "fails": {fails}, "moment": {moment}, "application_name": "agents"}}'
        program = Path(sys.executable).with_name("ansible-playbook")
        return [str(program), "-i", str(self.folder / "inventory"), "-e", extra, *options, str(PLAYBOOK)]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        own = {
            "ANSIBLE_STDOUT_CALLBACK": "mas.ops.progress", "ANSIBLE_HOME": str(self.folder / "ansible"),
            "XDG_STATE_HOME": str(self.folder / "state"), "LC_ALL": "C.UTF-8", "TERM": "xterm",
        }  # fmt: skip
        return {**kept, **own, **more}

    def plain(self, *options: str, fails: str = "[]", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*options, fails=fails), env=self.environment(**more), capture_output=True, text=True,
            check=False, timeout=100,
        )  # fmt: skip

    def live(self, *options: str, fails: str = "[]", **more: str) -> tuple[int, list[str], Terminal]:
        """:returns: the exit status, what was on the screen at each moment, and the screen at the end"""
        command = self.command(*options, fails=fails, moment=1)
        child, master = pty.fork()
        if child == 0:
            os.execve(command[0], command, self.environment(**more))
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        screen, seen, text = Terminal(WIDTH, HEIGHT), [], b""
        while True:
            try:
                text += os.read(master, 65536)
            except OSError:
                break
            # A whole picture ends like this; what is read in between may be half of one.
            whole, ending, rest = text.rpartition(b"\x1b[J")
            screen.feed((whole + ending).decode())
            seen.append(screen.text)
            text = rest
        screen.feed(text.decode())
        os.close(master)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen, screen


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_a_log(runs: Runs) -> None:
    first = runs.plain("--diff")
    assert first.returncode == 0, first.stdout
    assert "\x1b" not in first.stdout
    lines = first.stdout.splitlines()
    assert lines[0] == "site agents, 2 hosts"
    assert "web2: hello from web2" in lines
    assert "web1: Write files" in lines
    assert "+one" in lines
    assert "    The playbook continues." in lines
    assert "web1: caught it" in lines
    assert any(line.endswith("] Write files: 2 ok") for line in lines)
    assert lines[-1].startswith("site agents: 2 done after ")
    kept = json.loads(runs.history.read_text())["site agents"]
    assert [run["hosts"] for run in kept] == [2]
    assert "play:Anything" in kept[0]["marks"]
    # the second one knows how long it takes; a check mode does not count
    assert " left" in runs.plain().stdout.splitlines()[0]
    runs.plain("--check")
    assert len(json.loads(runs.history.read_text())["site agents"]) == 2


def test_failures_in_a_log(runs: Runs) -> None:
    run = runs.plain(fails='["web1"]')
    assert run.returncode == 2
    output = run.stdout
    assert (
        "web1 failed: Stage 1.0.0\n    this host knows no application 'nothing-here' (/etc/mas/nothing"
        in output
    )
    inventory = runs.folder / "inventory"
    advice = (
        f"Provision it: ansible-playbook mas.ops.provision -i {inventory} -e application_name=nothing-here"
    )
    assert advice in output
    assert any(
        line.split()[1:] and "stage    web1 failed" in line
        for line in output.splitlines()
        if line.startswith("[")
    )
    assert output.splitlines()[-1].startswith("site agents: 1 failed, 1 done after ")
    assert not runs.history.exists()


def test_a_terminal(runs: Runs) -> None:
    runs.plain()
    status, seen, screen = runs.live()
    assert status == 0, screen.text
    # the hosts while they work, with the time that is left
    moments = [text for text in seen if "Take a moment" in text]
    assert any("web1  Take a moment" in text and " left" in text for text in moments)
    final = screen.text.splitlines()
    assert final[-1].startswith("site agents: 2 done after ")
    assert [line.split()[0] for line in final[-5:-1]] == ["site", "host", "web1", "web2"]
    # one board at each moment, and messages above it
    for text in seen:
        assert text.count("host  now") <= 1
    above = screen.text[: screen.text.index("host  now")]
    assert "web1: hello from web1" in above
    assert "web2: hello from web2" in above


def test_failures_on_a_terminal(runs: Runs) -> None:
    status, _, screen = runs.live(fails='["web2"]')
    assert status == 2
    board = screen.text.index("host  stage")
    failure = screen.text.index("web2 failed: Stage 1.0.0")
    assert failure < board
    assert "web2  ✗" in screen.text[board:]
    assert "failed" in screen.text[board:]
    assert "web1             done" in screen.text[board:]


def test_secrets_stay_hidden(runs: Runs, tmp_path: Path) -> None:
    site = tmp_path / "secret.yml"
    site.write_text(
        "- hosts: web1\n  connection: local\n  gather_facts: false\n  tasks:\n"
        "    - name: Hide\n      ansible.builtin.fail: {msg: hunter2}\n      no_log: true\n"
    )
    command = [*runs.command()[:-1], str(site)]
    run = subprocess.run(
        command, env=runs.environment(), capture_output=True, text=True, check=False, timeout=100
    )
    assert "web1 failed: Hide" in run.stdout
    assert "hidden due to" in run.stdout
    assert "hunter2" not in run.stdout + run.stderr


def test_who_asks_for_plain_lines_gets_them_on_a_terminal_too(runs: Runs) -> None:
    status, _, screen = runs.live(NO_COLOR="1")
    assert status == 0
    assert "host  now" not in screen.text
    assert "] Take a moment: 1 ok" in screen.text


def test_where_lines_can_be_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.sys, "stdout", SimpleNamespace(isatty=lambda: True))
    assert terminal.is_live({"TERM": "xterm"})
    for plain in ({"NO_COLOR": "1"}, {"CI": "true"}, {"TERM": "dumb"}):
        assert not terminal.is_live(plain)
    monkeypatch.setattr(terminal.sys, "stdout", SimpleNamespace(isatty=lambda: False))
    assert not terminal.is_live({"TERM": "xterm"})


def test_verbose_is_the_default_output(runs: Runs) -> None:
    run = runs.plain("-v")
    assert "TASK [Take a moment]" in run.stdout
    assert "PLAY RECAP" in run.stdout
    assert "site agents" not in run.stdout


def test_another_screen_output_is_left_alone(runs: Runs) -> None:
    """As under ansible-runner and AWX, which bring their own: ours is not loaded beside it."""
    run = runs.plain(ANSIBLE_STDOUT_CALLBACK="minimal", ANSIBLE_CALLBACKS_ENABLED="mas.ops.progress")
    assert run.returncode == 0
    assert "site agents" not in run.stdout
    assert not runs.history.exists()
