"""The controller's end of the agent in a host: see agent.py."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

from bed import HERE, Bed, BedError

_CODE = (Path(__file__).resolve().parent / "agent.py").read_text()
_ANSWER = 30.0


class Gone(BedError):
    """The agent's host was stopped, or does not answer."""


class Agent:
    """One host's agent. Commands are answered in order; a trap reports when it was sprung."""

    def __init__(self, bed: Bed, name: str) -> None:
        self.name = name
        self._bed = bed
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._hits: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread()
        self._traps = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Again after a boot of the host, too."""
        self.stop()
        container = self._bed.host(self.name).container
        command = [str(HERE / "env.sh"), "podman", "exec", "--interactive", container]
        self._process = subprocess.Popen(
            [*command, "python3", "-u", "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._answers, self._hits = queue.Queue(), queue.Queue()
        reading = (self._process, self._answers, self._hits)
        self._reader = threading.Thread(target=self._read, args=reading, daemon=True)
        self._reader.start()
        self._take(self._answers, _ANSWER)

    def stop(self) -> None:
        if self._process and self._process.stdin:
            # The end of its input is the end of the agent.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
            self._process.wait()
            self._reader.join(5)
        self._process = None

    @staticmethod
    def _read(
        process: subprocess.Popen[str],
        answers: queue.Queue[dict[str, Any]],
        hits: queue.Queue[dict[str, Any]],
    ) -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                message = json.loads(line)
                (hits if "trap" in message else answers).put(message)
        answers.put({})

    def _take(self, source: queue.Queue[dict[str, Any]], seconds: float) -> dict[str, Any]:
        try:
            message = source.get(timeout=seconds)
        except queue.Empty:
            raise Gone(f"{self.name}: no answer within {seconds:g} s") from None
        if not message:
            raise Gone(f"{self.name}: the host is gone")
        return message

    def _send(self, command: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None:
            raise Gone(f"{self.name}: no agent")
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Gone(f"{self.name}: the host is gone") from error

    def _ask(self, command: dict[str, Any]) -> Any:
        with self._lock:
            self._send(command)
            return self._take(self._answers, _ANSWER)["answer"]

    def snapshot(self) -> dict[str, Any]:
        """See agent.snapshot()."""
        return dict(self._ask({}))

    def run(self, *command: str) -> str:
        """One command in the host; its output, or BedError with its complaint."""
        done = self._ask({"run": command})
        if done["status"]:
            raise BedError(f"{self.name}: {' '.join(command)}: {done['output']}")
        return str(done["output"])

    def kill_modules(self) -> None:
        self._ask({"signal": int(signal.SIGKILL)})

    def thaw(self) -> None:
        """Continue the modules that the trap stopped."""
        self._ask({"signal": int(signal.SIGCONT)})

    def trap(self, when: str, what: str, seconds: float) -> None:
        """Have every module of the host stopped as soon as the condition holds, see agent.condition()."""
        self._traps += 1
        self._send({"trap": self._traps, "when": when, "what": what, "seconds": seconds})

    def hit(self, seconds: float) -> float:
        """Wait for the last trap: when it was sprung, on the monotonic clock that host and controller share.

        :raises Gone: it was not
        """
        while True:
            message = self._take(self._hits, seconds)
            if message["trap"] == self._traps:
                break
        if not message["hit"]:
            raise Gone(f"{self.name}: the point was never reached")
        return float(message["at"])
