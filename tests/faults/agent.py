"""Runs inside a host, past its network: reports what state the host is in, and stops a release at an exact point.

One JSON object a line on the standard input is a command, one on the standard output an answer or a hit. Plain
Python 3.9 without a package: the text of this file is what the host's own Python is given.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

APPLICATION = "agents"
STATE = f"/var/lib/mas/{APPLICATION}"
LEDGER = "/var/lib/mas/ledger.jsonl"
SPLIT = "/etc/haproxy/conf.d/10-agents-split.cfg"
SLOTS = ("blue", "green")
POLL = 0.002
_SAYING = threading.Lock()


def say(message: dict[str, Any]) -> None:
    with _SAYING:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def read(name: str) -> dict[str, Any]:
    """A state file; empty when it is not there, or is just being replaced."""
    try:
        with open(os.path.join(STATE, name), encoding="utf-8") as stream:
            return dict(json.load(stream))
    except (OSError, ValueError):
        return {}


def operation() -> dict[str, Any]:
    return read("state.json").get("operation") or {}


def split() -> list[str]:
    """The words of the file that keeps the split of the traffic."""
    try:
        with open(SPLIT, encoding="utf-8") as stream:
            return stream.read().split()
    except OSError:
        return []


def last_action() -> str:
    """Of the ledger."""
    try:
        with open(LEDGER, "rb") as stream:
            stream.seek(max(0, os.path.getsize(LEDGER) - 16384))
            return str(json.loads(stream.read().splitlines()[-1]).get("action"))
    except (OSError, ValueError, IndexError):
        return ""


def modules() -> list[int]:
    """The processes that run a phase of a release: the code that stays on the host, or a module that was sent."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as stream:
                words = stream.read().decode(errors="replace").split("\0")[:-1]
        except OSError:
            continue
        if not words or "python3" not in os.path.basename(words[0]):
            continue
        installed = words[-3:-1] == ["release", f"{STATE}/code"]
        # Sent over a pipe it has no words, and sent as a file one.
        if installed or len(words) == 1 or ("-c" not in words and "AnsiballZ" in words[-1]):
            found.append(int(name))
    return found


def parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            return int(stream.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def send(pids: list[int], number: int) -> list[int]:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
    return pids


def condition(name: str, wanted: str) -> Callable[[], bool]:
    """What is waited for, as a question that costs next to nothing.

    ``step`` of the open operation; ``bake``: it watches a canary that has that percentage; ``ledger``: an entry of that action was written; ``confirming``: a module runs
    while a release waits for its confirmation; ``confirmed``: one did wait, and waits no longer.
    """
    before, armed = _size(LEDGER), os.path.join(STATE, "auto-rollback.json")
    seen, switching = {"armed": False}, set[int]()

    def confirmed() -> bool:
        there = os.path.exists(armed)
        seen["armed"] = seen["armed"] or there
        return seen["armed"] and not there

    def confirming() -> bool:
        if not os.path.exists(armed):
            return False
        if operation():
            switching.update(modules())
        # What has just been forked looks like its parent until it runs what it was made for.
        return not operation() and any(parent(pid) not in switching for pid in set(modules()) - switching)

    questions = {
        "step": lambda: operation().get("step") == wanted,
        "bake": lambda: operation().get("step") == "bake" and wanted in split(),
        "ledger": lambda: _size(LEDGER) != before and last_action() == wanted,
        "confirming": confirming,
        "confirmed": confirmed,
    }
    return questions[name]


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def trap(command: dict[str, Any]) -> None:
    """Wait, then stop every module of this host where it stands, and report."""
    met, end = condition(command["when"], command["what"]), time.monotonic() + command["seconds"]
    while not met():
        if time.monotonic() > end:
            say({"trap": command["trap"], "hit": False})
            return
        time.sleep(POLL)
    pids = send(modules(), signal.SIGSTOP)
    say({"trap": command["trap"], "hit": True, "at": time.monotonic(), "modules": pids})


def snapshot() -> dict[str, Any]:
    """Whether this host is at rest, and on which release."""
    state = read("state.json")
    live = state.get("live")
    units = [f"{APPLICATION}-{kind}@{slot}.service" for kind in ("api", "worker") for slot in SLOTS]
    done = subprocess.run(["systemctl", "is-active", *units], capture_output=True, text=True, check=False)
    return {
        "live": live,
        "held": {slot: os.path.basename(_link(slot)) for slot in SLOTS},
        "operation": state.get("operation"),
        "armed": read("auto-rollback.json"),
        "lease": read("lease.json"),
        "units": dict(zip(units, done.stdout.split(), strict=False)),
        "modules": modules(),
        "releases": sorted(os.listdir(f"/srv/{APPLICATION}/releases")),
    }


def _link(slot: str) -> str:
    try:
        return os.readlink(f"/srv/{APPLICATION}/slots/{slot}")
    except OSError:
        return ""


def run(command: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(command["run"], capture_output=True, text=True, check=False)
    return {"status": done.returncode, "output": done.stdout + done.stderr}


def main() -> None:
    say({"ready": os.getpid()})
    for line in sys.stdin:
        command = json.loads(line)
        if "trap" in command:
            threading.Thread(target=trap, args=(command,), daemon=True).start()
            continue
        if "signal" in command:
            answer: Any = send(modules(), command["signal"])
        elif "run" in command:
            answer = run(command)
        else:
            answer = snapshot()
        say({"answer": answer, "at": time.monotonic()})


if __name__ == "__main__":
    main()
